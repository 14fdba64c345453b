# SPDX-License-Identifier: MIT
"""What the checks of stored logits share: the cases of a folder, one `nmos logits` run, distances.

A case is NAME.sNN.json (tokens) beside NAME.gguf and a file of reference logits, float32 [n_tokens, n_vocab]:
NAME.sNN.ref64.f32 (float64 arithmetic) or NAME.sNN.exact.f32 (dequantised weights, f32 arithmetic).
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

SKIP = 77
CPU_FLAG = {"scalar": None, "avx2": "avx2", "avx512": "avx512vnni"}


class Case:
    """One model and one sequence of tokens."""

    def __init__(self, path, suffix):
        self.info = json.loads(path.read_text())
        self.name = path.name.removesuffix(".json")
        self.model = path.parent / (self.name.rsplit(".", 1)[0] + ".gguf")
        self.tokens = self.info["tokens"]
        self.shape = (self.info["n_tokens"], self.info["n_vocab"])
        self.reference = np.fromfile(path.parent / (self.name + suffix), "<f4").reshape(self.shape)


def cases(folder, suffix):
    """The cases of folder that have reference logits NAME.sNN + suffix."""
    paths = sorted(Path(folder).glob("*.s[0-9]*.json"))
    return [Case(p, suffix) for p in paths if p.with_name(p.name.removesuffix(".json") + suffix).exists()]


def cpu_levels():
    """The values of --cpu that this machine can run."""
    flags = Path("/proc/cpuinfo").read_text(encoding="ascii").replace("avx512_vnni", "avx512vnni").split()
    return [level for level, flag in CPU_FLAG.items() if flag is None or flag in flags]


def run(nmos, model, tokens, *options):
    """(exit status, bytes of the logits, stderr) of `nmos logits --kv f32`."""
    with tempfile.NamedTemporaryFile(suffix=".f32") as out:
        done = subprocess.run(
            [nmos, "logits", "-m", model, "--tokens", ",".join(map(str, tokens)), "-o", out.name, "--kv",
             "f32", *options], check=False, capture_output=True, text=True)
        return done.returncode, Path(out.name).read_bytes(), done.stderr.strip()


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


def report(failures, n_checked):
    """Prints the failures and ends the program."""
    for failure in failures:
        print("FAILED", failure)
    print(f"{n_checked} checked, {len(failures)} failed")
    sys.exit(1 if failures or not n_checked else 0)
