#!/usr/bin/env python3
"""Servers and workers killed at random under load: no job is lost or done twice, and what is stored stays whole. `--kills N` (default 200),
`--seed S` repeats a run. Needs nothing but Python's standard library."""
import argparse
import collections
import hashlib
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import service_test
from service_test import MNIST, Service, digit

blindproof = None
scratch = None
kills = 200
seed = None

CLIENTS = 4
WORKERS = 2
UNANSWERED = (OSError, http.client.HTTPException, json.JSONDecodeError)  # how a killed server looks
BLOB_COLUMNS = {"versions": ["content_blob", "model_key_blob", "program_blob", "client_spec_blob"], "jobs": ["input_blob"], "artifacts": ["blob"],
                "proofs": ["blob", "model_key_blob"]}


def workers_of(process):
    """Its children that still run."""
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[1]) == process and fields[0] != "Z":
                found.append(int(folder.name))
    return found


class ServiceKillTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=scratch))
        self.service = Service(self.folder / "data", workers=WORKERS)

    def tearDown(self):
        if self.service.process.poll() is None:
            self.service.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def insist(self, method, path, body=None, **options):
        """As a client does that wants it done: again until there is an answer."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                status, answer = self.service.request(method, path, body, **options)
            except UNANSWERED:
                time.sleep(0.05)
                continue
            if status not in (429, 503):
                return status, answer
            time.sleep(0.2)
        raise AssertionError(f"{method} {path}: no answer")

    def test_killed_servers_and_workers_lose_and_double_nothing(self):
        number = seed if seed is not None else random.SystemRandom().randrange(1 << 32)
        print(f"seed {number}", file=sys.stderr)
        choose = random.Random(number)
        model, job = self.service.upload("digits", scratch / "mlp.bpm")
        self.assertEqual(self.service.wait(job)["status"], "succeeded")
        expected = json.loads(service_test.run_tool("model", "run", scratch / "mlp.bpm", "--input", MNIST / "mnist_test.npz", "--json"))["outputs"]
        digits = [digit(i) for i in range(10)]

        over = threading.Event()
        requests, uploads, problems = {}, [], []
        lock = threading.Lock()

        def client(which):
            try:
                count = 0
                while not over.is_set():
                    key, index = f"client {which} request {count}", (7 * which + count) % 10
                    count += 1
                    body = {"privacy_level": "zkml", "input": {"shape": [1, 28, 28], "data": digits[index]}}
                    status, answer = self.insist("POST", f"/ml/models/{model}/inference", body, headers=[("Idempotency-Key", key)])
                    if status != 202:
                        raise AssertionError(f"{status} {answer}")
                    with lock:
                        requests[key] = (answer["job_id"], index)
                    time.sleep(0.3)
            except BaseException as error:  # shown by the test's thread
                problems.append(error)

        def uploader():
            try:
                content = (scratch / "mlp.bpm").read_bytes()
                while not over.is_set():
                    status, answer = self.insist("POST", f"/ml/models/{model}/versions", content, content_type="application/octet-stream")
                    if status != 202:
                        raise AssertionError(f"{status} {answer}")
                    with lock:
                        uploads.append(answer["job_id"])
                    time.sleep(5)
            except BaseException as error:
                problems.append(error)

        threads = [threading.Thread(target=client, args=(i,)) for i in range(CLIENTS)] + [threading.Thread(target=uploader)]
        for thread in threads:
            thread.start()
        done = collections.Counter()
        begun = time.monotonic()
        while sum(done.values()) < kills and not problems:
            time.sleep(choose.random() * 1.2)
            victims = workers_of(self.service.process.pid)
            if victims and choose.random() < 0.6:
                try:
                    os.kill(choose.choice(victims), signal.SIGKILL)
                    done["workers"] += 1
                except ProcessLookupError:
                    pass
            else:
                self.service.kill()
                done["servers"] += 1
                self.service = Service(self.folder / "data", workers=WORKERS)
        seconds = time.monotonic() - begun
        over.set()
        for thread in threads:
            thread.join()
        self.assertEqual(problems, [])

        states = {job: self.service.wait(job, 600) for job in [job for job, _ in requests.values()] + uploads}
        statuses = collections.Counter(state["status"] for state in states.values())
        print(f"{dict(done)} killed in {seconds:.0f} s; {len(requests)} inferences, {len(uploads)} uploads: {dict(statuses)}, "
              f"{sum(state['attempts'] > 1 for state in states.values())} of them after a kill", file=sys.stderr)
        for state in states.values():
            # Whose workers were killed three times is given up, with words.
            self.assertTrue(state["status"] == "succeeded" or (state["status"] == "failed" and state["attempts"] >= 3 and state["problem"]), state)
        self.assertGreater(statuses["succeeded"], 0.8 * len(states))
        self.assertEqual(len({job for job, _ in requests.values()}), len(requests), "each request has a job of its own")
        for job, index in requests.values():
            if states[job]["status"] == "succeeded":
                self.assertEqual(states[job]["result"]["output"]["integers"], expected[index])
        for key in choose.sample(sorted(requests), min(20, len(requests))):
            job, index = requests[key]
            body = {"privacy_level": "zkml", "input": {"shape": [1, 28, 28], "data": digits[index]}}
            self.assertEqual(self.insist("POST", f"/ml/models/{model}/inference", body, headers=[("Idempotency-Key", key)])[1]["job_id"], job)
            if states[job]["status"] == "succeeded":
                status, verdict = self.insist("POST", states[job]["links"]["proof"] + "/verify", {})
                self.assertEqual((status, verdict["is_valid"]), (200, True))
        # What was uploaded without an answer coming back has its job too, and an end.
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            _, page = self.insist("GET", "/ml/jobs?limit=200")
            listed = list(page["items"])
            while page["next_cursor"]:
                _, page = self.insist("GET", f"/ml/jobs?limit=200&cursor={page['next_cursor']}")
                listed += page["items"]
            if all(item["status"] in ("succeeded", "failed") for item in listed):
                break
            time.sleep(0.5)
        self.assertEqual([item for item in listed if item["status"] not in ("succeeded", "failed")], [])
        self.assertLessEqual({job for job, _ in requests.values()} | set(uploads), {item["job_id"] for item in listed})
        inferences = [item for item in listed if item["kind"] == "zkml"]
        self.assertEqual(len(inferences), len(requests), "none that nobody asked for")

        audit = subprocess.run([blindproof, "admin", "audit", "verify", "--json"], capture_output=True, text=True,
                               env={**os.environ, "BLINDPROOF_SERVER": f"http://127.0.0.1:{self.service.port}", "BLINDPROOF_API_KEY": self.service.admin})
        self.assertEqual(audit.returncode, 0, audit.stdout)
        self.assertEqual(self.service.stop(), 0)
        self.check_store()

    def check_store(self):
        data = self.folder / "data"
        with sqlite3.connect(data / "blindproof.sqlite") as database:
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            self.assertEqual(database.execute("PRAGMA foreign_key_check").fetchall(), [])
            ends = database.execute("SELECT job, count(*) FROM job_events WHERE status IN ('succeeded', 'failed', 'cancelled') GROUP BY job").fetchall()
            self.assertEqual([(job, count) for job, count in ends if count != 1], [], "every job ended once")
            self.assertEqual(len(ends), database.execute("SELECT count(*) FROM jobs").fetchone()[0])
            named = set()
            for table, columns in BLOB_COLUMNS.items():
                for column in columns:
                    named |= {row[0] for row in database.execute(f"SELECT {column} FROM {table} WHERE {column} <> ''")}
        database.close()
        files = {path.name: path for path in (data / "blobs").rglob("*") if path.is_file()}
        for digest in named:
            path = files.get(digest) or next((p for name, p in files.items() if str(p.relative_to(data / "blobs")).replace("/", "") == digest), None)
            self.assertIsNotNone(path, f"blob {digest}")
            self.assertEqual(hashlib.sha256(path.read_bytes()).hexdigest(), digest)
        self.assertEqual([path for path in (data / "scratch").rglob("*") if path.is_file() and path.suffix != ".lock"], [], "decrypted files")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blindproof", type=pathlib.Path, required=True, help="the program")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int)
    arguments, rest = parser.parse_known_args()
    blindproof = service_test.blindproof = arguments.blindproof.resolve()
    kills, seed = arguments.kills, arguments.seed
    scratch = service_test.scratch = pathlib.Path(tempfile.mkdtemp(prefix="kill-"))
    try:
        service_test.run_tool("model", "compile", MNIST / "mlp.onnx", "--calibration", MNIST / "mnist_calibration.npz", "--out", scratch / "mlp.bpm")
        unittest.main(argv=[sys.argv[0], *rest])
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
