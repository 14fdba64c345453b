# SPDX-License-Identifier: MIT
"""Muon: steps for matrices whose singular values are made equal. Source: K. Jordan, "Muon: An optimizer for hidden
layers in neural networks" (2024). Learns from a given number of tokens about as much as AdamW from 1.5 times
as many, which counts where tokens are bounded by time.
"""
import torch

# Coefficients of the quintic iteration of the source: singular values in (0, 1] go to about 1 in five rounds.
A, B, C = 3.4445, -4.7750, 2.0315


def orthogonalised(update, rounds=5):
    """The matrices [n, rows, columns] with their singular values near one."""
    x = update / (update.norm(dim=(1, 2), keepdim=True) + 1e-7)
    is_tall = x.shape[1] > x.shape[2]
    x = x.transpose(1, 2) if is_tall else x
    for _ in range(rounds):
        square = x @ x.transpose(1, 2)
        x = A * x + (B * square + C * square @ square) @ x
    return x.transpose(1, 2) if is_tall else x


class Muon(torch.optim.Optimizer):
    """For parameters of two or three dimensions; a third one in front counts experts."""

    def __init__(self, parameters, lr, momentum=0.95, weight_decay=0.02):
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                mean = state.setdefault("mean", torch.zeros_like(p))
                mean.mul_(group["momentum"]).add_(p.grad)
                update = p.grad + group["momentum"] * mean
                update = update if update.ndim == 3 else update[None]
                step = orthogonalised(update).view_as(p)
                scale = max(1.0, p.shape[-2] / p.shape[-1]) ** 0.5
                p.mul_(1 - group["lr"] * group["weight_decay"]).add_(step, alpha=-group["lr"] * scale)
