#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves that tools/make_twin.py makes models that compute what the small one does: logits equal to the bit for every
kind of weight block, the same text from the bundled models, files that nmos finds whole and that hold no runs of zeros.
Usage: test_make_twin.py NMOS MODELS [--long] (unittest options may follow); --long: more types, 200 tokens, ten prompts."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

TOOLS = Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
# pylint: disable=wrong-import-position
import gguf_read
import make_model
import make_twin

NMOS, MODELS, IS_LONG = None, None, False
make_twin.POOL_BYTES = 1 << 20
TYPES = ("F16", "Q8_0", "Q2_K", "Q4_K", "Q6_K")
MORE_TYPES = ("F32", "Q4_0", "Q5_1", "Q3_K", "Q5_K", "IQ4_XS")
TOKENS = [4, 90, 260, 17, 33, 250, 8, 8, 101, 54, 3, 200, 77, 120]
TINY = ["--layers", "2", "--d-model", "256", "--d-ff", "512", "--heads", "4", "--kv-heads", "2",
        "--vocab-size", "300", "--vocab", "bytes"]
EXPERTS = ["--experts", "4", "--experts-used", "2", "--d-expert", "256"]
KINDS = {"wider": ["--widen", "4"], "deeper": ["--layers", "7"],
         "both": ["--widen", "16", "--heads", "3", "--ffn", "2", "--layers", "6"]}
PROMPTS = ("Write a Python function that adds two numbers.", "Write a function to find the maximum of a list.",
           "Create a Python program that sorts a dictionary by value.", "Hi, how are you today?",
           "Do you like to watch movies?", "I would like a latte, please.", "What does os.path.join do?",
           "Explain generators.", "What is the following text about?\n\nA queue keeps the order of its items.",
           "Imagine you are a pirate. Describe your ship.")


def run(*words):
    done = subprocess.run([NMOS, *map(str, words)], check=False, capture_output=True)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


def logits(model, folder):
    out = Path(folder) / "logits.f32"
    run("logits", "-m", model, "--tokens", ",".join(map(str, TOKENS)), "-o", out, "--kv", "f32")
    return np.fromfile(out, "<u4")


def twin(small, path, kind):
    return make_twin.make(make_twin.arguments([str(small), str(path), *KINDS[kind]]))


class Logits(unittest.TestCase):
    def check(self, type_name, arch, *words):
        """The three twins of a random model have its logits, bit for bit."""
        with tempfile.TemporaryDirectory() as folder:
            small, large = Path(folder) / "small.gguf", Path(folder) / "large.gguf"
            make_model.make(make_model.arguments(["generic", type_name, str(small), "--arch", arch, *TINY, *words]))
            wanted = logits(small, folder)
            for kind in KINDS:
                with self.subTest(type=type_name, arch=arch, kind=kind):
                    report = twin(small, large, kind)
                    self.assertEqual(report["file_bytes"], large.stat().st_size)
                    self.assertIn(b"ok", run("verify", large))
                    np.testing.assert_array_equal(logits(large, folder), wanted)

    def test_every_kind_of_block(self):
        for type_name in TYPES + (MORE_TYPES if IS_LONG else ()):
            self.check(type_name, "llama")

    def test_biases_mixed_types_and_a_shared_embedding(self):
        self.check("Q4_K_M", "qwen2", "--tied")

    def test_head_norms_share_eps_so_the_usual_eps_is_only_nearly_the_same(self):
        with tempfile.TemporaryDirectory() as folder:
            small, large = Path(folder) / "small.gguf", Path(folder) / "large.gguf"
            make_model.make(make_model.arguments(["generic", "Q8_0", str(small), "--arch", "qwen3moe", *TINY, *EXPERTS]))
            wanted = logits(small, folder)
            twin(small, large, "deeper")
            np.testing.assert_array_equal(logits(large, folder), wanted)
            twin(small, large, "wider")
            np.testing.assert_allclose(logits(large, folder).view("<f4"), wanted.view("<f4"), atol=0.05)


class Text(unittest.TestCase):
    def test_a_twin_speaks_the_small_models_text(self):
        n_tokens, prompts = (200, PROMPTS) if IS_LONG else (12, PROMPTS[::4])
        names = ("nano-oracle", "nano-draft", "nano-moe") if IS_LONG else ("nano-draft", "nano-moe")
        with tempfile.TemporaryDirectory() as folder:
            for name in names:
                small, large = MODELS / f"{name}.gguf", Path(folder) / "large.gguf"
                ask = [("--chat", "-p", p, "-n", n_tokens, "--temp", 0) for p in prompts]
                wanted = [run("run", "-m", small, *words) for words in ask]
                self.assertGreater(len(set(wanted)), 1)
                for kind in KINDS if IS_LONG else ("both",):
                    with self.subTest(model=name, kind=kind):
                        twin(small, large, kind)
                        self.assertEqual([run("run", "-m", large, *words) for words in ask], wanted)


class Files(unittest.TestCase):
    def test_nothing_is_a_hole_and_the_small_models_blocks_are_inside(self):
        with tempfile.TemporaryDirectory() as folder:
            small, large = MODELS / "nano-draft.gguf", Path(folder) / "large.gguf"
            twin(small, large, "both")
            self.assertGreaterEqual(large.stat().st_blocks * 512, large.stat().st_size)
            data = np.fromfile(large, np.uint8)
            pages = data[:len(data) // 4096 * 4096].reshape(-1, 4096)
            self.assertGreater((pages != 0).mean(1).min(), 0.2)  # token types in the header are the emptiest
            old, new = gguf_read.read(small), gguf_read.read(large)
            self.assertEqual(new.value("qwen3.block_count"), 6)
            n = old.value("qwen3.block_count")
            second = min(i for i in range(6) if i * n // 6 == 1)  # where the small model's layer 1 went
            for short in ("attn_q", "attn_output", "ffn_gate", "ffn_down"):
                own = old.tensors[f"blk.1.{short}.weight"].data
                corner = new.tensors[f"blk.{second}.{short}.weight"].data[:own.shape[0], :own.shape[1]]
                np.testing.assert_array_equal(corner, own)

    def test_what_cannot_be_inflated_is_refused_with_a_reason(self):
        for words, reason in ((["--widen", "8"], "power of 4"), (["--layers", "1"], "less than")):
            done = subprocess.run([sys.executable, TOOLS / "make_twin.py", MODELS / "nano-draft.gguf", "/dev/null", *words],
                                  check=False, capture_output=True, text=True)
            self.assertEqual(done.returncode, 1)
            self.assertIn(reason, done.stderr)


if __name__ == "__main__":
    NMOS, MODELS = sys.argv.pop(1), Path(sys.argv.pop(1))
    if "--long" in sys.argv:
        IS_LONG = True
        sys.argv.remove("--long")
    unittest.main()
