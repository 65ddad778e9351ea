#!/usr/bin/env python3
"""The program `blindproof` from outside, on the MNIST networks: the whole way from ONNX file to verdict, its exit codes and
JSON, damaged files, wrong companions, interrupts. Needs nothing but Python's standard library."""
import argparse
import itertools
import json
import math
import os
import pathlib
import random
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MNIST = ROOT / "models" / "mnist"
SEED = int(os.environ.get("BLINDPROOF_TEST_SEED", "1"))
GOOD, FAILED, UNUSABLE = 0, 1, 2

blindproof = None  # the program's path
scratch = None     # folder of what is made once


def write_npy(path, dtype, shape, data):
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({''.join(f'{n},' for n in shape)}), }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data)


def write_floats(path, shape, values):
    write_npy(path, "<f4", shape, struct.pack(f"<{len(values)}f", *values))


def write_integers(path, values):
    write_npy(path, "<i8", [len(values)], struct.pack(f"<{len(values)}q", *values))


def read_npy(path):
    """dtype, shape, bytes."""
    raw = path.read_bytes()
    size = struct.unpack("<H", raw[8:10])[0]
    header = eval(raw[10:10 + size], {})  # a literal that the program wrote
    return header["descr"], header["shape"], raw[10 + size:]


def read_integers(path):
    dtype, _, data = read_npy(path)
    assert dtype == "<i8", dtype
    return list(struct.unpack(f"<{len(data) // 8}q", data))


def digit(index):
    """Pixels of a test digit."""
    raw = zipfile.ZipFile(MNIST / "mnist_test.npz").read("x.npy")
    start = 10 + struct.unpack("<H", raw[8:10])[0] + index * 784 * 4
    return list(struct.unpack("<784f", raw[start:start + 784 * 4]))


def run(*arguments, env=None, timeout=300):
    # A sanitizer's own exit code would look like a refusal.
    environment = dict(os.environ, ASAN_OPTIONS="exitcode=99", UBSAN_OPTIONS="exitcode=99", **(env or {}))
    return subprocess.run([blindproof, *map(str, arguments)], capture_output=True, timeout=timeout, env=environment,
                          encoding="utf-8")


class CliTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(dir=scratch))

    def expect(self, code, *arguments, **options):
        result = run(*arguments, **options)
        self.assertEqual(result.returncode, code, f"{arguments}\n{result.stdout}\n{result.stderr}")
        return result

    def json(self, code, *arguments, **options):
        result = self.expect(code, *arguments, "--json", **options)
        self.assertEqual(result.stderr, "")
        return json.loads(result.stdout)

    def error(self, code, *arguments, **options):
        """The error of a command that must fail, the same in text and JSON."""
        text = self.expect(code, *arguments, **options)
        error = self.json(code, *arguments, **options)["error"]
        self.assertEqual(sorted(error), ["code", "detail", "place"])
        self.assertIn(error["detail"], text.stdout + text.stderr)
        return error

    def prove(self, name, *options, index=7, model="mlp"):
        self.expect(GOOD, "prove", scratch / f"{model}.bpm", "--model-key", scratch / f"{model}.bpk", "--input",
                    MNIST / "mnist_test.npz", "--index", index, "--out", self.folder / f"{name}.bpp", "--output",
                    self.folder / f"{name}.npy", *options)
        return self.folder / f"{name}.bpp"

    def verify(self, proof, *options, model="mlp"):
        return ["verify", proof, "--model-key", scratch / f"{model}.bpk", *options]

    def refused_by(self, *arguments):
        verdict = self.json(FAILED, *arguments)
        self.assertIs(verdict["accepted"], False)
        self.assertEqual(verdict["check"], verdict["error"]["place"])
        return verdict["check"]

    def assert_empty_of(self, suffix):
        self.assertEqual(list(self.folder.glob(f"*{suffix}*")), [])


class Pipeline(CliTest):
    def test_compile_reports_accuracy_layers_parameters_and_lookups(self):
        report = self.json(GOOD, "model", "compile", MNIST / "mlp.onnx", "--calibration", MNIST / "mnist_calibration.npz",
                           "--out", self.folder / "net.bpm")
        self.assertGreaterEqual(report["float_accuracy"], 95)
        self.assertGreaterEqual(report["integer_accuracy"], report["float_accuracy"] - 0.5)
        self.assertEqual(report["weights"], 784 * 128 + 128 * 64 + 64 * 10)
        self.assertEqual(report["parameters"], sum(layer["parameters"] for layer in report["layers"]))
        self.assertEqual(report["lookups"], sum(layer["lookups"] for layer in report["layers"]))
        self.assertEqual(stat.S_IMODE((self.folder / "net.bpm").stat().st_mode), 0o600)

    def test_inspect_tells_model_and_key_apart(self):
        model = self.json(GOOD, "model", "inspect", scratch / "mlp.bpm")
        key = self.json(GOOD, "model", "inspect", scratch / "mlp.bpk")
        self.assertEqual((model["kind"], key["kind"]), ("model", "model key"))
        self.assertEqual(model["layers"], key["layers"])
        self.assertEqual(len(bytes.fromhex(key["model_id"])), 32)

    def test_committing_again_gives_the_same_id(self):
        first = self.json(GOOD, "model", "check", scratch / "mlp.bpk")
        again = self.json(GOOD, "model", "commit", scratch / "mlp.bpm", "--out", self.folder / "again.bpk")
        self.assertIs(first["accepted"], True)
        self.assertEqual(again["model_id"], first["model_id"])
        self.assertEqual(again["file_bytes"], (self.folder / "again.bpk").stat().st_size)

    def test_compiling_again_gives_another_id_but_the_same_answers(self):
        self.expect(GOOD, "model", "compile", MNIST / "mlp.onnx", "--calibration", MNIST / "mnist_calibration.npz", "--out",
                    self.folder / "again.bpm")
        again = self.json(GOOD, "model", "commit", self.folder / "again.bpm", "--out", self.folder / "again.bpk")
        self.assertNotEqual(again["model_id"], self.json(GOOD, "model", "check", scratch / "mlp.bpk")["model_id"])
        answers = [self.json(GOOD, "model", "run", folder / f"{name}.bpm", "--input", MNIST / "mnist_test.npz")["outputs"]
                   for folder, name in [(scratch, "mlp"), (self.folder, "again")]]
        self.assertEqual(*answers)

    def test_what_is_proven_is_what_the_interpreter_says(self):
        proof = self.prove("plain", index=11)
        plain = self.json(GOOD, "model", "run", scratch / "mlp.bpm", "--input", MNIST / "mnist_test.npz", "--index", 11)
        verdict = self.json(GOOD, *self.verify(proof))
        self.assertIs(verdict["accepted"], True)
        self.assertIs(verdict["registration_checked"], True)
        self.assertEqual(verdict["output"]["values"], plain["outputs"][0])
        self.assertEqual(verdict["output"]["values"], read_integers(self.folder / "plain.npy"))
        self.assertEqual(verdict["class"], plain["classes"][0])
        self.assertEqual(verdict["input"]["visibility"], "public")
        self.assertEqual(verdict["input"]["values"], [round(p * 255) for p in digit(11)])
        text = self.expect(GOOD, *self.verify(proof)).stdout
        self.assertIn("every parameter of the model is in its declared range (registration checked)", text)
        self.assertIn(verdict["model_id"], text)

    def test_accuracy_on_the_test_digits(self):
        for network, least in (("mlp", 95.0), ("lenet5", 97.5)):
            integer = self.json(GOOD, "model", "run", scratch / f"{network}.bpm", "--input", MNIST / "mnist_test.npz")
            real = self.json(GOOD, "model", "run", scratch / f"{network}.bpm", "--input", MNIST / "mnist_test.npz",
                             "--float")
            self.assertEqual(integer["samples"], 2000)
            self.assertGreaterEqual(real["accuracy"], least)
            self.assertGreaterEqual(integer["accuracy"], real["accuracy"] - 0.5)

    def test_outputs_are_written_for_one_sample_and_for_several(self):
        write_floats(self.folder / "two.npy", [2, 1, 28, 28], digit(0) + digit(1))
        write_floats(self.folder / "one.npy", [784], digit(1))
        for name, shape in (("two", (2, 10)), ("one", (10,))):
            self.expect(GOOD, "model", "run", scratch / "mlp.bpm", "--input", self.folder / f"{name}.npy", "--out",
                        self.folder / f"{name}.out.npy")
            self.assertEqual(read_npy(self.folder / f"{name}.out.npy")[:2], ("<i8", shape))
            self.expect(GOOD, "model", "run", scratch / "mlp.bpm", "--input", self.folder / f"{name}.npy", "--out",
                        self.folder / f"{name}.out.npy", "--dequantize")
            self.assertEqual(read_npy(self.folder / f"{name}.out.npy")[:2], ("<f8", shape))

    def test_convolutions_and_pools(self):
        proof = self.prove("lenet", "--hide-input", model="lenet5")
        verdict = self.json(GOOD, *self.verify(proof, model="lenet5"))
        plain = self.json(GOOD, "model", "run", scratch / "lenet5.bpm", "--input", MNIST / "mnist_test.npz", "--index", 7)
        self.assertEqual(verdict["output"]["values"], plain["outputs"][0])

    def test_exact_arithmetic_with_outputs_beyond_64_bits(self):
        net = self.folder / "square.bpm"
        self.expect(GOOD, "model", "compile", MNIST / "mlp_square.onnx", "--calibration", MNIST / "mnist_calibration.npz",
                    "--out", net, "--arithmetic", "exact")
        self.expect(GOOD, "model", "commit", net, "--out", self.folder / "square.bpk")
        proven = self.json(GOOD, "prove", net, "--model-key", self.folder / "square.bpk", "--input",
                           MNIST / "mnist_test.npz", "--index", 3, "--out", self.folder / "s.bpp", "--output",
                           self.folder / "s.npy")
        verify = ["verify", self.folder / "s.bpp", "--model-key", self.folder / "square.bpk", "--output",
                  self.folder / "s.npy"]
        verdict = self.json(GOOD, *verify)
        self.assertIs(verdict["output"]["compared"], True)
        self.assertEqual(verdict["output"]["values"], proven["output"])
        self.assertEqual(verdict["arithmetic"], "exact")
        dtype, shape, data = read_npy(self.folder / "s.npy")
        self.assertEqual(dtype[:2], "<U")  # this network's outputs need text
        wrong = bytearray(data)
        wrong[4] = ord("7") if wrong[4] != ord("7") else ord("8")  # the first value's second character
        write_npy(self.folder / "s.npy", dtype, shape, bytes(wrong))
        self.assertEqual(self.refused_by(*verify), "statement.output")


class Statements(CliTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        write_floats(cls.folder / "x.npy", [1, 28, 28], digit(7))
        write_floats(cls.folder / "other.npy", [1, 28, 28], digit(8))

    def test_public_input_and_output_are_compared(self):
        proof = self.prove("public")
        verdict = self.json(GOOD, *self.verify(proof, "--input", self.folder / "x.npy", "--output",
                                               self.folder / "public.npy"))
        self.assertEqual((verdict["input"]["compared"], verdict["output"]["compared"]), (True, True))
        self.expect(GOOD, *self.verify(proof, "--input", MNIST / "mnist_test.npz", "--index", 7))
        self.assertEqual(self.refused_by(*self.verify(proof, "--input", self.folder / "other.npy")), "statement.input")
        values = read_integers(self.folder / "public.npy")
        write_integers(self.folder / "wrong.npy", values[:-1] + [values[-1] + 1])
        self.assertEqual(self.refused_by(*self.verify(proof, "--output", self.folder / "wrong.npy")), "statement.output")
        write_floats(self.folder / "floats.npy", [10], [0.5] * 10)
        self.assertIn("dequantize", self.error(UNUSABLE, *self.verify(proof, "--output", self.folder / "floats.npy"))["detail"])

    def test_hidden_input_needs_its_opening(self):
        proof = self.prove("hidden", "--hide-input")
        opening = self.folder / "hidden.open"
        self.assertEqual(stat.S_IMODE(opening.stat().st_mode), 0o600)
        verdict = self.json(GOOD, *self.verify(proof))
        self.assertEqual(verdict["input"]["visibility"], "hidden")
        self.assertNotIn("values", verdict["input"])
        self.assertEqual(self.error(UNUSABLE, *self.verify(proof, "--input", self.folder / "x.npy"))["place"], "--input")
        verdict = self.json(GOOD, *self.verify(proof, "--input", self.folder / "x.npy", "--opening", opening))
        self.assertEqual((verdict["input"]["opened"], verdict["input"]["compared"]), (True, True))
        self.assertEqual(self.refused_by(*self.verify(proof, "--input", self.folder / "other.npy", "--opening", opening)),
                         "statement.input")
        # The same digit again has another opening.
        self.prove("later", "--hide-input")
        self.assertEqual(self.refused_by(*self.verify(proof, "--opening", self.folder / "later.open")), "statement.input")
        # A damaged opening opens nothing.
        damaged = bytearray(opening.read_bytes())
        damaged[60] ^= 1
        (self.folder / "damaged.open").write_bytes(damaged)
        self.assertEqual(self.refused_by(*self.verify(proof, "--opening", self.folder / "damaged.open")),
                         "statement.input")

    def test_hidden_outputs_are_not_printed(self):
        self.prove("plain")
        proof = self.prove("secret", "--hide-output", "--hide-input")
        values = read_integers(self.folder / "secret.npy")
        self.assertEqual(values, read_integers(self.folder / "plain.npy"))
        self.assertEqual(stat.S_IMODE((self.folder / "secret.npy").stat().st_mode), 0o600)
        prove = ["prove", scratch / "mlp.bpm", "--model-key", scratch / "mlp.bpk", "--input", self.folder / "x.npy", "--out",
                 self.folder / "again.bpp", "--hide-output"]
        for arguments in (prove, [*prove, "--json"], self.verify(proof), [*self.verify(proof), "--json"]):
            text = self.expect(GOOD, *arguments).stdout
            # As a number of its own: the digits may occur in a digest.
            self.assertNotRegex(text, rf"(?<![0-9a-f]){max(values)}(?![0-9a-f.])")
            self.assertNotIn("class", text)
        self.expect(GOOD, *self.verify(proof, "--output", self.folder / "secret.npy", "--opening",
                                       self.folder / "secret.open"))

    def test_context_is_bound(self):
        bound, free = self.prove("bound", "--context", "C0FFEE"), self.prove("free")
        verdict = self.json(GOOD, *self.verify(bound, "--context", "c0ffee"))
        self.assertEqual(verdict["context"], "c0ffee")
        for arguments in (self.verify(bound), self.verify(bound, "--context", "c0ffef"), self.verify(free, "--context", "00")):
            self.assertEqual(self.refused_by(*arguments), "statement.context")
        self.assertEqual(self.error(UNUSABLE, *self.verify(bound, "--context", "xyz"))["place"], "--context")

    def test_another_model_is_refused(self):
        proof = self.prove("mine")
        self.assertEqual(self.refused_by(*self.verify(proof, model="lenet5")), "statement.model")
        error = self.error(FAILED, "prove", scratch / "mlp.bpm", "--model-key", scratch / "lenet5.bpk", "--input",
                           self.folder / "x.npy", "--out", self.folder / "none.bpp")
        self.assertEqual(error["code"], "mismatch")
        self.assertFalse((self.folder / "none.bpp").exists())
        # Nor does it help to write the other id into the proof.
        other = bytes.fromhex(self.json(GOOD, "model", "check", scratch / "lenet5.bpk")["model_id"])
        bytes_ = proof.read_bytes()
        (self.folder / "renamed.bpp").write_bytes(bytes_[:4] + other + bytes_[36:])
        self.refused_by(*self.verify(self.folder / "renamed.bpp", model="lenet5"))

    def test_a_changed_answer_is_refused(self):
        proof = bytearray(self.prove("honest").read_bytes())
        output = 4 + 32 + 1 + 8 + 784 * 16 + 1 + 8
        self.assertEqual(int.from_bytes(proof[output:output + 16], "little", signed=True),
                         read_integers(self.folder / "honest.npy")[0])
        proof[output] ^= 1
        (self.folder / "lie.bpp").write_bytes(proof)
        self.assertEqual(self.refused_by(*self.verify(self.folder / "lie.bpp")), "sigma")


class DamagedFiles(CliTest):
    """Never accepted, never a crash: exit codes are 1 or 2."""

    def damaged(self, original):
        """Copies of a file: one bit flipped at many places, cut, grown, of another version, of another kind."""
        choose = random.Random(SEED)
        data = original.read_bytes()
        path = self.folder / f"damaged{original.suffix}"
        positions = [3, 4, 40, len(data) - 1] + [choose.randrange(len(data)) for _ in range(20)]
        for position in positions:
            flipped = bytearray(data)
            flipped[position] ^= 1 << choose.randrange(8)
            path.write_bytes(flipped)
            yield f"bit flipped in byte {position}", path
        for size in (0, 1, 3, 4, 35, len(data) // 2, len(data) - 1):
            path.write_bytes(data[:size])
            yield f"cut to {size} bytes", path
        path.write_bytes(data + b"\0")
        yield "one byte more", path
        path.write_bytes(b"PK\x05\x06" + bytes(18))
        yield "another kind of file", path

    def test_proofs(self):
        for what, path in self.damaged(self.prove("p", "--hide-input")):
            with self.subTest(what, seed=SEED):
                self.assertIn(run(*self.verify(path)).returncode, (FAILED, UNUSABLE))

    def test_model_keys(self):
        proof = self.prove("k")
        for what, path in self.damaged(scratch / "mlp.bpk"):
            with self.subTest(what, seed=SEED):
                self.assertIn(run("verify", proof, "--model-key", path).returncode, (FAILED, UNUSABLE))
                checked = run("model", "check", path)
                self.assertIn(checked.returncode, (GOOD, FAILED, UNUSABLE))
                if checked.returncode == GOOD:  # another model's key, if it is a key at all
                    self.assertNotIn(run("verify", proof, "--model-key", path).returncode, (GOOD,))

    def test_a_registration_that_fails_names_its_check(self):
        data = bytearray((scratch / "mlp.bpk").read_bytes())
        data[-40] ^= 1
        key = self.folder / "unregistered.bpk"
        key.write_bytes(data)
        checked = self.json(FAILED, "model", "check", key)
        self.assertIs(checked["accepted"], False)
        self.assertIn("registration", checked["error"]["place"])
        verdict = self.json(FAILED, "verify", self.prove("r"), "--model-key", key)
        self.assertTrue(verdict["check"].startswith("registration"), verdict)

    def test_models(self):
        # A changed weight is another good model: what must never happen is a proof that passes for the committed one.
        for what, path in self.damaged(scratch / "mlp.bpm"):
            with self.subTest(what, seed=SEED):
                self.assertIn(run("model", "inspect", path).returncode, (GOOD, UNUSABLE))
                proof = self.folder / "from-damaged.bpp"
                proof.unlink(missing_ok=True)
                proven = run("prove", path, "--model-key", scratch / "mlp.bpk", "--input", MNIST / "mnist_test.npz",
                             "--index", 1, "--out", proof)
                self.assertIn(proven.returncode, (GOOD, FAILED, UNUSABLE))
                self.assertEqual(proof.exists(), proven.returncode == GOOD)
                if proof.exists():  # the damage is in the float network, which proofs don't use
                    self.expect(GOOD, *self.verify(proof))

    def test_truncated_and_unknown_versions_are_unusable(self):
        proof = self.prove("v")
        commands = {scratch / "mlp.bpm": ["model", "inspect"], scratch / "mlp.bpk": ["model", "check"],
                    proof: self.verify(proof)[:1]}
        for original, command in commands.items():
            data = original.read_bytes()
            tail = ["--model-key", scratch / "mlp.bpk"] if command == ["verify"] else []
            version = data[:3] + bytes([data[3] + 7]) + data[4:] if original.suffix != ".bpm" else \
                data[:4] + bytes([data[4] + 7]) + data[5:]
            for name, content, codes in (("short", data[:len(data) // 2], ("malformed", "limit")),
                                        ("version", version, ("unsupported",))):
                path = self.folder / f"{name}{original.suffix}"
                path.write_bytes(content)
                error = self.error(UNUSABLE, *command, path, *tail)
                self.assertIn(error["code"], codes)
                self.assertTrue(error["place"].startswith(str(path)), error)

    def test_networks_and_arrays(self):
        choose = random.Random(SEED)
        for original in (MNIST / "mlp.onnx", MNIST / "mnist_calibration.npz"):
            data = original.read_bytes()
            for size in (0, 10, len(data) // 2, len(data) - 1):
                path = self.folder / f"cut{original.suffix}"
                path.write_bytes(data[:size])
                network = path if original.suffix == ".onnx" else MNIST / "mlp.onnx"
                data_file = path if original.suffix == ".npz" else MNIST / "mnist_calibration.npz"
                error = self.error(UNUSABLE, "model", "compile", network, "--calibration", data_file, "--out",
                                   self.folder / "never.bpm")
                self.assertTrue(error["place"].startswith(str(path)), error)
            for _ in range(4):
                flipped = bytearray(data)
                flipped[choose.randrange(min(len(data), 2000))] ^= 1 << choose.randrange(8)
                path.write_bytes(flipped)
                self.assertIn(run("model", "compile", network, "--calibration", data_file, "--out",
                                  self.folder / "maybe.bpm").returncode, (GOOD, FAILED, UNUSABLE))
        self.assertFalse((self.folder / "never.bpm").exists())


class WrongArguments(CliTest):
    def test_every_command_has_help_with_an_example(self):
        for command in (["model", "compile"], ["model", "inspect"], ["model", "run"], ["model", "commit"],
                        ["model", "check"], ["prove"], ["verify"], ["bench", "zkml"], ["model"], ["bench"], []):
            text = self.expect(GOOD, *command, "--help").stdout
            self.assertIn("Example", text)
            self.assertIn("blindproof", text)

    def test_wrong_options_are_unusable(self):
        for arguments in ([], ["nonsense"], ["model"], ["verify"], ["prove", "--fast"], ["model", "check", "a", "b"],
                          ["model", "check", scratch / "mlp.bpk", "--threads", "0"],
                          ["model", "compile", "a", "--calibration", "b", "--out", "c", "--arithmetic", "floating"],
                          ["model", "compile", "a", "--calibration", "b", "--out", "c", "--weight-bits", "17"],
                          ["bench", "zkml", "--workload", "mlp-2m", "--repeat", "0"]):
            with self.subTest(arguments):
                self.assertEqual(self.error(UNUSABLE, *arguments)["code"], "invalid-argument")

    def test_unknown_workloads_are_listed(self):
        self.assertIn("lenet5", self.error(UNUSABLE, "bench", "zkml", "--workload", "vgg99")["detail"])

    def test_missing_files_and_folders_are_named(self):
        self.assertEqual(self.error(UNUSABLE, "model", "inspect", "no/such.bpm")["place"], "no/such.bpm")
        error = self.error(UNUSABLE, "model", "commit", scratch / "mlp.bpm", "--out", self.folder / "none" / "a.bpk")
        self.assertTrue(error["place"].startswith(str(self.folder / "none")), error)
        self.error(UNUSABLE, "model", "commit", scratch / "mlp.bpm", "--out", self.folder)

    def test_samples_that_do_not_fit_the_model(self):
        prove = ["prove", scratch / "mlp.bpm", "--model-key", scratch / "mlp.bpk", "--out", self.folder / "never.bpp",
                 "--input"]
        self.assertIn("--index", self.error(UNUSABLE, *prove, MNIST / "mnist_test.npz")["detail"])
        self.assertIn("1999", self.error(UNUSABLE, *prove, MNIST / "mnist_test.npz", "--index", 2000)["detail"])
        write_floats(self.folder / "wide.npy", [28, 29], [0.0] * (28 * 29))
        self.assertIn("[28,29]", self.error(UNUSABLE, *prove, self.folder / "wide.npy")["detail"])
        write_floats(self.folder / "nan.npy", [28, 28], [0.0] * 783 + [float("nan")])
        self.assertIn("NaN", self.error(UNUSABLE, *prove, self.folder / "nan.npy")["detail"])
        self.assert_empty_of(".bpp")

    def test_an_accuracy_that_cannot_be_kept_is_a_failure(self):
        error = self.error(FAILED, "model", "compile", MNIST / "mlp.onnx", "--calibration",
                           MNIST / "mnist_calibration.npz", "--out", self.folder / "never.bpm", "--weight-bits", "2",
                           "--activation-bits", "4", "--max-accuracy-loss", "0")
        self.assertIn("--weight-bits", error["detail"])
        self.assertFalse((self.folder / "never.bpm").exists())

    @unittest.skipUnless(os.path.exists("/dev/full"), "needs /dev/full")
    def test_output_that_cannot_be_printed_is_an_error(self):
        with open("/dev/full", "w") as full:
            result = subprocess.run([blindproof, "model", "inspect", scratch / "mlp.bpm", "--json"], stdout=full,
                                    stderr=subprocess.PIPE)
        self.assertEqual(result.returncode, UNUSABLE)


class Interrupts(CliTest):
    def test_an_interrupted_command_leaves_whole_files_or_none(self):
        delays = random.Random(SEED)
        commands = {
            "net.bpm": (["model", "compile", MNIST / "lenet5.onnx", "--calibration", MNIST / "mnist_calibration.npz"],
                        ["model", "inspect"]),
            "net.bpk": (["model", "commit", scratch / "mlp.bpm"], ["model", "check"]),
            "net.bpp": (["prove", scratch / "mlp.bpm", "--model-key", scratch / "mlp.bpk", "--input",
                         MNIST / "mnist_test.npz", "--index", "1"], ["verify", "--model-key", scratch / "mlp.bpk"]),
        }
        interrupted = 0
        for (name, (command, check)), number in itertools.product(commands.items(), (signal.SIGINT, signal.SIGTERM) * 4):
            path = self.folder / name
            path.unlink(missing_ok=True)
            process = subprocess.Popen([blindproof, *map(str, command), "--out", path], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            time.sleep(delays.uniform(0, 0.3))
            process.send_signal(number)
            code = process.wait(60)
            self.assertIn(code, (GOOD, -number), command)
            interrupted += code != GOOD
            self.assert_empty_of("partial")
            if path.exists():
                self.expect(GOOD, *check, path)
            else:
                self.assertNotEqual(code, GOOD)
        self.assertGreater(interrupted, 0)

    def test_an_old_file_survives_an_interrupt(self):
        path = self.folder / "kept.bpk"
        shutil.copy(scratch / "mlp.bpk", path)
        process = subprocess.Popen([blindproof, "model", "commit", scratch / "lenet5.bpm", "--out", path],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        if process.wait(60) != GOOD:
            self.assertEqual(path.read_bytes(), (scratch / "mlp.bpk").read_bytes())
        self.assert_empty_of("partial")


class OtherKernels(CliTest):
    SCALAR = {"BLINDPROOF_SIMD": "scalar"}

    def test_the_portable_path_commits_to_the_same_id(self):
        fast = self.json(GOOD, "model", "check", scratch / "mlp.bpk")["model_id"]
        scalar = self.json(GOOD, "model", "commit", scratch / "mlp.bpm", "--out", self.folder / "scalar.bpk",
                           env=self.SCALAR)["model_id"]
        single = self.json(GOOD, "model", "commit", scratch / "mlp.bpm", "--out", self.folder / "single.bpk", "--threads",
                           "1")["model_id"]
        self.assertEqual((scalar, single), (fast, fast))

    def test_each_path_verifies_the_other_ones_proofs(self):
        fast = self.prove("fast", "--hide-input")
        self.expect(GOOD, *self.verify(fast), env=self.SCALAR)
        self.expect(GOOD, "prove", scratch / "mlp.bpm", "--model-key", scratch / "mlp.bpk", "--input",
                    MNIST / "mnist_test.npz", "--index", 7, "--out", self.folder / "scalar.bpp", "--output",
                    self.folder / "scalar.npy", env=self.SCALAR)
        self.expect(GOOD, *self.verify(self.folder / "scalar.bpp"))
        self.assertEqual((self.folder / "scalar.npy").read_bytes(), (self.folder / "fast.npy").read_bytes())


class Encryption(CliTest):
    """Keys, ciphertexts and what they refuse."""

    def setUp(self):
        self.keys = {}
        for name in ("ckks-8192-2", "bfv-8192", "bgv-8192"):
            folder = scratch / f"keys-{name}"
            if not folder.exists():
                self.expect(GOOD, "keys", "generate", "--parameters", name, "--rotations", "1,2,-4", "--conjugation", "--out",
                            folder)
            self.keys[name] = folder

    def encrypt(self, name, values, *options, dtype="<f8", code="d"):
        write_npy(self.folder / "x.npy", dtype, [len(values)], struct.pack(f"<{len(values)}{code}", *values))
        return self.json(GOOD, "encrypt", "--keys", self.keys[name], "--input", self.folder / "x.npy", "--out",
                         self.folder / "x.bpct", *options)

    def decrypt(self, name, *options):
        report = self.json(GOOD, "decrypt", "--keys", self.keys[name], "--input", self.folder / "x.bpct", "--out",
                           self.folder / "y.npy", *options)
        self.assertEqual(stat.S_IMODE((self.folder / "y.npy").stat().st_mode), 0o600)
        dtype, shape, data = read_npy(self.folder / "y.npy")
        self.assertEqual(list(shape), report["shape"])
        self.assertEqual({"<f8": "float64", "<i8": "int64"}[dtype], report["type"])
        return report, struct.unpack(f"<{len(data) // 8}{'d' if dtype == '<f8' else 'q'}", data)

    def test_keys_are_three_files_and_never_overwritten(self):
        folder = self.keys["ckks-8192-2"]
        self.assertEqual(sorted(path.name for path in folder.iterdir()), ["eval.bpek", "public.bppk", "secret.bpsk"])
        self.assertEqual(stat.S_IMODE((folder / "secret.bpsk").stat().st_mode), 0o600)
        before = (folder / "secret.bpsk").read_bytes()
        error = self.error(UNUSABLE, "keys", "generate", "--parameters", "ckks-8192-2", "--out", folder)
        self.assertIn("exists already", error["detail"])
        self.assertEqual((folder / "secret.bpsk").read_bytes(), before)
        error = self.error(UNUSABLE, "keys", "generate", "--parameters", "ckks-1", "--out", self.folder / "none")
        self.assertIn("ckks-8192-2", error["detail"])

    def test_inspect_tells_what_a_file_holds(self):
        self.encrypt("bgv-8192", [1, 2, 3], dtype="<i8", code="q")
        reports = {path.name: self.json(GOOD, "keys", "inspect", path, "--check")
                   for path in [*self.keys["bgv-8192"].iterdir(), self.folder / "x.bpct"]}
        self.assertEqual({name: report["kind"] for name, report in reports.items()},
                         {"secret.bpsk": "secret key", "public.bppk": "public key", "eval.bpek": "evaluation keys",
                          "x.bpct": "ciphertexts"})
        self.assertEqual({report["key_id"] for report in reports.values()}, {reports["x.bpct"]["key_id"]})
        self.assertEqual({report["parameters"]["name"] for report in reports.values()}, {"bgv-8192"})
        self.assertEqual(reports["eval.bpek"]["rotations"], [-4, 1, 2])
        self.assertEqual((reports["eval.bpek"]["relinearization"], reports["eval.bpek"]["conjugation"]), (True, True))
        self.assertEqual((reports["x.bpct"]["content"], reports["x.bpct"]["shape"]), ("integers", [3]))
        for name, report in reports.items():
            path = self.folder / name if name == "x.bpct" else self.keys["bgv-8192"] / name
            self.assertEqual(report["file_bytes"], path.stat().st_size)

    def test_real_numbers_come_back_nearly_and_integers_exactly(self):
        reals = [random.Random(SEED).uniform(-5, 5) for _ in range(10000)]  # three ciphertexts
        half = self.encrypt("ckks-8192-2", reals)
        whole = self.encrypt("ckks-8192-2", reals, "--public")
        self.assertEqual((half["ciphertexts"], half["key"], whole["key"]), (3, "secret", "public"))
        self.assertLess(half["file_bytes"], 0.51 * whole["file_bytes"])
        report, values = self.decrypt("ckks-8192-2")
        self.assertIs(report["may_share"], False)
        self.assertLess(max(abs(a - b) for a, b in zip(reals, values, strict=True)), 1e-6)
        for name, t in (("bfv-8192", 1032193), ("bgv-8192", 1032193)):
            integers = [0, 1, -1, t // 2, -(t // 2), *range(9000)]
            self.encrypt(name, integers, dtype="<i8", code="q")
            report, values = self.decrypt(name)
            self.assertIs(report["may_share"], True)
            self.assertEqual(list(values), integers)

    def test_results_to_be_shared_are_flooded(self):
        self.encrypt("ckks-8192-2", [1.5, -2.5])
        exact = self.decrypt("ckks-8192-2")[1]
        report, first = self.decrypt("ckks-8192-2", "--share", "--max-value", "3", "--max-error", "1e-18")
        self.assertIs(report["may_share"], True)
        second = self.decrypt("ckks-8192-2", "--share", "--max-value", "3", "--max-error", "1e-18")[1]
        self.assertNotEqual(first, second)
        for shared in (first, second):
            self.assertTrue(all(abs(a - b) < report["shared_error"] for a, b in zip(exact, shared)))
        self.error(UNUSABLE, "decrypt", "--keys", self.keys["ckks-8192-2"], "--input", self.folder / "x.bpct", "--out",
                   self.folder / "z.npy", "--share", "--max-value", "3", "--max-error", "1")
        self.error(UNUSABLE, "decrypt", "--keys", self.keys["ckks-8192-2"], "--input", self.folder / "x.bpct", "--out",
                   self.folder / "z.npy", "--share")
        self.assertFalse((self.folder / "z.npy").exists())

    def test_a_passphrase_opens_the_secret_key(self):
        good, bad = self.folder / "good", self.folder / "bad"
        good.write_text("correct horse\n")
        bad.write_text("battery staple\n")
        keys = self.keys["locked"] = self.folder / "locked"
        report = self.json(GOOD, "keys", "generate", "--parameters", "bfv-8192", "--passphrase-file", good, "--out", keys)
        self.assertIs(report["passphrase"], True)
        self.assertIs(self.json(GOOD, "keys", "inspect", keys / "secret.bpsk")["passphrase"], True)
        self.encrypt("locked", [1, 2], "--passphrase-file", good, dtype="<i8", code="q")
        self.assertEqual(self.decrypt("locked", "--passphrase-file", good)[1], (1, 2))
        decrypt = ["decrypt", "--keys", keys, "--input", self.folder / "x.bpct", "--out", self.folder / "y.npy"]
        self.assertEqual(self.error(FAILED, *decrypt, "--passphrase-file", bad)["code"], "mismatch")
        self.assertIn("--passphrase-file", self.error(UNUSABLE, *decrypt)["detail"])

    def test_what_does_not_belong_together_is_refused(self):
        self.encrypt("bfv-8192", [1], dtype="<i8", code="q")
        out = ["--out", self.folder / "y.npy"]
        other = self.folder / "other"
        self.expect(GOOD, "keys", "generate", "--parameters", "bfv-8192", "--out", other)
        self.assertIn("another key", self.error(FAILED, "decrypt", "--keys", other, "--input", self.folder / "x.bpct", *out)["detail"])
        for keys in (self.keys["bgv-8192"], self.keys["ckks-8192-2"]):
            error = self.error(FAILED, "decrypt", "--keys", keys, "--input", self.folder / "x.bpct", *out)
            self.assertIn("other parameters", error["detail"])
        self.error(FAILED, "decrypt", "--keys", self.keys["bfv-8192"], "--parameters", "bgv-8192", "--input",
                   self.folder / "x.bpct", *out)
        write_floats(self.folder / "half.npy", [2], [0.5, 1.5])
        self.error(UNUSABLE, "encrypt", "--keys", self.keys["bfv-8192"], "--input", self.folder / "half.npy", "--out",
                   self.folder / "h.bpct")
        write_integers(self.folder / "large.npy", [1 << 30])
        self.error(UNUSABLE, "encrypt", "--keys", self.keys["bfv-8192"], "--input", self.folder / "large.npy", "--out",
                   self.folder / "h.bpct")
        self.assertFalse((self.folder / "h.bpct").exists())

    def test_damaged_files_are_refused(self):
        self.encrypt("ckks-8192-2", [1.0])
        files = {path.name: path.read_bytes() for path in [*self.keys["ckks-8192-2"].iterdir(), self.folder / "x.bpct"]}
        for name, content in files.items():
            for position in (0, 5, 100, len(content) // 2, len(content) - 1):
                damaged = bytearray(content)
                damaged[position] ^= 1
                (self.folder / name).write_bytes(damaged)
                self.error(UNUSABLE, "keys", "inspect", self.folder / name, "--check")
            (self.folder / name).write_bytes(content[:-1])
            self.error(UNUSABLE, "keys", "inspect", self.folder / name)

    def test_the_portable_path_reads_and_writes_the_same(self):
        self.encrypt("bgv-8192", [5, -7], dtype="<i8", code="q")
        self.expect(GOOD, "decrypt", "--keys", self.keys["bgv-8192"], "--input", self.folder / "x.bpct", "--out",
                    self.folder / "y.npy", env={"BLINDPROOF_SIMD": "scalar"})
        self.assertEqual(read_integers(self.folder / "y.npy"), [5, -7])

    def test_named_parameters_are_listed(self):
        sets = {entry["name"]: entry for entry in self.json(GOOD, "keys", "parameters")["parameters"]}
        self.assertLessEqual({"ckks-32768-12", "bfv-16384", "bgv-16384"}, set(sets))
        self.assertEqual((sets["ckks-32768-12"]["q_limbs"], sets["ckks-32768-12"]["p_limbs"]), (13, 4))
        self.assertLessEqual(sets["ckks-32768-12"]["evaluation_key_bytes"], 14e6)


class EncryptedInference(CliTest):
    """The whole way on real digits: owner, client, server, client."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for network in ("mlp_square", "mlp"):
            net = cls.folder / f"{network}.bpm"
            exact = ["--arithmetic", "exact"] if network.endswith("square") else []
            steps = [["model", "compile", MNIST / f"{network}.onnx", "--calibration", MNIST / "mnist_calibration.npz", "--out", net,
                      *exact]]
            if exact:
                steps += [["model", "lower", net, "--level", "fhe", "--no-model-privacy", "--out", cls.folder / "net.bpf"],
                          ["keys", "generate", "--spec", cls.folder / "net.bpc", "--out", cls.folder / "keys"]]
            for arguments in steps:
                result = run(*arguments)
                assert result.returncode == GOOD, f"{arguments}\n{result.stdout}\n{result.stderr}"

    def encrypt(self, index, out="x.bpct"):
        return self.json(GOOD, "encrypt", "--spec", self.folder / "net.bpc", "--keys", self.folder / "keys", "--input",
                         MNIST / "mnist_test.npz", "--index", index, "--out", self.folder / out)

    def infer(self, *options, program="net.bpf", keys="keys", source="x.bpct"):
        return ["infer", self.folder / program, "--eval-keys", self.folder / keys / "eval.bpek", "--input", self.folder / source,
                "--out", self.folder / "y.bpct", *options]

    def decrypt(self, keys="keys", source="y.bpct"):
        return ["decrypt", "--spec", self.folder / "net.bpc", "--keys", self.folder / keys, "--input", self.folder / source, "--out",
                self.folder / "y.npy"]

    def test_encrypted_outputs_are_those_of_the_plain_network(self):
        for index in (3, 11):
            self.encrypt(index)
            report = self.json(GOOD, *self.infer("--no-model-privacy"))
            answer = self.json(GOOD, *self.decrypt())
            plain = self.json(GOOD, "model", "run", self.folder / "mlp_square.bpm", "--input", MNIST / "mnist_test.npz", "--index",
                              index, "--float")
            self.assertEqual(answer["class"], plain["classes"][0])
            largest = max(abs(a - b) for a, b in zip(answer["values"], plain["outputs"][0], strict=True))
            self.assertLess(largest, 1e-4)
            self.assertLess(largest, report["error_bound"] + 1e-5)  # the plain network has single precision
            dtype, shape, data = read_npy(self.folder / "y.npy")
            self.assertEqual((dtype, shape), ("<f8", (10,)))
            self.assertEqual(list(struct.unpack("<10d", data)), answer["values"])

    def test_lowering_says_what_it_chose(self):
        report = self.json(GOOD, "model", "lower", self.folder / "mlp_square.bpm", "--level", "fhe", "--no-model-privacy", "--out",
                           self.folder / "again.bpf")
        self.assertEqual([step["operation"] for step in report["steps"]], ["matrix", "square", "matrix", "square", "matrix"])
        self.assertEqual([step["level"] for step in report["steps"]], [4, 3, 2, 1, 0])
        self.assertEqual(report["parameters"]["name"], "ckks-16384-5")
        self.assertEqual(stat.S_IMODE((self.folder / "again.bpf").stat().st_mode), 0o600)
        self.assertEqual((self.folder / "again.bpf").read_bytes(), (self.folder / "net.bpf").read_bytes())
        keys = self.json(GOOD, "keys", "inspect", self.folder / "keys" / "eval.bpek")
        self.assertEqual(len(keys["rotations"]), report["rotations"])
        self.assertIs(keys["relinearization"], True)
        relu = self.json(GOOD, "model", "lower", self.folder / "mlp.bpm", "--level", "fhe", "--out", self.folder / "relu.bpf",
                         "--degree", "7", "--no-model-privacy")
        self.assertEqual([step["operation"] for step in relu["steps"]][1::2], ["polynomial of degree 7"] * 2)
        self.assertGreater(relu["steps"][1]["approximation_error"], 0)

    def test_plans_agree_with_what_happens(self):
        target = [self.folder / "mlp_square.bpm", "--level", "fhe", "--no-model-privacy"]
        plan = self.json(GOOD, "plan", *target)
        lowered = self.json(GOOD, "model", "lower", *target, "--out", self.folder / "planned.bpf")
        for field in ("parameters", "steps", "rotations", "relinearization", "key_bytes", "ciphertext_bytes", "weight_bytes", "packing"):
            self.assertEqual(plan[field], lowered[field], field)
        self.assertEqual((plan["scheme"], plan["n"], plan["levels"]), ("CKKS", 16384, 5))
        self.assertLess(abs((self.folder / "keys" / "eval.bpek").stat().st_size - plan["key_bytes"]), 1e5)
        self.encrypt(5)
        with subprocess.Popen([blindproof, *map(str, self.infer("--no-model-privacy")), "--json"], stdout=subprocess.PIPE) as process:
            report = json.loads(process.stdout.read())
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = status
        self.assertEqual(status, 0)
        self.assertLess(abs(math.log(plan["peak_memory_bytes"] / (usage.ru_maxrss * 1024))), math.log(1.3))
        self.assertLess(abs(math.log(plan["error_bound"] / report["error_bound"])), math.log(1.1))
        self.assertLess(plan["expected_error"], plan["error_bound"])
        self.assertGreater(plan["infer_seconds"], 0)
        batch = self.json(GOOD, "plan", *target, "--packing", "batch")
        self.assertEqual((batch["packing"], batch["rotations"]), ("batch", 0))
        self.assertGreater(batch["peak_memory_bytes"], plan["peak_memory_bytes"])

    def test_weights_take_the_memory_that_they_are_given(self):
        self.encrypt(7)
        outputs = []
        for memory in ("0", "1GB"):
            self.json(GOOD, *self.infer("--no-model-privacy", "--weight-memory", memory))
            outputs.append((self.folder / "y.bpct").read_bytes())
        self.assertEqual(*outputs)

    def test_model_privacy_must_be_waived_in_words(self):
        self.encrypt(0)
        self.assertIn("--no-model-privacy", self.error(UNUSABLE, *self.infer())["detail"])

    def test_model_privacy_floods_the_output(self):
        folder = self.folder / "private"
        folder.mkdir()
        lowered = self.json(GOOD, "model", "lower", self.folder / "mlp_square.bpm", "--level", "fhe", "--out", folder / "net.bpf")
        self.assertEqual(lowered["model_privacy_bits"], 40)
        self.expect(GOOD, "keys", "generate", "--spec", folder / "net.bpc", "--out", folder / "keys")
        self.expect(GOOD, "encrypt", "--spec", folder / "net.bpc", "--keys", folder / "keys", "--input", MNIST / "mnist_test.npz",
                    "--index", 5, "--out", folder / "x.bpct")
        plain = self.json(GOOD, "model", "run", self.folder / "mlp_square.bpm", "--input", MNIST / "mnist_test.npz", "--index", 5,
                          "--float")["outputs"][0]
        infer = ["infer", folder / "net.bpf", "--eval-keys", folder / "keys" / "eval.bpek", "--input", folder / "x.bpct", "--out",
                 folder / "y.bpct"]
        answers = []
        for _ in range(2):
            report = self.json(GOOD, *infer)
            self.assertEqual(report["model_privacy_bits"], 40)
            answers.append(self.json(GOOD, "decrypt", "--spec", folder / "net.bpc", "--keys", folder / "keys", "--input",
                                     folder / "y.bpct", "--out", folder / "y.npy")["values"])
            largest = max(abs(a - b) for a, b in zip(answers[-1], plain, strict=True))
            self.assertLess(largest, report["error_bound"] + 1e-5)
            self.assertLess(report["error_bound"], 1e-2)
        self.assertNotEqual(*answers)  # the flood is fresh each time
        (folder / "keys" / "public.bppk").rename(folder / "elsewhere.bppk")
        self.assertEqual(self.error(UNUSABLE, *infer)["code"], "io")
        self.expect(GOOD, *infer, "--public-key", folder / "elsewhere.bppk")
        self.expect(GOOD, "keys", "generate", "--spec", folder / "net.bpc", "--out", folder / "other")
        self.assertEqual(self.error(FAILED, *infer, "--public-key", folder / "other" / "public.bppk")["code"], "mismatch")
        shutil.rmtree(folder)  # its keys are large

    def test_what_does_not_belong_together_is_refused(self):
        self.encrypt(0)
        self.expect(GOOD, "keys", "generate", "--spec", self.folder / "net.bpc", "--out", self.folder / "other")
        self.assertEqual(self.error(FAILED, *self.infer("--no-model-privacy", keys="other"))["code"], "mismatch")
        self.expect(GOOD, *self.infer("--no-model-privacy"))
        self.assertEqual(self.error(FAILED, *self.decrypt(keys="other"))["code"], "mismatch")
        self.assertIn("level", self.error(FAILED, *self.decrypt(source="x.bpct"))["detail"])
        self.assertIn("fresh", self.error(FAILED, *self.infer("--no-model-privacy", source="y.bpct"))["detail"])
        self.error(UNUSABLE, "infer", self.folder / "net.bpf", "--eval-keys", self.folder / "keys" / "secret.bpsk", "--input",
                   self.folder / "x.bpct", "--out", self.folder / "z.bpct", "--no-model-privacy")
        write_floats(self.folder / "large.npy", [784], [100.0] * 784)
        self.assertIn("largest", self.error(UNUSABLE, "encrypt", "--spec", self.folder / "net.bpc", "--keys", self.folder / "keys",
                                            "--input", self.folder / "large.npy", "--out", self.folder / "l.bpct")["detail"])
        self.assertFalse((self.folder / "z.bpct").exists())

    def test_damaged_programs_are_refused(self):
        for name in ("net.bpf", "net.bpc"):
            content = (self.folder / name).read_bytes()
            damaged = bytearray(content)
            damaged[len(content) // 2] ^= 1
            (self.folder / f"damaged-{name}").write_bytes(damaged)
        self.encrypt(0)
        self.assertEqual(self.error(UNUSABLE, *self.infer("--no-model-privacy", program="damaged-net.bpf"))["code"], "malformed")
        self.error(UNUSABLE, "keys", "generate", "--spec", self.folder / "damaged-net.bpc", "--out", self.folder / "none")
        self.assertFalse((self.folder / "none").exists())

    def test_encrypted_models_give_the_same_answers(self):
        model = self.json(GOOD, "model", "encrypt", self.folder / "net.bpf", "--public-key", self.folder / "keys" / "public.bppk", "--out",
                          self.folder / "net.bpfe")
        self.assertEqual(model["key_id"], self.json(GOOD, "keys", "inspect", self.folder / "keys" / "eval.bpek")["key_id"])
        self.assertEqual(model["file_bytes"], (self.folder / "net.bpfe").stat().st_size)
        self.assertGreater(model["ciphertexts"], 64)
        for index in (2, 5, 8):
            self.encrypt(index)
            plain = self.json(GOOD, *self.infer("--no-model-privacy"))
            self.assertIs(plain["encrypted_model"], False)
            expected = self.json(GOOD, *self.decrypt())
            report = self.json(GOOD, *self.infer("--no-model-privacy", program="net.bpfe"))
            self.assertIs(report["encrypted_model"], True)
            answer = self.json(GOOD, *self.decrypt())
            self.assertEqual(answer["class"], expected["class"])
            largest = max(abs(a - b) for a, b in zip(answer["values"], expected["values"], strict=True))
            self.assertLess(largest, report["error_bound"] + plain["error_bound"])
            self.assertLess(largest, 1e-3)

    def test_encrypted_models_are_timed_and_compared(self):
        bench = ["bench", "inference", "--workload", "mnist-mlp", "--samples", "3", "--models", ROOT / "models", "--encrypted-model"]
        result = self.json(GOOD, *bench, "--model-privacy", "0")
        self.assertIs(result["encrypted_model"], True)
        self.assertGreater(result["encrypt_model_s"], 0)
        self.assertLess(result["encryption_error"], result["predicted_error"])
        self.assertEqual(result["same_as_integer"], 100)
        self.assertIn("one sample", self.error(UNUSABLE, *bench, "--packing", "batch")["detail"])

    def test_encrypted_models_need_their_client_s_keys(self):
        def encrypt(call, code, program, keys):
            return call(code, "model", "encrypt", program, "--public-key", keys / "public.bppk", "--out", self.folder / "m.bpfe")

        self.encrypt(0)
        self.assertIn("--no-model-privacy", self.error(UNUSABLE, *self.infer())["detail"])
        self.expect(GOOD, "keys", "generate", "--spec", self.folder / "net.bpc", "--out", self.folder / "another")
        encrypt(self.json, GOOD, self.folder / "net.bpf", self.folder / "another")
        self.assertIn("another client", self.error(FAILED, *self.infer("--no-model-privacy", program="m.bpfe"))["detail"])
        encrypt(self.json, GOOD, self.folder / "net.bpf", self.folder / "keys")
        content = bytearray((self.folder / "m.bpfe").read_bytes())
        for place in (0, 200, len(content) // 2):
            content[place] ^= 1
            (self.folder / "damaged.bpfe").write_bytes(content)
            content[place] ^= 1
            self.assertEqual(self.error(UNUSABLE, *self.infer("--no-model-privacy", program="damaged.bpfe"))["code"], "malformed")
        self.expect(GOOD, "keys", "generate", "--parameters", "ckks-8192-2", "--out", self.folder / "short")
        self.assertIn("other parameters", encrypt(self.error, FAILED, self.folder / "net.bpf", self.folder / "short")["detail"])
        encrypt(self.error, UNUSABLE, self.folder / "net.bpc", self.folder / "another")
        batch = self.folder / "batch.bpf"
        self.expect(GOOD, "model", "lower", self.folder / "mlp_square.bpm", "--level", "fhe", "--packing", "batch", "--no-model-privacy", "--out",
                    batch)
        self.expect(GOOD, "keys", "generate", "--spec", self.folder / "batch.bpc", "--out", self.folder / "for-batches")
        self.assertIn("--packing single", encrypt(self.error, UNUSABLE, batch, self.folder / "for-batches")["detail"])

    def test_batches_of_samples(self):
        folder = self.folder / "batch"
        folder.mkdir()
        lowered = self.json(GOOD, "model", "lower", self.folder / "mlp_square.bpm", "--level", "fhe", "--packing", "batch",
                            "--no-model-privacy", "--out", folder / "net.bpf")
        self.assertEqual((lowered["packing"], lowered["max_samples"], lowered["rotations"]), ("batch", 8192, 0))
        self.expect(GOOD, "keys", "generate", "--spec", folder / "net.bpc", "--out", folder / "keys")
        count = 5
        images = [pixel for index in range(count) for pixel in digit(index)]
        write_floats(folder / "x.npy", [count, 784], images)

        def encrypt(code, spec, *options, source="x.npy", keys=folder / "keys"):
            call = self.json if code == GOOD else self.error
            return call(code, "encrypt", "--spec", spec, "--keys", keys, "--input", folder / source, "--out", folder / "x.bpct", *options)

        self.assertEqual(encrypt(GOOD, folder / "net.bpc")["samples"], count)
        inspected = self.json(GOOD, "keys", "inspect", folder / "x.bpct")
        self.assertEqual((inspected["content"], inspected["shape"], inspected["ciphertexts"]), ("batch", [count], 784))
        infer = ["infer", folder / "net.bpf", "--eval-keys", folder / "keys" / "eval.bpek", "--input", folder / "x.bpct", "--out",
                 folder / "y.bpct", "--no-model-privacy"]
        decrypt = ["decrypt", "--spec", folder / "net.bpc", "--keys", folder / "keys", "--input", folder / "y.bpct", "--out",
                   folder / "y.npy"]
        report = self.json(GOOD, *infer)
        answer = self.json(GOOD, *decrypt)
        self.assertEqual((report["samples"], answer["samples"], answer["shape"]), (count, count, [count, 10]))
        plain = self.json(GOOD, "model", "run", self.folder / "mlp_square.bpm", "--input", folder / "x.npy", "--float")
        self.assertEqual(answer["classes"], plain["classes"])
        expected = [value for output in plain["outputs"] for value in output]
        largest = max(abs(a - b) for a, b in zip(answer["values"], expected, strict=True))
        self.assertLess(largest, report["error_bound"] + 1e-5)
        self.assertLess(largest, 1e-4)
        dtype, shape, data = read_npy(folder / "y.npy")
        self.assertEqual((dtype, shape), ("<f8", (count, 10)))
        self.assertEqual(list(struct.unpack(f"<{10 * count}d", data)), answer["values"])

        # One of them is a batch of one; a program for one sample takes none.
        self.assertEqual(encrypt(GOOD, folder / "net.bpc", "--index", 3)["samples"], 1)
        self.expect(GOOD, *infer)
        self.assertEqual(self.json(GOOD, *decrypt)["class"], plain["classes"][3])
        self.assertIn("--index", encrypt(UNUSABLE, self.folder / "net.bpc", keys=self.folder / "keys")["detail"])
        single = [self.folder / "net.bpf" if argument == folder / "net.bpf" else argument for argument in infer]
        self.assertIn("one at a time", self.error(FAILED, *single)["detail"])
        self.expect(GOOD, "encrypt", "--keys", folder / "keys", "--input", folder / "y.npy", "--out", folder / "x.bpct")
        self.assertIn("--spec", self.error(FAILED, *infer)["detail"])
        self.expect(UNUSABLE, "decrypt", "--keys", folder / "keys", "--input", folder / "y.bpct", "--out", folder / "z.npy")
        write_floats(folder / "many.npy", [8193, 784], [0.0] * (8193 * 784))
        self.assertIn("8192", encrypt(UNUSABLE, folder / "net.bpc", source="many.npy")["detail"])

    def test_lenet_is_timed_and_compared(self):
        result = self.json(GOOD, "bench", "inference", "--workload", "lenet5", "--samples", "2", "--models", ROOT / "models",
                           "--model-privacy", "0")
        self.assertLess(result["max_abs_error"], 1e-3)
        self.assertLess(result["encryption_error"], result["predicted_error"])
        self.assertEqual(result["accuracy_plain"], result["accuracy_encrypted"])
        for field in ("latency_s", "encrypt_s", "decrypt_s", "key_bytes", "ciphertext_bytes", "peak_rss_bytes", "overhead_vs_plain"):
            self.assertGreater(result[field], 0)
        for field in ("equal_to_integer", "plaintext_moduli"):
            self.assertIsNone(result[field])

    def test_tables_are_classified_as_by_their_integers_in_every_scheme(self):
        bench = ["bench", "inference", "--workload", "breast-cancer", "--models", ROOT / "models", "--model-privacy", "0", "--samples", "189"]
        for scheme in ("ckks", "bfv", "bgv"):
            result = self.json(GOOD, *bench, "--scheme", scheme)
            self.assertEqual((result["scheme"].lower(), result["samples"]), (scheme, 189))
            for field in ("accuracy_plain", "accuracy_float_same", "accuracy_integer", "accuracy_encrypted"):
                self.assertGreater(result[field], 97)
            self.assertGreaterEqual(result["same_as_integer"], 99)
            if scheme != "ckks":
                self.assertEqual((result["same_as_integer"], result["equal_to_integer"]), (100, 100))
                self.assertEqual(result["accuracy_encrypted"], result["accuracy_integer"])

    def test_a_table_that_is_not_there_is_said_how_to_get(self):
        bench = ["bench", "inference", "--models", ROOT / "models"]
        self.assertIn("make_data.py spam", self.error(UNUSABLE, *bench, "--workload", "spam", "--data", self.folder)["detail"])
        self.assertIn("ckks", self.error(UNUSABLE, *bench, "--workload", "mnist-mlp-relu", "--scheme", "bfv")["detail"])


class ExactEncryptedInference(CliTest):
    """BFV and BGV: every integer is that of the plain interpreter."""

    OPERATORS = ROOT / "models" / "operators"

    def lower(self, model, *options, name="net"):
        folder = self.folder / name
        folder.mkdir()
        lowered = self.json(GOOD, "model", "lower", model, "--level", "fhe", "--out", folder / "net.bpf", *options)
        self.expect(GOOD, "keys", "generate", "--spec", folder / "net.bpc", "--out", folder / "keys")
        return folder, lowered

    def compile(self, network):
        model = self.folder / f"{network}.bpm"
        if not model.exists():
            self.expect(GOOD, "model", "compile", self.OPERATORS / f"{network}.onnx", "--calibration", self.OPERATORS / f"{network}.npz",
                        "--arithmetic", "exact", "--max-accuracy-loss", "100", "--out", model)
        return model

    def encrypt(self, folder, source, *options, out="x.bpct"):
        return self.json(GOOD, "encrypt", "--spec", folder / "net.bpc", "--keys", folder / "keys", "--input", source, "--out", folder / out,
                         *options)

    def infer(self, folder, *options, keys="keys", source="x.bpct"):
        return ["infer", folder / "net.bpf", "--eval-keys", folder / keys / "eval.bpek", "--input", folder / source, "--out",
                folder / "y.bpct", *options]

    def decrypt(self, folder, keys="keys", source="y.bpct"):
        return ["decrypt", "--spec", folder / "net.bpc", "--keys", folder / keys, "--input", folder / source, "--out", folder / "y.npy"]

    def plain(self, model, source, *options):
        return self.json(GOOD, "model", "run", model, "--input", source, *options)

    @staticmethod
    def numbers(values):
        return [int(value) for value in values]  # large ones are text

    def expect_equal(self, folder, model, source, index, *options):
        self.encrypt(folder, source, "--index", index)
        self.json(GOOD, *self.infer(folder, *options))
        answer = self.json(GOOD, *self.decrypt(folder))
        plain = self.plain(model, source, "--index", index)
        self.assertEqual(self.numbers(answer["integers"]), self.numbers(plain["outputs"][0]))
        self.assertEqual(answer["values"], self.plain(model, source, "--index", index, "--dequantize")["outputs"][0])
        if plain["classes"]:
            self.assertEqual(answer["class"], plain["classes"][0])

    def test_digits_on_two_layers_of_squares(self):
        model = self.folder / "mlp_square.bpm"
        self.expect(GOOD, "model", "compile", MNIST / "mlp_square.onnx", "--calibration", MNIST / "mnist_calibration.npz", "--arithmetic",
                    "exact", "--out", model)
        folder, lowered = self.lower(model, "--scheme", "bfv")
        self.assertEqual(lowered["parameters"]["scheme"], "BFV")
        self.assertGreater(len(lowered["plaintext_moduli"]), 1)
        self.assertGreater(lowered["output_bits"], 100)
        self.assertEqual([step["operation"] for step in lowered["steps"]], ["matrix", "square", "matrix", "square", "matrix"])
        self.assertEqual(stat.S_IMODE((folder / "net.bpf").stat().st_mode), 0o600)
        for index in (3, 11):
            self.expect_equal(folder, model, MNIST / "mnist_test.npz", index)
        self.assertIn("use BFV", self.error(UNUSABLE, "model", "lower", model, "--level", "fhe", "--scheme", "bgv", "--out",
                                            folder / "no.bpf")["detail"])
        shutil.rmtree(folder)  # its keys are large

    def test_linear_models_on_both_schemes(self):
        model, source = self.compile("sklearn_logreg"), self.OPERATORS / "sklearn_logreg.npz"
        for scheme in ("bfv", "bgv"):
            folder, lowered = self.lower(model, "--scheme", scheme, name=scheme)
            self.assertEqual((lowered["relinearization"], len(lowered["plaintext_moduli"])), (False, 1))
            self.assertEqual(lowered["rotations"] == 0, scheme == "bfv")  # on coefficients
            self.assertEqual(lowered["model_privacy_bits"], 40)
            for index in (0, 5):
                self.expect_equal(folder, model, source, index)
            answers = [self.json(GOOD, *self.decrypt(folder))["integers"]]
            first = (folder / "y.bpct").read_bytes()
            self.expect(GOOD, *self.infer(folder))
            answers.append(self.json(GOOD, *self.decrypt(folder))["integers"])
            self.assertEqual(*answers)
            self.assertNotEqual(first, (folder / "y.bpct").read_bytes())  # the flood is fresh each time

    def test_rows_of_a_table_at_once(self):
        for network, most in (("sklearn_logreg", 4096), ("pow2", 8192)):
            model, source = self.compile(network), self.OPERATORS / f"{network}.npz"
            folder, lowered = self.lower(model, "--scheme", "bfv", "--packing", "batch", name=f"batch-{network}")
            self.assertEqual((lowered["packing"], lowered["max_samples"], lowered["rotations"]), ("batch", most, 0))
            samples = self.encrypt(folder, source)["samples"]
            self.assertEqual(self.json(GOOD, *self.infer(folder))["samples"], samples)
            answer = self.json(GOOD, *self.decrypt(folder))
            plain = self.plain(model, source)
            self.assertEqual(answer["shape"][0], samples)
            self.assertEqual(self.numbers(answer["integers"]), [number for output in plain["outputs"] for number in self.numbers(output)])
            self.assertEqual(answer["classes"], plain["classes"])
            self.encrypt(folder, source, "--index", 3)
            self.expect(GOOD, *self.infer(folder))
            self.assertEqual(self.json(GOOD, *self.decrypt(folder))["class"], plain["classes"][3])

    def test_what_does_not_belong_together_is_refused(self):
        model, source = self.compile("pow2"), self.OPERATORS / "pow2.npz"
        folder, _ = self.lower(model, "--scheme", "bfv", "--no-model-privacy", name="refused")
        self.encrypt(folder, source, "--index", 0)
        self.assertIn("--no-model-privacy", self.error(UNUSABLE, *self.infer(folder))["detail"])
        self.expect(GOOD, *self.infer(folder, "--no-model-privacy"))
        self.expect(GOOD, "keys", "generate", "--spec", folder / "net.bpc", "--out", folder / "other")
        self.assertEqual(self.error(FAILED, *self.infer(folder, "--no-model-privacy", keys="other"))["code"], "mismatch")
        self.assertEqual(self.error(FAILED, *self.decrypt(folder, keys="other"))["code"], "mismatch")
        self.assertIn("input", self.error(FAILED, *self.decrypt(folder, source="x.bpct"))["detail"])
        self.assertIn("fresh", self.error(FAILED, *self.infer(folder, "--no-model-privacy", source="y.bpct"))["detail"])
        self.assertIn("shape", self.error(UNUSABLE, "encrypt", "--spec", folder / "net.bpc", "--keys", folder / "keys", "--input",
                                          MNIST / "mnist_test.npz", "--out", folder / "z.bpct")["detail"])
        for name in ("net.bpf", "net.bpc"):
            content = bytearray((folder / name).read_bytes())
            content[len(content) // 2] ^= 1
            (folder / name).write_bytes(content)
        self.assertEqual(self.error(UNUSABLE, *self.infer(folder, "--no-model-privacy"))["code"], "malformed")
        self.assertEqual(self.error(UNUSABLE, *self.decrypt(folder))["code"], "malformed")
        rescaled = self.folder / "rescaled.bpm"
        self.expect(GOOD, "model", "compile", MNIST / "mlp.onnx", "--calibration", MNIST / "mnist_calibration.npz", "--out", rescaled)
        self.assertIn("--arithmetic exact", self.error(UNUSABLE, "model", "lower", rescaled, "--level", "fhe", "--scheme", "bfv", "--out",
                                                       folder / "no.bpf")["detail"])


class VerifiedEncryptedInference(CliTest):
    """A table of patients' records: encrypted, answered with a proof, verified before anything is decrypted."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tables = ROOT / "models" / "tables"
        net, key, spec = cls.folder / "t.bpm", cls.folder / "t.bpk", cls.folder / "t.bpc"
        for arguments in (["model", "compile", cls.tables / "breast_cancer_square.onnx", "--calibration", cls.tables / "breast_cancer_train.npz",
                           "--arithmetic", "exact", "--out", net],
                          ["model", "commit", net, "--out", key],
                          ["model", "lower", net, "--level", "hybrid", "--out", cls.folder / "t.bpf"],
                          ["keys", "generate", "--spec", spec, "--out", cls.folder / "keys"],
                          ["encrypt", "--spec", spec, "--keys", cls.folder / "keys", "--input", cls.tables / "breast_cancer_test.npz", "--out",
                           cls.folder / "x.bpct"],
                          cls.infer("y", "--prove", "--proof", cls.folder / "y.bpp", "--model-key", key),
                          cls.infer("unproven")):
            result = run(*arguments)
            assert result.returncode == GOOD, f"{arguments}\n{result.stdout}\n{result.stderr}"

    @classmethod
    def infer(cls, name, *options):
        return ["infer", cls.folder / "t.bpf", "--public-key", cls.folder / "keys" / "public.bppk", "--input", cls.folder / "x.bpct", "--out",
                cls.folder / f"{name}.bpct", *options]

    def decrypt(self, name, *options):
        return ["decrypt", "--spec", self.folder / "t.bpc", "--keys", self.folder / "keys", "--input", self.folder / f"{name}.bpct", "--out",
                self.folder / f"{name}.npy", *options]

    def proof(self, key="t.bpk"):
        return ["--proof", self.folder / "y.bpp", "--model-key", self.folder / key, "--input-ciphertext", self.folder / "x.bpct"]

    def test_proven_answers_are_the_plain_network_s(self):
        answer = self.json(GOOD, *self.decrypt("y", *self.proof()))
        plain = self.json(GOOD, "model", "run", self.folder / "t.bpm", "--input", self.tables / "breast_cancer_test.npz")
        self.assertIs(answer["verified"], True)
        self.assertEqual(answer["classes"], plain["classes"])
        self.assertGreaterEqual(plain["accuracy"], 97)

    def test_anybody_can_verify(self):
        verdict = self.json(GOOD, "verify", self.folder / "y.bpp", "--model-key", self.folder / "t.bpk", "--input-ciphertext",
                            self.folder / "x.bpct", "--output-ciphertext", self.folder / "y.bpct", "--public-key",
                            self.folder / "keys" / "public.bppk")
        self.assertIs(verdict["accepted"], True)
        self.assertEqual(verdict["records"], 189)

    def test_keys_and_ciphertexts_are_inspected(self):
        secret = self.json(GOOD, "keys", "inspect", self.folder / "keys" / "secret.bpsk")
        public = self.json(GOOD, "keys", "inspect", self.folder / "keys" / "public.bppk")
        question, answer = (self.json(GOOD, "keys", "inspect", self.folder / name) for name in ("x.bpct", "y.bpct"))
        self.assertEqual([file["kind"] for file in (secret, public, question, answer)], ["secret key", "public key", "ciphertexts", "ciphertexts"])
        self.assertEqual(len({file["key_id"] for file in (secret, public, question, answer)}), 1)
        self.assertEqual((question["ciphertexts"], question["components"], question["records"]), (30, 2, 189))
        self.assertEqual((answer["ciphertexts"], answer["components"], answer["records"]), (2, 3, 189))
        self.assertNotIn("digest", secret)
        self.error(UNUSABLE, "keys", "inspect", self.folder / "t.bpf")

    def test_answers_without_their_proof_are_not_decrypted(self):
        self.error(FAILED, *self.decrypt("unproven"))
        self.assertIn("statement.output", self.error(FAILED, *self.decrypt("unproven", *self.proof()))["detail"])
        self.assert_empty_of("unproven.npy")
        self.json(GOOD, *self.decrypt("unproven", "--unverified"))

    def test_classes_and_rounded_scores_are_refused_and_say_why(self):
        for outputs in ("class", "rounded"):
            problem = self.error(UNUSABLE, "model", "lower", self.folder / "t.bpm", "--level", "hybrid", "--outputs", outputs, "--out", self.folder / "c.bpf")
            self.assertEqual(problem["code"], "unsupported")
            self.assertIn("comparisons", problem["detail"])

    def test_lowering_says_after_how_many_records_the_model_is_known(self):
        result = run("model", "lower", self.folder / "t.bpm", "--level", "hybrid", "--out", self.folder / "again.bpf")
        self.assertIn("exact answers reveal a small model: after 496 records", " ".join(result.stdout.split()))


class Groth16(CliTest):
    """circom's circuits are compiled by the oracle tests; here are the files that anybody may hand over."""

    def test_files_that_are_none_are_refused(self):
        path = self.folder / "nothing"
        path.write_bytes(b"r1cs but not for long")
        for arguments in (["setup", path, "--dev", "--out", self.folder / "k.zkey"],
                          ["prove", "--key", path, "--witness", path, "--proof", self.folder / "p.json", "--public", self.folder / "u.json"],
                          ["verify", "--key", path, "--proof", path, "--public", path]):
            self.assertIn(self.error(UNUSABLE, "groth16", *arguments)["code"], ("malformed", "unsupported"))
        self.assertIn("--dev", self.error(UNUSABLE, "groth16", "setup", path, "--out", self.folder / "k.zkey")["detail"])
        for arguments in (["ptau", "verify", path], ["ptau", "contribute", path, "--out", self.folder / "p.ptau"],
                          ["ptau", "prepare", path, "--out", self.folder / "p.ptau"],
                          ["setup", path, "--ptau", path, "--out", self.folder / "k.zkey"],
                          ["contribute", path, "--out", self.folder / "k.zkey"], ["verify-key", path, "--circuit", path, "--ptau", path]):
            self.assertIn(self.error(UNUSABLE, "groth16", *arguments)["code"], ("malformed", "unsupported"))
        self.assert_empty_of(".zkey")
        self.assertFalse((self.folder / "p.ptau").exists())

    def test_a_ceremony_is_verified_from_its_beginning(self):
        at = lambda step: self.folder / f"{step}.ptau"
        words = self.folder / "words"
        words.write_text("words of my own")
        self.json(GOOD, "groth16", "ptau", "new", "--power", "3", "--out", at(0))
        self.assertEqual(self.json(FAILED, "groth16", "ptau", "verify", at(0))["check"], "contributions")
        one = self.json(GOOD, "groth16", "ptau", "contribute", at(0), "--out", at(1), "--name", "Ada", "--words", words)
        two = self.json(GOOD, "groth16", "ptau", "beacon", at(1), "--out", at(2), "--beacon", "0xc0ffee")
        self.json(GOOD, "groth16", "ptau", "prepare", at(2), "--out", at(3))
        for step in (1, 2, 3):
            verified = self.json(GOOD, "groth16", "ptau", "verify", at(step))
            self.assertEqual([c["hash"] for c in verified["contributions"]], [one["hash"], two["hash"]][:step])
        self.assertEqual(verified["contributions"][0]["name"], "Ada")
        self.assertEqual((verified["contributions"][1]["beacon"], verified["contributions"][1]["log_iterations"]), ("c0ffee", 10))
        altered = bytearray(at(3).read_bytes())
        altered[-1] ^= 1
        at(4).write_bytes(altered)
        self.assertEqual(self.json(FAILED, "groth16", "ptau", "verify", at(4))["check"], "prepared.15")
        for wrong in (["--beacon", "no"], ["--beacon", "00", "--log-iterations", "9"], ["--beacon", "00", "--log-iterations", "33"]):
            self.error(UNUSABLE, "groth16", "ptau", "beacon", at(1), "--out", at(5), *wrong)

    def test_chains_of_hashes_are_proven(self):
        (row,) = self.json(GOOD, "bench", "groth16", "--sizes", "10")["results"]
        self.assertLess(row["constraints"], 1 << 10)
        self.assertGreater(min(row["setup_s"], row["prove_s"], row["verify_s"]), 0)


class Groth16Witnesses(CliTest):
    """Witnesses of real circuits are compared with circom's by the circuits' tests; here is what comes before."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.circuit = cls.folder / "c.r1cs"
        order = 21888242871839275222246405745257275088548364400416034343698204186575808495617
        header = (32).to_bytes(4, "little") + order.to_bytes(32, "little") + b"".join(n.to_bytes(4, "little") for n in (2, 0, 0, 1)) + (2).to_bytes(8, "little") + bytes(4)
        sections = ((1, header), (2, b""), (3, b"".join(n.to_bytes(8, "little") for n in range(2))))  # one private input, about which it says nothing
        cls.circuit.write_bytes(b"r1cs" + b"".join(n.to_bytes(4, "little") for n in (1, len(sections))) +
                                b"".join(k.to_bytes(4, "little") + len(v).to_bytes(8, "little") + v for k, v in sections))
        cls.settlement = cls.folder / "s.json"
        cls.settlement.write_text(json.dumps({"chain_id": "1", "contract": "0x" + "11" * 20, "recipient": "0x" + "22" * 20, "amount": "1200", "nonce": "1", "deadline": "9",
                                              "receipt_hash": "0x" + "33" * 32}))

    def witness(self, code, *options, model="mlp"):
        error = self.error(code, "groth16", "witness", scratch / f"{model}.bpm", "--circuit", self.circuit, "--out", self.folder / "w.wtns", *options)
        self.assert_empty_of("w.wtns")
        self.assert_empty_of("w.salts")
        return error

    def test_a_circuit_of_another_network_is_refused(self):
        sample = ["--input", MNIST / "mnist_test.npz", "--index", 3]
        place = ["--contract", "0x" + "11" * 20, "--owner", "0x" + "22" * 20, "--chain-id", 1]
        for options in (sample, ["--statement", "integrity", *place], ["--statement", "receipt", *sample, "--settlement", self.settlement, "--units", 12]):
            error = self.witness(FAILED, *options)
            self.assertEqual((error["code"], error["place"]), ("mismatch", str(self.circuit)))

    def test_models_that_circuits_do_not_take_are_named(self):
        self.assertEqual(self.witness(UNUSABLE, "--input", MNIST / "mnist_test.npz", "--index", 3, model="lenet5")["code"], "unsupported")

    def test_statements_take_their_own_options_only(self):
        sample = ["--input", MNIST / "mnist_test.npz", "--index", 3]
        contract, owner, chain = ["--contract", "0x" + "11" * 20], ["--owner", "0x" + "22" * 20], ["--chain-id", 1]
        terms = ["--settlement", self.settlement]
        integrity, receipt = ["--statement", "integrity"], ["--statement", "receipt", *sample]
        for options in ([], ["--input", MNIST / "mnist_test.npz"], [*sample, *contract], [*sample, *terms], [*integrity, *contract, *owner], [*integrity, *chain, *owner],
                        [*integrity, *chain, *contract], [*integrity, *chain, *contract, "--owner", "0x1"], [*integrity, *chain, *contract, *owner, *sample],
                        [*integrity, "--chain-id", 2**64, *contract, *owner], receipt, [*receipt, *terms], [*receipt, "--units", 12], [*receipt, *terms, "--units", -1],
                        [*receipt, "--settlement", self.circuit, "--units", 12], [*receipt, *terms, "--receipt", self.settlement]):
            self.assertIn(self.witness(UNUSABLE, *options)["code"], ("invalid-argument", "malformed"), options)
        self.expect(UNUSABLE, "groth16", "witness", scratch / "mlp.bpm", "--circuit", self.circuit, "--out", self.folder / "w.wtns", *sample, "--statement", "other")

    def test_amounts_are_units_times_a_price(self):
        options = ["--statement", "receipt", "--input", MNIST / "mnist_test.npz", "--index", 3, "--settlement", self.settlement]
        for units in (7, 0, 2400):
            self.assertEqual(self.witness(FAILED, *options, "--units", units)["place"], str(self.settlement))
        self.expect(GOOD, "receipt", "create", "--job-id", "j", "--provider", "p", "--client", "c", "--units", 12, "--unit-type", "t", "--started-at", 1, "--completed-at", 2,
                    "--out", self.folder / "r.json")
        self.assertIn("another receipt", self.witness(FAILED, *options, "--receipt", self.folder / "r.json")["detail"])

    def test_salts_are_numbers_of_the_field(self):
        salts = self.folder / "given.json"
        for wrong in ("", "[]", '{"model": 1}', '{"model": "-1"}', '{"weights": "1"}', "[" * 4000):
            salts.write_text(wrong)
            self.assertEqual(self.witness(UNUSABLE, "--input", MNIST / "mnist_test.npz", "--index", 3, "--salts", salts)["code"], "malformed")


class Benchmarks(CliTest):
    FIELDS = {"workload", "params", "activations", "commit_s", "prove_s", "verify_s", "registration_verify_s", "plain_s",
              "proof_bytes", "model_key_bytes", "peak_rss_bytes", "threads", "zero_knowledge", "simd"}

    def test_a_real_network(self):
        result = self.json(GOOD, "bench", "zkml", "--workload", "mnist-mlp", "--repeat", "1", "--threads", "2", "--models",
                           ROOT / "models")
        self.assertLessEqual(self.FIELDS, set(result))
        self.assertEqual((result["threads"], result["zero_knowledge"]), (2, True))
        self.assertTrue(all(result[f] > 0 for f in self.FIELDS if f.endswith(("_s", "_bytes"))), result)


def make_shared_files():
    for network in ("mlp", "lenet5"):
        for arguments in (["model", "compile", MNIST / f"{network}.onnx", "--calibration", MNIST / "mnist_calibration.npz",
                           "--out", scratch / f"{network}.bpm"],
                          ["model", "commit", scratch / f"{network}.bpm", "--out", scratch / f"{network}.bpk"]):
            result = run(*arguments)
            if result.returncode != GOOD:
                sys.exit(f"{arguments}: {result.stdout}{result.stderr}")


def main():
    global blindproof, scratch
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blindproof", default=ROOT / "build" / "release" / "bin" / "blindproof", help="the program")
    options, rest = parser.parse_known_args()
    blindproof = str(pathlib.Path(options.blindproof).resolve())
    with tempfile.TemporaryDirectory(prefix="blindproof-cli-") as folder:
        scratch = pathlib.Path(folder)
        make_shared_files()
        unittest.main(argv=[sys.argv[0], *rest], verbosity=2)


if __name__ == "__main__":
    main()
