#!/usr/bin/env python3
"""Train the four networks on the tables of make_data.py and export them to ONNX.

`*_logistic`: logistic regression as two scores and a softmax. `*_square`: one hidden layer of squares, two scores.
The strength of regularisation was chosen by cross-validation within the training side. The test side is read once, at
the end.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from torch import nn
from torch.nn import functional as F

from make_data import load

HIDDEN = {"breast-cancer": 16, "spam": 32}
PENALTIES = {"logistic": (0.1, 0.3, 1.0, 3.0, 10.0, 30.0), "square": (1.0, 3.0, 10.0, 20.0)}

Layers = list[tuple[np.ndarray, np.ndarray]]  # weights [outputs, inputs], biases


def fit_logistic(x: np.ndarray, y: np.ndarray, penalty: float) -> Layers:
    """The log-odds as the difference of two scores of opposite signs."""
    model = LogisticRegression(C=1 / penalty, max_iter=10000).fit(x, y)
    weight, bias = model.coef_[0] / 2, model.intercept_[0] / 2
    return [(np.stack([-weight, weight]), np.array([-bias, bias]))]


def fit_square(x: np.ndarray, y: np.ndarray, penalty: float, hidden: int) -> Layers:
    torch.manual_seed(1)
    first, second = nn.Linear(x.shape[1], hidden), nn.Linear(hidden, 2)
    model = nn.Sequential(first, second)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=penalty)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-2, 600)
    inputs, labels = torch.from_numpy(x), torch.from_numpy(y)
    for _ in range(600):
        squares = first(inputs).square()
        loss = F.cross_entropy(second(squares), labels, label_smoothing=0.02) + 1e-3 * squares.square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return [(layer.weight.detach().numpy(), layer.bias.detach().numpy()) for layer in model]


def fit(kind: str, table: str, x: np.ndarray, y: np.ndarray, penalty: float) -> Layers:
    if kind == "logistic":
        return fit_logistic(x, y, penalty)
    return fit_square(x, y, penalty, HIDDEN[table])


def accuracy(layers: Layers, x: np.ndarray, y: np.ndarray) -> float:
    for i, (weight, bias) in enumerate(layers):
        x = (x ** 2 if i > 0 else x) @ weight.T + bias
    return float((x.argmax(1) == y).mean())


def export(layers: Layers, softmax: bool, path: Path) -> None:
    nodes, tensors, value = [], [], "x"
    for i, (weight, bias) in enumerate(layers):
        if i > 0:
            nodes.append(helper.make_node("Mul", [value, value], [f"square{i}"]))
            value = f"square{i}"
        tensors += [numpy_helper.from_array(np.ascontiguousarray(weight, np.float32), f"weight{i}"),
                    numpy_helper.from_array(np.ascontiguousarray(bias, np.float32), f"bias{i}")]
        nodes.append(helper.make_node("Gemm", [value, f"weight{i}", f"bias{i}"], [f"scores{i}"], transB=1))
        value = f"scores{i}"
    if softmax:
        nodes.append(helper.make_node("Softmax", [value], ["probabilities"], axis=1))
        value = "probabilities"
    graph = helper.make_graph(
        nodes, path.stem, [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", layers[0][0].shape[1]])],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, ["N", 2])], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7,
                                producer_name="blindproof"), path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", default=list(HIDDEN), metavar="TABLE", help=", ".join(HIDDEN))
    parser.add_argument("--package", type=Path, help="r-cran-kernlab_*.deb (default: apt-get download)")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for table in options.tables:
        sides = load(table, options.package)
        x, y = sides["train"]
        for kind, penalties in PENALTIES.items():
            folds = list(StratifiedKFold(5, shuffle=True, random_state=1).split(x, y))
            validated = {penalty: float(np.mean([accuracy(fit(kind, table, x[a], y[a], penalty), x[b], y[b])
                                                 for a, b in folds])) for penalty in penalties}
            penalty = max(validated, key=validated.get)
            layers = fit(kind, table, x, y, penalty)
            name = f"{table.replace('-', '_')}_{kind}"
            export(layers, kind == "logistic", options.out / f"{name}.onnx")
            print(name, f"penalty {penalty} cross-validation {100 * validated[penalty]:.2f} %",
                  *(f"{side} {100 * accuracy(layers, *sides[side]):.2f} %" for side in ("train", "test")), flush=True)


if __name__ == "__main__":
    main()
