#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""docs/requirements.md names files, functions and tests: each is there, and nothing is left without."""
import functools
import pathlib
import re

TREE = pathlib.Path(__file__).resolve().parents[2]
PAGE = TREE / "docs" / "requirements.md"
GAP = re.compile(r"(none|not done): \S")
NAME = re.compile(r'"[^"]+"|[a-z]\w*')


@functools.cache
def text_of(file):
    """A file's text, with string literals in one piece and blanks alike."""
    text = (TREE / file).read_text()
    return re.sub(r"\s+", " ", re.sub(r'"\s+f?"', "", text)), text


def requirements():
    """(line number, what is asked, [[line number, in or by, what]]) of each block between the fences."""
    found, fenced = [], False
    for number, line in enumerate(PAGE.read_text().splitlines(), 1):
        if line.startswith("```"):
            fenced = not fenced
        elif fenced and line.startswith("§"):
            found.append((number, line, []))
        elif fenced and (named := re.match(r" {8}(in|by) {8}(.*)$", line)):
            found[-1][2].append([number, *named.groups()])
        elif fenced and found and found[-1][2] and (more := re.match(r" {18}(\S.*)$", line)):
            found[-1][2][-1][2] += " " + more[1]
    return found


def names(part):
    """(line number, file, [name or "sentence"]) of each line that names something of the tree."""
    for _, _, lines in requirements():
        for number, which, what in lines:
            if which == part and not GAP.match(what):
                file, _, rest = what.partition(": ")
                yield number, file, NAME.findall(rest)


def defines(file, name):
    """A function with its body, in C or Python; or, in quotes, text."""
    joined, text = text_of(file)
    if name.startswith('"'):
        return name[1:-1] in joined
    return re.search(rf"^(?![ \t*/]).*\b{name}\([^;]*$", text, re.M)


def tests(file, name):
    """A sentence to its end, or a function that cmocka is given."""
    joined, text = text_of(file)
    if name.startswith('"'):
        return f'{name[1:]}' in joined
    return re.search(rf"cmocka_unit_test\w*\({name}\b", text)


def missing(part, has):
    for number, file, wanted in names(part):
        if not (TREE / file).is_file():
            yield f"line {number}: no file {file}"
            continue
        if not wanted:
            yield f"line {number}: names nothing of {file}"
        for name in wanted:
            if not has(file, name):
                yield f"line {number}: {file} has no {name}"


def every_place_exists():
    yield from missing("in", defines)


def every_test_exists():
    yield from missing("by", tests)


def nothing_is_left_open():
    found = requirements()
    if len(found) < 100:
        yield f"only {len(found)} requirements were read"
    for number, line, lines in found:
        for part in ("in", "by"):
            if part not in [which for _, which, _ in lines]:
                yield f"line {number}: without `{part}': {line}"


TESTS = [
    ("every file and function that does what is required exists", every_place_exists),
    ("every test that shows it exists, under its sentence", every_test_exists),
    ("every requirement says where and by which test, or that there is none", nothing_is_left_open),
]

for count, (sentence, test) in enumerate(TESTS, 1):
    wrong = list(test())
    print(f"{'not ' if wrong else ''}ok {count} - {sentence}")
    for line in wrong:
        print(f"# {line}")
print(f"1..{len(TESTS)}")
