"""The service's client. What is secret stays here: keys are never sent, and at the levels fhe and hybrid the service gets ciphertexts alone."""
from __future__ import annotations

import http.client
import json
import os
import pathlib
import ssl
import time
import urllib.parse
from typing import Any, BinaryIO, Callable, Optional, Union

import numpy as np

from ._program import Error, PathLike
from .encrypted import Ciphertext, Keys, Spec
from .model import ModelKey, Proof

FINISHED = ("succeeded", "failed", "cancelled")


class Client:
    """`url`: https://HOST, or http:// for a service on this machine. Errors: Error with the code of the service's problem."""

    def __init__(self, url: str, api_key: str, *, timeout: float = 60, tls: Optional[ssl.SSLContext] = None):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"no address of a service: {url}")
        self._parts, self._api_key, self._timeout, self._tls = parts, api_key, timeout, tls

    def request(self, method: str, path: str, body: Union[dict, bytes, BinaryIO, None] = None, *, query: Optional[dict[str, Any]] = None,
                headers: Optional[dict[str, str]] = None) -> Any:
        """One request: an object for JSON, bytes for anything else."""
        response = self._send(method, path, body, query, headers)
        with response:
            content = response.read()
            return json.loads(content) if _is_json(response) and content else content

    def download(self, path: str, out: PathLike) -> pathlib.Path:
        """A file as it comes, without holding it in memory; it appears when it is whole."""
        target = pathlib.Path(out)
        partial = target.with_name(target.name + ".part")
        try:
            with self._send("GET", path, None, None, None) as response, partial.open("wb") as file:
                while block := response.read(1 << 20):
                    file.write(block)
            os.replace(partial, target)
        finally:
            partial.unlink(missing_ok=True)
        return target

    def create_model(self, name: str, **fields: Any) -> RemoteModel:
        return RemoteModel(self, self.request("POST", "/ml/models", {"name": name, **fields}))

    def model(self, model_id: str) -> RemoteModel:
        return RemoteModel(self, self.request("GET", f"/ml/models/{model_id}"))

    def models(self) -> list[RemoteModel]:
        return [RemoteModel(self, record) for record in self._all("/ml/models")]

    def job(self, job_id: str) -> Job:
        return Job(self, job_id)

    def listings(self, text: str = "") -> list[dict[str, Any]]:
        """Models that others offer."""
        return self._all("/marketplace/listings", {"q": text} if text else {})

    def upload_keys(self, model_id: str, keys: Keys) -> str:
        """The public and evaluation keys of a folder, for a model; returns their id. The secret key is not read."""
        made = self.request("POST", "/ml/keys", {"model": model_id})
        for link in made["links"].values():
            with (keys.folder / link.rsplit("/", 1)[1]).open("rb") as file:
                self.request("PUT", link, file)
        return made["id"]

    def _all(self, path: str, query: Optional[dict[str, Any]] = None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            page = self.request("GET", path, query={**(query or {}), **({"cursor": cursor} if cursor else {})})
            found += page["items"]
            cursor = page.get("next_cursor")
            if not cursor:
                return found

    def _send(self, method: str, path: str, body: Any, query: Optional[dict[str, Any]], headers: Optional[dict[str, str]]) -> _Response:
        if self._parts.scheme == "https":
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(self._parts.hostname, self._parts.port, timeout=self._timeout, context=self._tls)
        else:
            connection = http.client.HTTPConnection(self._parts.hostname, self._parts.port, timeout=self._timeout)
        sent = {"Authorization": f"Bearer {self._api_key}", "Accept": "application/json, */*", **(headers or {})}
        if isinstance(body, dict):
            body = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        elif body is not None:
            sent.setdefault("Content-Type", "application/octet-stream")
            if hasattr(body, "fileno"):
                sent["Content-Length"] = str(os.fstat(body.fileno()).st_size)
        if query:
            path += ("&" if "?" in path else "?") + urllib.parse.urlencode(query)
        try:
            connection.request(method, self._parts.path.rstrip("/") + path, body=body, headers=sent)
            response = _Response(connection, connection.getresponse())
        except (OSError, http.client.HTTPException) as failure:
            connection.close()
            raise Error("io", self._parts.netloc, str(failure) or type(failure).__name__) from failure
        if response.status < 400:
            return response
        with response:
            content = response.read()
        problem = json.loads(content) if _is_json(response) and content else {}
        raise Error(str(problem.get("type", f"http:{response.status}")).rsplit(":", 1)[-1], f"{method} {path.split('?')[0]}",
                    problem.get("detail") or problem.get("title") or f"the service answered {response.status}")


class _Response:
    """An answer with its connection, which ends with it."""

    def __init__(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse):
        self._connection, self._response = connection, response
        self.status, self.headers = response.status, response.headers

    def read(self, size: int = -1) -> bytes:
        return self._response.read() if size < 0 else self._response.read(size)

    def __enter__(self) -> _Response:
        return self

    def __exit__(self, *_: Any) -> None:
        self._connection.close()


def _is_json(response: _Response) -> bool:
    return (response.headers.get("Content-Type") or "").split(";")[0].endswith("json")


class RemoteModel:
    """A model of the service; `record` is what it says of it."""

    def __init__(self, client: Client, record: dict[str, Any]):
        self.client, self.record = client, record

    @property
    def id(self) -> str:
        return self.record["id"]

    def upload(self, path: PathLike, *, levels: tuple[str, ...] = ("zkml",), progress: Optional[Callable[[dict[str, Any]], None]] = None,
               timeout: Optional[float] = None) -> RemoteModel:
        """A new version from NET.bpm; waits until it is committed to and can be used."""
        with pathlib.Path(path).open("rb") as file:
            made = self.client.request("POST", f"/ml/models/{self.id}/versions", file, query={"levels": ",".join(levels)})
        Job(self.client, made["job_id"]).wait(progress=progress, timeout=timeout)
        return self.client.model(self.id)

    def client_spec(self) -> dict[str, Any]:
        return self.client.request("GET", f"/ml/models/{self.id}/client-spec")

    def spec(self, out: PathLike, level: str = "fhe") -> Spec:
        """What keys and encryption for "fhe" or "hybrid" need."""
        name = "client_spec" if level == "fhe" else f"{level}_spec"
        link = self.client_spec()["links"].get(name)
        if not link:
            raise Error("unsupported", self.id, f"the model isn't served at the level {level}")
        return Spec(self.client.download(link, out))

    def model_key(self, out: PathLike, version: Union[int, str] = "latest") -> ModelKey:
        if version == "latest":
            version = max(v["version"] for v in self.client.model(self.id).record["versions"])
        return ModelKey(self.client.download(f"/ml/models/{self.id}/versions/{version}/model.bpk", out))

    def infer(self, x: Any, **options: Any) -> Job:
        """With a proof, at the level zkml: the service's worker sees `x`. `options` are the request's fields, as context="..." or hide_input=False."""
        values = np.asarray(x, dtype=np.float64)
        body = {"privacy_level": "zkml", "input": {"shape": list(values.shape), "data": values.ravel().tolist()}, **options}
        return Job(self.client, self.client.request("POST", f"/ml/models/{self.id}/inference", body)["job_id"])

    def infer_encrypted(self, question: Ciphertext, keys_id: str, *, level: str = "fhe", **query: Any) -> Job:
        """At the levels fhe and hybrid: nobody but the client sees the input. `keys_id` is from Client.upload_keys."""
        with question.path.open("rb") as file:
            made = self.client.request("POST", f"/ml/models/{self.id}/inference", file, query={"privacy_level": level, "keys": keys_id, **query})
        return Job(self.client, made["job_id"])


class Job:
    """Work of the service."""

    def __init__(self, client: Client, job_id: str):
        self.client, self.id = client, job_id
        self.state: dict[str, Any] = {}

    def refresh(self) -> dict[str, Any]:
        self.state = self.client.request("GET", f"/ml/jobs/{self.id}")
        return self.state

    def cancel(self) -> None:
        self.client.request("DELETE", f"/ml/jobs/{self.id}")

    def wait(self, *, progress: Optional[Callable[[dict[str, Any]], None]] = None, timeout: Optional[float] = None) -> Job:
        """Until it is finished. Errors: Error if it failed or was cancelled; TimeoutError. `progress` is called with each new state."""
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = 0.02
        while True:
            before, state = self.state, self.refresh()
            if progress and state != before:
                progress(state)
            if state["status"] == "succeeded":
                return self
            if state["status"] in FINISHED:
                error = state.get("error") or {}
                detail = error.get("detail") if isinstance(error, dict) else str(error)
                raise Error(state["status"], f"job {self.id}", detail or f"was {state['status']}")
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError(f"job {self.id} is {state['status']}")
            time.sleep(pause)
            pause = min(1.0, 1.5 * pause)

    @property
    def result(self) -> dict[str, Any]:
        return self.state.get("result") or {}

    def proof(self, out: PathLike) -> Proof:
        return Proof(self.client.download(self.state["links"]["proof"] + "/proof.bpp", out))

    def answer(self, out: PathLike) -> Ciphertext:
        """The encrypted answer."""
        artifacts = self.state.get("artifacts") or []
        if not artifacts:
            raise Error("unsupported", f"job {self.id}", "has no encrypted answer")
        return Ciphertext(self.client.download(artifacts[0]["link"], out))

    def receipt(self) -> dict[str, Any]:
        return self.client.request("GET", f"/ml/jobs/{self.id}/receipt")
