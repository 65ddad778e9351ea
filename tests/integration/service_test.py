#!/usr/bin/env python3
"""The service from outside: `blindproof serve` with its workers on the MNIST network; the whole way over HTTP, kills, ends in good
order, secrets that must not appear. Needs nothing but Python's standard library."""
import argparse
import concurrent.futures
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import zipfile

import postgresql_cluster

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MNIST = ROOT / "models" / "mnist"
TABLES = ROOT / "models" / "tables"
blindproof = None  # the program's path
scratch = None     # folder of what is made once
cluster = None     # the database server, if it isn't SQLite


def environment(data):
    """For the processes of a service with this folder."""
    return {**os.environ, **({"BLINDPROOF_DATABASE": cluster.address(str(data))} if cluster else {})}


def digit(index):
    """Pixels of a test digit."""
    with zipfile.ZipFile(MNIST / "mnist_test.npz") as archive:
        raw = archive.read("x.npy")
    size = struct.unpack("<H", raw[8:10])[0]
    header = eval(raw[10:10 + size], {})  # a literal of ours
    count = {"<f4": 4, "|u1": 1}[header["descr"]]
    values = 784
    data = raw[10 + size:][index * values * count:(index + 1) * values * count]
    return list(data) if count == 1 else list(struct.unpack(f"<{values}f", data))


def run_tool(*arguments):
    """Standard output of the program, which must succeed."""
    done = subprocess.run([blindproof, *arguments, "--quiet"], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{arguments}: {done.stdout}{done.stderr}")
    return done.stdout


class Service:
    """A running service; `request` gives status and parsed body."""

    def __init__(self, data, workers=1):
        self.data = data
        self.log = (data.parent / (data.name + ".log")).open("ab")
        self.process = subprocess.Popen([blindproof, "serve", "--json", "--data", data, "--listen", "127.0.0.1:0", "--workers", str(workers)],
                                        stdout=subprocess.PIPE, stderr=self.log, env=environment(data))
        text = b""
        while not text.rstrip().endswith(b"}"):
            line = self.process.stdout.readline()
            if not line:
                raise RuntimeError(f"serve ended with {self.process.wait()}: {text}")
            text += line
        self.port = int(json.loads(text)["url"].rsplit(":", 1)[1])
        self.admin = (data / "admin.key").read_text().strip()

    def request(self, method, path, body=None, key=None, content_type=None, headers=()):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            all_headers = dict(headers)
            if key is not False:
                all_headers["Authorization"] = f"Bearer {key or self.admin}"
            if isinstance(body, (dict, list)):
                body, content_type = json.dumps(body), "application/json"
            if content_type:
                all_headers["Content-Type"] = content_type
            connection.request(method, path, body=body, headers=all_headers)
            response = connection.getresponse()
            content = response.read()
            if response.headers.get("Content-Type", "").endswith("json"):
                content = json.loads(content)
            return response.status, content
        finally:
            connection.close()

    def wait(self, job, seconds=120):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            _, state = self.request("GET", f"/ml/jobs/{job}")
            if state["status"] in ("succeeded", "failed", "cancelled"):
                return state
            time.sleep(0.1)
        raise AssertionError(f"job {job} took too long: {state}")

    def upload(self, name, path, query=""):
        status, model = self.request("POST", "/ml/models", {"name": name})
        assert status == 201, model
        with path.open("rb") as file:
            status, job = self.request("POST", f"/ml/models/{model['id']}/versions{query}", file, content_type="application/octet-stream")
        assert status == 202, job
        return model["id"], job["job_id"]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self.log.close()
        self.process.stdout.close()
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.close()
        self.process.stdout.close()


class ServiceTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=scratch))
        self.service = None

    def tearDown(self):
        if self.service and self.service.process.poll() is None:
            self.service.kill()
        shutil.rmtree(self.folder, ignore_errors=True)  # workers of a killed server may be ending

    def start(self, **options):
        self.service = Service(self.folder / "data", **options)
        return self.service

    def infer(self, model, index=0, **more):
        status, job = self.service.request("POST", f"/ml/models/{model}/inference",
                                           {"privacy_level": "zkml", "input": {"shape": [1, 28, 28], "data": digit(index)}, **more})
        self.assertEqual(status, 202, job)
        return job["job_id"]

    def test_from_upload_to_a_proof_that_anybody_verifies(self):
        service = self.start()
        model, job = service.upload("digits", scratch / "mlp.bpm")
        self.assertEqual(service.wait(job)["status"], "succeeded")
        state = service.wait(self.infer(model, 3, context="for bob", hide_input=False))
        self.assertEqual(state["status"], "succeeded", state)
        status, proof = service.request("GET", state["links"]["proof"] + "/proof.bpp")
        self.assertEqual(status, 200)
        status, key = service.request("GET", f"/ml/models/{model}/versions/1/model.bpk")
        self.assertEqual(status, 200)
        (self.folder / "p.bpp").write_bytes(proof)
        (self.folder / "m.bpk").write_bytes(key)
        verdict = subprocess.run([blindproof, "verify", self.folder / "p.bpp", "--model-key", self.folder / "m.bpk", "--input", MNIST / "mnist_test.npz",
                                  "--index", "3", "--context", b"for bob".hex(), "--json"], capture_output=True, text=True)
        self.assertEqual(verdict.returncode, 0, verdict.stdout + verdict.stderr)
        status, checked = service.request("POST", state["links"]["proof"] + "/verify", {})
        self.assertEqual((status, checked["is_valid"]), (200, True))
        # The same over the command line, for the answer.
        ran = json.loads(subprocess.run([blindproof, "model", "run", scratch / "mlp.bpm", "--input", MNIST / "mnist_test.npz", "--json"],
                                        capture_output=True, text=True).stdout)
        self.assertEqual(state["result"]["output"]["integers"], ran["outputs"][3])
        self.assertEqual(service.stop(), 0)

    def test_an_encrypted_input_is_answered_encrypted(self):
        service = self.start()
        run_tool("model", "compile", MNIST / "mlp_square.onnx", "--calibration", MNIST / "mnist_calibration.npz", "--out", self.folder / "net.bpm")
        model, job = service.upload("square", self.folder / "net.bpm", "?levels=zkml,fhe")
        state = service.wait(job, 400)
        self.assertEqual(state["status"], "succeeded", state)
        _, spec = service.request("GET", f"/ml/models/{model}/client-spec")
        self.assertEqual(spec["levels"], ["zkml", "fhe"])
        (self.folder / "net.bpc").write_bytes(service.request("GET", spec["links"]["client_spec"])[1])
        keys, spec_file = self.folder / "keys", self.folder / "net.bpc"
        run_tool("keys", "generate", "--spec", spec_file, "--out", keys)
        run_tool("encrypt", "--spec", spec_file, "--keys", keys, "--input", MNIST / "mnist_test.npz", "--index", "2", "--out", self.folder / "x.bpct")
        ciphertext = (self.folder / "x.bpct").read_bytes()
        status, made = service.request("POST", "/ml/keys", {"model": model})
        self.assertEqual(status, 201, made)
        at = f"/ml/models/{model}/inference?privacy_level=fhe&keys={made['id']}"
        early, _ = service.request("POST", at, ciphertext, content_type="application/octet-stream")
        self.assertEqual(early, 422, "before the keys are there")
        secret = (keys / "secret.bpsk").read_bytes()
        for link in made["links"].values():
            self.assertEqual(service.request("PUT", link, secret, content_type="application/octet-stream")[0], 422)
            with (keys / link.rsplit("/", 1)[1]).open("rb") as file:
                self.assertEqual(service.request("PUT", link, file, content_type="application/octet-stream")[0], 204)
        status, job = service.request("POST", at, ciphertext, content_type="application/octet-stream")
        self.assertEqual(status, 202, job)
        state = service.wait(job["job_id"], 400)
        self.assertEqual(state["status"], "succeeded", state)
        status, output = service.request("GET", state["artifacts"][0]["link"])
        self.assertEqual(status, 200)
        (self.folder / "y.bpct").write_bytes(output)
        answer = json.loads(run_tool("decrypt", "--spec", spec_file, "--keys", keys, "--input", self.folder / "y.bpct", "--out", self.folder / "y.npy", "--json"))
        ran = json.loads(run_tool("model", "run", self.folder / "net.bpm", "--input", MNIST / "mnist_test.npz", "--json"))
        outputs = ran["outputs"][2]
        self.assertEqual(answer["classes"], [outputs.index(max(outputs))])
        status, _ = service.request("DELETE", f"/ml/keys/{made['id']}")
        self.assertEqual(status, 204)

    def test_an_encrypted_table_is_answered_with_a_proof(self):
        service = self.start()
        records = TABLES / "breast_cancer_test.npz"
        run_tool("model", "compile", TABLES / "breast_cancer_square.onnx", "--calibration", TABLES / "breast_cancer_train.npz", "--arithmetic", "exact",
                 "--out", self.folder / "net.bpm")
        model, job = service.upload("table", self.folder / "net.bpm", "?levels=hybrid")
        state = service.wait(job)
        self.assertEqual(state["status"], "succeeded", state)
        _, spec = service.request("GET", f"/ml/models/{model}/client-spec")
        self.assertEqual(spec["levels"], ["zkml", "hybrid"])
        net, keys = self.folder / "net.bpc", self.folder / "keys"
        net.write_bytes(service.request("GET", spec["links"]["hybrid_spec"])[1])
        (self.folder / "net.bpk").write_bytes(service.request("GET", spec["links"]["model_key"])[1])
        run_tool("keys", "generate", "--spec", net, "--out", keys)
        sent = json.loads(run_tool("encrypt", "--spec", net, "--keys", keys, "--input", records, "--out", self.folder / "x.bpct", "--json"))
        status, made = service.request("POST", "/ml/keys", {"model": model, "level": "hybrid"})
        self.assertEqual(status, 201, made)
        put = lambda name: service.request("PUT", made["links"]["public"], (keys / name).read_bytes(), content_type="application/octet-stream")[0]
        self.assertEqual(put("secret.bpsk"), 422)
        self.assertEqual(put("public.bppk"), 204)
        at = f"/ml/models/{model}/inference?privacy_level=hybrid&keys={made['id']}&context=for%20bob&samples={sent['records']}"
        with (self.folder / "x.bpct").open("rb") as file:
            status, job = service.request("POST", at, file, content_type="application/octet-stream")
        self.assertEqual(status, 202, job)
        state = service.wait(job["job_id"], 400)
        self.assertEqual(state["status"], "succeeded", state)
        (self.folder / "y.bpct").write_bytes(service.request("GET", state["artifacts"][0]["link"])[1])
        (self.folder / "p.bpp").write_bytes(service.request("GET", state["links"]["proof"] + "/proof.bpp")[1])
        decrypt = ["decrypt", "--spec", net, "--keys", keys, "--input", self.folder / "y.bpct", "--proof", self.folder / "p.bpp", "--model-key",
                   self.folder / "net.bpk", "--input-ciphertext", self.folder / "x.bpct", "--out", self.folder / "y.npy", "--json"]
        refused = subprocess.run([blindproof, *decrypt], capture_output=True, text=True)
        self.assertEqual(refused.returncode, 1, "without the context")
        answer = json.loads(run_tool(*decrypt, "--context", b"for bob".hex()))
        ran = json.loads(run_tool("model", "run", self.folder / "net.bpm", "--input", records, "--json"))
        self.assertEqual(answer["classes"], ran["classes"])
        status, verdict = service.request("POST", state["links"]["proof"] + "/verify", {})
        self.assertEqual((status, verdict["is_valid"]), (200, True), verdict)

    def test_a_model_is_offered_used_reviewed_and_receipted(self):
        service = self.start()
        model, job = service.upload("digits", scratch / "mlp.bpm")
        self.assertEqual(service.wait(job)["status"], "succeeded")
        _, tenant = service.request("POST", "/admin/tenants", {"name": "buyer"})
        _, made = service.request("POST", "/admin/keys", {"tenant": tenant["id"], "scopes": ["read", "infer"]})
        buyer = made["key"]
        status, listing = service.request("POST", "/marketplace/listings",
                                          {"model": model, "title": "Digits", "prices": {"zkml": "0.25"}, "currency": "EUR", "published": True})
        self.assertEqual(status, 201, listing)
        _, found = service.request("GET", "/marketplace/listings?q=digit", key=buyer)
        self.assertEqual([item["id"] for item in found["items"]], [listing["id"]])
        review = f"/marketplace/listings/{listing['id']}/review"
        self.assertEqual(service.request("PUT", review, {"rating": 5}, key=buyer)[0], 403)
        status, job = service.request("POST", f"/ml/models/{model}/inference",
                                      {"privacy_level": "zkml", "input": {"shape": [1, 28, 28], "data": digit(1)}}, key=buyer)
        self.assertEqual(status, 202, job)
        at = f"/ml/jobs/{job['job_id']}"
        while (state := service.request("GET", at, key=buyer)[1])["status"] not in ("succeeded", "failed"):
            time.sleep(0.1)
        self.assertEqual(state["status"], "succeeded", state)
        self.assertEqual(service.request("POST", state["links"]["proof"] + "/verify", {}, key=buyer)[1]["is_valid"], True)
        self.assertEqual(service.request("PUT", review, {"rating": 5}, key=buyer)[0], 204)
        _, seen = service.request("GET", f"/marketplace/listings/{listing['id']}", key=buyer)
        self.assertEqual((seen["measured"]["verified"], seen["measured"]["privacy_score"], seen["measured"]["mean_rating"]), (1, 1.0, 5.0))
        self.assertGreater(seen["measured"]["levels"]["zkml"]["mean_prove_ms"], 0)
        # The receipt is verified by the program, with the service's public key.
        status, receipt = service.request("GET", state["links"]["receipt"], key=buyer)
        self.assertEqual(status, 200, receipt)
        _, key = service.request("GET", "/ml/receipts/key", key=False)
        (self.folder / "r.json").write_text(json.dumps(receipt))
        (self.folder / "service.pub").write_bytes(key)
        run_tool("receipt", "verify", self.folder / "r.json", "--key", self.folder / "service.pub")
        self.assertEqual((receipt["price"], receipt["units"], receipt["client"]), ("0.25", 1, tenant["id"]))

    def test_open_inference_protocol(self):
        service = self.start()
        model, job = service.upload("digits", scratch / "mlp.bpm")
        self.assertEqual(service.wait(job)["status"], "succeeded")
        _, metadata = service.request("GET", f"/v2/models/{model}")
        tensor = {"name": metadata["inputs"][0]["name"], "shape": [1, *metadata["inputs"][0]["shape"]], "datatype": "FP32", "data": digit(4)}
        status, answer = service.request("POST", f"/v2/models/{model}/infer", {"inputs": [tensor]})
        self.assertEqual(status, 200, answer)
        ran = json.loads(run_tool("model", "run", scratch / "mlp.bpm", "--input", MNIST / "mnist_test.npz", "--json"))
        outputs = {output["name"]: output["data"] for output in answer["outputs"]}
        self.assertEqual(outputs["integers"], ran["outputs"][4])
        self.assertEqual(service.request("POST", answer["parameters"]["proof"] + "/verify", {})[1]["is_valid"], True)
        status, error = service.request("POST", f"/v2/models/{model}/infer", {"inputs": []})
        self.assertEqual((status, type(error["error"])), (422, str))

    def test_secrets_and_payloads_appear_nowhere(self):
        service = self.start()
        model, job = service.upload("digits", scratch / "mlp.bpm")
        service.wait(job)
        service.wait(self.infer(model, 1, context="canary-in-context"))
        canary = "BPSK canary-secret-key"
        status, _ = service.request("POST", f"/ml/models/{model}/versions", canary, content_type="application/octet-stream")
        self.assertEqual(status, 422)
        _, metrics = service.request("GET", "/metrics", key=False)
        service.stop()
        log = (self.folder / "data.log").read_bytes()
        self.assertIn(b'"event":"request"', log)
        weights = (scratch / "mlp.bpm").read_bytes()
        piece = weights[len(weights) // 2:][:32]
        secrets = [service.admin[33:].encode(), b"canary-secret-key", piece]
        for secret in secrets + [b"canary-in-context"]:
            self.assertNotIn(secret, log)
            self.assertNotIn(secret, metrics)
        for path in (self.folder / "data").rglob("*"):
            if path.is_file() and path.name != "admin.key":
                content = path.read_bytes()
                for secret in secrets:
                    self.assertNotIn(secret, content, path)
        self.assertEqual([p for p in (self.folder / "data" / "scratch").rglob("*") if p.is_file() and p.suffix != ".lock"], [])

    def test_killed_servers_and_workers_lose_and_double_no_job(self):
        service = self.start(workers=2)
        model, job = service.upload("digits", scratch / "mlp.bpm")
        self.assertEqual(service.wait(job)["status"], "succeeded")
        choose = random.Random(5)
        jobs = []
        for _ in range(3):
            jobs += [self.infer(model, choose.randrange(10)) for _ in range(2)]
            time.sleep(choose.random())
            service.kill()  # its workers end with it
            service = self.start(workers=2)
        for job in jobs:
            state = service.wait(job)
            self.assertEqual(state["status"], "succeeded", state)
        _, proofs = service.request("GET", "/ml/proofs?limit=200")
        self.assertEqual(sorted(proof["job"] for proof in proofs["items"]), sorted(jobs))
        self.assertEqual(service.stop(), 0)

    def test_workers_hold_no_connections_of_clients(self):
        service = self.start()
        held = [socket.create_connection(("127.0.0.1", service.port), timeout=20) for _ in range(5)]
        self.assertEqual(service.request("GET", "/health/live")[0], 200)  # by now they are taken
        children = pathlib.Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children")
        first = children.read_text().split()
        os.kill(int(first[0]), signal.SIGKILL)
        deadline = time.monotonic() + 20
        while (now := children.read_text().split()) in ([], first) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertNotIn(now, ([], first), "a worker is started again")
        time.sleep(0.5)  # until it is another program
        for connection in held:
            connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            text = b""
            while piece := connection.recv(4096):  # the end comes, or a time-out
                text += piece
            self.assertTrue(text.endswith(b'{"live":true}'), text)
            connection.close()

    def test_cancelling_ends_a_job_in_the_middle_of_its_proof(self):
        service = self.start()
        model, job = service.upload("digits", scratch / "mlp.bpm")
        self.assertEqual(service.wait(job)["status"], "succeeded")
        job = self.infer(model)
        while service.request("GET", f"/ml/jobs/{job}")[1]["status"] == "queued":
            time.sleep(0.02)
        status, _ = service.request("DELETE", f"/ml/jobs/{job}")
        self.assertEqual(status, 202)
        self.assertIn(service.wait(job, 20)["status"], ("cancelled", "succeeded"))  # it may have been done by then
        self.assertEqual(service.wait(self.infer(model))["status"], "succeeded", "the worker goes on")

    def test_many_clients_at_once(self):
        service = self.start(workers=0)
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            answers = list(pool.map(lambda i: service.request("POST", "/ml/models", {"name": f"m{i}"})[0], range(200)))
        self.assertEqual(answers, [201] * 200)
        names, target = set(), "/ml/models?limit=50"
        while target:
            _, page = service.request("GET", target)
            names |= {item["name"] for item in page["items"]}
            target = page["next_cursor"] and f"/ml/models?limit=50&cursor={page['next_cursor']}"
        self.assertEqual(len(names), 200)

    def test_uploads_take_little_memory(self):
        service = self.start(workers=0)
        size = 100 << 20
        large = self.folder / "large.bpm"
        with large.open("wb") as file:
            file.write(b"BPM\0")
            file.truncate(size)

        def resident():
            for line in pathlib.Path(f"/proc/{service.process.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM"):
                    return int(line.split()[1])

        before = resident()
        begun = time.monotonic()
        service.upload("large", large)
        seconds = time.monotonic() - begun
        print(f"upload of {size >> 20} MiB: {seconds:.2f} s, {resident() - before} KiB more", file=sys.stderr)
        self.assertLess(resident() - before, 32 << 10)

    def test_events_follow_a_job(self):
        service = self.start()
        model, job = service.upload("digits", scratch / "mlp.bpm")
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=120)
        connection.request("GET", f"/ml/jobs/{job}/events", headers={"Authorization": f"Bearer {service.admin}"})
        text = connection.getresponse().read().decode()
        connection.close()
        self.assertIn("event: queued", text)
        self.assertIn("event: succeeded", text)
        last = [line for line in text.splitlines() if line.startswith("id: ")][-2][4:]
        status, rest = service.request("GET", f"/ml/jobs/{job}/events", headers={"Last-Event-ID": last})
        self.assertEqual(rest.decode().count("event: "), 1)

    def test_the_database_may_go_away_and_come_back(self):
        if not cluster:
            self.skipTest("SQLite is a file")
        service = self.start()
        model, job = service.upload("digits", scratch / "mlp.bpm")
        self.assertEqual(service.wait(job)["status"], "succeeded")
        jobs = [self.infer(model, index) for index in range(3)]
        cluster.stop()
        status, problem = service.request("GET", "/ml/models")
        self.assertEqual((status, problem["type"]), (503, "urn:blindproof:problem:unavailable"))
        time.sleep(1)
        cluster.start()
        time.sleep(0.2)
        for job in jobs:
            for _ in range(5):  # each connection may notice once that its own is gone
                if service.request("GET", f"/ml/jobs/{job}")[0] == 200:
                    break
            self.assertEqual(service.wait(job)["status"], "succeeded")
        self.assertEqual(service.request("GET", "/ml/models")[0], 200)

    def test_stopping_answers_what_is_under_way(self):
        service = self.start(workers=0)
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
        connection.putrequest("POST", "/ml/models")
        body = json.dumps({"name": "late"}).encode()
        for name, value in {"Authorization": f"Bearer {service.admin}", "Content-Type": "application/json", "Content-Length": str(len(body))}.items():
            connection.putheader(name, value)
        connection.endheaders()
        connection.send(body[:5])
        time.sleep(0.3)
        stopper = threading.Thread(target=service.stop)
        stopper.start()
        time.sleep(0.3)
        connection.send(body[5:])
        self.assertEqual(connection.getresponse().status, 201)
        connection.close()
        stopper.join()
        self.assertEqual(service.process.returncode, 0)

    def test_arguments_that_make_no_sense(self):
        for arguments in (["--listen", "nowhere"], ["--listen", "127.0.0.1:99999"], ["--listen", "256.1.1.1:1"]):
            done = subprocess.run([blindproof, "serve", "--data", self.folder / "d", *arguments], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 2, done.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blindproof", type=pathlib.Path, required=True, help="the program")
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL server of the tests' own instead of SQLite")
    arguments, rest = parser.parse_known_args()
    blindproof = arguments.blindproof.resolve()
    if arguments.postgresql and not postgresql_cluster.programs():
        sys.exit("SKIPPED: needs the package postgresql")
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="service-"))
    try:
        cluster = postgresql_cluster.Cluster() if arguments.postgresql else None
        subprocess.run([blindproof, "model", "compile", MNIST / "mlp.onnx", "--calibration", MNIST / "mnist_calibration.npz", "--out", scratch / "mlp.bpm",
                        "--quiet"], check=True, stdout=subprocess.DEVNULL)
        unittest.main(argv=[sys.argv[0], *rest])
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        if cluster:
            cluster.close()
