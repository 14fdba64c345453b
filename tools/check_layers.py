#!/usr/bin/env python3
"""Fails when a file under src/ includes a header of a layer it may not see (DESIGN: arrows point down only)."""
import pathlib
import re
import sys

MAY_INCLUDE = {
    "base": {"nmos/error.h"},
    "quant": {"base"},
    "kernel": {"base", "quant"},
    "io": {"base"},
    "gguf": {"base", "quant"},
    "tokenizer": {"base", "gguf", "quant"},
    "backend": {"base", "quant", "kernel"},
    "kv": {"base", "io"},
    "stream": {"base", "io", "backend"},
    "model": {"base", "quant", "gguf", "backend"},
    "infer": {"base", "quant", "tokenizer", "backend", "model", "stream", "kv"},
    "intent": {"base", "tokenizer", "nmos/memory.h", "nmos/scout.h"},
    "engine": {"base", "quant", "kernel", "io", "gguf", "tokenizer", "backend", "kv", "stream", "model",
               "infer", "intent", "nmos"},
    "server": {"base", "nmos"},
    "cli": {"base", "nmos", "server"},
}

root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent / "src"
bad = []
for path in sorted([*root.rglob("*.[ch]"), *root.rglob("*.cpp")]):
    layer = path.relative_to(root).parts[0]
    if layer not in MAY_INCLUDE:
        bad.append(f"{path}: {layer}/ is not a layer of the design")
        continue
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = re.match(r'#\s*include\s+["<](([a-z_0-9]+)/[^">]+)', line)
        if not match or match[2] == layer or (match[2] not in MAY_INCLUDE and match[2] != "nmos"):
            continue
        if MAY_INCLUDE[layer].isdisjoint((match[1], match[2])):
            bad.append(f"{path}:{number}: {layer}/ may not include {match[1]}")
print("\n".join(bad) or "layers ok")
sys.exit(bool(bad))
