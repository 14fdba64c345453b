#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make_recall.py OUT.gguf [TEXT...]: a model that does one thing: say what followed a letter before; and texts for it.

Weights are set by hand. Every token has a random code of signs. The head of layer 0 looks one position back and notes
which token was there; that of layer 1 looks for positions behind the token in hand, and passes on what stands there; the
output head names the token of that code (an induction head: Olsson et al. 2022, arXiv:2209.11895). Only letters are
looked for. Every other row rests on the first position, as the heads of trained models do (sinks: Xiao et al. 2023,
arXiv:2309.17453). So attention says exactly which positions are needed: for whatever is to keep those. One token is one
byte, numbered as the byte.

A text is windows of 2,048 bytes. Each names all letters near its beginning, a digit behind each. From there on, dots and
dashes at random; after every 33 of them a letter, in an order of its own, and its digit. Needs python3-numpy."""
import pathlib
import sys

import numpy as np

import gguf_read
from make_model_gguf import byte_vocabulary

N_VOCAB, N_CODE, HEAD_DIM, CTX, FREQ_BASE = 320, 64, 128, 2048, 1e12
D_MODEL = 3 * N_CODE  # the token's code, that of the token before, and what was found
D_FF = 32  # all zero: nothing is computed there
N_SIGNS = N_CODE // 2 - 1
ONE, FIRST, LETTER, OTHER = 0, 1, slice(2, 2 + N_SIGNS), slice(2 + N_SIGNS, N_CODE)  # parts of a code
N_FAST = 20  # pairs of dimensions that turn: the first tell neighbours apart, the last those far away
SLOW = 48  # dimensions from here on hardly turn within CTX positions
BEFORE = 20.0  # what sets the position before apart from others, ...
FOUND, REST = 40.0, 25.0  # ... one that was looked for, and the first one, in units of the softmax
SAID = 10.0  # logit of the token that was found
NAMED_AT, ASKED_EVERY, N_WINDOWS = 71, 35, 8  # of texts
LETTERS = [i for i in range(128) if chr(i).isalpha()]


def codes():
    """[N_VOCAB][N_CODE]: signs where letters, or where all others have them; 1 for all; 1 for the first token of a
    text, a blank."""
    signs = np.random.default_rng(1).choice([-1.0, 1.0], (N_VOCAB, N_CODE))
    is_letter = np.isin(np.arange(N_VOCAB), LETTERS)
    signs[~is_letter, LETTER] = 0
    signs[is_letter, OTHER] = 0
    signs[:, ONE] = 1
    signs[:, FIRST] = np.arange(N_VOCAB) == ord(" ")
    return signs


def before_head():
    """Query and key of layer 0 do not depend on the token: they turn with the position, and meet one step apart."""
    frequency = FREQ_BASE ** (-2 * np.arange(N_FAST) / HEAD_DIM)
    size = np.sqrt(BEFORE * np.sqrt(HEAD_DIM) / (1 - np.cos(frequency)).sum())
    query, key = np.zeros((2, HEAD_DIM, D_MODEL))
    query[0:2 * N_FAST:2, ONE], query[1:2 * N_FAST:2, ONE] = size * np.cos(frequency), -size * np.sin(frequency)
    key[0:2 * N_FAST:2, ONE] = size
    return query, key


def recall_head():
    """The query of layer 1 is what makes the token a letter, the key that of the token before; the first one is always
    there to rest on."""
    size = np.sqrt(FOUND * np.sqrt(HEAD_DIM) / N_SIGNS)
    query, key = np.zeros((2, HEAD_DIM, D_MODEL))
    query[SLOW:SLOW + N_SIGNS, LETTER] = size * np.eye(N_SIGNS)
    key[SLOW:SLOW + N_SIGNS, N_CODE:2 * N_CODE][:, LETTER] = size * np.eye(N_SIGNS)
    query[SLOW + N_SIGNS, ONE] = key[SLOW + N_SIGNS, FIRST] = np.sqrt(REST * np.sqrt(HEAD_DIM))
    return query, key


def tensors():
    """Name and values of each tensor. A norm divides by the root of the mean square, so its weight takes that back."""
    signs = codes()
    code_square = 1 + N_SIGNS
    embedding = np.zeros((N_VOCAB, D_MODEL))
    embedding[:, :N_CODE] = signs
    yield "token_embd.weight", embedding
    for layer, (query, key) in enumerate((before_head(), recall_head())):
        value, output = np.zeros((HEAD_DIM, D_MODEL)), np.zeros((D_MODEL, HEAD_DIM))
        value[:N_CODE, :N_CODE] = np.eye(N_CODE)
        if layer == 1:
            value[:N_CODE, FIRST] -= signs[ord(" ")]  # what heads rest on says nothing
        output[(layer + 1) * N_CODE:(layer + 2) * N_CODE, :N_CODE] = np.eye(N_CODE)
        yield f"blk.{layer}.attn_norm.weight", np.full(D_MODEL, np.sqrt((layer + 1) * code_square / D_MODEL))
        yield f"blk.{layer}.attn_q.weight", query
        yield f"blk.{layer}.attn_k.weight", key
        yield f"blk.{layer}.attn_v.weight", value
        yield f"blk.{layer}.attn_output.weight", output
        yield f"blk.{layer}.ffn_norm.weight", np.ones(D_MODEL)
        yield f"blk.{layer}.ffn_gate.weight", np.zeros((D_FF, D_MODEL))
        yield f"blk.{layer}.ffn_up.weight", np.zeros((D_FF, D_MODEL))
        yield f"blk.{layer}.ffn_down.weight", np.zeros((D_MODEL, D_FF))
    yield "output_norm.weight", np.full(D_MODEL, np.sqrt(3 * code_square / D_MODEL))
    head = np.zeros((N_VOCAB, D_MODEL))
    head[:, 2 * N_CODE:] = signs * SAID / code_square
    yield "output.weight", head


def make(path):
    kvs = [("general.architecture", "str", "llama"), ("general.name", "str", "recall"),
           ("llama.block_count", "u32", 2), ("llama.context_length", "u32", CTX),
           ("llama.embedding_length", "u32", D_MODEL), ("llama.feed_forward_length", "u32", D_FF),
           ("llama.attention.head_count", "u32", 1), ("llama.attention.head_count_kv", "u32", 1),
           ("llama.attention.key_length", "u32", HEAD_DIM), ("llama.attention.value_length", "u32", HEAD_DIM),
           ("llama.attention.layer_norm_rms_epsilon", "f32", 1e-6), ("llama.rope.freq_base", "f32", FREQ_BASE),
           ("llama.rope.dimension_count", "u32", HEAD_DIM), ("llama.vocab_size", "u32", N_VOCAB)]
    rows = [(name, np.atleast_2d(values).astype("<f4"), values.ndim) for name, values in tensors()]
    gguf_read.write(path, kvs + byte_vocabulary(N_VOCAB), [
        (name, values.shape[:0:-1] if ndim == 1 else values.shape[::-1], "F32", values.tobytes())
        for name, values, ndim in rows])


def window(random):
    """CTX bytes. Letters are asked for in turn, so that what was said of one lies 1,820 positions back."""
    between = lambda n: random.choice(list(b".,;:-+*/"), n).tolist()
    letters = random.permutation(LETTERS)
    digits = dict(zip(letters, random.choice(list(b"0123456789"), len(letters))))
    text = [ord(" "), *between(NAMED_AT - 1)]
    for letter in letters:
        text += [letter, digits[letter]]
    order = random.permutation(LETTERS)
    while len(text) < CTX:
        letter = order[len(text) // ASKED_EVERY % len(order)]
        text += [*between(ASKED_EVERY - 2), letter, digits[letter]]
    return bytes(int(byte) for byte in text[:CTX])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    make(sys.argv[1])
    for number, path in enumerate(sys.argv[2:]):
        random = np.random.default_rng(number)
        pathlib.Path(path).write_bytes(b"".join(window(random) for _ in range(N_WINDOWS)))
