"""Encrypted inference: programs, what clients know of them, keys, ciphertexts."""
from __future__ import annotations

import dataclasses
import pathlib
from typing import TYPE_CHECKING, Any, Optional

import numpy as np

from ._program import Input, PathLike, call, input_file, options, secret_file

if TYPE_CHECKING:
    from .model import ModelKey, Proof


class Spec:
    """NET.bpc: all that a client needs of a model, and nothing of its weights."""

    def __init__(self, path: PathLike):
        self.path = pathlib.Path(path)


class Ciphertext:
    """X.bpct or Y.bpct."""

    def __init__(self, path: PathLike, report: Optional[dict[str, Any]] = None):
        self.path = pathlib.Path(path)
        self.report = report or {}


@dataclasses.dataclass(frozen=True)
class Decrypted:
    """A model's outputs, one row for each record of a batch; classes where they are scores."""
    values: np.ndarray
    classes: Optional[list[int]]
    report: dict[str, Any]


class Keys:
    """A folder with secret.bpsk, which stays here, public.bppk and, but for the level hybrid, eval.bpek for those who compute."""

    def __init__(self, folder: PathLike, passphrase_file: Optional[PathLike] = None):
        self.folder = pathlib.Path(folder)
        self._passphrase_file = passphrase_file

    @classmethod
    def generate(cls, folder: PathLike, *, spec: Optional[Spec] = None, parameters: Optional[str] = None, rotations: Optional[list[int]] = None,
                 passphrase_file: Optional[PathLike] = None) -> Keys:
        """For a model's spec, or a named set of parameters. Keys are never overwritten."""
        call("keys", "generate", "--out", folder, *options(spec=spec.path if spec else None, parameters=parameters,
                                                         rotations=",".join(map(str, rotations)) if rotations else None, passphrase_file=passphrase_file))
        return cls(folder, passphrase_file)

    @property
    def public(self) -> pathlib.Path:
        return self.folder / "public.bppk"

    @property
    def evaluation(self) -> pathlib.Path:
        return self.folder / "eval.bpek"

    def encrypt(self, x: Input, out: PathLike, *, spec: Optional[Spec] = None, index: Optional[int] = None, public: bool = False) -> Ciphertext:
        with input_file(x) as path:
            report = call("encrypt", "--keys", self.folder, "--input", path, "--out", out, *options(
                spec=spec.path if spec else None, index=index, public=public, passphrase_file=self._passphrase_file))
        return Ciphertext(out, report)

    def decrypt(self, answer: Ciphertext, *, spec: Optional[Spec] = None, proof: Optional[Proof] = None, model_key: Optional[ModelKey] = None,
                question: Optional[Ciphertext] = None, context: Optional[bytes] = None, unverified: bool = False) -> Decrypted:
        """At the level hybrid with `proof`, `model_key` and `question`: nothing is decrypted unless the proof holds (Rejected)."""
        with secret_file() as out:
            report = call("decrypt", "--keys", self.folder, "--input", answer.path, "--out", out, *options(
                spec=spec.path if spec else None, proof=proof.path if proof else None, model_key=model_key.path if model_key else None,
                input_ciphertext=question.path if question else None, context=None if context is None else context.hex(), unverified=unverified,
                passphrase_file=self._passphrase_file))
            values = np.load(out)
        classes = report.get("classes") or ([report["class"]] if report.get("class") is not None else None)
        return Decrypted(values, classes, report)


class Program:
    """NET.bpf: the owner's; it has the weights. `spec` is for clients."""

    def __init__(self, path: PathLike, spec: Optional[Spec] = None, report: Optional[dict[str, Any]] = None):
        self.path = pathlib.Path(path)
        self.spec = spec or Spec(self.path.with_suffix(".bpc"))
        self.report = report or {}

    def infer(self, question: Ciphertext, out: PathLike, *, keys: Optional[Keys] = None, public_key: Optional[PathLike] = None,
              evaluation_keys: Optional[PathLike] = None, prove: Optional[ModelKey] = None, proof: Optional[PathLike] = None,
              context: Optional[bytes] = None) -> Ciphertext:
        """On ciphertexts, with the client's public and evaluation keys (from `keys`, of which no secret is read). At the level hybrid, `prove` and `proof` say against
        which model key the answer is proven, and where the proof goes."""
        if keys:
            public_key = public_key or keys.public
            evaluation_keys = evaluation_keys or (keys.evaluation if keys.evaluation.exists() else None)
        report = call("infer", self.path, "--input", question.path, "--out", out, *options(
            public_key=public_key, eval_keys=evaluation_keys, prove=prove is not None, model_key=prove.path if prove else None, proof=proof,
            context=None if context is None else context.hex()))
        return Ciphertext(out, report)
