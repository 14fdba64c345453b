# SPDX-License-Identifier: MIT
"""Proves that `nmos replay` types what was recorded, that the answers are those without anticipation, and that broken
traces are refused with the line."""
import hashlib
import json
import pathlib

import cli
from cli import CliTest, nmos
from test_chat import A_TOKEN, chat_model

MODELS = pathlib.Path(__file__).parents[2] / "models"
TRACE = pathlib.Path(__file__).with_name("typing.jsonl")
FIELDS = {"prompt", "typing_s", "last_key_to_enter_s", "provisional_s", "verified_s", "answer_s", "prompt_tokens",
          "ready_tokens", "rows_before_enter", "branch_hit", "branch_submitted", "bytes_while_typing", "intents",
          "text_sha256", "text_bytes", "answered_as", "opening_tokens", "openings_ready", "guessed_as",
          "intent_guesses", "experts_ahead", "experts_used", "experts_read"}


def event(t_ms, op, prompt=0, **more):
    return json.dumps({"prompt": prompt, "t_ms": t_ms, "op": op, **more})


class Replay(CliTest):
    def setUp(self):
        super().setUp()
        self.model = self.write("tiny.gguf", chat_model())

    def replay(self, trace, *args, model=None):
        done = nmos("replay", trace, "-m", model or self.model, "-n", 12, "--json", *args)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return json.loads(done.stdout)

    def test_answers_are_the_same_with_and_without_anticipation(self):
        with_it = self.replay(TRACE, "--speed", 10)
        without = self.replay(TRACE, "--speed", 10, "--no-anticipation")
        hashes = [p["text_sha256"] for p in with_it["prompts"]]
        self.assertEqual(hashes, [p["text_sha256"] for p in without["prompts"]])
        self.assertEqual(len(set(hashes)), 3)  # another text for each prompt
        self.assertTrue(all(p["rows_before_enter"] > 0 for p in with_it["prompts"]))
        self.assertTrue(all(p["rows_before_enter"] == 0 for p in without["prompts"]))
        self.assertEqual(without["shares"], {"branch_submitted": 0, "branch_hit": 0, "provisional_below_500ms": None})
        self.assertTrue(with_it["anticipation"] and not without["anticipation"])
        self.assertEqual(with_it["speed"], 10)
        for prompt in with_it["prompts"] + without["prompts"]:
            self.assertEqual(set(prompt), FIELDS)
            self.assertEqual(len(prompt["intents"]), 4)
            self.assertTrue(all(i["name"] in ("CODE", "CHAT", "DOCS") and 0 < i["p"] <= 1 for i in prompt["intents"]))
        self.assertEqual(set(with_it["medians"]),
                         {"typing_s", "last_key_to_enter_s", "provisional_s", "verified_s", "answer_s"})

    def test_experts_that_were_waited_for_are_remembered_with_their_prompt(self):
        env = {"XDG_DATA_HOME": str(self.dir), "XDG_CACHE_HOME": str(self.dir)}
        args = ("replay", TRACE, "-m", MODELS / "nano-moe.gguf", "-n", 4, "--ctx", 256, "--json", "--speed", 100)
        least = int(nmos(*args, "--ram", 1, env=env).stderr.split(b" make ")[1].split(b";")[0])
        ram = ("--ram", least + 2000000)
        answers = []
        for more, n_events in (("--no-anticipation",), 0), (("--intent-use", "guesses"), 0), ((), 3), ((), 3):
            done = nmos(*args, *ram, *more, env=env)
            self.assertEqual(done.returncode, 0, done.stderr)
            answers.append([p["text_sha256"] for p in json.loads(done.stdout)["prompts"]])
            events = [json.loads(line) for line in self.ok("memory", "export", env=env).splitlines()]
            self.assertEqual([e["kind"] for e in events], ["expert"] * n_events)
        self.assertEqual(answers, [answers[0]] * 4)
        self.assertEqual(len({e["model"] for e in events}), 1)

    def test_provisional_words_come_first_and_change_no_answer(self):
        bundled = ("-m", MODELS / "nano-oracle.gguf", "-d", MODELS / "nano-draft.gguf", "-n", 12, "--json", "--speed", 10)
        answers = []
        for mode in ("auto", "oracle", "draft-then-oracle"):  # auto: all stays in memory, so the oracle's only
            done = nmos("replay", TRACE, *bundled, "--mode", mode)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            result = json.loads(done.stdout)
            answers.append([p["text_sha256"] for p in result["prompts"]])
            shows = mode == "draft-then-oracle"
            self.assertEqual(result["shares"]["provisional_below_500ms"] is not None, shows)
            for p in result["prompts"]:
                self.assertTrue(0 <= p["provisional_s"] <= p["verified_s"] if shows else p["provisional_s"] is None)
        self.assertEqual(answers[0], answers[1])
        self.assertEqual(answers[0], answers[2])

    def test_slips_leave_what_was_meant(self):
        """Deleting, moving and inserting give the text that was typed straight."""
        plain = self.write("plain", "\n".join([event(0, "ins", text="größe ok"), event(5, "enter")]))
        slips = self.write("slips", "\n".join([event(0, "ins", text="ößx"), event(1.5, "del", n=1), event(2, "ins", text="e ok"),
                                               event(3, "move", pos=0), event(4, "ins", text="gr"), event(5, "enter")]))
        self.assertEqual(*[self.replay(t)["prompts"][0]["text_sha256"] for t in (plain, slips)])

    def test_the_hash_is_that_of_the_answer(self):
        trace = self.write("t", event(0, "ins", text="hello") + "\n" + event(9, "enter"))
        bias = ("--logit-bias", f"{A_TOKEN}=1000", "--temp", 0)
        self.assertEqual(self.replay(trace, *bias)["prompts"][0]["text_sha256"], hashlib.sha256(b"a" * 12).hexdigest())

    def test_a_pause_before_enter_is_used(self):
        trace = self.write("t", event(0, "ins", text="hello") + "\n" + event(3000, "enter"))
        prompt = self.replay(trace)["prompts"][0]
        self.assertTrue(prompt["branch_submitted"] and prompt["branch_hit"])
        self.assertGreaterEqual(prompt["typing_s"], 3)
        self.assertEqual((prompt["last_key_to_enter_s"], prompt["ready_tokens"]), (3, prompt["prompt_tokens"]))

    def test_a_person_gets_lines_and_medians(self):
        out = self.ok("replay", TRACE, "-m", self.model, "-n", 2, "--prompts", 2, "--speed", 50).decode()
        self.assertIn("2 prompts, medians", out)
        self.assertIn("typed at 50 times the recorded speed", out)

    def test_broken_traces_are_refused_with_the_line(self):
        good = event(0, "ins", text="a")
        for lines, words in (([good], "enter"), ([], "enter"), ([good, "{"], ["line 2", "JSON"]), (["[]"], "line 1"),
                             ([event(0, "jump")], "op has to be"), ([event(0, "ins")], "ins needs text"),
                             ([event(0, "ins", text=3)], "ins needs text"), ([event(0, "del")], "del needs n"),
                             ([event(0, "move", pos=-1)], "move needs pos"), ([event(-1, "enter")], "t_ms"),
                             ([event(5, "ins", text="a"), event(4, "enter")], "t_ms goes back"),
                             ([good, event(1, "enter", prompt=1)], "prompt 0 has no enter"),
                             ([event(0, "enter", prompt="x")], "prompt has to be"),
                             ([event(10**12, "enter")], "at most a week")):
            self.fails(1, words, "replay", self.write("bad", "\n".join(lines)), "-m", self.model)
        self.fails(1, "/nowhere", "replay", "/nowhere", "-m", self.model)
        self.fails(2, "speed", "replay", TRACE, "-m", self.model, "--speed", 0)


if __name__ == "__main__":
    cli.main()
