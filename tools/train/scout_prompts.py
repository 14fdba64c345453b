# SPDX-License-Identifier: MIT
"""Prompts of the project's own for the Scout: patterns with slots, filled by a fixed rule.

The collected sources are narrow: each is one kind of prompt in one voice. These patterns (scout_code_prompts.py,
scout_chat_prompts.py, scout_docs_prompts.py) say in many voices what people ask a model for. prompts() gives the same list
every time: (label, kind, text)."""
import random
import re

import scout_chat_prompts
import scout_chat_slots
import scout_code_prompts
import scout_code_slots
import scout_docs_prompts
import scout_docs_slots

CLASSES = {  # patterns, slots and how often a pattern is filled, so that no class has far more prompts than another
    "CODE": (scout_code_prompts.PATTERNS, scout_code_slots.SLOTS, 16),
    "CHAT": (scout_chat_prompts.PATTERNS, scout_chat_slots.SLOTS, 10),
    "DOCS": (scout_docs_prompts.PATTERNS, scout_docs_slots.SLOTS, 26),
}
GIVEN = {"paste", "first", "passage"}  # kinds that begin with what was pasted, which nobody asks for politely
RAW = {"code", "config", "log", "patch", "snippet", "errorline", "table"}  # their braces are their own
TWICE = {"elaborate", "long", "stage", "scene", "remark", "trivia", "given"}  # kinds whose few patterns are filled in many ways
POLITE = ["Please ", "please ", "Can you ", "can you ", "Could you please ", "hey, ", "Hi! ", "Hello, ", "hi, ", "pls ", "I need you to ",
          "I'd like you to ", "Ok, now ", "ok "]


def alternatives(text):
    return [re.sub(r"\s+", " ", a).strip() for a in text.split("|")] if isinstance(text, str) else text


def parts(text, mark):
    """Splits at a mark that stands in no braces."""
    out, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += (c == "{") - (c == "}")
        if c == mark and depth == 0:
            out.append(text[start:i])
            start = i + 1
    return out + [text[start:]]


def closing(text, start):
    """Where the brace that opens at start is closed."""
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] == "{") - (text[i] == "}")
        if depth == 0:
            return i
    raise ValueError("a brace is open in: " + text)


def fill(pattern, slots, rng):
    """The pattern with one alternative for each pair of braces, from the outside in."""
    out, at = [], 0
    while (start := pattern.find("{", at)) >= 0:
        end = closing(pattern, start)
        inside = pattern[start + 1:end]
        choices = parts(inside, "/")
        if len(choices) > 1:
            chosen = fill(rng.choice(choices), slots, rng)
        elif inside in slots:
            chosen = rng.choice(slots[inside])
            chosen = chosen if inside in RAW else fill(chosen, slots, rng)
        elif inside[:1] == "{":
            chosen = fill(inside, slots, rng)
        else:
            chosen = inside
        out += [pattern[at:start], chosen]
        at = end + 1
    return "".join(out) + pattern[at:]


def mistyped(text, rng):
    """Two neighbouring letters of a word swapped, or one left out."""
    at = [m.start() for m in re.finditer(r"(?<=[a-z])[a-z]{2}(?=[a-z])", text[:60])]
    if not at:
        return text
    i = rng.choice(at)
    return text[:i] + rng.choice([text[i + 1] + text[i], text[i]]) + text[i + 2:]


def styled(text, given, rng):
    """As people type: politely or not, without capitals or marks, with a slip."""
    style = rng.random()
    if not given and style < 0.09:
        text = rng.choice(POLITE) + text[:1].lower() + text[1:]
    elif style < 0.25:
        text = text[:1].lower() + text[1:]
    elif style < 0.37 and len(text) < 160 and not given:
        text = text.lower().replace("'", rng.choice(["'", ""]))
    elif style > 0.93 and not given:
        text = text[:1].upper() + text[1:]
    if rng.random() < 0.05:
        text = mistyped(text, rng)
    if rng.random() < 0.1:
        text = text.rstrip("?.!:")
    return re.sub(r" +([?.!,:;])", r"\1", text) if not given else text


def prompts(seed=1):
    """The list, without repetitions."""
    rng, seen, out = random.Random(seed), set(), []
    for label, (patterns, slots, n_fillings) in CLASSES.items():
        slots = {name: alternatives(values) for name, values in slots.items()}
        for kind, text in patterns.items():
            for pattern in text.strip().split("\n"):
                for _ in range(n_fillings * (2 if kind in TWICE else 1)):
                    filled = styled(fill(pattern.replace("\\n", "\n"), slots, rng), kind in GIVEN, rng).strip(" ")
                    if filled not in seen:
                        seen.add(filled)
                        out.append((label, "own:" + kind, filled))
    return out
