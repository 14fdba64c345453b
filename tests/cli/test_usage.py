# SPDX-License-Identifier: MIT
"""Proves that help, the manual page, options and exit codes are as the contract says, for every command."""
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
        self.fails(2, ["unknown option -q"], "inspect", "-q", "x")
        self.fails(2, ["--bogus", "command is expected"], "--bogus")
        self.fails(2, ["takes no option --top-k"], "inspect", "--top-k", "3", "x")

    def test_missing_and_surplus_arguments(self):
        self.fails(2, "inspect FILE", "inspect")
        self.fails(2, '"b" is too much', "inspect", "a", "b")
        self.fails(2, "--config needs a value", "inspect", "a", "--config")

    def test_a_configuration_file_is_obeyed_and_checked(self):
        model = self.write("m.gguf", cli.small_model())
        good = self.write("good.conf", "json = true\n[help]\nverbose = true\n")
        self.assertTrue(self.ok("inspect", model, "--config", good).startswith(b"{"))
        self.assertFalse(self.ok("inspect", model, "--config", good, "--json=no").startswith(b"{"))
        bad = self.write("bad.conf", "\njsom = true\n")
        self.fails(2, ["bad.conf, line 2", "jsom", "json"], "inspect", model, "--config", bad)
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


if __name__ == "__main__":
    cli.main()
