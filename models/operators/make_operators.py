#!/usr/bin/env python3
"""Build the small operator-coverage models of this folder and their reference outputs.

Every model NAME.onnx comes with NAME.npz: `x`, 64 inputs, and `y_float`, what onnxruntime computes
from them, one input at a time, in float32 (class indices and probabilities included).
"""

from __future__ import annotations

import argparse
import zlib
from pathlib import Path
from typing import Callable

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

COUNT = 64
IR_VERSION = {7: 3, 13: 7, 17: 8, 21: 10}


class Net:
    """A graph under construction; each method returns the name of the tensor it makes."""

    def __init__(self, name: str, shape: tuple[int, ...], opset: int = 13, batch: int | str = "N"):
        self.name, self.shape, self.opset, self.batch = name, shape, opset, batch
        self.rng = np.random.default_rng(zlib.crc32(name.encode()))
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []

    def op(self, kind: str, *inputs: str, **attributes: object) -> str:
        out = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [out], name=out, **attributes))
        return out

    def tensor(self, value: np.ndarray) -> str:
        name = f"w{len(self.tensors)}"
        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def values(self, *shape: int, scale: float) -> np.ndarray:
        return (self.rng.standard_normal(shape) * scale).astype(np.float32)

    def weight(self, *shape: int, fan_in: int) -> str:
        return self.tensor(self.values(*shape, scale=(2 / fan_in) ** 0.5))

    def bias(self, size: int) -> str:
        return self.tensor(self.values(size, scale=0.1))

    def conv(self, x: str, inputs: int, outputs: int, kernel: int, bias: bool = True,
             group: int = 1, **attributes: object) -> str:
        shape = (outputs, inputs // group, kernel, kernel)
        tensors = [self.weight(*shape, fan_in=inputs // group * kernel * kernel)]
        if bias:
            tensors.append(self.bias(outputs))
        return self.op("Conv", x, *tensors, kernel_shape=[kernel, kernel], group=group, **attributes)

    def gemm(self, x: str, inputs: int, outputs: int, transposed: bool = True,
             **attributes: object) -> str:
        shape = (outputs, inputs) if transposed else (inputs, outputs)
        return self.op("Gemm", x, self.weight(*shape, fan_in=inputs), self.bias(outputs),
                       transB=int(transposed), **attributes)

    def norm(self, x: str, channels: int) -> str:
        parts = [1 + self.values(channels, scale=0.2), self.values(channels, scale=0.2),
                 self.values(channels, scale=0.2),
                 self.rng.uniform(0.5, 1.5, channels).astype(np.float32)]
        return self.op("BatchNormalization", x, *map(self.tensor, parts), epsilon=1e-5)

    def head(self, x: str, features: int, outputs: int = 5) -> str:
        return self.gemm(self.op("Flatten", x), features, outputs)

    def model(self, output: str) -> onnx.ModelProto:
        kind = TensorProto.INT64 if self.nodes[-1].op_type == "ArgMax" else TensorProto.FLOAT
        inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [self.batch, *self.shape])]
        if IR_VERSION[self.opset] < 4:  # initializers were graph inputs too
            inputs += [helper.make_tensor_value_info(t.name, t.data_type, t.dims)
                       for t in self.tensors]
        self.nodes[-1].output[0] = "y"
        outputs = [helper.make_tensor_value_info("y", kind, None)]
        graph = helper.make_graph(self.nodes, self.name, inputs, outputs, self.tensors)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)],
                                  ir_version=IR_VERSION[self.opset], producer_name="blindproof")
        model = onnx.shape_inference.infer_shapes(model)
        del model.graph.value_info[:]
        onnx.checker.check_model(model, full_check=True)
        return model


MODELS: dict[str, tuple[tuple[int, ...], int, int | str, Callable[[Net], str]]] = {}


def operators(*shape: int, opset: int = 13, batch: int | str = "N") -> Callable:
    def register(build: Callable[[Net], str]) -> Callable[[Net], str]:
        MODELS[build.__name__] = (shape, opset, batch, build)
        return build
    return register


@operators(12)
def gemm_alpha_beta(n: Net) -> str:
    x = n.op("Relu", n.gemm("x", 12, 10, transposed=False, alpha=0.5, beta=2.0))
    return n.gemm(x, 10, 5, alpha=1.5, beta=0.25)


@operators(12, opset=17)
def matmul_add(n: Net) -> str:
    x = n.op("MatMul", "x", n.weight(12, 9, fan_in=12))
    x = n.op("Relu", n.op("Add", x, n.bias(9)))
    return n.op("Add", n.bias(5), n.op("MatMul", x, n.weight(9, 5, fan_in=9)))


@operators(3, 9, 8, batch=1)
def conv_stride_pad(n: Net) -> str:  # pads: top, left, bottom, right; output 5 x 4
    x = n.op("Relu", n.conv("x", 3, 5, 3, strides=[2, 2], pads=[1, 0, 2, 1]))
    return n.head(x, 5 * 5 * 4)


@operators(2, 10, 10)
def conv_dilation(n: Net) -> str:
    x = n.op("Relu", n.conv("x", 2, 5, 3, dilations=[2, 2]))
    return n.head(x, 5 * 6 * 6)


@operators(6, 7, 7)
def conv_groups(n: Net) -> str:
    x = n.op("Relu", n.conv("x", 6, 10, 3, group=2))
    return n.head(x, 10 * 5 * 5)


@operators(3, 8, 8, opset=17)
def conv_depthwise_1x1(n: Net) -> str:
    x = n.op("Relu", n.conv("x", 3, 6, 3, group=3, pads=[1, 1, 1, 1]))
    x = n.op("Relu", n.conv(x, 6, 5, 1))
    return n.head(x, 5 * 8 * 8, 3)


@operators(3, 8, 8)
def conv_no_bias(n: Net) -> str:
    x = n.op("Relu", n.conv("x", 3, 4, 3, bias=False))
    return n.head(n.conv(x, 4, 3, 2, bias=False), 3 * 5 * 5)


@operators(3, 8, 11)
def conv_same_upper(n: Net) -> str:  # pads 0 + 1 rows, 1 + 1 columns; output 4 x 6
    x = n.op("Relu", n.conv("x", 3, 5, 3, strides=[2, 2], auto_pad="SAME_UPPER"))
    x = n.conv(x, 5, 4, 2, auto_pad="SAME_UPPER")
    return n.head(x, 4 * 4 * 6)


@operators(3, 8, 8)
def conv_batchnorm(n: Net) -> str:
    x = n.op("Relu", n.norm(n.conv("x", 3, 5, 3), 5))
    x = n.norm(n.conv(x, 5, 4, 3, bias=False, pads=[1, 1, 1, 1]), 4)
    return n.head(x, 4 * 6 * 6)


@operators(3, 6, 6)
def batchnorm_alone(n: Net) -> str:  # before a padded convolution, and after a Relu
    x = n.conv(n.norm("x", 3), 3, 5, 3, pads=[1, 1, 1, 1])
    x = n.norm(n.op("Relu", x), 5)
    return n.head(n.op("Relu", x), 5 * 6 * 6)


@operators(12)
def relu(n: Net) -> str:
    return n.op("Relu", n.gemm(n.op("Relu", "x"), 12, 8))


@operators(12)
def clip_inputs(n: Net) -> str:
    def limit(value: float) -> str:
        return n.tensor(np.array(value, np.float32))
    x = n.op("Clip", n.gemm("x", 12, 10), limit(-0.5), limit(0.75))
    x = n.op("Clip", n.gemm(x, 10, 8), limit(0.0))
    x = n.op("Clip", n.gemm(x, 8, 6), "", limit(0.5))
    return n.gemm(x, 6, 5)


@operators(12, opset=7)
def clip_attributes(n: Net) -> str:
    x = n.op("Clip", n.gemm("x", 12, 10), min=0.0, max=1.0)
    return n.gemm(x, 10, 5)


@operators(2, 8, 8, opset=7)
def opset7_cnn(n: Net) -> str:
    x = n.op("Relu", n.norm(n.conv("x", 2, 4, 3), 4))
    x = n.op("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    return n.op("Softmax", n.head(x, 4 * 3 * 3), axis=1)


@operators(12)
def sigmoid(n: Net) -> str:
    x = n.op("Sigmoid", n.gemm("x", 12, 10))
    return n.op("Sigmoid", n.gemm(x, 10, 5))


@operators(12)
def tanh(n: Net) -> str:
    x = n.op("Tanh", n.gemm("x", 12, 10))
    return n.op("Tanh", n.gemm(x, 10, 5))


@operators(12)
def gelu_erf(n: Net) -> str:
    x = n.gemm("x", 12, 10)  # as PyTorch writes it
    y = n.op("Erf", n.op("Div", x, n.tensor(np.array(2 ** 0.5, np.float32))))
    y = n.op("Mul", x, n.op("Add", y, n.tensor(np.array(1, np.float32))))
    return n.gemm(n.op("Mul", y, n.tensor(np.array(0.5, np.float32))), 10, 5)


@operators(12, opset=21)
def gelu(n: Net) -> str:
    x = n.op("Gelu", n.gemm("x", 12, 10))
    return n.gemm(n.op("Gelu", n.gemm(x, 10, 8), approximate="tanh"), 8, 5)


@operators(12)
def silu(n: Net) -> str:
    x = n.gemm("x", 12, 10)
    return n.gemm(n.op("Mul", x, n.op("Sigmoid", x)), 10, 5)


@operators(3, 8, 8, opset=17)
def residual_add(n: Net) -> str:
    stem = n.op("Relu", n.conv("x", 3, 5, 3, strides=[2, 2], pads=[1, 1, 1, 1]))
    x = n.op("Relu", n.conv(stem, 5, 5, 3, pads=[1, 1, 1, 1]))
    x = n.conv(x, 5, 5, 3, pads=[1, 1, 1, 1])
    return n.head(n.op("Relu", n.op("Add", x, stem)), 5 * 4 * 4)


@operators(12)
def sub_branches(n: Net) -> str:
    x = n.op("Sub", n.op("Relu", n.gemm("x", 12, 9)), n.gemm("x", 12, 9))
    return n.gemm(n.op("Relu", x), 9, 5)


@operators(12)
def mul_branches(n: Net) -> str:
    x = n.op("Mul", n.op("Relu", n.gemm("x", 12, 9)), n.gemm("x", 12, 9))
    return n.gemm(x, 9, 5)


@operators(3, 6, 6)
def constant_operands(n: Net) -> str:  # (x - mean) * scale per channel, then scalars
    def channels(low: float, high: float) -> str:
        return n.tensor(n.rng.uniform(low, high, (1, 3, 1, 1)).astype(np.float32))
    x = n.op("Mul", n.op("Sub", "x", channels(-0.3, 0.3)), channels(0.7, 1.3))
    x = n.op("Relu", n.conv(x, 3, 4, 3, pads=[1, 1, 1, 1]))
    x = n.op("Mul", n.op("Add", x, n.tensor(np.array(0.25, np.float32))),
             n.tensor(np.array([0.75], np.float32)))
    return n.head(x, 4 * 6 * 6)


@operators(12)
def pow2(n: Net) -> str:
    x = n.op("Pow", n.gemm("x", 12, 9), n.tensor(np.array(2, np.float32)))
    return n.gemm(x, 9, 5)


@operators(2, 8, 8)
def maxpool(n: Net) -> str:
    x = n.op("Relu", n.conv("x", 2, 5, 3, pads=[1, 1, 1, 1]))
    x = n.op("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    return n.head(x, 5 * 4 * 4)


@operators(2, 9, 8)
def maxpool_pad(n: Net) -> str:  # negative values reach the pool; ceil_mode = 1 would give 5 x 5
    x = n.conv("x", 2, 5, 3, pads=[1, 1, 1, 1])
    x = n.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=0)
    return n.head(x, 5 * 5 * 4)


@operators(2, 8, 8)
def avgpool(n: Net) -> str:
    x = n.op("Relu", n.conv("x", 2, 5, 3, pads=[1, 1, 1, 1]))
    x = n.op("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
    return n.head(x, 5 * 4 * 4)


@operators(2, 9, 8)
def avgpool_pad(n: Net) -> str:
    x = n.op("Relu", n.conv("x", 2, 5, 3, pads=[1, 1, 1, 1]))
    x = n.op("AveragePool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1],
             count_include_pad=1)
    return n.head(x, 5 * 5 * 4)


@operators(3, 7, 7, opset=21)
def global_avgpool(n: Net) -> str:
    x = n.op("Relu", n.conv("x", 3, 6, 3))
    return n.head(n.op("GlobalAveragePool", x), 6)


@operators(3, 4, 4)
def flatten(n: Net) -> str:
    x = n.op("Relu", n.head("x", 48, 10))
    return n.gemm(x, 10, 5)


@operators(6, 4, 4)
def reshape_initializer(n: Net) -> str:
    x = n.op("Reshape", "x", n.tensor(np.array([0, 16, 6], np.int64)))
    x = n.op("Transpose", x, perm=[0, 2, 1])
    return n.head(x, 96)


@operators(6, 4, 4, opset=17, batch=1)
def reshape_constant(n: Net) -> str:
    def shape(*sizes: int) -> str:
        return n.op("Constant", value=numpy_helper.from_array(np.array(sizes, np.int64)))
    x = n.op("Reshape", "x", shape(1, 16, 6))
    x = n.op("Reshape", n.op("Transpose", x, perm=[0, 2, 1]), shape(-1, 96))
    return n.gemm(n.op("Relu", n.gemm(x, 96, 10)), 10, 5)


@operators(3, 6, 5, opset=21)
def transpose(n: Net) -> str:
    x = n.op("Relu", n.conv("x", 3, 4, 3))
    return n.head(n.op("Transpose", x, perm=[0, 2, 3, 1]), 4 * 4 * 3)


@operators(12)
def identity_constant(n: Net) -> str:  # weights from Constant nodes, one of them through Identity
    def constant(*shape: int, scale: float) -> str:
        return n.op("Constant", value=numpy_helper.from_array(n.values(*shape, scale=scale)))
    weight = n.op("Identity", constant(9, 12, scale=0.4))
    x = n.op("Gemm", n.op("Identity", "x"), weight, constant(9, scale=0.1), transB=1)
    x = n.op("Gemm", n.op("Relu", x), constant(9, 5, scale=0.4), constant(5, scale=0.1))
    return n.op("Identity", x)


@operators(12)
def softmax(n: Net) -> str:
    x = n.op("Relu", n.gemm("x", 12, 9))
    return n.op("Softmax", n.gemm(x, 9, 5), axis=-1)


@operators(12)
def argmax(n: Net) -> str:
    x = n.op("Relu", n.gemm("x", 12, 9))
    return n.op("ArgMax", n.gemm(x, 9, 5), axis=1, keepdims=0)


@operators(2, 6, 6, opset=17)
def external_data(n: Net) -> str:  # the tensors are in external_data.bin
    x = n.op("Relu", n.conv("x", 2, 4, 3))
    return n.head(x, 4 * 4 * 4)


def reference(path: Path, x: np.ndarray, output: int = 0) -> np.ndarray:
    """What onnxruntime computes, one input at a time."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    rows = [session.run(None, {name: x[i:i + 1]})[output] for i in range(len(x))]
    return np.concatenate(rows).astype(np.float32)


def save(path: Path, x: np.ndarray, output: int = 0) -> None:
    y = reference(path, x, output)
    np.savez_compressed(path.with_suffix(".npz"), x=x, y_float=y)
    model = onnx.load(path)
    kinds = sorted({node.op_type for node in model.graph.node})
    opsets = ", ".join(f"{o.domain or 'ai.onnx'} {o.version}" for o in model.opset_import)
    print(f"| `{path.name}` | {', '.join(kinds)} | {opsets} |")


def make_plain(folder: Path) -> None:
    for name, (shape, opset, batch, build) in MODELS.items():
        net = Net(name, shape, opset, batch)
        model = net.model(build(net))
        path = folder / f"{name}.onnx"
        if name == "external_data":
            (folder / "external_data.bin").unlink(missing_ok=True)
            onnx.save(model, path, save_as_external_data=True, location="external_data.bin",
                      size_threshold=0)
            (folder / "external_data.bin").chmod(0o644)
        else:
            onnx.save(model, path)
        save(path, net.rng.uniform(-1, 1, (COUNT, *shape)).astype(np.float32))


def make_sklearn(folder: Path) -> None:
    """Classifiers of scikit-learn's 8 x 8 digits (pixels 0 to 16), exported by skl2onnx."""
    from skl2onnx import to_onnx
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def mlp() -> MLPClassifier:
        return MLPClassifier((24, 16), alpha=0.1, max_iter=300, random_state=1)

    x, y = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(
        x.astype(np.float32), y, test_size=0.25, random_state=1, stratify=y)
    for name, model in {
        "sklearn_mlp": mlp(),
        "sklearn_logreg": LogisticRegression(C=0.01, max_iter=1000, random_state=1),
        "sklearn_scaler_mlp": make_pipeline(StandardScaler(), mlp()),
    }.items():
        model.fit(x_train, y_train)
        path = folder / f"{name}.onnx"
        exported = to_onnx(model, x_train[:1], options={"zipmap": False},
                           target_opset={"": 17, "ai.onnx.ml": 3})
        exported.graph.name = name
        path.write_bytes(exported.SerializeToString())
        save(path, x_test[:COUNT], output=1)
        print(f"  test accuracy {100 * model.score(x_test, y_test):.1f} %")


def make_torch(folder: Path) -> None:
    """A small network exported by PyTorch's current (torch.export) exporter."""
    import torch
    from torch import nn

    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Conv2d(3, 5, 3, stride=2, padding=1), nn.BatchNorm2d(5), nn.ReLU(),
        nn.Conv2d(5, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(6 * 3 * 3, 12), nn.Tanh(), nn.Linear(12, 5))
    for layer in model:
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight)
    model(torch.rand(256, 3, 12, 12) * 2 - 1)  # gives the normalisation its statistics
    path = folder / "torch_dynamo_cnn.onnx"
    program = torch.onnx.export(
        model.eval(), (torch.zeros(1, 3, 12, 12),), dynamo=True, input_names=["x"],
        output_names=["y"], external_data=False, verbose=False)
    exported = program.model_proto
    for node in [*exported.graph.node, *exported.graph.input, *exported.graph.output]:
        del node.metadata_props[:]  # stack traces with paths of the exporting machine
    onnx.save(exported, path)
    rng = np.random.default_rng(1)
    save(path, rng.uniform(-1, 1, (COUNT, 3, 12, 12)).astype(np.float32))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", default=["plain", "sklearn", "torch"], metavar="GROUP",
                        help="any of plain, sklearn, torch (default: all)")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()
    makers = {"plain": make_plain, "sklearn": make_sklearn, "torch": make_torch}
    for group in options.groups:
        makers[group](options.out)


if __name__ == "__main__":
    main()
