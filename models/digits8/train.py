#!/usr/bin/env python3
"""Make the files of this folder: scikit-learn's 8x8 digits, split, and a network of three layers of 64 neurons.

A pixel is k/16, k = 0..16. The split depends on the pixels alone: each class is sorted by the SHA-256 of its 64 pixel bytes;
ranks 0..59 of each class are the test side (600), the other 1,197 the training side, of which ranks 60..109 are the
calibration digits (500). Inside every file the digits are ordered by the same hash, which mixes the classes.

The network is trained on the whole training side with random rotations, shifts and changes of scale; the exported weights are
the running average at the last epoch. The test digits are read once, at the end.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import math
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F

TEST, CALIBRATION = 60, 50  # digits per class
EPOCHS, RATE, DECAY, SMOOTHING, BATCH = 300, 3e-3, 3e-2, 0.05, 64


def digest(row: np.ndarray) -> bytes:
    return hashlib.sha256(row.tobytes()).digest()


def load() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The sides test, train and, a part of train, calibration: x float32 [n, 64], y int64 [n]."""
    data, labels = load_digits(return_X_y=True)
    pixels = data.astype(np.uint8)
    if not np.array_equal(pixels, data) or len({digest(row) for row in pixels}) != len(pixels):
        raise SystemExit("not the digits that were expected: pixels other than integers, or the same digit twice")
    classes = [sorted(pixels[labels == d], key=digest) for d in range(10)]
    edges = {"test": (0, TEST), "train": (TEST, None), "calibration": (TEST, TEST + CALIBRATION)}
    sides = {}
    for name, (first, last) in edges.items():
        rows = sorted(((row, d) for d, c in enumerate(classes) for row in c[first:last]), key=lambda pair: digest(pair[0]))
        sides[name] = (np.stack([row for row, _ in rows]).astype(np.float32) / np.float32(16),
                       np.array([d for _, d in rows], dtype=np.int64))
    return sides


def augment(x: Tensor, generator: torch.Generator) -> Tensor:
    """Random rotation (8 degrees), scale (10 %), shift (half a pixel)."""
    def uniform(limit: float) -> Tensor:
        return (torch.rand(len(x), generator=generator) * 2 - 1) * limit
    angle, wide, tall = uniform(math.pi / 22), 1 + uniform(0.1), 1 + uniform(0.1)
    theta = torch.stack([torch.stack([wide * angle.cos(), -angle.sin(), uniform(0.125)], 1),
                         torch.stack([angle.sin(), tall * angle.cos(), uniform(0.125)], 1)], 1)
    images = x.view(-1, 1, 8, 8)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False).clamp(0, 1).view(-1, 64)


def train(x: Tensor, y: Tensor, seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(),
                          nn.Linear(64, 10))
    average = copy.deepcopy(model)
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=DECAY)
    steps = EPOCHS * (len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, steps, pct_start=0.1)
    loss_of = nn.CrossEntropyLoss(label_smoothing=SMOOTHING)
    step = 0
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x), generator=generator)[:len(x) // BATCH * BATCH].split(BATCH):
            optimiser.zero_grad()
            loss_of(model(augment(x[rows], generator)), y[rows]).backward()
            optimiser.step()
            schedule.step()
            step += 1
            with torch.no_grad():
                for kept, new in zip(average.parameters(), model.parameters()):
                    kept.lerp_(new, 1 - min(0.998, step / (step + 10)))
    return average.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    sides = load()
    model = train(*map(torch.from_numpy, sides["train"]), options.seed)
    torch.onnx.export(model, (torch.zeros(1, 64),), options.out / "digits8.onnx", opset_version=13, dynamo=False,
                      input_names=["x"], output_names=["logits"], dynamic_axes={"x": {0: "N"}, "logits": {0: "N"}})
    for name in ("test", "calibration"):
        x, y = sides[name]
        np.savez_compressed(options.out / f"digits8_{name}.npz", x=x, y=y)
    for name, (x, y) in sides.items():
        with torch.no_grad():
            right = (model(torch.from_numpy(x)).argmax(1).numpy() == y).mean()
        print(f"{name}: {len(x)} digits, {100 * right:.2f} %, x {hashlib.sha256(x.tobytes()).hexdigest()}, "
              f"y {hashlib.sha256(y.tobytes()).hexdigest()}")


if __name__ == "__main__":
    main()
