#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Inflates a small GGUF model into a large one that computes the same function: a twin.

The twin has the bytes and the operations of a large model and speaks the small one's text, so that what depends on
real text (speculation, the use of experts) can be measured while the disk works for real.

  wider    d_model times 4, 16, 64 or 256, more heads, wider feed-forward networks (of experts too)
  deeper   extra layers, spread evenly between the small model's own

Blocks of the small model are copied, never requantised. What is multiplied by zero is random and written out. Weights
whose products have to be zero (the columns of attn_output and ffn_down that take what new heads and channels say, all
rows of theirs that lead into the new part of the residual stream, that part of the embedding table, and both matrices
in extra layers) are blocks with random codes and a scale of zero; weights without a scale (F32, F16, BF16) are zeros.

Why the logits are the same to the bit, and not only nearly:
- The new part of the residual stream is zero in the embedding and stays so: every row that adds to it is zero.
- RMSNorm: the sum of squares takes extra zeros, the mean divides by 4^k times as many elements and eps is divided by
  4^k, so the root is 2^k times smaller, and the norm's weights are 2^k times smaller: all powers of two, all exact.
  The norms of qwen3's heads are not widened but share eps: they stay the same where eps is too small to change a
  mean of squares (the bundled models have 1e-20); with the usual 1e-6 a twin of a qwen3 is only nearly the same.
- Products: activations are quantised in blocks of 32 that never straddle the old and the new part (both are
  multiples of the block), and a dot product adds one block after another in file order, the new ones last. Adding an
  exact zero does not change a sum. An engine that sums in another order, or with scales for longer runs of activations
  than its blocks, may differ in the last bits.
- Attention: head_dim stays, a head works on its own data, and heads and key/value heads grow by the same factor,
  so the old heads keep their groups. Experts: as many as before, and the router's new columns meet zeros.
- An extra layer adds exact zeros to the residual stream.
Zeros may change their sign, which no sum or comparison shows.
"""
import argparse
import json
import math
import re
import struct
import sys
import time
import zlib

import numpy as np

import gguf_read
from make_model import largest_prime
from make_model_blocks import FORMATS, OFFSET, SCALE_AT, float_bits, random_blocks, row_bytes
from make_model_gguf import ALIGNMENT, VALUE, header, string
from make_model_output import Output

POOL_BYTES = 32 << 20
ARCHS = ("llama", "qwen2", "qwen3", "qwen3moe")
FLOATS = ("F32", "F16", "BF16")
NO_ZERO_SCALE = ("IQ1_M", "MXFP4")  # their scale is spread over the block, or has no zero
# Tensor of a layer: what its rows and its columns count. The first letter of a pair is the row length:
# m d_model, q heads, k key/value heads, f feed-forward, e an expert's, h head_dim, n experts, 1 one-dimensional.
LAYER = {
    "attn_norm.weight": "m", "ffn_norm.weight": "m", "attn_q.weight": "mq", "attn_k.weight": "mk",
    "attn_v.weight": "mk", "attn_output.weight": "qm", "attn_q.bias": "q", "attn_k.bias": "k",
    "attn_v.bias": "k", "attn_q_norm.weight": "h", "attn_k_norm.weight": "h", "ffn_gate.weight": "mf",
    "ffn_up.weight": "mf", "ffn_down.weight": "fm", "ffn_gate_inp.weight": "mn",
    "ffn_gate_exps.weight": "men", "ffn_up_exps.weight": "men", "ffn_down_exps.weight": "emn",
}
OUTSIDE = {"token_embd.weight": "mv", "output.weight": "mv", "output_norm.weight": "m", "rope_freqs.weight": "h"}
NORMS = ("attn_norm.weight", "ffn_norm.weight", "output_norm.weight")
SILENT = ("attn_output.weight", "ffn_down.weight", "ffn_down_exps.weight", "token_embd.weight")


class Pool:
    """Random weights of a type, read in a circle; with a scale of zero if they are to be silent."""

    def __init__(self, seed):
        self.seed, self.made = seed, {}

    def blocks(self, type_name, is_silent):
        key = type_name, is_silent
        if key not in self.made:
            size = FORMATS[type_name][2]
            n_blocks = largest_prime(POOL_BYTES // size)
            rng = np.random.Generator(np.random.SFC64([self.seed, zlib.crc32(repr(key).encode())]))
            blocks = random_blocks(type_name, n_blocks, 0.03, rng).reshape(n_blocks, size)
            if is_silent:
                silence(type_name, blocks)
            self.made[key] = blocks.reshape(-1)
        return self.made[key]

    def spans(self, type_name, is_silent, n_bytes, name):
        pool, size = self.blocks(type_name, is_silent), FORMATS[type_name][2]
        at = zlib.crc32(name.encode()) % (len(pool) // size) * size
        while n_bytes:
            span = pool[at:at + n_bytes]
            yield span
            n_bytes, at = n_bytes - len(span), 0

    def take(self, *args):
        return np.concatenate([*self.spans(*args)])


def silence(type_name, blocks):
    """Makes blocks that dequantise to zeros, random as they may look."""
    if type_name in NO_ZERO_SCALE:
        raise ValueError(f"{type_name} has no block scale that could be zero")
    if type_name in FLOATS:
        blocks[:] = 0
        return
    fields = [SCALE_AT.get(type_name, 0)] + ([OFFSET[type_name][0]] if type_name in OFFSET else [])
    for at in fields:
        blocks[:, at:at + 2] = 0


class Plan:
    """Factors of the widths, and which of the twin's layers are the small model's."""

    def __init__(self, file, args):
        self.file, self.arch = file, file.value("general.architecture")
        if self.arch not in ARCHS:
            raise ValueError(f"architecture {self.arch}: only {', '.join(ARCHS)} can be inflated")
        steps = round(math.log(args.widen, 4))
        if 4 ** steps != args.widen:
            raise ValueError(f"--widen {args.widen} is not a power of 4")
        self.norm_scale = 2.0 ** -steps
        n_layers = self.number("block_count")
        self.n_layers = args.layers or n_layers
        if self.n_layers < n_layers:
            raise ValueError(f"--layers {self.n_layers} is less than the model's {n_layers}")
        self.source = {i * self.n_layers // n_layers: i for i in range(n_layers)}  # twin's layer: model's
        heads, ffn = args.heads or args.widen, args.ffn or args.widen
        self.factor = {"m": args.widen, "q": heads, "k": heads, "f": ffn, "e": ffn, "h": 1, "n": 1, "v": 1}

    def number(self, key, default=None):
        return self.file.value(f"{self.arch}.{key}", default)

    def metadata(self):
        """The small model's entries with the counts of the twin."""
        def scaled(key, kind):
            return self.number(key) * self.factor[kind]

        d_head = self.number("attention.key_length",
                             self.number("embedding_length") // self.number("attention.head_count"))
        kv_heads = self.number("attention.head_count_kv", self.number("attention.head_count"))
        changed = {"block_count": ("u32", self.n_layers), "embedding_length": ("u32", scaled("embedding_length", "m")),
                   "feed_forward_length": ("u32", scaled("feed_forward_length", "f")),
                   "attention.head_count": ("u32", scaled("attention.head_count", "q")),
                   "attention.head_count_kv": ("u32", kv_heads * self.factor["k"]),
                   "attention.key_length": ("u32", d_head), "attention.value_length": ("u32", d_head),
                   "attention.layer_norm_rms_epsilon":
                       ("f32", self.number("attention.layer_norm_rms_epsilon") / self.factor["m"])}
        if self.number("expert_feed_forward_length"):
            changed["expert_feed_forward_length"] = "u32", scaled("expert_feed_forward_length", "e")
        raw = dict(self.file.raw)
        for key, (kind, value) in changed.items():
            number, form = VALUE[kind]
            raw[f"{self.arch}.{key}"] = struct.pack("<I", number) + struct.pack(form, value)
        name = self.file.value("general.name", "model") + " twin"
        raw["general.name"] = struct.pack("<I", 8) + string(name)
        raw.pop("general.size_label", None)
        return [(key, "raw", value) for key, value in raw.items()]

    def tensors(self):
        """(name, tensor it is made of, its short name, whether it is in an extra layer), in file order."""
        seen = set()
        for name in self.file.tensors:
            layer = re.match(r"blk\.(\d+)\.", name)
            if not layer:
                yield name, self.file.tensors[name], name, False
            elif layer[1] not in seen:
                seen.add(layer[1])
                yield from self.layers(int(layer[1]))

    def layers(self, i):
        """Layer i of the small model and the extra ones behind it."""
        own = sorted(k for k, source in self.source.items() if source == i)[0]
        end = min((k for k in self.source if k > own), default=self.n_layers)
        prefix = f"blk.{i}."
        for k in range(own, end):
            for name, entry in self.file.tensors.items():
                if name.startswith(prefix):
                    short = name.removeprefix(prefix)
                    yield f"blk.{k}.{short}", entry, short, k != own

    def dims(self, entry, short):
        kinds = LAYER.get(short) or OUTSIDE.get(short)
        if not kinds or len(kinds) != len(entry.dims):
            raise ValueError(f"tensor {entry.name} with {len(entry.dims)} dimensions is not known here")
        return tuple(n * self.factor[kind] for n, kind in zip(entry.dims, kinds))


def vector(plan, entry, short, dims, is_extra, name):
    """A norm or a bias: the model's values, then random ones."""
    if entry.type_name != "F32":
        raise ValueError(f"tensor {entry.name} is {entry.type_name}; vectors are expected in F32")
    rng = np.random.default_rng([plan.factor["m"], zlib.crc32(name.encode())])
    values = (rng.standard_normal(dims[0]) * 0.1 + ("norm" in short)).astype(np.float32)
    if not is_extra:
        own = gguf_read.values(entry)
        values[:len(own)] = own * np.float32(plan.norm_scale if short in NORMS else 1)
    yield float_bits("F32", values[None])


def matrix(pool, entry, short, dims, is_extra, name):
    """Rows of the twin: the model's in the corner, random or silent weights around them; for each expert."""
    is_silent, row = short in SILENT, row_bytes(entry.type_name, dims[0])
    n_own, n_rows = entry.dims[1], dims[1]
    for expert in range(dims[2] if len(dims) > 2 else 1):
        label, n_bytes = f"{name} {expert}", row * n_rows
        if not is_extra:
            rows = pool.take(entry.type_name, is_silent, n_own * row, label).reshape(n_own, row)
            rows[:, :entry.data.shape[1]] = entry.data[expert * n_own:(expert + 1) * n_own]
            yield rows
            n_bytes -= n_own * row
        yield from pool.spans(entry.type_name, is_silent, n_bytes, label + " rest")


def write_twin(path, plan, seed):
    """Writes the file and returns its number of bytes."""
    directory, offset, todo = [], 0, list(plan.tensors())
    for name, entry, short, _ in todo:
        dims = plan.dims(entry, short)
        n_bytes = row_bytes(entry.type_name, dims[0]) * math.prod(dims[1:])
        directory.append((name, dims, FORMATS[entry.type_name][0], offset))
        offset += -(-n_bytes // ALIGNMENT) * ALIGNMENT
    pool = Pool(seed)
    kvs = [kv for kv in plan.metadata() if kv[0] != "general.alignment"]
    with Output(path) as output:
        output.write(header(kvs, directory))
        for (name, entry, short, is_extra), (_, dims, _, _) in zip(todo, directory):
            spans = (vector(plan, entry, short, dims, is_extra, name) if len(dims) == 1 else
                     matrix(pool, entry, short, dims, is_extra, name))
            for span in spans:
                output.write(np.ascontiguousarray(span).reshape(-1))
            output.write(bytes(-output.n_bytes % ALIGNMENT))
    return output.n_bytes


def arguments(words=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("small", metavar="SMALL.gguf")
    parser.add_argument("output", metavar="TWIN.gguf")
    parser.add_argument("--widen", type=int, default=1, help="factor of d_model, a power of 4")
    parser.add_argument("--heads", type=int, default=0, help="factor of the heads; as --widen if not given")
    parser.add_argument("--ffn", type=int, default=0, help="factor of the feed-forward width; as --widen")
    parser.add_argument("--layers", type=int, default=0, help="layers of the twin")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(words)


def make(args):
    """Writes the twin that the arguments ask for; returns a report."""
    started = time.monotonic()
    plan = Plan(gguf_read.read(args.small), args)
    n_bytes = write_twin(args.output, plan, args.seed)
    return {"file_bytes": n_bytes, "layers": plan.n_layers, "seconds": round(time.monotonic() - started, 2)}


def main():
    try:
        print(json.dumps(make(arguments())))
    except (OSError, ValueError) as error:
        sys.exit(f"make_twin.py: {error}")


if __name__ == "__main__":
    main()
