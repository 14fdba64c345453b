#!/usr/bin/env python3
"""Packs golden/quant/dequant_vectors.json into dequant_vectors.bin, the fixture of test_dequant.

Per case: u32 type, u32 number of weights, u32 number of block bytes, the blocks, the weights as f32 (little endian).
Usage: make_dequant_vectors.py dequant_vectors.json dequant_vectors.bin
"""
import json
import struct
import sys

NOT_WEIGHT_TYPES = {"TQ1_0", "TQ2_0", "NVFP4", "Q1_0"}

with open(sys.argv[1]) as source, open(sys.argv[2], "wb") as packed:
    for name, entry in json.load(source)["types"].items():
        if name in NOT_WEIGHT_TYPES:
            continue
        for case in entry["cases"]:
            raw, values = bytes.fromhex(case["raw_hex"]), bytes.fromhex(case["f32_hex"])
            packed.write(struct.pack("<III", entry["ggml_type_id"], len(values) // 4, len(raw)) + raw + values)
