# SPDX-License-Identifier: MIT
"""Random but valid weight blocks of every GGUF tensor type.

A block is filled with random bytes; then the fields that must be sane (scales, minima) are set so that the
dequantised weights have mean 0 and a given standard deviation. Weights are therefore finite, every code
of the type occurs, and no two blocks are alike. Block layouts: quant/blocks.h.
"""
import numpy as np

# Type: (number in GGUF, weights in a block, bytes of a block).
FORMATS = {
    "F32": (0, 1, 4), "F16": (1, 1, 2), "BF16": (30, 1, 2),
    "Q4_0": (2, 32, 18), "Q4_1": (3, 32, 20), "Q5_0": (6, 32, 22), "Q5_1": (7, 32, 24),
    "Q8_0": (8, 32, 34), "Q2_K": (10, 256, 84), "Q3_K": (11, 256, 110), "Q4_K": (12, 256, 144),
    "Q5_K": (13, 256, 176), "Q6_K": (14, 256, 210), "IQ4_NL": (20, 32, 18),
    "IQ4_XS": (23, 256, 136), "IQ3_XXS": (18, 256, 98), "IQ3_S": (21, 256, 110),
    "IQ2_XXS": (16, 256, 66), "IQ2_XS": (17, 256, 74), "IQ2_S": (22, 256, 82),
    "IQ1_S": (19, 256, 50), "IQ1_M": (29, 256, 56), "MXFP4": (39, 32, 17),
}

# Root mean square of weight / block scale when all other bits of the block are random.
RMS = {
    "Q4_0": 4.64, "Q4_1": 4.61, "Q5_0": 9.25, "Q5_1": 9.23, "Q8_0": 73.6,
    "Q2_K": 1.118 * 11.73, "Q3_K": 18.48 * 2.35, "Q4_K": 4.61 * 48.4, "Q5_K": 9.23 * 48.4,
    "Q6_K": 73.9 * 18.48, "IQ4_NL": 71.0, "IQ4_XS": 18.48 * 71.0, "IQ3_XXS": 160.0,
    "IQ3_S": 160.0, "IQ2_XXS": 52.0, "IQ2_XS": 54.0, "IQ2_S": 57.0, "IQ1_S": 7.5, "IQ1_M": 7.5,
    "MXFP4": 2.93,
}

SCALE_AT = {"Q2_K": 80, "Q3_K": 108, "Q6_K": 208}  # byte of the f16 block scale; 0 for the others
# Types that store an offset beside the scale: byte of the f16 field, offset / scale that centres them.
OFFSET = {"Q4_1": (2, -7.5), "Q5_1": (2, -15.5), "Q2_K": (82, 1.5), "Q4_K": (2, 7.5),
          "Q5_K": (2, 15.5)}
SIGNED_SCALE = {"Q4_0", "Q5_0", "Q3_K", "Q6_K", "IQ4_NL", "IQ4_XS"}  # real files have both signs


def row_bytes(type_name, n_in):
    """Bytes of a row of n_in weights; ValueError when the type does not fit."""
    _, elems, size = FORMATS[type_name]
    if n_in % elems:
        raise ValueError(f"a row of {n_in} weights is not a multiple of {elems}, as {type_name} needs")
    return n_in // elems * size


def float_bits(type_name, values):
    """f32 values as the bytes of F32, F16 or BF16, one row each."""
    if type_name == "BF16":
        bits = (values.astype("<f4").view("<u4") >> 16).astype("<u2")
    else:
        bits = values.astype("<f4" if type_name == "F32" else "<f2")
    return np.ascontiguousarray(bits).view(np.uint8).reshape(len(values), -1)


def pack_6bit_scales(blocks, scales):
    """Q4_K and Q5_K: eight 6-bit scales and eight 6-bit minima, here equal, in bytes 4..15."""
    low, high = scales[:, :4], scales[:, 4:]
    blocks[:, 4:8] = blocks[:, 8:12] = low | ((high >> 4) << 6)
    blocks[:, 12:16] = (high & 15) | ((high & 15) << 4)


def random_blocks(type_name, n_blocks, std, rng):
    """n_blocks blocks as uint8 [n_blocks, bytes of a block], weights of mean 0 and deviation std."""
    _, elems, size = FORMATS[type_name]
    if elems == 1:
        return float_bits(type_name, rng.standard_normal(n_blocks, np.float32) * np.float32(std))
    blocks = np.frombuffer(bytearray(rng.bytes(n_blocks * size)), np.uint8).reshape(n_blocks, size)
    if type_name == "MXFP4":
        blocks[:, 0] = 127 + int(np.rint(np.log2(std / RMS[type_name])))
        return blocks
    scale = rng.uniform(0.75, 1.25, n_blocks) * (std / RMS[type_name])
    if type_name in SIGNED_SCALE:
        scale *= rng.choice([-1.0, 1.0], n_blocks)
    if type_name == "Q8_0":
        blocks[:, 2:][blocks[:, 2:] == 0x80] = 0x81  # quantisers use -127..127
    elif type_name in ("Q4_K", "Q5_K"):
        pack_6bit_scales(blocks, rng.integers(32, 64, (n_blocks, 8), np.uint8))
    elif type_name == "Q2_K":
        blocks[:, :16] = rng.integers(8, 16, (n_blocks, 16), np.uint8) * 17  # scale and minimum alike
    bits = scale.astype("<f2")
    if type_name == "IQ1_M":  # the scale's four nibbles are the top nibbles of four 16-bit fields
        for i in range(4):
            nibble = ((bits.view("<u2") >> (4 * i)) & 15).astype(np.uint8)
            blocks[:, 49 + 2 * i] = (blocks[:, 49 + 2 * i] & 15) | (nibble << 4)
        return blocks
    at = SCALE_AT.get(type_name, 0)
    blocks[:, at:at + 2] = bits.view(np.uint8).reshape(n_blocks, 2)
    if type_name in OFFSET:
        at, ratio = OFFSET[type_name]
        offset = (bits.astype(np.float64) * ratio).astype("<f2")
        blocks[:, at:at + 2] = offset.view(np.uint8).reshape(n_blocks, 2)
    return blocks
