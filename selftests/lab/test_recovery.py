#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
A mended link: R1 tells every ingress PE that it told of the failure, after the hold-down, and even
when no packet flows that could carry the news.
"""
import time

import lab as figure
import routers
from lab import Lab
from tap import Tap
from traffic import Traffic

HOLD_DOWN_MS = 300 * figure.SLOW
PATHS = ("via-r1-r2", "via-r1-r2-v4")


def change(_node, policy):
    policy["notification"] = {"hold-down": HOLD_DOWN_MS, "validity": 0}  # nothing heals by itself


def routes(lab, node):
    """All that the node's kernel would forward by."""
    return lab.run(node, "ip", "-6", "route", "show", "table", "all") + lab.run(node, "ip", "route", "show", "table", "all")


def test_recovery(tap, lab, nodes):
    r1, pe1 = nodes["r1"], nodes["pe1"]
    before = routes(lab, "pe1")
    cut = figure.now_ns()
    for family, path in zip((6, 4), PATHS):
        with Traffic(lab, family, rate=5000):
            if family == 6:
                cut, _ = lab.cut("r1", "r2")
            tap.ok(pe1.wait(cut, path=path, usable=False), f"{path} is given up after the cut")
    time.sleep(0.2)
    tap.equal(sorted(name for name, path in pe1.paths().items() if not path["usable"]), sorted(PATHS),
              "without traffic and with the link down, both stay given up")
    during = routes(lab, "pe1")
    mended, _ = lab.mend("r1", "r2")
    told = r1.wait(mended, event="notified", kind="failure-recovery")
    tap.ok(told and told["monotonic-ns"] - mended >= HOLD_DOWN_MS * 10**6,
           "R1 tells of the recovery, not before the hold-down is over", told)
    for path in PATHS:
        tap.ok(pe1.wait(mended, path=path, usable=True), f"{path} is usable again",
               pe1.events[-3:])
    counters = {row["reason"]: row["packets"] for row in pe1.ask("counters")["counters"]}
    tap.equal(counters.get("recovered"), len(PATHS), "each recovery acted once, whatever its repetitions")
    tap.equal((during, routes(lab, "pe1")), (before, before),
              "what the ingress PE is told changes no route of its kernel")


def test_flapping(tap, lab, nodes):
    """Damping is at the originator: a link that comes and goes is not announced as up."""
    r1, pe1 = nodes["r1"], nodes["pe1"]
    longest_ns = 0
    with Traffic(lab, rate=5000):
        cut, _ = lab.cut("r1", "r2")
        pe1.wait(cut, path=PATHS[0], usable=False)
        for _ in range(3):
            up, _ = lab.mend("r1", "r2")
            time.sleep(HOLD_DOWN_MS / 3000)
            _, again = lab.cut("r1", "r2")
            longest_ns = max(longest_ns, again - up)
            time.sleep(0.05)
    sentence = "a link that comes and goes within the hold-down is not told of as recovered"
    if longest_ns < HOLD_DOWN_MS * 10**6:
        tap.equal(r1.wait(cut, 0, event="notified", kind="failure-recovery"), None, sentence)
    else:
        tap.skip(sentence, f"this machine was too busy: the link was up for {longest_ns / 1e6:.0f} ms")
    mended, _ = lab.mend("r1", "r2")
    tap.ok(pe1.wait(mended, path=PATHS[0], usable=True), "and is when it stays up")


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("the recovery of a link", why)
            return
        with Lab() as lab:
            nodes = routers.start(lab, change=change)
            test_recovery(tap, lab, nodes)
            test_flapping(tap, lab, nodes)


main()
