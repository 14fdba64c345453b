# SPDX-License-Identifier: MIT
"""A byte-level BPE tokenizer: training, encoding, and its entries for a GGUF file.

Text is cut into words by the expression of the pre-tokenizer "qwen2", so that an engine that reads the file cuts the
same. Ids: 256 single bytes in the order of GPT-2's letters, the merges in the order they were learned, then the
three special tokens. Needs python3-regex.
"""
import json
from collections import Counter, defaultdict
from pathlib import Path

import regex

WORDS = regex.compile(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
                      r"|\s*[\r\n]+|\s+(?!\S)|\s+")
SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
SPLIT = regex.compile("(" + "|".join(regex.escape(s) for s in SPECIALS) + ")")
VISIBLE = [*range(33, 127), *range(161, 173), *range(174, 256)]
HIDDEN = [b for b in range(256) if b not in VISIBLE]
LETTER = {b: chr(b) for b in VISIBLE} | {b: chr(256 + i) for i, b in enumerate(HIDDEN)}
BYTES = VISIBLE + HIDDEN  # byte of each of the first 256 ids


def learn_merges(texts, n_merges):
    """[(bytes, bytes)]: the pair of neighbours that is most frequent, again and again; ties by the pair itself."""
    counts = Counter()
    for text in texts:
        for piece in SPLIT.split(text):
            if piece not in SPECIALS:
                counts.update(WORDS.findall(piece))
    words = [[bytes([b]) for b in word.encode()] for word in counts]
    weights = list(counts.values())
    pairs, where = Counter(), defaultdict(set)
    for i, word in enumerate(words):
        for pair in zip(word, word[1:]):
            pairs[pair] += weights[i]
            where[pair].add(i)
    merges = []
    while len(merges) < n_merges and pairs:
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        for i in where.pop(best):
            old = words[i]
            words[i] = new = merged(old, best)
            for pair in zip(old, old[1:]):
                pairs[pair] -= weights[i]
            for pair in zip(new, new[1:]):
                pairs[pair] += weights[i]
                where[pair].add(i)
        pairs.pop(best, None)
    return merges


def merged(word, pair):
    new, at = [], 0
    while at < len(word):
        if at + 1 < len(word) and word[at] == pair[0] and word[at + 1] == pair[1]:
            new.append(pair[0] + pair[1])
            at += 2
        else:
            new.append(word[at])
            at += 1
    return new


class Tokenizer:
    """Ids of text. Special tokens in the text become their ids."""

    def __init__(self, merges):
        self.merges = [tuple(m) for m in merges]
        self.tokens = [bytes([b]) for b in BYTES] + [a + b for a, b in self.merges]
        self.ids = {token: i for i, token in enumerate(self.tokens)}
        self.rank = {pair: i for i, pair in enumerate(self.merges)}
        self.special = {s: len(self.tokens) + i for i, s in enumerate(SPECIALS)}
        self.n_vocab = len(self.tokens) + len(SPECIALS)
        self.end_of_text, self.im_start, self.im_end = (self.special[s] for s in SPECIALS)
        self.known = {}

    def word(self, text):
        if text not in self.known:
            parts = [bytes([b]) for b in text.encode()]
            while len(parts) > 1:
                best = min(zip(parts, parts[1:]), key=lambda pair: self.rank.get(pair, 1 << 30))
                if best not in self.rank:
                    break
                parts = merged(parts, best)
            self.known[text] = [self.ids[p] for p in parts]
        return self.known[text]

    def encode(self, text):
        ids = []
        for piece in SPLIT.split(text):
            if piece in self.special:
                ids.append(self.special[piece])
            else:
                for word in WORDS.findall(piece):
                    ids += self.word(word)
        return ids

    def decode(self, ids):
        names = {i: s.encode() for s, i in self.special.items()}
        return b"".join(names[i] if i in names else self.tokens[i] for i in ids).decode(errors="replace")

    def save(self, path):
        Path(path).write_text(json.dumps([[a.hex(), b.hex()] for a, b in self.merges]))

    @classmethod
    def load(cls, path):
        return cls([(bytes.fromhex(a), bytes.fromhex(b)) for a, b in json.loads(Path(path).read_text())])

    def metadata(self, chat_template):
        """Entries as a converter writes them (tools/make_model_gguf.py)."""
        def letters(token):
            return "".join(LETTER[b] for b in token)

        names = [letters(t).encode() for t in self.tokens] + [s.encode() for s in SPECIALS]
        merges = [f"{letters(a)} {letters(b)}".encode() for a, b in self.merges]
        return [("tokenizer.ggml.model", "str", "gpt2"), ("tokenizer.ggml.pre", "str", "qwen2"),
                ("tokenizer.ggml.tokens", "strs", names),
                ("tokenizer.ggml.token_type", "i32s", [1] * len(self.tokens) + [3] * len(SPECIALS)),
                ("tokenizer.ggml.merges", "strs", merges),
                ("tokenizer.ggml.bos_token_id", "u32", self.end_of_text),
                ("tokenizer.ggml.eos_token_id", "u32", self.im_end),
                ("tokenizer.ggml.padding_token_id", "u32", self.end_of_text),
                ("tokenizer.ggml.add_bos_token", "bool", False),
                ("tokenizer.chat_template", "str", chat_template)]
