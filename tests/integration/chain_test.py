#!/usr/bin/env python3
"""`blindproof receipt` and `blindproof chain` from outside: the canonical form against Python's json, signatures and transactions
against ethers and Node, hostile nodes, and a local chain. --node and --oracle name Node and the folder with ethers and anvil;
without them the claims that need them are skipped."""
import argparse
import contextlib
import hashlib
import http.server
import json
import os
import pathlib
import random
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SEED = int(os.environ.get("BLINDPROOF_TEST_SEED", "1"))
GOOD, FAILED, UNUSABLE = 0, 1, 2
CONTRACT = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
RECIPIENT = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
CHAIN = 31337
ANVIL = "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"  # npm has it for no other system
FIELD_ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617

blindproof = None
node = None    # the program
oracle = None  # the folder


def run(*arguments, code=GOOD, environment=None):
    """What the program printed, of its JSON."""
    done = subprocess.run([blindproof, *map(str, arguments), "--json"], capture_output=True, text=True, timeout=120,
                          env={**os.environ, **(environment or {})})
    assert done.returncode == code, f"exit code {done.returncode}, not {code}: {arguments}\n{done.stdout}{done.stderr}"
    return json.loads(done.stdout)


def ask(question, **values):
    done = subprocess.run([node, "oracle.mjs", question], cwd=oracle, input=json.dumps(values), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


needs_oracle = unittest.skipUnless("--oracle" in sys.argv, "needs ethers and anvil (npm)")


def drop_nulls(value):
    if isinstance(value, dict):
        return {k: drop_nulls(v) for k, v in value.items() if v is not None}
    return [drop_nulls(v) for v in value] if isinstance(value, list) else value


def canonical(receipt):
    body = {k: v for k, v in receipt.items() if k not in ("receipt_hash", "signature", "attestations")}
    return json.dumps(drop_nulls(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def fields(**changes):
    receipt = {"version": "1.0", "receipt_id": "r-1", "job_id": "j-1", "provider": "node-7", "client": "alice", "units": 1200, "unit_type": "tokens",
               "started_at": "2026-01-31T23:59:58Z", "completed_at": "2026-02-01T00:00:00Z"}
    return {**receipt, **changes}


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, value):
        path = self.folder / name
        path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
        return path

    def key(self, name="provider"):
        run("receipt", "key", "--out", self.folder / name)
        return self.folder / f"{name}.key", self.folder / f"{name}.pub"

    def ethereum_key(self, name):
        made = run("chain", "key", "--out", self.folder / name)
        return self.folder / name, made["address"]

    def signed(self, receipt, key):
        path = self.write("r.json", receipt)
        run("receipt", "sign", path, "--key", key)
        return path


class Receipts(Case):
    def random_text(self, rng):
        alphabet = "ab\"\\/\b\f\n\r\t\x00\x1f\x7f é\u2028\uffff\U00010000\U0001f600'<>&"
        return "".join(rng.choice(alphabet) for _ in range(rng.randrange(8)))

    def random_value(self, rng, depth=0):
        kind = rng.randrange(9 if depth < 4 else 6)
        if kind == 0:
            return None
        if kind == 1:
            return rng.choice([True, False])
        if kind == 2:
            return rng.choice([0, 1, -1, 2**53 - 1, -(2**53 - 1), rng.randrange(-10**9, 10**9)])
        if kind == 3:
            number = rng.choice([rng.uniform(-1000, 1000), rng.uniform(0.0001, 0.001), rng.uniform(1e13, 1e14), 0.5, 1.0, 0.1 + 0.2])
            return number if abs(number) >= 1e-4 else 0.25
        if kind in (4, 5):
            return self.random_text(rng)
        if kind == 6:
            return [self.random_value(rng, depth + 1) for _ in range(rng.randrange(4))]
        return {self.random_text(rng): self.random_value(rng, depth + 1) for _ in range(rng.randrange(5))}

    def test_canonical_form_is_that_of_pythons_json(self):
        rng = random.Random(SEED)
        key, public = self.key()
        for round_ in range(40):
            receipt = fields(metadata={"m": self.random_value(rng), **{self.random_text(rng): self.random_value(rng) for _ in range(4)}}, model=None,
                             price=rng.choice([None, 0, 12, 0.25, "0.25"]), units=rng.choice([0, 1, 1.5, 2**53 - 1]))
            names = list(receipt)
            rng.shuffle(names)
            # Also as others write it: escapes, spaces, another order.
            text = json.dumps({n: receipt[n] for n in names}, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 1]))
            path = self.write("r.json", text)
            signed = run("receipt", "sign", path, "--key", key)
            self.assertEqual(signed["receipt_hash"], hashlib.sha256(canonical(receipt)).hexdigest(), f"seed {SEED}, round {round_}: {receipt}")
            self.assertTrue(run("receipt", "verify", path, "--key", public)["accepted"])
            self.assertEqual(canonical(json.loads(path.read_text(encoding="utf-8"))), canonical(receipt))

    @needs_oracle
    def test_node_accepts_the_signatures(self):
        key, public = self.key()
        for receipt in fields(), fields(client="Ålice \U0001f600", metadata={"é": "\x00"}):
            signed = json.loads(self.signed(receipt, key).read_text(encoding="utf-8"))
            _, key_id, point = public.read_text().split()
            self.assertEqual(signed["signature"]["key_id"], key_id)
            self.assertTrue(ask("ed25519", point=point, message=canonical(receipt).decode(), signature=signed["signature"]["sig"])["good"])
            self.assertFalse(ask("ed25519", point=point, message=canonical(receipt).decode() + " ", signature=signed["signature"]["sig"])["good"])

    def test_options_and_file_give_the_same_receipt(self):
        given = fields(chain_id=CHAIN, price="0.25", duration_ms=1500, metadata={"a": [1, 0.5]})
        by_file = run("receipt", "create", "--from", self.write("f.json", given), "--out", self.folder / "a.json")
        options = [f"--{k.replace('_', '-')}={v}" for k, v in given.items() if k not in ("version", "metadata")]
        by_options = run("receipt", "create", *options, "--metadata", self.write("m.json", given["metadata"]), "--out", self.folder / "b.json")
        self.assertEqual(by_file["receipt_hash"], by_options["receipt_hash"])
        self.assertEqual(by_file["receipt_hash"], hashlib.sha256(canonical(given)).hexdigest())
        self.assertEqual(json.loads((self.folder / "a.json").read_text()), given)

    def test_every_altered_field_is_refused(self):
        key, public = self.key()
        path = self.signed(fields(chain_id=CHAIN, price=1, model="m", nonce="n", metadata={"a": 1}, coordinator_id="c", duration_ms=2,
                                  prompt_hash="0x" + "a" * 64, artifact_hash="b" * 64), key)
        good = json.loads(path.read_text())
        other = {"version": None, "units": 1201, "started_at": "2026-01-31T23:59:57Z", "completed_at": "2026-02-01T00:00:01Z", "chain_id": 1, "price": 2, "metadata": {"a": 2},
                 "duration_ms": 3, "prompt_hash": "0x" + "c" * 64, "artifact_hash": "c" * 64}
        for name in good:
            if name in ("version", "receipt_hash", "signature"):
                continue
            self.write("r.json", {**good, name: other.get(name, "other")})
            refused = run("receipt", "verify", path, "--key", public, code=FAILED)
            self.assertEqual((refused["accepted"], refused["check"]), (False, "receipt.hash"), name)
        altered = {**good, "units": 1}
        altered["receipt_hash"] = hashlib.sha256(canonical(altered)).hexdigest()
        self.write("r.json", altered)
        self.assertEqual(run("receipt", "verify", path, "--key", public, code=FAILED)["check"], "receipt.signature")
        self.write("r.json", {**good, "receipt_hash": "0" * 64})
        self.assertEqual(run("receipt", "verify", path, "--key", public, code=FAILED)["check"], "receipt.hash")
        self.write("r.json", {k: v for k, v in good.items() if k != "signature"})
        self.assertEqual(run("receipt", "verify", path, "--key", public, code=FAILED)["check"], "receipt.signed")
        self.write("r.json", good)
        self.assertEqual(run("receipt", "verify", path, "--key", self.key("other")[1], code=FAILED)["check"], "receipt.key_id")

    def test_keys_in_the_receipt_are_refused(self):
        key, public = self.key()
        path = self.signed(fields(), key)
        good = json.loads(path.read_text())
        for changed in ({**good, "public_key": "00"}, {**good, "signature": {**good["signature"], "public_key": "00"}}):
            self.write("r.json", changed)
            self.assertEqual(run("receipt", "verify", path, "--key", public, code=UNUSABLE)["error"]["code"], "malformed")

    def test_hostile_files_are_refused(self):
        _, public = self.key()
        good = json.dumps(fields())
        for text in ("", "[]", "{", "[" * 100000, '{"a":' * 50000, good[:-1] + ',"units":1}', good.replace("1200", "1e3"), good.replace("1200", "NaN"), good.replace("1200", "1" * 100000),
                     good.replace("alice", "\\ud800"), good + good, " " * (2 << 20), good.replace("1200", "[" * 20 + "]" * 20), "\ufeff" + good, good.replace("}", ',"x":{}}')):
            path = self.write("r.json", text)
            error = run("receipt", "verify", path, "--key", public, code=UNUSABLE)["error"]
            self.assertIn(error["code"], ("malformed", "limit"), text[:80])
        for raw in (b"\xff" * 100, good.encode().replace(b"alice", b"\xc0\x80"), b"\x00", good.encode("utf-16")):
            (self.folder / "r.json").write_bytes(raw)
            run("receipt", "verify", self.folder / "r.json", "--key", public, code=UNUSABLE)

    def test_secret_keys_stay_secret(self):
        key, public = self.key()
        self.assertEqual(stat.S_IMODE(key.stat().st_mode), 0o600)
        before = key.read_bytes()
        run("receipt", "key", "--out", self.folder / "provider", code=UNUSABLE)
        self.assertEqual(key.read_bytes(), before)
        path = self.write("r.json", fields())
        key.chmod(0o640)
        self.assertIn("chmod 600", run("receipt", "sign", path, "--key", key, code=UNUSABLE)["error"]["detail"])
        run("receipt", "sign", path, "--key", public, code=UNUSABLE)


class Simulator:
    """Groth16 proofs of any statement, by whoever knows a key's secrets: an oracle apart from provers and their curve code."""
    Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583
    G1 = ((1, 0), (2, 0))
    G2 = ((10857046999023057135944570762232829481370756359578518086990519993285655852781, 11559732032986387107991004021392285783925812861821192530917403151452391805634),
          (8495653923123431417604973247489272438418190587263600148770280649306958101930, 4082367875863433681332203403145435568316851327593401208105741076214120093531))

    @classmethod
    def multiply(cls, p, q):  # in Fq2, i^2 = -1; points of G1 have imaginary parts 0
        return ((p[0] * q[0] - p[1] * q[1]) % cls.Q, (p[0] * q[1] + p[1] * q[0]) % cls.Q)

    @classmethod
    def divide(cls, p, q):
        inverse = pow(q[0] * q[0] + q[1] * q[1], -1, cls.Q)
        return cls.multiply(p, (q[0] * inverse % cls.Q, -q[1] * inverse % cls.Q))

    @classmethod
    def add(cls, p, q):
        if p is None or q is None:
            return p or q
        minus = lambda a, b: ((a[0] - b[0]) % cls.Q, (a[1] - b[1]) % cls.Q)
        if p[0] == q[0]:
            if p[1] != q[1]:
                return None
            square = cls.multiply(p[0], p[0])
            slope = cls.divide((3 * square[0], 3 * square[1]), (2 * p[1][0], 2 * p[1][1]))
        else:
            slope = cls.divide(minus(q[1], p[1]), minus(q[0], p[0]))
        x = minus(minus(cls.multiply(slope, slope), p[0]), q[0])
        return x, minus(cls.multiply(slope, minus(p[0], x)), p[1])

    @classmethod
    def times(cls, scalar, point):
        out = None
        for bit in bin(scalar % FIELD_ORDER)[2:]:
            out = cls.add(out, out)
            if bit == "1":
                out = cls.add(out, point)
        return out

    @staticmethod
    def g1(point):
        return [str(point[0][0]), str(point[1][0]), "1"]

    @staticmethod
    def g2(point):
        return [[str(c) for c in point[0]], [str(c) for c in point[1]], ["1", "0"]]

    def __init__(self, rng):
        self.rng = rng
        self.alpha, self.beta, self.gamma, self.delta, *self.ic = (rng.randrange(2, FIELD_ORDER) for _ in range(7))

    def key(self):
        return {"protocol": "groth16", "curve": "bn128", "nPublic": 2, "vk_alpha_1": self.g1(self.times(self.alpha, self.G1)), "vk_beta_2": self.g2(self.times(self.beta, self.G2)),
                "vk_gamma_2": self.g2(self.times(self.gamma, self.G2)), "vk_delta_2": self.g2(self.times(self.delta, self.G2)),
                "IC": [self.g1(self.times(scalar, self.G1)) for scalar in self.ic]}

    def proof(self, inputs):
        a, b = (self.rng.randrange(1, FIELD_ORDER) for _ in range(2))
        public = self.ic[0] + sum(x * int(y) for x, y in zip(self.ic[1:], inputs))
        c = (a * b - self.alpha * self.beta - public * self.gamma) * pow(self.delta, -1, FIELD_ORDER)
        return {"pi_a": self.g1(self.times(a, self.G1)), "pi_b": self.g2(self.times(b, self.G2)), "pi_c": self.g1(self.times(c, self.G1)), "protocol": "groth16", "curve": "bn128"}


class Settlements(Case):
    TYPES = {"Settlement": [{"name": "receiptHash", "type": "bytes32"}, {"name": "recipient", "type": "address"}, {"name": "amount", "type": "uint128"},
                            {"name": "nonce", "type": "uint64"}, {"name": "deadline", "type": "uint64"}]}

    def settle(self, receipt=None, extra=("--unit-price", "1000"), code=GOOD):
        key, public = self.key()
        secret, address = self.ethereum_key("coordinator")
        path = self.signed(receipt or fields(chain_id=CHAIN), key)
        out = self.folder / "s.json"
        said = run("receipt", "settle", path, "--provider-key", public, "--chain-id", CHAIN, "--contract", CONTRACT, "--recipient", RECIPIENT, "--deadline", 1900000000,
                   "--key-file", secret, "--out", out, *extra, code=code)
        return path, public, out, address, said

    @staticmethod
    def statement(settlement, *digests):
        number = lambda name, size: int(settlement[name]).to_bytes(size, "big")
        raw = lambda name: bytes.fromhex(settlement[name][2:])
        packed = b"blindproof/rcpt1" + number("chain_id", 8) + raw("contract") + raw("recipient") + number("amount", 16) + number("nonce", 8) + number("deadline", 8) + \
            raw("receipt_hash") + b"".join(digests)
        assert len(packed) == 224
        digest = hashlib.sha256(packed).digest()
        return [str(int.from_bytes(half, "big")) for half in (digest[:16], digest[16:])]

    def attached(self):
        path, public, settlement, address, _ = self.settle()
        digests = [n.to_bytes(32, "big") for n in (1, FIELD_ORDER - 2, 3)]
        proof = self.write("proof.json", '{"pi_a": []}')
        inputs = self.write("public.json", self.statement(json.loads(settlement.read_text()), *digests))
        options = ["--settlement", settlement, "--proof", proof, "--public", inputs,
                   *(f"--{name}-hash=0x{digest.hex()}" for name, digest in zip(("model", "input", "output"), digests))]
        return path, public, address, proof, inputs, options

    @needs_oracle
    def test_ethers_accepts_the_signature(self):
        path, _, out, address, said = self.settle(extra=("--amount", str(2**128 - 1 - (2**128 - 1) % 1200), "--nonce", str(2**64 - 1)))
        self.assertEqual(said["coordinator"], address)
        settlement = json.loads(out.read_text())
        self.assertEqual("0x" + json.loads(path.read_text())["receipt_hash"], settlement["receipt_hash"])
        domain = {"name": "ZKReceiptVerifier", "version": "1", "chainId": CHAIN, "verifyingContract": CONTRACT}
        message = {"receiptHash": settlement["receipt_hash"], **{k: settlement[k] for k in ("recipient", "amount", "nonce", "deadline")}}
        signer = lambda d, m: ask("typedData", domain=d, types=self.TYPES, message=m, signature=settlement["signature"])["signer"]
        self.assertEqual(signer(domain, message), address)
        self.assertNotEqual(signer({**domain, "chainId": 1}, message), address)
        self.assertNotEqual(signer(domain, {**message, "amount": "1"}), address)

    @needs_oracle
    def test_ethers_agrees_on_the_address_of_a_key(self):
        for name in ("a", "b"):
            path, address = self.ethereum_key(name)
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
            self.assertEqual(ask("address", key=path.read_text().strip())["address"], address)

    def test_amount_is_units_times_price(self):
        *_, said = self.settle()
        self.assertEqual(said["settlement"]["amount"], "1200000")
        self.assertEqual(self.settle_refused(fields(units=1.5)), "invalid-argument")

    def settle_refused(self, receipt, extra=("--unit-price", "1000"), code=UNUSABLE):
        for name in ("provider.key", "provider.pub", "coordinator"):
            (self.folder / name).unlink(missing_ok=True)
        return self.settle(receipt, extra, code)[-1]["error"]["code"]

    def test_coordinators_sign_nothing_unchecked(self):
        path, public, out, address, _ = self.settle()
        altered = json.loads(path.read_text())
        altered["units"] = 10**9
        self.write("r.json", altered)
        out.unlink()
        error = run("receipt", "settle", path, "--provider-key", public, "--chain-id", CHAIN, "--contract", CONTRACT, "--recipient", RECIPIENT, "--deadline", 1,
                    "--key-file", self.folder / "coordinator", "--out", out, "--amount", 1, code=FAILED)["error"]
        self.assertEqual(error["place"], "receipt.hash")
        self.assertFalse(out.exists())
        self.assertEqual(self.settle_refused(fields(chain_id=1), code=FAILED), "mismatch")
        self.assertEqual(self.settle_refused(None, ("--amount", str(2**128))), "invalid-argument")
        self.assertEqual(self.settle_refused(None, ("--amount", "1", "--nonce", str(2**64))), "invalid-argument")
        self.assertEqual(self.settle_refused(None, ()), "invalid-argument")

    def test_keys_come_from_the_environment_but_never_from_arguments(self):
        key, public = self.key()
        secret, address = self.ethereum_key("coordinator")
        path = self.signed(fields(), key)
        command = ["receipt", "settle", path, "--provider-key", public, "--chain-id", CHAIN, "--contract", CONTRACT, "--recipient", RECIPIENT, "--deadline", 1, "--amount", 1, "--out",
                   self.folder / "s.json"]
        said = run(*command, environment={"BLINDPROOF_ETHEREUM_KEY": secret.read_text().strip()})
        self.assertEqual(said["coordinator"], address)
        self.assertEqual(run(*command, code=UNUSABLE)["error"]["code"], "invalid-argument")
        error = run(*command, environment={"BLINDPROOF_ETHEREUM_KEY": "secret" + "0" * 58}, code=UNUSABLE)["error"]
        self.assertNotIn("secret0", json.dumps(error))
        error = run(*command, "--key", secret.read_text().strip(), code=UNUSABLE)["error"]
        self.assertEqual(error["place"], "arguments")

    def test_attached_proofs_are_bound_to_receipt_and_settlement(self):
        path, public, address, proof, inputs, options = self.attached()
        run("receipt", "attach", path, *options)
        check = ["receipt", "verify", path, "--key", public, "--proof", proof, "--public", inputs, "--coordinator", address]
        said = run(*check)
        self.assertEqual((said["accepted"], said["attestations"], said["proof_verified"]), (True, 1, False))
        good = json.loads(path.read_text())

        def refusal(change):
            changed = json.loads(json.dumps(good))
            change(changed["attestations"][0])
            self.write("r.json", changed)
            return run(*check, code=FAILED)["check"]

        digit = lambda text: text[:-1] + ("0" if text[-1] != "0" else "1")
        for name, expected in (("model_hash", "attestation.statement"), ("input_hash", "attestation.statement"), ("output_hash", "attestation.statement"),
                               ("proof_hash", "attestation.digest"), ("public_hash", "attestation.digest")):
            self.assertEqual(refusal(lambda a: a.update({name: digit(a[name])})), expected, name)
        for name, value, expected in (("chain_id", "1", "attestation.chain"), ("contract", RECIPIENT, "attestation.statement"), ("recipient", CONTRACT, "attestation.statement"),
                                      ("amount", "1200", "attestation.statement"), ("amount", "1201", "attestation.amount"), ("nonce", "1", "attestation.statement"),
                                      ("deadline", "1", "attestation.statement"), ("receipt_hash", "0x" + "0" * 64, "attestation.receipt"),
                                      ("signature", "0x" + "0" * 128 + "1b", "attestation.signature"), ("signature", None, "attestation.form")):
            self.assertEqual(refusal(lambda a: a["settlement"].update({name: value})), expected, name)
        self.assertEqual(refusal(lambda a: a.update(type="verified")), "attestation.form")
        self.assertEqual(refusal(lambda a: a.update(verified=True)), "attestation.form")

        self.write("r.json", good)
        run(*check)
        other = run("chain", "key", "--out", self.folder / "other")["address"]
        self.assertEqual(run(*check[:-1], other, code=FAILED)["check"], "attestation.signature")
        self.write("public.json", json.loads(inputs.read_text())[::-1])
        self.assertEqual(run(*check, code=FAILED)["check"], "attestation.digest")

    def test_attached_proofs_are_verified_under_the_given_key(self):
        path, public, _, proof, inputs, options = self.attached()
        simulator = Simulator(random.Random(SEED))
        statement = json.loads(inputs.read_text())
        key = self.write("vk.json", simulator.key())
        verify = lambda code, *more: run("receipt", "verify", path, "--key", public, "--proof", proof, "--public", inputs, "--verification-key", key, *more, code=code)
        unsigned = path.read_text()
        for number, given in enumerate((simulator.proof(statement), simulator.proof(["1", "2"]), Simulator(random.Random(SEED + 1)).proof(statement))):
            self.write("r.json", unsigned)
            self.write("proof.json", given)
            run("receipt", "attach", path, *options)
            said = verify(GOOD if number == 0 else FAILED)
            self.assertEqual(said["proof_verified"], number == 0)
            if number > 0:
                self.assertEqual(said["check"], "attestation.proof")
        run("receipt", "verify", path, "--key", public, "--verification-key", key, code=UNUSABLE)
        self.write("vk.json", "{}")
        verify(UNUSABLE)

    def test_proofs_of_something_else_are_not_attached(self):
        path, _, _, proof, inputs, options = self.attached()
        before = path.read_bytes()
        self.write("public.json", ["1", "2"])
        self.assertEqual(run("receipt", "attach", path, *options, code=FAILED)["error"]["place"], "attestation.statement")
        for wrong in ('["1"]', "[1,2]", "{}", '["1","-2"]', f'["{2**128}","1"]', "[" * 50):
            self.write("public.json", wrong)
            run("receipt", "attach", path, *options, code=UNUSABLE)
        options[options.index("--settlement") + 1] = self.write("empty.json", "{}")
        run("receipt", "attach", path, *options, code=UNUSABLE)
        self.assertEqual(path.read_bytes(), before)


class FakeNode:
    """Answers JSON-RPC from a table; a value may be a function of the parameters. `raw` replaces whole HTTP answers."""

    def __init__(self, answers, raw=None):
        outer = self
        self.answers, self.raw, self.asked = answers, raw, []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append(request)
                if outer.raw is not None:
                    return outer.raw(self, request)
                answer = outer.answers.get(request["method"])
                answer = answer(request["params"]) if callable(answer) else answer
                body = {"jsonrpc": "2.0", "id": request["id"]}
                body.update({"error": answer} if isinstance(answer, dict) and "message" in answer else {"result": answer})
                self.reply(200, json.dumps(body).encode())

            def reply(self, status, body, **headers):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def sent(self):
        return [r["params"][0] for r in self.asked if r["method"] == "eth_sendRawTransaction"]


RUNTIME = "602a60005260206000f3"  # returns 42
CREATION = "69" + RUNTIME + "600052600a6016f3"
ARTIFACT = {"contractName": "FortyTwo", "abi": [{"type": "error", "name": "TooLate", "inputs": [{"type": "uint64"}]}], "bytecode": "0x" + CREATION, "deployedBytecode": "0x" + RUNTIME}


class Nodes(Case):
    def answers(self, **changes):
        def send(parameters):
            self.hash = ask("transaction", raw=parameters[0])["hash"] if oracle else "0x" + "00" * 32
            return self.hash

        receipt = lambda parameters: {"transactionHash": parameters[0], "status": "0x1", "blockNumber": "0x2", "gasUsed": "0x5208", "contractAddress": CONTRACT.lower(), "logs": []}
        return {"eth_chainId": hex(CHAIN), "eth_getTransactionCount": "0x7", "eth_getBlockByNumber": {"baseFeePerGas": hex(10**9)}, "eth_maxPriorityFeePerGas": hex(10**8),
                "eth_estimateGas": "0x10000", "eth_sendRawTransaction": send, "eth_getTransactionReceipt": receipt, "eth_getCode": "0x" + RUNTIME, **changes}

    def deploy(self, fake, *options, code=GOOD):
        secret = self.folder / "sender"
        if not secret.exists():
            self.sender = self.ethereum_key("sender")[1]
        return run("chain", "deploy", self.write("c.json", ARTIFACT), "--rpc", fake.url, "--key-file", secret, "--wait-seconds", 1, *options, code=code)

    @needs_oracle
    def test_ethers_reads_the_transaction(self):
        with FakeNode(self.answers()) as fake:
            said = self.deploy(fake)
        self.assertEqual((said["address"], said["transaction"], said["gas_used"]), (CONTRACT, self.hash, 21000))
        [raw] = fake.sent()
        sent = ask("transaction", raw=raw)
        self.assertEqual(sent.pop("again"), raw)
        self.assertEqual(sent, {"type": 2, "chainId": str(CHAIN), "nonce": 7, "to": None, "data": "0x" + CREATION, "value": "0", "gasLimit": str(0x10000 * 5 // 4),
                                "maxFeePerGas": str(2 * 10**9 + 10**8), "maxPriorityFeePerGas": str(10**8), "from": self.sender, "hash": self.hash})

    @needs_oracle
    def test_constructor_arguments_are_those_of_ethers(self):
        types = ["address", "uint64", "uint256", "bytes32", "bytes", "string", "bool", "bytes4"]
        values = [RECIPIENT, str(2**64 - 1), str(2**128 - 1), "0x" + "ab" * 32, "0x" + "01" * 33, "ünï", "true", "0x01020304"]
        artifact = {**ARTIFACT, "abi": [{"type": "constructor", "inputs": [{"type": t} for t in types]}]}
        self.ethereum_key("sender")
        with FakeNode(self.answers()) as fake:
            run("chain", "deploy", self.write("c.json", artifact), "--rpc", fake.url, "--key-file", self.folder / "sender", "--args", *values)
        [raw] = fake.sent()
        expected = ask("arguments", types=types, values=[v if v != "true" else True for v in values])["encoded"]
        self.assertEqual(ask("transaction", raw=raw)["data"], "0x" + CREATION + expected[2:])

    def test_other_chains_are_refused_before_anything_is_signed(self):
        with FakeNode(self.answers(eth_chainId="0x1")) as fake:
            error = self.deploy(fake, "--chain-id", CHAIN, code=FAILED)["error"]
        self.assertEqual(error["code"], "mismatch")
        self.assertEqual(fake.sent(), [])

    def test_fees_above_the_limit_are_refused_before_anything_is_sent(self):
        for changes in ({"eth_getBlockByNumber": {"baseFeePerGas": hex(501 * 10**9)}}, {"eth_maxPriorityFeePerGas": hex(500 * 10**9)}, {"eth_maxPriorityFeePerGas": hex(2**128 - 1)},
                        {"eth_getBlockByNumber": {"baseFeePerGas": hex(2**127)}}, {"eth_estimateGas": hex(2**40)}):
            with FakeNode(self.answers(**changes)) as fake:
                self.assertEqual(self.deploy(fake, code=UNUSABLE)["error"]["code"], "limit", changes)
            self.assertEqual(fake.sent(), [])

    def test_reverts_are_told_before_anything_is_sent(self):
        selector = "0x08c379a0" + f"{32:064x}{3:064x}" + b"why".hex().ljust(64, "0")
        with FakeNode(self.answers(eth_estimateGas={"code": 3, "message": "execution reverted", "data": selector})) as fake:
            error = self.deploy(fake, code=FAILED)["error"]
        self.assertIn("execution reverted: why", error["detail"])
        self.assertEqual(fake.sent(), [])

    @needs_oracle
    def test_code_of_another_contract_is_refused(self):
        for code in ("0x", "0x602b60005260206000f3", "0x" + RUNTIME + "00"):
            with FakeNode(self.answers(eth_getCode=code)) as fake:
                self.assertEqual(self.deploy(fake, code=FAILED)["error"]["code"], "mismatch")

    @needs_oracle
    def test_failed_and_lost_transactions_are_named(self):
        failed = lambda p: {"transactionHash": p[0], "status": "0x0", "blockNumber": "0x2", "gasUsed": "0x5208", "contractAddress": None, "logs": []}
        with FakeNode(self.answers(eth_getTransactionReceipt=failed)) as fake:
            error = self.deploy(fake, code=FAILED)["error"]
            self.assertIn(self.hash, error["place"])
        with FakeNode(self.answers(eth_getTransactionReceipt=None)) as fake:
            error = self.deploy(fake, code=UNUSABLE)["error"]
            self.assertIn(self.hash, error["place"])
        other = lambda p: {**failed(p), "status": "0x1", "transactionHash": "0x" + "11" * 32}
        with FakeNode(self.answers(eth_getTransactionReceipt=other)) as fake:
            self.deploy(fake, code=UNUSABLE)
        with FakeNode(self.answers(eth_sendRawTransaction="0x" + "11" * 32)) as fake:
            self.assertEqual(self.deploy(fake, code=UNUSABLE)["error"]["code"], "malformed")

    def test_hostile_answers_end_with_an_error(self):
        sized = lambda body, status=200, **headers: lambda handler, request: handler.reply(status, body, **headers)
        answer = lambda result, **changes: lambda handler, request: handler.reply(
            200, json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result, **changes}).encode())

        def closes(handler, request):
            handler.connection.close()

        def short(handler, request):
            handler.send_response(200)
            handler.send_header("Content-Length", "1000")
            handler.end_headers()
            handler.wfile.write(b"{")
            handler.close_connection = True

        for raw in (closes, short, sized(b""), sized(b"<html>", 502), sized(b"{" * 1000), sized(b'{"a":' * 10000), sized(b" " * (9 << 20)), sized(b"", 302, Location="http://127.0.0.1:1/"),
                    answer(None), answer(5), answer("0x"), answer("0x0"), answer("31337"), answer("0x" + "f" * 40), answer([]), answer(hex(CHAIN), id=99), answer(hex(CHAIN), jsonrpc="1")):
            with FakeNode({}, raw) as fake:
                error = self.deploy(fake, code=UNUSABLE)["error"]
                self.assertIn(error["code"], ("io", "limit", "malformed", "unsupported"))
        for method in ("eth_getTransactionCount", "eth_getBlockByNumber", "eth_maxPriorityFeePerGas", "eth_estimateGas", "eth_sendRawTransaction"):
            for wrong in (None, 7, "7", "0x", "0x" + "f" * 33, {}, []):
                with FakeNode(self.answers(**{method: wrong})) as fake:
                    self.deploy(fake, code=UNUSABLE)

    @needs_oracle
    def test_coins_are_sent_along(self):
        secret, _ = self.ethereum_key("sender")
        log = {"address": CONTRACT.lower(), "topics": ["0x" + "22" * 32], "data": "0x01"}
        receipt = lambda p: {"transactionHash": p[0], "status": "0x1", "blockNumber": "0x2", "gasUsed": "0x5208", "contractAddress": None, "logs": [log]}
        send = lambda fake, value, code=GOOD: run("chain", "send", CONTRACT, "open()", "--value", value, "--rpc", fake.url, "--key-file", secret, code=code)
        with FakeNode(self.answers(eth_getTransactionReceipt=receipt)) as fake:
            said = send(fake, 10**18)
            self.assertEqual(ask("transaction", raw=fake.sent()[0])["value"], str(10**18))
            [estimated] = [r["params"][0] for r in fake.asked if r["method"] == "eth_estimateGas"]
            self.assertEqual(estimated["value"], hex(10**18))
            self.assertEqual(said["events"], [{"contract": CONTRACT, "topics": log["topics"], "data": "0x01"}])
            for wrong in ("-1", "1.5", "0x1", "01", 2**128):
                send(fake, wrong, UNUSABLE)
            self.assertEqual(len(fake.sent()), 1)

    def test_calls_return_words(self):
        ask_for = lambda fake, *arguments, code=GOOD: run("chain", "call", CONTRACT, "credit(address)", "--args", *arguments, "--rpc", fake.url, code=code)
        words = ["0x" + "01" * 32, "0x" + "02" * 5]
        for answer, expected in (("0x" + words[0][2:] + words[1][2:], words), ("0x", [])):
            with FakeNode(self.answers(eth_call=answer)) as fake:
                self.assertEqual(ask_for(fake, RECIPIENT)["words"], expected)
                [called] = [r["params"][0] for r in fake.asked if r["method"] == "eth_call"]
                self.assertEqual(called["data"][10:], RECIPIENT[2:].lower().rjust(64, "0"))
        with FakeNode(self.answers(eth_call=answer)) as fake:
            ask_for(fake, "7", code=UNUSABLE)
            ask_for(fake, RECIPIENT, RECIPIENT, code=UNUSABLE)
        with FakeNode(self.answers(eth_getCode="0x")) as fake:
            self.assertEqual(ask_for(fake, RECIPIENT, code=FAILED)["error"]["code"], "mismatch")

    def test_bare_verifiers_are_asked(self):
        proof, inputs = self.write("proof.json", Simulator(random.Random(SEED)).proof(["1", "2"])), self.write("public.json", ["1", "2", "3"])
        verify = lambda fake, code: run("chain", "verify-proof", CONTRACT, "--proof", proof, "--public", inputs, "--rpc", fake.url, code=code)
        with FakeNode(self.answers(eth_call="0x")) as fake:
            self.assertEqual(verify(fake, GOOD)["gas"], 0x10000)
            [called] = [r["params"][0] for r in fake.asked if r["method"] == "eth_call"]
            self.assertEqual(called["data"][-3 * 64:], "".join(f"{n:064x}" for n in (1, 2, 3)))
            self.assertEqual(fake.sent(), [])
            for wrong in ("[]", "[1]", "{}", '["1",', json.dumps(["1"] * 65)):
                self.write("public.json", wrong)
                verify(fake, UNUSABLE)
            self.write("public.json", ["1", "2", "3"])
        with FakeNode(self.answers(eth_call={"code": 3, "message": "execution reverted", "data": "0x7fcdd1f4"})) as fake:
            said = verify(fake, FAILED)
            self.assertEqual((said["accepted"], said["check"]), (False, "chain.proof"))
            self.assertIn("ProofInvalid()", said["error"]["detail"])
        for answer in ("0x" + "00" * 31 + "01", "0x00"):  # some contract that returns false, or true
            with FakeNode(self.answers(eth_call=answer)) as fake:
                self.assertEqual(verify(fake, FAILED)["error"]["code"], "mismatch")

    def test_redirects_are_not_followed(self):
        with FakeNode(self.answers()) as target, FakeNode({}, lambda handler, request: handler.reply(307, b"", Location=target.url)) as fake:
            self.deploy(fake, code=UNUSABLE)
            self.assertEqual(target.asked, [])

    def test_certificates_are_verified(self):
        # A server without TLS behind an https:// URL, and no way around.
        with FakeNode(self.answers()) as fake:
            secret, _ = self.ethereum_key("sender")
            error = run("chain", "deploy", self.write("c.json", ARTIFACT), "--rpc", fake.url.replace("http", "https"), "--key-file", secret, code=UNUSABLE)["error"]
            self.assertEqual(error["code"], "io")


@contextlib.contextmanager
def local_chain():
    with tempfile.TemporaryFile("w+") as log:
        program = pathlib.Path(oracle, ANVIL)
        process = subprocess.Popen([str(program), "--port", "0", "--chain-id", str(CHAIN)], stdout=log, stderr=log)
        try:
            for _ in range(600):
                log.seek(0)
                found = [line.split()[-1] for line in log.read().splitlines() if line.startswith("Listening on")]
                if found or process.poll() is not None:
                    break
                time.sleep(0.1)
            assert found, "anvil did not start"
            yield f"http://{found[0]}"
        finally:
            process.terminate()
            process.wait(10)


def rpc(url, method, *parameters):
    request = urllib.request.Request(url, json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["result"]


def minimal_circuit():
    """A .r1cs with two public outputs and no constraint: the simulator's proofs are of no circuit, but the contract names one."""
    header = (32).to_bytes(4, "little") + FIELD_ORDER.to_bytes(32, "little") + b"".join(n.to_bytes(4, "little") for n in (3, 2, 0, 0)) + (3).to_bytes(8, "little") + bytes(4)
    sections = ((1, header), (2, b""), (3, b"".join(n.to_bytes(8, "little") for n in range(3))))
    return b"r1cs" + (1).to_bytes(4, "little") + len(sections).to_bytes(4, "little") + b"".join(k.to_bytes(4, "little") + len(v).to_bytes(8, "little") + v for k, v in sections)


class Contracts:
    """Our contracts, compiled, and a verifier for a key whose secrets are known."""

    def __init__(self):
        folder = pathlib.Path(oracle, "contracts")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(ROOT / "contracts" / "src", folder / "src")
        shutil.copy(ROOT / "contracts" / "build.mjs", folder)
        self.simulator = Simulator(random.Random(SEED))
        (folder / "vk.json").write_text(json.dumps(self.simulator.key()))
        (folder / "circuit.r1cs").write_bytes(minimal_circuit())
        exported = run("groth16", "export-verifier", folder / "vk.json", "--circuit", folder / "circuit.r1cs", "--out", folder / "Groth16Verifier.sol")
        self.hashes = exported["circuit_hash"], exported["key_hash"]
        subprocess.run([node, "build.mjs", "Groth16Verifier.sol"], cwd=folder, check=True, capture_output=True, timeout=300)
        self.build = folder / "build"


@needs_oracle
class LocalChain(Case):
    @classmethod
    def setUpClass(cls):
        if not pathlib.Path(oracle, ANVIL).exists():
            raise unittest.SkipTest("there is no anvil for this system")
        cls.stack = contextlib.ExitStack()
        cls.url = cls.stack.enter_context(local_chain())
        cls.contracts = Contracts()

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    def rich_key(self, name):
        path, address = self.ethereum_key(name)
        rpc(self.url, "anvil_setBalance", address, hex(10**18))
        return path, address

    def deploy(self, artifact, key, *arguments):
        options = ["--args", *arguments] if arguments else []
        return run("chain", "deploy", artifact, "--rpc", self.url, "--key-file", key, *options)["address"]

    def send(self, contract, function, key, *arguments):
        return run("chain", "send", contract, function, "--args", *arguments, "--rpc", self.url, "--key-file", key)

    def test_contracts_are_deployed_and_their_code_compared(self):
        secret, sender = self.rich_key("sender")
        artifact = self.write("c.json", ARTIFACT)
        for nonce in range(2):
            address = self.deploy(artifact, secret)
            self.assertEqual(address, ask("contractAddress", **{"from": sender, "nonce": nonce})["address"])
            self.assertEqual(rpc(self.url, "eth_getCode", address, "latest"), "0x" + RUNTIME)
        poor, _ = self.ethereum_key("poor")
        error = run("chain", "deploy", artifact, "--rpc", self.url, "--key-file", poor, code=FAILED)["error"]
        self.assertEqual(error["code"], "rejected")
        self.write("c.json", {**ARTIFACT, "bytecode": "0xfe"})
        run("chain", "deploy", artifact, "--rpc", self.url, "--key-file", secret, code=FAILED)

    def test_bare_verifiers_accept_proofs_of_their_key(self):
        key, _ = self.rich_key("sender")
        verifier = self.deploy(self.contracts.build / "Groth16Verifier.json", key)
        proof = self.write("proof.json", self.contracts.simulator.proof(["5", "7"]))
        verify = lambda inputs, code=FAILED, at=verifier: run("chain", "verify-proof", at, "--proof", proof, "--public", self.write("public.json", inputs), "--rpc", self.url, code=code)
        gas = verify(["5", "7"], GOOD)["gas"]
        self.assertTrue(200_000 < gas < 240_000, gas)
        for inputs, reason in ((["7", "5"], "ProofInvalid()"), ([str(5 + FIELD_ORDER), "7"], "InputNotInField(uint256)"), (["5"], "reverted")):
            said = verify(inputs)
            self.assertEqual(said["check"], "chain.proof")
            self.assertIn(reason, said["error"]["detail"])
        self.assertEqual(verify(["5", "7"], at=RECIPIENT)["error"]["code"], "mismatch")

    def setting(self, contract):
        """Its owner's key, its address, an authorised verifier's, another verifier's."""
        owner, owner_address = self.rich_key("owner")
        address = self.deploy(self.contracts.build / f"{contract}.json", owner, owner_address)
        verifiers = [self.deploy(self.contracts.build / "Groth16Verifier.json", owner) for _ in range(2)]
        self.send(address, "authoriseVerifier(address,bytes32,bytes32)", owner, verifiers[0], *self.contracts.hashes)
        return owner, address, *verifiers

    def attested(self, contract, coordinator, number, deadline=4_000_000_000, proven=None, job=None, **changes):
        """A receipt with a proof attached, and the proof."""
        if not (self.folder / "provider.key").exists():
            self.key()
        path = self.write(f"r{number}.json", fields(receipt_id=f"r-{number}", **changes))
        run("receipt", "sign", path, "--key", self.folder / "provider.key")
        settlement = self.folder / f"s{number}.json"
        run("receipt", "settle", path, "--provider-key", self.folder / "provider.pub", "--chain-id", CHAIN, "--contract", contract, "--recipient", RECIPIENT, "--unit-price", 10**15,
            "--deadline", deadline, "--key-file", coordinator, "--out", settlement, *([] if job is None else ["--nonce", job]))
        digests = [n.to_bytes(32, "big") for n in (1, 2, 3)]
        statement = Settlements.statement(json.loads(settlement.read_text()), *digests)
        proof = self.write(f"proof{number}.json", self.contracts.simulator.proof(proven or statement))
        inputs = self.write(f"public{number}.json", statement)
        run("receipt", "attach", path, "--settlement", settlement, "--proof", proof, "--public", inputs,
            *(f"--{name}-hash=0x{digest.hex()}" for name, digest in zip(("model", "input", "output"), digests)))
        return path, proof

    def test_receipts_are_settled_once(self):
        owner, contract, verifier, unknown = self.setting("ZKReceiptVerifier")
        coordinator, coordinator_address = self.rich_key("coordinator")
        sender, _ = self.rich_key("sender")
        receipt, proof = self.attested(contract, coordinator, 1)
        check = ["chain", "verify", receipt, "--rpc", self.url]
        submit = lambda path, verifier=verifier, code=GOOD, proof=proof: run("chain", "submit", path, "--proof", proof, "--verifier", verifier, "--rpc", self.url, "--key-file", sender, code=code)

        self.assertIn("NotCoordinator(address)", submit(receipt, code=FAILED)["error"]["detail"])
        self.send(contract, "authoriseCoordinator(address)", owner, coordinator_address)
        self.assertIn("VerifierNotAuthorised(address)", submit(receipt, unknown, FAILED)["error"]["detail"])
        wrong, wrong_proof = self.attested(contract, coordinator, 5, proven=["1", "2"])
        self.assertIn("ProofInvalid()", submit(wrong, code=FAILED, proof=wrong_proof)["error"]["detail"])
        refused = run("chain", "verify", wrong, "--rpc", self.url, "--proof", wrong_proof, "--verifier", verifier, code=FAILED)
        self.assertEqual((refused["check"], refused["accepted"]), ("chain.proof", False))
        self.assertEqual(run(*check, code=FAILED)["check"], "chain.recorded")
        before = run(*check, "--proof", proof, "--verifier", verifier)
        self.assertEqual((before["accepted"], before["recorded"], before["proof_accepted"]), (True, False, True))

        said = submit(receipt)
        attestation = json.loads(receipt.read_text())["attestations"][0]
        statement = Settlements.statement(attestation["settlement"], *(bytes.fromhex(attestation[f"{n}_hash"][2:]) for n in ("model", "input", "output")))
        self.assertEqual([str(int(said["statement"][:34], 16)), str(int("0x" + said["statement"][34:], 16))], statement)
        self.assertEqual((said["recipient"], said["amount"]), (RECIPIENT, str(1200 * 10**15)))
        after = run(*check)
        self.assertEqual((after["accepted"], after["recorded"], after["statement"]), (True, True, said["statement"]))
        self.assertIn("AlreadyRecorded(bytes32)", submit(receipt, code=FAILED)["error"]["detail"])

        expired, late_proof = self.attested(contract, coordinator, 2, deadline=1)
        self.assertIn("Expired(uint64)", submit(expired, code=FAILED, proof=late_proof)["error"]["detail"])
        elsewhere, other_proof = self.attested(unknown, coordinator, 3)
        self.assertEqual(submit(elsewhere, code=FAILED, proof=other_proof)["error"]["code"], "rejected")
        nowhere, other_proof = self.attested(RECIPIENT, coordinator, 4)
        self.assertEqual(submit(nowhere, code=FAILED, proof=other_proof)["error"]["code"], "mismatch")

    def test_settled_receipts_are_minted_or_released_once(self):
        sender, sender_address = self.rich_key("sender")
        coordinator, coordinator_address = self.rich_key("coordinator")

        def consumed_by(contract, *arguments):
            owner, receipts, verifier, _ = self.setting("ZKReceiptVerifier")
            self.send(receipts, "authoriseCoordinator(address)", owner, coordinator_address)
            consumer = self.deploy(self.contracts.build / f"{contract}.json", owner, *(receipts if a is None else a for a in arguments))
            self.send(receipts, "setConsumer(address)", owner, consumer)
            owner.unlink()
            return receipts, verifier, consumer

        def submit(receipt, proof, verifier):
            run("chain", "submit", receipt, "--proof", proof, "--verifier", verifier, "--rpc", self.url, "--key-file", sender)

        claim = lambda receipt, *options, code=GOOD: run("chain", "claim", receipt, *options, "--rpc", self.url, "--key-file", sender, code=code)
        call = lambda contract, function, *arguments: int(run("chain", "call", contract, function, *(["--args", *arguments] if arguments else []), "--rpc", self.url)["words"][0], 16)
        refusal = lambda *arguments: claim(*arguments, code=FAILED)["error"]

        receipts, verifier, token = consumed_by("AIToken", coordinator_address, None, "AI token", "AIT", 10**27)
        receipt, proof = self.attested(receipts, coordinator, 1)
        self.assertIn("NotRecorded", refusal(receipt, "--token", token)["detail"])
        submit(receipt, proof, verifier)
        self.assertEqual(refusal(receipt, "--token", RECIPIENT)["code"], "mismatch")
        self.assertEqual(refusal(receipt, "--token", receipts)["code"], "rejected")
        self.assertEqual(claim(receipt, "--token", token)["amount"], str(1200 * 10**15))
        self.assertEqual(call(token, "balanceOf(address)", RECIPIENT), 1200 * 10**15)
        self.assertIn("AlreadyConsumed", refusal(receipt, "--token", token)["detail"])
        for options in ([], ["--job", 1], ["--escrow", token], ["--token", token, "--escrow", token, "--job", 1]):
            claim(receipt, *options, code=UNUSABLE)

        receipts, verifier, escrow = consumed_by("JobEscrow", None)
        model, source = ("0x" + f"{n:064x}" for n in (1, 2))
        deadline = int(rpc(self.url, "eth_getBlockByNumber", "latest", False)["timestamp"], 16) + 1000
        rpc(self.url, "anvil_setBalance", sender_address, hex(10**20))
        opened = run("chain", "send", escrow, "open(address,bytes32,bytes32,uint64)", "--args", RECIPIENT, model, source, deadline, "--value", 2 * 10**18, "--rpc", self.url,
                     "--key-file", sender)
        job = int(opened["events"][0]["topics"][1], 16)
        receipt, proof = self.attested(receipts, coordinator, 2, job=job)
        submit(receipt, proof, verifier)
        self.assertIn("JobNotOpen", refusal(receipt, "--escrow", escrow, "--job", job + 1)["detail"])
        claim(receipt, "--escrow", escrow, "--job", job)
        self.assertEqual(call(escrow, "credit(address)", RECIPIENT), 1200 * 10**15)
        self.assertIn("JobNotOpen", refusal(receipt, "--escrow", escrow, "--job", job)["detail"])

    def test_tampered_settlements_never_reach_the_chain(self):
        owner, contract, verifier, _ = self.setting("ZKReceiptVerifier")
        coordinator, coordinator_address = self.rich_key("coordinator")
        self.send(contract, "authoriseCoordinator(address)", owner, coordinator_address)
        receipt, proof = self.attested(contract, coordinator, 1, chain_id=CHAIN)
        good = json.loads(receipt.read_text())
        count = rpc(self.url, "eth_blockNumber")
        for name, value in (("recipient", CONTRACT), ("amount", "2400"), ("nonce", "1"), ("deadline", "4000000001"), ("receipt_hash", "0x" + "00" * 32), ("chain_id", "1")):
            changed = json.loads(json.dumps(good))
            changed["attestations"][0]["settlement"][name] = value
            self.write("r1.json", changed)
            run("chain", "submit", receipt, "--proof", proof, "--verifier", verifier, "--rpc", self.url, "--key-file", owner, code=FAILED)
        self.write("r1.json", {**good, "units": 2400})
        error = run("chain", "submit", receipt, "--proof", proof, "--verifier", verifier, "--rpc", self.url, "--key-file", owner, code=FAILED)["error"]
        self.assertEqual(error["place"], "attestation.receipt")
        self.assertEqual(rpc(self.url, "eth_blockNumber"), count)

    def test_models_are_registered_by_the_owner_that_the_proof_names(self):
        owner, registry, verifier, _ = self.setting("ModelRegistry")
        sender, address = self.rich_key("sender")
        architecture, commitment = "0x" + "00" * 31 + "07", "0x" + "ab" * 32

        def register(model, *options, by=sender, named=address, proven=None, code=GOOD):
            packed = b"blindproof/modl1" + CHAIN.to_bytes(8, "big") + bytes.fromhex(registry[2:]) + bytes.fromhex(named[2:]) + bytes.fromhex(model[2:]) + bytes.fromhex(architecture[2:])
            digest = hashlib.sha256(packed).digest()
            statement = [str(int.from_bytes(half, "big")) for half in (digest[:16], digest[16:])]
            inputs, proof = self.write("public.json", statement), self.write("proof.json", self.contracts.simulator.proof(proven or statement))
            return run("chain", "register", "--registry", registry, "--verifier", verifier, "--proof", proof, "--public", inputs, "--model-hash", model, "--architecture-hash", architecture,
                       "--commitment", commitment, "--rpc", self.url, "--key-file", by, *options, code=code)

        first, second = "0x" + "00" * 31 + "01", "0x" + "00" * 31 + "02"
        self.assertIn("ProofInvalid()", register(first, proven=["1", "2"], code=FAILED)["error"]["detail"])
        self.assertEqual(register(first, by=owner, code=FAILED)["error"]["code"], "mismatch")
        said = register(first, "--price", 5)
        self.assertEqual((said["model"], said["version"]), (1, 1))
        self.assertIn("AlreadyRegistered", register(first, code=FAILED)["error"]["detail"])
        said = register(second, "--model", 1)
        self.assertEqual((said["model"], said["version"]), (1, 2))
        third, owner_address = "0x" + "00" * 31 + "03", rpc(self.url, "eth_call", {"to": registry, "data": "0x8da5cb5b"}, "latest")
        error = register(third, "--model", 1, by=owner, named="0x" + owner_address[-40:], code=FAILED)["error"]
        self.assertIn("NotModelOwner", error["detail"])


def main():
    global blindproof, node, oracle
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blindproof", required=True)
    parser.add_argument("--node")
    parser.add_argument("--oracle")
    arguments, rest = parser.parse_known_args()
    blindproof, node, oracle = arguments.blindproof, arguments.node, arguments.oracle
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
