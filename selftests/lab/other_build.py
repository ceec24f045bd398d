#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
Copy the sources to a folder and have every struct that maps hold look different there, as in a build to
come: each has one more member, in front of the others or behind them, or has them in another order; and there
is one more map, and one more reason, the first of all. What is built from them is another build of fantel, for
tests of upgrades.

    other_build.py FOLDER
"""
import os
import re
import shutil
import sys

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOURCES = ("bpf", "include", "loader", "policies", "Makefile", "vmlinux.h.gen")
MEMBER = "\t__u64 other_build;\n"
FRONT = """told learned link route_value bfd_set bfd_session bfd_echo metrics source key origin node_state
device_row device_timer untimed health tunnel_paths pace transit member group rank flow nexthop traffic
class_value class_cache endpoint watch sensed gauge qp lsp event""".split()
BEHIND = "path resource told_key resource_key endpoint_key sensed_key".split()
TURNED = "failed failed_key bucket_key qp_key".split()  # as long as before: the stack of Linux 6.1 has no more room


def replace(pattern, by, text, what):
    text, n = re.subn(pattern, by, text)
    if n != 1:
        sys.exit(f"other_build.py: {what}: found {n} times")
    return text


def alter(text):
    text = re.sub(r"_Static_assert\(sizeof.*\n", "", text)
    for name in FRONT:
        text = replace(rf"(\nstruct {name} {{\n)", rf"\1{MEMBER}", text, f"struct {name}")
    for name in BEHIND:
        text = replace(rf"(\nstruct {name} {{\n(?:.*\n)*?)}};", rf"\1{MEMBER}}};", text, f"struct {name}")
    for name in TURNED:
        text = replace(rf"(\nstruct {name} {{\n)((?:.*\n)*?)}};",
                       lambda found: found[1] + "".join(reversed(found[2].splitlines(True))) + "};", text, f"struct {name}")
    return text


def rewrite(folder, name, change):
    path = os.path.join(folder, name)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(change(text))


def main():
    folder = sys.argv[1]
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for name in SOURCES:
        source = os.path.join(TREE, name)
        (shutil.copytree if os.path.isdir(source) else shutil.copy)(source, os.path.join(folder, name))
    rewrite(folder, "include/fantel/abi.h", alter)
    rewrite(folder, "bpf/maps.bpf.h", lambda text: replace(
        r"(MAP\()fantel_groups(,.*;)", r"\g<0>\n\1fantel_other_build\2", text, "fantel_groups"))
    rewrite(folder, "loader/map_rules.h", lambda text: replace(
        r"X\(fantel_node, NODE\)", r"X(fantel_other_build, NOTHING) \g<0>", text, "fantel_node"))
    rewrite(folder, "include/fantel/reason.h", lambda text: replace(
        r"#define REASONS\(X\)", r'\g<0> X(OTHER_BUILD, "other-build", DONE, "only another build counts this")', text,
        "REASONS"))


main()
