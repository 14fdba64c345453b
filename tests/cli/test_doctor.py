# SPDX-License-Identifier: MIT
"""Proves that `nmos doctor` reports on this machine and on a model, and that a bad model is named."""
import json
import pathlib

import cli
from cli import CliTest

MODEL = pathlib.Path(__file__).resolve().parents[1] / "golden" / "models" / "llama.Q4_K.gguf"
SUBJECTS = ["cpu", "memory", "gpu", "io_uring", "model", "memory bandwidth", "disk bandwidth"]


class Doctor(CliTest):
    def test_findings_have_a_remedy_where_they_are_not_ok(self):
        findings = json.loads(self.ok("doctor", "--json", "-m", MODEL))["findings"]
        self.assertEqual(list(dict.fromkeys(f["subject"] for f in findings)), SUBJECTS)  # each GPU is one
        for finding in findings:
            self.assertEqual(finding["ok"], finding["remedy"] is None)

    def test_without_a_model_named_the_bundled_one_is_looked_at_and_a_bad_one_is_named(self):
        lines = self.ok("doctor").decode().splitlines()
        for subject in SUBJECTS:
            self.assertTrue(any(line[5:].startswith(subject) for line in lines), subject)
        self.assertIn("nano-oracle.gguf", "".join(lines))
        self.fails(1, "bad.gguf", "doctor", "--json", "-m", self.write("bad.gguf", "text"))


if __name__ == "__main__":
    cli.main()
