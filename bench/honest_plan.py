#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What nmos plan predicts against what happens: bytes and seconds per pass, for pairs of model and budget.

For each pair, in turn: plan (speeds measured anew), run, plan. The run is watched from outside: every token is
forced to be a letter, so that each pass shows as one piece of output; bytes are those that /proc/PID/io counts
between the first and the last piece, seconds the median between two pieces. The prediction is the mean of the two
plans, because a shared disk wanders within a minute. What a mixture of experts reads depends on the text: with
--learn, runs with other seeds go before at each budget, from which nmos learns what passes read, and no text comes
twice unless --same-text; --skip leaves the letters out that come while its cache fills; seconds are then the mean. --only learn stops
before the plans, --only check goes on from there. Writes NAME.json and NAME.md.
"""
import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import benchlib
import watched

PROMPT = "The river carries"
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def size_of(text):
    """Bytes of a size as nmos takes it: 2.5G."""
    unit = {"K": 1e3, "M": 1e6, "G": 1e9}.get(text[-1])
    return int(float(text[:-1]) * unit) if unit else int(text)


def plan(args, model, budget):
    return benchlib.output_of([args.nmos, "plan", "-m", model, "--ram", budget, "--ctx", args.ctx, "--replan",
                               "--json"])


def letter_ids(args, model):
    """The tokens that are forced."""
    texts = [subprocess.run([args.nmos, "tokenize", "-m", model], input=letter.encode(), capture_output=True,
                            check=True).stdout for letter in LETTERS]
    return [json.loads(text)[0] for text in texts]


def run(args, model, budget, seed):
    """One run, watched: what came out when, and bytes read until then."""
    command = [args.nmos, "run", "-m", model, "--ram", budget, "--ctx", args.ctx, "-p", PROMPT, "-n", args.tokens,
               "--temp", "1", "--seed", seed, "--stats"]
    for token in letter_ids(args, model):
        command += ["--logit-bias", f"{token}=1000"]
    seen, start = watched.Run(), time.monotonic()
    with subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        watched.follow(process, seen, start)
        _, status, _ = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(seen.stderr.decode(errors="replace")[-500:])
    return seen


def per_pass(seen, n_tokens, n_skipped=1):
    """Bytes and seconds of one pass, from the times at which the letters came. The first letter at least is left out:
    it comes after the pins are loaded, when more is read ahead than later."""
    times = [t for t, n_bytes in seen.outputs for _ in range(n_bytes)][n_skipped:n_tokens]
    gaps = [b - a for a, b in zip(times, times[1:])]
    n_bytes = seen.bytes_read_at(times[-1]) - seen.bytes_read_at(times[0])
    seconds = benchlib.median(gaps) if n_skipped == 1 else sum(gaps) / len(gaps)
    return {"bytes": n_bytes / len(gaps), "seconds": seconds, "gaps": gaps}


def compare(before, after, seen):
    """One line of the table; errors as signed shares of what was measured."""
    predicted_s = (before["pass_s"] + after["pass_s"]) / 2
    planned = before["streamed_bytes_per_pass"]
    return {"planned_bytes": planned, "read_bytes": seen["bytes"], "planned_s": predicted_s,
            "measured_s": seen["seconds"], "binding": before["binding"],
            "disk_GBps": [before["disk_GBps"], after["disk_GBps"]],
            "measured_tokens": before["experts_measured_tokens"],
            "planned_range": [before["streamed_bytes_low"], before["streamed_bytes_high"]], "bytes_error": planned / seen["bytes"] - 1 if planned else 0.0,
            "seconds_error": predicted_s / seen["seconds"] - 1, "gaps": seen["gaps"]}


def table(rows):
    def range_of(r):
        low, high = r["planned_range"]
        return f" ({low / 1e9:.3f}-{high / 1e9:.3f})" if high > low else ""

    return benchlib.markdown_table(
        ["model", "--ram", "GB per pass: plan, read", "difference", "disk, GB/s", "binds", "s per pass: plan, run",
         "difference"],
        [[r["model"], r["budget"], f"{r['planned_bytes'] / 1e9:.3f}{range_of(r)}, {r['read_bytes'] / 1e9:.3f}",
          f"{r['bytes_error']:+.1%}", "{:.2f}, {:.2f}".format(*r["disk_GBps"]), r["binding"],
          f"{r['planned_s']:.3f}, {r['measured_s']:.3f}", f"{r['seconds_error']:+.0%}"] for r in rows])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", nargs="+", metavar="MODEL.gguf:SIZE[,SIZE...]")
    parser.add_argument("--nmos", type=Path, default="build/nmos")
    parser.add_argument("--ctx", default="1024")
    parser.add_argument("--tokens", type=int, default=9)
    parser.add_argument("--skip", type=int, default=1, help="letters left out at the start")
    parser.add_argument("--learn", type=int, default=0, help="runs before each pair")
    parser.add_argument("--same-text", action="store_true", help="learn from the text that is then checked")
    parser.add_argument("--only", choices=["learn", "check"])
    parser.add_argument("--out", default="honest_plan", help="NAME of the files written")
    args = parser.parse_args()
    rows, n_pairs = [], 0
    for pair in args.pairs:
        model, budgets = pair.rsplit(":", 1)
        for budget in budgets.split(","):
            n_pairs += 1
            for i in range(args.learn if args.only != "check" else 0):
                run(args, model, size_of(budget), n_pairs if args.same_text else 1000 * n_pairs + i)
            if args.only == "learn":
                continue
            before = plan(args, model, size_of(budget))
            seen = per_pass(run(args, model, size_of(budget), n_pairs), args.tokens, args.skip)
            rows.append({"model": Path(model).stem, "budget": budget} |
                        compare(before, plan(args, model, size_of(budget)), seen))
            print(table(rows[-1:]).splitlines()[-1], file=sys.stderr)
    if args.only == "learn":
        return
    Path(args.out + ".json").write_text(json.dumps({"machine": benchlib.machine(), "pairs": rows}, indent=1))
    Path(args.out + ".md").write_text(table(rows))
    print(table(rows), end="")


if __name__ == "__main__":
    main()
