#!/usr/bin/env python3
"""scripts/check-layout accepts a good tree and names each planted fault."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "scripts" / "check-layout"


class CheckLayout(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.scratch.name)
        self.write("CMakeLists.txt",
                   "foreach(module low high testing group)\nadd_subdirectory(${module})\nendforeach()")
        self.write("low/CMakeLists.txt", "blindproof_module(low RANK 0 SOURCES low.cpp)")
        self.write("low/low.h", "#pragma once")
        self.write("high/CMakeLists.txt", "blindproof_module(high RANK 1 DEPENDS low)")
        self.write("high/high.h", '#include "blindproof/low/low.h"\n#include <vector>')
        self.write("testing/CMakeLists.txt", "blindproof_module(testing TEST_ONLY RANK test DEPENDS high)")
        self.write("testing/oracle.h", '#include "blindproof/high/high.h"')
        self.write("low/low_test.cpp", '#include "blindproof/testing/oracle.h"')
        self.write("group/CMakeLists.txt", "add_subdirectory(first)\nadd_subdirectory(second)")
        for name in ("first", "second"):
            self.write(f"group/{name}/CMakeLists.txt", f"blindproof_module({name} RANK 2 GROUP group)")
        self.write("group/first/first.h", '#include "blindproof/high/high.h"')
        self.write("group/second/second.h", '#include "blindproof/group/first/first.h"')
        for name in ("low", "high", "testing", "group/first", "group/second"):
            self.write(f"{name}/README.md", "# " + name)

    def tearDown(self):
        self.scratch.cleanup()

    def write(self, path, text):
        file = self.root / "blindproof" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")

    def run_script(self):
        command = [sys.executable, SCRIPT, "--root", self.root]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def assert_only_problem(self, expected):
        result = self.run_script()
        self.assertEqual(result.returncode, 1)
        self.assertEqual(len(result.stdout.splitlines()), 1, result.stdout)
        self.assertIn(expected, result.stdout)

    def test_accepts_a_good_tree(self):
        result = self.run_script()
        self.assertEqual((result.returncode, result.stdout), (0, "layout: 5 modules, no problem\n"))

    def test_rejects_an_include_of_a_higher_rank(self):
        self.write("low/low.h", '#include "blindproof/high/high.h"')
        self.assert_only_problem("low/low.h:1: module low (rank 0) includes blindproof/high/high.h of high (rank 1)")

    def test_rejects_an_include_of_an_equal_rank(self):
        self.write("high/CMakeLists.txt", "blindproof_module(high RANK 0)")
        self.assert_only_problem("high/high.h:1: module high (rank 0)")

    def test_rejects_an_include_against_the_order_of_a_group(self):
        self.write("group/first/first.h", '#include "blindproof/group/second/second.h"')
        self.assert_only_problem("group/first/first.h:1: module first (rank 2)")

    def test_rejects_test_only_code_in_the_product(self):
        self.write("high/high.cpp", '#include "blindproof/testing/oracle.h"')
        self.assert_only_problem("high/high.cpp:1: module high includes blindproof/testing/oracle.h")

    def test_rejects_a_missing_header(self):
        self.write("high/high.cpp", '#include "blindproof/low/gone.h"')
        self.assert_only_problem("blindproof/low/gone.h does not exist")

    def test_rejects_a_source_outside_modules(self):
        self.write("stray/stray.h", "")
        self.assert_only_problem("stray/stray.h: lies in no module")

    def test_rejects_a_missing_readme(self):
        (self.root / "blindproof/low/README.md").unlink()
        self.assert_only_problem("low/README.md: missing")

    def test_rejects_a_long_readme(self):
        self.write("low/README.md", "line\n" * 20)
        self.assert_only_problem("low/README.md: 21 lines")

    def test_rejects_names_that_say_nothing(self):
        self.write("low/string_utils.h", "")
        self.assert_only_problem("low/string_utils.h: a name that says nothing")


if __name__ == "__main__":
    unittest.main()
