#!/usr/bin/env python3
"""Random templates through Jinja2 and through nmos: prints those that differ (needs Debian's python3-jinja2).

    tools/fuzz_chat_cases.py BUILD/tests/golden/check_chat [ROUNDS [SEED]]

Each round writes 300 cases in the format of tests/golden/chat and lets check_chat compare them. A difference that
shows a fault becomes a case of make_chat_cases.py.
"""
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import warnings

import make_chat_cases as reference

STRINGS = ["", "a", "abc", " a b ", "user", "x,y,,z", "é", "a\nb\n", "A-b c", "1", "12.5", "<b>", "it's", "%s|%d", "{}", "\t x\n",
           "aaa", "b" * 9, "😀é", "Hello World", "None", "a.b.c"]
CASES = 300  # of one round
FILTERS = ["trim", "upper", "lower", "title", "capitalize", "length", "count", "list", "first", "last", "string", "int",
           "float", "abs", "round", "sum", "min", "max", "sort", "reverse", "unique", "tojson", "items", "dictsort", "safe",
           "e", "join", "indent", "default", "d", "select", "reject", "wordcount", "escape", "center(7)", "trim('a')",
           "join(', ')", "join('-', attribute=0)", "replace('a', 'b')", "replace('', '.')", "default('d')", "default('d', true)",
           "map('upper')", "map('length')", "map(attribute='role')", "map('int')", "map('string')", "selectattr('role')",
           "selectattr('role', 'equalto', 'user')", "rejectattr('role', 'in', ['a'])", "select('string')", "reject('none')",
           "select('number')", "sort(reverse=true)", "sort(attribute='role')", "sort(case_sensitive=true)", "batch(2)",
           "slice(2)", "batch(3, 0)", "tojson(indent=2)", "tojson(ensure_ascii=true)", "tojson(sort_keys=true)",
           "dictsort(by='value')", "groupby('role')", "indent(2)", "indent(2, true)", "indent(3, blank=true)", "round(1)",
           "round(1, 'floor')", "int(7)", "float(1.5)", "truncate(5)", "truncate(4, true)", "attr('x')", "unique(true)",
           "map('default', 0)", "format(1, 2)", "int(base=16)", "sum(start=1)", "list|length", "list|first", "list|last"]
TESTS = ["defined", "undefined", "none", "string", "mapping", "sequence", "iterable", "number", "integer", "float",
         "boolean", "true", "false", "odd", "even", "lower", "upper", "callable", "eq 1", "ne('a')", "in [1, 'a']",
         "divisibleby 2", "divisibleby(3)", "lt 3", "ge(2)", "sameas none", "filter", "equalto('abc')"]
METHODS = ["strip()", "strip('a ')", "lstrip()", "rstrip('\\n')", "split()", "split(',')", "split('a', 1)", "rsplit(' ', 1)",
           "split(none, 1)", "splitlines()", "upper()", "lower()", "title()", "capitalize()", "replace('a', 'é')",
           "replace('', '-', 2)", "find('b')", "rfind('a')", "count('a')", "startswith('a')", "endswith(('b', ' '))", "zfill(5)",
           "center(6)", "ljust(4, '.')", "rjust(5)", "swapcase()", "join(['p', 'q'])", "join('xyz')", "partition('b')",
           "rpartition(' ')", "removeprefix('a')", "removesuffix('c')", "isdigit()", "isalpha()", "isspace()", "isupper()",
           "islower()", "isalnum()", "format(1, 'z')", "items()", "keys()", "values()", "get('a')", "get('role', 5)", "index('a')",
           "items", "role", "content", "a", "0", "1", "name", "copy()", "append(1)", "update({})", "find('a', 1)", "count('')",
           "startswith('b', 1)", "rsplit()", "rsplit(none, 1)", "split('')", "splitlines(true)"]
NAMES = ["messages", "tools", "x", "y", "nope", "bos_token", "n", "s", "d", "l", "ns", "loop", "m", "messages[0]", "messages[2]",
         "messages[-1].content", "messages[2].tool_calls", "true", "false", "none"]


class Generator:
    def __init__(self, rng):
        self.rng = rng

    def pick(self, items):
        return self.rng.choice(items)

    def literal(self):
        kind = self.rng.randrange(5)
        if kind == 0:
            return str(self.pick([0, 1, 2, 3, 7, 10, 255, 1000, 123456789]))
        if kind == 1:
            return str(self.pick([0.0, 0.5, 1.0, 2.5, 3.14159, 1e16, 1e-7, 100.0, 1234.5678]))
        if kind == 2:
            return "'" + self.pick(STRINGS).replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
        return self.pick(NAMES)

    def items(self, depth):
        return ", ".join(self.expr(depth - 1) for _ in range(self.rng.randrange(4)))

    def expr(self, depth):
        if depth <= 0:
            return self.literal()
        kind = self.rng.randrange(17)
        sub = lambda: self.expr(depth - 1)
        if kind == 0:
            return f"({sub()} {self.pick(['+', '-', '*', '/', '//', '%', '~', '~', '+'])} {sub()})"
        if kind == 1:
            return f"{sub()} {self.pick(['==', '!=', '<', '<=', '>', '>=', 'in', 'not in'])} {sub()}"
        if kind == 2:
            return f"({sub()} {self.pick(['and', 'or'])} {sub()})"
        if kind == 3:
            return self.pick(["not ", "-", "+"]) + sub()
        if kind == 4:
            return f"({sub()} if {sub()} else {sub()})" if self.rng.random() < 0.8 else f"({sub()} if {sub()})"
        if kind in (5, 6, 7, 8):
            return f"{sub()} | {self.pick(FILTERS)}"
        if kind == 9:
            return f"{sub()} is {self.pick(['', 'not '])}{self.pick(TESTS)}"
        if kind in (10, 11, 12):
            return f"({sub()}).{self.pick(METHODS)}"
        if kind == 13:
            bounds = [self.pick(["", "0", "1", "-1", "2", "-3", "none", "9"]) for _ in range(2)]
            step = self.pick(["", "", ":1", ":2", ":-1", ":-2"])
            return f"({sub()})[{bounds[0]}:{bounds[1]}{step}]"
        if kind == 14:
            return f"({sub()})[{self.pick(['0', '-1', '1', repr('role'), repr('a'), '5', sub()])}]"
        if kind == 15:
            return f"[{self.items(depth)}]" if self.rng.random() < 0.6 else f"({self.items(depth)},)".replace("(,)", "()")
        keys = self.rng.sample(["'a'", "'b'", "1", "none", "'é'", "'role'"], self.rng.randrange(4))
        return "{" + ", ".join(f"{k}: {self.expr(depth - 1)}" for k in keys) + "}"

    def space(self):
        return self.pick(["", "", "\n", " ", "  \n", "\n  ", "text", "a\n"])

    def tag(self, body):
        return "{%" + self.pick(["", "", "-", "+"]) + f" {body} " + self.pick(["", "", "-", "+"]) + "%}"

    def output(self, depth):
        return "{{" + self.pick(["", "", "-"]) + f" {self.expr(depth)} " + self.pick(["", "", "-"]) + "}}"

    def body(self, depth):
        return "".join(self.space() + self.statement(depth - 1) for _ in range(self.rng.randrange(1, 4))) + self.space()

    def statement(self, depth):
        kind = self.rng.randrange(12) if depth > 0 else self.rng.randrange(3)
        if kind < 3:
            return self.output(self.rng.randrange(1, 4))
        if kind == 3:
            return self.tag(f"set {self.pick(['x', 'y', 's', 'l', 'd'])} = {self.expr(2)}")
        if kind == 4:
            return self.tag(f"if {self.expr(2)}") + self.body(depth) + self.pick(["", self.tag("else") + self.body(depth),
                   self.tag(f"elif {self.expr(1)}") + self.body(depth)]) + self.tag("endif")
        if kind in (5, 6):
            head = f"for {self.pick(['x', 'y', 'm', 'k, v', 'x'])} in {self.pick(['messages', self.expr(2), 'range(3)', 'd.items()', 'l'])}"
            if self.rng.random() < 0.3:
                head += f" if {self.pick(['loop is defined', 'x', 'm is mapping', 'not y', self.expr(1)])}"
            jump = self.tag("if " + self.expr(1)) + self.tag(self.pick(["break", "continue"])) + self.tag("endif")
            loop = "{{ " + self.pick(["loop.index", "loop.last", "loop.first", "loop.length", "loop.revindex", "loop.previtem",
                                      "loop.nextitem", "loop.index0", "loop.cycle('a', 'b')", "loop.changed(x)", "loop.depth"]) + " }}"
            return (self.tag(head) + self.pick(["", jump]) + self.pick(["", loop]) + self.body(depth) +
                    self.pick(["", self.tag("else") + self.body(depth)]) + self.tag("endfor"))
        if kind == 7:
            return (self.tag("macro f(x, y=" + self.expr(1) + ")") + self.body(depth) + self.tag("endmacro") +
                    "{{ f(" + self.expr(1) + self.pick(["", ", " + self.expr(1), ", y=" + self.expr(1)]) + ") }}")
        if kind == 8:
            return self.tag(f"set ns.{self.pick('ab')} = {self.expr(2)}") + "{{ ns.a }}"
        if kind == 9:
            return self.tag(self.pick(["set x", "set y | upper", "filter trim", "filter upper"]))
        if kind == 10:
            return self.tag("set s") + self.body(depth) + self.tag("endset") + "{{ s }}"
        return self.pick(["{# c #}", "{#- c -#}", "{% raw %} {{ {% endraw %}", self.tag(f"with x = {self.expr(1)}") +
                          self.body(depth) + self.tag("endwith")])

    def template(self):
        head = "{% set ns = namespace(a=1, b='q') %}{% set n = 5 %}{% set s = 'abc' %}{% set d = {'b': 1, 'a': [2]} %}{% set l = [3, 1, 2] %}"
        return head + (self.body(3) if self.rng.random() < 0.5 else self.output(4))


# Python's own addresses, and what is refused here on purpose.
SKIP = re.compile(r" at 0x|<generator|<Loop|object at|<built-in|<bound|Markup|iterator|<filter|dict_keyiter|<function|<class|<Namespace")


# Faults that Jinja2 reports later (lazy filters) or not at all (slices of constants), and what is refused by name.
NOISE = re.compile(r"got: .*(is not iterable|cannot be sliced|lazy filter|item pairs|not supported|slice indices|64 bits|memory, the limit)")


def main():
    check, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    env = reference.environment()
    context = {"messages": reference.MESSAGES, "bos_token": "<s>", "eos_token": "</s>", "strftime_now": reference.NOW}
    n_ok = 0
    warnings.simplefilter("ignore")
    for r in range(rounds):
        generator = Generator(random.Random(seed + r))
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "chat.jsonl").write_text("")
            (folder / "context.json").write_text(json.dumps(context))
            with (folder / "cases.jsonl").open("w", encoding="utf-8") as out:
                for i in range(CASES):
                    for _ in range(12):  # most random expressions fail; those that do not say more
                        template = generator.template()
                        rendered, error = reference.render(env, template, {})
                        if rendered is not None:
                            break
                    if SKIP.search(f"{rendered}{error}"):
                        continue
                    n_ok += rendered is not None
                    row = {"case": f"{seed + r}/{i}", "template": template, "rendered": rendered, "error": error}
                    try:
                        out.write(json.dumps(row, ensure_ascii=False) + "\n")
                    except UnicodeEncodeError:
                        continue
            done = subprocess.run([check, folder], capture_output=True, check=False)
            reports = re.split(r"(?m)^(?=FAILED|\d+ cases)", done.stdout.decode(errors="replace"))
            different = [report for report in reports if report.startswith("FAILED") and not NOISE.search(report)]
            print("".join(different), end="", flush=True)
            sys.stderr.write(done.stderr.decode(errors="replace"))
    print(f"{n_ok} templates rendered by Jinja2")


if __name__ == "__main__":
    main()
