#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves, on stored mixtures of experts, that logits with experts from disk are those of `nmos logits` with all of
them in memory, to the bit: caches from the smallest on, every way to read, experts guessed ahead or not (check_experts.c).
Usage: check_experts.py NMOS CHECK_EXPERTS FOLDER, the folder of stored models; those without experts, and
architectures that are refused by name, are passed over."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import golden_logits as golden


def failures_of(nmos, program, case, folder):
    """What check_experts says of one model and sequence; None: it has no experts."""
    status, data, message = golden.run(nmos, case.model, case.tokens)
    if status:
        return None if case.model.stem.split("-")[0] in message else [f"{case.name}: exit {status}: {message}"]
    wanted = Path(folder) / (case.name + ".f32")
    wanted.write_bytes(data)
    done = subprocess.run([program, case.model, ",".join(map(str, case.tokens)), wanted], check=False,
                          capture_output=True, text=True, env=os.environ | {"XDG_CACHE_HOME": folder})
    if done.returncode == golden.SKIP:
        return None
    print(case.name, done.stdout.strip())
    return [f"{case.name}: {done.stderr.strip()}"] if done.returncode else []


def main():
    nmos, program, models = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    if not models.is_dir():
        print(f"skipped: {models} is not there")
        sys.exit(golden.SKIP)
    with tempfile.TemporaryDirectory() as folder:
        results = [failures_of(nmos, program, case, folder) for case in golden.stored_cases(models, ".ref64.f32")]
    checked = [r for r in results if r is not None]
    golden.report([failure for r in checked for failure in r], len(checked))


if __name__ == "__main__":
    main()
