# SPDX-License-Identifier: MIT
"""A transformer in float64 numpy, in the order of the papers: what the engine's logits must be close to.

Reads a GGUF file whose tensors are all F32 and runs all tokens at once, with no cache and no cleverness. Knows
llama (with experts too), qwen2, qwen3, qwen2moe and qwen3moe. Sources: RMSNorm arXiv:1910.07467, rotary
positions arXiv:2104.09864, grouped queries arXiv:2305.13245, SwiGLU arXiv:2002.05202, experts arXiv:2401.04088.
"""
import math
import struct
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
# pylint: disable=wrong-import-position
from make_model_gguf import ALIGNMENT, Reader

SCALARS = {4: "<I", 5: "<i", 6: "<f", 7: "<?"}


def load(path):
    """(metadata scalars and strings, {tensor name: float64 array, slowest dimension first})."""
    reader = Reader(Path(path).read_bytes())
    _, _, n_tensors, n_kvs = reader.take("4sIQQ")
    metadata, directory = {}, []
    for _ in range(n_kvs):
        key, (kind,) = reader.string().decode(), reader.take("I")
        start = reader.at
        reader.skip_value(kind)
        if kind == 8:
            metadata[key] = reader.data[start + 8:reader.at].decode()
        elif kind in SCALARS:
            metadata[key] = struct.unpack_from(SCALARS[kind], reader.data, start)[0]
    for _ in range(n_tensors):
        name, (n_dims,) = reader.string().decode(), reader.take("I")
        dims, (kind, offset) = reader.take(f"{n_dims}Q"), reader.take("IQ")
        assert kind == 0, f"{name} is not F32"
        directory.append((name, dims, offset))
    base = -(-reader.at // ALIGNMENT) * ALIGNMENT
    return metadata, {
        name: np.frombuffer(reader.data, "<f4", math.prod(dims), base + offset).reshape(dims[::-1]).astype(
            np.float64) for name, dims, offset in directory}


def rms_norm(x, weight, eps):
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + eps) * weight


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def silu(x):
    return x / (1 + np.exp(-x))


class Model:
    """One loaded file; logits() runs it. min_expert_gap: how close a choice of experts was, as a ratio - 1."""

    def __init__(self, path):
        self.metadata, self.weights = load(path)
        self.arch = self.metadata["general.architecture"]
        self.n_layers = self.get("block_count")
        self.n_heads, self.n_kv_heads = self.get("attention.head_count"), self.get("attention.head_count_kv")
        self.d_head = self.get("attention.key_length", self.get("embedding_length") // self.n_heads)
        self.eps = self.get("attention.layer_norm_rms_epsilon")
        self.min_expert_gap = math.inf

    def get(self, key, fallback=None):
        return self.metadata.get(f"{self.arch}.{key}", fallback)

    def weight(self, layer, name):
        return self.weights.get(f"blk.{layer}.{name}")

    def linear(self, layer, name, x):
        out = x @ self.weight(layer, name + ".weight").T
        bias = self.weight(layer, name + ".bias")
        return out if bias is None else out + bias

    def rotate(self, x):
        """Rotary positions of x [n_tokens, heads, d_head]: pairs (2i, 2i+1) for llama, else (i, i + half)."""
        n_tokens, half = len(x), self.d_head // 2
        speed = self.get("rope.freq_base", 10000.0) ** -(np.arange(half) / half)
        speed = speed / self.weights.get("rope_freqs.weight", 1.0)
        angle = np.arange(n_tokens)[:, None, None] * speed
        cos, sin = np.cos(angle), np.sin(angle)
        if self.arch == "llama":
            a, b = x[..., 0::2], x[..., 1::2]
            return np.stack([a * cos - b * sin, a * sin + b * cos], axis=-1).reshape(x.shape)
        a, b = x[..., :half], x[..., half:]
        return np.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)

    def attention(self, layer, x):
        n_tokens = len(x)
        q, k, v = (self.linear(layer, name, x).reshape(n_tokens, -1, self.d_head)
                   for name in ("attn_q", "attn_k", "attn_v"))
        if self.arch.startswith("qwen3"):
            q = rms_norm(q, self.weight(layer, "attn_q_norm.weight"), self.eps)
            k = rms_norm(k, self.weight(layer, "attn_k_norm.weight"), self.eps)
        group = self.n_heads // self.n_kv_heads
        q, k, v = self.rotate(q), np.repeat(self.rotate(k), group, axis=1), np.repeat(v, group, axis=1)
        scores = np.einsum("thd,shd->hts", q, k) / math.sqrt(self.d_head)
        scores[:, np.triu(np.ones((n_tokens, n_tokens), bool), 1)] = -np.inf
        out = np.einsum("hts,shd->thd", softmax(scores), v).reshape(n_tokens, -1)
        return self.linear(layer, "attn_output", out)

    def swiglu(self, layer, x, suffix=""):
        gate = silu(self.linear(layer, "ffn_gate" + suffix, x))
        return self.linear(layer, "ffn_down" + suffix, gate * self.linear(layer, "ffn_up" + suffix, x))

    def experts(self, layer, x):
        n_used = self.get("expert_used_count")
        gate, up, down = (self.weight(layer, f"ffn_{n}_exps.weight") for n in ("gate", "up", "down"))
        odds = softmax(self.linear(layer, "ffn_gate_inp", x))
        out = np.zeros_like(x)
        for t, row in enumerate(odds):
            order = np.argsort(-row)
            chosen, first_left = order[:n_used], order[n_used]
            self.min_expert_gap = min(self.min_expert_gap, row[chosen[-1]] / row[first_left] - 1)
            share = row[chosen]
            if self.arch != "qwen2moe":
                share = share / share.sum()
            for e, s in zip(chosen, share):
                out[t] += s * (down[e] @ (silu(gate[e] @ x[t]) * (up[e] @ x[t])))
        if self.arch == "qwen2moe":
            opening = 1 / (1 + np.exp(-(x @ self.weight(layer, "ffn_gate_inp_shexp.weight"))))
            out += opening[:, None] * self.swiglu(layer, x, "_shexp")
        return out

    def logits(self, tokens):
        """Logits [n_tokens, n_vocab] after each token."""
        x = self.weights["token_embd.weight"][tokens]
        for layer in range(self.n_layers):
            x = x + self.attention(layer, rms_norm(x, self.weight(layer, "attn_norm.weight"), self.eps))
            normed = rms_norm(x, self.weight(layer, "ffn_norm.weight"), self.eps)
            forward = self.experts if self.get("expert_count") else self.swiglu
            x = x + forward(layer, normed)
        x = rms_norm(x, self.weights["output_norm.weight"], self.eps)
        return x @ self.weights.get("output.weight", self.weights["token_embd.weight"]).T
