# SPDX-License-Identifier: MIT
"""The training text of the nano models, as conversations in three domains: CODE, CHAT, DOCS.

Sources: files of prepared dialogues (a folder, see SOURCES below) and two Debian packages, python3.11-doc and
libpython3.11-stdlib, out of which questions with answers are cut: a function and its description, a section and
its title, a passage and its first sentence. No sentence of an answer is invented here; the questions are
templates. What share-alike licences ask of a model trained on a text is not settled, so sources under
CC-BY-SA are not used.

A document is (domain, key, turns); turns alternate between user and assistant. The key decides, by a hash,
whether the document is trained on or held out: documents that share a key are on the same side.
"""
import ast
import hashlib
import random
import re
import textwrap
from pathlib import Path
from typing import NamedTuple

HELD_OUT_PERCENT = 3
MAX_CHARS = 1600  # of an answer

# File: (domain, licence, how a document is cut into turns).
SOURCES = {
    "gpteacher_codegen.txt": ("CODE", "MIT"),
    "mbpp.txt": ("CODE", "CC-BY-4.0"),
    "topical_chat.txt": ("CHAT", "CDLA-Sharing-1.0"),
    "gpteacher_roleplay.txt": ("CHAT", "MIT"),
    "taskmaster4_coffee.txt": ("CHAT", "CC-BY-4.0"),
    "chatterbot.txt": ("CHAT", "BSD-3-Clause"),
}
PYTHON_DOCS = Path("/usr/share/doc/python3.11/html/_sources")
STDLIB = Path("/usr/lib/python3.11")


class Document(NamedTuple):
    """One conversation."""
    domain: str
    source: str
    key: str
    turns: tuple  # texts; user first

    def is_held_out(self):
        digest = hashlib.sha256(self.key.encode()).digest()
        return int.from_bytes(digest[:4], "little") % 100 < HELD_OUT_PERCENT

    def text(self):
        """In ChatML, as the models see it; each turn ends with a newline behind its <|im_end|>."""
        roles = ("user", "assistant")
        return "".join(f"<|im_start|>{roles[i % 2]}\n{turn}<|im_end|>\n"
                       for i, turn in enumerate(self.turns))


def dialogue_turns(text, marks):
    """Splits a document at its speaker marks; merges turns that follow one another from one speaker."""
    turns, speaker = [], None
    for piece in re.split(rf"^({'|'.join(marks)}):", text, flags=re.MULTILINE)[1:]:
        if piece in marks:
            speaker = marks.index(piece)
        elif speaker == len(turns) % 2:
            turns.append(piece.strip("\n").strip(" "))
        elif turns:
            turns[-1] += "\n" + piece.strip()
    return turns[:len(turns) // 2 * 2]


def normal_key(text):
    return re.sub(r"\W+", " ", text.lower()).strip()[:80]


def dialogues(folder, rng):
    """Documents of the prepared files. Long conversations are cut into pieces of two to eight turns."""
    for name, (domain, _) in SOURCES.items():
        marks = ("A", "B") if name == "topical_chat.txt" else ("User", "Assistant")
        text = (folder / name).read_text(encoding="utf-8")
        for whole in re.split(rf"\n\n(?={marks[0]}:)", text):
            turns = dialogue_turns(whole, marks)
            key = normal_key(turns[0]) if turns else ""
            at = 0
            while at < len(turns):
                n = rng.choice((2, 4, 6, 8))
                yield Document(domain, name, key, tuple(t[:MAX_CHARS] for t in turns[at:at + n]))
                at += n


def plain(rst):
    """reStructuredText to plain text with `code` marks: roles, links and directives go."""
    kept = []
    for line in rst.split("\n"):
        if re.match(r"\s*(\.\. |:\w+:|\.\.$|\^{4}|={4}|-{4}|\*{4}|~{4})", line):
            continue
        kept.append(line)
    text = "\n".join(kept)
    text = re.sub(r":[\w:+-]+:`!?~?\.?([^`<]+?)( <[^>]*>)?`", r"`\1`", text)
    text = re.sub(r"`([^`<]+) <[^>]*>`_+", r"\1", text)
    text = re.sub(r"``([^`]+)``", r"`\1`", text)
    text = re.sub(r"\|(\w+)\|", r"\1", text).replace("::\n", ":\n").replace("\\ ", " ")
    text = re.sub(r"[ \t]+\n", "\n", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def cut_paragraphs(text, limit):
    """The first whole paragraphs that fit, at least one."""
    kept = ""
    for paragraph in text.split("\n\n"):
        if kept and len(kept) + len(paragraph) > limit:
            break
        kept += ("\n\n" if kept else "") + paragraph
    return kept if len(kept) <= MAX_CHARS else ""


def first_sentence(text):
    found = re.match(r"(.{20,300}?[.!?])(\s|$)", re.sub(r"\s+", " ", text))
    return found.group(1) if found else ""


ASK_FUNCTION = ("What does {0} do?", "Explain `{0}`.", "How do I use {0}?", "what is {0} in python",
                "Describe {0} briefly.", "Tell me about {0}.")
ASK_SECTION = ("Tell me about {0}.", "What do the Python docs say about {0}?", "Explain {0}.",
               "Summarize the documentation of {0}.", "{0}", "I have a question about {0}. How does it work?")
ASK_SUMMARY = ("Summarize the following text.\n\n{0}", "Use one sentence to sum up this text:\n\n{0}",
               "{0}\n\nWhat is the main point of the text above?", "Give me the gist of this passage.\n\n{0}")
ASK_TITLE = ("What is the following text about?\n\n{0}", "Read this and give it a title.\n\n{0}",
             "{0}\n\nName the subject of this text.")
ASK_DETAIL = ("Answer the question using the text.\n\nText: {1}\n\nQuestion: What does {0} do?",
              "{1}\n\nAccording to the text, what does {0} do?", "What does {0} do?\n\n{1}")
DIRECTIVE = re.compile(r"^( *)\.\. (?:function|method|class|classmethod|staticmethod|attribute|data|exception|"
                       r"c:function|c:type|c:macro|c:member|decorator|opcode|describe|option):: *(.+)\n"
                       r"((?:(?:\1 +.*)?\n)+)", re.MULTILINE)


def described_things(text, source, rng):
    """A function, class or option of the documentation, and what is said of it."""
    things = []
    for _, name, body in DIRECTIVE.findall(text):
        body = plain(textwrap.dedent(re.sub(r"^ *:\w+:.*$", "", body, flags=re.MULTILINE)))
        answer = cut_paragraphs(body, 700)
        if len(answer) > 40:
            things.append((name.strip().rstrip("\\"), answer))
    for i, (name, answer) in enumerate(things):
        yield Document("DOCS", "python3.11-doc", source, (rng.choice(ASK_FUNCTION).format(name), answer))
        sentence = first_sentence(answer)
        if sentence and rng.random() < 0.5:
            short = name.split("(")[0].split()[-1]
            passage = f"{short}: {answer}"
            if rng.random() < 0.5 and i + 1 < len(things):
                other = things[i + 1]
                passage += f"\n\n{other[0].split('(')[0].split()[-1]}: {other[1]}"
            yield Document("DOCS", "python3.11-doc", source,
                           (rng.choice(ASK_DETAIL).format(f"`{short}`", passage[:MAX_CHARS]), sentence))


def sections(text, source, rng):
    """Sections of a page: their title asked for their text, and their text for its title or first sentence."""
    parts = re.split(r"^(\S.*)\n([=\-~^*#\"'+]{4,})\n", text, flags=re.MULTILINE)
    for title, body in zip(parts[1::3], parts[3::3]):
        title = plain(title)
        cut = DIRECTIVE.search(body)
        body = plain(body[:cut.start()] if cut else body)
        body = re.sub(r"(?s)^`?Source code:.*?\n\n|\*\*Source code:\*\*.*?\n", "", body).strip()
        paragraphs = body.split("\n\n")
        if len(body) < 80 or not 2 < len(title) < 80:
            continue
        answer = cut_paragraphs(body, 900)
        if answer:
            yield Document("DOCS", "python3.11-doc", source,
                           (rng.choice(ASK_SECTION).format(title), answer))
        for at in range(0, len(paragraphs), 4):
            passage = cut_paragraphs("\n\n".join(paragraphs[at:at + 4]), 900)
            sentence = first_sentence(passage)
            if len(passage) > 200 and sentence:
                ask, reply = ((ASK_SUMMARY, sentence) if rng.random() < 0.6 else
                              (ASK_TITLE, title))
                yield Document("DOCS", "python3.11-doc", source,
                               (rng.choice(ask).format(passage), reply))


def examples(text, source, rng):
    """Code of the documentation under the title of its section."""
    parts = re.split(r"^(\S.*)\n([=\-~^*#\"'+]{4,})\n", text, flags=re.MULTILINE)
    asks = ("Show me an example of {0}.", "Give a code example for {0} in Python.", "example: {0}")
    for title, body in zip(parts[1::3], parts[3::3]):
        for code in re.findall(r"::\n\n((?: +.*\n|\n)+)", body):
            code = textwrap.dedent(code).strip("\n")
            if 40 < len(code) < MAX_CHARS and not re.search(r"^ |^\.\. |:\w+:`", code) and title.strip():
                yield Document("CODE", "python3.11-doc", source,
                               (rng.choice(asks).format(plain(title)), f"```python\n{code}\n```"))


def python_docs(rng):
    skipped = ("whatsnew/changelog", "library/unittest.mock-examples")
    for path in sorted(PYTHON_DOCS.rglob("*.rst.txt")):
        source = str(path.relative_to(PYTHON_DOCS)).removesuffix(".rst.txt")
        if source.startswith(skipped):
            continue
        text = path.read_text(encoding="utf-8")
        yield from described_things(text, source, rng)
        yield from sections(text, source, rng)
        yield from examples(text, source, rng)


ASK_CODE = ("Write a Python function `{0}`. {1}", "Write a function `{0}` in Python.\n{1}",
            "def {0}:\n    \"\"\"{1}\"\"\"", "Implement {0}: {1}", "{1}\nUse Python; the signature is {0}.")


def stdlib_code(rng):
    """Functions and methods of the standard library with a docstring, asked for by its first line."""
    for path in sorted(STDLIB.rglob("*.py")):
        if any(part in ("test", "tests", "idlelib", "lib2to3", "pydoc_data") for part in path.parts):
            continue
        try:
            text = path.read_text(encoding="utf-8")
            tree = ast.parse(text)
        except (UnicodeDecodeError, SyntaxError):
            continue
        lines = text.split("\n")
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef) or not node.body:
                continue
            doc = ast.get_docstring(node) or ""
            code = textwrap.dedent("\n".join(lines[node.lineno - 1:node.end_lineno]))
            line = re.sub(r"\s+", " ", doc.split("\n\n")[0])[:200]
            if len(line) > 15 and 80 < len(code) < MAX_CHARS:
                ask = rng.choice(ASK_CODE).format(f"{node.name}({ast.unparse(node.args)})", line)
                yield Document("CODE", "libpython3.11-stdlib", path.name + node.name,
                               (ask, f"```python\n{code}\n```"))


def documents(folder, seed=1):
    """All documents, always in the same order for the same seed."""
    rng = random.Random(seed)
    for needed in (Path(folder) / "mbpp.txt", PYTHON_DOCS, STDLIB):
        if not needed.exists():
            raise FileNotFoundError(f"{needed} is missing: the training text is not complete without it")
    found = [d for d in (*dialogues(Path(folder), rng), *python_docs(rng), *stdlib_code(rng))
             if len(d.turns) > 1 and all(d.turns)]
    rng.shuffle(found)
    return found
