#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves that logits have the same bits wherever layers are computed: at the host, pinned at a device, or sent there.

For models made on the spot, `nmos logits` is run with many (--ram, --vram, --device), and its bytes are compared with
those of a run without a device. What it says with -v tells that the case in question did occur.
Usage: check_device.py NMOS FOLDER, the folder of stored models."""
import re
import sys
import tempfile
from pathlib import Path

import numpy as np

import golden_logits as golden

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import make_model  # pylint: disable=wrong-import-position

SMALL = "--layers 9 --d-model 256 --d-ff 512 --heads 4 --kv-heads 2 --vocab-size 300 --vocab bytes"
MODELS = {
    "llama F32": ("F32", "--arch llama"),
    "qwen2 Q4_K": ("Q4_K", "--arch qwen2"),
    "llama Q5_0, tied": ("Q5_0", "--arch llama --tied --kv-heads 1"),
}
EXPERTS = ("Q8_0", "--arch qwen3moe --head-dim 32 --experts 8 --experts-used 2 --d-expert 64")
TOKENS = [int(t) for t in np.random.default_rng(5).integers(0, 256, 70)]
CTX = ("--ctx", "96")

# Layers that fit at the device beside scratch and KV, whether the host has the least --ram that works, and the rest of
# the device's name.
CASES = [
    (99, False, ",8x"),
    (99, True, "@500MB/s,8x"),
    (4.2, False, ",2x"),
    (4.2, False, "@800MB/s,50x"),
    (4.2, True, ""),
    (2.2, False, "@20GB/s,50x"),
    (2.2, True, "@20GB/s,50x"),
    (3.2, True, ",50x"),
]
# Among all cases there must be some: (are shards pinned at the device, are some sent there, are some read from disk).
KINDS = {(True, False, False), (True, False, True), (True, True, False), (False, True, False), (False, True, True),
         (True, True, True)}


def make(folder, name, type_name, options):
    path = Path(folder) / (re.sub(r"\W+", "-", name) + ".gguf")
    make_model.make(make_model.arguments(["generic", type_name, str(path), *SMALL.split(), *options.split()]))
    return path


class Checker:
    def __init__(self, nmos, model):
        self.nmos, self.model = nmos, model
        self.want = self.run()[0]
        assert self.want
        self.scratch, self.layer = self.sizes()

    def run(self, *options):
        """(logits, stderr); no logits when the program refused."""
        status, data, message = golden.run(self.nmos, self.model, TOKENS, *CTX, "-v", *options)
        return (b"" if status else data), message

    def sizes(self):
        """Bytes of scratch and KV of all layers at the device, and of a layer, from a refusal and the file."""
        _, message = self.run("--vram", "10K", "--device", "sim:1G,8x", "--ram", "1G")
        scratch = int(re.search(r"scratch takes (\d+)", message)[1])
        layers = 0.97 * self.model.stat().st_size / 9
        return scratch + 9 * 70 * 2 * 128 * 4, layers

    def options(self, n_layers, is_least, device):
        options = ["--vram", str(int(self.scratch + n_layers * self.layer)), "--device", f"sim:1G{device}"]
        if not is_least:
            return [*options, "--ram", "1G"]
        _, message = self.run(*options, "--ram", "1")
        # What the program itself holds differs a little from run to run.
        return [*options, "--ram", str(int(re.search(r"make (\d+)", message)[1]) + (1 << 20))]

    def failures(self, kinds):
        """What went wrong; adds the kinds of cases to kinds."""
        found = []
        for n_layers, is_least, device in CASES:
            options = self.options(n_layers, is_least, device)
            data, message = self.run(*options)
            words = f"{self.model.name} {' '.join(options)}"
            if data != self.want:
                found.append(f"{words}: other bits than without a device; {message}")
            seen = re.search(r"(\d+) are pinned at the device and (\d+) sent there in every pass; (\d+) bytes",
                             message)
            if seen:
                kinds.add(tuple(int(n) > 0 for n in seen.groups()))
        return found


def unused_failures(nmos, model, words, options):
    """The device is not used, the program says why, and the logits are those without."""
    _, want, _ = golden.run(nmos, model, TOKENS, *CTX)
    status, data, message = golden.run(nmos, model, TOKENS, *CTX, *options)
    if status == 0 and data == want and words in message:
        return []
    return [f"{model.name} {' '.join(options)}: exit {status}, \"{words}\" expected; {message}"]


def main():
    args = golden.arguments(__doc__)
    failures, kinds = [], set()
    with tempfile.TemporaryDirectory() as folder:
        for name, (type_name, options) in MODELS.items():
            model = make(folder, name, type_name, options)
            failures += Checker(args.nmos, model).failures(kinds)
        failures += [f"no case of the kind {kind}" for kind in KINDS - kinds]
        failures += unused_failures(args.nmos, model, "the device is not used: of --vram 10000 bytes, scratch takes",
                                    ["--vram", "10K", "--device", "sim:1G,8x"])
        failures += unused_failures(args.nmos, make(folder, "experts", *EXPERTS), "experts are computed at the host",
                                    ["--vram", "1G", "--device", "sim:1G,8x"])
    golden.report(failures, len(MODELS) * len(CASES) + 2)


if __name__ == "__main__":
    main()
