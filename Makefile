# The front door. Everything real is in meson.build; this file installs what a fresh Debian 12 lacks.
PACKAGES := gcc g++ meson ninja-build pkg-config python3 libpcre2-dev libjansson-dev libsqlite3-dev libhnswlib-dev \
	liburing-dev libedit-dev libmd-dev
TEST_PACKAGES := git clang libclang-rt-14-dev clang-format clang-tidy python3-numpy libcmocka-dev tmux
BUILD := build

all: build/nmos

build/nmos: $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet src/cli/nmos
	@ln -sf src/cli/nmos $(BUILD)/nmos

$(BUILD)/build.ninja: | packages
	@meson setup $(BUILD) > $(BUILD)-setup.log || { cat $(BUILD)-setup.log; exit 1; }
	@rm -f $(BUILD)-setup.log

packages:
	@sh tools/install_packages.sh $(PACKAGES)

# The shell on the bundled models; ARGS="-m FILE" for another one.
chat: build/nmos
	@$(BUILD)/nmos chat $(ARGS)

test: packages
	@sh tools/install_packages.sh $(TEST_PACKAGES)
	@bash tools/run_tests.sh

install: build/nmos
	@ninja -C $(BUILD) --quiet
	@meson install -C $(BUILD) --no-rebuild --quiet

clean:
	rm -rf build build-*

.PHONY: all chat packages test install clean build/nmos
