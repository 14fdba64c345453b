# SPDX-License-Identifier: MIT
"""Proves that where io_uring is forbidden, as in many containers, the pool of threads takes over, says so, and gives the
same bytes; and that naming io_uring there is refused with the reason."""
import ctypes
import json
import pathlib
import platform
import struct
import subprocess
import unittest

import cli
from cli import CliTest

MODEL = pathlib.Path(__file__).resolve().parents[1] / "golden" / "models" / "llama.Q4_K.gguf"
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
IO_URING_SETUP, EPERM = 425, 1
# Classic BPF: load the number of the call; for io_uring_setup() return EPERM; else allow.
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO = 0x7fff0000, 0x00050000
FILTER = b"".join(struct.pack("<HBBI", *step) for step in (
    (LOAD, 0, 0, 0), (JUMP_EQUAL, 0, 1, IO_URING_SETUP), (RETURN, 0, 0, ERRNO | EPERM), (RETURN, 0, 0, ALLOW)))


class Program(ctypes.Structure):
    _fields_ = [("n_steps", ctypes.c_ushort), ("steps", ctypes.c_char_p)]


LIBC = ctypes.CDLL(None, use_errno=True)


def forbid_io_uring():
    """Called in the child before it becomes nmos."""
    program = Program(len(FILTER) // 8, FILTER)
    if LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if LIBC.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


@unittest.skipUnless(platform.system() == "Linux", "seccomp is Linux's")
class NoUring(CliTest):
    def run_without(self, *args):
        try:
            return subprocess.run([cli.NMOS, *map(str, args)], capture_output=True, check=False, timeout=60,
                                  env={"HOME": str(self.dir)},
                                  preexec_fn=forbid_io_uring)  # pylint: disable=subprocess-popen-preexec-fn
        except subprocess.SubprocessError as error:
            return self.skipTest(f"no seccomp filter: {error}")

    def test_threads_take_over_and_say_so(self):
        args = ["run", "-m", MODEL, "-p", "hello", "-n", "8", "--temp", "0"]
        done = self.run_without(*args, "--stats", "-v")
        self.assertEqual(done.returncode, 0, done.stderr)
        *notices, stats = done.stderr.decode().splitlines()
        self.assertEqual(json.loads(stats)["io_backend"], "threads")
        self.assertIn("io_uring is not available here: Operation not permitted", "".join(notices))
        self.assertEqual(done.stdout, self.ok(*args))

    def test_io_uring_by_name_is_refused_with_the_reason(self):
        done = self.run_without("run", "-m", MODEL, "-p", "hello", "-n", "1", "--io", "uring")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"io_uring is not available here: Operation not permitted", done.stderr)

    def test_the_doctor_says_what_is_used_instead(self):
        done = self.run_without("doctor")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"reading threads are used instead", done.stdout)


if __name__ == "__main__":
    cli.main()
