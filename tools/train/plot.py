#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws the held-out loss that train.py logged: plot.py OUT.svg LOG.csv ... Needs python3-matplotlib."""
import csv
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "nano"
from matplotlib import pyplot  # noqa: E402 pylint: disable=wrong-import-position


def main():
    out, *logs = sys.argv[1:]
    figure, axes = pyplot.subplots(1, 3, figsize=(10, 3.4), sharey=True)
    for log in logs:
        with open(log, encoding="utf-8") as f:
            rows = list(csv.DictReader(f))
        tokens = [float(row["tokens"]) / 1e6 for row in rows]
        for axis, domain in zip(axes, ("code", "chat", "docs")):
            axis.plot(tokens, [float(row[f"held_out_{domain}"]) for row in rows], marker=".", label=Path(log).stem)
            axis.set_title(domain.upper())
            axis.set_xlabel("million tokens")
    axes[0].set_ylabel("held-out loss, nats per byte")
    axes[-1].legend()
    figure.tight_layout()
    figure.savefig(out, metadata={"Date": None})


if __name__ == "__main__":
    main()
