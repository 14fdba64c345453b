#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""First step: corpora to tokens. Writes tokenizer.json, train.npz and held_out.jsonl into a folder."""
import argparse
import json
from pathlib import Path

import numpy as np

from bpe import SPECIALS, Tokenizer, learn_merges
from corpora import documents


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", help="folder of prepared dialogues")
    parser.add_argument("work", type=Path, help="folder of the results")
    parser.add_argument("--n-vocab", type=int, default=4096)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every N-th document only")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    found = documents(args.corpus)[::args.every]
    train = [d for d in found if not d.is_held_out()]
    held_out = [d for d in found if d.is_held_out()]
    tokenizer = Tokenizer(learn_merges((d.text() for d in train), args.n_vocab - 256 - len(SPECIALS)))
    tokenizer.save(args.work / "tokenizer.json")
    ids, starts = [], []
    for document in train:
        starts.append(len(ids))
        ids += tokenizer.encode(document.text()) + [tokenizer.end_of_text]
    np.savez(args.work / "train.npz", ids=np.array(ids, np.uint16), starts=np.array(starts, np.int64))
    with open(args.work / "held_out.jsonl", "w", encoding="utf-8") as f:
        for document in held_out:
            f.write(json.dumps({"domain": document.domain, "source": document.source,
                                "turns": document.turns}) + "\n")
    n_bytes = sum(len(d.text().encode()) for d in train)
    report = {"train_documents": len(train), "train_bytes": n_bytes, "train_tokens": len(ids),
              "held_out_documents": len(held_out), "bytes_per_token": round(n_bytes / len(ids), 3)}
    for d in train:
        key = f"{d.domain} {d.source}"
        report[key] = report.get(key, 0) + len(d.text().encode())
    (args.work / "data.json").write_text(json.dumps(report, indent=1))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
