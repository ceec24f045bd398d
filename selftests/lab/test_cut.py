#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
A cut link, seen from both its ends: R1 is told by its own port (admin) or loses the carrier because
R2's end goes down; the flows of the path that crosses it move, the others notice nothing.
"""
import time

import lab as figure
import routers
from lab import Lab
from tap import Tap
from traffic import Traffic, unharmed

FLOWS = 64
CASES = (("admin", 6, "admin-down"), ("carrier", 6, "carrier"), ("admin", 4, "admin-down"),
         ("carrier", 4, "carrier"))


def test_cut(tap, lab, nodes, how, family, cause):
    r1, pe1 = nodes["r1"], nodes["pe1"]
    words = f"R1-R2 cut by {how}, IPv{family}"
    failed = "via-r1-r2" + ("-v4" if family == 4 else "")
    with Traffic(lab, family, rate=20000, flows=FLOWS) as traffic:
        time.sleep(0.3)
        cut, _ = lab.cut("r1", "r2", how)
        seen = r1.wait(cut, event="link", link="r2", up=False)
        told = r1.wait(cut, event="notified", kind="failure")
        changed = pe1.wait(cut, path=failed, usable=False)
        time.sleep(0.3)
        usable = {name: path["usable"] for name, path in pe1.paths().items()}
        lab.mend("r1", "r2")
        pe1.wait(cut, path=failed, usable=True)
    m = traffic.measurement
    tap.ok(seen and seen.get("cause") == cause, f"{words}: R1 sees its port go down, cause {cause}", seen)
    tap.ok(told and told["to"] == figure.loopback("pe1"), f"{words}: R1 notifies the ingress PE", told)
    if not tap.ok(changed, f"{words}: the ingress PE stops using {failed}", pe1.events[-5:], pe1.errors()):
        return
    tap.equal([name for name, good in usable.items() if not good], [failed],
              f"{words}: no other path is given up")
    reaction = m.after_cut(cut, {failed})
    mended = next(e["monotonic-ns"] for e in pe1.events if e.get("path") == failed
                  and e.get("usable") and e["monotonic-ns"] > changed["monotonic-ns"])
    late = [packet for packet in m.tapped if m.ways[packet[4]] == failed
            and packet[0] > changed["monotonic-ns"] + 10**6 and packet[1] < mended]
    tap.ok(reaction.hit and reaction.first and not late, f"{words}: its flows are on other paths from then on",
           f"{len(reaction.hit)} flows, first {reaction.first}, {len(late)} packets on {failed}")
    unharmed(tap, m, f"{words}: the {'other' if reaction.spared else 'no'} flows lose nothing, stay in order, do not move",
             reaction.spared)
    disorder = [ns for flow in reaction.hit for _, ns in m.out_of_order(flow) if ns < mended]
    tap.equal(disorder, [], f"{words}: the flows that moved stay in order, too")


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("a cut link", why)
            return
        with Lab() as lab:
            nodes = routers.start(lab, change=short_hold_down)
            for case in CASES:
                test_cut(tap, lab, nodes, *case)


def short_hold_down(_node, policy):
    policy["notification"] = {"hold-down": 200}


main()
