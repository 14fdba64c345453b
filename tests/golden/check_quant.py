#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves that quantised models run as closely to exact arithmetic as the best peer does, at every --cpu level.

The measure is the mean over tokens of KL(exact || ours), exact being the same dequantised weights in f32. The bar
of each type is the lowest figure of three peer engines, stored in the case: at most 1.12 times that for each
type, and over all types a geometric mean not above the peers'."""
import numpy as np

import golden_logits as golden

FACTOR = 1.12
RATIO_MIN = 0.1  # in the geometric mean, so that a nearly exact type (F16) cannot hide the others
PEERS = ("llama.cpp c392e50", "llama.cpp v0.5.0", "ik_llama.cpp 8337e4c (F16 KV)")


def mean_over_tokens(case_list, values):
    return float(np.average(values, weights=[len(case.tokens) for case in case_list]))


def bar(case_list):
    """The lowest mean KL of a peer that has figures for every sequence."""
    figures = []
    for peer in PEERS:
        values = [case.stats.get(peer, {}).get("kl_mean") for case in case_list]
        if None not in values:
            figures.append(mean_over_tokens(case_list, values))
    return min(figures)


def measure(nmos, case_list, level):
    """Mean KL of one model over its sequences, or an error message."""
    values = []
    for case in case_list:
        status, data, message = golden.run(nmos, case.model, case.tokens, "--cpu", level)
        if status:
            return f"{case.name}: exit {status}: {message}"
        logits = np.frombuffer(data, "<f4").reshape(case.reference.shape)
        values.append(golden.kl_per_token(case.reference, logits))
    return mean_over_tokens(case_list, values)


def main():
    args = golden.arguments(__doc__)
    models = {}
    for case in golden.stored_cases(args.folder, ".exact.f32"):
        models.setdefault(case.model.stem, []).append(case)
    failures, n_checked = [], 0
    for level in golden.cpu_levels():
        ratios = []
        for name, case_list in models.items():
            kl, limit = measure(args.nmos, case_list, level), bar(case_list)
            n_checked += 1
            if isinstance(kl, str):
                failures.append(kl)
                continue
            ratios.append(kl / limit)
            print(f"{level} {name}: KL {kl:.3e}, best peer {limit:.3e}, ratio {kl / limit:.3f}")
            if not kl <= FACTOR * limit:
                failures.append(f"{level} {name}: KL is {kl / limit:.3f} of the best peer's")
        if ratios:
            mean = float(np.exp(np.mean(np.log(np.maximum(ratios, RATIO_MIN)))))
            print(f"{level}: geometric mean of the ratios {mean:.3f}")
            if len(ratios) == len(models) and not mean <= 1:
                failures.append(f"{level}: geometric mean of the ratios is {mean:.3f}")
    golden.report(failures, n_checked)


if __name__ == "__main__":
    main()
