# SPDX-License-Identifier: MIT
"""Proves that `nmos chat` goes on with a conversation of 2,000 tokens without reading it again, with the words of a shell
that never ended, and that what it finds on disk is never trusted: damaged files, files cut off by a kill."""
import json
import os
import pathlib
import random
import shutil
import subprocess
import time

import cli
from cli import CliTest, nmos

TEMPLATE = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>"
KILLS = int(os.environ.get("KILLS", "12"))


def chat_model():
    """A tiny model; a token is a byte, so that 2,000 tokens are soon typed."""
    metadata, tensors = cli.tiny_llama()
    metadata["llama.context_length"] = 4096
    metadata["tokenizer.chat_template"] = TEMPLATE
    return cli.gguf(metadata, tensors)


def message(number, n=990):
    rng = random.Random(number)
    return "".join(rng.choice("abcdefgh ") for _ in range(n)).strip()


class Shell(CliTest):
    def setUp(self):
        super().setUp()
        self.model = self.write("tiny.gguf", chat_model())
        self.env = {"XDG_STATE_HOME": str(self.dir / "state"), "XDG_CACHE_HOME": str(self.dir / "cache")}
        self.pages = self.dir / "cache" / "nmos" / "prefix"

    def chat(self, lines, *args):
        """Output; what was in memory of each prompt that /stats told of, as (tokens, read before); notices."""
        done = nmos("chat", "-m", self.model, "-n", 20, *args, stdin="\n".join([*lines, ""]).encode(), env=self.env)
        self.assertEqual(done.returncode, 0, done.stderr)
        notices = done.stderr.decode()
        prompts = [line.split() for line in notices.splitlines() if " prompt " in line]
        return done.stdout, [(int(p[2]), int(p[4])) for p in prompts], notices

    def talk(self):
        """A conversation of about 2,000 tokens, ended; and what follows when it is not ended."""
        told = [message(1), message(2)]
        self.chat(told)
        kept = {"state": self.dir / "kept-state", "cache": self.dir / "kept-cache"}
        for name, path in kept.items():
            shutil.copytree(self.dir / name, path)
        shutil.rmtree(self.dir / "cache")
        first, _, _ = self.chat(told)
        whole, prompts, _ = self.chat([*told, message(3, 20), "/stats"])
        self.assertTrue(whole.startswith(first))
        shutil.rmtree(self.dir / "cache")
        self.kept = kept
        self.reset()
        return whole[len(first):], prompts[0]

    def reset(self):
        for name, path in self.kept.items():
            shutil.rmtree(self.dir / name, ignore_errors=True)
            shutil.copytree(path, self.dir / name)

    def test_a_conversation_of_2000_tokens_is_not_read_again(self):
        answer, (tokens, before) = self.talk()
        self.assertGreater(tokens, 2000)
        self.assertGreater(before, 1990)
        out, prompts, _ = self.chat([message(3, 20), "/stats"], "--continue")
        self.assertEqual(prompts, [(tokens, before)])  # as much as in a shell that never ended
        self.assertEqual(out, answer)
        self.reset()
        shutil.rmtree(self.dir / "cache")  # without what is kept it is the same answer, read again
        out, prompts, _ = self.chat([message(3, 20), "/stats"], "--continue")
        self.assertEqual(prompts, [(tokens, 0)])
        self.assertEqual(out, answer)

    def test_load_brings_a_conversation_back(self):
        answer, (tokens, before) = self.talk()
        saved = self.dir / "state" / "nmos" / "conversation.json"
        shutil.copy(self.kept["state"] / "nmos" / "conversation.json", f"{saved}.copy")
        out, prompts, _ = self.chat([f"/load {saved}.copy", message(3, 20), "/stats", "/new", "something else",
                                     f"/load {saved}.copy", message(3, 20), "/stats"])
        self.assertEqual(prompts[0], (tokens, before))
        self.assertEqual(prompts[1][0], tokens)
        self.assertGreaterEqual(prompts[1][1], before // 1024 * 1024)
        self.assertTrue(out.startswith(answer))
        self.assertTrue(out.endswith(answer))

    def test_a_damaged_page_is_set_aside_and_read_again(self):
        answer, (tokens, before) = self.talk()
        names = sorted(path.name for path in self.pages.iterdir())
        self.assertGreater(len(names), 2)
        n_found = 0
        for number, name in enumerate(names):
            self.reset()
            page = self.pages / name
            content = bytearray(page.read_bytes())
            content[random.Random(number).randrange(len(content))] ^= 1 << number % 8
            page.write_bytes(content)
            out, prompts, notices = self.chat([message(3, 20), "/stats"], "--continue")
            self.assertEqual(out, answer, name)
            found = (self.pages / f"{name}.damaged").exists()
            n_found += found
            self.assertEqual("set aside" in notices, found)
            self.assertEqual(prompts[0][1] < before, found)  # or it is the end of an older state
        self.assertGreater(n_found, 1)

    def test_a_kill_while_pages_are_written_does_no_harm(self):
        rng = random.Random(5)
        command = [cli.NMOS, "chat", "-m", str(self.model), "-n", "5", "--spec", "off"]
        for trial in range(KILLS):
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  env={**os.environ, **self.env}) as process:
                lines = "".join(f"{message(100 * trial + i, 60)}\n" for i in range(30))
                process.stdin.write(lines.encode())
                process.stdin.flush()
                while not self.pages.exists():
                    time.sleep(0.001)
                time.sleep(rng.random() * 0.1)
                process.kill()
            kept = json.loads((self.dir / "state" / "nmos" / "conversation.json").read_text())["messages"]
            self.assertTrue(all(m["role"] == ("user", "assistant")[i % 2] for i, m in enumerate(kept)))
            out, prompts, notices = self.chat(["more", "/stats"], "--continue")
            self.assertNotIn("set aside", notices)
            shutil.move(self.pages, self.dir / "aside")
            pathlib.Path(self.dir / "state" / "nmos" / "conversation.json").write_text(json.dumps({"messages": kept}))
            again, anew, _ = self.chat(["more", "/stats"], "--continue")
            self.assertEqual(out, again)
            self.assertEqual(anew[0], (prompts[0][0], 0))
            shutil.rmtree(self.dir / "aside")
            shutil.rmtree(self.dir / "cache")


if __name__ == "__main__":
    cli.main()
