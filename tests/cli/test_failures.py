# SPDX-License-Identifier: MIT
"""Proves that the owner can list, export and forget the failure memory, and that `nmos scout` listens to it."""
import json
import sqlite3

import cli
from cli import CliTest

PROMPT = "order a flat white with oat milk"


class Failures(CliTest):
    def setUp(self):
        super().setUp()
        self.env = {"XDG_DATA_HOME": str(self.dir)}
        self.path = self.dir / "nmos" / "failures.db"

    def run_ok(self, *args):
        return self.ok(*args, env=self.env).decode()

    def add(self, *events):
        self.run_ok("memory", "list")  # makes the file
        db = sqlite3.connect(self.path)
        for predicted, actual, text in events:
            db.execute("INSERT INTO events(kind, at, used, predicted, actual, text) VALUES(0, 1700000000000, 0, ?, ?, ?)",
                       (predicted, actual, text))
        db.commit()
        db.close()

    def first(self, text):
        return json.loads(self.run_ok("scout", "--json", text))["intents"][0]["name"]

    def test_an_empty_memory_says_so_and_asking_the_scout_makes_none(self):
        self.first("x")
        self.assertFalse(self.path.exists())
        self.assertIn("empty", self.run_ok("memory", "list"))
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.run_ok("memory", "export"), "")

    def test_events_are_listed_exported_and_forgotten(self):
        self.add(("CODE", "CHAT", PROMPT.encode()), ("CHAT", "DOCS", b"\xff\x1b[2J" + b"y" * 90))
        lines = self.run_ok("memory", "list").splitlines()
        self.assertRegex(lines[0], r"^ +2  2023-11-14T22:13:20Z  intent  CHAT -> DOCS  \?\?\[2Jy+\.\.\.$")
        self.assertTrue(lines[1].endswith("CODE -> CHAT  " + PROMPT))
        events = [json.loads(line) for line in self.run_ok("memory", "export").splitlines()]
        self.assertEqual(events[1], {"id": 1, "at": "2023-11-14T22:13:20Z", "kind": "intent", "predicted": "CODE",
                                     "actual": "CHAT", "text": PROMPT})
        self.assertEqual(self.run_ok("memory", "list", "--json"), self.run_ok("memory", "export"))
        self.assertEqual(self.run_ok("memory", "forget", "2"), "")
        self.assertEqual(len(self.run_ok("memory", "list").splitlines()), 1)
        self.run_ok("memory", "forget", "all")
        self.assertIn("empty", self.run_ok("memory", "list"))
        self.assertFalse(any(PROMPT.encode() in f.read_bytes() for f in self.path.parent.iterdir()))

    def test_events_of_experts_name_them_and_their_model(self):
        self.run_ok("memory", "list")
        db = sqlite3.connect(self.path)
        # Two layers of 8 experts, one pass; it used experts 1 and 5 of the first layer and 3 of the second.
        for packed in (bytes([2, 8, 1, 0x80, 1, 2, 4, 6, 0]), b"anything else"):
            at = db.execute("INSERT INTO events(kind, at, used, predicted, actual, text) VALUES(1, 1700000000000, 0, "
                            "'1 of 3', '', ?)", (PROMPT.encode(),))
            db.execute("INSERT INTO experts VALUES(?, ?, ?)", (at.lastrowid, 0xabcdef, packed))
        db.commit()
        db.close()
        damaged, line = self.run_ok("memory", "list").splitlines()
        self.assertTrue(line.endswith("expert  1 of 3 -> 0:1,5 1:3  " + PROMPT), line)
        self.assertTrue(damaged.endswith("expert  1 of 3 ->   " + PROMPT), damaged)
        events = [json.loads(line) for line in self.run_ok("memory", "export").splitlines()]
        self.assertEqual(events[1], {"id": 1, "at": "2023-11-14T22:13:20Z", "kind": "expert", "model": "0000000000abcdef",
                                     "predicted": "1 of 3", "actual": "0:1,5 1:3", "text": PROMPT})
        self.assertNotEqual(self.first(PROMPT), "0:1,5 1:3")
        self.run_ok("memory", "forget", "1")
        db = sqlite3.connect(self.path)
        self.assertEqual(db.execute("SELECT id FROM experts").fetchall(), [(2,)])
        db.close()

    def test_the_scout_listens_to_it(self):
        self.assertNotEqual(self.first("order a cappuccino with oat milk"), "DOCS")
        before = self.first("Write a Python function that sorts a list.")
        self.add(("CHAT", "DOCS", PROMPT.encode()), ("CHAT", "NO_LONGER_DEFINED", b"who feeds the parrot"))
        self.assertEqual(self.first("order a cappuccino with oat milk"), "DOCS")
        self.assertEqual(self.first("Write a Python function that sorts a list."), before)
        self.assertEqual(self.first("who feeds the parrot?"), "CHAT")

    def test_a_damaged_file_is_set_aside_with_a_message(self):
        self.add(("CODE", "CHAT", PROMPT.encode()))
        self.path.write_bytes(b"not a database at all" * 100)
        done = cli.nmos("memory", "list", env=self.env)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"failures.db.damaged", done.stderr)
        self.assertTrue((self.path.parent / "failures.db.damaged").exists())

    def test_wrong_usage_is_said(self):
        for words, args in (("not \"lst\"", ["lst"]), ("forget what?", ["forget"]), ("no event 7", ["forget", "7"]),
                            ("too much", ["list", "3"]), ("not \"x\"", ["forget", "x"])):
            self.fails(2, words, "memory", *args, env=self.env)
        self.fails(1, "failures.db", "memory", "list", env={"XDG_DATA_HOME": "/proc/none"})


if __name__ == "__main__":
    cli.main()
