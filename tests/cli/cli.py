# SPDX-License-Identifier: MIT
"""What the command-line tests share: running the real binary, and writing small GGUF files.

Every test file is run as `python3 test_X.py PATH_OF_NMOS`. Run main() at its end.
"""
import os
import pathlib
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


def main():
    global NMOS
    NMOS = os.path.abspath(sys.argv.pop(1))
    unittest.main(module="__main__", verbosity=1)
