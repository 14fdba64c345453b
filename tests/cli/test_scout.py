# SPDX-License-Identifier: MIT
"""Proves that `nmos scout` answers as the contract says: one text for people or as JSON, each line of standard input with
a line, whatever bytes come."""
import json
import pathlib
import subprocess

import cli
from cli import CliTest

NAMES = {"CODE", "CHAT", "DOCS"}
NANO = pathlib.Path(__file__).resolve().parents[2] / "models" / "nano-oracle.gguf"


class Scout(CliTest):
    def check(self, answer):
        """An answer's first intent; demands that it is whole."""
        self.assertEqual(set(answer), {"intents", "us"})
        self.assertEqual({i["name"] for i in answer["intents"]}, NAMES)
        p = [i["p"] for i in answer["intents"]]
        self.assertEqual(p, sorted(p, reverse=True))
        self.assertAlmostEqual(sum(p), 1, places=6)
        self.assertGreaterEqual(answer["us"], 0)
        return answer["intents"][0]["name"]

    def lines(self, data):
        return [self.check(json.loads(line)) for line in self.ok("scout", stdin=data).splitlines()]

    def test_each_line_gets_a_line_and_so_does_an_empty_one(self):
        self.assertEqual(len(self.lines(b"a\n\n \nlast, without a line break")), 4)
        self.assertEqual(len(self.lines(b"\n")), 1)
        self.assertEqual(self.lines(b""), [])

    def test_clear_prompts_are_recognised(self):
        found = self.lines(b"Write a Python function that sorts a list.\nwho was the first president of france\n"
                           b"Summarize the following article:\nWhy do I get a segmentation fault in C?\n"
                           b"Write a poem about the sea.\nTranslate the text below into Spanish:\n")
        self.assertEqual(found, ["CODE", "CHAT", "DOCS", "CODE", "CHAT", "DOCS"])

    def test_a_text_is_answered_for_people_and_for_programs(self):
        text = self.ok("scout", "Write a Python function").decode()
        self.assertRegex(text, r"^CODE +#+\.* +\d+\.\d %\n")
        self.assertEqual(len(text.splitlines()), 3)
        self.assertEqual(self.check(json.loads(self.ok("scout", "--json", "Write a Python function"))), "CODE")
        self.check(json.loads(self.ok("scout", "--json", "")))
        self.fails(2, '"b" is too much', "scout", "a", "b")

    def test_text_and_line_agree_and_a_backslash_is_one(self):
        text = r"print \n of a \\ b"
        one = json.loads(self.ok("scout", "--json", text))["intents"]
        self.assertEqual(one, json.loads(self.ok("scout", stdin=text.encode() + b"\n"))["intents"])

    def test_any_bytes_and_long_lines_are_texts(self):
        self.assertEqual(len(self.lines(b"\xff\xfe\x80\n\x00\x00a\n\xc3\n")), 3)
        self.assertEqual(len(self.lines(b"word " * 2000000 + b"\nnext\n")), 2)

    def test_an_intent_of_ones_own_is_recognised_and_the_others_stay(self):
        config = self.write("c.conf", "[intent:LEGAL]\nkeywords = clause, notice period, Tenant\n"
                            "example = Is this contract void if it was never signed?\n"
                            "[scout]\nverbose = no\n[intent:BREW]\nexample = \"order a flat white with oat milk\"\n")
        prompts = {"What is the notice period of the tenant?": "LEGAL", "Is this contract void if it was not dated?": "LEGAL",
                   "order a cappuccino with oat milk": "BREW", "Write a Python function that sorts a list.": "CODE",
                   "who was the first president of france": "CHAT", "Summarize the following article:": "DOCS"}
        lines = self.ok("scout", "--config", config, stdin="\n".join(prompts).encode()).splitlines()
        for (prompt, name), line in zip(prompts.items(), lines):
            intents = json.loads(line)["intents"]
            self.assertEqual(intents[0]["name"], name, prompt)
            self.assertEqual({i["name"] for i in intents}, NAMES | {"LEGAL", "BREW"})
            self.assertAlmostEqual(sum(i["p"] for i in intents), 1, places=6)
            if name in NAMES:
                plain = json.loads(self.ok("scout", "--json", prompt))["intents"]
                self.assertAlmostEqual(intents[0]["p"], plain[0]["p"], delta=0.01)

    def test_a_language_model_is_asked_too(self):
        plain = self.ok("scout", stdin=b"make it\nwrite a pyth\n\n").splitlines()
        asked = self.ok("scout", "--scout", NANO, "--ram", "200M", "--threads", "1",
                        stdin=b"make it\nwrite a pyth\n\n").splitlines()
        self.assertEqual([self.check(json.loads(a)) for a in asked][1:], ["CODE", "CHAT"])
        self.assertNotEqual(json.loads(plain[0])["intents"], json.loads(asked[0])["intents"])
        self.assertEqual(json.loads(plain[2])["intents"], json.loads(asked[2])["intents"])
        again = self.ok("scout", "--scout", NANO, "--threads", "2", stdin=b"make it\n")
        self.assertEqual(json.loads(asked[0])["intents"], json.loads(again)["intents"])
        self.fails(1, "none.gguf", "scout", "--scout", self.dir / "none.gguf", "x")
        self.fails(1, "too little", "scout", "--scout", NANO, "--ram", "8M", "x")
        tiny = self.write("tiny.gguf", cli.gguf(*cli.tiny_llama()))  # of 128 positions
        self.fails(1, ["the Scout asks its model in", "it has 128"], "scout", "--scout", tiny, "x")

    def test_a_wrong_definition_is_named(self):
        for lines, words in (("[intent:]\n", "lacks a name"), ("[intent:A]\ncolour = red\n", "keywords,example"),
                             ("[intent:CODE]\nkeywords = x\n", "already an intent called CODE"),
                             ("[intent:A B]\nkeywords = x\n", "A B"), ("[intent:A]\nkeywords = ,\n", "neither"),
                             ("[intent:A]\nexample =\n", "empty"),
                             ("[intent:A]\nkeywords = one two three four five six seven eight nine\n", "9 words")):
            self.fails(2, words, "scout", "--config", self.write("c.conf", lines), "x")
        many = "".join(f"[intent:N{i}]\nkeywords = k{i}\n" for i in range(57))
        self.fails(1, ["57", "56"], "scout", "--config", self.write("c.conf", many), "x")

    def test_an_answer_comes_before_the_next_line(self):
        with subprocess.Popen([cli.NMOS, "scout"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            for text in (b"write\n", b"write a\n"):
                process.stdin.write(text)
                process.stdin.flush()
                self.check(json.loads(process.stdout.readline()))
            process.stdin.close()
            self.assertEqual(process.stdout.read(), b"")
        self.assertEqual(process.returncode, 0)


if __name__ == "__main__":
    cli.main()
