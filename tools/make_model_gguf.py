# SPDX-License-Identifier: MIT
"""GGUF v3 headers: metadata values, the tensor directory, and vocabularies copied out of another file.

A vocabulary is taken over byte for byte. Where the model has more rows than the vocabulary has tokens, the
converters' unused tokens [PADn] are appended; where it has fewer, the last tokens go, with their merges.
Source: ggml:docs/gguf.md.
"""
import gzip
import struct

ALIGNMENT = 32
VALUE = {"u32": (4, "<I"), "i32": (5, "<i"), "f32": (6, "<f"), "bool": (7, "<?")}
SCALAR_BYTES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
STRING, ARRAY = 8, 9
TOKEN_NORMAL, TOKEN_CONTROL, TOKEN_UNUSED = 1, 3, 5
SMOLLM_SPECIALS = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<repo_name>", "<reponame>", "<file_sep>", "<filename>",
    "<gh_stars>", "<issue_start>", "<issue_comment>", "<issue_closed>", "<jupyter_start>",
    "<jupyter_text>", "<jupyter_code>", "<jupyter_output>", "<jupyter_script>", "<empty_output>",
)
CHATML = ("{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + "
          "'<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}"
          "{{ '<|im_start|>assistant\n' }}{% endif %}")


def string(text):
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(data)) + data


def entry(key, kind, value):
    """One metadata entry as bytes; kind: u32, i32, f32, bool, str, strs, i32s or raw (type and value)."""
    head = string(key)
    if kind == "raw":
        return head + value
    if kind == "str":
        return head + struct.pack("<I", STRING) + string(value)
    if kind == "strs":
        return (head + struct.pack("<IIQ", ARRAY, STRING, len(value)) + b"".join(map(string, value)))
    if kind == "i32s":
        return head + struct.pack(f"<IIQ{len(value)}i", ARRAY, VALUE["i32"][0], len(value), *value)
    number, form = VALUE[kind]
    return head + struct.pack("<I", number) + struct.pack(form, value)


def header(kvs, tensors):
    """Bytes of a file before its tensor data; tensors: (name, dims, type number, offset)."""
    parts = [struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(kvs))]
    parts += [entry(*kv) for kv in kvs]
    for name, dims, number, offset in tensors:
        parts.append(string(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, number, offset))
    data = b"".join(parts)
    return data + bytes(-len(data) % ALIGNMENT)


class Reader:
    """Walks the metadata of a GGUF file held in memory."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values

    def string(self):
        (n,) = self.take("Q")
        self.at += n
        return self.data[self.at - n:self.at]

    def skip_value(self, kind):
        if kind == STRING:
            self.string()
        elif kind == ARRAY:
            elem, n = self.take("IQ")
            if elem in SCALAR_BYTES:
                self.at += n * SCALAR_BYTES[elem]
            else:
                for _ in range(n):
                    self.skip_value(elem)
        else:
            self.at += SCALAR_BYTES[kind]

    def strings(self):
        kind, elem, n = self.take("IIQ")
        assert (kind, elem) == (ARRAY, STRING)
        return [self.string() for _ in range(n)]


def read_tokenizer(path):
    """{key: raw type and value} of the tokenizer entries of a GGUF file, gzip or not, in file order."""
    with (gzip.open if str(path).endswith(".gz") else open)(path, "rb") as f:
        reader = Reader(f.read())
    magic, _, _, n_kvs = reader.take("4sIQQ")
    if magic != b"GGUF":
        raise ValueError(f"{path} is not a GGUF file")
    found = {}
    for _ in range(n_kvs):
        key, start = reader.string().decode(), reader.at
        reader.skip_value(reader.take("I")[0])
        if key.startswith("tokenizer."):
            found[key] = reader.data[start:reader.at]
    return found


def fit(tokens, types, merges, n_vocab):
    """Tokens, types and merges for a model with n_vocab rows."""
    for i in range(len(tokens), n_vocab):
        tokens.append(b"[PAD%d]" % i)
        types.append(TOKEN_UNUSED)
    if len(tokens) > n_vocab:
        tokens, types = tokens[:n_vocab], types[:n_vocab]
        known = set(tokens)
        merges = [m for m in merges if m.replace(b" ", b"", 1) in known]
    return tokens, types, merges


def vocabulary(path, n_vocab):
    """Tokenizer entries for a model with n_vocab rows, copied from the GGUF file at path."""
    found = read_tokenizer(path)
    tokens = Reader(found["tokenizer.ggml.tokens"]).strings()
    if len(tokens) == n_vocab:
        return [(key, "raw", value) for key, value in found.items()]
    types = list(struct.unpack_from(f"<{len(tokens)}i", found["tokenizer.ggml.token_type"], 16))
    merges = Reader(found["tokenizer.ggml.merges"]).strings()
    tokens, types, merges = fit(tokens, types, merges, n_vocab)
    changed = {"tokens": ("strs", tokens), "token_type": ("i32s", types), "merges": ("strs", merges)}
    return [(key, *changed.get(key.removeprefix("tokenizer.ggml."), ("raw", value)))
            for key, value in found.items()]


def smollm_vocabulary(path, n_vocab):
    """SmolLM2's layout (17 special tokens first) over the tokens and merges of gpt-2 at path."""
    found = read_tokenizer(path)
    special = [s.encode() for s in SMOLLM_SPECIALS]
    plain = [t for t in Reader(found["tokenizer.ggml.tokens"]).strings() if t not in special]
    merges = Reader(found["tokenizer.ggml.merges"]).strings()
    types = [TOKEN_CONTROL] * len(special) + [TOKEN_NORMAL] * len(plain)
    tokens, types, merges = fit(special + plain, types, merges, n_vocab)
    return [("tokenizer.ggml.add_space_prefix", "bool", False),
            ("tokenizer.ggml.add_bos_token", "bool", False), ("tokenizer.ggml.model", "str", "gpt2"),
            ("tokenizer.ggml.pre", "str", "smollm"), ("tokenizer.ggml.tokens", "strs", tokens),
            ("tokenizer.ggml.token_type", "i32s", types), ("tokenizer.ggml.merges", "strs", merges),
            ("tokenizer.ggml.bos_token_id", "u32", 1), ("tokenizer.ggml.eos_token_id", "u32", 2),
            ("tokenizer.ggml.unknown_token_id", "u32", 0),
            ("tokenizer.ggml.padding_token_id", "u32", 2), ("tokenizer.chat_template", "str", CHATML)]


def byte_vocabulary(n_vocab):
    """A byte-level vocabulary without merges: 256 bytes, three ChatML tokens, unused tokens."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in visible]
    letters = {b: chr(b) for b in visible} | {b: chr(256 + i) for i, b in enumerate(hidden)}
    if n_vocab < 259:
        raise ValueError(f"a vocabulary of bytes needs 259 tokens, not {n_vocab}")
    tokens = [letters[b].encode() for b in range(256)]
    tokens += [b"<|endoftext|>", b"<|im_start|>", b"<|im_end|>"]
    types = [TOKEN_NORMAL] * 256 + [TOKEN_CONTROL] * 3
    tokens, types, _ = fit(tokens, types, [], n_vocab)
    return [("tokenizer.ggml.model", "str", "gpt2"), ("tokenizer.ggml.pre", "str", "qwen2"),
            ("tokenizer.ggml.tokens", "strs", tokens), ("tokenizer.ggml.token_type", "i32s", types),
            ("tokenizer.ggml.merges", "strs", []), ("tokenizer.ggml.bos_token_id", "u32", 256),
            ("tokenizer.ggml.eos_token_id", "u32", 258), ("tokenizer.ggml.padding_token_id", "u32", 256),
            ("tokenizer.ggml.add_bos_token", "bool", False), ("tokenizer.chat_template", "str", CHATML)]
