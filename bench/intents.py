#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures what reading system prompts ahead of Enter wins: first words behind Enter with a system prompt of about 500
tokens for each intent. Plays the same trace with the prompts read ahead, and with nothing done before Enter, in turn.

    bench/intents.py build/nmos TRACE.jsonl -m MODEL.gguf [more options of replay]
"""
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROUNDS = 3
WORDS = {"CODE": "Answer with code that runs and name what it needs. ", "CHAT": "Be kind and brief, and ask what is not said. ",
         "DOCS": "Keep to the text that is given and cite its lines. "}


def replay(nmos, trace, config, args):
    done = subprocess.run([nmos, "replay", trace, "--json", "--config", config, *args], check=True, capture_output=True)
    return json.loads(done.stdout)["prompts"]


def main():
    nmos, trace, *args = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder, "nmos.conf")
        config.write_text("".join(f"[intent:{name}]\n" + f"system = {words * 9}\n" * 5 for name, words in WORDS.items()))
        ways = {"read ahead": [], "system prompt at Enter": ["--no-anticipation"], "no system prompt": ["--intent-use", "off"]}
        found = {way: [] for way in ways}
        for _ in range(ROUNDS):
            for way, more in ways.items():
                found[way].append(replay(nmos, trace, config, [*args, *more]))
    sent = [[p["text_sha256"] for p in r] for way in ("read ahead", "system prompt at Enter") for r in found[way]]
    assert all(s == sent[0] for s in sent), "the answers differ"
    for way, rounds in found.items():
        prompts = [p for r in rounds for p in r]
        first = [statistics.median(p["verified_s"] for p in r) for r in rounds]
        print(f"{way:24} first words {statistics.median(first):.3f} s ({min(first):.3f} to {max(first):.3f}), "
              f"system prompt {statistics.median(p['opening_tokens'] for p in prompts):.0f} tokens, ready "
              f"{statistics.median(p['ready_tokens'] for p in prompts):.0f} of "
              f"{statistics.median(p['prompt_tokens'] for p in prompts):.0f}, of all intents "
              f"{statistics.median(p['openings_ready'] for p in prompts):.0f}, begun "
              f"{statistics.mean(p['branch_hit'] for p in prompts):.0%}")


if __name__ == "__main__":
    main()
