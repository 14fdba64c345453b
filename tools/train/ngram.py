# SPDX-License-Identifier: MIT
"""An n-gram model with interpolated Kneser-Ney smoothing over token ids: what the nano models have to beat.

Kneser and Ney 1995; one discount of 0.75 for all counts.
"""
import numpy as np
import torch

DISCOUNT = 0.75
BITS = 12  # of a token id; five of them fit in 64 bits


class Level:
    """Grams of one length, sorted, with their counts; and for each history its total and its number of followers."""

    def __init__(self, grams, counts):
        self.grams, self.counts = grams, counts
        self.histories, first = np.unique(grams >> np.uint64(BITS), return_index=True)
        self.totals = np.add.reduceat(counts, first)
        self.followers = np.diff([*first, len(grams)])

    @staticmethod
    def find(where, what, values):
        at = np.minimum(np.searchsorted(where, what), len(where) - 1)
        return np.where(where[at] == what, values[at], 0)


class Ngram:
    """The model of order n (at most 5) of a run of ids."""

    def __init__(self, ids, order=5, n_vocab=4096):
        assert n_vocab <= 1 << BITS and order <= 5
        self.order, self.n_vocab = order, n_vocab
        grams, counts = np.unique(packed(ids, order), return_counts=True)
        self.levels = {order: Level(grams, counts.astype(np.float64))}
        for n in range(order - 1, 0, -1):  # below the top: in how many contexts, not how often
            mask = np.uint64((1 << (BITS * n)) - 1)
            grams, counts = np.unique(grams & mask, return_counts=True)
            self.levels[n] = Level(grams, counts.astype(np.float64))

    def nats(self, ids):
        """-log P of ids[1:], each after up to order - 1 of those before it."""
        ids = np.asarray(ids)
        p = np.full(len(ids) - 1, 1 / self.n_vocab)
        for n in range(1, self.order + 1):
            if len(ids) < n:
                break
            grams, level = packed(ids, n), self.levels[n]
            own = p[len(p) - len(grams):] if n > 1 else p
            grams = grams[len(grams) - len(own):]
            total = Level.find(level.histories, grams >> np.uint64(BITS), level.totals)
            followers = Level.find(level.histories, grams >> np.uint64(BITS), level.followers.astype(np.float64))
            count = Level.find(level.grams, grams, level.counts)
            safe = np.maximum(total, 1)
            mixed = np.maximum(count - DISCOUNT, 0) / safe + DISCOUNT * followers / safe * own
            p[len(p) - len(own):] = np.where(total > 0, mixed, own)
        return torch.from_numpy(-np.log(p))


def packed(ids, n):
    """All runs of n ids as one integer each, the last id in the lowest bits."""
    ids = np.asarray(ids, np.uint64)
    grams = np.zeros(len(ids) - n + 1, np.uint64)
    for i in range(n):
        grams = (grams << np.uint64(BITS)) | ids[i:len(ids) - n + 1 + i]
    return grams
