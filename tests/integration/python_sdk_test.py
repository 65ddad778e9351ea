#!/usr/bin/env python3
"""The Python package: everything it offers, on files and against a running service. Needs NumPy."""
import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "sdk" / "python"))
import blindproof as bp  # noqa: E402

MNIST = ROOT / "models" / "mnist"
TABLES = ROOT / "models" / "tables"


class SdkTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="blindproof-sdk-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def at(self, name):
        return self.folder / name


class Proofs(SdkTest):
    @classmethod
    def setUpClass(cls):
        cls.shared = tempfile.TemporaryDirectory(prefix="blindproof-sdk-")
        folder = pathlib.Path(cls.shared.name)
        cls.model = bp.compile_model(MNIST / "mlp.onnx", calibration=MNIST / "mnist_calibration.npz", out=folder / "mlp.bpm")
        cls.key = cls.model.commit(folder / "mlp.bpk")
        cls.digits = np.load(MNIST / "mnist_test.npz")["x"]

    @classmethod
    def tearDownClass(cls):
        cls.shared.cleanup()

    def test_an_array_is_proven_and_verified(self):
        x = self.digits[7]
        ran = self.model.run(x)
        proof = self.model.prove(x, self.key, out=self.at("p.bpp"), context=b"for bob")
        verdict = bp.Proof(proof.path).verify(self.key, input=x, context=b"for bob")
        np.testing.assert_array_equal(verdict.output, ran.outputs.ravel())
        self.assertEqual(verdict.model_id, self.key.id)
        self.assertEqual(int(np.argmax(verdict.output)), ran.classes[0])
        self.assertGreater(self.key.check()["parameters"], 100_000)

    def test_what_is_hidden_stays_hidden_but_for_its_opening(self):
        proof = self.model.prove(self.digits, self.key, out=self.at("p.bpp"), index=3, hide_input=True, hide_output=True)
        self.assertTrue(proof.opening.exists())
        self.assertIsNone(proof.verify(self.key).output)
        self.assertIsNone(proof.verify(self.key, input=self.digits, index=3, opening=proof.opening).output)

    def test_false_claims_are_rejected_by_name(self):
        proof = self.model.prove(self.digits[1], self.key, out=self.at("p.bpp"), context=b"for bob")
        with self.assertRaises(bp.Rejected) as refusal:
            proof.verify(self.key, context=b"for eve")
        self.assertEqual(refusal.exception.check, "statement.context")
        with self.assertRaises(bp.Rejected):
            proof.verify(self.key, input=self.digits[2])
        self.at("p.bpp").write_bytes(b"nothing")
        with self.assertRaises(bp.Error) as error:
            proof.verify(self.key)
        self.assertEqual((error.exception.code, isinstance(error.exception, bp.Rejected)), ("malformed", False))

    def test_the_programs_errors_say_what_to_do(self):
        with self.assertRaises(bp.Error) as error:
            bp.compile_model(self.at("no.onnx"), calibration=self.digits[:4], out=self.at("no.bpm"))
        self.assertEqual(error.exception.code, "io")
        saved = os.environ["BLINDPROOF_PROGRAM"]
        os.environ["BLINDPROOF_PROGRAM"] = str(self.at("nowhere"))
        try:
            with self.assertRaises(bp.Error):
                self.key.check()
        finally:
            os.environ["BLINDPROOF_PROGRAM"] = saved


class Encrypted(SdkTest):
    def test_an_encrypted_array_gets_the_plain_answer(self):
        records = np.load(TABLES / "breast_cancer_test.npz")["x"]
        model = bp.compile_model(TABLES / "breast_cancer_logistic.onnx", calibration=TABLES / "breast_cancer_train.npz", arithmetic="exact", out=self.at("t.bpm"))
        program = model.lower("fhe", self.at("t.bpf"))
        keys = bp.Keys.generate(self.at("keys"), spec=program.spec)
        question = keys.encrypt(records[5], self.at("x.bpct"), spec=program.spec)
        answer = program.infer(question, self.at("y.bpct"), keys=keys)
        decrypted = keys.decrypt(answer, spec=program.spec)
        plain = model.run(records[5], float_network=True)
        np.testing.assert_allclose(np.ravel(decrypted.values), np.ravel(plain.outputs), atol=1e-3)
        others = bp.Keys.generate(self.at("others"), spec=program.spec)
        with self.assertRaises(bp.Error) as error:
            others.decrypt(answer, spec=program.spec)
        self.assertEqual(error.exception.code, "mismatch")

    def test_numbers_under_named_parameters(self):
        keys = bp.Keys.generate(self.at("keys"), parameters="ckks-16384-5", rotations=[1, 2])
        values = np.linspace(-1, 1, 100)
        back = keys.decrypt(keys.encrypt(values, self.at("x.bpct"))).values
        np.testing.assert_allclose(back, values, atol=1e-6)

    def test_a_proven_batch_is_verified_before_it_is_decrypted(self):
        records = np.load(TABLES / "breast_cancer_test.npz")["x"]
        model = bp.compile_model(TABLES / "breast_cancer_square.onnx", calibration=TABLES / "breast_cancer_train.npz", arithmetic="exact", out=self.at("t.bpm"))
        key = model.commit(self.at("t.bpk"))
        program = model.lower("hybrid", self.at("t.bpf"))
        keys = bp.Keys.generate(self.at("keys"), spec=program.spec)
        question = keys.encrypt(records, self.at("x.bpct"), spec=program.spec)
        answer = program.infer(question, self.at("y.bpct"), public_key=keys.public, prove=key, proof=self.at("p.bpp"))
        proven = dict(proof=bp.Proof(self.at("p.bpp")), model_key=key, question=question)
        decrypted = keys.decrypt(answer, spec=program.spec, **proven)
        self.assertEqual(decrypted.classes, model.run(records).classes)
        another = program.infer(question, self.at("z.bpct"), public_key=keys.public)
        with self.assertRaises(bp.Rejected):
            keys.decrypt(another, spec=program.spec, **proven)
        with self.assertRaises(bp.Rejected):
            keys.decrypt(another, spec=program.spec)


class Service(SdkTest):
    def setUp(self):
        super().setUp()
        self.log = self.at("log").open("wb")
        self.addCleanup(self.log.close)
        process = subprocess.Popen([os.environ["BLINDPROOF_PROGRAM"], "serve", "--json", "--data", self.at("data"), "--listen", "127.0.0.1:0"],
                                   stdout=subprocess.PIPE, stderr=self.log)

        def stop():
            process.send_signal(signal.SIGTERM)
            process.wait(60)
            process.stdout.close()
        self.addCleanup(stop)
        text = b""
        while not text.rstrip().endswith(b"}"):
            line = process.stdout.readline()
            self.assertTrue(line, "serve ended")
            text += line
        self.client = bp.Client(json.loads(text)["url"], (self.at("data") / "admin.key").read_text().strip())

    def test_the_services_proof_is_verified_here(self):
        digits = np.load(MNIST / "mnist_test.npz")["x"]
        local = bp.compile_model(MNIST / "mlp.onnx", calibration=MNIST / "mnist_calibration.npz", out=self.at("mlp.bpm"))
        seen = []
        model = self.client.create_model("digits").upload(local.path, progress=seen.append, timeout=300)
        self.assertEqual(seen[-1]["status"], "succeeded")
        self.assertIn(model.id, [m.id for m in self.client.models()])
        job = model.infer(digits[4], context="for bob", hide_input=False).wait(timeout=300)
        verdict = job.proof(self.at("p.bpp")).verify(model.model_key(self.at("mlp.bpk")), input=digits[4], context=b"for bob")
        np.testing.assert_array_equal(verdict.output, local.run(digits[4]).outputs.ravel())
        with self.assertRaises(bp.Error) as error:
            self.client.model("no-such-model")
        self.assertIn("not", error.exception.code)
        with self.assertRaises(bp.Error):
            bp.Client("http://127.0.0.1:1", "key").models()

    def test_the_service_answers_what_it_cannot_read(self):
        records = np.load(TABLES / "breast_cancer_test.npz")["x"]
        local = bp.compile_model(TABLES / "breast_cancer_logistic.onnx", calibration=TABLES / "breast_cancer_train.npz", arithmetic="exact", out=self.at("t.bpm"))
        model = self.client.create_model("biopsies").upload(local.path, levels=("zkml", "fhe"), timeout=300)
        spec = model.spec(self.at("t.bpc"))
        keys = bp.Keys.generate(self.at("keys"), spec=spec)
        question = keys.encrypt(records[9], self.at("x.bpct"), spec=spec)
        job = model.infer_encrypted(question, self.client.upload_keys(model.id, keys)).wait(timeout=300)
        decrypted = keys.decrypt(job.answer(self.at("y.bpct")), spec=spec)
        np.testing.assert_allclose(np.ravel(decrypted.values), np.ravel(local.run(records[9], float_network=True).outputs), atol=1e-3)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blindproof", default=ROOT / "build" / "release" / "bin" / "blindproof", help="the program")
    options, rest = parser.parse_known_args()
    os.environ["BLINDPROOF_PROGRAM"] = str(pathlib.Path(options.blindproof).resolve())
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)


if __name__ == "__main__":
    main()
