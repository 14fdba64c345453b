# SPDX-License-Identifier: MIT
"""A file written in order and around the page cache, so that a model of any size is written at disk speed.

Bytes are gathered in one of two page-aligned buffers while a thread writes the other with O_DIRECT. Where the
file system does not know O_DIRECT (tmpfs), the same writes go through the cache.
"""
import errno
import fcntl
import mmap
import os
from concurrent.futures import ThreadPoolExecutor

BUFFER_BYTES = 16 << 20


class Output:
    """Use as a context; bytes are on their way to the disk when it ends."""

    def __init__(self, path):
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        try:
            self.fd = os.open(path, flags | os.O_DIRECT, 0o644)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            self.fd = os.open(path, flags, 0o644)
        self.buffers = [memoryview(mmap.mmap(-1, BUFFER_BYTES)) for _ in range(2)]
        self.n_buffered, self.n_bytes = 0, 0
        self.writer, self.pending = ThreadPoolExecutor(1), None

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        try:
            if kind is None:
                self.flush()
        finally:
            self.writer.shutdown()
            os.close(self.fd)

    def write(self, data):
        """Appends bytes."""
        data = memoryview(data).cast("B")
        self.n_bytes += len(data)
        while len(data):
            n = min(len(data), BUFFER_BYTES - self.n_buffered)
            self.buffers[0][self.n_buffered:self.n_buffered + n] = data[:n]
            self.n_buffered, data = self.n_buffered + n, data[n:]
            if self.n_buffered == BUFFER_BYTES:
                self.hand_over()

    def hand_over(self):
        """Gives the filled buffer to the writing thread and takes the other one."""
        self.wait()
        self.pending = self.writer.submit(write_whole, self.fd, self.buffers[0][:self.n_buffered])
        self.buffers.reverse()
        self.n_buffered = 0

    def wait(self):
        if self.pending:
            self.pending.result()
            self.pending = None

    def flush(self):
        """Writes the rest; its length suits no disk block, so it goes through the cache."""
        self.wait()
        fcntl.fcntl(self.fd, fcntl.F_SETFL, fcntl.fcntl(self.fd, fcntl.F_GETFL) & ~os.O_DIRECT)
        write_whole(self.fd, self.buffers[0][:self.n_buffered])
        self.n_buffered = 0


def write_whole(fd, data):
    while len(data):
        data = data[os.write(fd, data):]
