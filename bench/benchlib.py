# SPDX-License-Identifier: MIT
"""What the benches share: who is measured on what, how the peer and the bandwidth program are run, tables."""
import datetime
import json
import os
import platform
import statistics
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEER = HERE / "peer_llamacpp/peer.mjs"


def machine():
    """The machine and the state of the source tree that the figures belong to."""
    cpu = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), "unknown")
    commit = subprocess.run(["git", "-C", HERE, "describe", "--always", "--dirty"], check=False,
                            capture_output=True, text=True).stdout.strip()
    return {"cpu": cpu, "cores": len(os.sched_getaffinity(0)), "kernel": platform.release(),
            "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            "date": datetime.date.today().isoformat(), "commit": commit}


def last_json(text):
    """The last JSON object of text that begins a line, on one line or several; None without one."""
    starts = [0] + [i + 1 for i, c in enumerate(text) if c == "\n"]
    for start in reversed(starts):
        if text.startswith("{", start):
            try:
                return json.JSONDecoder().raw_decode(text, start)[0]
            except json.JSONDecodeError:
                continue
    return None


def output_of(command, env=None):
    """The JSON object that a command prints last; RuntimeError with its stderr when it fails."""
    done = subprocess.run([str(c) for c in command], check=False, capture_output=True, text=True,
                          env=os.environ | (env or {}))
    result = last_json(done.stdout) if done.returncode == 0 else None
    if result is None:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return result


def peer_command(model, *options):
    return ["node", str(PEER), str(model), *options]


def memory_bandwidth(membw, threads):
    """Gigabytes per second that `threads` threads read from 1 GiB of memory, best of ten rounds."""
    return output_of([membw, str(threads)])["best"]


def median(values):
    return statistics.median(values) if values else None


def spread(values):
    """{median, min, max, n} of a list of numbers."""
    return {"median": median(values), "min": min(values), "max": max(values), "n": len(values)}


def markdown_table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"
