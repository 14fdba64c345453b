#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compiles the CUDA backend's kernels to PTX: make_ptx.py OUT-FOLDER writes rows.ptx, linear.ptx and attention.ptx there.

The files in src/backend/cuda/ptx are made by it and kept, so that a build needs no compiler for GPUs. Without a folder
it makes them anew and fails where they differ from those kept (the style suite). clang 14 makes them, as another one
would choose other registers: exit 77 without it. PTX is for compute capability 6.1, the first with the instruction for
four products of bytes; the driver compiles it for the card that is there.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
KEPT = ROOT / "src" / "backend" / "cuda" / "ptx"
NAMES = ("rows", "linear", "attention")
TARGET = ["--target=nvptx64-nvidia-cuda", "-Xclang", "-target-cpu", "-Xclang", "sm_61",
          "-Xclang", "-target-feature", "-Xclang", "+ptx64"]
# Threads of a block, and blocks that a multiprocessor has to have room for: the compiler then takes fewer registers.
BOUNDS = {"k_linear_one": (160, 6), "k_linear_few": (160, 4)}
# The kernels' headers ask for no more of the C library than this.
LIBRARY = {"string.h": "#define memcpy __builtin_memcpy\n", "assert.h": "#define static_assert _Static_assert\n",
           "inttypes.h": ""}


def compiler():
    for name in ("clang-14", "clang"):
        path = shutil.which(name)
        if path and " version 14." in subprocess.run([path, "--version"], capture_output=True, text=True).stdout:
            return path
    return None


def make(clang, name, folder):
    """The PTX of one file of kernels, as text."""
    include = pathlib.Path(folder) / "include"
    include.mkdir(exist_ok=True)
    for header, text in LIBRARY.items():
        (include / header).write_text(text)
    ir = pathlib.Path(folder) / f"{name}.ll"
    subprocess.run([clang, *TARGET, "-std=c17", "-O3", "-ffp-contract=off", "-ffreestanding", "-fno-math-errno", "-Wall",
                    "-Werror", "-Wno-pass-failed", f"-I{include}", f"-I{ROOT}/src", f"-I{ROOT}/include", "-S",
                    "-emit-llvm", "-o", ir, ROOT / "src" / "backend" / "cuda" / "device" / f"{name}.c"], check=True)
    # C has no word for a kernel; LLVM has.
    text = re.sub(r"^(define .*?)void @k_", r"\1ptx_kernel void @k_", ir.read_text(), flags=re.M)
    ir.write_text(text)
    ptx = subprocess.run([clang, *TARGET, "-O3", "-Wno-override-module", "-x", "ir", "-S", ir, "-o", "-"], check=True,
                         capture_output=True, text=True).stdout
    for kernel, (n_threads, n_blocks) in BOUNDS.items():
        ptx = re.sub(rf"(\.visible \.entry {kernel}\([^)]*\))(?=\n{{)",
                     rf"\1\n.maxntid {n_threads}, 1, 1\n.minnctapersm {n_blocks}", ptx)
    return re.sub(r"[ \t]+$", "", ptx, flags=re.M).rstrip("\n") + "\n"


def main():
    clang = compiler()
    if not clang:
        sys.exit(77)
    bad = []
    with tempfile.TemporaryDirectory() as folder:
        for name in NAMES:
            ptx = make(clang, name, folder)
            if len(sys.argv) > 1:
                (pathlib.Path(sys.argv[1]) / f"{name}.ptx").write_text(ptx)
            elif (KEPT / f"{name}.ptx").read_text() != ptx:
                bad.append(f"{name}.ptx is not what tools/make_ptx.py makes of device/{name}.c")
    print("\n".join(bad) or "ptx ok")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
