#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves, on tiny models made on the spot, that every architecture is exact and every weight type keeps its bits.

Architectures in F32 are compared with a float64 transformer (reference.py, which is itself first compared with
stored logits). Weight types: finite logits of a sane size. All: the same bytes for every --chunk,
--threads and --cpu (invariant I1), experts also with little memory. Usage: check_made.py NMOS FOLDER, the folder of stored models."""
import re
import sys
import tempfile
from pathlib import Path

import numpy as np

import golden_logits as golden
import reference

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import make_model  # pylint: disable=wrong-import-position
from make_model_blocks import FORMATS  # pylint: disable=wrong-import-position

TINY = "--layers 2 --d-model 256 --d-ff 512 --heads 4 --kv-heads 2 --vocab-size 300 --vocab bytes"
EXPERTS = "--experts 8 --experts-used 2 --d-expert 64"
ARCHS = {
    "llama": "--arch llama",
    "llama, tied, one head for keys": "--arch llama --tied --kv-heads 1",
    "llama, experts": f"--arch llama {EXPERTS} --d-ff 64",
    "qwen2": "--arch qwen2",
    "qwen2moe": f"--arch qwen2moe {EXPERTS} --d-shared-expert 96",
    "qwen3, wide heads": "--arch qwen3 --head-dim 96",
    "qwen3moe": f"--arch qwen3moe --head-dim 32 {EXPERTS}",
}
RAM_SHARES = (0, 0.1, 0.3, 0.6)  # of the file, beyond the least memory
RAM_SLACK = 400_000  # what the process holds before it plans differs from run to run,
RAM_TRIES = 5  # and under sanitizers by more than this now and then
EXPERT_GAP_MIN = 1e-3  # a choice of experts closer than this may fall differently in f32
SEQUENCE = [int(t) for t in np.random.default_rng(3).integers(0, 256, 24)]


def make(folder, name, type_name, options):
    path = Path(folder) / (name.replace(", ", "-").replace(" ", "-") + ".gguf")
    words = ["generic", type_name, str(path), *TINY.split(), *options.split()]
    make_model.make(make_model.arguments(words))
    return path


def reference_failures(folder):
    """reference.py agrees with the stored float64 logits, which another program made."""
    failures = []
    for case in golden.stored_cases(folder, ".ref64.f32"):
        logits = reference.Model(case.model).logits(case.tokens)
        distance = np.abs(logits - case.reference).max()
        if not distance < 1e-6:
            failures.append(f"reference.py on {case.name}: off by {distance:.3g}")
    return failures


def arch_failures(nmos, name, path, options):
    model = reference.Model(path)
    case = golden.Case(name, path, SEQUENCE, model.logits(SEQUENCE))
    assert model.min_expert_gap > EXPERT_GAP_MIN, f"{name}: choose another sequence"
    status, data, message = golden.run(nmos, path, SEQUENCE)
    if status:
        return [f"{name}: exit {status}: {message}"]
    failures = golden.accuracy_failures(case, np.frombuffer(data, "<f4")) + golden.cut_failures(nmos, case, data)
    return failures + (ram_failures(nmos, case, data) if "experts" in options else [])


def run_in_least_ram(nmos, case, extra, chunk):
    """The answer of golden.run in `extra` bytes more than the least --ram that the program names, and that --ram."""
    ram = 1
    for _ in range(RAM_TRIES):
        status, data, message = golden.run(nmos, case.model, case.tokens, "--ram", str(ram), "--chunk", chunk)
        refusal = re.search(r" is too little: .* make (\d+)", message)
        if not refusal:
            break
        ram = int(refusal[1]) + RAM_SLACK + extra
    return status, data, message, ram


def ram_failures(nmos, case, data):
    """The bytes of the logits are `data` with few slots for experts (fewer than a layer's rows want), more, and
    almost enough."""
    failures = []
    for share in RAM_SHARES:
        extra = int(share * case.model.stat().st_size)
        for chunk in ("1", "24"):
            status, other, message, ram = run_in_least_ram(nmos, case, extra, chunk)
            if status or other != data:
                why = message if status else "other bits than with enough memory"
                failures.append(f"{case.name} with --ram {ram} --chunk {chunk}: {why}")
    return failures


def type_failures(nmos, type_name, path):
    case = golden.Case(type_name, path, SEQUENCE, None)
    status, data, message = golden.run(nmos, path, SEQUENCE)
    if status:
        return [f"{type_name}: exit {status}: {message}"]
    logits = np.frombuffer(data, "<f4")
    if not np.isfinite(logits).all() or not 0.3 < logits.std() < 30:
        return [f"{type_name}: logits with deviation {logits.std():.3g}, not within 0.3 and 30"]
    return golden.cut_failures(nmos, case, data)


def main():
    args = golden.arguments(__doc__)
    failures = reference_failures(args.folder)
    with tempfile.TemporaryDirectory() as folder:
        for name, options in ARCHS.items():
            failures += arch_failures(args.nmos, name, make(folder, name, "F32", options), options)
        for type_name in FORMATS:
            failures += type_failures(args.nmos, type_name, make(folder, type_name, type_name, ""))
    golden.report(failures, len(ARCHS) + len(FORMATS))


if __name__ == "__main__":
    main()
