# SPDX-License-Identifier: MIT
"""Proves that `nmos chat` talks through a pipe: a line is a message, answers go to stdout and nothing else does, the
conversation is kept as a file that survives, and commands do what /help says."""
import json
import os
import signal
import stat
import subprocess
import time

import cli
from cli import CliTest, nmos

TEMPLATE = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>"
A_TOKEN = ord("a")  # cli.byte_tokens() has the byte as its position


def chat_model(ctx=4096):
    """A tiny model with a chat template and room for a conversation."""
    metadata, tensors = cli.tiny_llama()
    metadata["llama.context_length"] = ctx
    metadata["tokenizer.chat_template"] = TEMPLATE
    return cli.gguf(metadata, tensors)


class Chat(CliTest):
    def setUp(self):
        super().setUp()
        self.model = self.write("tiny.gguf", chat_model())
        self.state = self.dir / "state"
        self.env = {"XDG_STATE_HOME": str(self.state), "XDG_CACHE_HOME": str(self.dir / "cache")}
        self.kept = self.state / "nmos" / "conversation.json"

    def chat(self, lines, *args, env=None):
        """Output and notices. The bias makes every token an "a"."""
        done = nmos("chat", "-m", self.model, "-n", 5, "--temp", 0, "--logit-bias", f"{A_TOKEN}=1000", *args,
                    stdin=lines.encode() if isinstance(lines, str) else lines, env=env or self.env)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.decode(), done.stderr.decode()

    def messages(self, path=None):
        return [(m["role"], m["content"]) for m in json.loads((path or self.kept).read_text())["messages"]]

    def test_each_line_is_a_message_and_only_answers_go_to_stdout(self):
        out, notices = self.chat("hello\n\n  \nhow are you?")
        self.assertEqual(out, "aaaaa\naaaaa\n")
        self.assertIn("after 5 tokens", notices)
        self.assertEqual(self.messages(), [("user", "hello"), ("assistant", "aaaaa"),
                                           ("user", "how are you?"), ("assistant", "aaaaa")])

    def test_no_input_is_no_failure(self):
        self.assertEqual(self.chat(""), ("", ""))

    def test_json_streams_the_text_and_how_it_ended(self):
        out, _ = self.chat("hello\n", "--json")
        lines = [json.loads(line) for line in out.splitlines()]
        self.assertEqual("".join(line.get("text", "") for line in lines), "aaaaa")
        self.assertEqual(lines[-1], {"end": "limit"})

    def test_the_beginning_of_the_conversation_is_not_read_again(self):
        _, notices = self.chat("hello\n/stats\nhello again\n/stats\n")
        prompts = [line.split() for line in notices.splitlines() if " prompt " in line]
        first, second = [(int(p[2]), int(p[4])) for p in prompts]
        self.assertEqual(first[1], 0)
        self.assertEqual(second[1], first[0] + 4)  # the prompt and the answer but its last token

    def test_the_conversation_is_kept_for_its_owner_and_goes_on(self):
        self.chat("hello\n")
        self.assertEqual(stat.S_IMODE(self.kept.stat().st_mode), 0o600)
        self.chat("again\n", "--continue")
        self.assertEqual([c for _, c in self.messages()], ["hello", "aaaaa", "again", "aaaaa"])
        self.chat("/load last\nmore\n")
        self.assertEqual(len(self.messages()), 6)

    def test_a_damaged_conversation_is_set_aside(self):
        self.kept.parent.mkdir(parents=True)
        for content in ('{"messages": [{"role": "user"', '{"messages": 3}', '{"messages": [{"role": 1}]}', ""):
            self.kept.write_text(content)
            out, notices = self.chat("hi\n", "--continue")
            self.assertEqual(out, "aaaaa\n")
            self.assertIn("set aside", notices)
            self.assertEqual(self.kept.with_name("conversation.json.damaged").read_text(), content)
            self.assertEqual(len(self.messages()), 2)

    def test_a_kill_leaves_a_whole_conversation(self):
        command = [cli.NMOS, "chat", "-m", str(self.model), "-n", "5", "--spec", "off"]
        for delay_ms in (1, 5, 20, 50):
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  env={**os.environ, **self.env}) as process:
                process.stdin.write(b"hello\n" * 200)
                process.stdin.flush()
                while not self.kept.exists():
                    time.sleep(0.001)
                time.sleep(delay_ms / 1000)
                process.kill()
            roles = [role for role, _ in self.messages()]
            self.assertEqual(roles, (["user", "assistant"] * 200)[:len(roles)])
            self.kept.unlink()

    def test_save_load_new_and_system(self):
        saved = self.dir / "talk.json"
        out, notices = self.chat(f"/system be brief\nhello\n/save {saved}\n/new\nother\n/load {saved}\nmore\n")
        self.assertEqual(out, "aaaaa\n" * 3)
        self.assertIn("saved as", notices)
        said = [("system", "be brief"), ("user", "hello"), ("assistant", "aaaaa")]
        self.assertEqual(self.messages(saved), said)
        self.assertEqual(self.messages(), [*said, ("user", "more"), ("assistant", "aaaaa")])

    def test_a_command_that_fails_says_why_and_the_shell_goes_on(self):
        for command, words in (("/nonsense", "no command /nonsense"), ("/load /nowhere", "/nowhere"), ("/save", "name"),
                               ("/spec fast", "auto, off"), ("/spec chain", "draft"), ("/new x", "takes nothing"),
                               ("/model /nowhere", "still"), ("/save /nowhere/x", "/nowhere/x")):
            out, notices = self.chat(command + "\nhello\n")
            self.assertEqual(out, "aaaaa\n", command)
            self.assertIn(words, notices, command)

    def test_commands_that_only_tell(self):
        for command, words in (("/help", "/system TEXT"), ("/memory", "KV cache"), ("/stats", "binds"),
                               ("/model", "tiny.gguf"), ("/spec", "auto"), ("/spec off", "off")):
            out, notices = self.chat(command + "\n")
            self.assertEqual(out, "")
            self.assertIn(words, notices, command)

    def test_a_mistaken_intent_is_corrected_here_and_in_later_conversations(self):
        env = self.env | {"XDG_DATA_HOME": str(self.dir / "data")}
        failures = self.dir / "data" / "nmos" / "failures.db"
        _, notices = self.chat("who wrote Faust?\n/intent\n/intent NOPE\n", env=env)
        self.assertIn("taken for CHAT", notices)
        self.assertIn("/intent NOPE: one of CODE, CHAT, DOCS", notices)
        self.assertFalse(failures.exists())  # asking makes none
        _, notices = self.chat("who wrote Faust?\n/intent DOCS\nwho wrote Faust then?\n/intent\nsort a list in C\n/intent\n",
                               env=env)
        taken = [line.split("taken for ")[1].split()[0] for line in notices.splitlines() if "taken for" in line]
        self.assertEqual(taken, ["DOCS", "DOCS", "CODE"])
        _, notices = self.chat("Who wrote faust?\n/intent\n", env=env)
        self.assertIn("taken for DOCS", notices)
        self.assertIn("CHAT -> DOCS  who wrote Faust?", self.ok("memory", "list", env=env).decode())
        _, notices = self.chat("/intent\n", env=env)
        self.assertIn("there is none", notices)

    def test_another_model_goes_on_with_the_conversation(self):
        other = self.write("other.gguf", chat_model(2048))
        out, notices = self.chat(f"hello\n/model {other}\nagain\n")
        self.assertEqual(out, "aaaaa\naaaaa\n")
        self.assertIn("the model is now", notices)
        self.assertEqual(len(self.messages()), 4)

    def test_quit_ends_and_a_slash_in_a_message_is_a_message(self):
        out, _ = self.chat("/usr/bin/nmos what is it?\n /new\n/quit\nnever\n")
        self.assertEqual(out, "aaaaa\naaaaa\n")
        self.assertEqual(self.messages()[0][1], "/usr/bin/nmos what is it?")

    def test_bytes_that_are_no_text_are_replaced(self):
        self.chat(b"a\xff\x00b\n")
        self.assertEqual(self.messages()[0][1], "a\ufffd\ufffdb")

    def test_a_full_context_is_told(self):
        out, notices = self.chat("x" * 200 + "\n", "--ctx", 100)
        self.assertEqual(out, "")
        self.assertIn("the context 100 positions", notices)
        self.assertFalse(self.kept.exists())
        out, notices = self.chat("hello\n", "--ctx", 30, "-n", 100)
        self.assertTrue(0 < len(out) < 30)
        self.assertIn("the context is full", notices)

    def test_an_interrupt_ends_the_answer_and_not_the_program(self):
        command = [cli.NMOS, "chat", "-m", str(self.model), "-n", "3000", "--temp", "0", "--spec", "off", "--logit-bias",
                   f"{A_TOKEN}=1000"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env={**os.environ, **self.env}) as process:
            process.stdin.write(b"hello\n")
            process.stdin.flush()
            process.stdout.read(3)  # the answer has begun
            process.send_signal(signal.SIGINT)
            _, notices = process.communicate(b"again\n/quit\n", timeout=100)
        self.assertEqual(process.returncode, 0, notices)
        self.assertIn(b"(stopped)", notices)
        self.assertEqual(len(self.messages()), 4)
        self.assertTrue(3 <= len(self.messages()[1][1]) < 3000)

    def test_an_interrupt_between_messages_of_a_pipe_ends_with_130(self):
        with subprocess.Popen([cli.NMOS, "chat", "-m", str(self.model), "-n", "3"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **self.env}) as process:
            process.stdin.write(b"hello\n")
            process.stdin.flush()
            process.stderr.readline()  # how the answer ended
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(timeout=100), 130)

    def test_a_full_disk_is_named(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([cli.NMOS, "chat", "-m", str(self.model), "-n", "3"], input=b"hello\n", stdout=full,
                                  stderr=subprocess.PIPE, env={**os.environ, **self.env}, check=False, timeout=100)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"cannot write to standard output: No space left", done.stderr)

    def test_a_reader_that_goes_away_ends_it(self):
        done = subprocess.run(f"yes hello | {cli.NMOS} chat -m {self.model} -n 5 2>/dev/null | head -c 20", shell=True,
                              capture_output=True, timeout=100, env={**os.environ, **self.env}, check=False)
        self.assertEqual(len(done.stdout), 20)

    def test_a_model_without_a_template_is_refused(self):
        plain = self.write("plain.gguf", cli.gguf(*cli.tiny_llama()))
        self.fails(1, "chat template", "chat", "-m", plain, env=self.env)
        done = nmos("chat", "-m", plain, "--chat-template", self.write("t", TEMPLATE), "-n", 2, stdin=b"x\n", env=self.env)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    cli.main()
