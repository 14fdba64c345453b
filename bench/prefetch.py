#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What guessing the next layer's experts gains and costs: bench_experts with no guesses, guesses where they pay (as
nmos runs) and guesses in every layer, in turn, in a memory cgroup of exactly --ram.

Every run begins with the same habits, learned by one run at the first budget, and draws the same text. Figures are of
the second half of the tokens; ratios are medians of those within a round. Needs root. Writes NAME.json and NAME.md.
"""
import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import benchlib
import watched

MODES = {"none": "no-guess", "where it pays": "guess", "every layer": "always"}


def size_of(text):
    unit = {"M": 1e6, "G": 1e9}.get(text[-1])
    return int(float(text[:-1]) * unit) if unit else int(text)


def run(args, budget, mode, habits):
    """One run: seconds and bytes a token, hit rate, precision, of the second half; precision of all."""
    with tempfile.TemporaryDirectory() as folder:
        if habits.exists():
            shutil.copytree(habits, folder, dirs_exist_ok=True)
        seen = watched.run_in_cgroup([args.bench.resolve(), args.model, budget, args.tokens, Path(folder) / "trace", MODES[mode]],
                                     budget, {"XDG_CACHE_HOME": folder})
        if seen.status:
            raise RuntimeError(seen.stderr.decode(errors="replace")[-500:])
        if not habits.exists():
            (Path(folder) / "trace").unlink()
            shutil.copytree(folder, habits)
    stats = benchlib.last_json(seen.stdout.decode())
    half = stats["half"]
    return {"token_s": half["seconds"] / half["tokens"], "token_bytes": half["bytes_read"] / half["tokens"],
            "stall_s": half["stall_s"] / half["tokens"],
            "hit_rate": 1 - half["experts_read"] / half["experts_used"], "guessed": stats["guessed"],
            "precision": stats["guessed_well"] / stats["guessed"] if stats["guessed"] else None,
            "cgroup_peak_bytes": seen.cgroup_peak_bytes, "oom_kills": seen.oom_kills}


def table(rounds):
    """rounds: {budget: [{mode: run}]}"""
    rows = []
    for budget, runs in rounds.items():
        for mode in runs[0]:
            def middle(name, mode=mode, runs=runs):
                return benchlib.median([r[mode][name] for r in runs if r[mode][name] is not None])

            ratios = [r["none"]["token_s"] / r[mode]["token_s"] for r in runs]
            precision = middle("precision")
            rows.append([budget, mode, f"{1e3 * middle('token_s'):.1f}",
                         f"{benchlib.median(ratios):.3f} ({min(ratios):.2f}-{max(ratios):.2f})",
                         f"{1e3 * middle('stall_s'):.1f}", f"{middle('token_bytes') / 1e6:.1f}",
                         f"{middle('hit_rate'):.3f}", f"{middle('guessed'):.0f}",
                         "-" if precision is None else f"{precision:.2f}"])
    return benchlib.markdown_table(["--ram", "guesses", "ms a token", "speed to none", "waiting, ms", "MB a token",
                                    "hit rate", "guessed", "right"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, metavar="MODEL.gguf")
    parser.add_argument("budgets", nargs="+", metavar="SIZE")
    parser.add_argument("--bench", type=Path, default="build/bench/bench_experts")
    parser.add_argument("--tokens", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--modes", default=",".join(MODES), type=lambda text: text.split(","), help="first: none")
    parser.add_argument("--habits", type=Path, help="folder of habits, made when it is not there")
    parser.add_argument("--out", default="prefetch", help="NAME of the files written")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        habits = args.habits or Path(folder) / "habits"
        if not habits.exists():
            run(args, size_of(args.budgets[0]), "none", habits)
        rounds = {budget: [] for budget in args.budgets}
        for _ in range(args.rounds):
            for budget in args.budgets:
                rounds[budget].append({mode: run(args, size_of(budget), mode, habits) for mode in args.modes})
                print(budget, {m: round(1e3 * r["token_s"], 1) for m, r in rounds[budget][-1].items()}, file=sys.stderr)
    Path(args.out + ".json").write_text(json.dumps({"machine": benchlib.machine(), "rounds": rounds}, indent=1))
    Path(args.out + ".md").write_text(table(rounds))
    print(table(rounds), end="")


if __name__ == "__main__":
    main()
