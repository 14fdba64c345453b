#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves, on stored mixtures of experts, that logits with experts from disk are those of `nmos logits` with all of
them in memory, to the bit: caches from the smallest on, every way to read, experts guessed ahead or not (check_experts.c).
Usage: check_experts.py NMOS CHECK_EXPERTS FOLDER..., folders of stored models; those without experts, and
architectures that are refused by name, are passed over."""
import subprocess

import golden_logits as golden


def failures_of(program, case, logits, folder, env):
    wanted = folder / (case.name + ".f32")
    wanted.write_bytes(logits)
    done = subprocess.run([program, case.model, ",".join(map(str, case.tokens)), wanted], check=False,
                          capture_output=True, text=True, env=env)
    if done.returncode == golden.SKIP:
        return None
    print(case.name, done.stdout.strip())
    return [f"{case.name}: {done.stderr.strip()}"] if done.returncode else []


if __name__ == "__main__":
    golden.check_with_program(__doc__, failures_of, (".ref64.f32",))
