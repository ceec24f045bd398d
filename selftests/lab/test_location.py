#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
Failures by location alone: a link or node that paths cross fails, nobody names a tunnel of ours, and
all that cross it stop, until it is back. Then what a loader that starts again makes of it.
"""
import signal
import time

import lab as figure
import routers
from lab import Lab, link_address, loopback, sid
from tap import Tap
from traffic import Traffic

DOMAIN = "64500"
OVER = {"r1-r2": {"via-r1-r2"}, "r5": {"via-r1-r5-r4", "via-r3-r5-r2"}, "r1": {"via-r1-r2", "via-r1-r5-r4"}}


def both(names):
    """The paths of IPv6 and IPv4 inside."""
    return {name + family for name in names for family in ("", "-v4")}


def tell(lab, node, kind, *location, event=9, more=()):
    """`fantel send` on that node: no tunnel, only where it is."""
    lab.run(node, routers.FANTEL, "send", "--to", loopback("pe1"), "--from", loopback(node), "--type", kind,
            "--event-id", event, "--domain", DOMAIN, *location, *more)


def link(node, neighbour):
    """As the node names its link to that neighbour."""
    return ("--ipv6-interface", link_address(node, neighbour), "--ipv6-neighbor", link_address(neighbour, node))


def router(node):
    return f"as=64500,router-id=198.51.100.{figure.NUMBER[node]}"


def unusable(pe1):
    return {name for name, path in pe1.paths().items() if not path["usable"]}


def used(measurement, first_ns, last_ns):
    """The paths of the packets that were sent and seen at the egress PE in that time."""
    return {measurement.ways[way] for tx_ns, rx_ns, _, _, way in measurement.tapped
            if tx_ns > first_ns and rx_ns < last_ns}


def test_link(tap, lab, pe1):
    with Traffic(lab, rate=10000) as traffic:
        time.sleep(0.2)
        told = figure.now_ns()
        tell(lab, "r1", "failure", *link("r1", "r2"), more=("--cause", "carrier"))
        failed = pe1.wait(told, resource="r1-r2", usable=False)
        time.sleep(0.2)
        stopped = unusable(pe1)
        back = figure.now_ns()
        tell(lab, "r1", "failure-recovery", *link("r1", "r2"))
        recovered = pe1.wait(back, resource="r1-r2", usable=True)
        time.sleep(0.2)
    if not tap.ok(failed and recovered, "a failure and a recovery that name a link, and no tunnel, act", pe1.events):
        return
    tap.equal((failed["reason"], failed["from"], failed.get("tunnel")), ("failed", loopback("r1"), None),
              "the event names the link and who told of it")
    tap.equal(stopped, both(OVER["r1-r2"]), "every path that crosses it stops, and no other")
    m = traffic.measurement
    failed, recovered = failed["monotonic-ns"] + 10**6, recovered["monotonic-ns"] + 10**6
    tap.ok("via-r1-r2" in used(m, 0, told), "via-r1-r2 carried traffic before", used(m, 0, told))
    tap.ok("via-r1-r2" not in used(m, failed, back), "and none while the link is down", used(m, failed, back))
    tap.ok("via-r1-r2" in used(m, recovered, m.end_ns), "and again when it is back", used(m, recovered, m.end_ns))
    tap.equal(unusable(pe1), set(), "every path is usable again")
    lost = sum(m.sent) - m.summary["received"]["received"]
    tap.equal(lost, 0, "no packet is lost: the link was never really down")


def test_both_ends(tap, lab, pe1):
    since = figure.now_ns()
    tell(lab, "r1", "failure", *link("r1", "r2"))
    tell(lab, "r2", "failure", *link("r2", "r1"))
    tap.ok(pe1.wait(since, resource="r1-r2", **{"from": loopback("r2")}), "both ends tell of one link")
    tell(lab, "r1", "failure-recovery", *link("r1", "r2"))
    tap.ok(pe1.wait(since, resource="r1-r2", reason="recovered", usable=False),
           "it is not back when one end says so")
    tell(lab, "r2", "failure-recovery", *link("r2", "r1"))
    tap.ok(pe1.wait(since, resource="r1-r2", usable=True) and not unusable(pe1), "and is when both do",
           pe1.events[-4:])


def test_node(tap, lab, pe1):
    since = figure.now_ns()
    nodes = ("--local-node", router("r1"), "--remote-node", router("r5"))
    tell(lab, "r1", "failure", *nodes, more=("--cause", "node-down"))
    tap.ok(pe1.wait(since, resource="r5", usable=False), "a node that is down is known by its router-id")
    tap.equal(unusable(pe1), both(OVER["r5"]), "every path over it stops")
    status = {row["name"]: row for row in pe1.ask("status")["resources"]}
    tap.equal((status["r5"]["usable"], status["r5"]["paths"], status["r1"]["usable"]), (False, 4, True),
              "status shows the node, and how many paths it stops")
    tell(lab, "r1", "failure-recovery")
    tap.ok(pe1.wait(since, resource="r5", usable=True), "its event-id alone ends it")


def test_anothers_tunnel(tap):
    """IPv4 goes through a tunnel that the kernel of the ingress PE makes. R1 tells of it, fantel does
    not know it, and yet the path for IPv6 that crosses the same link stops, before it loses a packet."""
    def only_ipv6(node, policy):
        policy["notification"] = {"hold-down": 200}
        if node == "pe1":
            policy["class"] = policy["class"][:1]

    with Lab() as lab:
        nodes = routers.start(lab, change=only_ipv6)
        pe1 = nodes["pe1"]
        lab.kernel_tunnel("pe1", [sid("r1"), sid("pe2", "d4")])
        with Traffic(lab, family=4, rate=5000):
            time.sleep(0.1)
            cut, _ = lab.cut("r1", "r2")
            failed = pe1.wait(cut, resource="r1-r2", usable=False)
            time.sleep(0.1)
            stopped = unusable(pe1)
            mended, _ = lab.mend("r1", "r2")
            back = pe1.wait(mended, resource="r1-r2", usable=True)
        tap.ok(failed and failed["reason"] == "failed" and failed.get("tunnel"),
               "a tunnel that is not ours fails: its link counts", pe1.events)
        tap.ok({"via-r1-r2"} <= stopped, "a path of ours over that link stops with it", stopped)
        tap.ok(back, "and is usable when R1 tells of the recovery", pe1.events[-3:])


def test_policy_changes(tap, lab, pe1):
    """What is known of a link outlives the loader, and holds for what the next policy says of it."""
    since = figure.now_ns()
    tell(lab, "r1", "failure", *link("r1", "r2"))
    pe1.wait(since, resource="r1-r2", usable=False)
    lab.stop(pe1.process, signal.SIGKILL)
    tap.equal(unusable(pe1), both(OVER["r1-r2"]), "paths stay stopped without a loader")
    policy = pe1.policy
    for path in policy["path"]:
        if path["name"] == "via-r3-r4":
            path["crosses"].append("r1-r2")
        if path["name"] == "via-r1-r2":
            path["crosses"].remove("r1-r2")
    policy["resource"].insert(0, {"name": "another", "node": {"router-id": "192.0.2.1"}})
    pe1 = again(lab, policy)
    wanted = {"via-r1-r2-v4", "via-r3-r4"}
    tap.ok(routers.until(lambda: unusable(pe1) == wanted), "the next policy says which paths cross it", unusable(pe1))
    with Traffic(lab, rate=10000) as traffic:
        time.sleep(0.2)
    m = traffic.measurement
    tap.ok(used(m, 0, m.end_ns) and "via-r3-r4" not in used(m, 0, m.end_ns) and "via-r1-r2" in used(m, 0, m.end_ns),
           "and packets go by it", used(m, 0, m.end_ns))
    lab.stop(pe1.process)
    policy["resource"] = [resource for resource in policy["resource"] if resource["name"] != "r1-r2"]
    for path in policy["path"]:
        path["crosses"] = [name for name in path["crosses"] if name != "r1-r2"]
    pe1 = again(lab, policy)
    tap.ok(routers.until(lambda: not unusable(pe1) and not pe1.ask("status")["failed"]),
           "a link that leaves the policy takes its failures along", unusable(pe1), pe1.ask("status")["failed"])


def again(lab, policy):
    """Start the loader again. It is ready before it has read this policy: the maps are still there."""
    pe1 = routers.Router(lab, "pe1", policy)
    if not routers.until(pe1.ready):
        raise figure.LabError(f"not ready: {pe1.errors()}")
    return pe1


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("failures by location", why)
            return
        with Lab() as lab:
            pe1 = routers.start(lab, ("pe1",))["pe1"]
            for test in (test_link, test_both_ends, test_node, test_policy_changes):
                test(tap, lab, pe1)
        test_anothers_tunnel(tap)


main()
