#!/bin/sh
# tokenizer.sh VOCABULARIES [TEXT]: bench_tokenizer on each NAME.gguf.gz of a folder. Run from the build directory.
set -eu
plain=$(mktemp)
trap 'rm -f "$plain"' EXIT
for packed in "$1"/*.gguf.gz; do
    gunzip -c "$packed" > "$plain"
    bench/bench_tokenizer "$plain" ${2:+"$2"}
done
