#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes docs/nano-samples.md: what nmos says with a model to held-out prompts, ten of each domain, unedited."""
import argparse
import random
import subprocess
from pathlib import Path

import held_out

HEAD = """# What nano-oracle says

The first ten held-out prompts of each domain in a random order, and what
`nmos run --chat -p PROMPT -n 120` answers, with the default sampling (temperature 0.7, seed 0). Nothing was chosen or
edited; an answer that stops in the middle reached 120 tokens. The prompts are text that the model was not trained on;
their sources and licences are in [models/MODEL_CARD.md](../models/MODEL_CARD.md).
Written by `tools/train/samples.py`.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nmos")
    parser.add_argument("data", type=Path, help="folder that prepare.py filled")
    parser.add_argument("model", type=Path)
    parser.add_argument("output", type=Path)
    args = parser.parse_args()
    rng, documents, parts = random.Random(7), held_out.load(args.data / "held_out.jsonl"), [HEAD]
    for domain in held_out.DOMAINS:
        prompts = sorted({d["turns"][0] for d in documents if d["domain"] == domain and len(d["turns"][0]) < 700})
        rng.shuffle(prompts)
        parts.append(f"\n## {domain}\n")
        for prompt in prompts[:10]:
            done = subprocess.run([args.nmos, "run", "--chat", "-m", args.model, "-n", "120", "-p", prompt], check=True,
                                  capture_output=True)
            said = done.stdout.decode(errors="replace")
            parts += ["\nPrompt:\n", quoted(prompt), "\nAnswer:\n", quoted(said.rstrip("\n"))]
    args.output.write_text("\n".join(parts).rstrip("\n") + "\n", encoding="utf-8")


def quoted(text):
    return "\n".join("    " + line if line.strip() else "" for line in text.splitlines())


if __name__ == "__main__":
    main()
