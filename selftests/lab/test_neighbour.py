#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
A link with a carrier is not yet a link that carries: its recovery is told when the neighbour behind it
answers, however short the hold-down is.
"""
import time

import lab as figure
import routers
from lab import Lab
from tap import Tap
from traffic import Traffic

HOLD_DOWN_MS = 100
VALIDITY_MS = 1000
CUTS = 10
PATH = "via-r1-r2"


def change(_node, policy):
    policy["notification"] = {"hold-down": HOLD_DOWN_MS, "validity": VALIDITY_MS}


def test_mended(tap, lab, nodes):
    """What pe1 sends over the path from the moment at which it is usable again, until the next cut."""
    pe1 = nodes["pe1"]
    periods = []
    with Traffic(lab, rate=5000) as traffic:
        for _ in range(CUTS):
            time.sleep(0.2)
            cut, _ = lab.cut("r1", "r2", "carrier")
            if periods:
                periods[-1] = (periods[-1], cut)
            pe1.wait(cut, path=PATH, usable=False)
            mended, _ = lab.mend("r1", "r2")
            back = pe1.wait(mended, path=PATH, usable=True)
            if not back:
                break
            periods.append(back["monotonic-ns"])
        time.sleep(0.2)
    tap.equal(len(periods), CUTS, f"{CUTS} cuts by carrier: each link that is mended is told of as recovered")
    m = traffic.measurement
    periods[-1] = (periods[-1], m.end_ns)
    lost = [sum(m.way(*packet) is None for packet in m.lost_between(*period)) for period in periods]
    carried = [sum(first < tx_ns < last and m.ways[way] == PATH for tx_ns, _, _, _, way in m.tapped)
               for first, last in periods]
    tap.ok(all(carried), f"hold-down {HOLD_DOWN_MS} ms: each time traffic returns to {PATH}", carried)
    sentence = "and from then on not a packet is lost"
    if any(lost) and any(m.doubts()):
        tap.skip(sentence, "; ".join(m.doubts()))
    else:
        tap.equal(lost, [0] * len(periods), sentence)


def test_silent(tap, lab, nodes):
    """R2's end comes up, but nobody has the address that R1's routes lead to."""
    r1, pe1 = nodes["r1"], nodes["pe1"]
    with Traffic(lab, rate=5000):
        cut, _ = lab.cut("r1", "r2", "carrier")
        pe1.wait(cut, path=PATH, usable=False)
    lab.ip("r2", "address", "del", f"{figure.link_address('r2', 'r1')}/64", "dev", "r1")
    up = figure.now_ns()
    lab.ip("r2", "link", "set", "r1", "up")
    tap.ok(r1.wait(up, event="link", link="r2", up=True), "R1 sees the carrier of a link whose far end is silent")
    warned = routers.until(lambda: "port r2: up again, but no neighbour answers there" in r1.errors())
    tap.ok(warned, "after some seconds its loader says so", r1.errors())
    tap.equal((pe1.wait(up, 0, path=PATH, usable=True), pe1.paths()[PATH]["usable"]), (None, False),
              f"no recovery is told, and the failure is upheld beyond its validity of {VALIDITY_MS} ms")
    mended, _ = lab.mend("r1", "r2")
    tap.ok(pe1.wait(mended, path=PATH, usable=True), "once the neighbour answers, it has recovered")
    tap.equal(r1.errors().count("no neighbour answers"), 1, "it was said once")


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("a link whose neighbour is silent", why)
            return
        with Lab() as lab:
            nodes = routers.start(lab, change=change)
            test_mended(tap, lab, nodes)
            test_silent(tap, lab, nodes)


main()
