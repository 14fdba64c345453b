# SPDX-License-Identifier: MIT
"""Proves that `nmos perplexity` says what the logits of `nmos logits` imply, whole texts and windows alike."""
import array
import json
import math
import pathlib
import statistics

import cli
from cli import CliTest

MODEL = pathlib.Path(__file__).resolve().parents[1] / "golden" / "models" / "llama.Q4_K.gguf"
TEXT = "The quick brown fox jumps over the lazy dog; 123 times, in \u00e4 row. " * 2


class Perplexity(CliTest):
    def measure(self, text, *args):
        return json.loads(self.ok("perplexity", "-m", MODEL, "-f", self.write("text", text), "--json", *args))

    def scores(self, tokens):
        """-ln p of each token but the first, from the logits of the whole sequence."""
        path = self.dir / "logits"
        self.ok("logits", "-m", MODEL, "--tokens", ",".join(map(str, tokens)), "-o", path)
        logits = array.array("f", path.read_bytes())
        n_vocab = len(logits) // len(tokens)
        rows = [logits[i * n_vocab:(i + 1) * n_vocab] for i in range(len(tokens))]
        return [math.log(math.fsum(math.exp(x) for x in row)) - row[token] for row, token in zip(rows, tokens[1:])]

    def tokens(self, text):
        return json.loads(self.ok("tokenize", "-m", MODEL, stdin=text.encode()))

    def check(self, result, scores, n_bytes):
        error = statistics.stdev(scores) / math.sqrt(len(scores))
        self.assertEqual((result["tokens"], result["bytes"]), (len(scores), n_bytes))
        for name, value in (("nll_per_token", statistics.fmean(scores)), ("nll_per_token_se", error),
                            ("nll_per_byte", math.fsum(scores) / n_bytes),
                            ("nll_per_byte_se", error * len(scores) / n_bytes),
                            ("perplexity", math.exp(statistics.fmean(scores)))):
            self.assertAlmostEqual(result[name] / value, 1, 7, name)

    def predicted_bytes(self, tokens):
        return len(self.ok("detokenize", "-m", MODEL, stdin=json.dumps(tokens[1:]).encode()))

    def test_a_whole_text(self):
        tokens = self.tokens(TEXT)
        result = self.measure(TEXT)
        self.check(result, self.scores(tokens), self.predicted_bytes(tokens))
        self.assertEqual(result["windows"], 1)
        self.assertEqual(self.measure(TEXT, "--chunk", 7), result)

    def test_later_windows_repeat_half_a_context(self):
        tokens, ctx = self.tokens(TEXT), 32
        n_fed = len(tokens) - 1
        scores = self.scores(tokens[:ctx + 1])
        n_windows = 1
        while len(scores) < n_fed:
            begin = len(scores) - ctx // 2
            scores += self.scores(tokens[begin:begin + ctx + 1])[ctx // 2:]
            n_windows += 1
        result = self.measure(TEXT, "--ctx", ctx)
        self.check(result, scores, self.predicted_bytes(tokens))
        self.assertEqual(result["windows"], n_windows)
        self.assertGreater(n_windows, 3)

    def test_people_get_the_same_figures(self):
        result = self.measure(TEXT)
        shown = self.ok("perplexity", "-m", MODEL, "-f", self.dir / "text").decode()
        for name in ("nll_per_token", "nll_per_byte", "nll_per_token_se"):
            self.assertIn(f"{result[name]:.6f}", shown)

    def test_what_cannot_be_scored_is_refused(self):
        self.fails(2, "at least 2", "perplexity", "-m", MODEL, "-f", self.write("text", "a"))
        self.fails(2, "-f FILE", "perplexity", "-m", MODEL)
        self.fails(1, "Is a directory", "perplexity", "-m", MODEL, "-f", self.dir)
        self.fails(1, "missing", "perplexity", "-m", MODEL, "-f", self.dir / "missing")


if __name__ == "__main__":
    cli.main()
