#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves that the training pipeline of tools/train works from text to a file that nmos runs: on a slice of the text, a
tiny dense model and a tiny mixture learn for 50 steps, are exported and read back, and give nmos's logits.
Usage: test_pipeline.py NMOS CORPUS; exit 77 (skipped) where torch or the text is missing."""
import csv
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[2] / "tools" / "train"
sys.path.insert(0, str(TOOLS))
try:
    # pylint: disable=wrong-import-position
    import numpy as np
    import torch
    import corpora
    from bpe import Tokenizer
    from export import load_model
    from ngram import Ngram
    from train import Windows
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

NMOS, CORPUS, WORK = None, None, None
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def step(name, *words):
    subprocess.run([sys.executable, TOOLS / name, *map(str, words)], check=True, env=ENVIRONMENT,
                   stdout=subprocess.DEVNULL)


def run(*words, text=""):
    done = subprocess.run([NMOS, *map(str, words)], check=False, capture_output=True, input=text.encode())
    assert done.returncode == 0, done.stderr
    return done.stdout


class Pipeline(unittest.TestCase):
    def check(self, config, *words):
        out = WORK / f"{config}.pt"
        step("train.py", config, WORK, out, "--steps", 50, "--step-tokens", 2048, "--window", 128, "--every", 0.1, *words)
        with open(out.with_suffix(".csv"), encoding="utf-8") as f:
            rows = list(csv.DictReader(f))
        self.assertEqual(rows[-1]["step"], "50")
        file = WORK / f"{config}.gguf"
        step("export.py", out, WORK, file)
        self.assertIn(b"ok", run("verify", file))
        self.assertTrue(run("run", "-m", file, "--chat", "-p", "Hello", "-n", 8))
        return file, float(rows[-1]["train_nats_per_token"])

    def test_it_learns_and_nmos_computes_what_was_trained(self):
        file, loss = self.check("tiny")
        self.assertLess(loss, 5.5)  # ln 512 = 6.24 is what a model without knowledge has
        tokenizer = Tokenizer.load(WORK / "tokenizer.json")
        text = "<|im_start|>user\nWhat's 12 + x?\n\n\tcafé  <|im_end|>\n<|im_start|>assistant\nprint(x)"
        ids = tokenizer.encode(text)
        self.assertEqual(tokenizer.decode(ids), text)
        self.assertEqual(json.loads(run("tokenize", "-m", file, "--special", text=text)), ids)
        run("logits", "-m", file, "--tokens", ",".join(map(str, ids)), "-o", WORK / "logits.f32", "--kv", "f32")
        logits = np.fromfile(WORK / "logits.f32", "<f4").reshape(len(ids), -1)
        with torch.no_grad():
            wanted = load_model(file).logits(torch.tensor([ids]))[0].numpy()
        self.assertLess(np.abs(logits - wanted).max(), 0.1)  # 8-bit activations against f32

    def test_a_mixture_learns_and_runs(self):
        self.assertLess(self.check("tiny-moe", "--workers", 1)[1], 5.5)

    def test_held_out_documents_are_not_trained_on(self):
        data = json.loads((WORK / "data.json").read_text())
        self.assertGreater(data["held_out_documents"], 5)
        found = [d for d in corpora.documents(CORPUS)[::40] if d.is_held_out()]
        self.assertEqual(data["held_out_documents"], len(found))

    def test_windows_join_documents_and_miss_none(self):
        data = np.load(WORK / "train.npz")
        windows, n = Windows([WORK / "train.npz"], 1), len(data["ids"])
        seen = np.concatenate([windows.take(4, 32)[:, :-1].reshape(-1).numpy() for _ in range(n // 128)])
        missing = np.bincount(data["ids"], minlength=512) - np.bincount(seen, minlength=512)
        self.assertTrue((missing >= 0).all() and missing.sum() < 128)

    def test_ngram_probabilities_sum_to_one(self):
        grams = Ngram(np.load(WORK / "train.npz")["ids"], 3, 512)
        for history in ([5, 9], [300, 4], [511, 511]):
            total = sum(np.exp(-float(grams.nats([*history, t])[-1])) for t in range(512))
            self.assertAlmostEqual(total, 1, places=6)


if __name__ == "__main__":
    NMOS, CORPUS = os.path.abspath(sys.argv.pop(1)), Path(sys.argv.pop(1))
    if not (CORPUS / "mbpp.txt").exists() or not corpora.PYTHON_DOCS.exists():
        print("skipped: the training text is not here")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        WORK = Path(folder)
        step("prepare.py", CORPUS, WORK, "--n-vocab", 512, "--every", 40)
        unittest.main()
