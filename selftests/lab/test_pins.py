#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
What a node lives in is pulled from under it: its pins are removed by hand, bpffs is unmounted or can't be
written. What runs goes on, each command says in one sentence what is wrong and what to do, and a loader
that runs pins again as soon as it can.
"""
import os
import shutil
import signal
import subprocess

import lab as figure
import routers
from lab import Lab
from tap import Tap
from traffic import Traffic, arrives

PATH = "via-r1-r2"


def start(_node, policy):
    policy["notification"] = {"hold-down": 200}


def is_true(operator):
    return operator.untrue() is None


class Bpffs:
    """The lab's."""

    def __init__(self, lab):
        self._dir = os.path.dirname(lab.pin_root)

    def unmount(self):
        subprocess.run(["umount", "-l", self._dir], check=True)

    def mount(self):
        subprocess.run(["mount", "-t", "bpf", "bpf", self._dir], check=True)

    def remount(self, how):
        subprocess.run(["mount", "-o", f"remount,{how}", self._dir], check=True)


def refused(tap, operator, words, *wanted):
    code, _, said = operator.order(*words)
    lines = [line for line in said.splitlines() if not line.endswith("what ran before goes on")]
    tap.ok(code == 1 and len(lines) == 1 and all(word in said for word in wanted),
           f"`fantel {words[0]}` says so, in one sentence", code, said)


def kill_and_follow(tap, lab, operator, programs):
    """The loader dies, the next one takes over, and acts on a cut."""
    lab.stop(operator.router.process, signal.SIGKILL)
    tap.equal(operator.attached(), programs, "after kill -9 its programs stay")
    operator.router, _ = routers.again(lab, operator.router)
    acts(tap, lab, operator)


def acts(tap, lab, operator):
    with Traffic(lab, rate=2000):
        cut, _ = lab.cut("r1", "r2")
        gone = operator.router.wait(cut, path=PATH, usable=False)
    mended, _ = lab.mend("r1", "r2")
    tap.ok(gone and operator.router.wait(mended, path=PATH, usable=True), "the next loader takes over, and acts on a cut",
           operator.router.errors())


def test_removed(tap, lab, operator):
    programs = operator.attached()
    with Traffic(lab, rate=2000) as traffic:
        shutil.rmtree(os.path.join(lab.pin_root, operator.router.name))
        tap.ok(routers.until(lambda: "pinned again" in operator.router.errors()),
               "pins are removed by hand: the loader says so, and pins again", operator.router.errors())
    m = traffic.measurement
    tap.equal(sum(len(list(m.missing(flow))) for flow in range(len(m.sent))), 0, "no packet is lost")
    tap.ok(operator.attached() == programs and is_true(operator), "status is true", operator.untrue())
    refused(tap, operator, ("detach",), f"process {operator.router.process.pid} runs it")
    tap.equal(operator("show")[0], 0, "and it takes orders")
    kill_and_follow(tap, lab, operator, programs)


def test_unmounted(tap, lab, operator, bpffs):
    programs = operator.attached()
    bpffs.unmount()
    tap.ok(routers.until(lambda: "no bpffs is mounted there any more" in operator.router.errors()),
           "bpffs is unmounted while a loader runs, which says so", operator.router.errors())
    tap.equal(operator.attached(), programs, "programs stay while it lives")
    arrives(tap, lab, "and all packets arrive")
    for command in ("status", "detach", "counters"):
        refused(tap, operator, (command,), "no bpffs is mounted there", "mount bpffs there again")
    refused(tap, operator, ("run", os.path.join(lab.dir, "pe1.json")), "not on bpffs; `mount -t bpf")
    bpffs.mount()
    tap.ok(routers.until(lambda: is_true(operator) and operator.attached() == programs and operator("show")[0] == 0),
           "it is mounted again: the loader pins again, status is true, and it takes orders", operator.router.errors())
    kill_and_follow(tap, lab, operator, programs)


def test_unmounted_alone(tap, lab, operator, nodes, bpffs):
    """Any loader that still ran would hold it."""
    for process in {node.process for node in nodes.values()} | {operator.router.process}:
        lab.stop(process)
    bpffs.unmount()
    tap.ok(routers.until(lambda: not operator.attached()), "bpffs is unmounted while no loader runs: all ends")
    refused(tap, operator, ("status",), "no bpffs is mounted there", "`fantel run`")
    bpffs.mount()
    refused(tap, operator, ("status",), "no node runs here", "`fantel run`")
    operator.router, _ = routers.again(lab, operator.router, wanted=("running",))
    tap.ok(routers.until(operator.router.ready) and is_true(operator), "a loader that starts then starts anew",
           operator.router.errors(), operator.untrue())
    arrives(tap, lab, "and all packets arrive")


def test_read_only(tap, lab, operator, bpffs):
    programs = operator.attached()
    lab.stop(operator.router.process)
    bpffs.remount("ro")
    for words in (("status",), ("paths",), ("detach",), ("run", os.path.join(lab.dir, "pe1.json"))):
        refused(tap, operator, words, "bpffs is mounted read-only there; `mount -o remount,rw`")
    tap.equal(operator.attached(), programs, "programs stay")
    bpffs.remount("rw")
    operator.router, _ = routers.again(lab, operator.router)
    acts(tap, lab, operator)


def test_empty(tap, lab, operator):
    """What a detach leaves that is killed at its very end."""
    ghost = os.path.join(lab.pin_root, "ghost")
    os.mkdir(ghost)
    code, said = operator.order("status")[::2]
    done = subprocess.run([routers.FANTEL, "status", "--pin-root", lab.pin_root, "--node", "ghost"],
                          capture_output=True, text=True, check=False)
    tap.ok((code, said, done.returncode) == (0, "", 1) and "there is" in done.stderr and "ghost," not in done.stderr,
           "an empty directory is no node", code, said, done.stderr)
    os.rmdir(ghost)


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("what a node lives in", why)
            return
        with Lab() as lab:
            nodes = routers.start(lab, change=start)
            operator = routers.Operator(lab, nodes["pe1"])
            bpffs = Bpffs(lab)
            test_empty(tap, lab, operator)
            test_removed(tap, lab, operator)
            test_unmounted(tap, lab, operator, bpffs)
            test_read_only(tap, lab, operator, bpffs)
            test_unmounted_alone(tap, lab, operator, nodes, bpffs)


main()
