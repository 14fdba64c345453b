#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves that the forward pass is exact and that its bits do not depend on how the work is cut.

Models in F32: every logit within 5e-4 of the float64 reference, every top-1 the same. Every model: the same bytes for
every --chunk, --threads and --cpu (invariant I1), split files included. An architecture that nmos does not know must be
refused by name; those that it must know are listed here."""
import numpy as np

import golden_logits as golden

OPTIONAL = ("gpt-oss", "deepseek2", "deepseek2-v3", "glm4moe")


def split_failures(nmos, folder):
    """A split model (split/NAME-...-00001-of-0000N.gguf) gives the bits of the whole one (NAME.gguf)."""
    failures = []
    for first in sorted(folder.glob("split/*-00001-of-*.gguf")):
        tokens = list(range(1, 40))
        whole = golden.run(nmos, folder / (first.name.split("-")[0] + ".gguf"), tokens)
        parts = golden.run(nmos, first, tokens)
        if parts[0] or parts[1] != whole[1]:
            failures.append(f"{first.name}: {parts[2] or 'other bits than the whole model'}")
    return failures


def check(nmos, case, is_exact):
    """Failures of one case, or None when the architecture is optional and refused by name."""
    status, data, message = golden.run(nmos, case.model, case.tokens)
    name = case.model.stem
    if status == 1 and name in OPTIONAL and name.removesuffix("-v3") in message:
        return None
    if status:
        return [f"{case.name}: exit {status}: {message}"]
    failures = golden.accuracy_failures(case, np.frombuffer(data, "<f4")) if is_exact else []
    return failures + golden.cut_failures(nmos, case, data)


def main():
    args = golden.arguments(__doc__)
    failures, n_checked = [], 0
    for suffix, is_exact in ((".ref64.f32", True), (".exact.f32", False)):
        for case in golden.stored_cases(args.folder, suffix):
            found = check(args.nmos, case, is_exact)
            if found is None:
                print(f"{case.name}: refused by name")
                continue
            n_checked += 1
            failures += found
    failures += split_failures(args.nmos, args.folder)
    golden.report(failures, n_checked)


if __name__ == "__main__":
    main()
