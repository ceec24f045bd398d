#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
MPLS at a P node: R1's policy says who sends a label, and where it goes. When the link there fails, the
ingress PE is told of its label stack, by a packet or without one, and takes its other path. R1's kernel
need not know labels for that.
"""
import lab as figure
import routers
from lab import Lab, loopback
from outer import carried
from tap import Tap
from traffic import Traffic

LABELS = ["16012", "16002"]
POLICIES = {"pe1": "ingress-pe-mpls", "r1": "r1-mpls"}
PATH, BACKUP = "via-r1-r2", "via-r3-r4"


def change(node, policy):
    policy.clear()
    policy.update(figure.read_policy(POLICIES[node]))
    policy.setdefault("notification", {}).update({"hold-down": 100, "validity": 0})
    if node == "r1":
        policy["notification"]["unasked"] = {"sample": 4}


def test_packet(tap, lab, r1, pe1):
    with Traffic(lab, rate=5000):
        tap.ok(routers.until(lambda: carried(pe1)[PATH]), "labels carry the traffic", carried(pe1))
        cut, _ = lab.cut("r1", "r2")
        failed = pe1.wait(cut, path=PATH, usable=False)
        tap.ok(failed and failed["from"] == loopback("r1") and failed["tunnel"] == LABELS,
               "the ingress PE is told of its label stack", failed, r1.errors())
        before = carried(pe1)[BACKUP]
        tap.ok(routers.until(lambda: carried(pe1)[BACKUP] > before), "and the other stack carries the traffic",
               carried(pe1))
    mended, _ = lab.mend("r1", "r2")
    tap.ok(pe1.wait(mended, path=PATH, usable=True), "when the link is mended, it is told that, too", pe1.events[-3:])


def test_unasked(tap, lab, r1, pe1):
    def learned():
        return [(row["link"], row["ingress"], row["tunnels"]) for row in r1.ask("status")["learned"]]

    with Traffic(lab, rate=5000):
        routers.until(lambda: ("r2", loopback("pe1"), 1) in learned())
    tap.equal(learned(), [("r2", loopback("pe1"), 1)], "R1 learns whose labels leave by which link")
    cut, _ = lab.cut("r1", "r2")
    failed = pe1.wait(cut, path=PATH, usable=False)
    tap.ok(failed and failed["tunnel"] == LABELS, "without any traffic the ingress PE is told all the same",
           failed, r1.events[-3:])
    mended, _ = lab.mend("r1", "r2")
    tap.ok(pe1.wait(mended, path=PATH, usable=True), "and told when it is over", pe1.events[-3:])


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("MPLS at a P node", why)
            return
        with Lab() as lab:
            nodes = routers.start(lab, POLICIES, change=change)
            for test in (test_packet, test_unasked):
                test(tap, lab, nodes["r1"], nodes["pe1"])


main()
