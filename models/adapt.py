#!/usr/bin/env python3
"""Adapt a trained network with ReLU and max pooling to encrypted inference.

    adapt.py mnist/mlp.onnx --data mnist_train.npz --test mnist/mnist_test.npz --out adapted.onnx --degree 2 --prune 0.5

1. ReLU becomes a polynomial with trainable coefficients, one set for each activation, first fitted to what the activation
   sees; max pooling becomes average pooling; the network is fine-tuned on its labels and on the original's answers.
2. --prune: whole cyclic diagonals of the dense layers become zero, the lightest first; fine-tuned again.
3. --weight-bits: fine-tuned with weights rounded as `blindproof model compile` rounds them.

Accuracy on the test samples is printed after each stage. A polynomial of degree 2 becomes a plain square, its
coefficients part of the layers around it, so that exact arithmetic takes the network too. One of degree 4, 6 or 8 has
the terms 1, x, x^2, x^4, ...: ReLU less x/2 is even.

Diagonals (docs/spec/fhe-programs.md, section 2): a layer of `rows` x `columns` has the periods D and P, the powers of two from
there up. Entries (r, c) with the same (c - r) mod min(P, D) share a diagonal; where copies in the --slots are turned, those
with the same (c - r) mod (P D / slots). The smaller of these moduli decides what is pruned together, unless it is below 8.
"""

from __future__ import annotations

import argparse
import copy
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional as F

LEAST_MODULUS = 8
TEMPERATURE = 2.0  # of the distillation


class Polynomial(nn.Module):
    """sum of coefficient[i] * x^power[i] over the powers 0, 1, 2, 4, 6, ... up to the degree."""

    def __init__(self, degree: int):
        super().__init__()
        if degree < 2 or degree > 8 or degree % 2:
            raise SystemExit("--degree: 2, 4, 6 or 8 (ReLU less x/2 is even: odd degrees gain nothing)")
        self.powers = [0, 1, *range(2, degree + 1, 2)]
        self.coefficients = nn.Parameter(torch.zeros(len(self.powers)))
        self.activity = torch.zeros(())

    def fit(self, seen: Tensor) -> float:
        """The nearest to ReLU in the mean of squares over these values / m, times 1/m. Returns m: the caller divides by it."""
        largest = float(torch.quantile(seen.abs(), 0.999)) or 1.0
        x = (seen / largest).clamp(-1, 1).double()
        basis = torch.stack([x ** p for p in self.powers], 1)
        ridge = 1e-6 * len(x) * torch.eye(len(self.powers), dtype=torch.float64)
        solution = torch.linalg.solve(basis.T @ basis + ridge, basis.T @ x.relu())
        self.coefficients.data = solution.float()
        return largest

    def forward(self, x: Tensor) -> Tensor:
        square = x * x
        y = self.coefficients[0] + self.coefficients[1] * x + self.coefficients[2] * square
        power = square
        for coefficient in self.coefficients[3:]:
            power = power * square
            y = y + coefficient * power
        self.activity = F.relu(x.abs() - 1).square().mean()  # beyond the fitted range
        return y


class Square(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * x


def pair(values: list[int]) -> tuple[int, int]:
    return values[0], values[1]


def read_network(path: Path) -> nn.Sequential:
    """A chain of Gemm, Conv, Relu, MaxPool, AveragePool and Flatten."""
    graph = onnx.load(path).graph
    tensors = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in graph.initializer}
    layers: list[nn.Module] = []
    value = graph.input[0].name
    for node in graph.node:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        weights = [tensors.get(name) for name in node.input[1:]]

        def refuse(why: str) -> SystemExit:
            return SystemExit(f"{path}: node '{node.name}' ({node.op_type}): {why}")

        if node.input[0] != value or any(w is None for w in weights):
            raise refuse("the network is not a plain chain of layers with constant weights")
        value = node.output[0]
        pads = attributes.get("pads", [0, 0, 0, 0])
        automatic = attributes.get("auto_pad", b"NOTSET") != b"NOTSET" or attributes.get("ceil_mode", 0)
        if automatic or pads[:2] != pads[2:] or any(d != 1 for d in attributes.get("dilations", [])):
            raise refuse("uneven or automatic padding, dilation and ceil_mode are not supported")
        if node.op_type == "Gemm":
            if attributes.get("alpha", 1.0) != 1 or attributes.get("beta", 1.0) != 1 or attributes.get("transA", 0):
                raise refuse("alpha, beta and transA are not supported")
            weight = weights[0] if attributes.get("transB", 0) else weights[0].T.contiguous()
            layer: nn.Module = nn.Linear(weight.shape[1], weight.shape[0])
            layer.weight.data = weight
            layer.bias.data = weights[1].reshape(-1) if len(weights) > 1 else torch.zeros(weight.shape[0])
        elif node.op_type == "Conv":
            weight, groups = weights[0], attributes.get("group", 1)
            layer = nn.Conv2d(weight.shape[1] * groups, weight.shape[0], weight.shape[2:], pair(attributes.get("strides", [1, 1])),
                              pair(pads), groups=groups)
            layer.weight.data = weight
            layer.bias.data = weights[1] if len(weights) > 1 else torch.zeros(weight.shape[0])
        elif node.op_type == "Relu":
            layer = nn.ReLU()
        elif node.op_type in ("MaxPool", "AveragePool"):
            kind = nn.MaxPool2d if node.op_type == "MaxPool" else nn.AvgPool2d
            if any(pads):
                raise refuse("padded pooling is not supported")
            layer = kind(pair(attributes["kernel_shape"]), pair(attributes.get("strides", [1, 1])))
        elif node.op_type == "Flatten":
            layer = nn.Flatten()
        else:
            raise refuse("only Gemm, Conv, Relu, MaxPool, AveragePool and Flatten are supported")
        layers.append(layer)
    return nn.Sequential(*layers)


def is_linear(layer: nn.Module) -> bool:
    return isinstance(layer, (nn.Linear, nn.Conv2d))


@torch.no_grad()
def replace(original: nn.Sequential, degree: int, x: Tensor) -> nn.Sequential:
    """Polynomials and averages in place of ReLU and maxima; `x` says what the activations see."""
    layers: list[nn.Module] = []
    for layer in copy.deepcopy(original):
        if isinstance(layer, nn.MaxPool2d):
            layer = nn.AvgPool2d(layer.kernel_size, layer.stride)
        elif isinstance(layer, nn.ReLU):
            before = next((l for l in reversed(layers) if is_linear(l)), None)
            if before is None or not is_linear(layers[-1]):
                raise SystemExit("an activation that doesn't follow a dense layer or a convolution is not supported")
            layer = Polynomial(degree)
            flat = x.flatten()
            largest = layer.fit(flat[torch.randperm(len(flat), generator=torch.Generator().manual_seed(0))[:100000]])
            before.weight /= largest
            before.bias /= largest
            x = x / largest
            # ReLU(m y) = m ReLU(y): the polynomial is of y, and its values are as large as ReLU's were.
            layer.coefficients *= largest
        x = layer(x)
        layers.append(layer)
    return nn.Sequential(*layers)


@dataclass
class Masks:
    """What of the dense layers is kept, by index in the network."""
    kept: dict[int, Tensor]

    def apply(self, model: nn.Sequential) -> None:
        with torch.no_grad():
            for index, mask in self.kept.items():
                model[index].weight *= mask


def power_of_two(count: int) -> int:
    return 1 << max(count - 1, 0).bit_length()


def diagonal_modulus(rows: int, columns: int, slots: int) -> int:
    small, large = sorted((power_of_two(rows), power_of_two(columns)))
    turned = small * large // slots
    return min(small, turned) if turned >= LEAST_MODULUS else small


def diagonals(weight: Tensor, modulus: int) -> Tensor:
    """For each entry, the number of its diagonal."""
    rows, columns = weight.shape
    return (torch.arange(columns)[None, :] - torch.arange(rows)[:, None]) % modulus


def count_diagonals(model: nn.Sequential, slots: int) -> list[str]:
    counts = []
    for layer in model:
        if isinstance(layer, nn.Linear):
            modulus = diagonal_modulus(*layer.weight.shape, slots)
            used = len(torch.unique(diagonals(layer.weight, modulus)[layer.weight != 0]))
            counts.append(f"{used} of {modulus}")
    return counts


def prune(model: nn.Sequential, share: float, slots: int) -> Masks:
    """Zeroes that share of the diagonals of each dense layer, those of the smallest norm."""
    kept = {}
    for index, layer in enumerate(model):
        if not isinstance(layer, nn.Linear):
            continue
        modulus = diagonal_modulus(*layer.weight.shape, slots)
        number = diagonals(layer.weight, modulus)
        norms = torch.zeros(modulus).index_add_(0, number.flatten(), layer.weight.detach().square().flatten())
        lightest = norms.argsort()[:int(share * modulus)]
        kept[index] = (~torch.isin(number, lightest)).float()
    masks = Masks(kept)
    masks.apply(model)
    return masks


def rounded(weight: Tensor, bits: int) -> Tensor:
    """Rounded to signed integers times one scale, as `model compile --per-tensor` does; the gradient passes unchanged."""
    step = weight.detach().abs().max() / (2 ** (bits - 1) - 1)
    if step == 0:
        return weight
    return weight + ((weight / step).round() * step - weight).detach()


def forward(model: nn.Sequential, x: Tensor, bits: int) -> Tensor:
    for layer in model:
        if bits and isinstance(layer, nn.Linear):
            x = F.linear(x, rounded(layer.weight, bits), layer.bias)
        elif bits and isinstance(layer, nn.Conv2d):
            x = F.conv2d(x, rounded(layer.weight, bits), layer.bias, layer.stride, layer.padding, groups=layer.groups)
        else:
            x = layer(x)
    return x


@torch.no_grad()
def accuracy(model: nn.Sequential, x: Tensor, y: Tensor, bits: int = 0) -> float:
    logits = torch.cat([forward(model, part, bits) for part in x.split(500)])
    return 100 * float((logits.argmax(1) == y).float().mean())


@dataclass(frozen=True)
class Tuning:
    epochs: int
    rate: float
    batch: int
    decay: float
    range_penalty: float
    augment: Callable[[Tensor, torch.Generator], Tensor]
    seed: int


def fine_tune(model: nn.Sequential, teacher: nn.Sequential, x: Tensor, y: Tensor, tuning: Tuning, masks: Masks, bits: int = 0) -> None:
    """Cross-entropy and distillation, half and half; ends with the running average of the weights."""
    generator = torch.Generator().manual_seed(tuning.seed)
    batch = min(tuning.batch, len(x))
    steps = tuning.epochs * (len(x) // batch)
    if steps == 0:
        return
    average = copy.deepcopy(model)
    weights = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() == 1]
    optimiser = torch.optim.AdamW([{"params": weights, "weight_decay": tuning.decay},
                                   {"params": others, "weight_decay": 0.0}], lr=tuning.rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, tuning.rate, max(steps, 2), pct_start=0.1)
    step = 0
    for _ in range(tuning.epochs):
        order = torch.randperm(len(x), generator=generator)
        for chosen in order[:len(x) // batch * batch].split(batch):
            inputs = tuning.augment(x[chosen], generator)
            with torch.no_grad():
                target = (teacher(inputs) / TEMPERATURE).softmax(1)
            logits = forward(model, inputs, bits)
            loss = 0.5 * F.cross_entropy(logits, y[chosen]) + \
                0.5 * TEMPERATURE ** 2 * F.cross_entropy(logits / TEMPERATURE, target)
            for layer in model:
                if isinstance(layer, Polynomial):
                    loss = loss + tuning.range_penalty * layer.activity
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            masks.apply(model)
            step += 1
            with torch.no_grad():
                for kept, new in zip(average.parameters(), model.parameters()):
                    kept.lerp_(new, 1 - min(0.998, step / (step + 10)))
    with torch.no_grad():
        for to, kept in zip(model.parameters(), average.parameters()):
            to.copy_(kept)
    masks.apply(model)


@torch.no_grad()
def with_squares(model: nn.Sequential) -> nn.Sequential:
    """a x^2 + b x + c = a ((x + b/2a)^2) + c - b^2/4a: what surrounds the square goes into the layers around it."""
    layers = list(copy.deepcopy(model))
    for i, layer in enumerate(layers):
        if not isinstance(layer, Polynomial) or len(layer.powers) != 3:
            continue
        after = next((l for l in layers[i:] if is_linear(l)), None)
        c, b, a = (float(v) for v in layer.coefficients)
        padded = isinstance(after, nn.Conv2d) and any(after.padding)  # a constant doesn't pass zeros at the border
        if after is None or padded or abs(a) < 1e-6:
            continue
        layers[i - 1].bias += b / (2 * a)
        constant = c - b * b / (4 * a)
        after.bias += constant * after.weight.flatten(1).sum(1)
        after.weight *= a
        layers[i] = Square()
    return nn.Sequential(*layers)


def export(model: nn.Sequential, shape: tuple[int, ...], outputs: int, path: Path) -> None:
    nodes, tensors = [], []
    value = "x"

    def add(kind: str, *inputs: str, **attributes: object) -> str:
        name = f"{kind.lower()}_{len(nodes)}"
        nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def constant(data: Tensor | float) -> str:
        name = f"constant_{len(tensors)}"
        tensors.append(numpy_helper.from_array(np.ascontiguousarray(torch.as_tensor(data, dtype=torch.float32).detach().numpy()), name))
        return name

    for layer in model:
        if isinstance(layer, nn.Linear):
            value = add("Gemm", value, constant(layer.weight), constant(layer.bias), transB=1)
        elif isinstance(layer, nn.Conv2d):
            value = add("Conv", value, constant(layer.weight), constant(layer.bias), kernel_shape=list(layer.kernel_size),
                        strides=list(layer.stride), pads=[*layer.padding, *layer.padding], group=layer.groups)
        elif isinstance(layer, nn.AvgPool2d):
            value = add("AveragePool", value, kernel_shape=list(layer.kernel_size), strides=list(layer.stride))
        elif isinstance(layer, nn.Flatten):
            value = add("Flatten", value)
        elif isinstance(layer, Square):
            value = add("Mul", value, value)
        elif isinstance(layer, Polynomial):
            # Powers as products of about equal degrees: the least depth.
            powers = {1: value, 2: add("Mul", value, value)}
            for p in layer.powers[3:]:
                powers[p] = add("Mul", powers[2 * ((p + 2) // 4)], powers[p - 2 * ((p + 2) // 4)])
            terms = [add("Mul", powers[p], constant(c)) for p, c in zip(layer.powers[1:], layer.coefficients[1:])]
            value = terms[0]
            for term in terms[1:]:
                value = add("Add", value, term)
            value = add("Add", value, constant(layer.coefficients[0]))
        else:
            raise SystemExit(f"{type(layer).__name__} can't be exported")
    nodes[-1].output[0] = "logits"
    graph = helper.make_graph(nodes, path.stem, [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", *shape])],
                              [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", outputs])], tensors)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7, producer_name="blindproof")
    onnx.checker.check_model(proto)
    onnx.save(proto, path)


def read_samples(path: Path) -> tuple[Tensor, Tensor]:
    with np.load(path) as arrays:
        return torch.from_numpy(arrays["x"].astype(np.float32)), torch.from_numpy(arrays["y"].astype(np.int64))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", type=Path, help="ONNX: a chain of Gemm, Conv, Relu, MaxPool, AveragePool, Flatten")
    parser.add_argument("--data", type=Path, required=True, help=".npz with x and y to train on")
    parser.add_argument("--test", type=Path, required=True, help=".npz with x and y for the accuracies that are printed")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--degree", type=int, default=2, help="of the polynomials: 2 (squares), 4, 6, 8")
    parser.add_argument("--prune", type=float, default=0.0, metavar="SHARE", help="of the diagonals of dense layers, below 1")
    parser.add_argument("--slots", type=int, default=8192, help="of the ciphertexts: N/2 (model lower prints N)")
    parser.add_argument("--weight-bits", type=int, default=0, help="fine-tune for weights of so many bits, 2 to 16")
    parser.add_argument("--epochs", type=int, default=40, help="of each stage")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--augment", action="store_true", help="turn, scale and shift images (as mnist/train.py does)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    if not 0 <= options.prune < 1:
        parser.error("--prune: from 0 to below 1")
    if options.weight_bits and not 2 <= options.weight_bits <= 16:
        parser.error("--weight-bits: 2 to 16")
    if options.slots < 2 or options.slots & (options.slots - 1):
        parser.error("--slots: a power of two")
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)

    teacher = read_network(options.network)
    (x, y), (test_x, test_y) = read_samples(options.data), read_samples(options.test)
    change: Callable[[Tensor, torch.Generator], Tensor] = lambda inputs, _: inputs
    if options.augment:
        sys.path.insert(0, str(Path(__file__).resolve().parent / "mnist"))
        from train import augment
        change = lambda inputs, generator: augment(inputs, 1.0, generator)
    tuning = Tuning(options.epochs, options.rate, options.batch, 2e-2, 1.0, change, options.seed)

    def report(stage: str, model: nn.Sequential, bits: int = 0) -> None:
        print(f"{stage:32} {accuracy(model, test_x, test_y, bits):6.2f} %", flush=True)

    report("original", teacher)
    model = replace(teacher, options.degree, x[:1000])
    report(f"polynomials of degree {options.degree}", model)
    masks = Masks({})
    fine_tune(model, teacher, x, y, tuning, masks)
    report("  fine-tuned", model)
    print(f"{'  diagonals':32} {', '.join(count_diagonals(model, options.slots))}")
    if options.prune > 0:
        masks = prune(model, options.prune, options.slots)
        report(f"{100 * options.prune:.0f} % of diagonals pruned", model)
        fine_tune(model, teacher, x, y, tuning, masks)
        report("  fine-tuned", model)
        print(f"{'  diagonals':32} {', '.join(count_diagonals(model, options.slots))}")
    if options.weight_bits:
        report(f"weights of {options.weight_bits} bits", model, options.weight_bits)
        fine_tune(model, teacher, x, y, tuning, masks, options.weight_bits)
        report("  fine-tuned", model, options.weight_bits)
    model = with_squares(model)
    report("exported", model, options.weight_bits)
    export(model, tuple(x.shape[1:]), model(x[:1]).shape[1], options.out)


if __name__ == "__main__":
    main()
