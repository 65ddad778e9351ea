#!/usr/bin/env python3
"""Tests of adapt.py on a small network and a few steps. With the program's path as argument, that it takes the results.

Exit code 77 (skipped) where torch or onnx isn't installed.
"""
import contextlib
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

try:
    import numpy as np
    import onnx
    import torch
    from onnx.reference import ReferenceEvaluator
except ImportError as error:
    print(f"skipped: {error} (models/requirements.txt lists what training takes)")
    sys.exit(77)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import adapt

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else None
SLOTS = 32  # few, so that copies of small layers would be turned


def make_network() -> torch.nn.Sequential:
    torch.manual_seed(3)
    nn = torch.nn
    return nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                         nn.Linear(48, 20), nn.ReLU(), nn.Linear(20, 4))


class AdaptTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.teacher = make_network()
        x = torch.rand(256, 1, 8, 8, generator=torch.Generator().manual_seed(4))
        with torch.no_grad():
            y = self.teacher(x).argmax(1)
        np.savez(self.folder / "data.npz", x=x.numpy(), y=y.numpy())
        self.x = x
        # Written as the ReLU network's own exporter would.
        nodes, tensors = [], []
        for i, (kind, attributes) in enumerate([("Conv", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}), ("Relu", {}),
                                                ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2]}), ("Flatten", {}),
                                                ("Gemm", {"transB": 1}), ("Relu", {}), ("Gemm", {"transB": 1})]):
            inputs = ["x" if i == 0 else f"v{i - 1}"]
            if kind in ("Conv", "Gemm"):
                for name in ("weight", "bias"):
                    tensors.append(onnx.numpy_helper.from_array(getattr(self.teacher[i], name).detach().numpy(), f"{name}{i}"))
                    inputs.append(f"{name}{i}")
            nodes.append(onnx.helper.make_node(kind, inputs, [f"v{i}"], name=f"node {i}", **attributes))
        self.write(nodes, tensors)

    def write(self, nodes, tensors):
        info = onnx.helper.make_tensor_value_info
        graph = onnx.helper.make_graph(nodes, "net", [info("x", onnx.TensorProto.FLOAT, ["N", 1, 8, 8])],
                                       [info(nodes[-1].output[0], onnx.TensorProto.FLOAT, ["N", 4])], tensors)
        onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=7), self.folder / "net.onnx")

    def adapt(self, *options):
        data, out = str(self.folder / "data.npz"), self.folder / "out.onnx"
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            adapt.main([str(self.folder / "net.onnx"), "--data", data, "--test", data, "--out", str(out), "--epochs", "2",
                        "--slots", str(SLOTS), *options])
        accuracies = [float(line.split()[-2]) for line in printed.getvalue().splitlines() if line.endswith("%")]
        return onnx.load(out), accuracies

    def answers(self, network):
        return ReferenceEvaluator(network).run(None, {"x": self.x.numpy()})[0]

    def check_program(self, arithmetic):
        if PROGRAM is None:
            return
        for command in (["model", "compile", "out.onnx", "--calibration", "data.npz", "--arithmetic", arithmetic,
                         "--max-accuracy-loss", "100", "--out", "out.bpm"],
                        ["model", "lower", "out.bpm", "--level", "fhe", "--no-model-privacy", "--out", "out.bpf"]):
            run = subprocess.run([PROGRAM, *command, "--json"], cwd=self.folder, capture_output=True, text=True)
            self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
            json.loads(run.stdout)

    def test_reads_the_network_that_the_file_holds(self):
        read = adapt.read_network(self.folder / "net.onnx")
        with torch.no_grad():
            torch.testing.assert_close(read(self.x), self.teacher(self.x))

    def test_degree_two_leaves_plain_squares_and_averages(self):
        network, accuracies = self.adapt("--degree", "2")
        kinds = [node.op_type for node in network.graph.node]
        self.assertEqual(kinds, ["Conv", "Mul", "AveragePool", "Flatten", "Gemm", "Mul", "Gemm"])
        right = 100 * (self.answers(network).argmax(1) == np.load(self.folder / "data.npz")["y"]).mean()
        self.assertAlmostEqual(right, accuracies[-1], delta=0.5)
        self.check_program("exact")

    def test_higher_degrees_compute_what_was_trained(self):
        for degree in (4, 6, 8):
            with self.subTest(degree=degree):
                network, accuracies = self.adapt("--degree", str(degree))
                right = 100 * (self.answers(network).argmax(1) == np.load(self.folder / "data.npz")["y"]).mean()
                self.assertAlmostEqual(right, accuracies[-1], delta=0.5)
                self.check_program("rescaled")

    def test_folding_squares_changes_no_answer(self):
        model = adapt.replace(self.teacher, 2, self.x)
        with torch.no_grad():
            torch.testing.assert_close(adapt.with_squares(model)(self.x), model(self.x), rtol=1e-4, atol=1e-4)

    def test_fitted_polynomials_come_near_to_relu_on_what_was_seen(self):
        seen = torch.randn(5000, generator=torch.Generator().manual_seed(5))
        worst = {}
        for degree in (2, 4, 6, 8):
            polynomial = adapt.Polynomial(degree)
            largest = polynomial.fit(seen)
            x = (seen / largest).clamp(-1, 1)
            worst[degree] = float((polynomial(x) - x.relu()).abs().square().mean())
        self.assertEqual(sorted(worst.values(), reverse=True), list(worst.values()))
        self.assertLess(worst[8], 2e-4)

    def test_pruned_diagonals_are_empty_in_the_file(self):
        network, _ = self.adapt("--degree", "2", "--prune", "0.5")
        weights = [onnx.numpy_helper.to_array(t) for t in network.graph.initializer]
        dense = [w for w in weights if w.ndim == 2]
        self.assertEqual(len(dense), 2)
        for weight in dense:
            modulus = adapt.diagonal_modulus(*weight.shape, SLOTS)
            used = {(c - r) % modulus for r, c in zip(*np.nonzero(weight))}
            self.assertEqual(len(used), modulus - modulus // 2)
        self.check_program("exact")

    def test_quantised_training_rounds_as_the_compiler_does(self):
        weight = torch.randn(7, 9, generator=torch.Generator().manual_seed(6))
        step = float(weight.abs().max()) / 7
        integers = adapt.rounded(weight, 4) / step
        torch.testing.assert_close(integers, integers.round(), rtol=0, atol=1e-4)
        self.assertLessEqual(float((adapt.rounded(weight, 4) - weight).abs().max()), step / 2 + 1e-6)
        self.assertEqual(float(adapt.rounded(torch.zeros(2, 2), 4).abs().max()), 0)
        self.adapt("--degree", "2", "--weight-bits", "5")

    def test_refuses_what_it_does_not_understand_by_name(self):
        node = onnx.helper.make_node("Sigmoid", ["x"], ["y"], name="strange")
        self.write([node], [])
        with self.assertRaisesRegex(SystemExit, "strange"):
            adapt.read_network(self.folder / "net.onnx")
        with self.assertRaisesRegex(SystemExit, "--degree"):
            adapt.Polynomial(3)


if __name__ == "__main__":
    unittest.main()
