#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Second step: trains one model on the tokens that prepare.py wrote.

Bounded by wall-clock minutes or by steps; the learning rate follows the share of that bound that is used up, so what
is there at the end is a decayed model whatever else the machine had to do. The state is saved every few
minutes as FILE.pt, with a log beside it (FILE.csv).

One process a core, one thread each: set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1. On processors that OpenBLAS
0.3.21 does not know it falls back to its slowest kernels; OPENBLAS_CORETYPE=SkylakeX (AVX-512) or Haswell (AVX2)
chooses better ones (5 times as fast where it was measured).
"""
import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy, kl_div

import held_out
from bpe import Tokenizer
from export import load_model
from model import CONFIGS, Model, grown, is_hidden_matrix, upcycled
from muon import Muon

WARM_UP, DECAY_FROM = 0.02, 0.3  # shares of the run
LONG_FROM = 0.75  # from this share on, windows are of the full length
STEP_TOKENS, MICRO_TOKENS = 6144, 1024
BALANCE_WEIGHT = 0.02


class Windows:
    """Runs of tokens: documents in a new random order each epoch, joined and cut at will; every n-th of them."""

    def __init__(self, paths, seed, worker=0, n_workers=1):
        self.sets = [(data["ids"], data["starts"]) for data in map(np.load, paths)]
        self.worker, self.n_workers = worker, n_workers
        self.rng, self.stream, self.at = np.random.default_rng(seed), np.zeros(0, np.uint16), 0

    def refill(self):
        parts = []
        for ids, starts in self.sets:
            parts += [ids[a:b] for a, b in zip(starts, [*starts[1:], len(ids)])]
        order = self.rng.permutation(len(parts))[self.worker::self.n_workers]
        self.stream, self.at = np.concatenate([self.stream[self.at:], *(parts[i] for i in order)]), 0

    def take(self, n_rows, n):
        """ids [n_rows, n + 1]; each row goes on where the one before it ended."""
        while self.at + n_rows * n + 1 > len(self.stream):
            self.refill()
        span = self.stream[self.at:self.at + n_rows * n + 1].astype(np.int64)
        self.at += n_rows * n
        rows = [span[i * n:i * n + n + 1] for i in range(n_rows)]
        return torch.from_numpy(np.stack(rows))


def rate(share):
    """Learning rate at a share of the run, relative to its highest."""
    if share < WARM_UP:
        return share / WARM_UP
    return 1.0 if share < DECAY_FROM else max(0.02, (1 - share) / (1 - DECAY_FROM))


def loss_of(model, rows, teacher):
    """What to lessen, and the nats per token of the text. With a teacher: mostly the distance to its distribution."""
    ids, targets = rows[:, :-1], rows[:, 1:].reshape(-1)
    logits = model.logits(ids).view(len(targets), -1)
    loss = cross_entropy(logits, targets)
    if teacher is not None:
        with torch.no_grad():
            wanted = teacher.logits(ids).view(len(targets), -1).log_softmax(-1)
        distance = kl_div(logits.log_softmax(-1), wanted, log_target=True, reduction="batchmean")
        return 0.1 * loss + 0.9 * distance, loss
    if model.config.n_experts:
        return loss + BALANCE_WEIGHT * model.balance / model.config.n_layers, loss
    return loss, loss


class Team:
    """Processes that share the weights and the pieces of a step; each sums gradients in memory of its own.

    One thread in each is faster than threads within one process: torch's loops wait for the slowest thread hundreds
    of times a step, processes once.
    """

    def __init__(self, model, teacher, windows_of, n_workers):
        context = torch.multiprocessing.get_context("fork")
        self.model, self.teacher, self.windows_of = model, teacher, windows_of
        self.barrier, self.left = context.Barrier(n_workers), context.Value("i", 0)
        self.length, self.losses = context.Value("i", 0), context.Array("d", n_workers)
        for w in model.weights.values():
            w.data.share_memory_()
        self.grads = [{name: torch.zeros_like(w.data).share_memory_() for name, w in model.weights.items()}
                      for _ in range(n_workers)]
        for i in range(1, n_workers):
            context.Process(target=self.serve, args=(i,), daemon=True).start()
        self.windows = windows_of(0)

    def serve(self, worker):
        windows = self.windows_of(worker)
        while True:
            self.barrier.wait()
            self.pieces(worker, windows)
            self.barrier.wait()

    def pieces(self, worker, windows):
        """Takes pieces of the step as long as there are any."""
        for name, w in self.model.weights.items():
            w.grad = self.grads[worker][name].zero_()
        self.losses[worker] = 0
        while True:
            with self.left.get_lock():
                self.left.value -= 1
                if self.left.value < 0:
                    return
            length = self.length.value
            rows = windows.take(MICRO_TOKENS // length, length)
            loss, text_loss = loss_of(self.model, rows, self.teacher)
            loss.backward()
            self.losses[worker] += float(text_loss)

    def gradients(self, n_pieces, length):
        """Mean gradients of a step in the weights' grad; returns the mean loss of the text."""
        self.left.value, self.length.value = n_pieces, length
        self.barrier.wait()
        self.pieces(0, self.windows)
        self.barrier.wait()
        for name, w in self.model.weights.items():
            for other in self.grads[1:]:
                w.grad += other[name]
            w.grad /= n_pieces
        return sum(self.losses) / n_pieces


def optimizers(model, args):
    hidden = [w for name, w in model.weights.items() if is_hidden_matrix(name)]
    other = [w for name, w in model.weights.items() if not is_hidden_matrix(name)]
    return [(Muon(hidden, args.rate), args.rate),
            (torch.optim.Adam(other, args.rate_other, betas=(0.9, 0.97), eps=1e-10), args.rate_other)]


def save(model, path):
    part = path.with_suffix(".part")
    torch.save({"config": model.config, "weights": {n: w.detach() for n, w in model.weights.items()}}, part)
    part.replace(path)


def train(model, team, tokenizer, documents, args):
    started, saved, step, n_tokens, mean = time.monotonic(), time.monotonic(), 0, 0, None
    optims = optimizers(model, args)
    log = open(args.out.with_suffix(".csv"), "w", encoding="utf-8", buffering=1)
    print("minutes,step,tokens,train_nats_per_token,held_out_code,held_out_chat,held_out_docs", file=log)
    score, share, last = held_out.model_score(model), 0.0, False
    while not last:
        used = time.monotonic() - started
        share = step / args.steps if args.steps else used / 60 / args.minutes
        last = share >= 1
        if last or time.monotonic() - saved > 60 * args.every:
            save(model, args.out)
            loss = held_out.nats_per_byte(score, tokenizer, documents, 512)
            row = [f"{loss.get(d, math.nan):.4f}" for d in held_out.DOMAINS]
            print(f"{used / 60:.1f},{step},{n_tokens},{mean or math.nan:.4f},{','.join(row)}", file=log)
            saved = time.monotonic()
            continue
        for optim, highest in optims:
            optim.param_groups[0]["lr"] = highest * rate(share)
        n_pieces = max(args.step_tokens // MICRO_TOKENS, 1)
        text_loss = team.gradients(n_pieces, args.window if share >= LONG_FROM else args.window // 2)
        mean = text_loss if mean is None else 0.95 * mean + 0.05 * text_loss
        n_tokens += n_pieces * MICRO_TOKENS
        for optim, _ in optims:
            optim.step()
        step += 1
        if step % 20 == 0:
            print(f"{used:.0f} s, step {step}, {n_tokens / max(used, 1):.0f} tokens/s, {mean:.3f}", flush=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", choices=CONFIGS)
    parser.add_argument("data", type=Path, help="folder that prepare.py filled")
    parser.add_argument("out", type=Path, metavar="FILE.pt")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--steps", type=int, help="instead of --minutes")
    parser.add_argument("--every", type=float, default=4, metavar="MINUTES", help="between saved states")
    parser.add_argument("--start", type=Path, help="go on from this model (.pt or .gguf)")
    parser.add_argument("--grow", type=Path, help="smaller model whose function this one starts with")
    parser.add_argument("--upcycle", type=Path, help="dense model whose parts the experts start from")
    parser.add_argument("--teacher", type=Path, help="learn this model's distribution")
    parser.add_argument("--also", type=Path, action="append", default=[], metavar="FILE.npz",
                        help="more tokens (generate.py)")
    parser.add_argument("--rate", type=float, default=0.015, help="of matrices")
    parser.add_argument("--rate-other", type=float, default=0.003)
    parser.add_argument("--window", type=int, default=512, help="longest run of tokens")
    parser.add_argument("--step-tokens", type=int, default=STEP_TOKENS)
    parser.add_argument("--workers", type=int, default=2, help="processes, one core each")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main():
    args = arguments()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    tokenizer = Tokenizer.load(args.data / "tokenizer.json")
    config = CONFIGS[args.config]
    assert config.n_vocab == tokenizer.n_vocab, f"{config.n_vocab} is not {tokenizer.n_vocab}"
    if args.start:
        model = load_model(args.start)
    elif args.grow:
        model = grown(load_model(args.grow), config, args.seed)
    elif args.upcycle:
        model = upcycled(load_model(args.upcycle), config, args.seed)
    else:
        model = Model(config, seed=args.seed)
    print(f"{config.name}: {model.n_parameters()} parameters", flush=True)
    teacher = load_model(args.teacher) if args.teacher else None
    documents = held_out.sample(held_out.load(args.data / "held_out.jsonl"), 40)
    paths = [args.data / "train.npz", *args.also]
    team = Team(model, teacher, lambda i: Windows(paths, args.seed, i, args.workers), args.workers)
    train(model, team, tokenizer, documents, args)


if __name__ == "__main__":
    main()
