#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Third step: a trained state (FILE.pt) as a GGUF file with the metadata that published converters write; and back."""
import argparse
import sys
from dataclasses import replace
from pathlib import Path

import torch

from bpe import Tokenizer
from model import EPS, Config, Model, shapes

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
# pylint: disable=wrong-import-position
import gguf_read
from make_model_gguf import CHATML

FILE_TYPE = {"F32": 0, "F16": 1, "Q8_0": 7}


def load_model(path):
    """A model from a state or from a GGUF file of F32, F16 or Q8_0."""
    if Path(path).suffix == ".pt":
        state = torch.load(path)
        return Model(replace(state["config"], eps=EPS), state["weights"])
    file = gguf_read.read(path)
    arch = file.value("general.architecture")

    def number(key, default=0):
        return file.value(f"{arch}.{key}", default)

    config = Config(file.value("general.name"), number("block_count"), number("embedding_length"),
                    number("feed_forward_length"), number("attention.head_count"),
                    number("attention.head_count_kv"), number("attention.key_length"),
                    number("expert_count"), number("expert_used_count"), number("expert_feed_forward_length"),
                    file.tensors["token_embd.weight"].dims[1], number("context_length"),
                    number("rope.freq_base"), number("attention.layer_norm_rms_epsilon"))
    return Model(config, {name: gguf_read.values(file.tensors[name]) for name in shapes(config)})


def size_label(n):
    return f"{n / 1e6:.1f}M" if n < 1e7 else f"{n / 1e6:.0f}M"


def metadata(model, tokenizer, file_type):
    c, arch = model.config, model.config.arch
    kvs = [("general.architecture", "str", arch), ("general.type", "str", "model"),
           ("general.name", "str", c.name), ("general.basename", "str", c.name.split("-")[0]),
           ("general.size_label", "str", size_label(model.n_parameters())),
           ("general.license", "str", "mit"), ("general.languages", "strs", [b"en"]),
           ("general.tags", "strs", [b"text-generation"]),
           (f"{arch}.block_count", "u32", c.n_layers), (f"{arch}.context_length", "u32", c.n_ctx),
           (f"{arch}.embedding_length", "u32", c.d_model), (f"{arch}.feed_forward_length", "u32", c.d_ff),
           (f"{arch}.attention.head_count", "u32", c.n_heads),
           (f"{arch}.attention.head_count_kv", "u32", c.n_kv_heads),
           (f"{arch}.rope.freq_base", "f32", c.rope_base),
           (f"{arch}.attention.layer_norm_rms_epsilon", "f32", c.eps)]
    if c.n_experts:
        kvs += [(f"{arch}.expert_used_count", "u32", c.n_experts_used)]
    kvs += [(f"{arch}.attention.key_length", "u32", c.head_dim),
            (f"{arch}.attention.value_length", "u32", c.head_dim)]
    if c.n_experts:
        kvs += [(f"{arch}.expert_count", "u32", c.n_experts),
                (f"{arch}.expert_feed_forward_length", "u32", c.d_expert)]
    return kvs + tokenizer.metadata(CHATML) + [("general.quantization_version", "u32", 2),
                                               ("general.file_type", "u32", FILE_TYPE[file_type])]


def export(model, tokenizer, file_type, path):
    """Matrices get the type asked for, norms and routers stay F32."""
    tensors = []
    for name, shape in shapes(model.config).items():
        is_plain = len(shape) == 1 or "gate_inp" in name
        kind = "F32" if is_plain else file_type
        array = model.weights[name].detach().numpy().reshape(-1, shape[-1])
        tensors.append((name, shape[::-1], kind, gguf_read.quantised(kind, array).tobytes()))
    gguf_read.write(path, metadata(model, tokenizer, file_type), tensors)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, metavar="FILE.pt")
    parser.add_argument("data", type=Path, help="folder that prepare.py filled")
    parser.add_argument("output", type=Path, metavar="FILE.gguf")
    parser.add_argument("--type", choices=FILE_TYPE, default="Q8_0")
    args = parser.parse_args()
    export(load_model(args.model), Tokenizer.load(args.data / "tokenizer.json"), args.type, args.output)


if __name__ == "__main__":
    main()
