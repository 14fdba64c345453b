# SPDX-License-Identifier: MIT
"""Proves that the shell works on a real terminal (tmux): typing, editing, wide characters, pastes, ^C, resizing, ^Z,
and that a dumb terminal gets plain text. What the terminal shows is compared with tests/cli/shell/*.txt, the status
line left out; NMOS_GOLDEN=write writes these files anew."""
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import time
import unittest

import cli
from test_chat import A_TOKEN, chat_model

GOLDEN = pathlib.Path(__file__).with_name("shell")
TMUX = shutil.which("tmux")
MODELS = pathlib.Path(__file__).parents[2] / "models"
FAULTY_READS = pathlib.Path(os.environ["NMOS_FAULTY_READS"])
STATUS = re.compile(r"^(ready|answering) \|.*")
ONE_STATUS = r"(?s)\A(?:(?!ready \|).)*ready \|[^\n]*\s*\Z"


class Shell(cli.CliTest):
    def setUp(self):
        super().setUp()
        self.model = self.write("tiny.gguf", chat_model(32768))
        self.addCleanup(self.hang_up)

    def hang_up(self):
        """Ends the terminal. A shell in it may still be saving what it has learned while its home is removed."""
        self.tmux("kill-server", check=False)
        for _ in range(100):
            try:
                shutil.rmtree(self.dir)
                return
            except OSError:
                time.sleep(0.05)

    def tmux(self, *args, check=True, stdin=None):
        done = subprocess.run([TMUX, "-S", self.dir / "socket", "-f", "/dev/null", *args], input=stdin,
                              capture_output=True, timeout=60, check=False)
        if check:
            self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.decode()

    def start(self, *args, term="tmux-256color", columns=60, rows=12, shell=""):
        """Starts the program, or from the command line of a shell."""
        command = (f"env -i HOME={self.dir} PATH={os.environ['PATH']} LANG=C.UTF-8 TERM={term} {cli.NMOS} chat "
                   f"-m {self.model} -n 5 --temp 0 --spec off --logit-bias {A_TOKEN}=1000 {' '.join(args)}; "
                   "echo exit $?")
        self.tmux("new-session", "-d", "-x", str(columns), "-y", str(rows), shell or command + "; exec cat")
        if shell:
            script = self.write("start", command)
            self.keys(f". {script}", "Enter", until="^> ?$")
        self.wait_for("^> ?$")

    def screen(self):
        lines = [STATUS.sub("STATUS", line.rstrip()) for line in self.tmux("capture-pane", "-p").splitlines()]
        return "\n".join(lines).rstrip() + "\n"

    def wait_for(self, pattern):
        """Until the screen shows the pattern."""
        end = time.monotonic() + 60
        while not re.search(pattern, self.tmux("capture-pane", "-p"), re.MULTILINE):
            self.assertLess(time.monotonic(), end, f"waited for {pattern!r}:\n" + self.screen())
            time.sleep(0.05)

    def keys(self, *keys, until):
        self.tmux("send-keys", *keys)
        self.wait_for(until)

    def expect_golden(self, name, capture=None):
        capture = capture or self.screen
        path = GOLDEN / (name + ".txt")
        end = time.monotonic() + 20
        while capture() != (path.read_text() if path.exists() else None) and time.monotonic() < end:
            if os.environ.get("NMOS_GOLDEN") == "write":
                time.sleep(0.5)
                GOLDEN.mkdir(exist_ok=True)
                path.write_text(capture())
            time.sleep(0.05)
        self.assertEqual(capture(), path.read_text())

    def said(self):
        path = self.dir / ".local/state/nmos/conversation.json"
        return [m["content"] for m in json.loads(path.read_text())["messages"] if m["role"] == "user"]

    def capture(self):
        """The screen without its status line and without the bar of what takes more than a second to load; dimmed text
        between brackets."""
        lines = [line for line in self.tmux("capture-pane", "-p", "-e").splitlines()[:-1] if "loading [" not in line]
        text = "\n".join(line.rstrip() for line in lines).replace("\x1b[2m", "[[").replace("\x1b[0m", "]]")
        return re.sub(r"\x1b\[[0-9;]*m", "", text).rstrip() + "\n"

    def test_provisional_text_is_dimmed_and_gives_way(self):
        """The oracle's file is held back: only the draft can speak. Then the oracle's words stand in its place, the
        same as without, and nothing else is left on the screen or kept."""
        gate = self.write("gate", "")
        question = "How do I sort a list in Python?"
        model = f"-m {MODELS / 'nano-oracle.gguf'} -d {MODELS / 'nano-draft.gguf'} -n 20 --temp 0 --ctx 512"
        environment = f"env -i HOME={self.dir} PATH={os.environ['PATH']} LANG=C.UTF-8 TERM=tmux-256color"
        environment += " ASAN_OPTIONS=verify_asan_link_order=0"
        self.tmux("new-session", "-d", "-x", "60", "-y", "16",
                  f"{environment} LD_PRELOAD={FAULTY_READS} FAULTY_READS='hold 2000000' FAULTY_READS_GATE={gate} "
                  f"{cli.NMOS} chat {model} --io threads --mode draft-then-oracle; echo exit $?; exec cat")
        self.wait_for("^> ?$")
        self.keys(question, until=r"Python\?$")
        self.keys("Enter", until=r"Python\?\n\S")
        self.expect_golden("provisional", self.capture)
        self.assertIn("[[", self.capture())
        pathlib.Path(gate).unlink()
        self.wait_for(r"after 20 tokens")
        self.wait_for(r"^> ?$")
        self.expect_golden("verified", self.capture)
        self.assertNotIn("[[", self.capture())
        self.keys("C-d", until="^exit 0$")
        kept = json.loads((self.dir / ".local/state/nmos/conversation.json").read_text())["messages"]
        plain = cli.nmos("chat", *model.split(), "--mode", "draft-then-oracle", stdin=question.encode(),
                         env={"HOME": str(self.dir), "XDG_STATE_HOME": str(self.dir / "other")})
        self.assertEqual(plain.returncode, 0, plain.stderr)
        self.assertEqual(plain.stdout.decode().rstrip("\n"), kept[1]["content"].rstrip("\n"))  # a pipe gets no guesses

    def test_typing_and_editing(self):
        self.start()
        self.keys("helo world", until="> helo world$")
        self.wait_for(r"^ready \| (CODE|CHAT|DOCS) \d+% ")
        self.keys(*["Left"] * 7, "l", "C-e", "!", "C-a", "Oh, ", until="> Oh, hello world!$")
        self.keys("Enter", until=r"after 5 tokens")
        self.wait_for("^> ?$")
        self.keys("Up", until=r"^> Oh, hello world!\n.*")
        self.keys("C-w", "all", "BSpace", "BSpace", until="hello a$")
        self.expect_golden("editing")
        self.keys("Enter", until=r"(?s)hello a\naaaaa.*^> ?$")
        self.keys("C-d", until="^exit 0$")
        self.expect_golden("ended")
        self.assertEqual(self.said(), ["Oh, hello world!", "Oh, hello a"])
        history = self.dir / ".local/state/nmos/history"
        self.assertEqual(stat.S_IMODE(history.stat().st_mode), 0o600)
        self.assertIn("Oh,\\040hello\\040a", history.read_text())

    def test_wide_characters(self):
        self.start()
        self.keys("漢字 für wörld 한글 🙂", until="🙂$")
        self.keys("Left", "Left", "BSpace", "C-a", "Right", "BSpace", "é", until="^> é字")
        self.expect_golden("wide")
        self.keys("Enter", until="(?s)aaaaa.*^> ?$")
        self.assertEqual(self.said(), ["é字 für wörld 한 🙂"])

    def test_a_line_longer_than_the_screen_is_wide(self):
        self.start()
        text = " ".join(f"word{i:02d}" for i in range(30))
        self.keys(text, until="word29$")
        self.keys("C-a", "X", "C-e", "Y", until="word29Y$")
        self.expect_golden("long")
        self.keys("Enter", until="(?s)aaaaa.*^> ?$")
        self.assertEqual(self.said(), [f"X{text}Y"])

    def paste(self, text):
        self.tmux("load-buffer", "-b", "p", "-", stdin=text.encode())
        self.tmux("paste-buffer", "-p", "-r", "-b", "p")

    def test_a_paste_of_10_kb_arrives_whole(self):
        self.start("--ctx", "32768", rows=14)
        text = "".join(f"line {i}: naïve 漢字\ttab\n" for i in range(400))
        self.assertGreater(len(text.encode()), 10000)
        self.keys("before ", until="> before")
        self.paste(text)
        self.wait_for(r"bytes\]$")
        self.keys(" after", until="after$")
        self.expect_golden("paste")
        self.keys("Enter", until="(?s)aaaaa.*^> ?$")
        self.paste("short one")
        self.keys("!", until="short one!$")
        self.keys("Enter", until="(?s)short one!\naaaaa.*^> ?$")
        self.assertEqual(self.said(), [f"before {text} after", "short one!"])

    def test_rows_of_one_message(self):
        self.start()
        self.keys("first", "M-Enter", "second", until="second$")
        self.keys("Enter", until="(?s)aaaaa.*^> ?$")
        self.expect_golden("rows")
        self.assertEqual(self.said(), ["first\nsecond"])

    def test_an_interrupt_ends_the_answer_or_the_line_but_not_the_program(self):
        self.start("-n", "30000", "--ctx", "32768")
        self.keys("given up", until="given up$")
        self.keys("C-c", until=r"(?s)given up\n> ?$")
        self.keys("hello", "Enter", until="^answering")
        self.wait_for("aaaaaaaa")
        self.keys("C-c", until=r"(?s)\(stopped\).*^> ?$")
        self.keys("C-d", until="^exit 0$")
        self.assertEqual(self.said(), ["hello"])

    def test_resizing_while_a_line_is_edited(self):
        self.start()
        self.keys("one two three four five", until="five$")
        self.tmux("resize-window", "-x", "40", "-y", "8")
        self.wait_for(ONE_STATUS)  # the program has seen the new size
        self.keys(" six seven eight nine", until="nine$")
        self.expect_golden("smaller")
        self.tmux("resize-window", "-x", "90", "-y", "16")
        self.keys(" ten", until="ten$")
        self.keys("Enter", until="(?s)aaaaa.*^> ?$")
        self.assertEqual(self.said(), ["one two three four five six seven eight nine ten"])

    def test_stopping_the_program_and_going_on(self):
        self.start(shell="env -i PS1='$ ' sh -i")
        self.keys("half a", until="> half a$")
        self.keys("C-z", until=r"Stopped[^$]*\$ ?$")
        self.keys("fg", "Enter", until="> half a$")
        self.keys(" line", until="half a line$")
        self.keys("Enter", until="(?s)aaaaa.*^> ?$")
        self.assertEqual(self.said(), ["half a line"])

    def test_a_dumb_terminal_gets_plain_text(self):
        self.start(term="dumb")
        self.keys("hello", "Enter", until=r"(?s)aaaaa.*\n> ?$")
        self.keys("C-c", until=r"(?s)aaaaa.*> (\^C)?\n> ?$")
        self.keys("C-d", until="exit 0$")
        self.expect_golden("dumb")
        self.assertEqual(self.said(), ["hello"])


if __name__ == "__main__":
    if not TMUX:
        print("skipped: tmux is not here, and the shell is driven by it", file=sys.stderr)
        sys.exit(77)
    if os.environ.get("LANG", "").lower().find("utf-8") < 0:
        os.environ["LC_ALL"] = "C.UTF-8"  # of tmux itself
    cli.main()
