# SPDX-License-Identifier: MIT
"""What the Scout sees in a text: the reference of src/intent/features.c, value for value.

A text of any bytes is cut to a window, then into tokens: runs of letters and digits (bytes above 127 are letters; letters in
lower case, a run of digits becomes one 0), single other characters, and line breaks. Hashed features are tokens, pairs of
tokens and runs of 3 to 5 characters; each kind is scaled to length 1. Measured features are counts of words of a kind
(scout_lexicon.py) and of marks of code, tables and pasted text."""
import re
from functools import lru_cache

import numpy as np

from scout_lexicon import KINDS

WINDOW_MAX, WINDOW_HEAD, WINDOW_TAIL = 1600, 1200, 400
HEAD_TOKENS, TAIL_TOKENS, TAIL_FROM, START_TOKENS = 12, 12, 40, 4
GROUPS = 4  # words, characters, head, tail
SEED_1, SEED_2, SEED_HEAD, SEED_START, SEED_TAIL, SEED_CHARS = 0x11, 0x22, 0x33, 0x44, 0x55, 0x66
FNV_BASIS, FNV_PRIME = 0x811C9DC5, 0x01000193
M32 = 0xFFFFFFFF

# What a byte becomes: letters lower, digits 0, control bytes a blank.
FOLD = np.arange(256, dtype=np.uint8)
FOLD[ord("A"):ord("Z") + 1] += 32
FOLD[ord("0"):ord("9") + 1] = ord("0")
FOLD[:32] = ord(" ")
FOLD[127] = ord(" ")
FOLD[ord("\n")] = ord("\n")
FOLD_TABLE = bytes(FOLD)
TOKEN = re.compile(rb"[ \n]+|0+|(?:[a-z\x80-\xff]|0)+|.", re.S)
PIECE = re.compile(rb"[ \n]+|[a-z0\x80-\xff]+|.", re.S)
DIGITS = re.compile(rb"0+")


@lru_cache(maxsize=1 << 20)
def fnv(data):
    h = FNV_BASIS
    for b in data:
        h = (h ^ b) * FNV_PRIME & M32
    return h


LEXICON = {}  # hash of a word -> bits of its kinds
for _bit, _words in enumerate(KINDS.values()):
    for _word in set(_words.split()):
        _h = fnv(_word.replace("'", "").encode())
        LEXICON[_h] = LEXICON.get(_h, 0) | 1 << _bit


def mix(h):
    """Spreads hashes (uint32 arrays) over all bits."""
    h = h ^ (h >> np.uint32(16))
    h = h * np.uint32(0x85EBCA6B)
    h = h ^ (h >> np.uint32(13))
    h = h * np.uint32(0xC2B2AE35)
    return h ^ (h >> np.uint32(16))


def pair(a, b):
    return a * np.uint32(0x9E3779B1) + b


def window(text):
    if len(text) <= WINDOW_MAX:
        return text
    return text[:WINDOW_HEAD] + b"\n" + text[-WINDOW_TAIL:]


def pieces(view):
    """Token hashes (uint32; a line break is the hash of "\\n") and the normalised characters of a window."""
    hashes, chars = [], [b" "]
    for match in PIECE.finditer(view.translate(FOLD_TABLE)):
        piece = match[0]
        if piece[0] in b" \n":
            blank = b"\n" if b"\n" in piece else b" "
            chars.append(blank)
            if blank == b"\n":
                hashes.append(fnv(blank))
            continue
        piece = DIGITS.sub(b"0", piece)
        hashes.append(fnv(piece))
        chars.append(piece)
    return np.array(hashes, dtype=np.uint32), np.frombuffer(b"".join(chars), dtype=np.uint8).astype(np.uint32)


def hashed(hashes, chars):
    """[GROUPS] arrays of distinct 32-bit features."""
    words = [mix(hashes ^ np.uint32(SEED_1)), mix(pair(hashes[:-1], hashes[1:]) ^ np.uint32(SEED_2))]
    grams = []
    h = np.full(len(chars), FNV_BASIS, dtype=np.uint32)
    for n in range(1, 6):
        h = (h[:len(chars) - n + 1] ^ chars[n - 1:]) * np.uint32(FNV_PRIME)
        if n >= 3:
            grams.append(mix(h ^ np.uint32(SEED_CHARS)))
    visible = hashes[hashes != fnv(b"\n")]
    head = [mix(visible[:HEAD_TOKENS] ^ np.uint32(SEED_HEAD))]
    start = np.zeros(1, dtype=np.uint32)
    for token in visible[:START_TOKENS]:
        start = pair(start, token)
        head.append(mix(start ^ np.uint32(SEED_START)))
    tail = []
    if len(visible) > TAIL_FROM:
        last = visible[-TAIL_TOKENS:]
        tail = [mix(last ^ np.uint32(SEED_TAIL)), mix(pair(last[:-1], last[1:]) ^ np.uint32(SEED_TAIL))]
    return [np.unique(np.concatenate(g)) if g else np.zeros(0, np.uint32) for g in (words, grams, head, tail)]


# Marks of structure, counted in the window's bytes.
MARKS = {
    "fence": rb"```", "backtick": rb"`[^`\n]+`", "call": rb"[A-Za-z_]\w*\(", "snake": rb"[A-Za-z0-9]_[A-Za-z0-9]",
    "camel": rb"[a-z][A-Z][a-z]", "member": rb"[A-Za-z_]\w*\.[a-z_]\w*\(?", "closing": rb"[;{}]\n",
    "operator": rb"==|!=|<=|>=|=>|->|::|\+\+|&&|\|\||\+=|:=|//|/\*|\*/|</|/>|#include|<\?|\$\(", "assign": rb"[\w\]\)] ?= ?[\w\[\(\"'{]",
    "brace": rb"[{}\[\]<>]", "indent": rb"(?:^|\n)(?:\t|    )", "define": rb"(?:^|\n)\s*(?:def|class|import|from|function|public|#!|select|SELECT)\b",
    "option": rb" --?[a-z]", "path": rb"(?:^|[ \"'])[~.]?/[\w.-]+", "variable": rb"\$[A-Za-z_{]",
    "codefile": rb"\w\.(?:py|js|ts|c|h|cpp|java|rb|php|sh|go|rs|html|css|json|xml|yml|yaml|sql|cs|ipynb|toml|jar|exe|dll|so)\b",
    "docfile": rb"\w\.(?:txt|pdf|docx?|csv|xlsx?|md|pptx?|rtf|odt)\b", "error": rb"(?:Error|Exception)\b", "tag": rb"</?[a-z]+[^>\n]{0,40}>",
    "question": rb"\?", "quote": rb"[\"\x9c\x9d]", "colon": rb":\s*\n|:\s*$", "label": rb"(?:^|\n) ?[A-Z][A-Za-z ]{1,20}: ?\S?",
    "choice": rb"(?:^|\n) ?(?:[A-Ha-h0-9][.)]|[-*\x95])[ \t]", "sentence": rb"[a-z0-9\"')][.!?][\"')]* +[\"'(]?[A-Z]",
    "blank": rb"\n[ \t]*\n", "newline": rb"\n", "pipes": rb"(?:^|\n)[^\n|]*\|[^\n|]*\|", "commas": rb"(?:^|\n)[^\n,]+,[^\n, ][^\n,]*,",
    "tabs": rb"[^\n\t]\t", "digits": rb"[0-9]+", "url": rb"https?://|www\.", "capital": rb"[a-z,] [A-Z][a-z]", "foreign": rb"[\xc3-\xf4]",
    "longline": rb"[^\n]{200}", "keyvalue": rb"\"[\w ]+\" ?: ?",
}
PATTERNS = {name: re.compile(pattern) for name, pattern in MARKS.items()}
LENGTHS = [1, 8, 16, 32, 64, 128, 256, 512, 1024]
N_MEASURED = 3 * len(KINDS) + 2 * len(MARKS) + len(LENGTHS) + 2


def measured(text, view, hashes):
    """[N_MEASURED] float32 in 0 .. 1."""
    visible = hashes[hashes != fnv(b"\n")]
    kinds = np.array([LEXICON.get(int(h), 0) for h in visible], dtype=np.uint32)
    out = []
    n = max(1, len(visible))
    for bit in range(len(KINDS)):
        has = kinds >> np.uint32(bit) & 1
        count = int(has.sum())
        out += [float(has[:HEAD_TOKENS].any()), min(count, 4) / 4, min(1.0, 4 * count / n)]
    for pattern in PATTERNS.values():
        count = len(pattern.findall(view))
        out += [float(count > 0), min(count, 8) / 8]
    out += [float(len(text) >= length) for length in LENGTHS]
    stripped = view.rstrip()
    out += [float(stripped.endswith(b"?")), float(len(view) > 0 and view[:1].isupper())]
    return np.array(out, dtype=np.float32)
