# SPDX-License-Identifier: MIT
"""What the checks of stored logits share: the cases of a folder, one `nmos logits` run, distances.

A case is NAME.sNN.json (tokens) beside NAME.gguf and a file of reference logits, float32 [n_tokens, n_vocab]:
NAME.sNN.ref64.f32 (float64 arithmetic) or NAME.sNN.exact.f32 (dequantised weights, f32 arithmetic).
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

SKIP = 77
TOLERANCE = 5e-4  # of f32 arithmetic against float64, in units of a logit
CPU_FLAG = {"scalar": None, "avx2": "avx2", "avx512": "avx512vnni"}
CUTS = (("--chunk", "1"), ("--chunk", "7"), ("--threads", "1"), ("--threads", "2"),
        ("--chunk", "7", "--threads", "2"))


@dataclass
class Case:
    """One model, one sequence of tokens, and the logits they should give (None: unknown)."""
    name: str
    model: Path
    tokens: list
    reference: np.ndarray
    stats: dict = field(default_factory=dict)  # how far peers are from the reference


def stored_case(path, suffix):
    """The case of NAME.sNN.json with the reference logits NAME.sNN + suffix."""
    info, name = json.loads(path.read_text()), path.name.removesuffix(".json")
    reference = np.fromfile(path.parent / (name + suffix), "<f4")
    return Case(name, path.parent / (name.rsplit(".", 1)[0] + ".gguf"), info["tokens"],
                reference.reshape(info["n_tokens"], info["n_vocab"]), info.get("stats", {}))


def stored_cases(folder, suffix):
    """The cases of a folder that have reference logits NAME.sNN + suffix."""
    paths = sorted(Path(folder).glob("*.s[0-9]*.json"))
    return [stored_case(p, suffix) for p in paths
            if p.with_name(p.name.removesuffix(".json") + suffix).exists()]


def cpu_levels():
    """The values of --cpu that this machine can run."""
    flags = Path("/proc/cpuinfo").read_text(encoding="ascii").replace("avx512_vnni", "avx512vnni").split()
    return [level for level, flag in CPU_FLAG.items() if flag is None or flag in flags]


def run(nmos, model, tokens, *options):
    """(exit status, bytes of the logits, stderr) of `nmos logits --kv f32`."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "logits.f32"
        done = subprocess.run(
            [nmos, "logits", "-m", model, "--tokens", ",".join(map(str, tokens)), "-o", out, "--kv", "f32",
             *options], check=False, capture_output=True, text=True,
            env=os.environ | {"XDG_CACHE_HOME": folder})
        return done.returncode, out.read_bytes() if out.exists() else b"", done.stderr.strip()


def accuracy_failures(case, logits):
    """Every logit within TOLERANCE of the reference, every top-1 the same."""
    if logits.size != case.reference.size:
        return [f"{case.name}: {logits.size} logits, expected {case.reference.size}"]
    logits = logits.reshape(case.reference.shape)
    distance = np.abs(logits.astype(np.float64) - case.reference)
    failures = []
    if not distance.max() <= TOLERANCE:  # also true for NaN
        row, column = np.unravel_index(np.argmax(distance), distance.shape)
        failures.append(f"{case.name}: logit [{row}, {column}] is {logits[row, column]:.6f}, expected "
                        f"{case.reference[row, column]:.6f} within {TOLERANCE}")
    n_same = int((logits.argmax(axis=1) == case.reference.argmax(axis=1)).sum())
    if n_same != len(logits):
        failures.append(f"{case.name}: top-1 of {n_same} of {len(logits)} tokens")
    return failures


def cut_failures(nmos, case, data):
    """The bytes of the logits are `data` for every --chunk, --threads and --cpu."""
    failures = []
    for options in [*CUTS, *(("--cpu", level) for level in cpu_levels())]:
        status, other, message = run(nmos, case.model, case.tokens, *options)
        if status or other != data:
            why = message if status else "other bits than without options"
            failures.append(f"{case.name} {' '.join(options)}: {why}")
    return failures


def kl_per_token(exact, other):
    """Mean over tokens of KL(softmax(exact) || softmax(other)), nats, in float64."""
    def log_softmax(x):
        x = x.astype(np.float64) - x.max(axis=1, keepdims=True)
        return x - np.log(np.exp(x).sum(axis=1, keepdims=True))

    p, q = log_softmax(exact), log_softmax(other)
    return (np.exp(p) * (p - q)).sum(axis=1).mean()


def arguments(description):
    """NMOS FOLDER; exits with SKIP when the folder is not there."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("nmos", help="the program under test")
    parser.add_argument("folder", type=Path, help="models, tokens and reference logits")
    args = parser.parse_args()
    if not args.folder.is_dir():
        print(f"skipped: {args.folder} is not there")
        sys.exit(SKIP)
    return args


def check_with_program(doc, failures_of, suffixes):
    """main() of a check that a program does: NMOS PROGRAM FOLDER... For each stored case whose architecture nmos knows,
    failures_of(program, case, logits, folder, env) says what is wrong, or None that the case is passed over; logits are
    the bytes of `nmos logits`, folder is for files, env has the caches of programs in it."""
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("nmos", help="the program under test")
    parser.add_argument("program", help="the check")
    parser.add_argument("folders", nargs="+", type=Path, help="models, tokens and reference logits")
    args = parser.parse_args()
    if not all(folder.is_dir() for folder in args.folders):
        print(f"skipped: {[str(folder) for folder in args.folders]} are not all there")
        sys.exit(SKIP)
    failures, n_checked = [], 0
    with tempfile.TemporaryDirectory() as folder:
        for case in [c for f in args.folders for suffix in suffixes for c in stored_cases(f, suffix)]:
            status, data, message = run(args.nmos, case.model, case.tokens)
            if status and case.model.stem.split("-")[0] in message:
                continue
            found = [f"{case.name}: exit {status}: {message}"] if status else failures_of(
                args.program, case, data, Path(folder), os.environ | {"XDG_CACHE_HOME": folder})
            n_checked += found is not None
            failures += found or []
    report(failures, n_checked)


def report(failures, n_checked):
    """Prints the failures and ends the program."""
    for failure in failures:
        print("FAILED", failure)
    print(f"{n_checked} checked, {len(failures)} failed")
    sys.exit(1 if failures or not n_checked else 0)
