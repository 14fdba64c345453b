# The front door. Everything real is in meson.build; this file installs what a fresh Debian 12 lacks.
PACKAGES := git gcc g++ clang meson ninja-build pkg-config python3 python3-numpy libpcre2-dev libjansson-dev \
	libsqlite3-dev libhnswlib-dev liburing-dev libedit-dev libmd-dev libcmocka-dev clang-format clang-tidy tmux
BUILD := build

all: build/nmos

build/nmos: $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet
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
	@bash tools/run_tests.sh

install: build/nmos
	@meson install -C $(BUILD) --no-rebuild --quiet

clean:
	rm -rf build build-*

.PHONY: all chat packages test install clean build/nmos
