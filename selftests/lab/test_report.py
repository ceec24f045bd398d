#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
What another program notices: R1 is told over its control socket that its link to R2 failed, is
congested, and is well again, and acts as if it had seen that itself.
"""
import json
import os
import socket
import stat
import subprocess

import lab as figure
import routers
from lab import Lab
from tap import Tap
from traffic import Traffic

HOLD_DOWN_MS = 200
VIA_R2 = "via-r1-r2"


def change(node, policy):
    policy["notification"] = {"validity": 0, "hold-down": HOLD_DOWN_MS}
    if node == "r1":
        port = next(port for port in policy["port"] if port["name"] == "r2")
        port["watch"] = {"queue": {"onset": 4000000000}}  # watched, and never too long by itself


def tell(lab, router, *words):
    done = subprocess.run(lab.enter(router.node, routers.FANTEL, "event", "--node", router.name, "--pin-root",
                                    lab.pin_root, *words), capture_output=True, text=True)
    return done.returncode, done.stderr.strip()


def control_socket(lab):
    root = os.stat(lab.pin_root)
    return f"/run/fantel/r1@{root.st_dev:x}.{root.st_ino:x}"


def test_refusals(tap, lab, r1):
    for words, sentence in (
            (("r9", "failure", "-c", "errors"),
             'fantel: node r1: no core port is called "r9"; there are pe1, r2, r5'),
            (("r2", "failure", "-c", "rain"),
             'fantel: node r1: "cause": a link has none called "rain"; give one of carrier, bfd, admin-down, '
             'errors, node-down, queue, utilization'),
            (("r2", "failure-recovery"), "fantel: node r1: no failure of r2 was reported; it is up"),
            (("r2", "congestion-elimination"), "fantel: node r1: no congestion of r2 was reported"),
            (("r5", "congestion", "-c", "queue"),
             'fantel: node r1: r5 is not watched, so nobody knows whom to tell; give it a "watch" in the policy')):
        tap.equal(tell(lab, r1, *words), (2, sentence), f"`fantel event {' '.join(words)}' is refused in a sentence")
    tap.equal(tell(lab, r1, "r2")[0], 2, "half a report is wrong usage")


def test_socket(tap, lab):
    path = control_socket(lab)
    tap.equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "the socket is its owner's alone")
    with socket.socket(socket.AF_UNIX) as program:
        program.connect(path)
        program.settimeout(routers.PATIENCE)
        answers = program.makefile()
        program.sendall(b'{"link":"r2"}\n{"li')
        tap.equal(json.loads(answers.readline())["ok"], False, "a program gets a line for a line")
        program.sendall(b'nk":"r2","event":"congestion-elimination"}\n')
        tap.equal(json.loads(answers.readline())["error"], "no congestion of r2 was reported",
                  "also for one that comes in pieces")
        program.sendall(b"x" * 10000)
        tap.ok("more than" in answers.readline(), "an endless line is refused")


def test_failure(tap, lab, nodes):
    r1, pe1 = nodes["r1"], nodes["pe1"]
    start = figure.now_ns()
    with Traffic(lab, rate=2000):
        tap.equal(tell(lab, r1, "r2", "failure", "--cause", "errors"), (0, ""), "a failure is taken")
        tap.ok(r1.wait(start, event="link", link="r2", up=False, cause="errors"), "and is an event")
        lost = pe1.wait(start, path=VIA_R2, usable=False)
        tap.ok(lost, "the ingress PE gives the path up")
        got = pe1.wait(start, event="notification", kind="failure", cause="errors")
        tap.ok(got and got["from"] == figure.loopback("r1"), "for the cause that was reported", got)
    tap.equal(tell(lab, r1, "r2", "failure-recovery"), (0, ""), "its end is taken")
    tap.ok(pe1.wait(start, path=VIA_R2, usable=True), "and the path is back after the hold-down")


def test_congestion(tap, lab, nodes):
    r1, pe1 = nodes["r1"], nodes["pe1"]
    start = figure.now_ns()
    with Traffic(lab, rate=2000):
        tap.equal(tell(lab, r1, "r2", "congestion", "--cause", "utilization"), (0, ""), "congestion is taken")
        began = r1.wait(start, event="trouble", link="r2", cause="utilization", over=False)
        tap.ok(began, "and is an event")
        got = pe1.wait(start, event="notification", kind="congestion", cause="utilization")
        tap.ok(got and began and got["event-id"] == began["event-id"], "the ingress PE is told", got)
    tap.equal(tell(lab, r1, "r2", "congestion-elimination"), (0, ""), "its end is taken")
    gone = pe1.wait(start, event="notification", kind="congestion-elimination")
    tap.ok(gone and got and gone["event-id"] == got["event-id"], "and told", gone)


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("reports of other programs", why)
            return
        with Lab() as lab:
            nodes = routers.start(lab, change=change)
            test_refusals(tap, lab, nodes["r1"])
            test_socket(tap, lab)
            test_failure(tap, lab, nodes)
            test_congestion(tap, lab, nodes)
            path = control_socket(lab)
            lab.stop(nodes["r1"].process)
            tap.ok(not os.path.exists(path), "the socket goes with the loader")
            tap.equal(tell(lab, nodes["r1"], "r2", "failure-recovery"),
                      (1, "fantel: node r1: no loader looks after it; start one with `fantel run`"),
                      "and then nobody takes reports")


main()
