#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
What a policy can ask of tunnels, against Linux's own seg6local: reduced headers, a single segment,
RoCE frames longer than a page, a backup that serves only while the primary is down, and what
becomes of traffic that no path is left for.
"""
import time

import lab as figure
import routers
from lab import Lab, sid
from tap import Tap
from traffic import Traffic

JUMBO = 4700  # a RoCE message of 4096 bytes and its headers


def one_group(policy, *members):
    """Only these paths, as (name, tier), in the IPv6 group."""
    policy["group"][0]["member"] = [{"path": name, "tier": tier} for name, tier in members]


def unharmed(m):
    """Nothing lost, doubled, damaged, out of order, and at least something sent."""
    return sum(m.sent) == m.summary["received"]["received"] > 0 and not (
        m.duplicates() or m.bad_icrc() or any(any(m.out_of_order(flow)) for flow in range(len(m.sent))))


def shapes(_node, policy):
    """Two paths reduced, one a single segment, one as it is."""
    by_name = {path["name"]: path["srv6"] for path in policy["path"]}
    by_name["via-r1-r2"]["mode"] = "encaps-red"
    by_name["via-r1-r5-r4"]["mode"] = "encaps-red"
    by_name["via-r3-r4"]["segment"] = [sid("pe2", "d6")]
    policy["group"][0]["member"] = [{"path": name} for name in by_name if not name.endswith("-v4")]


def test_shapes(tap):
    with Lab() as lab:
        routers.start(lab, ("pe1",), change=shapes)
        with Traffic(lab, rate=10000, flows=128) as traffic:
            time.sleep(0.4)
        m = traffic.measurement
        tap.ok(unharmed(m), "reduced headers and a single segment: every packet arrives", m.summary)
        seen = {tuple(way["segments"]) for way in m.summary["tapped"]["paths"]}
        tap.ok({(sid("r2"), sid("pe2", "d6")), (sid("pe2", "d6"),),
                (sid("r3"), sid("r5"), sid("r2"), sid("pe2", "d6"))} <= seen,
               "and each has the header that was asked for", seen)


def test_jumbo(tap):
    with Lab() as lab:
        for node, port in (("dc1", "pe1"), ("pe1", "dc1"), ("pe2", "dc2"), ("dc2", "pe2")):
            lab.ip(node, "link", "set", port, "mtu", JUMBO)
        routers.start(lab)
        with Traffic(lab, rate=5000, payload=4096, options=("--write",)) as traffic:
            time.sleep(0.4)
        tap.ok(unharmed(traffic.measurement), "RDMA WRITEs of 4096 bytes, longer than a page, arrive whole",
               traffic.measurement.summary)


def primary_and_backup(node, policy):
    policy["notification"] = {"hold-down": 200}
    if node == "pe1":
        one_group(policy, ("via-r1-r2", 0), ("via-r3-r4", 1))


def test_backup(tap):
    with Lab() as lab:
        nodes = routers.start(lab, change=primary_and_backup)
        pe1 = nodes["pe1"]
        with Traffic(lab, rate=10000) as traffic:
            time.sleep(0.2)
            cut, _ = lab.cut("r1", "r2")
            failed = pe1.wait(cut, path="via-r1-r2", usable=False)
            time.sleep(0.2)
            mended, _ = lab.mend("r1", "r2")
            back = pe1.wait(mended, path="via-r1-r2", usable=True)
            time.sleep(0.2)
        if not tap.ok(failed and back, "the primary fails and comes back", pe1.events):
            return
        m = traffic.measurement
        failed, back = failed["monotonic-ns"], back["monotonic-ns"]
        phases = ((0, cut, "via-r1-r2"), (failed + 10**6, back, "via-r3-r4"), (back + 10**6, m.end_ns, "via-r1-r2"))
        used = [{m.ways[way] for tx_ns, rx_ns, _, _, way in m.tapped if tx_ns > first and rx_ns < last}
                for first, last, _ in phases]
        tap.equal(used, [{name} for *_, name in phases],
                  "the backup carries everything while the primary is down, and nothing before and after")


def no_way_out(node, policy):
    if node == "pe1":
        one_group(policy, ("via-r1-r2", 0))


def test_no_path(tap):
    with Lab() as lab:
        nodes = routers.start(lab, change=no_way_out)
        pe1 = nodes["pe1"]
        with Traffic(lab, rate=5000) as traffic:
            cut, _ = lab.cut("r1", "r2")
            told = pe1.wait(cut, event="no-path")
            time.sleep(0.1)
        tap.ok(told, "a group without a usable path is reported as an event", pe1.events)
        counters = {row["reason"]: row["packets"] for row in pe1.ask("counters")["counters"]}
        doomed = {row["reason"]: row["packets"] for row in nodes["r1"].ask("counters")["counters"]}
        m = traffic.measurement
        lost = sum(m.sent) - m.summary["received"]["received"]
        tap.ok(0 < counters.get("no-path", 0) <= lost, "its packets are dropped, and counted as no-path",
               f"lost {lost}", counters, doomed)


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("what a policy can ask of tunnels", why)
            return
        for test in (test_shapes, test_jumbo, test_backup, test_no_path):
            test(tap)


main()
