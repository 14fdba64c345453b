# SPDX-License-Identifier: MIT
"""Proves that `nmos logits` writes a float for every token of the vocabulary and position, and leaves nothing when
it fails. That the numbers are right is checked in tests/golden."""
import json
import math
import os
import struct
import subprocess

import cli
from cli import CliTest


class Logits(CliTest):
    def setUp(self):
        super().setUp()
        self.model = self.write("m.gguf", cli.gguf(*cli.tiny_llama()))
        self.out = self.dir / "out.f32"

    def command(self, tokens, *args):
        return "logits", "-m", self.model, "--tokens", tokens, "-o", self.out, *args

    def test_every_position_has_a_row(self):
        self.assertEqual(self.ok(*self.command("1,2,3")), b"")
        data = self.out.read_bytes()
        rows = struct.unpack(f"<{3 * 258}f", data)
        self.assertTrue(all(map(math.isfinite, rows)))
        self.ok(*self.command("1,2"))
        self.assertEqual(self.out.read_bytes(), data[:2 * 258 * 4])
        self.assertEqual(json.loads(self.ok(*self.command("1,2,3", "--json", "--chunk", 1))),
                         {"file": str(self.out), "tokens": 3, "vocab": 258})
        self.assertEqual(self.out.read_bytes(), data)

    def test_a_failure_leaves_no_file(self):
        cases = [(2, "entry 2", "1,x"), (2, "entry 2", "1,"), (2, "entry 1", ""), (2, "entry 1", "-1"),
                 (2, "entry 2, 258, is outside the vocabulary of 258", "1,258"),
                 (1, ["129 tokens", "128 positions"], ",".join(["1"] * 129))]
        for code, words, tokens in cases:
            self.fails(code, words, *self.command(tokens))
            self.assertFalse(self.out.exists(), tokens)

    def test_passes_have_as_many_rows_as_the_help_says(self):
        self.ok(*self.command("1,2,3", "--chunk", 4096))
        self.fails(2, ["--chunk is 4097", "1 to 4096"], *self.command("1,2,3", "--chunk", 4097))

    def test_a_refusal_leaves_an_older_result_alone(self):
        self.out.write_bytes(b"older")
        self.fails(1, "absent.gguf", "logits", "-m", self.dir / "absent.gguf", "--tokens", "1", "-o", self.out)
        self.fails(1, "128 positions", *self.command(",".join(["1"] * 129)))
        self.fails(2, ["entry 2, 258", "258 tokens"], *self.command("1,258"))
        self.assertEqual(self.out.read_bytes(), b"older")

    def test_a_result_that_is_not_whole_never_shows(self):
        self.out.write_bytes(b"older")
        script = 'ulimit -f 1; trap "" XFSZ; exec "$@"'  # files of at most 512 or 1024 bytes
        run = subprocess.run(["sh", "-c", script, "sh", cli.NMOS, *map(str, self.command("1,2,3"))], env=os.environ | {"HOME": str(self.dir)},
                             capture_output=True, check=False)
        self.assertEqual((run.returncode, b"File too large" in run.stderr), (1, True), run.stderr)
        self.assertEqual(self.out.read_bytes(), b"older")
        self.assertEqual({p.name for p in self.dir.iterdir() if p.name.startswith("out")}, {"out.f32"})
        self.ok(*self.command("1,2,3"))
        self.assertEqual(self.out.stat().st_size, 3 * 258 * 4)

    def test_a_link_is_written_through_and_stays(self):
        link = self.dir / "link"
        link.symlink_to("/dev/full")
        self.fails(1, "No space left", "logits", "-m", self.model, "--tokens", "1", "-o", link)
        self.assertTrue(link.is_symlink())
        link.unlink()
        link.symlink_to(self.out)
        self.ok("logits", "-m", self.model, "--tokens", "1,2", "-o", link)
        self.assertEqual(self.out.stat().st_size, 2 * 258 * 4)
        self.assertTrue(link.is_symlink())

    def test_the_model_is_not_written_over(self):
        data = self.model.read_bytes()
        link = self.dir / "link.gguf"
        link.symlink_to(self.model)
        for out in (self.model, link):
            self.fails(2, ["would overwrite the model", str(self.model)], "logits", "-m", self.model, "--tokens", "1",
                       "-o", out)
        self.assertEqual(self.model.read_bytes(), data)

    def test_what_is_missing_is_asked_for(self):
        self.fails(2, "--tokens", "logits", "-m", self.model, "-o", self.out)
        self.fails(2, "-o FILE", "logits", "-m", self.model, "--tokens", "1")
        self.fails(1, "/no/such", "logits", "-m", self.model, "--tokens", "1", "-o", "/no/such/file")
        self.fails(1, "No space left", "logits", "-m", self.model, "--tokens", "1", "-o", "/dev/full")


if __name__ == "__main__":
    cli.main()
