#!/usr/bin/env python3
"""The commands of docs/tutorial.md, as they stand there, one after the other."""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blindproof", type=pathlib.Path, required=True, help="the program")
    blindproof = parser.parse_args().blindproof.resolve()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tutorial-"))
    try:
        (folder / "models").symlink_to(ROOT / "models")
        blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "tutorial.md").read_text(), re.S)
        commands = [line for block in blocks for line in block.splitlines() if not line.endswith("&")]  # not the server
        if len(commands) < 15:
            sys.exit("the tutorial's commands weren't found")
        environment = {**os.environ, "PATH": f"{blindproof.parent}:{os.environ['PATH']}"}
        for command in commands:
            done = subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"{command}\nends with {done.returncode}\n{done.stdout}{done.stderr}")
        print(f"{len(commands)} commands")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
