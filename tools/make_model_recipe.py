# SPDX-License-Identifier: MIT
"""Which type each tensor gets in the named mixes (Q4_K_M, Q3_K_M, ...).

The rules are those of llama-quantize without an importance matrix, for the architectures that the
presets need: more bits for attn_v, ffn_down, attn_output and output, and a fallback where a row is not a
multiple of the block. A model cut to fewer layers keeps the types of the full one.
"""
from make_model_blocks import FORMATS

# Mix: (general.file_type, type of the tensors that no rule names).
MIXES = {
    "F32": (0, "F32"), "F16": (1, "F16"), "Q4_0": (2, "Q4_0"), "Q4_1": (3, "Q4_1"),
    "Q8_0": (7, "Q8_0"), "Q5_0": (8, "Q5_0"), "Q5_1": (9, "Q5_1"), "Q2_K": (10, "Q2_K"),
    "Q3_K_S": (11, "Q3_K"), "Q3_K_M": (12, "Q3_K"), "Q3_K_L": (13, "Q3_K"), "Q4_K_S": (14, "Q4_K"),
    "Q4_K_M": (15, "Q4_K"), "Q5_K_S": (16, "Q5_K"), "Q5_K_M": (17, "Q5_K"), "Q6_K": (18, "Q6_K"),
    "BF16": (32, "BF16"),
}
FLOAT_MIXES = ("F32", "F16", "BF16")
FALLBACK = {"Q2_K": "IQ4_NL", "Q3_K": "IQ4_NL", "Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0"}
EIGHT_EXPERTS_OUTPUT_Q5_K = ("Q2_K", "Q3_K_S", "Q3_K_M", "Q4_K_S", "Q4_K_M")


def more_bits(layer, n_layers):
    """The first and last eighth of the layers and every third between them."""
    eighth = n_layers // 8
    return layer < eighth or layer >= 7 * n_layers // 8 or (layer - eighth) % 3 == 2


def attn_v_type(mix, base, layer, shape):
    chosen = base
    if mix == "Q2_K":
        chosen = "Q4_K" if shape.n_heads // shape.n_kv_heads >= 4 else "Q3_K"
    elif mix == "Q3_K_M":
        chosen = "Q5_K" if layer < 2 else "Q4_K"
    elif mix == "Q3_K_L" or (mix == "Q4_K_S" and layer < 4):
        chosen = "Q5_K"
    elif mix in ("Q4_K_M", "Q5_K_M") and more_bits(layer, shape.n_layers_full):
        chosen = "Q6_K"
    if shape.is_70b_class and chosen in ("Q3_K", "Q4_K"):
        chosen = "Q5_K"
    return "Q8_0" if shape.n_experts == 8 else chosen


def ffn_down_type(mix, base, layer, shape):
    n_layers = shape.n_layers_full
    if mix == "Q2_K":
        return "Q3_K"
    if mix == "Q3_K_M":
        return "Q5_K" if layer < n_layers // 16 else "Q4_K"
    if mix == "Q3_K_L" or (mix == "Q4_K_S" and layer < n_layers // 8):
        return "Q5_K"
    if mix in ("Q4_K_M", "Q5_K_M") and more_bits(layer, n_layers):
        return "Q6_K"
    return base


def attn_output_type(mix, base, shape):
    if shape.n_experts == 8:
        return "Q5_K" if mix in EIGHT_EXPERTS_OUTPUT_Q5_K else base
    return {"Q2_K": "Q3_K", "Q3_K_M": "Q4_K", "Q3_K_L": "Q5_K"}.get(mix, base)


def tensor_type(mix, name, n_in, layer, shape):
    """Type of the matrix called name with rows of n_in weights; layer is None outside the layers."""
    base = MIXES[mix][1]
    if mix in FLOAT_MIXES:
        return base
    if name == "output.weight" or (name == "token_embd.weight" and shape.is_tied):
        if n_in % FORMATS[base][1]:
            return "Q8_0"
        return base if base == "Q8_0" else "Q6_K"
    if "attn_v.weight" in name:
        chosen = attn_v_type(mix, base, layer, shape)
    elif "attn_k.weight" in name and shape.n_experts == 8:
        chosen = "Q8_0"
    elif "ffn_down" in name:
        chosen = ffn_down_type(mix, base, layer, shape)
    elif "attn_output.weight" in name:
        chosen = attn_output_type(mix, base, shape)
    else:
        chosen = base
    if n_in % FORMATS[chosen][1]:
        chosen = FALLBACK.get(chosen, "F16")
        if n_in % FORMATS[chosen][1]:
            chosen = "F16"
    return chosen
