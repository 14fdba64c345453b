# SPDX-License-Identifier: MIT
"""Proves that `nmos tokenize` and `nmos detokenize` carry exact bytes, and name what is wrong with their input."""
import gzip
import json
import pathlib
import tempfile

import cli
from cli import CliTest

PACKED = pathlib.Path(__file__).resolve().parents[1] / "golden/tokenizer/vocab/gpt-2.gguf.gz"
END = 50256  # <|endoftext|>


class Tokenize(CliTest):
    @classmethod
    def setUpClass(cls):
        cls.holder = tempfile.TemporaryDirectory()
        cls.vocab = pathlib.Path(cls.holder.name) / "gpt-2.gguf"
        cls.vocab.write_bytes(gzip.decompress(PACKED.read_bytes()))

    @classmethod
    def tearDownClass(cls):
        cls.holder.cleanup()

    def ids(self, text, *options):
        return json.loads(self.ok("tokenize", "-m", self.vocab, *options, stdin=text))

    def bytes_of(self, ids):
        return self.ok("detokenize", "-m", self.vocab, stdin=json.dumps(ids).encode())

    def test_nothing_is_stripped_or_added(self):
        self.assertEqual(self.ok("tokenize", "-m", self.vocab, stdin=b"Hello world\n"), b"[15496,995,198]\n")
        self.assertEqual(self.ids(b""), [])
        self.assertEqual(self.ids(b"\r\n"), [201, 198])

    def test_special_tokens_are_read_on_request(self):
        self.assertEqual(self.ids(b"a<|endoftext|>", "--special"), [64, END])
        self.assertNotIn(END, self.ids(b"a<|endoftext|>"))

    def test_bos_is_added_as_the_metadata_says(self):
        tokens = ["<unk>", "<s>", "</s>", "\u2581a"]
        metadata = {"tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": tokens,
                    "tokenizer.ggml.scores": [0.0, 0.0, 0.0, -1.0], "tokenizer.ggml.token_type": [2, 3, 3, 1]}
        for adds, expected in ((True, b"[1,3]\n"), (False, b"[3]\n")):
            path = self.write("v.gguf", cli.gguf({**metadata, "tokenizer.ggml.add_bos_token": adds}))
            self.assertEqual(self.ok("tokenize", "-m", path, "--bos", stdin=b"a"), expected)
        path = self.write("v.gguf", cli.gguf({**metadata, "tokenizer.ggml.add_eos_token": True}))
        self.assertEqual(self.ok("tokenize", "-m", path, "--bos", stdin=b"a"), b"[1,3,2]\n")
        self.assertEqual(self.ok("tokenize", "-m", path, stdin=b"a"), b"[3]\n")

    def test_any_bytes_come_back(self):
        for data in (bytes(range(256)) * 3, b"\xf0\x9f\x98", b"\0", b"<|endoftext|>", b"  \n\n x", b""):
            self.assertEqual(self.bytes_of(self.ids(data)), data)
            self.assertEqual(self.bytes_of(self.ids(data, "--special")), data)

    def test_what_is_no_list_of_ids_is_named(self):
        for stdin, words in ((b"", "not a JSON array"), (b"{}", "not a JSON array"), (b"[1,", "not a JSON array"),
                             (b"[1,2.5]", "element 1"), (b'["1"]', "element 0"), (b"[50257]", "0 to 50256"),
                             (b"[-1]", "-1"), (b"[99999999999999999999]", "not a JSON array")):
            self.fails(1, words, "detokenize", "-m", self.vocab, stdin=stdin)

    def test_what_is_no_vocabulary_is_named(self):
        for command in ("tokenize", "detokenize"):
            self.fails(2, "-m FILE", command)
            self.fails(1, "No such file", command, "-m", self.dir / "none.gguf")
            self.fails(1, "tokenizer.ggml.model", command, "-m", self.write("m.gguf", cli.small_model()))
        no_pre = cli.gguf({"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "klingon"})
        self.fails(1, ["klingon", "qwen2"], "tokenize", "-m", self.write("k.gguf", no_pre))


if __name__ == "__main__":
    cli.main()
