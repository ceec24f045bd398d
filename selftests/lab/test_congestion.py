#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
A bottleneck on R1's link to R2: the queue grows, the ingress PE is told while no packet is missing on
its account, and told again when the queue has been short for the hold-down. Latencies are printed;
none fails the test.
"""
import lab as figure
import routers
from lab import Lab
from tap import Tap
from traffic import Traffic

END, LIMIT = 20000, 500000  # bytes; the end is that of r1-watch.json
KBITS = 2000 // figure.SLOW  # of the bottleneck, which the traffic exceeds by far
CAPACITY = 200 // figure.SLOW  # kbit/s, which a fifth of it exceeds elsewhere
HOLD_DOWN_MS = 200 * figure.SLOW


def change(node, policy):
    policy["notification"] = {"validity": 0}  # what is not withdrawn stays
    for group in policy.get("group", ()):  # so does traffic: it would leave what is to be looked at
        group["ordering"], group["on-congestion"] = "strict", "none"
    if node != "r1":
        return
    policy.update(figure.read_policy("r1-watch"))
    port = next(port for port in policy["port"] if port["name"] == "r2")
    port["watch"]["queue"]["hold-down"] = HOLD_DOWN_MS
    port = next(port for port in policy["port"] if port["name"] == "r5")
    port["watch"] = {"utilization": {"capacity": CAPACITY, "onset": 50, "hold-down": HOLD_DOWN_MS}}


def link(router, name="r2"):
    return next(link for link in router.ask("status")["links"] if link["name"] == name)


def counter(router, reason):
    return {row["reason"]: row["packets"] for row in router.ask("counters")["counters"]}.get(reason, 0)


def narrow(lab, rate):
    lab.run("r1", "tc", "qdisc", "replace", "dev", "r2", "root", "tbf", "rate", rate, "burst", "20000",
            "limit", str(LIMIT))


def test_onset_and_end(tap, lab, nodes):
    r1, pe1 = nodes["r1"], nodes["pe1"]
    tap.ok("r2: has no egress queue" in r1.errors(), "a port without a queue is worth a warning", r1.errors())
    narrow(lab, f"{KBITS}kbit")
    tap.equal(link(r1)["queue"]["congested"], False, "before there is traffic the queue is short")
    start = figure.now_ns()
    with Traffic(lab, rate=5000):
        began = r1.wait(start, event="trouble", link="r2", cause="queue", over=False)
        tap.ok(began, "R1 sees the queue reach its onset", r1.errors())
        if not began:
            return
        sent = r1.wait(start, event="notified", kind="congestion", link="r2", cause="queue")
        tap.ok(sent and sent["event-id"] == began["event-id"] and sent["to"] == figure.loopback("pe1"),
               "and tells the packets' ingress PE", sent)
        got = pe1.wait(start, event="notification", kind="congestion", cause="queue")
        tap.ok(got and got["from"] == figure.loopback("r1") and got["cause"] == "queue"
               and got["event-id"] == began["event-id"] and got["tunnel"] == sent["tunnel"],
               "which is told of the tunnel, the cause and the event", got)
        if sent and got:
            tap.note(f"onset to notification sent: {(sent['monotonic-ns'] - began['monotonic-ns']) / 1e3:.0f} us, "
                     f"to notification received: {(got['monotonic-ns'] - began['monotonic-ns']) / 1e3:.0f} us")
        now = link(r1)["queue"]
        tap.ok(now["congested"] and now["bytes"] >= END and now["limit"] == LIMIT, "status shows the queue", now)
        narrow(lab, "1gbit")
        over = r1.wait(start, event="trouble", link="r2", over=True)
        tap.ok(over and over["event-id"] == began["event-id"], "the end is seen while traffic goes on", over)
    gone = pe1.wait(start, event="notification", kind="congestion-elimination", cause="queue")
    tap.ok(gone and gone["event-id"] == began["event-id"], "and the ingress PE is told of it", gone)
    tap.equal(link(r1)["queue"]["congested"], False, "status shows it")
    tap.equal(counter(r1, "trouble-later"), 0, "no telling had to be left to the loader")
    tap.equal([told for told in r1.ask("status")["told"] if told["link"] == "r2"], [], "nobody is left told")


def test_utilization(tap, lab, nodes):
    r1, pe1 = nodes["r1"], nodes["pe1"]
    tap.ok(routers.until(lambda: not link(r1, "r5")["utilization"]["congested"]), "another link comes to rest",
           link(r1, "r5"))
    start = figure.now_ns()
    with Traffic(lab, rate=5000):
        began = r1.wait(start, event="trouble", link="r5", cause="utilization", over=False)
        tap.ok(began, "traffic beyond the onset of a link's utilization is seen", link(r1, "r5"))
        got = pe1.wait(start, event="notification", kind="congestion", cause="utilization")
        tap.ok(got and began and got["event-id"] == began["event-id"], "and its ingress PE is told", got)
        now = link(r1, "r5")["utilization"]
        tap.ok(now["congested"] and now["capacity"] == CAPACITY * 125 and now["percent"] >= 45, "status shows it", now)
    over = r1.wait(start, event="trouble", link="r5", over=True)
    tap.ok(over, "when nothing is sent any more, that is the end of it", link(r1, "r5"))
    tap.ok(pe1.wait(start, event="notification", kind="congestion-elimination", cause="utilization"),
           "and the ingress PE is told")


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("a queue that grows", why)
            return
        with Lab() as lab:
            nodes = routers.start(lab, change=change)
            test_onset_and_end(tap, lab, nodes)
            test_utilization(tap, lab, nodes)


main()
