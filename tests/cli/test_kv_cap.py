# SPDX-License-Identifier: MIT
"""Proves that what --kv-cap forgets is said, in words and in figures, and depends neither on passes, threads nor
guesses; and that a cap without effect changes nothing."""
import hashlib
import json
import pathlib

import cli
from cli import CliTest, nmos

MODEL = pathlib.Path(__file__).resolve().parents[2] / "models" / "nano-oracle.gguf"
PAGE = 64 * 5 * 2 * (64 + 64) * 2  # bytes of 64 positions: 5 layers, 2 heads, keys and values of 64 halves
WORDS = "the light that the keeper of the tower lit at noon was seen from the harbour and the hill ".split()
TEXT = " ".join(WORDS[(i * i + i // 7) % len(WORDS)] for i in range(500))


class KvCap(CliTest):
    def run_capped(self, command, *args, pages=4, policy="h2o"):
        """stdout and the message of a command that has forgotten something."""
        done = nmos(command, "-m", MODEL, "--kv-cap", pages * PAGE, "--kv-evict", policy, *args)
        message = done.stderr.decode()
        self.assertEqual(done.returncode, 0, message)
        self.assertIn(f"tokens were forgotten, as --kv-cap holds {pages * 64} (--kv-evict {policy})", message)
        return done.stdout, message

    def tokens(self):
        return json.loads(self.ok("tokenize", "-m", MODEL, stdin=TEXT.encode()))

    def logits(self, *args, **how):
        path = self.dir / "logits"
        tokens = ",".join(map(str, self.tokens()))
        self.run_capped("logits", "--tokens", tokens, "-o", path, *args, **how)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def test_passes_and_threads_change_no_bit_of_the_logits(self):
        expected = self.logits("--threads", 1, pages=6)
        for args in (("--chunk", 5), ("--chunk", 100, "--threads", 2)):
            self.assertEqual(self.logits(*args, pages=6), expected, args)

    def test_figures_of_perplexity(self):
        text = self.write("text", TEXT)
        full = json.loads(self.ok("perplexity", "-m", MODEL, "-f", text, "--json"))
        self.assertNotIn("kv_evict", full)
        for policy in ("h2o", "window"):
            out, _ = self.run_capped("perplexity", "-f", text, "--json", policy=policy)
            got = json.loads(out)
            self.assertEqual((got["kv_evict"], got["kv_cap_tokens"]), (policy, 256))
            n_pages = -(-got["tokens"] // 64)
            self.assertEqual(got["kv_given_up_tokens"], (n_pages - 4) * 64)
            self.assertTrue(0 < got["kv_given_up_mass"] <= got["kv_given_up_mass_most"] < 1)
            self.assertNotEqual(got["nll_per_token"], full["nll_per_token"])
        whole = nmos("perplexity", "-m", MODEL, "-f", text, "--json", "--kv-cap", "1GiB")
        self.assertEqual((json.loads(whole.stdout), whole.stderr), (full, b""))

    def test_guesses_change_no_text(self):
        args = ("-p", TEXT, "-n", 80, "--stats")
        text, message = self.run_capped("run", *args, "--spec", "off")
        stats = json.loads(message.splitlines()[-1])
        self.assertGreater(stats["kv_given_up_tokens"], 0)
        for spec in ("ngram", "auto"):
            self.assertEqual(self.run_capped("run", *args, "--spec", spec)[0], text)

    def test_a_conversation_under_a_cap(self):
        done = nmos("chat", "-m", MODEL, "--kv-cap", 4 * PAGE, "-n", 60, stdin=(TEXT[:900] + "\n").encode() * 3)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"tokens were forgotten", done.stderr)

    def test_what_cannot_be(self):
        self.fails(1, ["holds 3 pages of 64 positions", str(4 * PAGE)], "run", "-m", MODEL, "-p", "x", "--kv-cap",
                   3 * PAGE)
        self.fails(1, "--kv-cap with --kv-ram", "run", "-m", MODEL, "-p", "x", "--kv-cap", 4 * PAGE, "--kv-ram",
                   4 * PAGE)
        self.fails(2, "h2o", "run", "-m", MODEL, "-p", "x", "--kv-cap", 4 * PAGE, "--kv-evict", "lru")


if __name__ == "__main__":
    cli.main()
