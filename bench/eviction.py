#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""eviction.py NMOS MODEL OUT.png TEXT...: what forgetting a part of a long context costs (--kv-cap, --kv-evict).

Each text is cut into windows of 2,048 tokens. Loss is the mean of -ln p over the second half of every window, where each
of the budgets has forgotten something: with everything kept, with a sliding window and the first page, and with
heavy-hitter eviction. The bundled models were trained on windows of 512 tokens; a copy of MODEL is stretched to 2,048
by YaRN (factor 4, without training), with which more context makes them better. Prints a line of JSON for each text and
budget and draws a picture. Needs python3-numpy and python3-matplotlib."""
import json
import pathlib
import subprocess
import sys
import tempfile

import matplotlib
matplotlib.use("Agg")
import numpy as np  # noqa: E402  (the backend comes first)
from matplotlib import pyplot  # noqa: E402

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
import gguf_read  # noqa: E402

CTX, TRAINED, FACTOR = 2048, 512, 4
N_WINDOWS = 4  # of each text
BUDGETS = [75, 50, 35, 20]  # per cent of the KV cache of CTX tokens
POLICIES = ["window", "h2o"]


def stretch(path, to):
    """A copy of a model for CTX positions."""
    model = gguf_read.read(path)
    arch = model.value("general.architecture")
    kvs = [(key, "raw", bytes(value)) for key, value in model.raw.items()
           if not key.startswith(f"{arch}.rope.scaling") and key != f"{arch}.context_length"]
    kvs += [(f"{arch}.context_length", "u32", CTX), (f"{arch}.rope.scaling.type", "str", "yarn"),
            (f"{arch}.rope.scaling.factor", "f32", FACTOR),
            (f"{arch}.rope.scaling.original_context_length", "u32", TRAINED)]
    gguf_read.write(to, kvs, [(t.name, t.dims, t.type_name, t.data.tobytes()) for t in model.tensors.values()])


def run(*command, stdin=None):
    done = subprocess.run([str(word) for word in command], input=stdin, capture_output=True, check=False)
    if done.returncode:
        sys.exit(done.stderr.decode())
    return done.stdout


def kv_bytes(nmos, model):
    return json.loads(run(nmos, "plan", "-m", model, "--ctx", CTX, "--json"))["kv_bytes"]


def losses(nmos, model, tokens, out, *options):
    """-ln p of the tokens of a window's second half, and what was said of the cap."""
    said = json.loads(run(nmos, "logits", "-m", model, "--ctx", CTX, "--tokens", ",".join(map(str, tokens)), "-o", out,
                          "--json", *options))
    logits = np.fromfile(out, np.float32).reshape(len(tokens), -1)[CTX // 2:-1].astype(np.float64)
    top = logits.max(1)
    return top + np.log(np.exp(logits - top[:, None]).sum(1)) - logits[np.arange(len(logits)), tokens[CTX // 2 + 1:]], said


def measure(nmos, model, text, folder):
    """One row for each budget, the full one first."""
    tokens = json.loads(run(nmos, "tokenize", "-m", model, stdin=text.read_bytes()))
    windows = [tokens[i * CTX:(i + 1) * CTX] for i in range(min(N_WINDOWS, len(tokens) // CTX))]
    if not windows:
        sys.exit(f"{text} has {len(tokens)} tokens, less than a window of {CTX}")
    size = kv_bytes(nmos, model)
    out = folder / "logits"
    full = np.concatenate([losses(nmos, model, window, out)[0] for window in windows])
    yield {"text": text.name, "budget": 100, "held": CTX, "tokens": len(full), "full": round(full.mean(), 4)}
    for budget in BUDGETS:
        row = {"text": text.name, "budget": budget}
        got = {}
        for policy in POLICIES:
            options = ("--kv-cap", size * budget // 100, "--kv-evict", policy)
            runs = [losses(nmos, model, window, out, *options) for window in windows]
            got[policy] = np.concatenate([loss for loss, _ in runs])
            row["held"] = runs[0][1]["kv_cap_tokens"]
            row[policy] = round(got[policy].mean(), 4)
            row[f"{policy}_mass"] = round(float(np.mean([said["kv_given_up_mass"] for _, said in runs])), 4)
        difference = got["h2o"] - got["window"]
        row["h2o_less"] = round(-difference.mean(), 4)
        row["error"] = round(difference.std(ddof=1) / len(difference) ** 0.5, 4)
        yield row


def draw(rows, out):
    texts = list(dict.fromkeys(row["text"] for row in rows))
    figure, axes = pyplot.subplots(1, len(texts), figsize=(3.2 * len(texts), 3.6), squeeze=False)
    for axis, text in zip(axes[0], texts):
        full, *capped = [row for row in rows if row["text"] == text]
        axis.axhline(full["full"], color="black", linewidth=1, linestyle=":", label="everything kept")
        for policy, style, colour, label in (("window", "--", "tab:orange", "window, first page"),
                                             ("h2o", "-", "tab:blue", "heavy hitters")):
            points = [(100, full["full"])] + [(row["budget"], row[policy]) for row in capped]
            axis.plot(*zip(*points), style, color=colour, marker="o", markersize=3, label=label)
        axis.set(title=text, xlabel="% of the KV cache", xticks=[20, 35, 50, 75, 100])
        axis.invert_xaxis()
        axis.grid(alpha=0.3)
    axes[0][0].set_ylabel("loss, nats per token")
    axes[0][0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(out, dpi=110)


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    nmos, model, out, *texts = map(pathlib.Path, sys.argv[1:])
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        stretched = pathlib.Path(folder) / "stretched.gguf"
        stretch(model, stretched)
        for text in texts:
            for row in measure(nmos.resolve(), stretched, text, pathlib.Path(folder)):
                rows.append(row)
                print(json.dumps(row), flush=True)
    draw(rows, out)


if __name__ == "__main__":
    main()
