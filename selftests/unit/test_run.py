#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""The test runner's judgement: what it makes of what a test printed and how it ended."""
import importlib.machinery
import importlib.util
import pathlib

SOURCE = pathlib.Path(__file__).resolve().parent.parent / "run"
loader = importlib.machinery.SourceFileLoader("run", str(SOURCE))
run = importlib.util.module_from_spec(importlib.util.spec_from_loader("run", loader))
loader.exec_module(run)

# (sentence, exit code, standard output, passed, failed, skipped)
ROWS = [
    ("a clean run passes", 0, "ok 1 - a\nok 2 - b\n1..2\n", 2, 0, 0),
    ("cmocka's plan stands first", 0, "1..1\nok 1 - a\n", 1, 0, 0),
    ("two groups of one program add up", 0, "1..1\nok 1 - a\n1..1\nok 1 - b\n", 2, 0, 0),
    ("a point that is not ok fails", 1, "not ok 1 - a\nok 2 - b\n1..2\n", 1, 1, 0),
    ("a crash fails even after passes", -11, "1..1\nok 1 - a\n", 1, 1, 0),
    ("a missing plan fails", 0, "ok 1 - a\n", 1, 1, 0),
    ("fewer points than planned fail", 0, "1..3\nok 1 - a\n", 1, 1, 0),
    ("more points than planned fail", 0, "1..1\nok 1 - a\nok 2 - b\n", 2, 1, 0),
    ("silence fails", 0, "", 0, 1, 0),
    ("an exit code without a failed point fails", 3, "1..1\nok 1 - a\n", 1, 1, 0),
    ("bailing out fails", 1, "1..1\nBail out! no veth\nok 1 - a\n", 1, 1, 0),
    ("a skip with a reason is a skip", 0, "ok 1 - a # SKIP no veth\n1..1\n", 0, 0, 1),
    ("a skip without a reason fails", 0, "ok 1 - a # SKIP\n1..1\n", 0, 1, 0),
    ("a whole file may be skipped", 0, "1..0 # SKIP no bpffs\n", 0, 0, 1),
    ("cmocka's skip takes the comment before it for its reason", 0,
     "1..1\n# no veth here\nnot ok 1 # SKIP a\n", 0, 0, 1),
    ("cmocka's skip without a comment fails", 0, "1..1\nnot ok 1 # SKIP a\n", 0, 1, 0),
    ("a comment does not serve two skips", 0,
     "1..2\n# no veth here\nnot ok 1 # SKIP a\nnot ok 2 # SKIP b\n", 0, 1, 1),
    ("chatter between points is ignored", 0, "okay\nhello\nok 1 - a\n1..1\n", 1, 0, 0),
]

for number, (sentence, code, stdout, *expected) in enumerate(ROWS, 1):
    test = run.Test("unit", pathlib.Path("row.c"), 1, False, True)
    test.judge(code, stdout)
    got = [test.passed, len(test.failures), len(test.skips)]
    if got == expected:
        print(f"ok {number} - {sentence}")
    else:
        print(f"not ok {number} - {sentence}\n# {got} instead of {expected}: {test.failures}")
print(f"1..{len(ROWS)}")
