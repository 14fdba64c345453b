#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turns a file into C: embed.py FILE NAME OUT.c defines `const uint32_t NAME_words[]` and `const size_t NAME_bytes`.

Behind the file's bytes there is a zero, so that a text is a C string."""
import pathlib
import struct
import sys

source, name, out = sys.argv[1:]
data = pathlib.Path(source).read_bytes()
words = struct.unpack(f"<{len(data) // 4 + 1}I", data + bytes(4 - len(data) % 4))
lines = [", ".join(f"{w:#x}" for w in words[i:i + 12]) for i in range(0, len(words), 12)]
pathlib.Path(out).write_text(
    f"/* Made by tools/embed.py from {pathlib.Path(source).name}. */\n#include <stddef.h>\n#include <stdint.h>\n\n"
    f"extern const uint32_t {name}_words[];\nextern const size_t {name}_bytes;\n"
    f"const size_t {name}_bytes = {len(data)};\nconst uint32_t {name}_words[] = {{\n" + ",\n".join(lines) + "};\n",
    encoding="ascii")
