#!/usr/bin/env python3
"""`blindproof remote` and `blindproof admin` against a running service: every request of the API by a command. Needs nothing but Python's
standard library."""
import argparse
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

import service_test
from service_test import MNIST, ROOT, TABLES, Service

MODELS = ROOT / "models" / "digits8"

blindproof = None
scratch = None
circuit = None  # digits8_inference.r1cs, which the circuits' tests compile


class RemoteTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=scratch))
        self.service = Service(self.folder / "data")
        self.url = f"http://127.0.0.1:{self.service.port}"
        self.key = self.service.admin

    def tearDown(self):
        if self.service.process.poll() is None:
            self.service.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def call(self, *arguments, key=None, **environment):
        variables = {**os.environ, "BLINDPROOF_SERVER": self.url, "BLINDPROOF_API_KEY": key or self.key, **environment}
        return subprocess.run([blindproof, *map(str, arguments)], capture_output=True, text=True, env=variables, timeout=600)

    def ask(self, *arguments, key=None):
        """The answer of a command that must succeed."""
        done = self.call(*arguments, "--json", key=key)
        self.assertEqual(done.returncode, 0, f"{arguments}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def refused(self, *arguments, key=None, code=2):
        done = self.call(*arguments, "--json", key=key)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)["error"]

    def compiled(self, name, onnx, calibration, *options):
        file = self.folder / name
        service_test.run_tool("model", "compile", onnx, "--calibration", calibration, "--out", file, *options)
        return file

    def table(self):
        return self.compiled("table.bpm", TABLES / "breast_cancer_square.onnx", TABLES / "breast_cancer_train.npz", "--arithmetic", "exact")

    def upload(self, name, file, *options):
        model = self.ask("remote", "models", "create", name)["id"]
        self.assertEqual(self.ask("remote", "models", "upload", model, file, *options)["status"], "ready")
        return model

    def test_every_request_of_the_api_has_a_command(self):
        folder, digits = self.folder, MNIST / "mnist_test.npz"
        remote = lambda *arguments, **options: self.ask("remote", *arguments, **options)
        self.assertEqual(remote("status")["ready"], True)
        self.assertIn("blindproof_jobs", remote("metrics")["metrics"])
        document = json.loads(remote("openapi")["openapi"])

        # An owner's model, whose stored form the owner can open too.
        remote("models", "recipient", "--out", folder / "owner.jwk")
        model = self.upload("digits", scratch / "mlp.bpm", "--recipient", folder / "owner.jwk.pub")
        self.assertEqual([item["id"] for item in remote("models", "list")["items"]], [model])
        self.assertEqual(len(remote("models", "show", model)["versions"]), 1)
        remote("models", "alias", model, "stable", 1)
        self.assertEqual(remote("models", "show", model, "--version", "stable")["version"], 1)
        self.assertEqual(remote("models", "spec", model, "--version", "stable")["model"], model)
        remote("models", "key", model, "--out", folder / "net.bpk")
        recipients = remote("models", "envelope", model, "--version", 1, "--out", folder / "e.jwe")["recipients"]
        self.assertEqual(len(recipients), 2)
        remote("models", "recipient", "--out", folder / "next.jwk")
        after = remote("models", "rewrap", model, "--version", 1, "--recipient-key", folder / "owner.jwk", "--recipient", folder / "next.jwk.pub")
        self.assertEqual(after["recipients"][0], recipients[0], "the worker")
        self.refused("remote", "models", "rewrap", model, "--version", 1, "--recipient-key", folder / "owner.jwk", "--recipient", folder / "owner.jwk.pub", code=1)

        # Level zkml: verified here.
        proven = remote("infer", model, "--level", "zkml", "--input", digits, "--index", 3, "--context", "for bob", "--show-input", "--proof",
                        folder / "p.bpp", "--model-key", folder / "net.bpk")
        self.assertEqual((proven["verified"], proven["input_verified"]), (True, True))
        ran = json.loads(service_test.run_tool("model", "run", scratch / "mlp.bpm", "--input", digits, "--json"))
        self.assertEqual(proven["result"]["output"]["integers"], ran["outputs"][3])
        hidden = remote("infer", model, "--level", "zkml", "--input", digits, "--index", 4, "--proof", folder / "h.bpp", "--model-key", folder / "net.bpk")
        self.assertEqual((hidden["verified"], hidden["input_verified"]), (True, True), "by the opening that came for a key made for this request")
        self.assertIn(proven["job"], [job["job_id"] for job in remote("jobs", "list")["items"]])
        self.assertEqual(remote("jobs", "show", proven["job"])["status"], "succeeded")
        self.assertEqual(remote("jobs", "wait", proven["job"])["status"], "succeeded")
        self.assertEqual(remote("jobs", "watch", proven["job"])["events"][-1]["status"], "succeeded")
        self.assertEqual(remote("jobs", "cancel", proven["job"])["status"], "succeeded", "it was over")
        proof = remote("proofs", "list")["items"][-1]["id"]
        proof = [item["id"] for item in remote("proofs", "list")["items"] if item["job"] == proven["job"]][0]
        self.assertEqual(remote("proofs", "show", proof)["job"], proven["job"])
        remote("proofs", "download", proof, "--out", folder / "again.bpp")
        self.assertEqual((folder / "again.bpp").read_bytes(), (folder / "p.bpp").read_bytes())
        remote("proofs", "verify", proof, "--context", "for bob", "--input", digits, "--index", 3)
        error = self.refused("remote", "proofs", "verify", proof, "--context", "for eve", code=1)
        self.assertIn("statement.context", error["detail"])
        self.refused("remote", "proofs", "verify", proof, "--input", digits, "--index", 5, code=1)

        # With a circuit: here without a good one.
        (folder / "bad.r1cs").write_bytes(b"r1cs" + bytes(100))
        self.refused("remote", "models", "circuit", model, "--circuit", folder / "bad.r1cs", "--key", folder / "bad.r1cs", code=1)
        self.refused("remote", "models", "verification-key", model, "--out", folder / "vk.json")
        error = self.refused("remote", "infer", model, "--level", "zkml", "--input", digits, "--index", 3, "--proof-system", "groth16")
        self.assertIn("no circuit", error["detail"])
        self.assertEqual(remote("models", "show", model, "--version", 1)["status"], "ready")
        if circuit:
            self.prove_with_groth16()

        # Encrypted, with and without proof.
        table = self.upload("table", self.table(), "--levels", "fhe,hybrid")
        records = TABLES / "breast_cancer_test.npz"
        ran = json.loads(service_test.run_tool("model", "run", folder / "table.bpm", "--input", records, "--json"))
        remote("models", "key", table, "--out", folder / "table.bpk")
        for level in ("fhe", "hybrid"):
            keys, spec = folder / level, folder / f"{level}.bpc"
            remote("models", "spec", table, "--level", level, "--out", spec)
            service_test.run_tool("keys", "generate", "--spec", spec, "--out", keys)
            ours = remote("keys", "upload", table, "--keys", keys)
            self.assertEqual(ours["level"], level)
            self.assertEqual(remote("keys", "list")["items"][-1]["complete"], True)
            options = ["--input", records, "--spec", spec, "--keys", keys, "--server-keys", ours["id"], "--out", folder / "y.npy"]
            if level == "fhe":
                answer = remote("infer", table, "--level", level, *options, "--index", 2)
                self.assertEqual((answer["classes"], answer["verified"]), (ran["classes"][2:3], False))
                remote("jobs", "artifact", answer["job"], "output.bpct", "--out", folder / "y.bpct")
                error = self.refused("remote", "infer", table, "--level", level, *options, "--index", 2, "--proof", folder / "x.bpp")
                self.assertIn("hybrid", error["detail"])
            else:
                self.refused("remote", "infer", table, "--level", level, *options)
                answer = remote("infer", table, "--level", level, *options, "--context", "for bob", "--proof", folder / "y.bpp", "--model-key", folder / "table.bpk")
                self.assertEqual((answer["classes"], answer["verified"]), (ran["classes"], True))
            remote("keys", "delete", ours["id"])

        # A listing, bought by another tenant.
        tenant = self.ask("admin", "tenants", "create", "buyer", "--max-active-jobs", 2)["id"]
        self.assertIn(tenant, [item["id"] for item in self.ask("admin", "tenants", "list")["items"]])
        made = self.ask("admin", "keys", "create", "--tenant", tenant, "--scopes", "read,infer", "--expires-in-days", 1, "--out", folder / "buyer.key")
        self.assertNotIn("key", made)
        self.assertEqual((folder / "buyer.key").stat().st_mode & 0o777, 0o600)
        buyer = (folder / "buyer.key").read_text().strip()
        listing = remote("listings", "create", model, "--title", "Digits", "--price", "zkml=0.25", "--currency", "EUR")["id"]
        self.refused("remote", "listings", "show", listing, key=buyer)
        self.assertEqual(remote("listings", "update", listing, "--publish")["published"], True)
        self.assertEqual([item["id"] for item in remote("listings", "list", "--text", "digit", key=buyer)["items"]], [listing])
        job = remote("infer", model, "--level", "zkml", "--input", digits, "--index", 4, key=buyer)["job"]
        remote("listings", "review", listing, "--rating", 4, "--text", "good", key=buyer)
        self.assertEqual(remote("listings", "reviews", listing)["items"][0]["rating"], 4)
        self.assertEqual(remote("listings", "show", listing, key=buyer)["measured"]["reviews"], 1)
        remote("receipts", "download", job, "--out", folder / "r.json", key=buyer)
        self.assertEqual(remote("receipts", "show", job, key=buyer), json.loads((folder / "r.json").read_text()))
        remote("receipts", "key", "--out", folder / "service.pub")
        service_test.run_tool("receipt", "verify", folder / "r.json", "--key", folder / "service.pub")
        self.assertEqual(remote("receipts", "verify", folder / "r.json", key=buyer)["is_valid"], True)
        (folder / "forged.json").write_text((folder / "r.json").read_text().replace('"0.25"', '"0.20"'))
        self.refused("remote", "receipts", "verify", folder / "forged.json", key=buyer, code=1)
        self.assertIn("no chain", self.refused("remote", "receipts", "submit", job, key=buyer, code=1)["detail"])

        # As other clients of the Open Inference Protocol see it.
        self.assertEqual(remote("protocol", "health")["ready"], True)
        for version in ([], ["--version", 1]):
            self.assertEqual(remote("protocol", "model", model, *version)["name"], model)
            self.assertEqual(remote("protocol", "ready", model, *version)["ready"], True)
            answer = remote("protocol", "infer", model, "--input", digits, "--index", 3, *version)
            integers = [output["data"] for output in answer["outputs"] if output["name"] == "integers"]
            self.assertEqual(integers, [proven["result"]["output"]["integers"]])

        self.assertEqual(self.ask("admin", "keys", "list", "--tenant", tenant)["items"][0]["id"], made["id"])
        self.ask("admin", "keys", "revoke", made["id"], "--tenant", tenant)
        self.assertIn("API key", self.refused("remote", "models", "list", key=buyer)["detail"])
        self.assertEqual(self.ask("admin", "audit", "list", "--limit", 1)["items"][0]["sequence"], 1)
        self.ask("admin", "audit", "verify")

        asked = set()
        for line in (self.folder / "data.log").read_text().splitlines():
            entry = json.loads(line)
            if entry.get("event") == "request":
                asked.add((entry["method"], entry["route"]))
        known = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
        only_with_circuit = {("GET", "/ml/proofs/{proof}/proof.json"), ("GET", "/ml/proofs/{proof}/public.json")}
        self.assertEqual(known - asked, set() if circuit else only_with_circuit, "requests without a command")

    def prove_with_groth16(self):
        remote = lambda *arguments, **options: self.ask("remote", *arguments, **options)
        folder, samples = self.folder, MODELS / "digits8_test.npz"
        net = self.compiled("digits8.bpm", MODELS / "digits8.onnx", MODELS / "digits8_calibration.npz", "--weight-bits", "6")
        model = self.upload("digits8", net)
        service_test.run_tool("groth16", "setup", circuit, "--dev", "--out", folder / "c.zkey")
        add = ["models", "circuit", model, "--circuit", circuit, "--key", folder / "c.zkey"]
        self.assertIn("development", self.refused("remote", *add, code=1)["detail"])
        added = remote(*add, "--allow-dev")
        self.assertEqual(added["insecure_key"], True)
        facts = remote("models", "show", model, "--version", 1)["facts"]["groth16"]
        self.assertEqual((facts["model_hash"], "sealed" in facts), (added["model_hash"], False))
        remote("models", "verification-key", model, "--out", folder / "vk.json")
        infer = ["infer", model, "--level", "zkml", "--proof-system", "groth16", "--input", samples, "--index", 5, "--proof", folder / "proof.json",
                 "--public", folder / "public.json", "--verification-key", folder / "vk.json"]
        self.assertIn("key.development", self.refused("remote", *infer, code=1)["detail"])
        answer = remote(*infer, "--allow-dev")
        self.assertEqual((answer["verified"], answer["insecure_key"]), (True, True))
        ran = json.loads(service_test.run_tool("model", "run", net, "--input", samples, "--json"))
        self.assertEqual(answer["result"]["output"]["integers"], ran["outputs"][5])
        # The public values are digests of this input and answer: the program computes the same from their salts.
        public = json.loads((folder / "public.json").read_text())
        self.assertEqual(public[0], added["model_hash"], "of the model, the same in all proofs")
        (folder / "salts").write_text(json.dumps(answer["result"]["salts"]))
        self.assertEqual(sorted(answer["result"]["salts"]), ["input", "output"], "the model's stays with its owner")
        witness = json.loads(service_test.run_tool("groth16", "witness", net, "--circuit", circuit, "--input", samples, "--index", "5", "--salts", folder / "salts",
                                                   "--out", folder / "w.wtns", "--json"))
        self.assertEqual(witness["public"][1:], public[1:])
        proof = next(item for item in remote("proofs", "list")["items"] if item["job"] == answer["job"])
        self.assertEqual((proof["level"], proof["proof_system"]), ("zkml", "groth16"))
        remote("proofs", "download", proof["id"], "--out", folder / "again.json", "--public", folder / "values.json")
        self.assertEqual(json.loads((folder / "again.json").read_text()), json.loads((folder / "proof.json").read_text()))
        service_test.run_tool("groth16", "verify", "--key", folder / "vk.json", "--proof", folder / "again.json", "--public", folder / "values.json", "--allow-dev")
        self.refused("remote", "proofs", "download", proof["id"], "--out", folder / "p.bpp")
        self.assertEqual(remote("proofs", "verify", proof["id"])["insecure_key"], True)
        status, verdict = self.service.request("POST", f"/ml/proofs/{proof['id']}/verify", {"public_inputs": {"input_hash": public[1], "output_hash": public[2]}})
        self.assertEqual((status, verdict["is_valid"]), (200, True))
        status, verdict = self.service.request("POST", f"/ml/proofs/{proof['id']}/verify", {"public_inputs": {"input_hash": public[2]}})
        self.assertEqual((status, verdict["refused_by"]), (200, "statement.input_hash"))
        status, problem = self.service.request("POST", f"/ml/models/{model}/inference", {"privacy_level": "zkml", "proof_system": "groth16", "context": "x",
                                                                                        "input": {"shape": [64], "data": [0] * 64}})
        self.assertEqual(status, 422, problem)
        other = self.upload("other", scratch / "mlp.bpm")
        self.assertIn("circuit", self.refused("remote", "models", "circuit", other, "--circuit", circuit, "--key", folder / "c.zkey", "--allow-dev", code=1)["detail"])

    def test_a_model_with_encrypted_weights_answers_its_client_alone(self):
        remote = lambda *arguments, **options: self.ask("remote", *arguments, **options)
        folder, records = self.folder, TABLES / "breast_cancer_test.npz"
        net = self.compiled("net.bpm", TABLES / "breast_cancer_square.onnx", TABLES / "breast_cancer_train.npz")
        service_test.run_tool("model", "lower", net, "--level", "fhe", "--out", folder / "net.bpf")
        for client in ("ours", "others"):
            service_test.run_tool("keys", "generate", "--spec", folder / "net.bpc", "--out", folder / client)
        service_test.run_tool("model", "encrypt", folder / "net.bpf", "--public-key", folder / "ours" / "public.bppk", "--out", folder / "net.bpfe")
        model = remote("models", "create", "hidden")["id"]
        uploaded = remote("models", "upload", model, folder / "net.bpfe")
        self.assertEqual((uploaded["status"], uploaded["levels"], uploaded["facts"]["encrypted_weights"]), ("ready", ["fhe"], True))
        remote("models", "spec", model, "--level", "fhe", "--out", folder / "again.bpc")
        self.assertEqual((folder / "again.bpc").read_bytes(), (folder / "net.bpc").read_bytes())
        ran = json.loads(service_test.run_tool("model", "run", net, "--input", records, "--json"))
        ask = ["infer", model, "--level", "fhe", "--spec", folder / "again.bpc", "--input", records, "--index", 2, "--out", folder / "y.npy"]
        ours = remote("keys", "upload", model, "--keys", folder / "ours")["id"]
        self.assertEqual(remote(*ask, "--keys", folder / "ours", "--server-keys", ours)["classes"], ran["classes"][2:3])
        others = remote("keys", "upload", model, "--keys", folder / "others")["id"]
        self.assertIn("another client", self.refused("remote", *ask, "--keys", folder / "others", "--server-keys", others, code=1)["detail"])
        self.assertIn("encrypted", self.refused("remote", "infer", model, "--level", "zkml", "--input", records, "--index", 2)["detail"])
        self.refused("remote", "models", "key", model, "--out", folder / "net.bpk")
        self.refused("remote", "models", "upload", model, folder / "net.bpfe", "--levels", "hybrid")
        self.refused("remote", "listings", "create", model, "--title", "Hidden", "--price", "zkml=1")
        self.refused("remote", "protocol", "ready", model)
        (folder / "bad.bpfe").write_bytes((folder / "net.bpfe").read_bytes()[:5000])
        self.refused("remote", "models", "upload", model, folder / "bad.bpfe", code=1)
        self.assertEqual(remote("models", "show", model, "--version", 1)["status"], "ready")

    def test_uploads_can_go_on_alone(self):
        model = self.ask("remote", "models", "create", "m")["id"]
        job = self.ask("remote", "models", "upload", model, scratch / "mlp.bpm", "--no-wait")["job"]
        self.assertEqual(self.ask("remote", "jobs", "watch", job)["status"], "succeeded")
        (self.folder / "bad.bpm").write_bytes(b"BPM\0" + bytes(100))
        self.refused("remote", "models", "upload", model, self.folder / "bad.bpm", code=1)

    def test_secret_keys_are_not_sent(self):
        model = self.upload("table", self.table(), "--levels", "fhe")
        spec, keys = self.folder / "net.bpc", self.folder / "keys"
        self.ask("remote", "models", "spec", model, "--level", "fhe", "--out", spec)
        service_test.run_tool("keys", "generate", "--spec", spec, "--out", keys)
        secret = (keys / "secret.bpsk").read_bytes()
        (keys / "eval.bpek").write_bytes(secret)
        self.refused("remote", "keys", "upload", model, "--keys", keys)
        self.assertEqual(self.ask("remote", "keys", "list")["items"], [], "nothing half uploaded is left")

    def test_changes_of_the_audit_log_are_seen(self):
        for i in range(5):
            self.ask("remote", "models", "create", f"m{i}")
        anchor = self.folder / "end.json"
        self.assertEqual(self.ask("admin", "audit", "verify", "--anchor", anchor)["entries"], 5)
        self.ask("remote", "models", "create", "more")
        self.assertEqual(self.ask("admin", "audit", "verify", "--anchor", anchor)["entries"], 6)
        database = self.folder / "data" / "blindproof.sqlite"
        self.service.stop()

        def altered(statement):
            kept = database.read_bytes()
            with sqlite3.connect(database) as connection:
                for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall():
                    connection.execute(f"DROP TRIGGER {trigger}")
                connection.execute(statement)
            connection.close()
            self.service = Service(self.folder / "data", workers=0)
            self.url = f"http://127.0.0.1:{self.service.port}"
            error = self.refused("admin", "audit", "verify", "--anchor", anchor, code=1)
            self.service.stop()
            for name in database.parent.glob("blindproof.sqlite*"):
                name.unlink()
            database.write_bytes(kept)
            return error["place"]

        self.assertIn("entry 2", altered("UPDATE audit SET object='other' WHERE sequence=2"))
        self.assertIn("entry 3", altered("DELETE FROM audit WHERE sequence=2"))
        self.assertIn("entry 6", altered("DELETE FROM audit WHERE sequence=6"), "only the anchor shows that")

    def test_errors_say_what_to_do(self):
        done = subprocess.run([blindproof, "remote", "models", "list"], capture_output=True, text=True,
                              env={name: value for name, value in os.environ.items() if not name.startswith("BLINDPROOF_")})
        self.assertEqual(done.returncode, 2)
        self.assertIn("BLINDPROOF_SERVER", done.stderr)
        done = self.call("remote", "models", "list", BLINDPROOF_API_KEY="wrong")
        self.assertEqual(done.returncode, 2)
        self.assertNotIn("wrong", done.stdout + done.stderr)
        done = self.call("remote", "models", "list", BLINDPROOF_SERVER="http://127.0.0.1:1")
        self.assertEqual(done.returncode, 2)
        open_key = self.folder / "open.key"
        open_key.write_text(self.key + "\n")
        open_key.chmod(0o644)
        self.assertIn("chmod 600", self.call("remote", "models", "list", "--key-file", open_key).stderr)
        open_key.chmod(0o600)
        self.assertEqual(self.call("remote", "models", "list", "--key-file", open_key, BLINDPROOF_API_KEY="wrong").returncode, 0)
        for identity in ("..", ".", "", "../admin/keys", "a/b?c"):
            self.assertEqual(self.call("remote", "models", "show", identity).returncode, 2, identity)
        self.assertEqual(self.call("remote", "status", BLINDPROOF_API_KEY="").returncode, 2)
        self.assertEqual(self.call("remote", "infer", "X", "--level", "none", "--input", open_key).returncode, 2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blindproof", type=pathlib.Path, required=True, help="the program")
    parser.add_argument("--circuit", type=pathlib.Path, help="digits8_inference.r1cs; without it, or if it isn't there, groth16 is left out")
    arguments, rest = parser.parse_known_args()
    circuit = arguments.circuit if arguments.circuit and arguments.circuit.exists() else None
    blindproof = service_test.blindproof = arguments.blindproof.resolve()
    scratch = service_test.scratch = pathlib.Path(tempfile.mkdtemp(prefix="remote-"))
    try:
        service_test.run_tool("model", "compile", MNIST / "mlp.onnx", "--calibration", MNIST / "mnist_calibration.npz", "--out", scratch / "mlp.bpm")
        unittest.main(argv=[sys.argv[0], *rest])
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
