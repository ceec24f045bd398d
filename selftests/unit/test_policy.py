#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""`fantel policy` as a user meets it: exit codes, what goes where, and -j."""
import json
import os
import pathlib
import subprocess

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
EXAMPLES = sorted(TREE.glob("policies/*.json"))
BAD = TREE / "selftests/unit/policies/values.json"
GOOD = TREE / "policies/ingress-pe.json"


def fantel(*arguments):
    return subprocess.run([TREE / os.environ.get("FANTEL", "build/fantel"), "policy", *map(str, arguments)],
                          capture_output=True, text=True)


def good_files_are_summed_up():
    done = fantel("check", *EXAMPLES)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert len(done.stdout.splitlines()) == len(EXAMPLES) > 7, done.stdout
    assert (f"{GOOD}: ok: node ingress-pe, 3 ports, 8 paths, 2 groups, 2 classes, 0 endpoints\n"
            in done.stdout)


def a_bad_file_among_good_ones_is_exit_code_2():
    done = fantel("check", BAD, GOOD)
    assert done.returncode == 2
    assert done.stdout.startswith(f"{GOOD}: ok: ")
    said = BAD.with_suffix(".out").read_text().splitlines()
    assert done.stderr == "".join(f"{BAD.parent}/{line}\n" for line in said), done.stderr


def check_in_json_is_an_object_a_line():
    done = fantel("check", "-j", GOOD, BAD)
    good, bad = map(json.loads, done.stdout.splitlines())
    assert (done.returncode, done.stderr) == (2, "")
    assert good == {"file": str(GOOD), "ok": True, "node": "ingress-pe", "ports": 3, "paths": 8,
                    "groups": 2, "classes": 2, "endpoints": 0, "findings": []}
    assert not bad["ok"] and bad["node"] is None
    assert len(bad["findings"]) == len(BAD.with_suffix(".out").read_text().splitlines())


def what_is_shown_in_json_keeps_what_was_written():
    """Everything in the file is in the output, which has the defaults besides."""
    def within(part, whole, where):
        if isinstance(part, dict):
            for name, value in part.items():
                within(value, whole[name], f"{where}/{name}")
        elif isinstance(part, list):
            assert len(part) == len(whole), where
            for index, value in enumerate(part):
                within(value, whole[index], f"{where}[{index + 1}]")
        else:
            assert part == whole, f"{where}: {part} became {whole}"

    for path in EXAMPLES:
        done = fantel("show", "-j", path)
        assert (done.returncode, done.stderr) == (0, ""), done
        within(json.loads(path.read_text()), json.loads(done.stdout), "")


def show_of_a_bad_file_shows_its_errors_only():
    done = fantel("show", BAD)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr


def a_missing_file_is_one_sentence():
    done = fantel("check", "/nowhere/r1.json")
    assert done.returncode == 2
    assert done.stderr == ("/nowhere/r1.json: No such file or directory; give a policy file that can "
                           "be read\n")


def wrong_usage_is_exit_code_2():
    for words in [[], ["check"], ["show", GOOD, GOOD], ["chekc", GOOD], ["-x"], ["apply"], ["apply", GOOD, GOOD],
                  ["confirm", GOOD], ["apply", GOOD, "--confirm", "0"], ["apply", GOOD, "--confirm", "soon"]]:
        done = fantel(*words)
        assert done.returncode == 2 and done.stderr and not done.stdout, words


TESTS = [
    ("good files are summed up in a line each", good_files_are_summed_up),
    ("a bad file among good ones is exit code 2", a_bad_file_among_good_ones_is_exit_code_2),
    ("check -j is an object a line", check_in_json_is_an_object_a_line),
    ("show -j keeps all that was written", what_is_shown_in_json_keeps_what_was_written),
    ("show of a bad file shows its errors only", show_of_a_bad_file_shows_its_errors_only),
    ("a missing file is one sentence", a_missing_file_is_one_sentence),
    ("wrong usage is exit code 2", wrong_usage_is_exit_code_2),
]


def main():
    for number, (sentence, test) in enumerate(TESTS, 1):
        try:
            test()
            print(f"ok {number} - {sentence}")
        except (AssertionError, KeyError, ValueError) as error:
            print(f"not ok {number} - {sentence}")
            print("".join(f"# {line}\n" for line in f"{type(error).__name__}: {error}".splitlines()))
    print(f"1..{len(TESTS)}")


main()
