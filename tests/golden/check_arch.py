#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves that the forward pass is exact and that its bits do not depend on how the work is cut.

Models in F32: every logit within 5e-4 of the float64 reference, every top-1 the same. Every model: the same bytes for
every --chunk, --threads and --cpu (invariant I1), split files included. An architecture that nmos does not know must be
refused by name; those that it must know are listed here."""
import numpy as np

import golden_logits as golden

TOLERANCE = 5e-4
OPTIONAL = ("gpt-oss", "deepseek2", "deepseek2-v3", "glm4moe")
CUTS = (("--chunk", "1"), ("--chunk", "7"), ("--threads", "1"), ("--threads", "2"),
        ("--chunk", "7", "--threads", "2"))


def accuracy_failures(case, logits):
    distance = np.abs(logits.astype(np.float64) - case.reference)
    failures = []
    if not distance.max() <= TOLERANCE:  # also true for NaN
        row, column = np.unravel_index(np.nanargmax(distance), distance.shape)
        failures.append(f"{case.name}: logit [{row}, {column}] is {logits[row, column]:.6f}, float64 gives "
                        f"{case.reference[row, column]:.6f} (max abs {distance.max():.3g})")
    n_same = int((logits.argmax(axis=1) == case.reference.argmax(axis=1)).sum())
    if n_same != len(logits):
        failures.append(f"{case.name}: top-1 of {n_same} of {len(logits)} tokens")
    return failures


def cut_failures(nmos, case, data):
    failures = []
    for options in [*CUTS, *(("--cpu", level) for level in golden.cpu_levels())]:
        status, other, message = golden.run(nmos, case.model, case.tokens, *options)
        if status or other != data:
            words = " ".join(options)
            why = message if status else "other bits than without options"
            failures.append(f"{case.name} {words}: {why}")
    return failures


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
    logits = np.frombuffer(data, "<f4")
    if logits.size != case.reference.size:
        return [f"{case.name}: {logits.size} logits, expected {case.reference.size}"]
    failures = accuracy_failures(case, logits.reshape(case.shape)) if is_exact else []
    return failures + cut_failures(nmos, case, data)


def main():
    args = golden.arguments(__doc__)
    failures, n_checked = [], 0
    for suffix, is_exact in ((".ref64.f32", True), (".exact.f32", False)):
        for case in golden.cases(args.folder, suffix):
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
