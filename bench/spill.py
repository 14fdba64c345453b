#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a KV cache on disk costs: one long prompt and an answer, with all keys and values in memory and with a part of
them, in turn. The texts must be the same. Prints a table.

    python3 bench/spill.py MODEL --nmos build/nmos --ctx 8192 --shares 1,0.25
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import benchlib


def nmos(args, *words, stdin=None):
    return subprocess.run([args.nmos, *words], check=True, input=stdin, capture_output=True)


def prompt_of(args, n_tokens):
    """Text of about n_tokens tokens, at most so many."""
    text = " ".join(f"{w}{i % 97}" for i in range(n_tokens) for w in ("river", "stone"))
    ids = json.loads(nmos(args, "tokenize", "-m", args.model, stdin=text.encode()).stdout)[:n_tokens - 8]
    return nmos(args, "detokenize", "-m", args.model, stdin=json.dumps(ids).encode()).stdout


def run(args, prompt_path, kv_bytes, share):
    options = [] if share == 1 else ["--kv-ram", str(int(kv_bytes * share))]
    done = nmos(args, "run", "-m", args.model, "-f", prompt_path, "-n", str(args.tokens), "--temp", "0", "--spec",
                "off", "--ctx", str(args.ctx), "--kv", args.kv, "--stats", *options)
    return benchlib.last_json(done.stderr.decode()), done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("model")
    parser.add_argument("--nmos", default="build/nmos")
    parser.add_argument("--ctx", type=int, default=8192)
    parser.add_argument("--tokens", type=int, default=24)
    parser.add_argument("--kv", default="f16")
    parser.add_argument("--shares", default="1,0.5,0.25", help="of the cache that are in memory, the first one 1")
    args = parser.parse_args()
    shares = [float(s) for s in args.shares.split(",")]
    with tempfile.TemporaryDirectory(dir=os.environ.get("XDG_CACHE_HOME")) as folder:
        prompt_path = Path(folder) / "prompt.txt"
        prompt_path.write_bytes(prompt_of(args, args.ctx - args.tokens - 8))
        first = None
        print("| in memory, MB | written, MB | read, MB a pass | prefill, s | s a token | waiting, s a pass |\n"
              "|---|---|---|---|---|---|")
        for share in shares:
            if first is None:
                first = (stats, text) = run(args, prompt_path, 0, 1)
            else:
                stats, text = run(args, prompt_path, first[0]["kv_bytes"], share)
            if text != first[1]:
                sys.exit("the text is another one")
            n = max(1, stats["generated_tokens"] - 1)
            passes = stats["passes"]
            print(f"| {stats['kv_bytes'] / 1e6:.1f} | {stats['kv_spilled_bytes'] / 1e6:.1f} | "
                  f"{stats.get('kv_read_bytes', 0) / passes / 1e6:.1f} | {stats['prefill_s']:.2f} | "
                  f"{stats['decode_s'] / n:.4f} | {stats.get('kv_wait_s', 0) / passes:.4f} |", flush=True)
        print(f"\n{first[0]['prompt_tokens']} tokens of prompt, {first[0]['passes']} passes")


if __name__ == "__main__":
    main()
