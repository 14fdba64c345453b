#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes synthetic GGUF models: the shapes, types, metadata and names of published files, random weights.

Weights come from a pool of random blocks for each (type, deviation). A tensor is the pool read in a circle from
a start of its own; the pool holds a prime number of blocks, so no row starts where another one did and
no two rows are alike. Copying is all that is left to do, so files are written at the speed of the disk.
Needs numpy (Debian: python3-numpy).
"""
import argparse
import json
import math
import sys
import time
import zlib
from pathlib import Path

import numpy as np

from make_model_blocks import FORMATS, float_bits, random_blocks, row_bytes
from make_model_gguf import (ALIGNMENT, byte_vocabulary, header, smollm_vocabulary, vocabulary)
from make_model_output import Output
from make_model_recipe import MIXES, tensor_type
from make_model_shapes import ARCHS, PRESETS, Shape, all_tensors, cut, metadata

POOL_BYTES = 32 << 20
VOCAB_FOLDER = Path(__file__).resolve().parent.parent / "tests/golden/tokenizer/vocab"
EXAMPLES = """examples:
  make_model.py qwen2.5-72b Q3_K_M big.gguf             37.7 GB
  make_model.py qwen2.5-72b Q3_K_M half.gguf --layers 40
  make_model.py qwen3-30b-a3b Q4_K_M moe.gguf --layers 20   8 GB, 128 experts, 8 used
  make_model.py generic Q4_K tiny.gguf --arch qwen3 --layers 2 --d-model 256 --d-ff 512 --heads 4 \\
      --kv-heads 2 --vocab-size 320 --vocab bytes

The type is a mix (Q4_K_M, Q3_K_M, ..., as llama-quantize makes them) or a tensor type, which all
matrices then get. SmolLM2's own vocabulary is not part of this project: its preset takes gpt-2's tokens in
SmolLM2's layout, with the pre-tokenizer "smollm"."""


def largest_prime(limit):
    return next(n for n in range(limit, 1, -1) if all(n % k for k in range(2, math.isqrt(n) + 1)))


def tensor_types(shape, mix):
    """[(tensor, type name)] in file order; one-dimensional tensors and routers are F32."""
    chosen = []
    for tensor in all_tensors(shape):
        name = "F32"
        if tensor.kind == "matrix" and mix in MIXES:
            name = tensor_type(mix, tensor.name, tensor.dims[0], tensor.layer, shape)
        elif tensor.kind == "matrix":
            name = mix
        chosen.append((tensor, name))
    return chosen


def tensor_bytes(tensor, type_name):
    return row_bytes(type_name, tensor.dims[0]) * math.prod(tensor.dims[1:])


class Weights:
    """Random tensor data, the same for the same seed."""

    def __init__(self, types, seed):
        self.seed, self.pools, self.largest = seed, {}, {}
        for tensor, type_name in types:
            key = self.key(tensor, type_name)
            n_blocks = math.prod(tensor.dims) // FORMATS[type_name][1]
            self.largest[key] = max(n_blocks, self.largest.get(key, 0))

    @staticmethod
    def key(tensor, type_name):
        return type_name, tensor.gain / math.sqrt(tensor.dims[0])

    def rng(self, name):
        return np.random.Generator(np.random.SFC64([self.seed, zlib.crc32(name.encode())]))

    def pool(self, key):
        """Blocks of a type and deviation; more than any row has, so that rows start at distinct ones."""
        if key not in self.pools:
            type_name, std = key
            limit = max(POOL_BYTES // FORMATS[type_name][2], 2)
            n_blocks = largest_prime(min(limit, max(2 * self.largest[key], 1024)))
            blocks = random_blocks(type_name, n_blocks, std, self.rng(f"{type_name} {std:.9g}"))
            self.pools[key] = np.ascontiguousarray(blocks).reshape(-1)
        return self.pools[key]

    def spans(self, tensor, type_name):
        """Yields the tensor's bytes as views."""
        rng, n = self.rng(tensor.name), math.prod(tensor.dims)
        if tensor.kind in ("norm", "bias"):
            values = rng.standard_normal(n)
            values = 1 + 0.1 * values if tensor.kind == "norm" else 0.2 * values
            yield float_bits("F32", values).reshape(-1)
            return
        pool, size = self.pool(self.key(tensor, type_name)), FORMATS[type_name][2]
        left = tensor_bytes(tensor, type_name)
        start = int(rng.integers(len(pool) // size)) * size
        while left:
            span = pool[start:start + left]
            yield span
            left, start = left - len(span), 0


def write_model(path, shape, mix, vocab, seed, is_header_only=False):
    """Writes the file and returns its number of bytes."""
    types, directory, offset = tensor_types(shape, mix), [], 0
    for tensor, type_name in types:
        directory.append((tensor.name, tensor.dims, FORMATS[type_name][0], offset))
        offset += -(-tensor_bytes(tensor, type_name) // ALIGNMENT) * ALIGNMENT
    file_type = MIXES.get(mix, (0,))[0]
    kvs = metadata(shape) + vocab + [("general.quantization_version", "u32", 2),
                                     ("general.file_type", "u32", file_type)]
    weights = Weights(types, seed)
    with Output(path) as output:
        output.write(header(kvs, directory))
        if is_header_only:
            return output.n_bytes
        for tensor, type_name in types:
            for span in weights.spans(tensor, type_name):
                output.write(span)
            output.write(bytes(-output.n_bytes % ALIGNMENT))
    return output.n_bytes


def sizes(shape, mix):
    """Bytes of the tensors: all of them, and those of each layer."""
    total, layers = 0, [0] * shape.n_layers
    for tensor, type_name in tensor_types(shape, mix):
        n_bytes = tensor_bytes(tensor, type_name)
        total += n_bytes
        if tensor.layer is not None:
            layers[tensor.layer] += n_bytes
    return total, layers


def chosen_shape(args):
    if args.model in PRESETS:
        return cut(PRESETS[args.model], args.layers)
    d_ff = args.d_ff or 4 * args.d_model
    if args.arch == "llama" and args.d_expert not in (0, d_ff):
        raise ValueError(f"experts of llama are as wide as --d-ff, {d_ff}, not {args.d_expert}")
    shape = Shape(args.arch, args.layers or 2, args.d_model, d_ff, args.heads,
                  args.kv_heads or args.heads, args.vocab_size, head_dim=args.head_dim,
                  n_experts=args.experts, n_experts_used=args.experts_used,
                  d_expert=(args.d_expert or d_ff) if args.experts else 0,
                  d_shared_expert=args.d_shared_expert, window=args.window, is_tied=args.tied, n_ctx=args.context)
    return cut(shape, 0)


def chosen_vocabulary(args, shape):
    if args.vocab == "bytes":
        return byte_vocabulary(shape.n_vocab)
    is_smollm = args.model.startswith("smollm")
    path = args.vocab or VOCAB_FOLDER / ("gpt-2.gguf.gz" if is_smollm else "qwen2.gguf.gz")
    return (smollm_vocabulary if is_smollm else vocabulary)(path, shape.n_vocab)


def arguments(words=None):
    """The command line, or `words` when another program makes a model."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0], epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=[*PRESETS, "generic"])
    parser.add_argument("type", choices=sorted({*MIXES, *FORMATS}), metavar="TYPE")
    parser.add_argument("output", metavar="FILE.gguf", nargs="?", help="without it, only sizes are printed")
    parser.add_argument("--layers", type=int, default=0, help="the first N layers only")
    parser.add_argument("--vocab", metavar="FILE.gguf[.gz]|bytes",
                        help="take the tokenizer from this file; bytes: no file, 256 byte tokens")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--header-only", action="store_true", help="no weights: enough for nmos plan")
    generic = parser.add_argument_group("generic")
    generic.add_argument("--arch", choices=ARCHS, default="llama")
    for option, default in (("d-model", 256), ("d-ff", 0), ("heads", 4), ("kv-heads", 0), ("head-dim", 0),
                            ("vocab-size", 512), ("context", 4096), ("experts", 0), ("experts-used", 2),
                            ("d-expert", 0), ("d-shared-expert", 0), ("window", 0)):
        generic.add_argument("--" + option, type=int, default=default, metavar="N")
    generic.add_argument("--tied", action="store_true", help="no output.weight")
    return parser.parse_args(words)


def make(args):
    """Writes the model that the arguments ask for; returns its sizes."""
    shape = chosen_shape(args)
    total, layers = sizes(shape, args.type)
    report = {"tensor_bytes": total, "layer_bytes": layers}
    if args.output:
        started = time.monotonic()
        n_bytes = write_model(args.output, shape, args.type, chosen_vocabulary(args, shape), args.seed,
                              args.header_only)
        report |= {"file_bytes": n_bytes, "seconds": round(time.monotonic() - started, 2)}
    return report


def main():
    try:
        print(json.dumps(make(arguments())))
    except (OSError, ValueError) as error:
        sys.exit(f"make_model.py: {error}")


if __name__ == "__main__":
    main()
