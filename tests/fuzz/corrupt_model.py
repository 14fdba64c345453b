# SPDX-License-Identifier: MIT
"""Cuts short and corrupts a model that runs, and demands that nmos ends with exit code 0 or 1, never by a signal.

usage: corrupt_model.py NMOS [--truncations STEP] [--corruptions N] [--seed S] [--model FILE] [--keep FILE]

Every damaged file goes through `nmos verify` and, where this build has it, a pass of `nmos logits`. A failure must
come with a message. The same arguments give the same files; --keep stores the one at which a run stopped.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import cli  # noqa: E402

VALUES = [0, 1, 2, 31, 127, 128, 255, 256, 32767, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63,
          2**64 - 1]


def corrupt(rng, data, header_bytes):
    """A copy with one to four changes; half of them hit the header, which is a small part of the file."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(header_bytes if rng.random() < 0.5 else len(data))
        kind = rng.randrange(4)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at] = rng.randrange(256)
        elif kind == 2:
            width = rng.choice([1, 2, 4, 8])
            value = (rng.choice(VALUES) % (1 << (8 * width))).to_bytes(width, "little")
            data[at:at + width] = value[:len(data) - at]
        else:
            n = min(rng.randint(1, 64), len(data) - at)
            data[at:at + n] = rng.randbytes(n)
    return bytes(data)


def damaged_files(args, data, header_bytes):
    """Yields (what was done, bytes)."""
    if args.truncations:
        lengths = [*range(0, header_bytes, min(args.truncations, 61)), *range(header_bytes, len(data), args.truncations)]
        for n in lengths:
            yield f"cut to {n} bytes", data[:n]
    rng = random.Random(args.seed)
    for i in range(args.corruptions):
        yield f"corruption {i} of seed {args.seed}", corrupt(rng, data, header_bytes)


def complaint(done):
    """What is wrong with the way a command ended, or None."""
    if done.returncode not in (0, 1):
        return f"ended with {done.returncode}"
    if done.returncode == 1 and not done.stderr.startswith(b"nmos: "):
        return "failed without a message"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nmos")
    parser.add_argument("--truncations", type=int, default=1, metavar="STEP")
    parser.add_argument("--corruptions", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model")
    parser.add_argument("--keep")
    args = parser.parse_args()
    data = pathlib.Path(args.model).read_bytes() if args.model else cli.gguf(*cli.tiny_llama())
    has_logits = "\n  logits " in subprocess.run([args.nmos, "help"], capture_output=True, text=True, check=True).stdout
    ends = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "damaged.gguf")
        commands = [["verify", path]]
        if has_logits:
            commands.append(["logits", "-m", path, "--tokens", "1,2,3", "--threads", "1", "-o",
                             os.path.join(folder, "logits.f32")])
        pathlib.Path(path).write_bytes(data)
        told = subprocess.run([args.nmos, "inspect", "--json", path], check=True, capture_output=True).stdout
        header_bytes = json.loads(told)["header_bytes"]
        for command in commands:
            subprocess.run([args.nmos, *command], check=True, capture_output=True)
        for what, damaged in damaged_files(args, data, header_bytes):
            pathlib.Path(path).write_bytes(damaged)
            for command in commands:
                done = subprocess.run([args.nmos, *command], capture_output=True, timeout=100, check=False)
                ends[command[0], done.returncode] += 1
                wrong = complaint(done)
                if wrong:
                    if args.keep:
                        pathlib.Path(args.keep).write_bytes(damaged)
                    print(f"{what}: nmos {command[0]} {wrong}\n{done.stderr.decode(errors='replace')}")
                    return 1
    for (command, code), n in sorted(ends.items()):
        print(f"{command}: {n} ended with {code}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
