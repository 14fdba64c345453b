# SPDX-License-Identifier: MIT
"""Reads GGUF files: metadata and tensors. The counterpart of make_model_gguf.py."""
import math
from dataclasses import dataclass, field

import numpy as np

from make_model_blocks import FORMATS
from make_model_gguf import ALIGNMENT, ARRAY, STRING, Reader, header

TYPE_NAME = {number: name for name, (number, _, _) in FORMATS.items()}
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


@dataclass
class Entry:
    """One tensor: dims as in GGUF, the row length first; data as uint8 [rows, bytes of a row]."""
    name: str
    dims: tuple
    type_name: str
    data: np.ndarray


@dataclass
class File:
    """A file: metadata as bytes (type and value) in file order, and tensors."""
    raw: dict = field(default_factory=dict)
    tensors: dict = field(default_factory=dict)

    def value(self, key, default=None):
        """A number, a string, or a list of them."""
        if key not in self.raw:
            return default
        reader = Reader(self.raw[key])
        kind = reader.take("I")[0]
        if kind != ARRAY:
            return one(reader, kind)
        elem, n = reader.take("IQ")
        return [one(reader, elem) for _ in range(n)]


def one(reader, kind):
    if kind == STRING:
        return reader.string().decode(errors="replace")
    return reader.take(SCALARS[kind])[0]


def read(path):
    """The file at path; tensor data stays on disk until it is used."""
    data = np.memmap(path, np.uint8, "r")
    size = min(len(data), 64 << 20)
    reader, result, directory = Reader(data[:size].tobytes()), File(), []
    magic, version, n_tensors, n_kvs = reader.take("4sIQQ")
    if magic != b"GGUF" or version not in (2, 3):
        raise ValueError(f"{path} is not a GGUF file of version 2 or 3")
    for _ in range(n_kvs):
        key, start = reader.string().decode(), reader.at
        reader.skip_value(reader.take("I")[0])
        result.raw[key] = reader.data[start:reader.at]
    for _ in range(n_tensors):
        name = reader.string().decode()
        dims = reader.take(f"{reader.take('I')[0]}Q")
        directory.append((name, dims, *reader.take("IQ")))
    alignment = result.value("general.alignment", ALIGNMENT)
    base = -(-reader.at // alignment) * alignment
    for name, dims, number, offset in directory:
        if number not in TYPE_NAME:
            raise ValueError(f"{path}: tensor {name} has type {number}, which is not known here")
        _, elems, size = FORMATS[TYPE_NAME[number]]
        row, n_rows = dims[0] // elems * size, math.prod(dims[1:])
        span = data[base + offset:base + offset + row * n_rows]
        result.tensors[name] = Entry(name, tuple(dims), TYPE_NAME[number], span.reshape(n_rows, row))
    return result


def quantised(type_name, values):
    """f32 [rows, n_in] as F32, F16 or Q8_0 rows of bytes. Q8_0: scale amax / 127, round to nearest even."""
    if type_name != "Q8_0":
        kind = {"F32": "<f4", "F16": "<f2"}[type_name]
        return np.ascontiguousarray(values.astype(kind)).view(np.uint8).reshape(len(values), -1)
    blocks = values.reshape(-1, 32).astype(np.float32)
    scale = np.abs(blocks).max(1, keepdims=True) / np.float32(127)
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
    codes = np.rint(blocks * inverse).astype(np.int8)
    joined = np.concatenate([scale.astype("<f2").view(np.uint8), codes.view(np.uint8)], axis=1)
    return joined.reshape(len(values), -1)


def values(entry):
    """Weights of a tensor of type F32, F16 or Q8_0 as f32, in the shape that numpy would give it."""
    shape = entry.dims[::-1]
    if entry.type_name in ("F32", "F16"):
        kind = {"F32": "<f4", "F16": "<f2"}[entry.type_name]
        return np.ascontiguousarray(entry.data).view(kind).astype(np.float32).reshape(shape)
    if entry.type_name != "Q8_0":
        raise ValueError(f"tensor {entry.name} is {entry.type_name}; F32, F16 and Q8_0 can be read here")
    blocks = entry.data.reshape(-1, 34)
    scale = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
    return (scale * np.ascontiguousarray(blocks[:, 2:]).view(np.int8)).reshape(shape)


def write(path, kvs, tensors):
    """A whole file at once, for small models; tensors: (name, dims, type name, bytes)."""
    directory, offset = [], 0
    for name, dims, type_name, data in tensors:
        directory.append((name, dims, FORMATS[type_name][0], offset))
        offset += -(-len(data) // ALIGNMENT) * ALIGNMENT
    with open(path, "wb") as f:
        f.write(header(kvs, directory))
        for _, _, _, data in tensors:
            f.write(data + bytes(-len(data) % ALIGNMENT))
