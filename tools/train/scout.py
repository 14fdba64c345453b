#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains the Scout: scout.py DATA OUT [--fixture FILE] [--quick].

DATA holds train.tsv and dev.tsv: label, source and text, tab-separated, with C escapes. OUT receives the weights
(src/intent/scout_weights.h says how), FILE texts with the probabilities that they have, which a test compares.

Multinomial logistic regression on the features of scout_features.py, from whole texts and from their first 10 to 160
characters (10, 30 and 80 of the project's own), since the Scout reads while somebody types. Classes weigh the same, sources
by the root of their size, and the project's own prompts (scout_prompts.py) OWN_SHARE of the collected ones. What decides is
leave one source out: each source, or family of sources, is predicted by a model that saw none of it; these predictions also
calibrate the probabilities.
--quick trains on a part, for tests. Needs python3-numpy and python3-scipy; the same data gives the same bytes."""
import argparse
import collections
import struct

import numpy as np
import scipy.sparse as sp
from scipy.optimize import minimize

import scout_features as features
import scout_prompts
from scout_lexicon import KINDS

CLASSES = ["CODE", "CHAT", "DOCS"]
CUTS = [10, 20, 30, 40, 80, 160]
OWN_CUTS = [10, 30, 80]
WHOLE = 1 << 30
BITS = 16
L2 = 1e-4
OWN_SHARE = 0.8
MEASURED_SCALE = 0.7
STEPS = 60
FIXTURE_STEP = 150


def unescape(text):
    out, escapes = [], {"n": "\n", "t": "\t", "\\": "\\"}
    parts = iter(text)
    for c in parts:
        out.append(c if c != "\\" else escapes[next(parts)])
    return "".join(out)


def read(path):
    with open(path, encoding="utf-8") as f:
        rows = [line.rstrip("\n").split("\t") for line in f]
    return [(label, source, unescape(text)) for label, source, text in rows]


def family(source):
    return source.split(":")[0]


class Texts:
    """Beginnings of texts with their features. Attributes are arrays with one entry per beginning."""

    def __init__(self, rows, cuts=CUTS):
        self.rows = rows
        seen, self.row, self.cut, self.n_bytes = [], [], [], []
        for i, (_, _, text) in enumerate(rows):
            for cut in [c for c in cuts if c < len(text)] + [WHOLE]:
                data = text[:cut].encode()
                view = features.window(data)
                hashes, chars = features.pieces(view)
                seen.append((features.hashed(hashes, chars), features.measured(data, view, hashes)))
                self.row.append(i)
                self.cut.append(cut)
                self.n_bytes.append(len(data))
        self.row, self.cut, self.n_bytes = np.array(self.row), np.array(self.cut), np.array(self.n_bytes)
        self.label = np.array([CLASSES.index(rows[i][0]) for i in self.row])
        self.source = np.array([family(rows[i][1]) for i in self.row])
        self.matrix = matrix(seen)
        self.weight = self.weights()

    def weights(self):
        """Each class weighs 1 in all, shared by its sources by the root of their size, then by text and beginning."""
        per_source = collections.Counter((label, source) for label, source, _ in self.rows)
        per_class = collections.Counter()
        for (label, _), n in per_source.items():
            per_class[label] += n ** 0.5
        n_cuts = np.bincount(self.row)
        out = np.empty(len(self.row))
        for k, i in enumerate(self.row):
            label, source, _ = self.rows[i]
            out[k] = per_source[label, source] ** -0.5 / per_class[label] / n_cuts[i]
        return out

    def shown(self, cut):
        """Which beginnings stand for the first `cut` characters: shorter texts are whole."""
        whole_bytes = np.array([len(r[2]) for r in self.rows])[self.row]
        return (self.cut == cut) | ((self.cut == WHOLE) & (whole_bytes <= cut))


def matrix(seen):
    """Sparse [beginnings, buckets + measured]."""
    indices, values, ends = [], [], [0]
    for groups, measured in seen:
        n = 0
        for group in groups:
            if len(group):
                indices.append((group >> np.uint32(32 - BITS)).astype(np.int32))
                values.append(np.full(len(group), 1 / np.sqrt(len(group)), np.float32))
                n += len(group)
        nonzero = np.nonzero(measured)[0]
        indices.append((1 << BITS) + nonzero.astype(np.int32))
        values.append(measured[nonzero] * np.float32(MEASURED_SCALE))
        ends.append(ends[-1] + n + len(nonzero))
    shape = (len(seen), (1 << BITS) + features.N_MEASURED)
    out = sp.csr_matrix((np.concatenate(values), np.concatenate(indices), np.array(ends)), shape=shape, dtype=np.float32)
    out.sum_duplicates()
    return out


def fit(x, label, weight):
    """[columns + 1, classes] float32: weights, and the bias as the last row. L-BFGS from zero."""
    n_rows, n_columns = x.shape
    transposed = x.T.tocsr()
    one = np.eye(len(CLASSES), dtype=np.float32)[label]
    weight = (weight / weight.sum()).astype(np.float32)[:, None]

    def loss(flat):
        v = flat.reshape(n_columns + 1, -1).astype(np.float32)
        z = x @ v[:-1] + v[-1]
        z -= z.max(axis=1, keepdims=True)
        e = np.exp(z)
        total = e.sum(axis=1, keepdims=True)
        value = float((weight * (np.log(total) - (z * one).sum(axis=1, keepdims=True))).sum(dtype=np.float64))
        value += 0.5 * L2 * float((v[:-1].astype(np.float64) ** 2).sum())
        error = (e / total - one) * weight
        slope = np.vstack([transposed @ error + np.float32(L2) * v[:-1], error.sum(axis=0)])
        return value, slope.astype(np.float64).ravel()

    start = np.zeros((n_columns + 1) * len(CLASSES))
    done = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS, "maxcor": 8})
    assert n_rows
    return done.x.reshape(n_columns + 1, -1).astype(np.float32)


def join(parts):
    """(matrix, labels, weights) of several Texts or parts of them, every class of the first part made equal."""
    x, label, weight = [], [], []
    for share, (part_x, part_label, part_weight) in parts:
        part_weight = part_weight.copy()
        for c in range(len(CLASSES)):
            part_weight[part_label == c] *= share / part_weight[part_label == c].sum()
        x.append(part_x)
        label.append(part_label)
        weight.append(part_weight)
    return sp.vstack(x).tocsr(), np.concatenate(label), np.concatenate(weight)


def leave_one_out(texts, own):
    """Logits of each beginning from a model that saw no text of its source."""
    logits = np.zeros((len(texts.row), len(CLASSES)))
    for source in sorted(set(texts.source)):
        out = texts.source == source
        known = (texts.matrix[~out], texts.label[~out], texts.weight[~out])
        v = fit(*join([(1, known), (OWN_SHARE, (own.matrix, own.label, own.weight))]))
        logits[out] = texts.matrix[out] @ v[:-1] + v[-1]
    return logits


def length_of(n_bytes):
    return np.log2(1 + np.minimum(n_bytes, features.WINDOW_MAX)) / 8


def calibrated(logits, n_bytes, calibration):
    return logits * (calibration[0] + calibration[1] * length_of(n_bytes)[:, None])


def probabilities(logits):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def calibrate(logits, texts):
    """The sharpness under which the predictions are likeliest: at length 0, and its slope. Whole texts, one in seven
    beginnings, weigh as much as all others."""
    rows = np.arange(len(texts.label))
    weight = texts.weight * np.where(texts.cut == WHOLE, len(CUTS), 1)
    weight /= weight.sum()

    def loss(sharpness):
        p = probabilities(calibrated(logits, texts.n_bytes, sharpness))
        return float(-(weight * np.log(p[rows, texts.label] + 1e-9)).sum())

    return minimize(loss, [1.0, 0.0], method="BFGS").x.astype(np.float32)


def quantise(v):
    """Table int16 with one scale per class, and the rest as float32."""
    table = v[:1 << BITS]
    scale = (np.abs(table).max(axis=0) / 32767).astype(np.float32)
    return {"table": np.round(table / scale).astype(np.int16), "scale": scale, "bias": v[-1],
            "measured": v[1 << BITS:-1] * np.float32(MEASURED_SCALE)}


def write(path, q, calibration):
    words = sorted(features.LEXICON.items())
    marks = [pattern.encode() if isinstance(pattern, str) else pattern for pattern in features.MARKS.values()]
    out = b"NMOSSCT1" + struct.pack("<6I", BITS, len(CLASSES), len(KINDS), len(marks), features.N_MEASURED, len(words))
    out += b"".join(name.encode().ljust(16, b"\0") for name in CLASSES)
    for part in (q["scale"], q["bias"], calibration, q["measured"]):
        out += np.asarray(part, "<f4").tobytes()
    out += np.array(words, "<u4").tobytes() + q["table"].astype("<i2").tobytes()
    out += b"".join(struct.pack("<H", len(mark)) + mark for mark in marks)
    with open(path, "wb") as f:
        f.write(out + bytes(-len(out) % 4))
    return len(out)


def predict(q, calibration, data):
    """Probabilities of one text by the quantised weights: what the program computes."""
    view = features.window(data)
    hashes, chars = features.pieces(view)
    logits = q["bias"].astype(np.float64)
    for group in features.hashed(hashes, chars):
        if len(group):
            sums = q["table"][group >> np.uint32(32 - BITS)].astype(np.int64).sum(axis=0)
            logits = logits + sums * q["scale"].astype(np.float64) / np.sqrt(len(group))
    logits = logits + features.measured(data, view, hashes).astype(np.float64) @ q["measured"].astype(np.float64)
    return probabilities(calibrated(logits[None], np.array([len(data)]), calibration.astype(np.float64)))[0]


def calibration_error(p, label, weight):
    """Expected calibration error over ten equal steps of the first intent's probability."""
    top, right = p.max(axis=1), p.argmax(axis=1) == label
    bins = np.minimum((top * 10).astype(int), 9)
    weight = weight / weight.sum()
    return sum(abs((weight[bins == b] * (top[bins == b] - right[bins == b])).sum()) for b in range(10))


def report(title, texts, p, per_source):
    """Accuracy by length of the beginning, in all and per source; calibration error."""
    cuts = [10, 20, 30, 40, 80, WHOLE]
    right = p.argmax(axis=1) == texts.label
    print(f"\n{title}\n\n| | texts | 10 | 20 | 30 | 40 | 80 | whole |\n|---|---|---|---|---|---|---|---|")
    names = sorted({(CLASSES[c], s) for c, s in zip(texts.label, texts.source)})
    table = {}
    for label, source in names:
        mine = (texts.label == CLASSES.index(label)) & (texts.source == source)
        table[label, source] = [right[mine & texts.shown(cut)].mean() for cut in cuts]
        if per_source:
            n = int((mine & texts.shown(WHOLE)).sum())
            print(f"| {label} {source} | {n} | " + " | ".join(f"{v:.3f}" for v in table[label, source]) + " |")
    micro = [right[texts.shown(cut)].mean() for cut in cuts]
    n = int(texts.shown(WHOLE).sum())
    print(f"| all texts | {n} | " + " | ".join(f"{v:.3f}" for v in micro) + " |")
    for label in CLASSES:
        mine = texts.label == CLASSES.index(label)
        values = [right[mine & texts.shown(cut)].mean() for cut in cuts]
        n = int((mine & texts.shown(WHOLE)).sum())
        print(f"| all {label} | {n} | " + " | ".join(f"{v:.3f}" for v in values) + " |")
    macro = np.mean([np.mean([v for (label, _), v in table.items() if label == c], axis=0) for c in CLASSES], axis=0)
    print(f"| mean of sources, then of classes | {len(names)} | " + " | ".join(f"{v:.3f}" for v in macro) + " |")
    errors = [calibration_error(p[k], texts.label[k], np.ones(int(k.sum()))) for k in map(texts.shown, cuts)]
    print("| calibration error | | " + " | ".join(f"{v:.3f}" for v in errors) + " |", flush=True)


def fixture_texts():
    own = [text.encode() for _, _, text in scout_prompts.prompts()]
    odd = [b"", b" ", b"\n\n", b"?", b"a", b"\xff\xfe\x80", bytes(range(256)), b"x" * 5000, b"0" * 1601, b"a b " * 500,
           b"\n" * 1700, "Übersetze diesen Satz ins Englische: Der Fluss fließt.".encode(), "总结以下文章".encode(),
           b"1 2 3 4\t5\r\n6", b"``` x\n" * 300, bytes(range(255, -1, -1)) * 8, b"sum(" * 600, b"?" * 1600 + b" "]
    return odd + own[::FIXTURE_STEP]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("--fixture")
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    rows, own_rows = read(args.data + "/train.tsv"), scout_prompts.prompts()
    if args.quick:
        rows, own_rows = rows[::10], own_rows[::10]
    texts, own = Texts(rows), Texts(own_rows, OWN_CUTS)
    logits = leave_one_out(texts, own)
    calibration = calibrate(logits, texts)
    report("Leave one source out", texts, probabilities(calibrated(logits, texts.n_bytes, calibration)), True)
    v = fit(*join([(1, (texts.matrix, texts.label, texts.weight)), (OWN_SHARE, (own.matrix, own.label, own.weight))]))
    q = quantise(v)
    dev = Texts(read(args.data + "/dev.tsv"))
    exact = np.vstack([q["table"].astype(np.float32) * q["scale"], q["measured"] / np.float32(MEASURED_SCALE)])
    p = probabilities(calibrated(dev.matrix @ exact + q["bias"], dev.n_bytes, calibration))
    report("dev.tsv: texts of the sources that were trained on", dev, p, False)
    print(f"\n{write(args.out, q, calibration)} bytes; calibration", " ".join(f"{c:.3f}" for c in calibration))
    if args.fixture:
        with open(args.fixture, "w", encoding="ascii") as f:
            for data in fixture_texts():
                f.write("\t".join([data.hex(), *(f"{p:.9f}" for p in predict(q, calibration, data))]) + "\n")


if __name__ == "__main__":
    main()
