#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""plot_guesses.py CHECK_GUESS MODELS OUT.png [N_PROMPTS]: tokens per pass against the number of guesses that ride.

CHECK_GUESS is build/tests/golden/check_guess, MODELS the folder of the bundled models. Prompts are those of
tests/golden/prompts.tsv, a third of them of each domain; chains and trees, greedy and at temperature 0.7. Needs
python3-matplotlib. The lines that check_guess prints are printed again, for the table in docs/measurements.md."""
import json
import pathlib
import subprocess
import sys

import matplotlib
matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402  (the backend comes first)

SIZES = [1, 2, 4, 8, 16, 32, 64]
PROMPTS = pathlib.Path(__file__).resolve().parents[1] / "tests" / "golden" / "prompts.tsv"


def measure(check_guess, models, n_prompts):
    command = [check_guess, models / "nano-oracle.gguf", models / "nano-draft.gguf", PROMPTS, n_prompts, "resident",
               ",".join(map(str, SIZES))]
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, check=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def draw(rows, out):
    figure, axes = pyplot.subplots(1, 3, figsize=(12, 4), sharey=True)
    for axis, domain in zip(axes, ("CODE", "CHAT", "DOCS")):
        for temp, colour in ((0, "tab:blue"), (0.7, "tab:orange")):
            for mode, style in (("chain", "--"), ("tree", "-")):
                points = {row["size"]: row["tokens_per_pass"] for row in rows
                          if (row["domain"], row["temp"], row["mode"]) == (domain, temp, mode)}
                axis.plot(SIZES, [points[size] for size in SIZES], style, color=colour, marker="o", markersize=3,
                          label=f"{mode}, {'greedy' if temp == 0 else f'temperature {temp}'}")
        axis.set(title=domain, xscale="log", xticks=SIZES, xticklabels=SIZES, xlabel="guesses in a pass")
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("tokens per pass")
    axes[0].set_ylim(bottom=1)
    axes[2].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(out, dpi=110)


def main():
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    check_guess, models, out = map(pathlib.Path, sys.argv[1:4])
    rows = measure(check_guess, models, sys.argv[4] if len(sys.argv) > 4 else 30)
    for row in rows:
        print(json.dumps(row))
    draw(rows, out)


if __name__ == "__main__":
    main()
