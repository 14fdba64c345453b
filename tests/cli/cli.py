# SPDX-License-Identifier: MIT
"""What the command-line tests share: running the real binary, and writing small GGUF files.

Every test file is run as `python3 test_X.py PATH_OF_NMOS`. Run main() at its end.
"""
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import unittest

NMOS = ""
SHARED = pathlib.Path(__file__).resolve().parents[2].parent / "shared"


def nmos(*args, stdin=b"", env=None, cwd=None):
    """Runs nmos; HOME is empty so that no user's configuration is read."""
    with tempfile.TemporaryDirectory() as home:
        environment = {"HOME": home, "PATH": os.environ.get("PATH", "")}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "MSAN_OPTIONS"):
            if name in os.environ:
                environment[name] = os.environ[name]
        environment.update(env or {})
        return subprocess.run([NMOS, *map(str, args)], input=stdin, capture_output=True, timeout=120,
                              env=environment, cwd=cwd, check=False)


class CliTest(unittest.TestCase):
    """A test with a directory of its own and checks of how nmos ends."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.dir = pathlib.Path(holder.name)

    def write(self, name, data):
        path = self.dir / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def ok(self, *args, **kwargs):
        """Runs, demands exit 0 and silence on stderr; the output as bytes."""
        done = nmos(*args, **kwargs)
        self.assertEqual((done.returncode, done.stderr), (0, b""), args)
        return done.stdout

    def fails(self, code, words, *args, **kwargs):
        """Runs, demands the exit code, a message that starts with "nmos: " and holds each of the words."""
        done = nmos(*args, **kwargs)
        message = done.stderr.decode()
        self.assertEqual(done.returncode, code, (args, message))
        self.assertTrue(message.startswith("nmos: "), (args, message))
        for word in [words] if isinstance(words, str) else words:
            self.assertIn(word, message, args)
        return message


def text(value):
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data)) + data


def value_of(value):
    """Type number and bytes of a Python value: bool, int (u32), float (f32), str, or a list of one of these."""
    if isinstance(value, bool):
        return 7, struct.pack("<B", value)
    if isinstance(value, int):
        return 4, struct.pack("<I", value)
    if isinstance(value, float):
        return 6, struct.pack("<f", value)
    if isinstance(value, (str, bytes)):
        return 8, text(value)
    kind = value_of(value[0])[0]
    return 9, struct.pack("<IQ", kind, len(value)) + b"".join(value_of(v)[1] for v in value)


def gguf(metadata, tensors=(), version=3):
    """Bytes of a GGUF file. tensors: (name, dims with the row length first, type number, data)."""
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(metadata))
    for key, value in metadata.items():
        kind, data = value_of(value)
        head += text(key) + struct.pack("<I", kind) + data
    body = b""
    for name, dims, kind, data in tensors:
        head += text(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, len(body))
        body += data + bytes(-len(data) % 32)
    return head + bytes(-len(head) % 32) + body


def small_model():
    """A file of two layers and an embedding that is a good GGUF, though no architecture."""
    tensors = [("token_embd.weight", (4, 8), 0, struct.pack("<32f", *range(32))),
               ("blk.0.a.weight", (32, 2), 8, bytes(68)),
               ("blk.1.a.weight", (256, 1), 12, bytes(144))]
    metadata = {"general.architecture": "none", "n": 7, "x": 0.5, "on": True,
                "words": [f"word {i}" for i in range(20)], "bytes": b"\xff\x1b[2J"}
    return gguf(metadata, tensors)


def byte_tokens():
    """The 256 byte tokens of byte-level BPE: printable Latin-1 stands for itself, the rest from U+0100 on."""
    own = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = (chr(256 + i) for i in range(256))
    return [chr(b) if b in own else next(others) for b in range(256)]


def q8_0(rng, n):
    """Q8_0 blocks of n small random weights."""
    return b"".join(struct.pack("<e32b", 0.002, *(rng.randint(-127, 127) for _ in range(32))) for _ in range(n // 32))


def tiny_llama():
    """A llama of two layers with random weights that loads and runs: (metadata, tensors)."""
    rng = random.Random(1)
    d_model, d_ff, d_kv, n_vocab = 64, 96, 32, 258
    metadata = {"general.architecture": "llama", "general.name": "tiny", "llama.block_count": 2,
                "llama.context_length": 128, "llama.embedding_length": d_model, "llama.feed_forward_length": d_ff,
                "llama.attention.head_count": 2, "llama.attention.head_count_kv": 1,
                "llama.attention.layer_norm_rms_epsilon": 1e-5, "llama.rope.dimension_count": 32,
                "llama.rope.freq_base": 10000.0, "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "gpt-2",
                "tokenizer.ggml.tokens": byte_tokens() + ["he", "<|end|>"],
                "tokenizer.ggml.token_type": [1] * 257 + [3], "tokenizer.ggml.merges": ["h e"],
                "tokenizer.ggml.bos_token_id": 257, "tokenizer.ggml.eos_token_id": 257}

    def matrix(name, n_in, n_out):
        return name, (n_in, n_out), 8, q8_0(rng, n_in * n_out)

    def norm(name):
        return name, (d_model,), 0, struct.pack(f"<{d_model}f", *[1.0] * d_model)

    tensors = [matrix("token_embd.weight", d_model, n_vocab), norm("output_norm.weight"),
               matrix("output.weight", d_model, n_vocab)]
    for i in range(2):
        b = f"blk.{i}."
        tensors += [norm(b + "attn_norm.weight"), matrix(b + "attn_q.weight", d_model, d_model),
                    matrix(b + "attn_k.weight", d_model, d_kv), matrix(b + "attn_v.weight", d_model, d_kv),
                    matrix(b + "attn_output.weight", d_model, d_model), norm(b + "ffn_norm.weight"),
                    matrix(b + "ffn_gate.weight", d_model, d_ff), matrix(b + "ffn_up.weight", d_model, d_ff),
                    matrix(b + "ffn_down.weight", d_ff, d_model)]
    return metadata, tensors


def main():
    global NMOS
    NMOS = os.path.abspath(sys.argv.pop(1))
    unittest.main(module="__main__", verbosity=1)
