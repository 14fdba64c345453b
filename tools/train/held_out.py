# SPDX-License-Identifier: MIT
"""Held-out conversations, and what a model makes of them: nats per byte of the turns, per domain.

Counted are the tokens of the turns and the <|im_end|> behind each, over the bytes of the turns; what the template
puts around them is neither counted nor paid for.
"""
import json
import random

import torch

DOMAINS = ("CODE", "CHAT", "DOCS")


def load(path):
    """[{"domain", "source", "turns"}]"""
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def sample(documents, n, seed=5):
    """n documents of each domain."""
    rng, chosen = random.Random(seed), []
    for domain in DOMAINS:
        own = [d for d in documents if d["domain"] == domain]
        chosen += rng.sample(own, min(n, len(own)))
    return chosen


def encoded(tokenizer, document, limit):
    """Ids that start with <|endoftext|>, a flag for each whether it counts, and the bytes that count."""
    ids, counts, n_bytes = [tokenizer.end_of_text], [False], 0
    for i, turn in enumerate(document["turns"]):
        head = tokenizer.encode(f"<|im_start|>{('user', 'assistant')[i % 2]}\n")
        body = tokenizer.encode(turn)
        if len(ids) + len(head) + len(body) + 1 > limit:
            break
        ids += [*head, *body, tokenizer.im_end, *tokenizer.encode("\n")]
        counts += [False] * len(head) + [True] * (len(body) + 1) + [False]
        n_bytes += len(turn.encode())
    return ids, counts, n_bytes


def nats_per_byte(score, tokenizer, documents, limit=1024):
    """{domain: nats per byte, "all": ...}; score(ids) gives the nats of ids[1:], each after those before it."""
    nats, n_bytes = dict.fromkeys(DOMAINS, 0.0), dict.fromkeys(DOMAINS, 0)
    for document in documents:
        ids, counts, n = encoded(tokenizer, document, limit)
        if n:
            nats[document["domain"]] += float(score(ids)[torch.tensor(counts[1:])].sum())
            n_bytes[document["domain"]] += n
    result = {d: round(nats[d] / n_bytes[d], 4) for d in DOMAINS if n_bytes[d]}
    result["all"] = round(sum(nats.values()) / sum(n_bytes.values()), 4)
    return result


def model_score(model):
    """A score function for nats_per_byte."""
    def score(ids):
        with torch.no_grad():
            logits = model.logits(torch.tensor([ids[:-1]]))[0]
            return torch.nn.functional.cross_entropy(logits, torch.tensor(ids[1:]), reduction="none")
    return score
