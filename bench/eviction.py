#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""eviction.py NMOS MODEL OUT.png TEXT...: what forgetting a part of a long context costs (--kv-cap, --kv-evict).

Each text is cut into windows of 2,048 tokens, at most --windows of them. Loss is the mean of -ln p over the second half of
every window, where each of the budgets has forgotten something: with everything kept, with a sliding window and the first
page, and with heavy-hitter eviction. What heavy hitters save against the window is taken window by window, so that its
standard error is one over windows. Prints a line of JSON for each budget of each text, and of all texts, and draws a
picture. The bundled models were trained on windows of 512 tokens: --trained 512 stretches a copy of MODEL to 2,048 by
YaRN (without training), with which more context makes them better. For a model that needs old text, and texts that
do: tools/make_recall.py. Needs python3-numpy and python3-matplotlib."""
import argparse
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

CTX = 2048
BUDGETS = [50, 20]  # per cent of the KV cache of CTX tokens
POLICIES = ["window", "h2o"]


def stretch(path, to, trained):
    """A copy of a model for CTX positions."""
    model = gguf_read.read(path)
    arch = model.value("general.architecture")
    kvs = [(key, "raw", bytes(value)) for key, value in model.raw.items()
           if not key.startswith(f"{arch}.rope.scaling") and key != f"{arch}.context_length"]
    kvs += [(f"{arch}.context_length", "u32", CTX), (f"{arch}.rope.scaling.type", "str", "yarn"),
            (f"{arch}.rope.scaling.factor", "f32", CTX / trained),
            (f"{arch}.rope.scaling.original_context_length", "u32", trained)]
    gguf_read.write(to, kvs, [(t.name, t.dims, t.type_name, t.data.tobytes()) for t in model.tensors.values()])


def run(*command, stdin=None):
    done = subprocess.run([str(word) for word in command], input=stdin, capture_output=True, check=False)
    if done.returncode:
        sys.exit(done.stderr.decode())
    return done.stdout


def kv_bytes(nmos, model):
    return json.loads(run(nmos, "plan", "-m", model, "--ctx", CTX, "--json"))["kv_bytes"]


def losses(nmos, model, tokens, out, *options):
    """-ln p of the tokens of a window's second half."""
    run(nmos, "logits", "-m", model, "--ctx", CTX, "--tokens", ",".join(map(str, tokens)), "-o", out, *options)
    logits = np.fromfile(out, np.float32).reshape(len(tokens), -1)[CTX // 2:-1].astype(np.float64)
    top = logits.max(1)
    return top + np.log(np.exp(logits - top[:, None]).sum(1)) - logits[np.arange(len(logits)), tokens[CTX // 2 + 1:]]


def measure(nmos, model, text, folder, n_windows):
    """Mean loss of each window of a text: {(budget, policy): [windows]}."""
    tokens = json.loads(run(nmos, "tokenize", "-m", model, stdin=text.read_bytes()))
    windows = [tokens[i * CTX:(i + 1) * CTX] for i in range(min(n_windows, len(tokens) // CTX))]
    if not windows:
        sys.exit(f"{text} has {len(tokens)} tokens, less than a window of {CTX}")
    size = kv_bytes(nmos, model)
    out = folder / "logits"
    means = {(100, "full"): [losses(nmos, model, window, out).mean() for window in windows]}
    for budget in BUDGETS:
        for policy in POLICIES:
            options = ("--kv-cap", size * budget // 100, "--kv-evict", policy)
            means[budget, policy] = [losses(nmos, model, window, out, *options).mean() for window in windows]
    return {key: np.array(value) for key, value in means.items()}


def row_of(name, means, budget):
    """What is said of a budget; "same": windows in which heavy hitters kept what the window did."""
    saved = means[budget, "window"] - means[budget, "h2o"]
    error = saved.std(ddof=1) / len(saved) ** 0.5 if len(saved) > 1 else float("nan")
    return {"text": name, "budget": budget, "windows": len(saved), "full": round(means[100, "full"].mean(), 4),
            "window": round(means[budget, "window"].mean(), 4), "h2o": round(means[budget, "h2o"].mean(), 4),
            "h2o_saves": round(saved.mean(), 5), "error": round(error, 5), "same": int((saved == 0).sum())}


def draw(rows, out):
    """Loss over all texts against the budget, and what heavy hitters save of each text, with standard errors."""
    figure, (left, *right) = pyplot.subplots(1, 1 + len(BUDGETS), figsize=(4 + 3.4 * len(BUDGETS), 3.8))
    total = [row for row in rows if row["text"] == "all"]
    for policy, style, colour, label in (("window", "o--", "tab:orange", "window, first page"),
                                         ("h2o", "o-", "tab:blue", "heavy hitters")):
        points = [(100, total[0]["full"])] + [(row["budget"], row[policy]) for row in total]
        left.plot(*zip(*points), style, color=colour, markersize=3, label=label)
    left.axhline(total[0]["full"], color="black", linewidth=1, linestyle=":", label="everything kept")
    left.set(xlabel="% of the KV cache", ylabel="loss, nats per token, all texts", xticks=[100, *BUDGETS])
    left.invert_xaxis()
    left.legend(fontsize=8)
    for axis, budget in zip(right, BUDGETS):
        some = [row for row in rows if row["budget"] == budget][::-1]
        axis.errorbar([row["h2o_saves"] for row in some], range(len(some)), xerr=[row["error"] for row in some],
                      fmt="o", color="tab:blue", markersize=4, capsize=3)
        axis.axvline(0, color="black", linewidth=1)
        axis.set(yticks=range(len(some)), yticklabels=[row["text"] for row in some],
                 xlabel="nats less than the window", title=f"{budget} %")
        axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(out, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nmos", type=pathlib.Path)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("texts", type=pathlib.Path, nargs="+")
    parser.add_argument("--trained", type=int, default=CTX)
    parser.add_argument("--windows", type=int, default=4)
    args = parser.parse_args()
    rows, of_all = [], []
    with tempfile.TemporaryDirectory() as folder:
        model = args.model
        if args.trained < CTX:
            model = pathlib.Path(folder) / "stretched.gguf"
            stretch(args.model, model, args.trained)
        for text in args.texts:
            of_all.append(measure(args.nmos.resolve(), model, text, pathlib.Path(folder), args.windows))
            rows += [row_of(text.name, of_all[-1], budget) for budget in BUDGETS]
            print("\n".join(map(json.dumps, rows[-len(BUDGETS):])), flush=True)
    together = {key: np.concatenate([means[key] for means in of_all]) for key in of_all[0]}
    rows += [row_of("all", together, budget) for budget in BUDGETS]
    print("\n".join(map(json.dumps, rows[-len(BUDGETS):])))
    draw(rows, args.out)


if __name__ == "__main__":
    main()
