"""The program that does the work: where it is, how it is called, what it says."""
from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
from typing import Any, Iterator, Optional, Union

import numpy as np

PathLike = Union[str, "os.PathLike[str]"]
Input = Union[PathLike, np.ndarray, list]


class Error(Exception):
    """What went wrong: `code` ("malformed", "mismatch", ...), `place`, `detail`."""

    def __init__(self, code: str, place: str, detail: str):
        super().__init__(f"{place}: {detail}" if place else detail)
        self.code, self.place, self.detail = code, place, detail


class Rejected(Error):
    """A proof was refused; `check` is the verifier's check that refused it."""

    @property
    def check(self) -> str:
        return self.place


def find_program() -> str:
    named = os.environ.get("BLINDPROOF_PROGRAM")
    if named:
        return named
    built = pathlib.Path(__file__).resolve().parents[3] / "build" / "release" / "bin" / "blindproof"
    found = str(built) if built.exists() else shutil.which("blindproof")
    if not found:
        raise Error("io", "blindproof", "the program isn't there: build it with scripts/build, put it on PATH or name it in BLINDPROOF_PROGRAM")
    return found


def program_version() -> str:
    return subprocess.run([find_program(), "--version"], capture_output=True, text=True, check=True).stdout.strip()


def call(*arguments: Any) -> dict[str, Any]:
    """Runs a command and returns the object that it prints. Errors: Error; Rejected."""
    try:
        done = subprocess.run([find_program(), *map(os.fspath, map(_text, arguments)), "--json"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError as failure:
        raise Error("io", "blindproof", f"the program can't be run: {failure}") from failure
    try:
        result = json.loads(done.stdout)
    except json.JSONDecodeError:
        raise Error("io", "blindproof", done.stderr.strip() or f"ended with {done.returncode}") from None
    if done.returncode == 0:
        return result
    error = result.get("error", {})
    kind = Rejected if error.get("code") == "rejected" else Error
    raise kind(error.get("code", "io"), error.get("place", ""), error.get("detail", "failed"))


def _text(argument: Any) -> Any:
    return argument if isinstance(argument, (str, os.PathLike)) else str(argument)


@contextlib.contextmanager
def input_file(value: Input) -> Iterator[pathlib.Path]:
    """A file as it is; an array as a file that only this user can read, for as long as it is needed."""
    if isinstance(value, (str, os.PathLike)):
        yield pathlib.Path(value)
        return
    with tempfile.TemporaryDirectory(prefix="blindproof-") as folder:
        path = pathlib.Path(folder) / "x.npy"
        np.save(path, np.asarray(value))
        yield path


def optional_input_file(value: Optional[Input]) -> contextlib.AbstractContextManager[Optional[pathlib.Path]]:
    return contextlib.nullcontext() if value is None else input_file(value)


@contextlib.contextmanager
def secret_file() -> Iterator[pathlib.Path]:
    """A name for a file that is read and removed."""
    with tempfile.TemporaryDirectory(prefix="blindproof-") as folder:
        yield pathlib.Path(folder) / "y.npy"


def options(**given: Any) -> list[Any]:
    """--name value for what is given; --name for True."""
    result: list[Any] = []
    for name, value in given.items():
        if value is None or value is False:
            continue
        result.append("--" + name.replace("_", "-"))
        if value is not True:
            result.append(value)
    return result
