#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves that keys and values on disk change no bit of a logit (invariant I1): tiny models of several architectures,
one with a sliding window, every type of the KV cache, all of it in memory and less than a third, for several
--chunk, --threads and --io. Usage: check_spill.py NMOS [FOLDER of more models]."""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import make_model  # pylint: disable=wrong-import-position

TINY = "--layers 3 --d-model 256 --d-ff 128 --heads 4 --kv-heads 2 --vocab-size 300 --vocab bytes --context 1024"
ARCHS = {
    "llama": "--arch llama --layers 2",
    "qwen3": "--arch qwen3 --head-dim 64",
    "qwen2moe": "--arch qwen2moe --experts 4 --experts-used 2 --d-expert 32 --d-shared-expert 32",
    "gemma2": "--arch gemma2 --tied --window 100 --layers 4",
}
CUTS = (("--chunk", "64", "--threads", "2"), ("--chunk", "37", "--threads", "1", "--io", "threads"))
N_TOKENS = 600


def logits(nmos, model, tokens, *options):
    """Bytes of the logits; of a failure, its sentence."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "logits.f32"
        done = subprocess.run(
            [nmos, "logits", "-m", model, "--tokens", ",".join(map(str, tokens)), "-o", out, *options],
            check=False, capture_output=True, text=True, env=os.environ | {"XDG_CACHE_HOME": folder})
        return out.read_bytes() if done.returncode == 0 else done.stderr.encode()


def plan(nmos, model, *options):
    """The plan; None where it is refused."""
    hw = Path(model).with_suffix(".hw.json")
    hw.write_text('{"ram_GiB": 1, "disk_GBps": 1, "memory_GBps": 10, "gmacs": 100}', encoding="ascii")
    done = subprocess.run([nmos, "plan", "-m", model, "--json", "--hw", hw, *options], check=False,
                          capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else None


def least_memory(nmos, model, least, *options):
    """(--kv-ram, its plan), the smallest share of the cache from `least` sixteenths on that will do."""
    whole = plan(nmos, model, *options)["kv_bytes"]
    for sixteenths in range(least, 16):
        n_bytes = str(whole * sixteenths // 16)
        planned = plan(nmos, model, *options, "--kv-ram", n_bytes)
        if planned:
            return n_bytes, planned
    return None, None


def failures_of(nmos, name, model, tokens, least):
    failures = []
    for kv in ("f32", "f16", "q8_0"):
        options = ("--kv", kv, "--ctx", str(len(tokens)))
        expected = logits(nmos, model, tokens, *options)
        ram, planned = least_memory(nmos, model, least, *options)
        if not planned:  # of tiny pages, rounded up for the disk, too few fit
            continue
        if planned["kv_bytes"] > int(ram) or planned["kv_disk_bytes"] <= planned["kv_bytes"]:
            failures.append(f"{name} {kv}: the plan has {planned['kv_bytes']} bytes of {ram}, "
                            f"{planned['kv_disk_bytes']} on disk")
        for cut in CUTS if kv == "f16" else CUTS[:1]:
            got = logits(nmos, model, tokens, *options, "--kv-ram", ram, *cut)
            if got != expected:
                failures.append(f"{name} {kv} {' '.join(cut)}: other logits; {got[:200]!r}")
    return failures


def main():
    nmos, folder = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    failures, n = [], 0
    tokens = [int(t) for t in np.random.default_rng(5).integers(0, 256, N_TOKENS)]
    with tempfile.TemporaryDirectory() as made:
        for name, options in ARCHS.items() if not folder else ():
            path = Path(made) / f"{name}.gguf"
            make_model.make(make_model.arguments(["generic", "Q8_0", str(path), *TINY.split(), *options.split()]))
            failures += failures_of(nmos, name, path, tokens, 5)
            n += 1
        for path in sorted(Path(folder).glob("*.gguf")) if folder else ():
            linked = Path(made) / path.name
            linked.symlink_to(path)
            if b"is not supported" in logits(nmos, linked, tokens[:2]):
                continue
            failures += failures_of(nmos, path.stem, linked, tokens[:450], 10)
            n += 1
    print(f"{n} models")
    print("\n".join(failures))
    return 77 if n == 0 else bool(failures)


if __name__ == "__main__":
    sys.exit(main())
