"""Models, their public keys, and proofs of their answers."""
from __future__ import annotations

import dataclasses
import pathlib
from typing import Any, Optional

import numpy as np

from ._program import Input, PathLike, call, input_file, optional_input_file, options
from .encrypted import Program, Spec


@dataclasses.dataclass(frozen=True)
class Run:
    """Outputs of a model in the clear, one row for each sample; classes and accuracy where outputs are scores and labels are known."""
    outputs: np.ndarray
    classes: Optional[list[int]]
    accuracy: Optional[float]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a proof shows. `output` are the model's integers, None if they are hidden; `report` is all that the program says."""
    model_id: str
    output: Optional[np.ndarray]
    report: dict[str, Any]


class ModelKey:
    """NET.bpk: what everybody may have, and proofs are verified against."""

    def __init__(self, path: PathLike):
        self.path = pathlib.Path(path)

    @property
    def id(self) -> str:
        return call("model", "inspect", self.path)["model_id"]

    def check(self) -> dict[str, Any]:
        """Verifies its registration: that every parameter is in its range."""
        return call("model", "check", self.path)


class Proof:
    """P.bpp. `opening` is the file that opens what the proof hides, for its maker to keep."""

    def __init__(self, path: PathLike, opening: Optional[PathLike] = None, report: Optional[dict[str, Any]] = None):
        self.path = pathlib.Path(path)
        self.opening = pathlib.Path(opening) if opening else None
        self.report = report or {}

    def verify(self, key: ModelKey, *, input: Optional[Input] = None, index: Optional[int] = None, output: Optional[Input] = None,
               opening: Optional[PathLike] = None, context: Optional[bytes] = None) -> Verdict:
        """That this model gave this answer. Raises Rejected, naming the check, if the proof doesn't show it; whatever is given besides must agree."""
        with optional_input_file(input) as x, optional_input_file(output) as y:
            report = call("verify", self.path, "--model-key", key.path, *options(
                input=x, index=index, output=y, opening=opening, context=None if context is None else context.hex()))
        values = report["output"].get("values")
        return Verdict(report["model_id"], None if values is None else np.array(values, dtype=object if _large(values) else np.int64), report)


class Model:
    """NET.bpm: the owner's; it has the weights."""

    def __init__(self, path: PathLike, report: Optional[dict[str, Any]] = None):
        self.path = pathlib.Path(path)
        self.report = report or {}

    def commit(self, out: PathLike) -> ModelKey:
        call("model", "commit", self.path, "--out", out)
        return ModelKey(out)

    def run(self, x: Input, *, index: Optional[int] = None, float_network: bool = False, dequantize: bool = False) -> Run:
        """In the clear: integers as proofs see them, reals with `dequantize`, or the float network's outputs."""
        with input_file(x) as path:
            report = call("model", "run", self.path, "--input", path, *options(index=index, float=float_network, dequantize=dequantize))
        return Run(np.array(report["outputs"]), report.get("classes"), report.get("accuracy"))

    def prove(self, x: Input, key: ModelKey, out: PathLike, *, index: Optional[int] = None, hide_input: bool = False, hide_output: bool = False,
              context: Optional[bytes] = None) -> Proof:
        with input_file(x) as path:
            report = call("prove", self.path, "--model-key", key.path, "--input", path, "--out", out, *options(
                index=index, hide_input=hide_input, hide_output=hide_output, context=None if context is None else context.hex()))
        return Proof(out, report.get("opening"), report)

    def lower(self, level: str, out: PathLike, **how: Any) -> Program:
        """A program on ciphertexts at level "fhe" or "hybrid"; `how` are the options of `model lower`, as model_privacy=40 or scheme="bfv"."""
        report = call("model", "lower", self.path, "--level", level, "--out", out, *options(**how))
        return Program(out, Spec(pathlib.Path(out).with_suffix(".bpc")), report)


def compile_model(network: PathLike, calibration: Input, out: PathLike, *, arithmetic: Optional[str] = None, weight_bits: Optional[int] = None,
                  activation_bits: Optional[int] = None, max_accuracy_loss: Optional[float] = None) -> Model:
    """An ONNX network to integers. `calibration`: samples, or an .npz file with samples x and their classes y."""
    with input_file(calibration) as samples:
        report = call("model", "compile", network, "--calibration", samples, "--out", out, *options(
            arithmetic=arithmetic, weight_bits=weight_bits, activation_bits=activation_bits, max_accuracy_loss=max_accuracy_loss))
    return Model(out, report)


def _large(values: list[Any]) -> bool:
    return any(abs(int(v)) >= 2**63 for v in values)
