#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fourth step: what the trained models are worth, on held-out conversations. Each measurement prints a table.

loss        nats per byte of each model and of a 5-gram model of the same text, per domain
acceptance  tokens per pass when the draft guesses chains of 4, 8, 16, at temperature 0 and 0.7, per domain
variety     share of distinct 4-grams in a model's own text beside that of the text it should resemble
experts     which experts are used in which domain, and what a budget of half of them would hit
"""
import argparse
import random
from pathlib import Path

import numpy as np
import torch

import held_out
from bpe import Tokenizer
from export import load_model
from generate import answers, filtered, noise
from ngram import Ngram

CHAINS = (4, 8, 16)


def show(head, rows):
    """A table in Markdown."""
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(f"{x:.3f}" if isinstance(x, float) else str(x) for x in row) + " |")


def prompts_of(tokenizer, documents, n, limit=256, seed=7):
    """{domain: n prompts as ids}: held-out first turns with the assistant's heading."""
    rng, found = random.Random(seed), {}
    for domain in held_out.DOMAINS:
        texts = sorted({d["turns"][0] for d in documents if d["domain"] == domain})
        rng.shuffle(texts)
        ids = [tokenizer.encode(f"<|im_start|>user\n{t}<|im_end|>\n<|im_start|>assistant\n") for t in texts]
        found[domain] = [p for p in ids if len(p) <= limit][:n]
    return found


def loss(args, tokenizer, documents):
    rows = []
    for path in args.models:
        score = held_out.model_score(load_model(path))
        rows.append((path.stem, held_out.nats_per_byte(score, tokenizer, documents)))
    grams = Ngram(np.load(args.data / "train.npz")["ids"])
    rows.append(("5-gram", held_out.nats_per_byte(grams.nats, tokenizer, documents)))
    show(("nats per byte", *held_out.DOMAINS, "all"),
         [(name, *(found[d] for d in (*held_out.DOMAINS, "all"))) for name, found in rows])


def tokens_per_pass(matches, chain):
    """The oracle's text is fixed by its noise, so a guess is right or not whatever stood before: a pass takes the
    run of right guesses, at most `chain`, and one token of the oracle's own."""
    at, passes = 0, 0
    while at < len(matches):
        n = 0
        while n < chain and at + n < len(matches) and matches[at + n]:
            n += 1
        at, passes = at + n + 1, passes + 1
    return len(matches), passes


def guesses(draft, prompt, said, temperature, gumbel):
    """For each token of the answer, whether the draft would have said it after the same text with the same noise."""
    with torch.no_grad():
        logits = draft.logits(torch.tensor([prompt + said]))[0, len(prompt) - 1:-1]
    if temperature:
        logits = filtered(logits, temperature) + gumbel[:len(said)]
    return (logits.argmax(-1) == torch.tensor(said)).tolist()


def acceptance(args, tokenizer, documents):
    oracle, draft = load_model(args.models[0]), load_model(args.models[1])
    rows = []
    for temperature in (0, 0.7):
        for domain, prompts in prompts_of(tokenizer, documents, args.prompts).items():
            tokens, passes, right = 0, dict.fromkeys(CHAINS, 0), 0
            for i, prompt in enumerate(prompts):
                gumbel = noise(i, args.max_tokens, tokenizer.n_vocab)
                said = answers(oracle, [prompt], args.max_tokens, temperature, tokenizer.im_end, gumbel)[0]
                matches = guesses(draft, prompt, said, temperature, gumbel)
                tokens, right = tokens + len(said), right + sum(matches)
                for chain in CHAINS:
                    passes[chain] += tokens_per_pass(matches, chain)[1]
            rows.append((temperature, domain, len(prompts), tokens, right / tokens,
                         *(tokens / passes[c] for c in CHAINS)))
    show(("temperature", "domain", "prompts", "tokens", "right guesses", *(f"chain of {c}" for c in CHAINS)), rows)


def distinct(texts, n=4):
    grams = [tuple(t[i:i + n]) for t in texts for i in range(len(t) - n + 1)]
    return len(set(grams)) / max(len(grams), 1)


def variety(args, tokenizer, documents):
    """Over all answers of a domain together, cut to the same number of tokens, and the mean within one answer."""
    rows = []
    for domain, prompts in prompts_of(tokenizer, documents, args.prompts).items():
        real = [tokenizer.encode(d["turns"][1])[:args.max_tokens] for d in documents if d["domain"] == domain]
        sets = {"held-out text": real}
        for path in args.models:
            model = load_model(path)
            for temperature in (0, 0.7):
                sets[f"{path.stem}, temperature {temperature}"] = [
                    answers(model, [p], args.max_tokens, temperature, tokenizer.im_end)[0] for p in prompts]
        n = min(sum(map(len, texts)) for texts in sets.values())
        for name, texts in sets.items():
            within = [distinct([t]) for t in texts if len(t) > 20]
            rows.append((domain, name, n, distinct(cut(texts, n)), float(np.mean(within)) if within else 1.0))
    show(("domain", "text", "tokens", "distinct 4-grams, all", "within an answer"), rows)


def cut(texts, n):
    kept = []
    for text in texts:
        kept.append(text[:n])
        n -= len(kept[-1])
    return kept


def hit_rate(used, n_kept, n_experts):
    """Share of uses that a least-recently-used cache of n_kept experts of one layer has; used: [tokens, k]."""
    cache, hits = [], 0
    for experts in used.tolist():
        for e in experts:
            hits += e in cache
            if e in cache:
                cache.remove(e)
            cache = [e, *cache][:n_kept]
    return hits / max(used.numel(), 1)


def experts(args, tokenizer, documents):
    model = load_model(args.models[0])
    c, shares, hits = model.config, {}, {}
    for domain in held_out.DOMAINS:
        counts, rates = torch.zeros(c.n_layers, c.n_experts), []
        for document in [d for d in documents if d["domain"] == domain][:args.prompts]:
            ids = held_out.encoded(tokenizer, document, 512)[0]
            with torch.no_grad():
                model.hidden(torch.tensor([ids]))
            for i, chosen in enumerate(model.chosen):
                counts[i] += torch.bincount(chosen.reshape(-1), minlength=c.n_experts)
                rates.append(hit_rate(chosen, c.n_experts // 2, c.n_experts))
        shares[domain], hits[domain] = counts / counts.sum(1, keepdim=True), float(np.mean(rates))
    show(("layer", "domain", *(f"expert {e}" for e in range(c.n_experts))),
         [(i, d, *(100 * shares[d][i]).round().int().tolist()) for i in range(c.n_layers) for d in shares])
    overall = sum(shares.values()) / len(shares)
    half = c.n_experts // 2
    rows = []
    for d in held_out.DOMAINS:
        own = float(shares[d].sort(1, descending=True)[0][:, :half].sum(1).mean())
        best = overall.argsort(1, descending=True)[:, :half]
        rows.append((d, hits[d], own, float(shares[d].gather(1, best).sum(1).mean())))
    show(("domain", "least recently used", "the domain's own favourites", "the favourites of all domains"), rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("loss", "acceptance", "variety", "experts"))
    parser.add_argument("data", type=Path, help="folder that prepare.py filled")
    parser.add_argument("models", type=Path, nargs="+", metavar="MODEL", help="acceptance: oracle, then draft")
    parser.add_argument("--prompts", type=int, default=20, help="of each domain")
    parser.add_argument("--documents", type=int, default=120, help="of each domain, for the loss")
    parser.add_argument("--max-tokens", type=int, default=128)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    tokenizer = Tokenizer.load(args.data / "tokenizer.json")
    documents = held_out.load(args.data / "held_out.jsonl")
    if args.what == "loss":
        documents = held_out.sample(documents, args.documents, seed=11)
    globals()[args.what](args, tokenizer, documents)


if __name__ == "__main__":
    main()
