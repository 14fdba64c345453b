#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves that the benches compute what they print: medians, ratios, figures per token, and that a watched run is
seen from outside (that part needs the right to make a memory cgroup and is skipped without)."""
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
# pylint: disable=wrong-import-position
import benchlib
import compare
import honest_plan
import stream
import watched


class Arithmetic(unittest.TestCase):
    def test_the_ratio_is_of_medians_and_to_the_better_peer(self):
        found = {"nmos": {"decode": [9.0, 12.0, 30.0], "pass_1": [5.0]},
                 "llama.cpp": {"decode": [4.0, 5.0, 6.0]},
                 "llama.cpp, flash attention": {"decode": [6.0, 6.0, 99.0]}}
        result = compare.summary(found, [30.0])
        self.assertEqual(result["ratio_to_best_peer"], {"decode": 2.0})

    def test_the_last_json_object_of_an_output_counts(self):
        self.assertEqual(benchlib.last_json('{"a": 1}\nnoise\n{"a": 2}\n'), {"a": 2})
        self.assertEqual(benchlib.last_json('{\n  "a": {\n    "b": 1\n  }\n}\n'), {"a": {"b": 1}})
        self.assertIsNone(benchlib.last_json("no object\n"))

    def test_figures_per_token_come_from_the_window_between_two_times(self):
        run = watched.Run()
        run.reads = [(1.0, 1000), (2.0, 3000), (3.0, 7000)]
        self.assertEqual(run.bytes_read_at(1.5), 2000)
        self.assertEqual(run.bytes_read_at(9.0), 7000)
        figures = stream.per_token(run, 1.0, 3.0, 4)
        self.assertEqual((figures["tok_s"], figures["bytes_per_token"]), (2.0, 1500.0))

    def test_a_prediction_is_compared_with_the_window_between_letters(self):
        run = watched.Run()
        run.outputs = [(0.5, 4), (1.0, 4), (2.0, 4), (4.0, 2), (4.0, 2), (5.0, 5)]  # the newline comes with the last
        run.reads = [(0.5, 0), (1.0, 1000), (2.0, 5000), (5.0, 13000), (9.0, 14000)]
        self.assertEqual(honest_plan.word_times(run), [0.5, 1.0, 2.0, 4.0, 5.0])
        seen = honest_plan.per_pass(run, 1)
        self.assertEqual((seen["bytes"], seen["seconds"], seen["gaps"]), (4000, 1.0, [1.0, 2.0, 1.0]))
        late = honest_plan.per_pass(run, 2, is_mean=True)
        self.assertEqual((late["bytes"], late["seconds"], late["gaps"]), (4000, 1.5, [2.0, 1.0]))
        stopped = honest_plan.per_pass(run, 1, [3])  # behind the third word: the pass that took 2 s
        self.assertEqual((stopped["bytes"], stopped["gaps"]), (4000, [1.0, 1.0]))
        plan = {"streamed_bytes_per_pass": 4040, "pass_s": 1.2, "disk_GBps": 1, "binding": "disk",
                "streamed_bytes_low": 4040, "streamed_bytes_high": 4040, "experts_measured_tokens": 0,
                "memory_GBps": 1, "pinned_GBps": 1, "streamed_GBps": 1, "product_us": 1, "gmacs": 1}
        row = honest_plan.compare([plan, plan | {"pass_s": 1.0}], plan | {"pass_s": 1.05}, seen, [2.0, 1.0, 3.0])
        self.assertAlmostEqual(row["bytes_error"], 0.01)
        self.assertAlmostEqual(row["own_seconds_error"], 0.1)
        self.assertAlmostEqual(row["seconds_error"], 0.05)
        named = {"model": "m", "budget": "1G", "peak_rss_bytes": 9e8, "cgroup_peak_bytes": 1e9}
        text = honest_plan.table([row | named])
        self.assertIn("+1.0%", text)
        self.assertIn("2.00 (1.00-3.00)", text)
        self.assertIn("0.900, 1.000", text)
        ranged = row | named | {"planned_bytes": 4e9, "planned_range": [3e9, 5e9]}
        self.assertIn("4.000 (3.000-5.000)", honest_plan.table([ranged]))

    def test_what_texts_read_is_averaged_and_its_spread_told(self):
        texts = [{"bytes": b, "seconds": s, "gaps": [s], "peak_rss_bytes": 10 * b, "cgroup_peak_bytes": 5}
                 for b, s in ((90, 1.0), (110, 3.0))]
        mean = honest_plan.mean_of(texts)
        self.assertEqual((mean["bytes"], mean["seconds"], mean["peak_rss_bytes"]), (100, 2.0, 1100))
        self.assertAlmostEqual(mean["text_deviation"], 200 ** 0.5 / 100)
        self.assertIsNone(honest_plan.mean_of(texts[:1])["text_deviation"])

    def test_a_run_without_figures_shows_as_a_dash(self):
        run = {"engine": "nmos", "fraction": 0.5, "budget_bytes": 1, "disk_GBps": 1.0, "peak_rss_bytes": 1,
               "oom_kills": 1}
        self.assertIn("| - |", stream.table(stream.summary([run])))


class Watching(unittest.TestCase):
    def run_python(self, code, limit_bytes):
        try:
            return watched.run_in_cgroup([sys.executable, "-c", code], limit_bytes)
        except OSError as error:
            return self.skipTest(f"no memory cgroup: {error}")

    def test_output_and_peak_are_seen(self):
        run = self.run_python("b = bytearray(64 << 20); print('x' * 100)", 512 << 20)
        self.assertEqual((run.status, len(run.stdout)), (0, 101))
        self.assertGreater(run.peak_rss_bytes, 64 << 20)
        self.assertGreaterEqual(run.cgroup_peak_bytes, 64 << 20)
        self.assertEqual(run.oom_kills, 0)

    def test_more_memory_than_the_budget_is_seen_as_a_kill(self):
        run = self.run_python("b = bytearray(512 << 20)", 64 << 20)
        self.assertNotEqual(run.status, 0)
        self.assertEqual(run.oom_kills, 1)

    def test_raw_reads_cover_the_file(self):
        with tempfile.NamedTemporaryFile(dir=".") as f:
            f.write(bytes(16 << 20))
            f.flush()
            try:
                self.assertGreater(watched.disk_bandwidth(f.name), 0)
            except OSError as error:
                self.skipTest(f"no O_DIRECT here: {error}")


if __name__ == "__main__":
    unittest.main()
