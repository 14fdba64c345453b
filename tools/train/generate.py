#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A model's own answers to the prompts of the training text: what its draft learns to guess (train.py --also).

Also the generator that the measurements share: answers in batches of prompts of equal length, with a given noise.
"""
import argparse
import random
import time
from pathlib import Path

import numpy as np
import torch

from bpe import Tokenizer
from export import load_model


def filtered(logits, temperature, top_k=40, top_p=0.95, min_p=0.05):
    """Scores logits / temperature with those that the default filters of `nmos run` drop at -inf. [rows, n_vocab]"""
    best, ids = logits.topk(top_k, -1)
    odds = best.softmax(-1)
    is_kept = (odds.cumsum(-1) - odds < top_p) & (odds >= min_p * odds[:, :1])
    scores = torch.full_like(logits, -torch.inf)
    return scores.scatter(1, ids, torch.where(is_kept, best / temperature, -torch.inf))


def noise(seed, n_positions, n_vocab):
    """Gumbel noise [n_positions, n_vocab], the same for the same seed."""
    generator = torch.Generator().manual_seed(seed)
    return -torch.log(-torch.log(torch.rand(n_positions, n_vocab, generator=generator).clamp(1e-9, 1 - 1e-7)))


def answers(model, prompts, n_max, temperature, end, gumbel=None):
    """Answers to prompts of one length: a list of ids for each, with `end` last where the model ended it.

    temperature 0 is greedy. gumbel: noise of the answer's positions, shared by all prompts; or drawn anew.
    """
    ids, past, said = torch.tensor(prompts), {}, [[] for _ in prompts]
    is_open = [True] * len(prompts)
    with torch.no_grad():
        for step in range(n_max):
            logits = torch.nn.functional.linear(model.hidden(ids, past)[:, -1], model.weights["token_embd.weight"])
            if temperature:
                scores = filtered(logits, temperature)
                drawn = gumbel[step] if gumbel is not None else -torch.log(-torch.log(torch.rand_like(scores)))
                logits = scores + drawn
            ids = logits.argmax(-1, keepdim=True)
            for i, token in enumerate(ids[:, 0].tolist()):
                if is_open[i]:
                    said[i].append(token)
                    is_open[i] = token != end
            if not any(is_open):
                break
    return said


def first_turns(ids, starts, im_end, limit):
    """Prompts of the training text: documents up to the end of the user's first turn, with the assistant's heading."""
    for a, b in zip(starts, starts[1:]):
        document = ids[a:min(b, a + limit)].tolist()
        if im_end in document:
            yield document[:document.index(im_end) + 1]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path, help="folder that prepare.py filled")
    parser.add_argument("output", type=Path, metavar="FILE.npz")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--max-tokens", type=int, default=160)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    tokenizer, model = Tokenizer.load(args.data / "tokenizer.json"), load_model(args.model)
    data = np.load(args.data / "train.npz")
    heading = tokenizer.encode("\n<|im_start|>assistant\n")
    by_length = {}
    for prompt in first_turns(data["ids"], data["starts"], tokenizer.im_end, 320):
        by_length.setdefault(len(prompt), []).append(prompt + heading)
    batches = [prompts[i:i + args.batch] for prompts in by_length.values()
               for i in range(0, len(prompts) - args.batch + 1, args.batch)]
    random.Random(args.seed).shuffle(batches)
    started, ids, starts = time.monotonic(), [], []
    for n, batch in enumerate(batches):
        for prompt, said in zip(batch, answers(model, batch, args.max_tokens, (0, 0.7, 1.0)[n % 3], tokenizer.im_end)):
            starts.append(len(ids))
            ids += [*prompt, *said, *tokenizer.encode("\n"), tokenizer.end_of_text]
        if time.monotonic() - started > 60 * args.minutes:
            break
    np.savez(args.output, ids=np.array(ids, np.uint16), starts=np.array(starts, np.int64))
    print(f"{len(starts)} answers, {len(ids)} tokens")


if __name__ == "__main__":
    main()
