#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves that tools/make_model.py writes what it promises: published sizes and types, sane weights, rows that
differ, files that nmos accepts. Usage: test_make_model.py NMOS (unittest options may follow)."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

TOOLS = Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
# pylint: disable=wrong-import-position
import make_model
from make_model_blocks import FORMATS, random_blocks
from make_model_gguf import byte_vocabulary, fit
from make_model_shapes import PRESETS, Tensor, cut

NMOS = None
MB = 1e6
# Preset, mix, layers (0: all), bytes of all tensors and of layers 0 and 10 in MB.
PUBLISHED = (
    ("qwen2.5-72b", "Q3_K_M", 0, 37692.7, 465.9, 450.7),
    ("qwen2.5-14b", "Q3_K_M", 0, 7333.2, None, None),
    ("qwen2.5-7b", "Q4_K_M", 0, 4677.1, None, None),
    ("qwen2.5-7b", "Q3_K_M", 0, 3802.4, None, None),
    ("qwen2.5-1.5b", "Q4_K_M", 0, 980.1, None, None),
    ("smollm2-135m", "Q4_K_M", 0, 103.7, None, None),
    ("qwen3-30b-a3b", "Q4_K_M", 0, 18550.7, None, None),
    ("qwen3-30b-a3b", "Q4_K_M", 20, 7980.5, None, None),
)


def types_of(preset, mix, layers=0):
    return {t.name: name for t, name in make_model.tensor_types(cut(PRESETS[preset], layers), mix)}


def half(blocks, at):
    return blocks[:, at:at + 2].copy().view("<f2").astype(np.float64)


def dequantise(name, blocks):
    """Weights of the types that take a line each; the engine's own decoders are tested elsewhere."""
    if name == "Q8_0":
        return half(blocks, 0) * blocks[:, 2:].view(np.int8)
    nibbles = np.concatenate([blocks & 15, blocks >> 4], axis=1).astype(np.float64)
    n = blocks.shape[1]
    if name == "Q4_0":
        return half(blocks, 0) * (np.delete(nibbles, [0, 1, n, n + 1], axis=1) - 8)
    if name == "Q4_1":
        return half(blocks, 0) * np.delete(nibbles, [0, 1, 2, 3, n, n + 1, n + 2, n + 3], axis=1) + half(
            blocks, 2)
    assert name == "Q4_K"
    scale = np.concatenate([blocks[:, 4:8] & 63, (blocks[:, 12:16] & 15) | (blocks[:, 4:8] >> 6 << 4)],
                           axis=1).astype(np.float64)
    minimum = np.concatenate([blocks[:, 8:12] & 63, (blocks[:, 12:16] >> 4) | (blocks[:, 8:12] >> 6 << 4)],
                             axis=1).astype(np.float64)
    quants = blocks[:, 16:].reshape(-1, 4, 1, 32)
    quants = np.concatenate([quants & 15, quants >> 4], axis=2).reshape(-1, 8, 32)
    return ((half(blocks, 0) * scale)[:, :, None] * quants -
            (half(blocks, 2) * minimum)[:, :, None]).reshape(len(blocks), -1)


class Sizes(unittest.TestCase):
    def test_presets_have_the_published_sizes(self):
        for preset, mix, layers, total_mb, layer0_mb, layer10_mb in PUBLISHED:
            with self.subTest(preset=preset, mix=mix, layers=layers):
                total, per_layer = make_model.sizes(cut(PRESETS[preset], layers), mix)
                self.assertAlmostEqual(total / MB, total_mb, delta=0.06)
                if layer0_mb:
                    self.assertAlmostEqual(per_layer[0] / MB, layer0_mb, delta=0.06)
                    self.assertAlmostEqual(per_layer[10] / MB, layer10_mb, delta=0.06)

    def test_72b_falls_back_where_29568_is_not_a_multiple_of_256(self):
        types = types_of("qwen2.5-72b", "Q3_K_M")
        self.assertEqual([types[f"blk.{i}.ffn_down.weight"] for i in (0, 4, 5, 79)],
                         ["Q5_1", "Q5_1", "Q5_0", "Q5_0"])
        self.assertEqual({types[f"blk.{i}.attn_v.weight"] for i in range(80)}, {"Q5_K"})
        self.assertEqual((types["output.weight"], types["token_embd.weight"]), ("Q6_K", "Q3_K"))

    def test_a_cut_model_keeps_the_types_of_the_full_one(self):
        full, short = types_of("qwen2.5-72b", "Q3_K_M"), types_of("qwen2.5-72b", "Q3_K_M", 2)
        self.assertEqual(short, {name: full[name] for name in short})

    def test_tied_models_have_no_output_and_a_finer_embedding(self):
        self.assertNotIn("output.weight", types_of("qwen2.5-1.5b", "Q4_K_M"))
        self.assertEqual(types_of("qwen2.5-1.5b", "Q4_K_M")["token_embd.weight"], "Q6_K")
        self.assertEqual(types_of("smollm2-135m", "Q4_K_M")["token_embd.weight"], "Q8_0")

    def test_more_bits_go_to_the_first_and_last_eighth_and_every_third_between(self):
        types = types_of("qwen2.5-7b", "Q4_K_M")
        finer = [i for i in range(28) if types[f"blk.{i}.attn_v.weight"] == "Q6_K"]
        self.assertEqual(finer, [0, 1, 2, 5, 8, 11, 14, 17, 20, 23, 24, 25, 26, 27])


class Blocks(unittest.TestCase):
    def test_weights_have_mean_0_and_the_deviation_asked_for(self):
        for name in ("Q8_0", "Q4_0", "Q4_1", "Q4_K"):
            with self.subTest(type=name):
                blocks = random_blocks(name, 4096, 0.02, np.random.default_rng(1))
                weights = dequantise(name, blocks)
                self.assertAlmostEqual(weights.std(), 0.02, delta=0.001)
                self.assertAlmostEqual(weights.mean(), 0, delta=0.001)

    def test_no_two_rows_of_a_tensor_larger_than_the_pool_are_alike(self):
        pool_bytes = make_model.POOL_BYTES
        make_model.POOL_BYTES = 1 << 20
        try:
            tensor = Tensor("a.weight", (2048, 4000), "matrix")
            weights = make_model.Weights([(tensor, "Q6_K")], 0)
            data = b"".join(bytes(s) for s in weights.spans(tensor, "Q6_K"))
        finally:
            make_model.POOL_BYTES = pool_bytes
        self.assertEqual(len(data), make_model.tensor_bytes(tensor, "Q6_K"))
        rows = {data[i:i + 1680] for i in range(0, len(data), 1680)}
        self.assertEqual(len(rows), 4000)


class Vocabularies(unittest.TestCase):
    def test_missing_tokens_are_padded_and_surplus_ones_go_with_their_merges(self):
        tokens, types, merges = fit([b"a", b"b", b"ab"], [1, 1, 1], [b"a b"], 5)
        self.assertEqual((tokens[3:], types[3:], merges), ([b"[PAD3]", b"[PAD4]"], [5, 5], [b"a b"]))
        tokens, _, merges = fit([b"a", b"b", b"ab"], [1, 1, 1], [b"a b"], 2)
        self.assertEqual((tokens, merges), ([b"a", b"b"], []))

    def test_the_byte_vocabulary_names_every_byte_once(self):
        tokens = dict((kv[0], kv[2]) for kv in byte_vocabulary(300))["tokenizer.ggml.tokens"]
        self.assertEqual((len(tokens), len(set(tokens))), (300, 300))


class Files(unittest.TestCase):
    TINY = ["--layers", "2", "--d-model", "256", "--d-ff", "512", "--heads", "4", "--kv-heads", "2",
            "--vocab-size", "300", "--vocab", "bytes"]
    EXPERTS = ["--experts", "8", "--experts-used", "2", "--d-expert", "256"]

    def write(self, *words):
        return make_model.make(make_model.arguments(words))

    def accept(self, path):
        """nmos verifies the file and lists it."""
        for command in ("verify", "inspect"):
            done = subprocess.run([NMOS, command, path], check=False, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, f"nmos {command}: {done.stderr}")

    def test_a_tiny_model_of_each_architecture_is_written(self):
        with tempfile.TemporaryDirectory() as folder:
            for arch in ("llama", "qwen2", "qwen3", "qwen2moe", "qwen3moe"):
                with self.subTest(arch=arch):
                    extra = self.EXPERTS if arch.endswith("moe") else []
                    extra = extra + (["--d-shared-expert", "256"] if arch == "qwen2moe" else [])
                    path = f"{folder}/{arch}.gguf"
                    report = self.write("generic", "Q4_K_M", path, "--arch", arch, *self.TINY, *extra)
                    self.assertEqual(report["file_bytes"], Path(path).stat().st_size)
                    self.accept(path)

    def test_a_tiny_model_of_each_type_is_written(self):
        with tempfile.TemporaryDirectory() as folder:
            for type_name in FORMATS:
                with self.subTest(type=type_name):
                    path = f"{folder}/{type_name}.gguf"
                    self.write("generic", type_name, path, *self.TINY)
                    self.accept(path)

    def test_the_same_seed_gives_the_same_bytes(self):
        with tempfile.TemporaryDirectory() as folder:
            for path, seed in (("a", "1"), ("b", "1"), ("c", "2")):
                self.write("generic", "Q3_K_M", f"{folder}/{path}", "--seed", seed, *self.TINY)
            first, again, other = (Path(folder, name).read_bytes() for name in "abc")
            self.assertEqual(first, again)
            self.assertNotEqual(first, other)


if __name__ == "__main__":
    NMOS = sys.argv.pop(1)
    unittest.main()
