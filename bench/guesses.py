#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Guessing ahead on a streamed model, in a memory cgroup: modes in turn, tokens per second from wall clock.

guesses.py run MODEL DRAFT OUT.jsonl --bench BENCH_GUESS --domain CODE --temp 0 [--first 0 --prompts 2 ...] runs
bench_guess (which says what is measured) with the budget as --ram and as the cgroup's limit, caches dropped before, and
appends its lines; guesses.py peer MODEL DRAFT OUT.jsonl ... does the same with llama.cpp's draft model speculation;
guesses.py table OUT.jsonl... prints the means per domain, temperature and mode. Needs root."""
import argparse
import json
import sys
from pathlib import Path

import benchlib
import watched

PROMPTS = Path(__file__).resolve().parents[1] / "tests" / "golden" / "prompts.tsv"
MODES = ("off", "ngram", "chain", "tree", "auto", "llama.cpp, off", "llama.cpp, draft")


def run_nmos(args, budget):
    command = [args.bench, args.model, args.draft, budget, PROMPTS, args.domain, args.first, args.prompts, args.tokens,
               args.off, args.temp, *args.modes.split(",")]
    return watched.run_in_cgroup(command, budget)


def prompts_of(args):
    """The same prompts that bench_guess takes."""
    lines = [line.rsplit("\t", 1)[1] for line in PROMPTS.read_text(encoding="utf-8").splitlines()
             if line.startswith(args.domain)]
    unescape = {"\\n": "\n", "\\t": "\t", "\\\\": "\\"}
    for text in lines[args.first:args.first + args.prompts]:
        for escape, meaning in unescape.items():
            text = text.replace(escape, meaning)
        yield text


def run_peer(args, budget):
    command = ["node", Path(args.peer) / "peer_draft.mjs", args.model, args.draft, args.tokens, args.off, args.temp,
               *prompts_of(args)]
    env = {"LD_PRELOAD": str(Path(args.no_repack).resolve())}
    return watched.run_in_cgroup(command, budget, env)


def measure(args):
    budget = int(args.share * Path(args.model).stat().st_size)
    disk = watched.disk_bandwidth(args.model)
    watched.drop_caches()
    run = (run_peer if args.what == "peer" else run_nmos)(args, budget)
    with open(args.out, "a", encoding="utf-8") as out:
        for line in run.stdout.decode(errors="replace").splitlines():
            row = json.loads(line) | {"disk_GBps": disk, "budget_bytes": budget, "peak_rss_bytes": run.peak_rss_bytes,
                                      "oom_kills": run.oom_kills}
            row.setdefault("domain", args.domain)
            out.write(json.dumps(row) + "\n")
            print(json.dumps(row))
    print(f"disk {disk:.2f} GB/s, status {run.status}, peak {run.peak_rss_bytes / 1e9:.2f} GB of {budget / 1e9:.2f}, "
          f"{run.oom_kills} kills; {run.stderr.decode(errors='replace')[-500:]}", file=sys.stderr)
    return run.status


def sums(rows):
    """Tokens a second and a pass over all answers, and the mean over passes of their seconds."""
    tokens, passes, seconds = (sum(row[name] for row in rows) for name in ("tokens", "passes", "seconds"))
    pass_s = [row["pass_mean_s"] for row in rows if "pass_mean_s" in row]
    return {"tok_s": tokens / seconds, "per_pass": tokens / passes, "step_s": seconds / passes,
            "pass_s": sum(pass_s) / len(pass_s) if pass_s else None}


def table(paths):
    rows = [json.loads(line) for path in paths for line in Path(path).read_text(encoding="utf-8").splitlines()]
    lines = []
    for domain in ("CODE", "DOCS", "CHAT"):
        for temp in sorted({row["temp"] for row in rows}):
            of = {mode: [row for row in rows if (row["domain"], row["temp"], row["mode"]) == (domain, temp, mode)]
                  for mode in MODES}
            off = sums(of["off"]) if of["off"] else None
            for mode in MODES:
                if not of[mode] or not off:
                    continue
                got = sums(of[mode])
                faster = got["tok_s"] / off["tok_s"]
                per_pass = got["per_pass"] / off["per_pass"]
                lines.append([domain, f"{temp:g}", mode, len(of[mode]), f"{got['tok_s']:.3f}", f"{faster:.2f}",
                              f"{got['per_pass']:.2f}", f"{faster / per_pass:.2f}",
                              f"{got['step_s']:.3f}", f"{got['step_s'] / off['step_s']:.2f}",
                              "-" if got["pass_s"] is None else f"{got['pass_s']:.3f}"])
    print(benchlib.markdown_table(["domain", "temperature", "mode", "answers", "tok/s", "times off", "tokens a pass",
                                   "of them kept", "s from pass to pass", "times off", "s a pass alone"], lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = parser.add_subparsers(dest="what", required=True)
    for what in ("run", "peer"):
        one = sub.add_parser(what)
        for name in ("model", "draft", "out"):
            one.add_argument(name)
        one.add_argument("--bench", help="build/bench/bench_guess")
        one.add_argument("--peer", default=Path(__file__).parent / "peer_llamacpp", help="folder with node_modules")
        one.add_argument("--no-repack", help="build/bench/no_repack.so, for llama.cpp")
        one.add_argument("--share", type=float, default=0.5, help="of the file that is the budget")
        one.add_argument("--domain", default="CODE")
        one.add_argument("--modes", default="chain,tree,auto")
        one.add_argument("--temp", type=float, default=0)
        for name, value in (("first", 0), ("prompts", 2), ("tokens", 32), ("off", 8)):
            one.add_argument(f"--{name}", type=int, default=value)
    sub.add_parser("table").add_argument("files", nargs="+")
    args = parser.parse_args()
    if args.what == "table":
        return table(args.files)
    return measure(args)


if __name__ == "__main__":
    sys.exit(main())
