#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
Loaders of a user who is not root, with the four rights that the manual names and a directory of its own
on bpffs: they attach, see a cut, act on it, and tell of its end.
"""
import copy
import shutil

import lab as figure
import routers
from lab import Lab
from tap import Tap
from traffic import Traffic

NOBODY = 65534
RIGHTS = "-all,+bpf,+perfmon,+net_admin,+net_raw"
CUT_PATH = "via-r1-r2"

# `PROGRAM run -j --pin-root ROOT POLICY', as that user. Root opens program and policy, and goes to the
# bpffs: they may be where others can't go.
AS_USER = ("sh", "-c", 'exec 3<"$0" 4<"$5" && cd "${4%/*}" && '
           f"exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups --bounding-set {RIGHTS} "
           f"--inh-caps {RIGHTS} --ambient-caps {RIGHTS} "
           '/proc/self/fd/3 "$1" "$2" "$3" "/proc/self/cwd/${4##*/}" /dev/fd/4')


def start(lab, node):
    policy = copy.deepcopy(figure.read_policy(node))
    policy["notification"] = {"hold-down": 200, "damping": {"half-life": 0}}
    return routers.Router(lab, node, policy, before=AS_USER)


def ids(process):
    """User and effective rights of a process."""
    with open(f"/proc/{process.pid}/status", encoding="utf-8") as status:
        fields = dict(line.split(":", 1) for line in status)
    return fields["Uid"].split()[1], bin(int(fields["CapEff"], 16)).count("1")


def test_user(tap, lab):
    nodes = {node: start(lab, node) for node in routers.ROUTERS}
    tap.ok(routers.until(lambda: all(node.ready() for node in nodes.values()), routers.START), "loaders of a user attach",
           *(node.errors() for node in nodes.values()))
    tap.equal({ids(node.process) for node in nodes.values()}, {(str(NOBODY), 4)}, "who is not root, and has four rights")
    tap.ok(all("can't listen there" in node.errors() for node in nodes.values()),
           "each says that nobody reaches it at its control socket, for that directory is root's", nodes["r1"].errors())
    with Traffic(lab, rate=5000):
        cut, _ = lab.cut("r1", "r2")
        tap.ok(nodes["pe1"].wait(cut, path=CUT_PATH, usable=False), "they see a cut and act on it", nodes["r1"].errors())
    mended, _ = lab.mend("r1", "r2")
    tap.ok(nodes["pe1"].wait(mended, path=CUT_PATH, usable=True), "and its end", nodes["r1"].errors())


def main():
    with Tap() as tap:
        why = figure.missing() or ("" if shutil.which("setpriv") else "needs setpriv")
        if why:
            tap.skip("loaders without root", why)
            return
        with Lab() as lab:
            test_user(tap, lab)


main()
