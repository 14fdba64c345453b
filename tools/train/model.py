# SPDX-License-Identifier: MIT
"""The nano models in torch: qwen3 and qwen3moe, as a GGUF file describes them.

Weights are kept under their GGUF names in GGUF's layout (a matrix is [n_out, n_in], experts [n, n_out, n_in]), so
export and import are copies. The embedding table is the output head too. Rotation is that of NEOX (halves).
"""
import math
from dataclasses import dataclass, replace

import torch
from torch.nn.functional import linear, silu

EPS = 1e-20  # too small to change a mean: what tools/make_twin.py divides it by then changes nothing either
ATTENTION_BLOCK = 128  # queries that look at the same run of keys; what lies behind them is not computed


@dataclass(frozen=True)
class Config:
    """Hyper-parameters. Counts are numbers of things, widths are in elements."""
    name: str
    n_layers: int
    d_model: int
    d_ff: int
    n_heads: int
    n_kv_heads: int
    head_dim: int = 64
    n_experts: int = 0
    n_experts_used: int = 0
    d_expert: int = 0
    n_vocab: int = 4096
    n_ctx: int = 2048
    rope_base: float = 10000.0
    eps: float = EPS

    @property
    def arch(self):
        return "qwen3moe" if self.n_experts else "qwen3"


CONFIGS = {
    "oracle": Config("nano-oracle", 5, 256, 768, 4, 2),
    "draft": Config("nano-draft", 3, 128, 256, 4, 2, head_dim=32),
    "moe": Config("nano-moe", 5, 256, 768, 4, 2, n_experts=8, n_experts_used=2, d_expert=256),
    "tiny": Config("tiny", 2, 64, 64, 2, 1, head_dim=32, n_vocab=512),
    "tiny-moe": Config("tiny-moe", 2, 64, 64, 2, 1, head_dim=32, n_vocab=512, n_experts=4,
                       n_experts_used=2, d_expert=32),
}


def shapes(c):
    """{name: shape} of all weights, in the order of the file."""
    d_q, d_kv = c.n_heads * c.head_dim, c.n_kv_heads * c.head_dim
    found = {"output_norm.weight": (c.d_model,), "token_embd.weight": (c.n_vocab, c.d_model)}
    for i in range(c.n_layers):
        layer = {"attn_k.weight": (d_kv, c.d_model), "attn_k_norm.weight": (c.head_dim,),
                 "attn_norm.weight": (c.d_model,), "attn_output.weight": (c.d_model, d_q),
                 "attn_q.weight": (d_q, c.d_model), "attn_q_norm.weight": (c.head_dim,),
                 "attn_v.weight": (d_kv, c.d_model), "ffn_norm.weight": (c.d_model,)}
        if c.n_experts:
            layer |= {"ffn_gate_inp.weight": (c.n_experts, c.d_model),
                      "ffn_gate_exps.weight": (c.n_experts, c.d_expert, c.d_model),
                      "ffn_up_exps.weight": (c.n_experts, c.d_expert, c.d_model),
                      "ffn_down_exps.weight": (c.n_experts, c.d_model, c.d_expert)}
        else:
            layer |= {"ffn_gate.weight": (c.d_ff, c.d_model), "ffn_up.weight": (c.d_ff, c.d_model),
                      "ffn_down.weight": (c.d_model, c.d_ff)}
        found |= {f"blk.{i}.{name}": shape for name, shape in sorted(layer.items())}
    return found


def is_hidden_matrix(name):
    """Matrices between activations: those that the orthogonalising optimiser moves."""
    return name.startswith("blk.") and "norm" not in name and "gate_inp" not in name


class Model:
    """Weights and the forward pass. One thread at a time."""

    def __init__(self, config, weights=None, seed=0):
        self.config, self.weights = config, {}
        generator = torch.Generator().manual_seed(seed)
        for name, shape in shapes(config).items():
            if weights is not None:
                value = torch.as_tensor(weights[name]).float().reshape(shape).clone()
            elif len(shape) == 1:
                value = torch.ones(shape)
            else:
                gain = 0.25 / math.sqrt(config.n_layers) if "output" in name or "down" in name else 0.6
                std = 0.03 if "embd" in name else gain / math.sqrt(shape[-1])
                value = torch.randn(shape, generator=generator) * std
            self.weights[name] = value.requires_grad_()
        self.tables, self.balance, self.chosen = {}, 0.0, []

    def n_parameters(self):
        return sum(w.numel() for w in self.weights.values())

    def norm(self, x, name):
        scale = torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.config.eps)
        return x * scale * self.weights[name]

    def rotation(self, start, n):
        """cos and sin, [n, 1, head_dim / 2], of positions start .. start + n."""
        if (start, n) not in self.tables:
            half = self.config.head_dim // 2
            rate = self.config.rope_base ** (-torch.arange(half, dtype=torch.float64) / half)
            angle = torch.arange(start, start + n, dtype=torch.float64)[:, None] * rate
            self.tables[start, n] = angle.cos().float()[:, None], angle.sin().float()[:, None]
        return self.tables[start, n]

    def rotate(self, x, start):
        cos, sin = self.rotation(start, x.shape[1])
        a, b = x.chunk(2, -1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)

    def attention(self, x, i, past):
        c, w = self.config, self.weights
        n_rows, n, _ = x.shape
        start = past[i][0].shape[1] if past is not None and i in past else 0

        def heads(name):
            return linear(x, w[f"blk.{i}.{name}.weight"]).view(n_rows, n, -1, c.head_dim)

        q = self.rotate(self.norm(heads("attn_q"), f"blk.{i}.attn_q_norm.weight"), start)
        k = self.rotate(self.norm(heads("attn_k"), f"blk.{i}.attn_k_norm.weight"), start)
        v = heads("attn_v")
        if past is not None:
            if start:
                k, v = torch.cat((past[i][0], k), 1), torch.cat((past[i][1], v), 1)
            past[i] = k, v
        group = c.n_heads // c.n_kv_heads
        q, k, v = (t.transpose(1, 2) for t in (q, k, v))
        k, v = (t.repeat_interleave(group, 1) for t in (k, v))
        outputs = []
        for at in range(0, n, ATTENTION_BLOCK):
            rows = q[:, :, at:at + ATTENTION_BLOCK]
            n_keys = start + at + rows.shape[2]
            scores = rows @ k[:, :, :n_keys].transpose(2, 3) * c.head_dim ** -0.5
            if rows.shape[2] > 1:
                hidden = torch.ones(rows.shape[2], n_keys, dtype=torch.bool).triu(start + at + 1)
                scores = scores.masked_fill(hidden, -torch.inf)
            outputs.append(scores.softmax(-1) @ v[:, :, :n_keys])
        y = torch.cat(outputs, 2).transpose(1, 2).reshape(n_rows, n, -1)
        return linear(y, w[f"blk.{i}.attn_output.weight"])

    def dense(self, x, i):
        w = self.weights
        wide = silu(linear(x, w[f"blk.{i}.ffn_gate.weight"])) * linear(x, w[f"blk.{i}.ffn_up.weight"])
        return linear(wide, w[f"blk.{i}.ffn_down.weight"])

    def experts(self, x, i):
        """Softmax over all experts, the best of them with weights that sum to one."""
        c, w = self.config, self.weights
        flat = x.reshape(-1, c.d_model)
        odds = linear(flat, w[f"blk.{i}.ffn_gate_inp.weight"]).softmax(-1)
        shares, chosen = odds.topk(c.n_experts_used, -1)
        shares = shares / shares.sum(-1, keepdim=True)
        used = torch.zeros_like(odds).scatter_(1, chosen, 1.0)
        self.balance = self.balance + c.n_experts * (used.mean(0) * odds.mean(0)).sum() / c.n_experts_used
        self.chosen.append(chosen)
        y = torch.zeros_like(flat)
        for e in range(c.n_experts):
            rows, column = (chosen == e).nonzero(as_tuple=True)
            if not len(rows):
                continue
            part = flat[rows]
            gate, up, down = (w[f"blk.{i}.ffn_{name}_exps.weight"][e] for name in ("gate", "up", "down"))
            part = linear(silu(linear(part, gate)) * linear(part, up), down)
            y = y.index_add(0, rows, part * shares[rows, column][:, None])
        return y.view_as(x)

    def hidden(self, ids, past=None):
        """ids [rows, n] to the normed residual stream [rows, n, d_model]; past: {} keeps keys and values."""
        self.balance, self.chosen = 0.0, []
        x = self.weights["token_embd.weight"][ids]
        for i in range(self.config.n_layers):
            x = x + self.attention(self.norm(x, f"blk.{i}.attn_norm.weight"), i, past)
            feed_forward = self.experts if self.config.n_experts else self.dense
            x = x + feed_forward(self.norm(x, f"blk.{i}.ffn_norm.weight"), i)
        return self.norm(x, "output_norm.weight")

    def logits(self, ids, past=None):
        return linear(self.hidden(ids, past), self.weights["token_embd.weight"])


def upcycled(oracle, config, seed=0):
    """Weights of a mixture whose experts start as parts of the dense network of `oracle` (its first layers).

    Expert e of a layer gets d_expert of the d_ff channels, chosen at random; its answer is scaled by
    d_ff / d_expert so that the expected sum is that of the dense network. Routers start at random.
    """
    generator = torch.Generator().manual_seed(seed)
    fresh, weights = Model(config, seed=seed).weights, {}
    for name, shape in shapes(config).items():
        if "_exps" not in name and "gate_inp" not in name:
            weights[name] = oracle.weights[name].detach().clone()
            continue
        weights[name] = fresh[name].detach().clone()
    for i in range(config.n_layers):
        for e in range(config.n_experts):
            channels = torch.randperm(config.d_ff, generator=generator)[:config.d_expert]
            for part in ("gate", "up"):
                dense = oracle.weights[f"blk.{i}.ffn_{part}.weight"].detach()
                weights[f"blk.{i}.ffn_{part}_exps.weight"][e] = dense[channels]
            dense = oracle.weights[f"blk.{i}.ffn_down.weight"].detach()
            weights[f"blk.{i}.ffn_down_exps.weight"][e] = dense[:, channels] * (config.d_ff / config.d_expert)
    return Model(replace(config), weights)


def corner(fresh, old, rows, columns):
    """`fresh` with `old` at the given rows and columns."""
    fresh = fresh.clone()
    fresh[rows[:, None], columns] = old
    return fresh


def grown(small, config, seed=0):
    """A larger model that starts out with the function of `small`, nearly: wider, deeper, with longer heads.

    Old weights lie in a corner of the new ones. Channels that lead out of what is new start at zero, those that lead
    into it at random. The number of heads stays. Rates of rotation of the old head are every second of the new one
    (head_dim doubles), so its pairs go there; norms and the scale of attention are set right.
    """
    old, c = small.config, config
    assert c.head_dim == 2 * old.head_dim and c.n_heads == old.n_heads and c.n_kv_heads == old.n_kv_heads
    weights = {name: w.detach().clone() for name, w in Model(c, seed=seed).weights.items()}
    half, width = old.head_dim // 2, torch.arange(old.d_model)
    turned = torch.cat((2 * torch.arange(half), c.head_dim // 2 + 2 * torch.arange(half)))
    plain = torch.arange(old.head_dim)

    def heads(n, within):
        return (torch.arange(n)[:, None] * c.head_dim + within).reshape(-1)

    places = {"attn_q": (heads(c.n_heads, turned), width), "attn_k": (heads(c.n_kv_heads, turned), width),
              "attn_v": (heads(c.n_kv_heads, plain), width), "attn_output": (width, heads(c.n_heads, plain)),
              "ffn_gate": (torch.arange(old.d_ff), width), "ffn_up": (torch.arange(old.d_ff), width),
              "ffn_down": (width, torch.arange(old.d_ff))}
    thinner = (old.d_model / c.d_model) ** 0.5
    for i in range(c.n_layers):
        for name in ("attn_output", "ffn_down"):
            weights[f"blk.{i}.{name}.weight"].zero_()
    for i in range(old.n_layers):
        at = f"blk.{i * c.n_layers // old.n_layers}."
        for name, (rows, columns) in places.items():
            key = at + name + ".weight"
            weights[key] = corner(weights[key], small.weights[f"blk.{i}.{name}.weight"].detach(), rows, columns)
        for name in ("attn_q", "attn_k"):  # little that is new in heads: it would change their norm
            fresh = torch.ones(weights[at + name + ".weight"].shape[0], dtype=torch.bool)
            fresh[places[name][0]] = False
            weights[at + name + ".weight"][fresh] *= 0.1
            key = at + name + "_norm.weight"
            weights[key] *= 0.5 ** 0.25
            weights[key][turned] = small.weights[f"blk.{i}.{name}_norm.weight"].detach() * 0.5 ** 0.25
        for name in ("attn_norm", "ffn_norm"):
            key = at + name + ".weight"
            weights[key] *= thinner
            weights[key][width] = small.weights[f"blk.{i}.{name}.weight"].detach() * thinner
    weights["output_norm.weight"] *= thinner
    weights["output_norm.weight"][width] = small.weights["output_norm.weight"].detach() * thinner
    weights["token_embd.weight"] *= 0.3
    weights["token_embd.weight"][:, width] = small.weights["token_embd.weight"].detach()
    return Model(c, weights)
