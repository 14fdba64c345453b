# SPDX-License-Identifier: MIT
"""Proves that `nmos inspect` tells what is in a file, and what is wrong with one that is none."""
import json
import os

import cli
from cli import CliTest


class Inspect(CliTest):
    def test_json_holds_every_entry_tensor_and_total(self):
        data = cli.small_model()
        path = self.write("m.gguf", data)
        told = json.loads(self.ok("inspect", "--json", path))
        self.assertEqual((told["version"], told["files"], told["file_bytes"]), (3, 1, len(data)))
        metadata = {entry["key"]: entry for entry in told["metadata"]}
        self.assertEqual(metadata["n"], {"key": "n", "type": "u32", "value": 7})
        self.assertEqual(metadata["x"]["value"], 0.5)
        self.assertIs(metadata["on"]["value"], True)
        self.assertEqual(metadata["words"]["n"], 20)
        self.assertEqual(metadata["words"]["first"], [f"word {i}" for i in range(8)])
        self.assertEqual(metadata["bytes"]["value"], "\ufffd\x1b[2J")
        self.assertEqual([t["name"] for t in told["tensors"]],
                         ["token_embd.weight", "blk.0.a.weight", "blk.1.a.weight"])
        self.assertEqual(told["tensors"][1]["shape"], [32, 2])
        self.assertEqual(told["types"], {"F32": {"tensors": 1, "bytes": 128}, "Q8_0": {"tensors": 1, "bytes": 68},
                                         "Q4_K": {"tensors": 1, "bytes": 144}})
        self.assertEqual(told["tensor_bytes"], 340)
        self.assertEqual([(s["name"], s["bytes"]) for s in told["shards"]],
                         [("layer 0", 68), ("layer 1", 144), ("outside", 128)])

    def test_tables_are_safe_for_a_terminal(self):
        text = self.ok("inspect", self.write("m.gguf", cli.small_model()))
        for words in (b"blk.1.a.weight", b"256 x 1", b"Q4_K", b'bytes = "??[2J"', b'string[20] "word 0"', b"layer 1"):
            self.assertIn(words, text)
        self.assertNotIn(b"\x1b", text)

    def test_a_vocabulary_without_tensors_is_fine(self):
        path = self.write("v.gguf", cli.gguf({"general.architecture": "llama"}))
        self.assertIn(b"no tensors", self.ok("inspect", path))
        self.assertEqual(json.loads(self.ok("inspect", "--json", path))["tensors"], [])

    def test_what_is_no_model_is_named(self):
        self.fails(1, ["missing.gguf", "No such file"], "inspect", self.dir / "missing.gguf")
        self.fails(1, "is a directory", "inspect", self.dir)
        self.fails(1, ["notes.txt", "not a GGUF file", '"Dear"'], "inspect", self.write("notes.txt", "Dear diary"))
        self.fails(1, "is empty", "inspect", self.write("empty.gguf", b""))
        self.fails(1, "not a regular file", "inspect", "/dev/null")
        self.fails(1, "big-endian", "inspect", self.write("b.gguf", b"GGUF\0\0\0\3" + bytes(16)))
        self.fails(1, "version 1", "inspect", self.write("o.gguf", b"GGUF\1\0\0\0" + bytes(16)))
        if os.geteuid() != 0:
            locked = self.write("locked.gguf", cli.small_model())
            locked.chmod(0)
            self.fails(1, "Permission denied", "inspect", locked)

    def test_every_truncation_is_a_message(self):
        data = cli.small_model()
        for n in range(1, len(data) - 16, 7):  # the last 16 bytes are padding
            self.fails(1, "cut.gguf", "inspect", self.write("cut.gguf", data[:n]))

    def test_parts_of_a_split_model_are_joined(self):
        def part(i, n=2, total=2):
            return cli.gguf({"split.no": i, "split.count": n, "split.tensors.count": total},
                            [(f"blk.{i}.w", (32, 1), 8, bytes(34))])
        first = self.write("m-00001-of-00002.gguf", part(0))
        self.fails(1, ["part 2 of 2", "m-00002-of-00002.gguf", "No such file"], "inspect", first)
        second = self.write("m-00002-of-00002.gguf", part(1))
        told = json.loads(self.ok("inspect", "--json", first))
        self.assertEqual([(t["name"], t["file"]) for t in told["tensors"]], [("blk.0.w", 0), ("blk.1.w", 1)])
        self.fails(1, "name the first part", "inspect", second)
        self.write("m-00002-of-00002.gguf", part(0))
        self.fails(1, ["says it is part 1 of 2", "part 2 of 2 is expected"], "inspect", first)
        self.write("m-00002-of-00002.gguf", part(1))
        self.write("m-00001-of-00002.gguf", part(0, total=3))
        self.fails(1, ["split.tensors.count is 3", "2 tensors"], "inspect", first)
        self.fails(1, "does not end in -00001-of-00002.gguf", "inspect", self.write("odd.gguf", part(0)))
        self.write("m-00001-of-00002.gguf", cli.gguf({"split.no": 0, "split.count": 2},
                                                     [("blk.1.w", (32, 1), 8, bytes(34))]))
        self.fails(1, "tensor blk.1.w appears twice", "inspect", first)
        self.fails(1, "limit is 1024", "inspect", self.write("m.gguf", part(0, n=5000)))


if __name__ == "__main__":
    cli.main()
