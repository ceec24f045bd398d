#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
What is measured is told when it changes much (TYPE5): R1 tells how busy its link to R2 is, R2 what of that
is lost, both how long it takes; and the ingress PE's weights follow.
"""
import lab as figure
import routers
from lab import Lab, loopback
from tap import Tap
from test_degraded import Bad
from traffic import Traffic

NODES = ("pe1", "r1", "r2")
FAR = {"r1": "r2", "r2": "r1"}
PATH, RESOURCE = "via-r1-r2", "r1-r2"
CAPACITY = 2000  # kbit/s: less than what comes
RATE = 10000
INTERVAL_MS = 200


def change(node, policy):
    if node == "pe1":
        policy["balance"] = {"interval": 100}
        return
    port = next(port for port in policy["port"] if port["name"] == FAR[node])
    port["bfd"] = {"peer": figure.link_address(FAR[node], node),
                   "echo": {"interval": 10000, **({"delay-maximum": 1} if node == "r1" else {"delay-maximum": 10**7})}}
    if node == "r1":
        port["watch"] = {"utilization": {"capacity": CAPACITY, "onset": 100, "end": 100}}
    else:
        port["watch"] = {"errors": {"count": ["rx-dropped"], "onset": 200000, "interval": 200, "hold-down": 400}}
    policy["notification"] = {"unasked": {"sample": 4}, "load-balancing": {"interval": INTERVAL_MS}}


def metrics(pe1, who):
    """What PE1 keeps of the link by this router."""
    return next((row for row in pe1.ask("status")["metrics"] if row["originator"] == loopback(who)), {})


def weight(pe1):
    group = next(group for group in pe1.ask("status")["groups"] if group["name"] == "dc2")
    return next(member["effective-weight"] for member in group["members"] if member["path"] == PATH)


def sent(router, since=0):
    return [event for event in list(router.events) if event["event"] == "notified" and
            event["kind"] == "load-balancing" and event["monotonic-ns"] >= since]


def test_bandwidth(tap, lab, nodes):
    r1, pe1 = nodes["r1"], nodes["pe1"]
    before = weight(pe1)
    with Traffic(lab, rate=RATE):
        seen = routers.until(lambda: metrics(pe1, "r1").get("utilized", 0) > CAPACITY * 125 // 2)
        found = metrics(pe1, "r1")
        tap.ok(seen, "the ingress PE is told how much of the link is in use", found)
        tap.equal((found.get("capacity"), found.get("residual")), (CAPACITY * 125, CAPACITY * 125),
                  "and what it can carry")
        tap.ok(abs(found["capacity"] - found["available"] - found["utilized"]) <= 2, "and what is left", found)
        tap.ok(routers.until(lambda: weight(pe1) < before), f"its weights move away from there ({before})", weight(pe1))
    ended = figure.now_ns()
    tap.ok(routers.until(lambda: metrics(pe1, "r1")["utilized"] < CAPACITY * 125 // 10),
           "and it is told when the traffic ends", metrics(pe1, "r1"))
    told = [event["monotonic-ns"] for event in sent(r1)]
    gaps = [(later - earlier) / 1e6 for earlier, later in zip(told, told[1:])]
    tap.ok(gaps and min(gaps) >= INTERVAL_MS, "never sooner than the interval after the last time", gaps)
    tap.note(f"{len(told)} notifications, {len(sent(r1, ended))} of them after the traffic")


def test_delay(tap, nodes):
    pe1 = nodes["pe1"]
    tap.ok(routers.until(lambda: metrics(pe1, "r1").get("delay-us")), "the delay of a link with BFD echoes is told",
           metrics(pe1, "r1"))
    tap.ok(routers.until(lambda: metrics(pe1, "r1").get("anomalous")), "as anomalous where it is above its maximum",
           metrics(pe1, "r1"))
    tap.ok(routers.until(lambda: metrics(pe1, "r2").get("delay-us")) and not metrics(pe1, "r2")["anomalous"],
           "and as none where it is not", metrics(pe1, "r2"))


def test_loss(tap, lab, nodes):
    r2, pe1 = nodes["r2"], nodes["pe1"]
    with Bad(lab, "r1", "r2"):
        tap.ok(routers.until(lambda: metrics(pe1, "r2").get("anomalous") and metrics(pe1, "r2")["loss-percent"] >= 20),
               "a loss that is trouble is told as anomalous", metrics(pe1, "r2"), sent(r2)[-2:])
    tap.ok(routers.until(lambda: metrics(pe1, "r2")["anomalous"] is False), "until it is over", metrics(pe1, "r2"),
           sent(r2)[-2:])


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("what is measured is told", why)
            return
        with Lab() as lab:
            lab.finish_checksums(*FAR)
            nodes = routers.start(lab, NODES, change=change)
            test_bandwidth(tap, lab, nodes)
            test_delay(tap, nodes)
            test_loss(tap, lab, nodes)


if __name__ == "__main__":
    main()
