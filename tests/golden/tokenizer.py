#!/usr/bin/env python3
"""tokenizer.py CHECK FOLDER: runs check_tokenizer on each vocabulary of FOLDER/vocab that has cases; 77: no folder."""
import gzip
import pathlib
import subprocess
import sys
import tempfile

check, folder = sys.argv[1], pathlib.Path(sys.argv[2])
vocabularies = sorted((folder / "vocab").glob("*.gguf.gz"))
if not vocabularies:
    sys.exit(77)
failed = False
for packed in vocabularies:
    name = packed.name.removesuffix(".gguf.gz")
    with tempfile.NamedTemporaryFile(suffix=".gguf") as plain:
        plain.write(gzip.decompress(packed.read_bytes()))
        plain.flush()
        failed |= subprocess.run([check, plain.name, folder / f"{name}.jsonl"], check=False).returncode != 0
sys.exit(failed)
