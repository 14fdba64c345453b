# SPDX-License-Identifier: MIT
"""Proves that the example gives the text of `nmos run` in 60 lines: test_examples.py PATH_OF_COMPLETE PATH_OF_NMOS"""
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "tests" / "golden" / "models" / "llama.Q4_K.gguf"
COMPLETE = ""
NMOS = ""


def complete(*args):
    done = subprocess.run([COMPLETE, *map(str, args)], capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr.decode()


class Complete(unittest.TestCase):
    def test_text_goes_on_the_same_way_each_time(self):
        prompt = "a text of many rows, " * 9
        first, second = complete(MODEL, prompt, 8), complete(MODEL, prompt, 8)
        self.assertEqual(first, second)
        self.assertEqual((first[0], first[2]), (0, ""))
        self.assertEqual(complete(MODEL, prompt, 0)[1], prompt.encode())
        shorter = complete(MODEL, prompt, 3)[1]
        self.assertTrue(shorter.startswith(prompt.encode()) and first[1].startswith(shorter))
        self.assertGreater(len(first[1]), len(shorter))
        run = subprocess.run([NMOS, "run", "-m", MODEL, "-p", prompt, "-n", "8"], capture_output=True, timeout=60,
                             check=True)
        self.assertEqual(first[1], prompt.encode() + run.stdout.removesuffix(b"\n"))

    def test_it_is_short(self):
        self.assertLessEqual(len((ROOT / "examples" / "complete.c").read_text().splitlines()), 60)

    def test_failures_are_told(self):
        self.assertEqual(complete(MODEL)[0], 2)
        status, _, message = complete("no-such.gguf", "text", 1)
        self.assertEqual(status, 1)
        self.assertIn("no-such.gguf", message)
        for prompt, n in (("text", 100000), ("a long text " * 500, 1)):
            status, _, message = complete(MODEL, prompt, n)
            self.assertEqual(status, 1)
            self.assertRegex(message, r"complete: .*\d+")


if __name__ == "__main__":
    COMPLETE, NMOS = sys.argv.pop(1), sys.argv.pop(1)
    unittest.main(verbosity=1)
