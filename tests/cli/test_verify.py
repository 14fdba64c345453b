# SPDX-License-Identifier: MIT
"""Proves that `nmos verify` accepts a sound model and names the first thing that is wrong with one that is not."""
import json
import struct

import cli
from cli import CliTest


class Verify(CliTest):
    def changed(self, name, at, data):
        """Path of the tiny model with bytes of one tensor overwritten."""
        metadata, tensors = cli.tiny_llama()
        tensors = [(n, dims, kind, old[:at] + data + old[at + len(data):] if n == name else old)
                   for n, dims, kind, old in tensors]
        return self.write("changed.gguf", cli.gguf(metadata, tensors))

    def test_a_sound_model_is_ok(self):
        path = self.write("tiny.gguf", cli.gguf(*cli.tiny_llama()))
        self.assertIn(b"ok, 21 tensors", self.ok("verify", path))
        told = json.loads(self.ok("verify", "--json", path))
        self.assertEqual((told["ok"], told["tensors"], told["files"]), (True, 21, 1))

    def test_a_vocabulary_without_tensors_is_ok(self):
        self.assertIn(b"ok, 0 tensors", self.ok("verify", self.write("v.gguf", cli.gguf(cli.tiny_llama()[0]))))

    def test_a_scale_that_is_not_finite_is_named(self):
        path = self.changed("blk.1.ffn_down.weight", 3 * 34, struct.pack("<e", float("nan")))
        self.fails(1, ["tensor blk.1.ffn_down.weight: block 3 of 192", "not finite", "changed.gguf"], "verify", path)
        path = self.changed("blk.0.ffn_norm.weight", 4 * 63, struct.pack("<f", float("-inf")))
        self.fails(1, "tensor blk.0.ffn_norm.weight: value 63 of 64", "verify", path)

    def test_tensors_that_the_architecture_does_not_know_or_misses_are_named(self):
        metadata, tensors = cli.tiny_llama()
        path = self.write("m.gguf", cli.gguf(metadata, tensors[:-1]))
        self.fails(1, "blk.1.ffn_down.weight is missing", "verify", path)
        name, _, kind, data = tensors[-1]
        path = self.write("m.gguf", cli.gguf(metadata, tensors[:-1] + [(name, (64, 96), kind, data)]))
        self.fails(1, "tensor blk.1.ffn_down.weight", "verify", path)
        path = self.write("m.gguf", cli.gguf(metadata, tensors + [("blk.0.surplus.weight", (32,), 0, bytes(128))]))
        self.fails(1, "blk.0.surplus.weight", "verify", path)
        path = self.write("m.gguf", cli.gguf({**metadata, "general.architecture": "mamba"}, tensors))
        self.fails(1, ["mamba", "llama"], "verify", path)

    def test_any_quants_are_sound(self):
        self.ok("verify", self.changed("blk.1.ffn_down.weight", 2, bytes([0x80] * 32)))

    def test_a_file_that_is_cut_short_is_named(self):
        data = cli.gguf(*cli.tiny_llama())
        self.fails(1, ["tensor blk.1.ffn_down.weight", "cut short"], "verify", self.write("cut.gguf", data[:-64]))

    def test_all_parts_of_a_split_model_are_read(self):
        metadata, tensors = cli.tiny_llama()
        parts = [tensors[:10], tensors[10:]]
        for i, part in enumerate(parts):
            split = {"split.no": i, "split.count": 2, "split.tensors.count": len(tensors)}
            self.write(f"m-0000{i + 1}-of-00002.gguf", cli.gguf({**metadata, **split} if i == 0 else split, part))
        first = self.dir / "m-00001-of-00002.gguf"
        self.assertIn(b"ok, 21 tensors", self.ok("verify", first))
        second = self.dir / "m-00002-of-00002.gguf"
        data = second.read_bytes()
        second.write_bytes(data[:-34] + b"\xff\x7f" + data[-32:])  # the scale of the last block
        self.fails(1, ["blk.1.ffn_down.weight: block 191", "m-00002-of-00002.gguf"], "verify", first)


if __name__ == "__main__":
    cli.main()
