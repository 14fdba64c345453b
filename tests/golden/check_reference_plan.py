#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves that the plan for the reference laptop (16 GB of memory of which the system
needs 3, 2.36 GB/s of disk) and Qwen2.5-72B Q3_K_M is what arithmetic on the published shapes gives. Needs only the model's header.
Usage: check_reference_plan.py NMOS"""
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOOLS = HERE.parents[1] / "tools"
NMOS = None
GB = 1e9
# By hand, per layer: q and o 8192 x 8192, k and v 8192 x 1024, gate and up 8192 x 29568 in Q3_K (0.4297 bytes a
# weight), but v in Q5_K (0.6875), o in Q4_K (0.5625), and down in Q5_0 (0.6875), because 29568 is no multiple of 256.
LAYER_BYTES = 450.7e6
TOUCHED_BYTES = 37.16 * GB  # 80 layers and the output head
DISK_GBPS = 2.36


class ReferencePlan(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.model = Path(cls.folder.name) / "72b.gguf"
        subprocess.run([sys.executable, TOOLS / "make_model.py", "qwen2.5-72b", "Q3_K_M", cls.model, "--header-only"],
                       check=True, stdout=subprocess.DEVNULL)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def plan(self, *args):
        done = subprocess.run([NMOS, "plan", "-m", self.model, "--json", "--ctx", "2048", "--hw",
                               HERE / "reference-laptop.json", *args], check=True, capture_output=True)
        return json.loads(done.stdout)

    def near(self, value, expected, share=0.003):
        self.assertLess(abs(value / expected - 1), share, (value, expected))

    def test_bytes_are_those_of_the_shapes(self):
        plan = self.plan()
        self.near(plan["touched_bytes_per_pass"], TOUCHED_BYTES)
        self.near(plan["model_bytes"], 37.69 * GB)
        sizes = {shard["name"]: shard["bytes"] for shard in plan["shards"]}
        self.near(sizes["blk.40"], LAYER_BYTES)
        self.near(sizes["blk.0"], 465.9e6)  # down in Q5_1 in the first five
        self.near(sizes["output"], 1.02 * GB, 0.005)
        self.near(plan["kv_bytes"], 2048 * 327680)

    def test_a_16_gb_laptop_pins_some_11_gb_and_a_pass_takes_some_11_seconds(self):
        plan = self.plan()
        self.near(plan["budget_bytes"], 13 * GB)
        self.near(plan["pinned_ram_bytes"], 11 * GB, 0.02)
        self.near(plan["pass_s"], 11.1, 0.01)
        self.assertEqual(plan["binding"], "disk")
        self.near(plan["pass_s"], plan["streamed_bytes_per_pass"] / DISK_GBPS / GB, 1e-6)

    def test_seconds_per_pass_are_those_of_what_is_pinned(self):
        """By pinned GB at 2.36 GB/s: 11 -> 11.1 s, 12.5 -> 10.4 s, 20 -> 7.3 s, 28 -> 3.9 s."""
        for pinned, seconds in ((11, 11.1), (12.5, 10.4), (20, 7.3), (28, 3.9)):
            plan = self.plan("--ram", str(int(pinned * GB)))
            for _ in range(3):  # the budget that leaves so much for pins
                missing = pinned * GB - plan["pinned_ram_bytes"]
                plan = self.plan("--ram", str(int(plan["budget_bytes"] + missing)))
            self.near(plan["pinned_ram_bytes"], pinned * GB, 0.02)
            self.near(plan["pass_s"], seconds, 0.02)

    def test_with_room_for_all_memory_binds(self):
        plan = self.plan("--ram", "48G")
        self.assertEqual((plan["streamed_bytes_per_pass"], plan["binding"]), (0, "memory"))
        self.near(plan["pass_s"], 1.06, 0.01)


if __name__ == "__main__":
    NMOS = sys.argv.pop(1)
    unittest.main()
