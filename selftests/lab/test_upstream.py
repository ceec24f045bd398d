#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
The draft's §4.2: "The P node sends notification to ingress PE and upstream". R2's queue to the egress PE
grows, and the ingress PE is told; so is R1, from which the traffic comes, and R1 holds back that tunnel.
The ingress PE here only looks on, so that what changes is R1's doing. With policies/r2-watch.json.
"""
import json
import time

import lab as figure
import routers
from lab import Lab
from tap import Tap
from traffic import Traffic

NODES = ("pe1", "r1", "r2")
PATH = "via-r1-r2"
ONSET, LIMIT = 50000, 500000  # bytes
KBITS = 8000 // figure.SLOW  # of the bottleneck
LOWERED = 6000 // figure.SLOW  # kbit/s, that R2 asks for
RATE = 5000  # packets/s, twice of what the bottleneck takes
INNER = 40 + 8 + 12 + 16 + 256 + 4  # bytes
OUTER = 40 + 8 + 3 * 16
HOLD_DOWN_MS = 1000 * figure.SLOW
REFRESH_MS = 200


def change(node, policy):
    if node == "r2":
        policy.update(figure.read_policy("r2-watch"))
        queue = next(port for port in policy["port"] if port["name"] == "pe2")["watch"]["queue"]
        queue["hold-down"] = HOLD_DOWN_MS
        queue["rate"]["max"] = LOWERED
    if node == "pe1":
        policy.update(figure.read_policy("ingress-pe-flow"))
        del policy["congestion"]
        policy["group"][0]["on-congestion"] = "none"
    policy["notification"] = {"validity": 0, "refresh": REFRESH_MS}


def narrow(lab, kbits):
    lab.run("r2", "tc", "qdisc", "replace", "dev", "pe2", "root", "tbf", "rate", f"{kbits}kbit", "burst", "20000",
            "limit", str(LIMIT))


def queue(lab):
    """What waits, and how many packets were refused so far."""
    qdisc = json.loads(lab.run("r2", "tc", "-s", "-j", "qdisc", "show", "dev", "pe2"))[0]
    return qdisc["backlog"], qdisc["drops"]


def held(r1):
    return [(row["pace"]["state"], row["pace"]["rate"]) for row in r1.ask("status")["transit"]]


def counter(router, reason):
    return {row["reason"]: row["packets"] for row in router.ask("counters")["counters"]}.get(reason, 0)


def test_held_back(tap, lab, nodes):
    pe1, r1, r2 = (nodes[node] for node in NODES)
    narrow(lab, KBITS)
    start = figure.now_ns()
    with Traffic(lab, rate=RATE) as traffic:
        first = pe1.wait(start, event="notification", kind="congestion", cause="queue")
        also = r1.wait(start, event="notification", kind="congestion", cause="queue")
        tap.ok(first and also and first["event-id"] == also["event-id"] and first["tunnel"] == also["tunnel"]
               and also["from"] == figure.loopback("r2"),
               "R2 tells the ingress PE of its queue, and R1, from where the traffic comes", first, also)
        told = {row["ingress"] for row in r2.ask("status")["told"]}
        tap.equal(told, {figure.loopback("pe1"), figure.loopback("r1")}, "its status shows both")
        tap.ok(r1.wait(start, reason="lowered"), "R1 lowers the rate of that tunnel", r1.events[-3:])
        tap.ok(routers.until(lambda: queue(lab)[0] < ONSET / 10), "R2's queue empties", queue(lab))
        tap.equal(held(r1), [("lowered", LOWERED)], "R1's status shows what is held back, and the rate that R2 asked for")
        calm, drops = figure.now_ns(), queue(lab)[1]
        time.sleep(0.5)
        tap.equal(queue(lab)[1], drops, "and the queue refuses nothing any more")
        calm_end = figure.now_ns()
        over = r1.wait(start, event="notification", kind="congestion-elimination")
        tap.ok(over and pe1.wait(start, event="notification", kind="congestion-elimination"),
               "when the queue has been short for the hold-down both are told", r1.events[-3:])
    tap.ok(routers.until(lambda: not held(r1)), "and R1 lets the tunnel pass again", held(r1))
    m = traffic.measurement
    rate = sum(calm < rx < calm_end for _, rx, *_ in m.tapped) * (INNER + OUTER) * 8e6 / (calm_end - calm)
    tap.note(f"{rate:.0f} kbit/s arrived in that half second, {LOWERED} were told")
    tap.ok(counter(r1, "paced") > 0, "what it held back is counted", r1.ask("counters"))
    tap.equal(counter(pe1, "paced"), 0, "and the ingress PE held nothing back")


def test_told_again(tap, lab, nodes):
    """Nothing comes any more while the queue is long: then R2's loader says it again."""
    _, r1, r2 = (nodes[node] for node in NODES)
    narrow(lab, 8)
    start = figure.now_ns()
    with Traffic(lab, rate=RATE):
        tap.ok(r1.wait(start, reason="lowered"), "R1 is told when the queue grows again", r1.events[-3:])
    before = counter(r1, "refreshed")
    tap.ok(routers.until(lambda: counter(r1, "refreshed") > before + 2), "and told again when no packet comes by",
           r2.ask("status")["told"])
    narrow(lab, KBITS)
    tap.ok(r1.wait(start, event="notification", kind="congestion-elimination"), "until it is over", r1.events[-3:])


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("the P node upstream", why)
            return
        with Lab() as lab:
            nodes = routers.start(lab, NODES, change=change)
            test_held_back(tap, lab, nodes)
            test_told_again(tap, lab, nodes)


main()
