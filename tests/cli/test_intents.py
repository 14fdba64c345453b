# SPDX-License-Identifier: MIT
"""Proves that the sections [intent:NAME] of the configuration decide on system prompt and sampling by the intent of what
is sent, that the answer is the same whatever was prepared, and that they can be switched off and are refused with
their line."""
import json
import pathlib

import cli
from cli import CliTest, nmos
from test_chat import A_TOKEN, chat_model

TRACE = pathlib.Path(__file__).with_name("typing.jsonl")
CODE = "write a python function that sorts a list"
CHAT = "hello, how was your holiday in the mountains?"
CONFIG = """[intent:CODE]
system = Answer with code.
system = "  And with nothing else."
temp = 0
[intent:CHAT]
system = Be kind.
temp = 3
top-k = 0
min-p = 0
[intent:BREW]
keywords = espresso
"""
CODE_SYSTEM = "Answer with code.\n  And with nothing else."


class Intents(CliTest):
    def setUp(self):
        super().setUp()
        self.model = self.write("tiny.gguf", chat_model())
        self.config = self.write("nmos.conf", CONFIG)
        self.env = {"XDG_STATE_HOME": str(self.dir / "state"), "XDG_CACHE_HOME": str(self.dir / "cache")}

    def chat(self, lines, *args, config=None):
        done = nmos("chat", "-m", self.model, "-n", 5, "--config", config or self.config, *args, stdin=lines.encode(),
                    env=self.env)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout, done.stderr.decode()  # a tiny model's text is any bytes

    def messages(self):
        kept = json.loads((self.dir / "state" / "nmos" / "conversation.json").read_text())["messages"]
        return [(m["role"], m["content"]) for m in kept]

    def test_the_first_message_chooses_the_system_prompt_of_the_conversation(self):
        for first, second, system in ((CODE, CHAT, CODE_SYSTEM), (CHAT, CODE, "Be kind."), ("an espresso", CODE, None)):
            self.chat(f"{first}\n{second}\n")
            said = self.messages()
            self.assertEqual([c for r, c in said if r == "system"], [system] if system else [])
            self.assertEqual([c for r, c in said if r == "user"], [first, second])
            self.assertEqual(said[0][0], "system" if system else "user")

    def test_a_new_conversation_chooses_anew_and_a_word_of_ones_own_wins(self):
        self.chat(f"{CODE}\n/new\n{CHAT}\n")
        self.assertEqual(self.messages()[0], ("system", "Be kind."))
        self.chat(f"/system mine\n{CODE}\n/new\n{CHAT}\n")
        self.assertEqual(self.messages()[0], ("system", "mine"))
        self.chat(f"{CODE}\n")
        self.chat(f"/load last\n/new\n{CHAT}\n")
        self.assertEqual(self.messages()[0], ("system", "Be kind."))

    def test_a_message_that_cannot_be_answered_leaves_no_system_prompt(self):
        _, notices = self.chat(f"{CODE} {'x' * 300}\n{CHAT}\n", "--ctx", 150)
        self.assertIn("the context 150 positions", notices)
        self.assertEqual(self.messages()[0], ("system", "Be kind."))

    def answered_as(self, message, *args, config=None):
        _, notices = self.chat(f"{message}\n/stats\n", *args, config=config)
        return [line.split("answered as")[1].strip() for line in notices.splitlines() if "answered as" in line]

    def test_what_an_intent_changes_is_shown_and_the_command_line_wins(self):
        self.assertEqual(self.answered_as(CODE), ["CODE: system prompt, temp 0"])
        self.assertEqual(self.answered_as(CHAT, "--temp", 1), ["CHAT: system prompt, top-k 0, min-p 0"])
        self.assertEqual(self.answered_as("an espresso"), ["BREW: nothing"])
        self.assertEqual(self.answered_as(CODE, "--intent-use", "sampling"), ["CODE: temp 0"])
        self.assertEqual(self.answered_as(CODE, "--intent-use", "system"), ["CODE: system prompt"])
        self.assertEqual(self.answered_as(CODE, "--intent-use", "off"), [])
        self.assertEqual(self.answered_as(CODE, config=self.write("none", "")), [])

    def test_sampling_is_that_of_the_intent(self):
        def answer(message, *args, **kwargs):
            return self.chat(message + "\n", *args, **kwargs)[0]
        plain = self.write("plain", "")
        for message, options in ((CODE, ("--temp", 0)), (CHAT, ("--temp", 3, "--top-k", 0, "--min-p", 0))):
            by_hand = answer(message, *options, config=plain)
            self.assertEqual(answer(message, "--intent-use", "sampling"), by_hand)
            self.assertNotEqual(answer(message, config=plain), by_hand)
        file_too = self.write("file", "temp = 3\n" + CONFIG)  # the section is closer than the file
        self.assertEqual(answer(CODE, "--intent-use", "sampling", config=file_too), answer(CODE, "--temp", 0, config=plain))
        self.assertEqual(answer(CODE, "--intent-use", "off"), answer(CODE, config=plain))

    def guessed_by(self, message, *args):
        _, notices = self.chat(f"{message}\n/stats\n", "-n", 40, "--spec", "ngram", *args, config=self.write("none", ""))
        return [line.split("guessed by")[1].split() for line in notices.splitlines() if "guessed by" in line]

    def test_guesses_are_learned_for_each_intent_and_kept(self):
        (first,), (second,) = self.guessed_by(CODE), self.guessed_by(CODE)
        self.assertEqual((first[1:], second[1:]), (["guesses", "in", "answers", "to", "CODE"],) * 2)
        self.assertGreater(int(second[0]), int(first[0]))
        kept = {p.name.split("-", 2)[-1] for p in (self.dir / "cache" / "nmos").glob("guesses-*")}
        self.assertLessEqual({"CODE.bin", "CHAT.bin", "DOCS.bin"}, kept)
        for use in ("off", "system,sampling", "experts"):
            self.assertEqual(self.guessed_by(CODE, "--intent-use", use), [])
        (third,) = self.guessed_by(CODE, "--intent-use", "guesses,system")
        self.assertGreater(int(third[0]), int(second[0]))

    def test_no_answer_depends_on_what_was_learned(self):
        def replay(use):
            return self.replay("-n", 60, "--temp", 0, "--intent-use", use)
        want = replay("off")
        for with_it in replay("guesses"), replay("guesses"):
            self.assertEqual([p["text_sha256"] for p in with_it], [p["text_sha256"] for p in want])
            self.assertEqual([p["guessed_as"] for p in with_it], [p["intents"][-1]["name"] for p in with_it])
            self.assertTrue(any(p["intent_guesses"] > 0 for p in with_it))
        self.assertEqual({(p["guessed_as"], p["intent_guesses"]) for p in want}, {(None, 0)})

    def replay(self, *args):
        done = nmos("replay", TRACE, "-m", self.model, "-n", 12, "--json", "--speed", 10, "--config", self.config, *args,
                    env=self.env)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return json.loads(done.stdout)["prompts"]

    def test_the_answer_is_that_without_preparation(self):
        with_it, without = self.replay(), self.replay("--no-anticipation")
        off = self.replay("--intent-use", "off")
        for a, b, c in zip(with_it, without, off):
            self.assertEqual(a["text_sha256"], b["text_sha256"])
            self.assertNotEqual(a["text_sha256"], c["text_sha256"])
            self.assertEqual(a["answered_as"], a["intents"][-1]["name"])
            self.assertEqual((b["answered_as"], c["answered_as"]), (a["answered_as"], None))
            self.assertEqual((b["openings_ready"], c["opening_tokens"]), (0, 0))
            self.assertGreater(a["opening_tokens"], 8)
        self.assertTrue(any(p["openings_ready"] > 0 for p in with_it))

    def test_mistakes_are_refused_with_their_line(self):
        for lines, words in (("[intent:CODE]\ntemp = hot\n", ("line 2", "--temp needs a number")),
                             ("[intent:CODE]\n\ntop-p = 1.5\n", ("line 3", "--top-p is 1.5; 0 to 1")),
                             ("[intent:CODE]\nseed = 3\n", ("line 2", "has no seed", "system", "top-k")),
                             ("[intent:CODE]\ntemp = 1\ntemp = 2\n", ("line 3", "a second time; line 2")),
                             ("[intent:CODE]\nsystem =\n", ("line 2", "system of [intent:CODE] is empty")),
                             ("seed = 1\n[intent:COED]\nsystem = x\n", ("line 3", "no intent COED", "keywords")),
                             ("[intent:CODE]\nkeywords = x\n", "already an intent called CODE")):
            self.fails(2, words, "chat", "-m", self.model, "--config", self.write("bad", lines), env=self.env)
        for use in ("none", "system,", "system,guessing", ""):
            self.fails(2, ("--intent-use", "off, all"), "chat", "-m", self.model, "--intent-use", use, env=self.env)

    def test_biases_and_limits_of_all_intents_stay(self):
        out, _ = self.chat(f"{CODE}\n", "--logit-bias", f"{A_TOKEN}=1000", "-n", 3)
        self.assertEqual(out, b"aaa\n")


if __name__ == "__main__":
    cli.main()
