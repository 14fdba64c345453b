#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves that a text's logits are the same bits when its rows ride in passes with rows of other sessions
(check_beside.c) as when it runs alone (invariant I1), for stored models of every type and architecture.
Usage: check_beside.py NMOS CHECK_BESIDE FOLDER...; architectures that are refused by name are passed over."""
import subprocess

import golden_logits as golden


def failures_of(program, case, logits, folder, env):
    out = folder / "beside.f32"
    done = subprocess.run([program, case.model, ",".join(map(str, case.tokens)), out], check=False,
                          capture_output=True, text=True, env=env)
    if done.returncode:
        return [f"{case.name}: {done.stderr.strip()}"]
    return [] if out.read_bytes() == logits else [f"{case.name}: other bits beside other sessions than alone"]


if __name__ == "__main__":
    golden.check_with_program(__doc__, failures_of, (".ref64.f32", ".exact.f32"))
