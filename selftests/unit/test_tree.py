#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""House rules of the tree, and that manual, help and installation say what the tables say."""
import pathlib
import re
import subprocess
import tempfile

TREE = pathlib.Path(__file__).resolve().parents[2]
FANTEL = TREE / "build" / "fantel"
SPDX = "SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)"
SOURCES = [".c", ".h", ".py", ".awk", ".bash", ".service", ".yang", ".8"]


def files():
    """What a clone has: tracked files, or without git, all that is not built."""
    listed = subprocess.run(["git", "-C", TREE, "-c", "safe.directory=*", "ls-files"],
                            capture_output=True, text=True)
    if listed.returncode == 0:
        return [TREE / name for name in listed.stdout.splitlines() if (TREE / name).is_file()]
    return [p for p in TREE.rglob("*") if p.is_file() and "build" not in p.parts]


def text_of(*parts):
    return TREE.joinpath(*parts).read_text()


def macro_rows(name, header):
    """The rows of an X-macro: the text between the parentheses of each X(...)."""
    table = re.search(rf"#define {name}\(X\)(.*?)\n(?!.*\\\n)\n", text_of(*header) + "\n\n", re.S)
    return re.findall(r"^\s*X\((.*)\)\s*\\?$", table[1], re.M)


def commands():
    return [row.split('"')[1] for row in macro_rows("COMMANDS", ("loader", "commands.h"))]


def manual():
    """As a reader sees it, the markup's escapes gone."""
    return (TREE / "build" / "fantel.8").read_text().replace("\\-", "-")


def sources_carry_the_licence():
    for path in files():
        if path.suffix in SOURCES or path.name in ("Makefile", "run", "vmlinux.h.gen"):
            head = path.read_text().splitlines()[:2]
            yield from [] if any(SPDX in line for line in head) else [path.relative_to(TREE)]


def nothing_of_one_machine():
    for path in files():
        if path.suffix in SOURCES + [".md", ".json"]:
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if re.search(r"(?<![\w.])/(work|home/\w+|root)/", line):
                    yield f"{path.relative_to(TREE)}:{number}: {line.strip()}"


def manual_lists_every_reason():
    text = manual()
    for row in macro_rows("REASONS", ("include", "fantel", "reason.h")):
        word, sentence = row.split('"')[1], row.split('"')[3]
        if f".It Cm {word} Pq" not in text or sentence not in text:
            yield word


def manual_lists_every_command():
    text = manual()
    for command in commands():
        if not re.search(rf"^\.Cm {command}\b", text, re.M):
            yield f"{command}: not in the synopsis"
        if not re.search(rf"^\.It Cm {command}\b", text, re.M):
            yield f"{command}: not described"


def manual_lists_every_option():
    text = manual()
    for command in commands():
        shown = subprocess.run([FANTEL, command, "--help"], capture_output=True, text=True)
        if shown.returncode:
            yield f"fantel {command} --help: exit code {shown.returncode}"
        for option in re.findall(r"(?:^|\s)--([a-z][a-z-]+)", shown.stdout):
            if f"-{option}" not in text and option != "usage":
                yield f"fantel {command} --{option}"


def help_lists_every_command():
    shown = subprocess.run([FANTEL, "--help"], capture_output=True, text=True).stdout
    yield from [c for c in commands() if not re.search(rf"^  {c}\s", shown, re.M)]


def wrong_usage_is_bad_input():
    for arguments in [["nosuch"], ["status", "--nosuch"], ["counters", "surplus"],
                      ["paths", "--watch", "0"], ["events", "--count", "x"]]:
        done = subprocess.run([FANTEL, *arguments], capture_output=True, text=True)
        if done.returncode != 2 or not done.stderr or done.stdout:
            yield f"fantel {' '.join(arguments)}: exit code {done.returncode}"


def manual_is_clean_mdoc():
    done = subprocess.run(["groff", "-mdoc", "-Tutf8", "-ww", "-z", TREE / "build" / "fantel.8"],
                          capture_output=True, text=True)
    yield from done.stderr.splitlines()


def install_puts_files_in_place():
    wanted = {"sbin/fantel", "share/man/man8/fantel.8", "share/yang/modules/fantel/fantel.yang",
              "share/bash-completion/completions/fantel", "lib/systemd/system/fantel@.service"}
    with tempfile.TemporaryDirectory() as root:
        done = subprocess.run(["make", "-s", "-C", TREE, "install", f"DESTDIR={root}", "PREFIX=/usr"],
                              capture_output=True, text=True)
        usr = pathlib.Path(root) / "usr"
        there = {str(p.relative_to(usr)) for p in usr.rglob("*") if p.is_file()}
        if there != wanted:
            yield f"{sorted(there)} instead of {sorted(wanted)}: {done.stderr}"


def completion_knows_the_commands():
    script = (f'source {TREE}/loader/fantel.bash; COMP_WORDS=({FANTEL} ""); COMP_CWORD=1; _fantel; '
              'echo "${COMPREPLY[@]}"; '
              f'COMP_WORDS=({FANTEL} paths --w); COMP_CWORD=2; _fantel; echo "${{COMPREPLY[@]}}"')
    shown = subprocess.run(["bash", "-c", script], capture_output=True, text=True).stdout.split("\n")
    if sorted(shown[0].split()) != sorted(commands()):
        yield f"commands: {shown[0]}"
    if shown[1].split() != ["--watch"]:
        yield f"options of paths: {shown[1]}"


TESTS = [
    ("every source file names its licence first", sources_carry_the_licence),
    ("no path of one machine is in the tree", nothing_of_one_machine),
    ("the manual has every reason with its sentence", manual_lists_every_reason),
    ("the manual has every command", manual_lists_every_command),
    ("the manual has every option that --help shows", manual_lists_every_option),
    ("fantel --help has every command", help_lists_every_command),
    ("wrong usage is exit code 2, with a sentence", wrong_usage_is_bad_input),
    ("the manual is clean mdoc", manual_is_clean_mdoc),
    ("make install puts five files in place", install_puts_files_in_place),
    ("completion knows the commands and their options", completion_knows_the_commands),
]

for number, (sentence, test) in enumerate(TESTS, 1):
    found = [str(line) for line in test()]
    print(f"{'not ' if found else ''}ok {number} - {sentence}")
    for line in found:
        print(f"# {line}")
print(f"1..{len(TESTS)}")
