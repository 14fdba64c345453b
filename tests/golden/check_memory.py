#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves that a run holds what the plan says: peak resident memory, as the kernel counts it for the ended process
(ru_maxrss), within 3 % of the plan's pins + ring + KV + scratch + other, with all weights in memory and with
streamed ones: check_memory.py PATH_OF_NMOS [MODEL.gguf]

Each run fills its context, so that all of the KV cache is used, in at least two passes. Without a model a synthetic
one is made, of 370 MB and with a vocabulary of 150,000 tokens.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PARTS = ["pinned_ram_bytes", "ring_bytes", "kv_bytes", "scratch_bytes", "other_bytes"]
TOLERANCE = 0.03
# Context, KV type, --ram as a share of what a run with all weights in memory needs, and --kv-ram.
RUNS = [(1024, "f16", None, None), (2048, "f16", None, None), (1024, "f32", None, None),
        (1024, "q8_0", None, None), (1024, "f16", 0.9, None), (1024, "f16", 0.75, None),
        (2048, "f16", 0.7, None), (1024, "f32", 0.7, None), (2048, "f16", None, "16M"),
        (2048, "f16", 0.7, "16M")]


def make_model(path):
    subprocess.run([sys.executable, HERE.parents[1] / "tools" / "make_model.py", "generic", "Q4_K", path,
                    "--layers", "32", "--d-model", "1024", "--d-ff", "4096", "--heads", "16", "--kv-heads", "4",
                    "--vocab-size", "151936", "--tied", "--vocab", HERE / "tokenizer/vocab/qwen2.gguf.gz"],
                   check=True, stdout=subprocess.DEVNULL)


def plan_bytes(nmos, options):
    plan = json.loads(subprocess.run([nmos, "plan", "--json", *options], check=True, capture_output=True).stdout)
    return sum(plan[part] for part in PARTS), plan["streamed_bytes_per_pass"]


def peak_bytes(command):
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {process.returncode}")
    return usage.ru_maxrss * 1024


def check(nmos, model):
    failures = 0
    resident_bytes = 0
    print("ctx   kv    ram MB  streamed MB  plan MB  peak MB  peak/plan")
    for ctx, kv, share, kv_ram in RUNS:
        options = ["-m", str(model), "--ctx", str(ctx), "--kv", kv]
        ram = int(share * resident_bytes) if share else 0
        if kv_ram:
            options += ["--kv-ram", kv_ram]
        if share:
            options += ["--ram", str(ram)]
        planned, streamed = plan_bytes(nmos, options)
        resident_bytes = resident_bytes or planned
        tokens = ",".join(str(100 + i * 7919 % 50000) for i in range(ctx))
        peak = peak_bytes([nmos, "logits", *options, "--tokens", tokens, "-o", "/dev/null"])
        bad = abs(peak / planned - 1) > TOLERANCE or (share is not None and (streamed == 0 or peak > ram))
        failures += bad
        print(f"{ctx:<5} {kv:<5} {ram / 1e6:6.0f} {streamed / 1e6:12.1f} {planned / 1e6:8.1f} {peak / 1e6:8.1f} "
              f"{peak / planned:10.4f}{'  FAILED' if bad else ''}", flush=True)
    return failures


def main():
    if len(sys.argv) > 2:
        return check(sys.argv[1], sys.argv[2]) > 0
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
        model = pathlib.Path(folder) / "model.gguf"
        make_model(model)
        return check(sys.argv[1], model) > 0


if __name__ == "__main__":
    sys.exit(main())
