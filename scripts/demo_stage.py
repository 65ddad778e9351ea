"""What the demonstrations share: running the program in the open, headings, sizes and times."""
import argparse
import json
import pathlib
import random
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
MNIST = ROOT / "models" / "mnist"
DIGITS = MNIST / "mnist_test.npz"


class Stage:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def call(self, *arguments, expect=0, show=True):
        """Runs a command, shows it, and returns its JSON."""
        if show:
            names = (str(a).replace(f"{self.folder}/", "").replace(f"{ROOT}/", "") for a in arguments)
            print("  $ blindproof " + " ".join(map(shlex.quote, names)))
        result = subprocess.run([self.program, *map(str, arguments), "--json"], capture_output=True, text=True)
        if result.returncode != expect:
            sys.exit(f"demo: exit code {result.returncode} instead of {expect}\n{result.stdout}{result.stderr}")
        return json.loads(result.stdout)

    def path(self, name):
        return self.folder / name

    def show_digit(self, index):
        image = self.call("data", "show", DIGITS, "--index", index, show=False)
        print(f"A handwritten {image['label']}: number {index} of 2,000 digits that no network here was trained on.\n")
        print(image["text"].strip("\n"))


def heading(text):
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n== {text}")


def size(count):
    return f"{count / 1e3:.1f} kB" if count < 1e6 else f"{count / 1e6:.1f} MB"


def time(seconds):
    return f"{seconds * 1e3:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def play(description, act):
    """Parses the arguments of a demonstration and plays act(program, folder, index) in a folder of its own."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blindproof", default=ROOT / "build" / "release" / "bin" / "blindproof", help="the program")
    parser.add_argument("--index", type=int, help="which of the 2,000 test digits (default: any)")
    options = parser.parse_args()
    program = pathlib.Path(options.blindproof).resolve()
    if not program.exists():
        sys.exit(f"demo: {program} is missing; run scripts/build")
    index = random.randrange(2000) if options.index is None else options.index
    with tempfile.TemporaryDirectory(prefix="blindproof-demo-") as folder:
        act(program, pathlib.Path(folder), index)
