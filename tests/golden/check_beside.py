#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves that a text's logits are the same bits when its rows ride in passes with rows of other sessions
(check_beside.c) as when it runs alone (invariant I1), for stored models of every type and architecture.
Usage: check_beside.py NMOS CHECK_BESIDE FOLDER...; architectures that are refused by name are passed over."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import golden_logits as golden


def failures_of(nmos, program, case, folder):
    """What differs in one model and sequence; None: nmos does not know its architecture."""
    status, data, message = golden.run(nmos, case.model, case.tokens)
    if status:
        return None if case.model.stem.split("-")[0] in message else [f"{case.name}: exit {status}: {message}"]
    out = Path(folder) / "beside.f32"
    done = subprocess.run([program, case.model, ",".join(map(str, case.tokens)), out], check=False,
                          capture_output=True, text=True, env=os.environ | {"XDG_CACHE_HOME": folder})
    if done.returncode:
        return [f"{case.name}: {done.stderr.strip()}"]
    return [] if out.read_bytes() == data else [f"{case.name}: other bits beside other sessions than alone"]


def main():
    nmos, program, *folders = sys.argv[1:]
    if not all(Path(folder).is_dir() for folder in folders):
        print(f"skipped: {folders} are not all there")
        sys.exit(golden.SKIP)
    cases = [case for folder in folders for suffix in (".ref64.f32", ".exact.f32")
             for case in golden.stored_cases(folder, suffix)]
    with tempfile.TemporaryDirectory() as folder:
        results = [failures_of(nmos, program, case, folder) for case in cases]
    checked = [r for r in results if r is not None]
    golden.report([failure for r in checked for failure in r], len(checked))


if __name__ == "__main__":
    main()
