#!/usr/bin/env python3
"""A running service under hostile requests: every route with paths, queries, headers and bodies that no client would send. It refuses,
goes on, and shows nothing. `--seed S` repeats a run. Needs nothing but Python's standard library."""
import argparse
import json
import pathlib
import random
import shutil
import socket
import sqlite3
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

import service_test
from service_test import MNIST, Service, digit

scratch = None
seed = None

CANARY = "canary-8c1f0e"
NAMES = ["..", ".", "../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/admin.key", "....//admin.key", "%00", "a%00.bpk", "\\..\\..\\x",
         "' OR '1'='1", "1; DROP TABLE jobs; --", "\" OR 1=1 --", "') UNION SELECT secret_hash FROM api_keys --", "%", "%zz", "%c3%28", "\u202e\U0001f600",
         "A" * 3000, "-1", "0", "99999999999999999999", "1e9", "NaN", "true", "$(id)", "`id`", "{{7*7}}", "<script>", "\r\nX: y", CANARY]
VALUES = [None, True, False, 0, -1, 1, 2 ** 63, -2 ** 63 - 1, 1.5, 1e308, "", "x" * 5000, "' OR '1'='1", "../../admin.key", CANARY, [], [[]], [CANARY], {}, {CANARY: CANARY},
          {"shape": [2 ** 62, 2 ** 62], "data": []}, {"shape": [], "data": [1]}, {"shape": [-1], "data": [1]}, {"shape": [784], "data": [CANARY] * 784},
          {"keys": [{"kty": "OKP", "crv": "X25519", "x": "AAAA"}]}, "\x00", "\ud83d\ude00"]


class HostileTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=scratch))
        self.service = Service(self.folder / "data")
        self.number = seed if seed is not None else random.SystemRandom().randrange(1 << 32)
        self.choose = random.Random(self.number)
        self.answers = []  # status and text of every refused request

    def tearDown(self):
        if self.service.process.poll() is None:
            self.service.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def raw(self, data, wait=10, close_early=False):
        """Status (0: the connection ended without one) and all that came back."""
        with socket.create_connection(("127.0.0.1", self.service.port), timeout=wait) as connection:
            text = b""
            try:
                connection.sendall(data)
                if close_early:
                    return 0, b""
                connection.shutdown(socket.SHUT_WR)
                while piece := connection.recv(65536):
                    text += piece
                    if len(text) > 1 << 22:
                        break
            except OSError:
                pass
        parts = text.split(b" ", 2)
        status = int(parts[1]) if text.startswith(b"HTTP/1.") and len(parts) > 1 and parts[1].isdigit() else 0
        if status >= 400:
            self.answers.append((status, text))
        return status, text

    def request(self, method, target, body=b"", content_type="application/json", headers=()):
        head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.service.admin}\r\nConnection: close\r\n"
        for name, value in headers:
            head += f"{name}: {value}\r\n"
        if body or method in ("POST", "PUT"):
            head += f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        return self.raw(head.encode("utf-8", "surrogatepass") + b"\r\n" + body)

    def routes(self):
        _, document = self.service.request("GET", "/openapi.json", key=False)
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if not path.endswith("/events"):
                    yield method.upper(), path, operation

    def refused(self, answer, what):
        status, text = answer
        self.assertLess(status, 500, f"seed {self.number}: {what}: {text[:300]}")
        return status

    def check_goes_on(self):
        """The service answers, what it stores is whole, and nothing of the canaries or of its secrets was shown."""
        self.assertEqual(self.service.request("GET", "/health/ready")[0], 200)
        secrets = [CANARY.encode(), self.service.admin[33:].encode(), b"root:x:0", b"SELECT ", b"sqlite", str(self.folder).encode()]
        for status, text in self.answers:
            for secret in secrets:
                self.assertNotIn(secret, text, f"seed {self.number}: {status}")
        metrics = self.service.request("GET", "/metrics", key=False)[1]
        self.assertEqual(self.service.stop(), 0)
        log = (self.folder / "data.log").read_bytes()
        for secret in secrets[:3]:
            self.assertNotIn(secret, metrics)
            self.assertNotIn(secret, log)
        with sqlite3.connect(self.folder / "data" / "blindproof.sqlite") as database:
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            self.assertEqual(database.execute("PRAGMA foreign_key_check").fetchall(), [])
        database.close()

    def test_paths_and_queries(self):
        count = 0
        for method, path, operation in self.routes():
            for name in NAMES:
                for encoded in {urllib.parse.quote(name, safe="", errors="surrogatepass"), urllib.parse.quote(name, safe="%/.")}:
                    target = path
                    for parameter in operation.get("parameters", []):
                        target = target.replace("{" + parameter["name"] + "}", encoded)
                    query = "&".join(f"{field}={encoded}" for field in ("cursor", "limit", "q", "tenant", "after", "version", "levels", "recipient", "privacy_level",
                                                                        "keys", "samples", "context"))
                    kind = next(iter(operation["requestBody"]["content"]), None) if "requestBody" in operation else "application/json"
                    self.refused(self.request(method, f"{target}?{query}", b"{}" if method != "GET" else b"", kind), f"{method} {target}")
                    count += 1
        print(f"{count} paths and queries", file=sys.stderr)
        self.check_goes_on()

    def test_bodies(self):
        model, job = self.service.upload("digits", scratch / "mlp.bpm")
        self.service.wait(job)
        count = 0
        for method, path, operation in self.routes():
            for kind in operation.get("requestBody", {}).get("content", {}):
                schema = operation["requestBody"]["content"][kind]["schema"]
                target = path.replace("{model}", model).replace("{job}", job).replace("{version}", "1")
                bodies = [b"", b"{", b"null", b"[]", b"{}", b'{"a":1,"a":2}', b"[" * 100000, b'{"\xff":1}', b"{" + b'"a":{' * 1000, CANARY.encode(), b"BPSK" + CANARY.encode(),
                          b"BPM\0" + CANARY.encode(), b"BPCT" + bytes(1000), b"BPEK" + bytes(1000), bytes(5000), self.choose.randbytes(3000)]
                fields = schema.get("properties", {})
                samples = {"name": CANARY, "privacy_level": "zkml", "scopes": ["read"], "model": model, "rating": 5, "receipt": CANARY, "title": CANARY, "prices": {"zkml": "1"},
                           "input": {"shape": [784], "data": digit(0)}, "version": 1, "before": {}, "after": {}, "inputs": []}
                for field in fields:
                    for value in VALUES:
                        body = {name: samples.get(name) for name in schema.get("required", [])}
                        body[field] = value
                        bodies.append(json.dumps(body).encode())
                for body in bodies:
                    self.refused(self.request(method, target, body, kind), f"{method} {target} {body[:200]}")
                    count += 1
                for wrong in ("text/plain", "application/xml", "multipart/form-data; boundary=x", "", "application/json, application/octet-stream", CANARY, "a" * 5000):
                    status = self.refused(self.request(method, target, b"{}", wrong), f"{method} {target} as {wrong}")
                    self.assertIn(status, (400, 415, 422, 404, 403, 409), f"{method} {target} as {wrong}")
                    count += 1
        print(f"{count} bodies", file=sys.stderr)
        state = self.service.request("POST", f"/ml/models/{model}/inference", {"privacy_level": "zkml", "input": {"shape": [1, 28, 28], "data": digit(1)}})
        deadline = time.monotonic() + 120
        while state[0] == 429 and time.monotonic() < deadline:
            time.sleep(0.5)
            state = self.service.request("POST", f"/ml/models/{model}/inference", {"privacy_level": "zkml", "input": {"shape": [1, 28, 28], "data": digit(1)}})
        self.assertEqual(state[0], 202, state)
        self.assertEqual(self.service.wait(state[1]["job_id"], 240)["status"], "succeeded", "work goes on")
        self.check_goes_on()

    def test_altered_bytes(self):
        body = json.dumps({"name": "m"}).encode()
        whole = (f"POST /ml/models?x=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.service.admin}\r\nContent-Type: application/json\r\n"
                 f"Idempotency-Key: a\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body
        for i in range(1500):
            data = bytearray(whole)
            for _ in range(self.choose.randrange(1, 4)):
                at = self.choose.randrange(len(data))
                act = self.choose.randrange(4)
                if act == 0:
                    data[at] = self.choose.randrange(256)
                elif act == 1:
                    del data[at:at + self.choose.randrange(1, 20)]
                elif act == 2:
                    data[at:at] = self.choose.randbytes(self.choose.randrange(1, 20))
                else:
                    data[at:at] = data[:self.choose.randrange(len(data))]
                if not data:
                    break
            self.refused(self.raw(bytes(data)), bytes(data))
        self.answers = []  # the altered key may come back in nothing, but its parts may be words
        self.check_goes_on()

    def test_sizes_and_ends(self):
        key = f"Authorization: Bearer {self.service.admin}\r\n"
        json_head = f"POST /ml/models HTTP/1.1\r\nHost: x\r\n{key}Content-Type: application/json\r\n"
        _, model = self.service.request("POST", "/ml/models", {"name": "m"})
        file_head = f"POST /ml/models/{model['id']}/versions HTTP/1.1\r\nHost: x\r\n{key}Content-Type: application/octet-stream\r\n"
        self.assertEqual(self.raw(f"GET /{'x' * 100000} HTTP/1.1\r\nHost: x\r\n\r\n".encode())[0], 431)
        self.assertEqual(self.raw(f"GET / HTTP/1.1\r\nHost: x\r\nX: {'x' * 100000}\r\n\r\n".encode())[0], 431)
        self.assertEqual(self.raw(f"GET / HTTP/1.1\r\nHost: x\r\n{''.join(f'X{i}: y' + chr(13) + chr(10) for i in range(10000))}\r\n".encode())[0], 431)
        self.assertEqual(self.raw((file_head + "Content-Length: 99999999999999\r\n\r\n").encode())[0], 413)
        self.assertIn(self.raw((json_head + "Content-Length: 1000000000000\r\n\r\n").encode() + b"[" * 1000)[0], (0, 400, 408, 413))
        for length in ("-1", "1e3", "0x10", "18446744073709551616", "1, 2", ""):
            self.assertIn(self.raw((json_head + f"Content-Length: {length}\r\n\r\n{{}}").encode())[0], (0, 400, 413), length)
        # Two lengths, or a length and chunks: what a proxy in front could read otherwise.
        self.assertIn(self.raw((json_head + "Content-Length: 2\r\nContent-Length: 30\r\n\r\n{}").encode())[0], (0, 400))
        self.assertIn(self.raw((json_head + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n").encode())[0], (0, 400))
        self.assertIn(self.raw((json_head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n").encode())[0], (0, 400))
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        status, _ = self.raw((json_head + "Transfer-Encoding: chunked\r\n\r\n").encode() + 200 * chunk)
        self.assertIn(status, (0, 413))
        # Bodies whose end never comes leave nothing.
        blobs = self.folder / "data" / "blobs"
        before = {path for path in blobs.rglob("*") if path.is_file()}
        for _ in range(20):
            self.raw((file_head + "Content-Length: 1000000\r\n\r\n").encode() + b"BPM\0" + bytes(100000), close_early=True)
        deadline = time.monotonic() + 30
        while (left := {path for path in blobs.rglob("*") if path.is_file()} - before) and time.monotonic() < deadline:
            time.sleep(0.2)
        self.assertEqual(left, set())
        self.assertEqual(self.service.request("GET", f"/ml/models/{model['id']}")[1]["versions"], [])
        self.check_goes_on()

    def test_slow_clients_keep_nobody_waiting(self):
        connections = []
        stop = threading.Event()
        head = f"POST /ml/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.service.admin}\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n".encode()
        for i in range(300):
            connection = socket.create_connection(("127.0.0.1", self.service.port), timeout=30)
            connection.sendall(b"GET / HT" if i % 2 else head)
            connections.append(connection)

        def trickle():
            while not stop.wait(0.5):
                for connection in connections:
                    try:
                        connection.send(b"x")
                    except OSError:
                        pass

        slow = threading.Thread(target=trickle)
        slow.start()
        longest = 0
        begun = time.monotonic()
        while time.monotonic() - begun < 20:
            at = time.monotonic()
            self.assertEqual(self.service.request("GET", "/ml/models")[0], 200)
            longest = max(longest, time.monotonic() - at)
            time.sleep(0.2)
        stop.set()
        slow.join()
        self.assertLess(longest, 3)
        held = []
        deadline = time.monotonic() + 60
        for i, connection in enumerate(connections):
            connection.settimeout(max(0.1, deadline - time.monotonic()))
            try:
                while connection.recv(65536):
                    pass
            except ConnectionError:
                pass
            except OSError as error:
                held.append((i, error))
            connection.close()
        self.assertEqual(held, [], "all were cut off")
        self.check_goes_on()

    def test_what_a_client_sends_is_seen_by_nobody_else(self):
        model, job = self.service.upload("digits", scratch / "mlp.bpm")
        self.service.wait(job)
        pixels = [0.0] * 784
        for i, value in enumerate((0.7182818, 0.3141592, 0.5772156)):
            pixels[100 + i] = value
        where = f"/ml/models/{model}/inference"
        status, answer = self.service.request("POST", where, {"privacy_level": "zkml", "context": CANARY, "input": {"shape": [1, 28, 28], "data": pixels}})
        self.assertEqual(status, 202)
        state = self.service.wait(answer["job_id"])
        self.assertEqual(state["status"], "succeeded")
        outputs = json.dumps(state["result"]["output"]["integers"])
        for data in (pixels[:-1], pixels[:-1] + [CANARY], pixels[:-1] + [1e999]):
            body = json.dumps({"privacy_level": "zkml", "input": {"shape": [1, 28, 28], "data": data}}).encode()
            self.assertIn(self.request("POST", where, body)[0], (400, 413, 422))
        wrong = "bpkey_" + CANARY
        status, _ = self.service.request("GET", "/ml/models", key=wrong)
        self.assertEqual(status, 401)
        metrics = self.service.request("GET", "/metrics", key=False)[1]
        self.check_goes_on()
        places = {"metrics": metrics, "log": (self.folder / "data.log").read_bytes(), **{f"refusal {i}": text for i, (_, text) in enumerate(self.answers)}}
        for path in (self.folder / "data").rglob("*"):
            if path.is_file():
                places[str(path)] = path.read_bytes()
        floats = b"".join(__import__("struct").pack("<f", value) for value in pixels[100:103])
        for name, content in places.items():
            for secret in (b"0.7182818", b"0.71828", floats, outputs.encode(), wrong.encode()):
                self.assertNotIn(secret, content, name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blindproof", type=pathlib.Path, required=True, help="the program")
    parser.add_argument("--seed", type=int)
    arguments, rest = parser.parse_known_args()
    service_test.blindproof, seed = arguments.blindproof.resolve(), arguments.seed
    scratch = service_test.scratch = pathlib.Path(tempfile.mkdtemp(prefix="hostile-"))
    try:
        service_test.run_tool("model", "compile", MNIST / "mlp.onnx", "--calibration", MNIST / "mnist_calibration.npz", "--out", scratch / "mlp.bpm")
        unittest.main(argv=[sys.argv[0], *rest])
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
