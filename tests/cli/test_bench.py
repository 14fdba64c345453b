# SPDX-License-Identifier: MIT
"""Proves that `nmos bench` measures every figure of the contract, repeats it, and orders minimum, median and maximum."""
import json

import cli
from cli import CliTest

FIGURES = {"disk": "GB/s", "memory": "GB/s", "decode": "tok/s", **{f"pass_{1 << i}": "ms" for i in range(8)}}


class Bench(CliTest):
    def setUp(self):
        super().setUp()
        self.model = self.write("m.gguf", cli.gguf(*cli.tiny_llama()))  # 128 positions: no pass of 256 rows

    def test_json_holds_each_figure_with_its_spread(self):
        result = json.loads(self.ok("bench", "-m", self.model, "--json"))
        figures = {figure["name"]: figure for figure in result["figures"]}
        self.assertEqual({name: figure["unit"] for name, figure in figures.items()}, FIGURES)
        for figure in figures.values():
            self.assertEqual(figure["repeats"], 3 if figure["name"] in ("disk", "memory") else 5)
            self.assertTrue(0 < figure["min"] <= figure["median"] <= figure["max"], figure)
        self.assertEqual((result["arch"], result["streamed_bytes_per_pass"]), ("llama", 0))

    def test_people_get_a_table(self):
        lines = self.ok("bench", "-m", self.model, "--threads", 1).decode().splitlines()
        self.assertEqual([line.split()[0] for line in lines], ["figure", *FIGURES])

    def test_what_cannot_be_measured_is_refused(self):
        self.fails(1, "missing", "bench", "-m", self.dir / "missing")


if __name__ == "__main__":
    cli.main()
