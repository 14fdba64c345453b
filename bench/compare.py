#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""nmos against llama.cpp with the weights in memory: prefill, decode, and n rows in one pass (nmos).

Engines are run in turn, so that a machine that slows down slows all of them; what counts is the ratio of
the medians. llama.cpp is measured with and without flash attention, the better one is the peer. The bandwidth of
memory is measured in the same run. Writes NAME.json, NAME.md and NAME.png.
"""
import argparse
import json
import sys
from pathlib import Path

import benchlib

ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 512)


def run_nmos(args, model):
    """Figures of `nmos bench`, {name: median}: prefill_512 and decode in tok/s, pass_N in ms; and weight_GBps,
    the weights that decoding reads a second."""
    result = benchlib.output_of([args.nmos, "bench", "-m", model, "--threads", args.threads, "--json"])
    figures = {figure["name"]: figure["median"] for figure in result["figures"]}
    if result["touched_bytes_per_pass"]:
        figures["weight_GBps"] = figures["decode"] * result["touched_bytes_per_pass"] / 1e9
    return figures


def run_peer(args, model, flash):
    result = benchlib.output_of(benchlib.peer_command(
        model, "--prefill", args.prefill, "--decode", args.decode, "--threads", args.threads,
        *(["--flash"] if flash else [])))
    return {f"prefill_{args.prefill}": int(args.prefill) / benchlib.median(result["prefill_s"]),
            "decode": 1 / benchlib.median(result["decode_s"])}


def measure(args, model):
    """Rounds of all engines in turn; returns {engine: {figure: [one value a round]}} and the bandwidths."""
    engines = {"llama.cpp": lambda: run_peer(args, model, False),
               "llama.cpp, flash attention": lambda: run_peer(args, model, True)}
    if args.nmos:
        engines = {"nmos": lambda: run_nmos(args, model)} | engines
    found, bandwidth = {name: {} for name in engines}, []
    for i in range(args.rounds):
        bandwidth.append(benchlib.memory_bandwidth(args.membw, args.threads))
        for name, run in engines.items():
            for figure, value in run().items():
                found[name].setdefault(figure, []).append(value)
            print(f"{model.name}: round {i + 1} of {args.rounds}, {name}", file=sys.stderr)
    return found, bandwidth


def summary(found, bandwidth):
    """Medians of each engine, and nmos / best peer for the figures that both have."""
    medians = {engine: {name: benchlib.spread(values) for name, values in figures.items()}
               for engine, figures in found.items()}
    ratios = {}
    peers = [figures for engine, figures in medians.items() if engine != "nmos"]
    for name, figure in medians.get("nmos", {}).items():
        rivals = [peer[name]["median"] for peer in peers if name in peer]
        if rivals:
            ratios[name] = figure["median"] / max(rivals)
    return {"engines": medians, "ratio_to_best_peer": ratios, "memory_GBps": benchlib.spread(bandwidth)}


def table(results):
    """Markdown: one row per model and engine; rows of one pass below."""
    rows, passes = [], []
    for model, result in results.items():
        for engine, figures in result["engines"].items():
            cells = [model, engine]
            for name in sorted(n for n in figures if n == "decode" or n.startswith("prefill")):
                figure = figures[name]
                cells.append(f"{name} {figure['median']:.2f} ({figure['min']:.2f}-{figure['max']:.2f})")
            rows.append(cells)
        nmos = result["engines"].get("nmos", {})
        if "pass_1" in nmos:
            one = nmos["pass_1"]["median"]
            passes.append([model] + [f"{nmos[f'pass_{n}']['median']:.1f} "
                                     f"({nmos[f'pass_{n}']['median'] / one:.2f})"
                                     if f"pass_{n}" in nmos else "-" for n in ROWS])
    text = benchlib.markdown_table(["model", "engine", "decode, tok/s (min-max)", "prefill, tok/s (min-max)"],
                                   rows)
    if passes:
        text += "\nOne pass of n rows, ms (ratio to one row):\n\n"
        text += benchlib.markdown_table(["model", *map(str, ROWS)], passes)
    for model, result in results.items():
        words = ", ".join(f"{name} {ratio:.2f}" for name, ratio in result["ratio_to_best_peer"].items())
        text += f"\n{model}: nmos / best peer: {words or '-'}; memory " \
                f"{result['memory_GBps']['median']:.1f} GB/s"
        weights = result["engines"].get("nmos", {}).get("weight_GBps")
        text += f", of which decoding uses {weights['median']:.1f}." if weights else "."
    return text + "\n"


def plot(results, path):
    import matplotlib  # pylint: disable=import-outside-toplevel
    matplotlib.use("Agg")
    from matplotlib import pyplot  # pylint: disable=import-outside-toplevel
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4))
    for axis, prefix in zip(axes, ("decode", "prefill")):
        labels, values = [], []
        for model, result in results.items():
            for engine, figures in result["engines"].items():
                for name in (n for n in figures if n.startswith(prefix)):
                    labels.append(f"{model}\n{engine}")
                    values.append(figures[name]["median"])
        axis.barh(labels, values)
        axis.set_xlabel(f"{prefix}, tokens per second")
        axis.tick_params(axis="y", labelsize=6)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL.gguf")
    parser.add_argument("--nmos", type=Path, help="the program; without it only the peer is measured")
    parser.add_argument("--membw", type=Path, default="build/bench/membw")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", default="2")
    parser.add_argument("--prefill", default="512", help="tokens in the peer's prompt")
    parser.add_argument("--decode", default="64", help="tokens that the peer generates")
    parser.add_argument("--out", default="compare", help="NAME of the files written")
    args = parser.parse_args()
    results = {model.stem: summary(*measure(args, model)) for model in args.models}
    report = {"machine": benchlib.machine(), "threads": args.threads, "models": results}
    Path(args.out + ".json").write_text(json.dumps(report, indent=1))
    Path(args.out + ".md").write_text(table(results))
    plot(results, args.out + ".png")
    print(table(results), end="")


if __name__ == "__main__":
    main()
