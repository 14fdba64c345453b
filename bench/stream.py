#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Models larger than memory: nmos and llama.cpp (mmap) in a memory cgroup of the budget, caches dropped.

For each budget, in turn: raw reads of the disk, nmos, raw reads, the peer; then all again. Tokens per second,
bytes read per token and peaks are taken from wall clock, /proc and the cgroup; what nmos says about itself
(--stats) is stored beside them. Needs root. Writes NAME.json, NAME.md and NAME.png.
"""
import argparse
import json
import sys
from pathlib import Path

import benchlib
import watched

PROMPT = "The river carries"


def run_nmos(args, budget):
    command = [args.nmos, "run", "-m", args.model, "--ram", budget, "--threads", args.threads, "-n",
               args.tokens, "--temp", "0", "--spec", "off", "--ctx", "512", "-p", PROMPT, "--stats"]
    run = watched.run_in_cgroup(command, budget)
    stats = benchlib.last_json(run.stderr.decode(errors="replace")) or {}
    seen = describe(run)
    if run.status == 0 and len(run.outputs) > 1:
        first, last = run.outputs[0][0], run.outputs[-1][0]
        n = stats.get("generated_tokens", args.tokens) - 1
        seen |= per_token(run, first, last, n)
    return seen | {"stats": stats}


def run_peer(args, budget):
    """The peer tells when it decoded; the seconds before its only line of output are those of decoding."""
    command = benchlib.peer_command(args.model, "--prefill", "0", "--decode", args.tokens, "--threads",
                                    args.threads, "--cold")
    env = {"LD_PRELOAD": str(args.no_repack.resolve())} if args.no_repack else None
    run = watched.run_in_cgroup(command, budget, env)
    seen = describe(run)
    result = benchlib.last_json(run.stdout.decode(errors="replace")) if run.status == 0 else None
    if result:
        last = run.outputs[0][0]
        seen |= per_token(run, last - sum(result["decode_s"]), last, len(result["decode_s"]))
    return seen


def describe(run):
    seen = {"status": run.status, "seconds": run.seconds, "peak_rss_bytes": run.peak_rss_bytes,
            "cgroup_peak_bytes": run.cgroup_peak_bytes, "oom_kills": run.oom_kills,
            "bytes_read": run.reads[-1][1]}
    if run.status:
        seen["stderr"] = run.stderr.decode(errors="replace")[-500:]
    return seen


def per_token(run, first, last, n_tokens):
    """Figures of the n_tokens that came between the times first and last."""
    n_bytes = run.bytes_read_at(last) - run.bytes_read_at(first)
    return {"tok_s": n_tokens / (last - first), "bytes_per_token": n_bytes / n_tokens,
            "read_GBps": n_bytes / (last - first) / 1e9}


def measure(args):
    """One list of runs per engine and budget, engines alternating, raw reads before each."""
    engines = {"nmos": run_nmos} if args.nmos else {}
    engines |= {} if args.no_peer else {"llama.cpp": run_peer}
    runs = []
    for fraction in args.budgets:
        budget = int(fraction * args.model.stat().st_size)
        for i in range(args.rounds):
            for engine, run in engines.items():
                disk = watched.disk_bandwidth(args.model)
                watched.drop_caches()
                seen = run(args, budget)
                runs.append({"engine": engine, "fraction": fraction, "budget_bytes": budget, "round": i,
                             "disk_GBps": disk} | seen)
                print(f"{engine} {fraction:.0%}, round {i + 1}: {seen.get('tok_s', 0):.3f} tok/s, disk "
                      f"{disk:.2f} GB/s, status {seen['status']}", file=sys.stderr)
    return runs


def summary(runs):
    """Medians per engine and budget."""
    groups = {}
    for run in runs:
        groups.setdefault((run["engine"], run["fraction"]), []).append(run)
    rows = []
    for (engine, fraction), group in groups.items():
        row = {"engine": engine, "fraction": fraction, "budget_bytes": group[0]["budget_bytes"]}
        for name in ("tok_s", "bytes_per_token", "read_GBps", "disk_GBps", "peak_rss_bytes"):
            row[name] = benchlib.median([run[name] for run in group if name in run])
        row["oom_kills"] = sum(run["oom_kills"] for run in group)
        rows.append(row)
    return rows


def table(rows):
    def figure(value, scale=1.0, digits=2):
        return "-" if value is None else f"{value / scale:.{digits}f}"

    return benchlib.markdown_table(
        ["engine", "budget, GB", "tok/s", "GB read/token", "GB/s", "raw disk, GB/s", "peak RSS, GB", "OOM kills"],
        [[f"{r['engine']} {r['fraction']:.0%}", figure(r["budget_bytes"], 1e9), figure(r["tok_s"], digits=3),
          figure(r["bytes_per_token"], 1e9), figure(r["read_GBps"]), figure(r["disk_GBps"]),
          figure(r["peak_rss_bytes"], 1e9), r["oom_kills"]] for r in rows])


def plot(rows, title, path):
    import matplotlib  # pylint: disable=import-outside-toplevel
    matplotlib.use("Agg")
    from matplotlib import pyplot  # pylint: disable=import-outside-toplevel
    figure, axis = pyplot.subplots(figsize=(6, 4))
    for engine in dict.fromkeys(r["engine"] for r in rows):
        points = [(r["budget_bytes"] / 1e9, r["tok_s"] or 0) for r in rows if r["engine"] == engine]
        axis.plot(*zip(*points), marker="o", label=engine)
    axis.set(xlabel="memory budget, GB", ylabel="tokens per second", title=title)
    axis.set_ylim(bottom=0)
    axis.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, metavar="MODEL.gguf")
    parser.add_argument("--nmos", type=Path, help="the program; without it only the peer is measured")
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--no-repack", type=Path, default="build/bench/no_repack.so",
                        help="keeps the peer from copying its weights; an empty name lets it")
    parser.add_argument("--budgets", default="0.25,0.5,0.75", help="fractions of the file",
                        type=lambda text: [float(f) for f in text.split(",")])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", default="2")
    parser.add_argument("--tokens", type=int, default=8)
    parser.add_argument("--out", default="stream", help="NAME of the files written")
    args = parser.parse_args()
    runs = measure(args)
    rows = summary(runs)
    Path(args.out + ".json").write_text(json.dumps(
        {"machine": benchlib.machine(), "model": args.model.name, "runs": runs, "summary": rows}, indent=1))
    Path(args.out + ".md").write_text(table(rows))
    plot(rows, args.model.stem, args.out + ".png")
    print(table(rows), end="")


if __name__ == "__main__":
    main()
