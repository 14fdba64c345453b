# SPDX-License-Identifier: MIT
"""Runs a command in a memory cgroup and watches it from outside: wall clock, /proc, cgroup.

Nothing here believes what the command says about itself. Cgroup v1 and v2; needs the right to make
one (root, or a delegated folder).
"""
import mmap
import os
import re
import select
import subprocess
import threading
import time
from pathlib import Path

SAMPLE_SECONDS = 0.02
REQUEST_BYTES = 4 << 20
V1, V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")


class Cgroup:
    """A memory cgroup of a given size, for one run."""

    n_made = 0

    def __init__(self, limit_bytes):
        Cgroup.n_made += 1
        self.is_v2 = (V2 / "cgroup.controllers").exists()
        self.path = (V2 if self.is_v2 else V1) / f"nmos-bench-{os.getpid()}-{Cgroup.n_made}"
        self.path.mkdir()
        try:
            if self.is_v2:
                self.write("memory.max", limit_bytes)
                if (self.path / "memory.swap.max").exists():
                    self.write("memory.swap.max", 0)
            else:
                self.write("memory.limit_in_bytes", limit_bytes)
        except OSError:
            self.path.rmdir()
            raise

    def write(self, name, value):
        (self.path / name).write_text(str(value))

    def join(self):
        """Called in the child between fork and exec."""
        self.write("cgroup.procs", os.getpid())

    def peak_bytes(self):
        return int((self.path / ("memory.peak" if self.is_v2 else "memory.max_usage_in_bytes")).read_text())

    def oom_kills(self):
        text = (self.path / ("memory.events" if self.is_v2 else "memory.oom_control")).read_text()
        return int(re.search(r"^oom_kill (\d+)", text, re.M).group(1))

    def remove(self):
        """Gives the pages back and removes the group; the last process needs a moment to leave it."""
        for _ in range(100):
            try:
                self.path.rmdir()
                return
            except OSError:
                time.sleep(0.05)


def read_bytes_of(pid):
    """Bytes that the process has caused to be read from disk."""
    text = Path(f"/proc/{pid}/io").read_text(encoding="ascii")
    return int(re.search(r"^read_bytes: (\d+)", text, re.M).group(1))


class Run:
    """What was seen of one command. Times are seconds from its start."""

    def __init__(self):
        self.status, self.stdout, self.stderr = None, b"", b""
        self.seconds = 0.0
        self.outputs = []  # (time, bytes) of each piece of stdout
        self.reads = []    # (time, bytes read from disk so far)
        self.peak_rss_bytes = self.cgroup_peak_bytes = self.oom_kills = 0

    def bytes_read_at(self, t):
        """Bytes read from disk until time t, interpolated between samples."""
        before = [r for r in self.reads if r[0] <= t] or [(0.0, 0)]
        after = [r for r in self.reads if r[0] > t]
        (t0, b0), (t1, b1) = before[-1], after[0] if after else (t + 1, before[-1][1])
        return b0 + (b1 - b0) * (t - t0) / (t1 - t0)


def sample(process, run, start):
    """Notes what the process has read until now."""
    try:
        run.reads.append((time.monotonic() - start, read_bytes_of(process.pid)))
    except OSError:
        pass


def follow(process, run, start, on_output=None):
    """Collects output and samples until the process closes both pipes; on_output(process, run) is called after each
    piece of stdout."""
    pipes = {process.stdout.fileno(): "stdout", process.stderr.fileno(): "stderr"}
    next_sample = 0.0
    while pipes:
        for fd in select.select(list(pipes), [], [], SAMPLE_SECONDS)[0]:
            data = os.read(fd, 65536)
            if not data:
                del pipes[fd]
            elif pipes[fd] == "stdout":
                run.stdout += data
                run.outputs.append((time.monotonic() - start, len(data)))
                sample(process, run, start)
                if on_output:
                    on_output(process, run)
            else:
                run.stderr += data
        if time.monotonic() - start >= next_sample:
            next_sample = time.monotonic() - start + SAMPLE_SECONDS
            sample(process, run, start)


def run_in_cgroup(command, limit_bytes, env=None, on_output=None):
    """Runs the command with limit_bytes of memory, page cache included; on_output as in follow()."""
    cgroup, run, start = Cgroup(limit_bytes), Run(), time.monotonic()
    try:
        with subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=os.environ | (env or {}),
                              preexec_fn=cgroup.join) as process:  # pylint: disable=subprocess-popen-preexec-fn
            follow(process, run, start, on_output)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = run.status = os.waitstatus_to_exitcode(status)
        run.seconds = time.monotonic() - start
        run.reads.append((run.seconds, usage.ru_inblock * 512))
        run.peak_rss_bytes = usage.ru_maxrss * 1024
        run.cgroup_peak_bytes, run.oom_kills = cgroup.peak_bytes(), cgroup.oom_kills()
        return run
    finally:
        cgroup.remove()


def drop_caches():
    """Writes dirty pages out and empties the page cache (root only)."""
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("1\n")


def disk_bandwidth(path, n_bytes=2 << 30, n_threads=4):
    """Gigabytes per second of O_DIRECT reads of the file, n_threads requests of 4 MiB in flight."""
    size = os.stat(path).st_size // REQUEST_BYTES * REQUEST_BYTES
    offsets = iter(range(0, min(size, n_bytes), REQUEST_BYTES))
    lock, done = threading.Lock(), []

    fd = os.open(path, os.O_RDONLY | os.O_DIRECT)

    def read_on():
        buffer, total = mmap.mmap(-1, REQUEST_BYTES), 0
        while True:
            with lock:
                offset = next(offsets, None)
            if offset is None:
                break
            total += os.preadv(fd, [buffer], offset)
        done.append(total)

    start = time.monotonic()
    threads = [threading.Thread(target=read_on) for _ in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - start
    os.close(fd)
    return sum(done) / seconds / 1e9
