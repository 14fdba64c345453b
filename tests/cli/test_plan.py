# SPDX-License-Identifier: MIT
"""Proves that `nmos plan` divides the budget exactly, predicts what its figures imply, and refuses with numbers."""
import json
import pathlib

import cli
from cli import CliTest

MODEL = pathlib.Path(__file__).resolve().parents[1] / "golden" / "models" / "llama.Q4_K.gguf"
LAPTOP = {"ram_GiB": 16, "disk_GBps": 2, "memory_GBps": 40, "gmacs": 100}


class Plan(CliTest):
    def plan(self, *args):
        hw = self.write("hw.json", json.dumps(LAPTOP))
        return json.loads(self.ok("plan", "-m", MODEL, "--json", "--hw", hw, *args))

    def test_a_model_that_fits_is_bound_by_memory_and_streams_nothing(self):
        plan = self.plan()
        self.assertEqual((plan["streamed_bytes_per_pass"], plan["ring_bytes"], plan["binding"]), (0, 0, "memory"))
        self.assertEqual(plan["budget_bytes"], 16 << 30)
        self.assertAlmostEqual(plan["pass_s"], plan["touched_bytes_per_pass"] / 40e9)
        self.assertEqual({shard["place"] for shard in plan["shards"]}, {"ram"})

    def test_shards_add_up_to_what_is_touched_and_streamed(self):
        plan = self.plan()
        self.assertEqual(sum(shard["bytes"] for shard in plan["shards"]), plan["touched_bytes_per_pass"])
        self.assertAlmostEqual(plan["tok_s"] * plan["pass_s"], 1, 5)

    def test_too_little_memory_is_refused_with_the_amount_that_would_do(self):
        hw = self.write("hw.json", json.dumps(LAPTOP))
        message = self.fails(1, ["--ram 1000000 bytes", "KV"], "plan", "-m", MODEL, "--hw", hw, "--ram", "1M")
        needed = max(int(word.strip(";,.")) for word in message.split() if word.strip(";,.").isdigit())
        self.assertGreater(needed, 1000000)

    def test_a_bad_description_of_a_machine_names_the_field(self):
        hw = self.write("hw.json", json.dumps({**LAPTOP, "disk_GBps": 0}))
        self.fails(2, ["disk_GBps", "hw.json"], "plan", "-m", MODEL, "--hw", hw)
        self.fails(1, "hw.json", "plan", "-m", MODEL, "--hw", self.write("hw.json", "{"))

    def test_this_machine_is_measured_when_no_other_is_named(self):
        plan = json.loads(self.ok("plan", "-m", MODEL, "--json"))
        self.assertGreater(plan["disk_GBps"], 0)
        self.assertGreater(plan["memory_GBps"], 0)


if __name__ == "__main__":
    cli.main()
