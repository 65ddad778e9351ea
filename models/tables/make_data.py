#!/usr/bin/env python3
"""Build the tables that the networks of this folder are trained and measured on.

    make_data.py breast-cancer      from scikit-learn, into this folder
    make_data.py spam               from Debian's package r-cran-kernlab, into build/data (not part of this repository)

The split (see models/README.md) depends on the rows' values alone, not on their order: each class is sorted by the
SHA-256 of its rows' bytes; the first third is the test side, the rest the training side. Rows that are alike stand
together and stay on one side. Every file is ordered by the same hash.

A network takes one scale for all its inputs when its numbers become integers, so the columns are brought to one scale
here: (log(1 + v) for spam,) standardised with the training side's mean and deviation, cut off at 4 deviations, rounded to
1/4096, so that every version of numpy makes the same files.
"""

from __future__ import annotations

import argparse
import bz2
import hashlib
import struct
import subprocess
import tempfile
from pathlib import Path

import numpy as np

MODELS = Path(__file__).resolve().parent.parent
SPAM_FOLDER = MODELS.parent / "build" / "data"
SPAM_SHA256 = "726523da8d4b6795756182957b8e147da4ac16c3bf77cfa341a63ca25adc4e1f"
PACKAGE = "r-cran-kernlab"
CUT = 4.0

Side = tuple[np.ndarray, np.ndarray]


class RData:
    """Reads what a table needs of R's serialisation (R Internals, section 1.8; big-endian binary)."""

    def __init__(self, data: bytes):
        if data[:7] != b"RDX2\nX\n":
            raise SystemExit("not an R data file of version 2")
        self.data, self.at, self.symbols = data, 7 + 12, []

    def take(self, form: str) -> tuple:
        values = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return values

    def item(self) -> object:
        flags, = self.take("i")
        kind = flags & 255
        if kind == 254:                                     # nil
            return None
        if kind == 255:                                     # a symbol that was seen before
            return self.symbols[(flags >> 8) - 1]
        if kind == 1:
            self.symbols.append(self.item())
            return self.symbols[-1]
        if kind == 2:                                       # pairs, as a dictionary
            pairs = {}
            while True:
                if flags & 0x200:
                    self.item()
                tag = self.item() if flags & 0x400 else None
                pairs[tag] = self.item()
                flags, = self.take("i")
                if flags & 255 == 254:
                    return pairs
        count, = self.take("i")
        if kind == 9:
            text = self.data[self.at:self.at + max(count, 0)]
            self.at += max(count, 0)
            return text.decode("latin-1")
        if kind == 13:
            value = np.array(self.take(f"{count}i"))
        elif kind == 14:
            value = np.array(self.take(f"{count}d"))
        elif kind in (16, 19):
            value = [self.item() for _ in range(count)]
        else:
            raise SystemExit(f"R data of the kind {kind} is not understood")
        if flags & 0x200:
            return value, self.item()
        return value


def spam(package: Path | None) -> Side:
    """4,601 mails, 57 frequencies; 1: spam. From the given .deb, or a download by apt-get."""
    with tempfile.TemporaryDirectory() as folder:
        if package is None:
            subprocess.run(["apt-get", "download", "-qq", PACKAGE], cwd=folder, check=True, stderr=subprocess.DEVNULL)
            package = next(Path(folder).glob("*.deb"))
        subprocess.run(["dpkg", "-x", str(package.resolve()), folder], check=True)
        data = (Path(folder) / "usr/lib/R/site-library/kernlab/data/spam.rda").read_bytes()
    columns, attributes = RData(bz2.decompress(data)).item()["spam"]
    x = np.stack(columns[:-1], 1)
    codes, factor = columns[-1]
    y = np.array([factor["levels"][code - 1] == "spam" for code in codes])
    if x.shape != (4601, 57) or hashlib.sha256(x.tobytes() + y.tobytes()).hexdigest() != SPAM_SHA256:
        raise SystemExit(f"{PACKAGE}: the table is not the expected one")
    return x, y.astype(np.int64)


def breast_cancer() -> Side:
    """569 biopsies, 30 measures; 1: benign."""
    from sklearn.datasets import load_breast_cancer
    table = load_breast_cancer()
    return table.data.astype(np.float64), table.target.astype(np.int64)


def split(x: np.ndarray, y: np.ndarray, logarithm: bool) -> dict[str, Side]:
    digests = [hashlib.sha256(row.tobytes()).digest() for row in x]
    test = np.zeros(len(x), bool)
    for label in np.unique(y):
        rows = sorted(np.flatnonzero(y == label), key=lambda i: digests[i])
        edge = len(rows) // 3
        while digests[rows[edge]] == digests[rows[edge - 1]]:
            edge += 1
        test[rows[:edge]] = True
    if logarithm:
        x = np.log1p(x)
    mean, deviation = x[~test].mean(0), x[~test].std(0)
    scaled = np.clip(np.rint((x - mean) / deviation * 4096) / 4096, -CUT, CUT).astype(np.float32)
    order = np.array(sorted(range(len(x)), key=lambda i: digests[i]))
    return {name: (scaled[order[test[order] == held]], y[order[test[order] == held]])
            for name, held in (("test", True), ("train", False))}


def folder_of(name: str) -> Path:
    return SPAM_FOLDER if name == "spam" else MODELS / "tables"


def load(name: str, package: Path | None = None) -> dict[str, Side]:
    return split(*(spam(package) if name == "spam" else breast_cancer()), logarithm=name == "spam")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", default=["breast-cancer", "spam"], metavar="TABLE")
    parser.add_argument("--package", type=Path, help=f"{PACKAGE}_*.deb (default: apt-get download)")
    parser.add_argument("--out", type=Path, help="folder for all of them")
    options = parser.parse_args()
    for name in options.tables:
        if name not in ("breast-cancer", "spam"):
            parser.error(f"there is no table '{name}'; choose of breast-cancer, spam")
        folder = options.out or folder_of(name)
        folder.mkdir(parents=True, exist_ok=True)
        for side, (x, y) in load(name, options.package).items():
            path = folder / f"{name.replace('-', '_')}_{side}.npz"
            np.savez_compressed(path, x=x, y=y)
            print(path.name, x.shape, path.stat().st_size, "bytes", "x", hashlib.sha256(x.tobytes()).hexdigest())


if __name__ == "__main__":
    main()
