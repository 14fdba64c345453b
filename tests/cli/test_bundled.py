# SPDX-License-Identifier: MIT
"""Proves that the models that come with the program are whole, are found from the source tree and beside an installed
program, speak without -m, and stay as small as they should."""
import json
import pathlib
import shutil

import cli
from cli import CliTest, nmos

MODELS = pathlib.Path(__file__).resolve().parents[2] / "models"
NOTICE = "nmos: no -m given, so this is the bundled nano-oracle.gguf"
ASK = ("run", "--chat", "-p", "Write a Python function that adds two numbers.", "--temp", 0, "-n", 24)


class Bundled(CliTest):
    def answers(self, program, *args):
        """Output of the command without -m, run as `program`; demands the notice."""
        own, cli.NMOS = cli.NMOS, str(program)
        try:
            done = nmos(*args)
        finally:
            cli.NMOS = own
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stderr.decode().startswith(NOTICE), done.stderr)
        return done.stdout

    def test_without_a_model_named_the_bundled_one_answers(self):
        text = self.answers(cli.NMOS, *ASK)
        self.assertEqual(text, self.ok(*ASK, "-m", MODELS / "nano-oracle.gguf"))
        self.assertGreater(len(text.split()), 2)

    def test_the_bundled_draft_guesses_for_it_unless_told_otherwise(self):
        plan = json.loads(self.answers(cli.NMOS, "plan", "--json"))
        self.assertGreater(plan["draft_bytes"], 1000000)
        plan = json.loads(self.ok("plan", "--json", "-m", MODELS / "nano-oracle.gguf"))
        self.assertEqual(plan["draft_bytes"], 0)
        chain = self.answers(cli.NMOS, *ASK, "--spec", "chain")
        self.assertEqual(chain, self.answers(cli.NMOS, *ASK, "--spec", "off"))

    def test_it_is_found_beside_an_installed_program(self):
        program = self.dir / "bin" / "nmos"
        installed = self.dir / "share" / "nmos" / "models"
        program.parent.mkdir()
        installed.mkdir(parents=True)
        shutil.copy2(cli.NMOS, program)
        shutil.copy(MODELS / "nano-draft.gguf", installed / "nano-oracle.gguf")  # to tell it from the source tree's
        self.assertEqual(self.answers(program, *ASK), self.ok(*ASK, "-m", MODELS / "nano-draft.gguf"))

    def test_plan_and_perplexity_take_it_too(self):
        plan = json.loads(self.answers(cli.NMOS, "plan", "--json", "--ram", "200M"))
        self.assertGreater(plan["model_bytes"], 1000000)
        text = self.write("text", "The river runs to the sea.")
        self.assertIn(b"token", self.answers(cli.NMOS, "perplexity", "-f", text))

    def test_a_named_model_that_is_missing_is_not_replaced(self):
        self.fails(1, "missing.gguf", "run", "-m", self.dir / "missing.gguf", "-p", "a")

    def test_commands_on_a_vocabulary_still_want_a_model(self):
        self.fails(2, "-m FILE", "tokenize")

    def test_every_bundled_model_is_whole_and_all_fit_in_24_megabytes(self):
        files = sorted(MODELS.glob("*.gguf"))
        self.assertEqual([f.name for f in files], ["nano-draft.gguf", "nano-moe.gguf", "nano-oracle.gguf"])
        self.assertLess(sum(f.stat().st_size for f in files), 24e6)
        for file in files:
            self.assertIn(b"ok", self.ok("verify", file))

    def test_they_share_one_vocabulary_byte_for_byte(self):
        text = "def f(x):\n\treturn x  # naïve 123\n<|im_end|>".encode()
        ids = [self.ok("tokenize", "--special", "-m", f, stdin=text) for f in sorted(MODELS.glob("*.gguf"))]
        self.assertEqual(len(set(ids)), 1)
        self.assertEqual(self.ok("detokenize", "-m", MODELS / "nano-moe.gguf", stdin=ids[0]), text)


if __name__ == "__main__":
    cli.main()
