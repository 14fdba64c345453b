# SPDX-License-Identifier: MIT
"""Proves that help, the manual page, options and exit codes are as the contract says, for every command."""
import json
import os
import re
import signal
import subprocess

import cli
from cli import CliTest, nmos


def commands():
    return re.findall(r"^  (\w+) ", nmos("help").stdout.decode(), re.M)


class Usage(CliTest):
    def test_nothing_to_do_is_wrong_usage_and_shows_the_commands(self):
        done = nmos()
        self.assertEqual((done.returncode, done.stdout), (2, b""))
        self.assertIn(b"inspect", done.stderr)

    def test_version(self):
        self.assertRegex(self.ok("--version"), rb"^nmos \d+\.\d+\.\d+\n$")

    def test_every_command_has_help_in_both_ways(self):
        self.assertIn("inspect", commands())
        for command in commands():
            text = self.ok("help", command)
            self.assertTrue(text.startswith(f"usage: nmos {command} ".encode()), text)
            self.assertEqual(text, self.ok(command, "--help"))
            self.assertEqual(text, self.ok(command, "-h"))

    def test_the_manual_page_names_each_option_and_command(self):
        page = self.ok("--man-page").decode().replace("\\-", "-")
        for command in commands():
            self.assertIn(f".B nmos {command}", page)
            for option in re.findall(r"--[a-z-]+", self.ok("help", command).decode()):
                self.assertRegex(page, rf"(?m)^\.B .*{option}\b")

    def test_the_manual_page_is_good_roff(self):
        try:
            done = subprocess.run(["man", "--warnings", "-l", "-"], input=nmos("--man-page").stdout,
                                  capture_output=True, check=False)
        except FileNotFoundError:
            self.skipTest("man is not installed")
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_unknown_commands_and_options_get_the_nearest_one(self):
        self.fails(2, ['"inspekt"', 'did you mean "inspect"?'], "inspekt", "x")
        self.fails(2, ["unknown option --jsn", "--json"], "inspect", "--jsn", "x")
        for given, known in (("temprature", "temp"), ("temperature", "temp"), ("max", "max-tokens"), ("top_p", "top-p"),
                             ("threds", "threads"), ("logits-bias", "logit-bias")):
            self.fails(2, [f"unknown option --{given}; did you mean --{known}?"], "run", f"--{given}", "1")
        message = self.fails(2, "unknown option --zzzzzz; the nearest known one is --", "run", "--zzzzzz", "1")
        self.assertNotIn("did you mean", message)
        self.fails(2, ["unknown option -q; the nearest known one is --"], "inspect", "-q", "x")
        self.fails(2, ["unknown option -temp; did you mean --temp?"], "run", "-temp", "1")
        self.fails(2, ["unknown option -threads; did you mean --threads?"], "run", "-threads=2")
        self.fails(2, ["unknown option -s; the nearest known one is --s"], "run", "-s")
        self.fails(2, ["takes no option -p"], "inspect", "-p", "x")
        self.fails(2, ["c.conf, line 1: unknown option zzzzzz; the nearest known one is "], "inspect", "x", "--config",
                   self.write("c.conf", "zzzzzz = 1\n"))
        self.fails(2, ["--bogus", "command is expected"], "--bogus")
        self.fails(2, ["takes no option --top-k"], "inspect", "--top-k", "3", "x")

    def test_missing_and_surplus_arguments(self):
        self.fails(2, "inspect FILE", "inspect")
        self.fails(2, '"b" is too much', "inspect", "a", "b")
        self.fails(2, "--config needs a value", "inspect", "a", "--config")

    def test_what_each_value_may_be_is_said(self):
        cases = [(["--temp", "-1"], "0 to 100"), (["--temp", "nan"], "needs a number"), (["--top-p", "2"], "0 to 1"),
                 (["--top-k", "1.5"], "whole number"), (["--kv", "f64"], "f32,f16,q8_0"),
                 (["--io", "mmap"], "auto,uring,threads"), (["--cpu", "sse"], "auto,scalar,avx2,avx512"),
                 (["--spec", "x"], "auto,off,ngram,chain,tree"), (["--accept", "x"], "keyed,rejection"),
                 (["--threads", "0"], "1 to 256"), (["--ctx", "0"], "1 to 16777216"), (["-n", "-1"], "0 to 1000000000"),
                 (["--seed", "-1"], "0 to 9007199254740991"), (["--ram", "500MB"], "GiB"), (["--ram", "0"], "at least 1"),
                 (["--ram", "-1"], "is no size"), (["--json=maybe"], "true or false"), (["--stop", ""], "--stop"),
                 (["--logit-bias", "5"], "ID=B"), (["--logit-bias", "5=nan"], "ID=B"), (["--logit-bias", "x=1"], "ID=B"),
                 (["--logit-bias", "5=1x"], "ID=B"), (["--logit-bias", "99999999999=1"], "ID=B")]
        model = self.write("m.gguf", cli.gguf(*cli.tiny_llama()))
        for args, words in cases:
            name = "--max-tokens" if args[0] == "-n" else args[0].split("=")[0]
            self.fails(2, [name, words], "run", "-m", model, "-p", "a", *args)

    def test_sizes_take_each_suffix(self):
        model = self.write("m.gguf", cli.gguf(*cli.tiny_llama()))
        hw = self.write("hw.json", '{"ram_GiB": 4, "disk_GBps": 2, "memory_GBps": 20, "gmacs": 100}')
        for size, n_bytes in (("2000000000", 2e9), ("2000000K", 2e9), ("2000M", 2e9), ("2G", 2e9), ("1.5GiB", 1.5 * 2**30),
                              ("1536 MiB", 1.5 * 2**30), ("1572864KiB", 1.5 * 2**30)):
            plan = json.loads(self.ok("plan", "-m", model, "--json", "--ram", size, "--hw", hw))
            self.assertEqual(plan["budget_bytes"], n_bytes, size)

    def test_what_is_no_model_is_named_by_each_command(self):
        unknown = self.write("unknown.gguf", cli.gguf({"general.architecture": "klingon"}, [("a", (32,), 0, bytes(128))]))
        text = self.write("notes.txt", "Dear diary, today I ran a model.")
        prompt = self.write("prompt.txt", "a b c")
        commands = {"run": ["-p", "a"], "logits": ["--tokens", "1", "-o", self.dir / "out"], "perplexity": ["-f", prompt],
                    "bench": [], "plan": [], "tokenize": [], "detokenize": [], "render": [], "verify": None,
                    "inspect": None}
        for command, args in commands.items():
            def refused(words, path):
                self.fails(1, words, command, *([path] if args is None else ["-m", path, *args]), stdin=b"[]")
            refused(["absent.gguf", "No such file"], self.dir / "absent.gguf")
            refused(["is a directory"], self.dir)
            refused(["notes.txt", "not a GGUF file"], text)
            if command in ("run", "logits", "perplexity", "bench", "plan", "verify"):
                refused(["klingon", "llama", "qwen2"], unknown)

    def test_a_configuration_file_is_obeyed_and_checked(self):
        model = self.write("m.gguf", cli.small_model())
        good = self.write("good.conf", "json = true\n[help]\nverbose = true\n")
        self.assertTrue(self.ok("inspect", model, "--config", good).startswith(b"{"))
        self.assertFalse(self.ok("inspect", model, "--config", good, "--json=no").startswith(b"{"))
        bad = self.write("bad.conf", "\njsom = true\n")
        self.fails(2, ["bad.conf, line 2", "jsom", "json"], "inspect", model, "--config", bad)
        ours = self.write("ours.conf", "# all\n[plan]\nram = 1K\n[inspect]\njson = yes\n")
        self.assertTrue(self.ok("inspect", model, "--config", ours).startswith(b"{"))
        self.fails(2, ["--kv", "f64"], "plan", "-m", model, "--config", self.write("v.conf", "kv = f64\n"))
        self.fails(2, "[plann] is not a command", "inspect", model, "--config", self.write("s.conf", "[plann]\n"))
        self.fails(1, "no-such.conf", "inspect", model, "--config", self.dir / "no-such.conf")

    def test_the_users_own_file_is_read_when_it_is_there(self):
        model = self.write("m.gguf", cli.small_model())
        (self.dir / "nmos").mkdir()
        self.write("nmos/nmos.conf", "json = on\n")
        self.assertTrue(self.ok("inspect", model, env={"XDG_CONFIG_HOME": str(self.dir)}).startswith(b"{"))

    def test_an_interrupt_while_waiting_for_input_ends_with_130(self):
        fifo = self.dir / "fifo"
        os.mkfifo(fifo)
        with subprocess.Popen([cli.NMOS, "help", "--config", fifo], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            with open(fifo, "wb"):  # opens once nmos waits at the other end
                process.send_signal(signal.SIGINT)
                output = process.communicate()
        self.assertEqual((process.returncode, *output), (130, b"", b""))

    def test_output_that_cannot_be_written_is_a_failure_and_a_closed_pipe_is_not(self):
        model = self.write("m.gguf", cli.small_model())
        with open("/dev/full", "wb") as full:
            done = subprocess.run([cli.NMOS, "inspect", model], stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"No space left", done.stderr)
        with subprocess.Popen([cli.NMOS, "inspect", model], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            process.stdout.close()
            self.assertEqual(process.stderr.read(), b"")
        self.assertEqual(process.returncode, 0)

    def test_a_stream_that_is_closed_costs_no_file_its_content(self):
        data = cli.gguf(*cli.tiny_llama())
        model = self.write("m.gguf", data)
        link = self.dir / "link"
        link.symlink_to("/proc/self/fd/1")  # as /dev/stdout is

        def closed(stream, *args):
            return subprocess.run(["sh", "-c", f'exec "$@" {stream}', "sh", cli.NMOS, *map(str, args)], check=False,
                                  stdin=subprocess.DEVNULL, capture_output=True, env={"HOME": str(self.dir)})
        run = ["run", "-m", model, "-p", "hello", "-n", "4"]
        for args in (run, [*run, "--json"], ["inspect", model], ["help"],
                     ["logits", "-m", model, "--tokens", "1,2", "-o", "/dev/null", "--json"]):
            done = closed(">&-", *args)
            self.assertEqual(done.returncode, 1, args)
            self.assertIn(b"cannot write to standard output: Bad file descriptor", done.stderr)
        self.assertEqual(closed(">&-", "logits", "-m", model, "--tokens", "1,2", "-o", link).returncode, 1)
        for args in (["tokenize", "-m", model], ["run", "-m", model, "-f", "-"], ["scout"]):
            done = closed("<&-", *args)
            self.assertEqual((done.returncode, done.stdout), (1, b""), args)
            self.assertIn(b"cannot read standard input", done.stderr)
        self.assertEqual(closed("2>&-", *run, "--stats").stdout, self.ok(*run))
        self.assertEqual(closed("<&- 2>&-", *run, "-v").stdout, self.ok(*run))
        self.assertEqual(model.read_bytes(), data)
        self.assertTrue(link.is_symlink())


if __name__ == "__main__":
    cli.main()
