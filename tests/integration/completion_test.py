#!/usr/bin/env python3
"""Shell completion: what the scripts of `blindproof completion` offer is what the program takes. bash is asked; zsh and fish too where
they are installed."""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

blindproof = None


def script(shell):
    return subprocess.run([blindproof, "completion", shell], capture_output=True, text=True, check=True).stdout


def in_help(path):
    """Subcommands and options as `--help` names them."""
    text = subprocess.run([blindproof, *path, "--help"], capture_output=True, text=True, check=True).stdout
    subcommands, options, section = set(), set(), ""
    for line in text.splitlines():
        if line and not line.startswith(" "):
            section = line
        elif section.startswith("Subcommands:"):
            if match := re.match(r"  (\S+)", line):
                subcommands.add(match[1])
        elif match := re.match(r"  (-[^ ]+)", line):
            options.update(re.match(r"--?[a-z0-9-]+", name)[0] for name in match[1].split(","))
    return subcommands, options


class CompletionTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="completion-"))
        cls.bash = cls.folder / "blindproof.bash"
        cls.bash.write_text(script("bash"))
        (cls.folder / "with space.npy").touch()
        (cls.folder / "with folder").mkdir()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def ask(self, lines):
        """What bash would offer at the end of each line (a list of words, the last one unfinished)."""
        program = [f"cd '{self.folder}'", f"source '{self.bash}'"]
        for words in lines:
            quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in ["blindproof", *words])
            program.append(f'COMP_WORDS=({quoted}); COMP_CWORD={len(words)}; _blindproof; printf "%s\\n" "${{COMPREPLY[@]}}"; echo --end--')
        done = subprocess.run(["bash", "--norc", "-c", "\n".join(program)], capture_output=True, text=True)
        self.assertEqual(done.stderr, "")
        return [{word for word in part.split("\n") if word} for part in done.stdout.split("--end--\n")[:-1]]

    def offered(self, *words):
        return self.ask([words])[0]

    def test_bash_offers_what_each_command_takes(self):
        waiting, seen = [()], 0
        while waiting:
            answers = self.ask([line for path in waiting for line in ([*path, ""], [*path, "-"])])
            deeper = []
            for i, path in enumerate(waiting):
                subcommands, options = in_help(path)
                if subcommands:
                    self.assertEqual(answers[2 * i], subcommands, path)
                self.assertEqual(answers[2 * i + 1], options, path)
                deeper += [(*path, name) for name in subcommands]
                seen += 1
            waiting = deeper
        self.assertGreater(seen, 100)

    def test_bash_offers_the_values_of_sets(self):
        self.assertEqual(self.offered("completion", ""), {"bash", "zsh", "fish"})
        self.assertEqual(self.offered("completion", "b"), {"bash"})
        self.assertEqual(self.offered("remote", "infer", "M", "--level", ""), {"zkml", "fhe", "hybrid"})
        self.assertEqual(self.offered("remote", "infer", "--level", "h"), {"hybrid"})
        self.assertEqual(self.offered("remote", "infer", "M", "--level", "=", "h"), {"hybrid"}, "as bash splits --level=h")
        self.assertEqual(self.offered("admin", "keys", "create", "--scopes", "read,in"), {"read,infer"})
        self.assertEqual(self.offered("model", "compile", "--arithmetic", "r"), {"rescaled"})

    def test_bash_offers_files_where_they_can_come_and_nothing_else(self):
        self.assertEqual(self.offered("prove", "w"), {"with space.npy", "with folder"})
        self.assertEqual(self.offered("remote", "infer", "M", "--input", "with s"), {"with space.npy"})
        self.assertEqual(self.offered("remote", "infer", "M", "--keys", "w"), {"with folder"})
        self.assertEqual(self.offered("prove", "--threads", ""), set(), "a number")
        self.assertEqual(self.offered("no", "such"), set())
        self.assertEqual(self.offered("remote", "status", "--json", "--qu"), {"--quiet"}, "flags take no value")
        self.assertEqual(self.offered("prove", "--input", "model", "--hide-i"), {"--hide-input"}, "a value that is called as a command")

    def test_scripts_parse(self):
        for shell, check in (("bash", ["bash", "-n"]), ("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])):
            file = self.folder / f"script.{shell}"
            file.write_text(script(shell))
            if shutil.which(shell):
                done = subprocess.run([*check, file], capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stderr), (0, ""), shell)

    @unittest.skipUnless(shutil.which("fish"), "fish isn't installed")
    def test_fish_offers_commands_options_and_values(self):
        file = self.folder / "blindproof.fish"
        file.write_text(script("fish"))

        def offered(line):
            done = subprocess.run(["fish", "--no-config", "-c", f"source {file}; complete -C '{line}'"], capture_output=True, text=True, cwd=self.folder)
            self.assertEqual(done.stderr, "")
            return {entry.split("\t")[0] for entry in done.stdout.splitlines()}

        self.assertEqual(offered("blindproof remote "), in_help(["remote"])[0])
        self.assertEqual(offered("blindproof remote infer M --level "), {"zkml", "fhe", "hybrid"})
        self.assertIn("--model-key", offered("blindproof verify --mod"))

    @unittest.skipUnless(shutil.which("zsh"), "zsh isn't installed")
    def test_zsh_finds_the_place(self):
        file = self.folder / "_blindproof"
        file.write_text(script("zsh"))
        program = f"compdef() {{ }}; source {file}; _blindproof_find_place remote infer M --level; print -r -- $place / $wanted; " \
                  "_blindproof_described_subcommands 'blindproof admin'"
        done = subprocess.run(["zsh", "-f", "-c", program], capture_output=True, text=True)
        self.assertEqual(done.stderr, "")
        lines = done.stdout.splitlines()
        self.assertTrue(lines[0].startswith("blindproof remote infer / words "), lines[0])
        self.assertEqual({line.split(":")[0] for line in lines[1:]}, in_help(["admin"])[0])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blindproof", type=pathlib.Path, required=True, help="the program")
    arguments, rest = parser.parse_known_args()
    blindproof = arguments.blindproof.resolve()
    unittest.main(argv=[sys.argv[0], *rest])
