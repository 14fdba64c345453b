# SPDX-License-Identifier: MIT
"""Shapes of the models that make_model.py can write: presets, tensors in file order, metadata.

Names, values and order are those of published files (convert_hf_to_gguf, then llama-quantize): tensors
outside the layers come first, each group sorted by name; quantisation keys come last.
"""
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Shape:
    """Hyper-parameters of one model. Counts are numbers of things, widths are in elements."""
    arch: str
    n_layers: int
    d_model: int
    d_ff: int
    n_heads: int
    n_kv_heads: int
    n_vocab: int
    head_dim: int = 0  # 0: d_model / n_heads, and no key_length in the metadata
    n_experts: int = 0
    n_experts_used: int = 0
    d_expert: int = 0
    d_shared_expert: int = 0  # qwen2moe only
    window: int = 0  # gemma2 only: positions that every other layer sees
    is_tied: bool = False
    n_ctx: int = 32768
    rope_base: float = 1000000.0
    eps: float = 1e-6
    n_layers_full: int = 0  # before a cut: decides the types of a mix
    general: tuple = ()  # (key without "general.", value) of the published file

    @property
    def is_70b_class(self):
        """llama-quantize gives attn_v of 80-layer llama and qwen2 models more bits."""
        return self.n_layers_full == 80 and self.arch in ("llama", "qwen2") and not self.n_experts

    @property
    def d_head(self):
        return self.head_dim or self.d_model // self.n_heads


@dataclass(frozen=True)
class Tensor:
    """One tensor: dims as in GGUF (row length first); what it holds decides its random numbers."""
    name: str
    dims: tuple
    kind: str  # "matrix", "router", "norm" or "bias"
    gain: float = 1.0  # matrices and routers: standard deviation is gain / sqrt(row length)
    layer: int = None


def qwen_general(family, size, finetune, licence_name=None, tags=("chat", "text-generation"),
                 languages=("en",)):
    words = [family, size] + ([finetune] if finetune else [])
    repo = "https://huggingface.co/Qwen/" + "-".join(words).replace(" ", "-")
    base = f"{family} {size}" + ("" if finetune else " Base")
    keys = [("type", "model"), ("name", " ".join(words).replace("-A3B", " A3B"))]
    keys += [("finetune", finetune)] if finetune else []
    keys += [("basename", family), ("size_label", size)]
    keys += [("license", "other"), ("license.name", licence_name)] if licence_name else [
        ("license", "apache-2.0")]
    keys += [("license.link", repo + "/blob/main/LICENSE"), ("base_model.count", 1),
             ("base_model.0.name", base.replace("-A3B", " A3B")),
             ("base_model.0.organization", "Qwen"),
             ("base_model.0.repo_url",
              "https://huggingface.co/Qwen/" + base.replace(" ", "-")), ("tags", tags)]
    keys += [("languages", languages)] if languages else []
    return tuple(keys)


SMOLLM2_GENERAL = (
    ("type", "model"), ("name", "SmolLM2 135M Instruct"), ("organization", "HuggingFaceTB"),
    ("finetune", "Instruct"), ("basename", "SmolLM2"), ("size_label", "135M"),
    ("license", "apache-2.0"), ("languages", ("en",)),
)

PRESETS = {
    "qwen2.5-72b": Shape("qwen2", 80, 8192, 29568, 64, 8, 152064,
                         general=qwen_general("Qwen2.5", "72B", "Instruct", "qwen")),
    "qwen2.5-14b": Shape("qwen2", 48, 5120, 13824, 40, 8, 152064,
                         general=qwen_general("Qwen2.5", "14B", "Instruct")),
    "qwen2.5-7b": Shape("qwen2", 28, 3584, 18944, 28, 4, 152064,
                        general=qwen_general("Qwen2.5", "7B", "Instruct")),
    "qwen2.5-1.5b": Shape("qwen2", 28, 1536, 8960, 12, 2, 151936, is_tied=True,
                          general=qwen_general("Qwen2.5", "1.5B", "Instruct")),
    "smollm2-135m": Shape("llama", 30, 576, 1536, 9, 3, 49152, is_tied=True, n_ctx=8192,
                          rope_base=100000.0, eps=1e-5, general=SMOLLM2_GENERAL),
    "qwen3-30b-a3b": Shape("qwen3moe", 48, 2048, 6144, 32, 4, 151936, head_dim=128, n_experts=128,
                           n_experts_used=8, d_expert=768, n_ctx=40960,
                           general=qwen_general("Qwen3", "30B-A3B", None,
                                                tags=("text-generation",), languages=())),
}
ARCHS = ("llama", "qwen2", "qwen3", "qwen2moe", "qwen3moe", "gemma2")


def cut(shape, n_layers):
    """The first n_layers layers of a model (all when 0), with the types they have in the full one."""
    full = shape.n_layers_full or shape.n_layers
    return replace(shape, n_layers=n_layers or shape.n_layers, n_layers_full=full)


def feed_forward(shape, matrix, layer):
    """Tensors of a layer's feed-forward part, dense or with experts."""
    d_model, n_experts = shape.d_model, shape.n_experts
    if not n_experts:
        return [matrix("ffn_gate", d_model, shape.d_ff, 1.4), matrix("ffn_up", d_model, shape.d_ff, 1.4),
                matrix("ffn_down", shape.d_ff, d_model, 1.4)]
    wide = shape.d_expert or shape.d_ff
    experts = [("ffn_gate_exps", d_model, wide), ("ffn_up_exps", d_model, wide),
               ("ffn_down_exps", wide, d_model)]
    tensors = [Tensor(f"blk.{layer}.{name}.weight", (n_in, n_out, n_experts), "matrix", 1.4, layer)
               for name, n_in, n_out in experts]
    tensors.append(Tensor(f"blk.{layer}.ffn_gate_inp.weight", (d_model, n_experts), "router", 2.0, layer))
    if shape.d_shared_expert:
        shared = shape.d_shared_expert
        tensors += [matrix("ffn_gate_shexp", d_model, shared, 1.4),
                    matrix("ffn_up_shexp", d_model, shared, 1.4),
                    matrix("ffn_down_shexp", shared, d_model, 1.4),
                    Tensor(f"blk.{layer}.ffn_gate_inp_shexp.weight", (d_model,), "router", 1.5, layer)]
    return tensors


def layer_tensors(shape, layer):
    """Tensors of one layer, sorted by name as llama-quantize writes them."""
    def matrix(name, n_in, n_out, gain=1.0):
        return Tensor(f"blk.{layer}.{name}.weight", (n_in, n_out), "matrix", gain, layer)

    def vector(name, n, kind="norm"):
        return Tensor(f"blk.{layer}.{name}", (n,), kind, layer=layer)

    d_q, d_kv = shape.n_heads * shape.d_head, shape.n_kv_heads * shape.d_head
    tensors = [vector("attn_norm.weight", shape.d_model), vector("ffn_norm.weight", shape.d_model),
               matrix("attn_q", shape.d_model, d_q, 1.6), matrix("attn_k", shape.d_model, d_kv, 1.6),
               matrix("attn_v", shape.d_model, d_kv), matrix("attn_output", d_q, shape.d_model, 1.5)]
    if shape.arch in ("qwen2", "qwen2moe"):
        tensors += [vector("attn_q.bias", d_q, "bias"), vector("attn_k.bias", d_kv, "bias"),
                    vector("attn_v.bias", d_kv, "bias")]
    if shape.arch in ("qwen3", "qwen3moe"):
        tensors += [vector("attn_q_norm.weight", shape.d_head),
                    vector("attn_k_norm.weight", shape.d_head)]
    if shape.arch == "gemma2":
        tensors += [vector("post_attention_norm.weight", shape.d_model),
                    vector("post_ffw_norm.weight", shape.d_model)]
    tensors += feed_forward(shape, matrix, layer)
    return sorted(tensors, key=lambda t: t.name)


def all_tensors(shape):
    """Every tensor in file order."""
    head = [] if shape.is_tied else [
        Tensor("output.weight", (shape.d_model, shape.n_vocab), "matrix", 3.0)]
    head += [Tensor("output_norm.weight", (shape.d_model,), "norm"),
             Tensor("token_embd.weight", (shape.d_model, shape.n_vocab), "matrix", 3.0)]
    for layer in range(shape.n_layers):
        head += layer_tensors(shape, layer)
    return head


def metadata(shape):
    """(key, GGUF type, value) of everything but the tokenizer and the quantisation keys."""
    arch = shape.arch
    general = shape.general or (("type", "model"), ("name", f"synthetic {arch}"))
    kvs = [("general.architecture", "str", arch)]
    for key, value in general:
        kind = {str: "str", int: "u32", tuple: "strs"}[type(value)]
        kvs.append(("general." + key, kind, value))
    kvs += [(f"{arch}.block_count", "u32", shape.n_layers),
            (f"{arch}.context_length", "u32", shape.n_ctx),
            (f"{arch}.embedding_length", "u32", shape.d_model),
            (f"{arch}.feed_forward_length", "u32", shape.d_ff),
            (f"{arch}.attention.head_count", "u32", shape.n_heads),
            (f"{arch}.attention.head_count_kv", "u32", shape.n_kv_heads),
            (f"{arch}.rope.freq_base", "f32", shape.rope_base),
            (f"{arch}.attention.layer_norm_rms_epsilon", "f32", shape.eps)]
    if shape.n_experts:
        kvs.append((f"{arch}.expert_used_count", "u32", shape.n_experts_used))
    if shape.head_dim:
        kvs += [(f"{arch}.attention.key_length", "u32", shape.head_dim),
                (f"{arch}.attention.value_length", "u32", shape.head_dim)]
    if shape.n_experts:
        kvs.append((f"{arch}.expert_count", "u32", shape.n_experts))
        if arch != "llama":
            kvs.append((f"{arch}.expert_feed_forward_length", "u32", shape.d_expert))
    if shape.d_shared_expert:
        kvs.append((f"{arch}.expert_shared_feed_forward_length", "u32", shape.d_shared_expert))
    if shape.window:
        kvs.append((f"{arch}.attention.sliding_window", "u32", shape.window))
    if arch == "llama":
        kvs += [("llama.vocab_size", "u32", shape.n_vocab),
                ("llama.rope.dimension_count", "u32", shape.d_head)]
    return kvs
