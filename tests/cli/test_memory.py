# SPDX-License-Identifier: MIT
"""Proves on a model of 300 MB, in memory cgroups and from outside, that a run stays inside --ram, that it gives weights
back when somebody else needs the memory, that pass time is explained, and that faults of the file end it with a
sentence. Tests that need a cgroup are skipped where none can be made. Usage: test_memory.py NMOS FAULTY_READS_SO"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
# pylint: disable=wrong-import-position
import benchlib
import watched

NMOS = None
FAULTY_READS = None
MIB = 1 << 20
SHAPE = ["generic", "Q4_0", "--layers", "30", "--d-model", "1024", "--d-ff", "4096", "--heads", "8", "--vocab",
         "bytes", "--vocab-size", "512"]
PROMPT = ["-p", "The river carries", "--temp", "0", "--ctx", "512", "--threads", "2", "--stats"]
# Takes 230 MB a little at a time, as a program does that is being used, and holds it.
HOG = "import time\nb = []\nfor i in range(23): b.append(bytearray(10000000)); time.sleep(0.05)\ntime.sleep(600)"


class Memory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(dir=".")
        cls.model = pathlib.Path(cls.folder.name) / "model.gguf"
        subprocess.run([sys.executable, ROOT / "tools" / "make_model.py", *SHAPE[:2], cls.model, *SHAPE[2:]],
                       check=True, stdout=subprocess.DEVNULL)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def cgroup(self, limit_bytes):
        try:
            group = watched.Cgroup(limit_bytes)
        except OSError as error:
            self.skipTest(f"no memory cgroup: {error}")
        self.addCleanup(group.remove)
        return group

    def command(self, *args):
        return [NMOS, "run", "-m", self.model, *PROMPT, *map(str, args)]

    def run_plain(self, *args):
        """A run that must succeed: text, statistics."""
        done = subprocess.run(self.command(*args), capture_output=True, check=False, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout, benchlib.last_json(done.stderr.decode())

    def test_a_run_lives_in_a_cgroup_of_exactly_its_budget(self):
        text, _ = self.run_plain("-n", 12)
        for budget in (160 * MIB, 240 * MIB, 420 * MIB):
            group = self.cgroup(budget)
            done = subprocess.run(self.command("-n", 12, "--ram", budget), capture_output=True, check=False,
                                  timeout=300, preexec_fn=group.join)  # pylint: disable=subprocess-popen-preexec-fn
            stats = benchlib.last_json(done.stderr.decode())
            self.assertEqual((done.returncode, done.stdout, group.oom_kills()), (0, text, 0), done.stderr)
            self.assertLessEqual(stats["peak_rss_bytes"], budget)
            self.assertEqual((stats["shrinks"], stats["budget_bytes"]), (0, budget))

    def test_weights_are_given_back_when_another_program_needs_the_memory(self):
        text, _ = self.run_plain("-n", 100)
        group = self.cgroup(560 * MIB)
        command = self.command("-n", 100, "--ram", 420 * MIB)
        hog = None
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              preexec_fn=group.join) as process:  # pylint: disable=subprocess-popen-preexec-fn
            first = os.read(process.stdout.fileno(), 1)
            hog = subprocess.Popen([sys.executable, "-c", HOG],  # pylint: disable=consider-using-with
                                   preexec_fn=group.join)  # pylint: disable=subprocess-popen-preexec-fn
            out, err = process.communicate(timeout=300)
        hog.kill()
        hog.wait()
        stats = benchlib.last_json(err.decode())
        self.assertEqual((process.returncode, group.oom_kills()), (0, 0), err)
        self.assertEqual(first + out, text)
        self.assertGreaterEqual(stats["shrinks"], 1)
        self.assertLess(stats["budget_bytes"], 420 * MIB)
        self.assertGreater(stats["streamed_bytes_per_pass"], 0)
        self.assertIn("memory has become short", err.decode())

    def test_the_time_of_passes_is_explained_to_two_percent(self):
        """From outside: between the first and the last piece of text lies nothing but computing and waiting."""
        with subprocess.Popen(self.command("-n", 40, "--ram", 200 * MIB), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            begin = time.monotonic()
            out, err = process.communicate(timeout=300)
            seconds = time.monotonic() - begin
        self.assertEqual(process.returncode, 0, err)
        self.assertTrue(out)
        stats = benchlib.last_json(err.decode())
        inside = stats["prefill_s"] + stats["decode_s"]
        self.assertLess(inside, seconds)
        explained = stats["compute_s"] + stats["stall_s"]
        self.assertGreater(explained, 0.98 * inside, stats)
        self.assertLess(explained, 1.001 * inside, stats)
        self.assertGreaterEqual(stats["stall_s"], stats["stall_max_s"])

    def run_with_fault(self, fault):
        """A streamed run by threads whose reads are spoiled: exit code, text, stderr."""
        done = subprocess.run(self.command("-n", 8, "--ram", 200 * MIB, "--io", "threads"), capture_output=True,
                              check=False, timeout=120,
                              env=os.environ | {"LD_PRELOAD": FAULTY_READS, "FAULTY_READS": fault})
        return done.returncode, done.stdout, done.stderr.decode()

    def test_slow_short_and_once_failing_reads_change_no_text(self):
        text, _ = self.run_plain("-n", 8)
        for fault in ("slow 100", "short 50", "eio 100 1"):
            code, out, err = self.run_with_fault(fault)
            self.assertEqual((code, out), (0, text), (fault, err))
            if fault.startswith("slow"):
                self.assertGreater(benchlib.last_json(err)["stall_max_s"], 4)

    def test_a_disk_that_fails_for_good_is_named(self):
        code, _, err = self.run_with_fault("eio 100 1000000")
        self.assertEqual(code, 1, err)
        self.assertIn("model.gguf: reading", err)
        self.assertIn("Input/output error", err)

    def cut_while_running(self, cut):
        """Runs, calls `cut` with the model's path once text comes; the result of the run and its seconds."""
        copy = pathlib.Path(self.folder.name) / "copy.gguf"
        self.addCleanup(copy.unlink, missing_ok=True)
        copy.write_bytes(self.model.read_bytes())
        command = [NMOS, "run", "-m", copy, *PROMPT, "-n", "80", "--ram", str(200 * MIB)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            os.read(process.stdout.fileno(), 1)
            cut(copy)
            begin = time.monotonic()
            _, err = process.communicate(timeout=120)
        return process.returncode, err.decode(), time.monotonic() - begin

    def test_a_file_cut_short_while_running_is_named(self):
        code, err, _ = self.cut_while_running(lambda path: os.truncate(path, path.stat().st_size // 2))
        self.assertEqual(code, 1, err)
        self.assertIn("copy.gguf", err)

    def test_a_file_written_to_while_running_is_named(self):
        def scribble(path):
            with open(path, "r+b") as file:
                file.seek(-4096, os.SEEK_END)
                file.write(b"x" * 4096)

        code, err, _ = self.cut_while_running(scribble)
        self.assertEqual(code, 1, err)
        self.assertIn("copy.gguf was written to while in use", err)

    def test_a_file_replaced_while_running_is_read_on_to_the_end(self):
        """Renaming another file over it, as downloaders do, leaves the open one whole."""
        def replace(path):
            other = path.with_suffix(".new")
            other.write_bytes(b"another file")
            os.rename(other, path)

        code, err, _ = self.cut_while_running(replace)
        self.assertEqual(code, 0, err)


if __name__ == "__main__":
    NMOS, FAULTY_READS = os.path.abspath(sys.argv.pop(1)), os.path.abspath(sys.argv.pop(1))
    unittest.main()
