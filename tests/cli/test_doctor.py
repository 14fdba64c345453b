# SPDX-License-Identifier: MIT
"""Proves that `nmos doctor` reports on this machine and on a model, and that a bad model is named."""
import json
import pathlib

import cli
from cli import CliTest

MODEL = pathlib.Path(__file__).resolve().parents[1] / "golden" / "models" / "llama.Q4_K.gguf"


class Doctor(CliTest):
    def test_findings_have_a_remedy_where_they_are_not_ok(self):
        findings = json.loads(self.ok("doctor", "--json", "-m", MODEL))["findings"]
        self.assertEqual([f["subject"] for f in findings],
                         ["cpu", "memory", "io_uring", "model", "memory bandwidth", "disk bandwidth"])
        for finding in findings:
            self.assertEqual(finding["ok"], finding["remedy"] is None)

    def test_it_works_without_a_model_and_names_a_bad_one(self):
        self.assertIn(b"cpu", self.ok("doctor"))
        self.fails(1, "bad.gguf", "doctor", "--json", "-m", self.write("bad.gguf", "text"))


if __name__ == "__main__":
    cli.main()
