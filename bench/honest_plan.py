#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What nmos plan predicts against what happens: bytes and seconds per pass, for pairs of model and budget.

For each pair: plan (speeds measured anew), run in a memory cgroup of exactly the budget (needs root), plan. The run is
watched from outside: every token is forced to be one of a thousand words of four bytes, so that each pass shows as one
piece of output and texts differ as texts do. Bytes are those that /proc/PID/io counts. A shared disk wanders within
seconds, so the run is stopped (SIGSTOP) behind a word, raw direct reads of as many bytes as a pass streams are timed
(bench_disk), and it goes on; the pass that follows is left out, as some of its bytes came meanwhile, and the --between
passes behind it count. That disk's median is given to plan by --hw, with the other speeds of the two plans; their own
predictions stand beside it.

What a mixture of experts reads depends on the text: with --learn, runs with other seeds go before at each budget, from
which nmos learns what passes read, and no text comes twice; --skip leaves the words out that come while its cache
fills; seconds are then the mean. --texts runs more than one text against the same plan: what they read, and their
seconds, is the mean of all. --only learn stops before the plans, --only check goes on from there. Writes NAME.json
and NAME.md.
"""
import argparse
import json
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import benchlib
import watched

PROMPT = "The river carries"
WORD_BYTES, WORD, WORDS_MIN, WORDS_MAX = 4, rb" [a-z]{3}", 26, 1000
VOCAB_LOOKED_AT, MARK = 60000, b"\n@\n"
RAW_BYTES_MIN = 256 << 20
SPEEDS = ("memory_GBps", "pinned_GBps", "streamed_GBps", "product_us", "gmacs")


def size_of(text):
    """Bytes of a size as nmos takes it: 2.5G."""
    unit = {"K": 1e3, "M": 1e6, "G": 1e9}.get(text[-1])
    return int(float(text[:-1]) * unit) if unit else int(text)


def plan(args, model, budget, *how):
    return benchlib.output_of([args.nmos, "plan", "-m", model, "--ram", budget, "--ctx", args.ctx, *how, "--json"])


def plan_with_disk(args, model, budget, own, disk_GBps):  # pylint: disable=invalid-name
    """The plan for a disk as it was found in turn with the passes, and the mean of the other speeds."""
    speeds = {key: sum(p[key] for p in own) / len(own) for key in SPEEDS}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"ram_GiB": 1, "disk_GBps": disk_GBps} | speeds, file)
        file.flush()
        return plan(args, model, budget, "--hw", file.name)


def words_of(args, model):
    """Tokens of WORD_BYTES bytes that look like a word."""
    def nmos(command, data):
        return subprocess.run([args.nmos, command, "-m", model], input=data, capture_output=True, check=True).stdout

    mark = json.loads(nmos("tokenize", MARK))
    tensors = benchlib.output_of([args.nmos, "inspect", model, "--json"])["tensors"]
    vocab = min(next(t["shape"][1] for t in tensors if t["name"] == "token_embd.weight"), VOCAB_LOOKED_AT)
    listed = [token for word in range(vocab) for token in [word, *mark]]
    texts = nmos("detokenize", json.dumps(listed).encode()).split(MARK)
    words = [i for i, text in enumerate(texts[:vocab]) if re.fullmatch(WORD, text)]
    if len(words) < WORDS_MIN:
        raise RuntimeError(f"{model}: {len(words)} tokens are words of {WORD_BYTES} bytes; {WORDS_MIN} are needed")
    return words[:WORDS_MAX]


class RawReads:
    """Stops a run behind a word, every so often, and times raw reads meanwhile."""

    def __init__(self, args, model, n_bytes):
        self.args, self.model, self.n_bytes = args, model, max(n_bytes, RAW_BYTES_MIN)
        self.rates, self.words, self.next = [], [], args.skip

    def __call__(self, process, run):
        n_words = len(run.stdout) // WORD_BYTES
        if n_words < self.next or len(self.rates) >= self.args.alternations:
            return
        process.send_signal(signal.SIGSTOP)
        try:
            offset = len(self.rates) * self.n_bytes // 3
            self.rates.append(benchlib.output_of([self.args.bench_disk, self.model, offset, self.n_bytes])["GBps"])
        finally:
            process.send_signal(signal.SIGCONT)
        self.words.append(n_words)
        self.next = n_words + 1 + self.args.between


def run(args, model, budget, seed, n_words, on_output=None):
    """One run in a memory cgroup of the budget, watched: what came out when, and bytes read until then."""
    command = [args.nmos, "run", "-m", model, "--ram", budget, "--ctx", args.ctx, "-p", PROMPT, "-n", n_words,
               "--temp", "1", "--seed", seed, "--spec", "off", "--stats"]
    for token in args.words[model]:
        command += ["--logit-bias", f"{token}=1000"]
    seen = watched.run_in_cgroup(command, budget, on_output=on_output)
    if seen.status or seen.oom_kills:
        raise RuntimeError(f"status {seen.status}, {seen.oom_kills} OOM kills: "
                           + seen.stderr.decode(errors="replace")[-500:])
    return seen


def word_times(seen):
    """When each word was complete."""
    times, n_bytes = [], 0
    for t, n in seen.outputs:
        n_bytes += n
        times += [t] * (n_bytes // WORD_BYTES - len(times))
    return times


def per_pass(seen, n_skipped, stopped_behind=(), is_mean=False):
    """Bytes and seconds of one pass, from the times at which words came. The first word at least is left out: it comes
    after the pins are loaded, when more is read ahead than later. @p stopped_behind counts words: the passes that
    follow them do not count."""
    times = word_times(seen)
    gaps = [b - a for i, (a, b) in enumerate(zip(times, times[1:]), 1)
            if i > n_skipped and i not in stopped_behind]
    n_bytes = seen.bytes_read_at(times[-1]) - seen.bytes_read_at(times[n_skipped])
    seconds = sum(gaps) / len(gaps) if is_mean else benchlib.median(gaps)
    return {"bytes": n_bytes / (len(times) - 1 - n_skipped), "seconds": seconds, "gaps": gaps,
            "peak_rss_bytes": seen.peak_rss_bytes, "cgroup_peak_bytes": seen.cgroup_peak_bytes}


def compare(own, given, seen, rates):
    """One line of the table; errors as signed shares of what was measured."""
    own_s = sum(p["pass_s"] for p in own) / len(own)
    before = own[0]  # the later ones have learned from these texts
    planned, low, high = (before[f"streamed_bytes_{key}"] for key in ("per_pass", "low", "high"))
    return {"planned_bytes": planned, "read_bytes": seen["bytes"], "planned_range": [low, high],
            "bytes_error": planned / seen["bytes"] - 1 if planned else 0.0,
            "is_in_range": low <= seen["bytes"] <= high, "measured_tokens": before["experts_measured_tokens"],
            "binding": given["binding"], "raw_GBps": rates, "own_disk_GBps": [p["disk_GBps"] for p in own],
            "planned_s": given["pass_s"], "own_planned_s": own_s, "measured_s": seen["seconds"],
            "seconds_error": given["pass_s"] / seen["seconds"] - 1, "own_seconds_error": own_s / seen["seconds"] - 1,
            "speeds": [{key: p[key] for key in SPEEDS} for p in own], "gaps": seen["gaps"]}


def words_per_run(args):
    return args.skip + 1 + (1 + args.between) * args.alternations


def mean_of(texts):
    """One line's figures from those of its texts, and how far the bytes of one lie from the mean (standard deviation)."""
    n = len(texts)
    mean = {key: sum(t[key] for t in texts) / n for key in ("bytes", "seconds")}
    squares = sum((t["bytes"] - mean["bytes"]) ** 2 for t in texts)
    peaks = {key: max(t[key] for t in texts) for key in ("peak_rss_bytes", "cgroup_peak_bytes")}
    return mean | peaks | {
        "gaps": [gap for t in texts for gap in t["gaps"]], "text_bytes": [t["bytes"] for t in texts],
        "text_deviation": (squares / (n - 1)) ** 0.5 / (mean["bytes"] or 1) if n > 1 else None}


def check(args, model, budget, seeds):
    """Plans and runs between them, for one pair; raw reads in turn with the passes of the first run."""
    own = [plan(args, model, budget, "--replan")]
    n_bytes = own[0]["streamed_bytes_per_pass"]
    reads = RawReads(args, model, n_bytes)
    texts = []
    for seed in seeds:
        seen = run(args, model, budget, seed, words_per_run(args), reads if n_bytes and not texts else None)
        texts.append(per_pass(seen, args.skip, reads.words if not texts else (), is_mean=args.skip > 1))
    own.append(plan(args, model, budget, "--replan"))
    disk = benchlib.median(reads.rates) or own[0]["disk_GBps"]
    seen = mean_of(texts)
    return compare(own, plan_with_disk(args, model, budget, own, disk), seen, reads.rates) | {
        key: seen[key] for key in ("text_bytes", "text_deviation", "peak_rss_bytes", "cgroup_peak_bytes")}


def table(rows):
    def range_of(r):
        low, high = r["planned_range"]
        return f" ({low / 1e9:.3f}-{high / 1e9:.3f})" if high > low else ""

    def disk_of(r):
        rates = sorted(r["raw_GBps"])
        return f"{benchlib.median(rates):.2f} ({rates[0]:.2f}-{rates[-1]:.2f})" if rates else "-"

    return benchlib.markdown_table(
        ["model", "--ram", "GB per pass: plan, read", "difference", "raw disk in turn, GB/s", "binds",
         "s per pass: plan, run", "difference", "the plan's own disk, GB/s", "s, difference",
         "peak, GB: RSS, cgroup"],
        [[r["model"], r["budget"], f"{r['planned_bytes'] / 1e9:.3f}{range_of(r)}, {r['read_bytes'] / 1e9:.3f}",
          f"{r['bytes_error']:+.1%}", disk_of(r), r["binding"],
          f"{r['planned_s']:.3f}, {r['measured_s']:.3f}", f"{r['seconds_error']:+.0%}",
          "{:.2f}, {:.2f}".format(*r["own_disk_GBps"]), f"{r['own_planned_s']:.3f}, {r['own_seconds_error']:+.0%}",
          f"{r['peak_rss_bytes'] / 1e9:.3f}, {r['cgroup_peak_bytes'] / 1e9:.3f}"]
         for r in rows])


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", nargs="+", metavar="MODEL.gguf:SIZE[,SIZE...]")
    parser.add_argument("--nmos", type=Path, default="build/nmos")
    parser.add_argument("--bench-disk", type=Path, default="build/bench/bench_disk")
    parser.add_argument("--ctx", default="1024")
    parser.add_argument("--alternations", type=int, default=7, help="raw reads in turn with passes")
    parser.add_argument("--between", type=int, default=1, help="passes that count behind each raw read")
    parser.add_argument("--skip", type=int, default=1, help="words left out at the start")
    parser.add_argument("--learn", type=int, default=0, help="runs before each pair")
    parser.add_argument("--texts", type=int, default=1, help="runs of each pair that are checked")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other texts")
    parser.add_argument("--only", choices=["learn", "check"])
    parser.add_argument("--out", default="honest_plan", help="NAME of the files written")
    return parser.parse_args()


def main():
    args = parse_args()
    rows, seed = [], 1000 * args.seed
    pairs = [(model, budget) for model, budgets in (pair.rsplit(":", 1) for pair in args.pairs)
             for budget in budgets.split(",")]
    args.words = {model: words_of(args, model) for model in {model for model, _ in pairs}}
    for model, budget in pairs:
        for _ in range(args.learn):
            seed += 1
            if args.only != "check":
                run(args, model, size_of(budget), seed, words_per_run(args))
    for model, budget in pairs if args.only != "learn" else []:
        seeds = range(seed + 1, seed + 1 + args.texts)
        seed += args.texts
        rows.append({"model": Path(model).stem, "budget": budget} | check(args, model, size_of(budget), seeds))
        print(table(rows[-1:]).splitlines()[-1], file=sys.stderr)
    if rows:
        Path(args.out + ".json").write_text(json.dumps({"machine": benchlib.machine(), "pairs": rows}, indent=1))
        Path(args.out + ".md").write_text(table(rows))
        print(table(rows), end="")


if __name__ == "__main__":
    main()
