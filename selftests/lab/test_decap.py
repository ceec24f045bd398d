#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
An egress PE without tunnels in its kernel: fantel takes them off, the kernel routes what was inside.
First with the policies as they stand, then End.DT46 alone for both families, then in both
directions at once, with no SRv6 in either PE's kernel.
"""
import json
import time

import lab as figure
import routers
from lab import Lab, sid
from tap import Tap
from traffic import Traffic


def without_kernel_ends(lab, *nodes):
    """Take the PE's own segments, but End, out of the kernel."""
    for node in nodes:
        for function in ("d4", "d6"):
            lab.ip(node, "-6", "route", "del", f"{sid(node, function)}/128")


def as_egress(policy):
    policy.clear()
    policy.update(figure.read_policy("egress-pe-decap"))


def example(node, policy):
    if node == "pe2":
        as_egress(policy)


def by_dt46(node, policy):
    """Four paths serve both families: what End.DT6 and End.DX4 can't do together."""
    example(node, policy)
    if node == "pe1":
        policy["path"] = [path for path in policy["path"] if not path["name"].endswith("-v4")]
        for path in policy["path"]:
            path["srv6"]["segment"][-1] = sid("pe2", "d46")
        policy["group"] = policy["group"][:1]
        for entry in policy["class"]:
            entry["group"] = policy["group"][0]["name"]


def both_ways(node, policy):
    """Each PE is the other's ingress and egress PE."""
    by_dt46(node, policy)
    if node == "pe1":
        policy["endpoint"] = [{"name": "either", "srv6": {"sid": sid("pe1", "d46")}}]
    else:
        policy["port"].append({"name": "dc2", "class": "customer"})
        policy["path"] = [{"name": "back", "srv6": {
            "segment": [sid("r4"), sid("r3"), sid("pe1", "d46")], "mode": "encaps-red"}}]
        policy["group"] = [{"name": "dc1", "member": [{"path": "back"}]}]
        policy["class"] = [{"prefix": site["dc1"][0], "group": "dc1"}
                           for site in (figure.SITE6, figure.SITE4)]


def every_kind(node, policy):
    """Flows spread over all tunnels that lead to a loopback of the egress PE."""
    by_dt46(node, policy)
    if node != "pe1":
        return
    paths = []
    for version, to in ((6, figure.loopback("pe2")), (4, figure.LOOPBACK4["pe2"])):
        paths += [{"name": f"gre{version}", "gre": {"destination": to, "key": 64500}},
                  {"name": f"vxlan{version}", "vxlan": {"destination": to, "vni": 64500,
                                                        "inner-destination-mac": "02:00:00:00:00:02"}},
                  {"name": f"ipip{version}", "ipip": {"destination": to}}]
    policy["path"] = paths
    policy["group"][0]["member"] = [{"path": path["name"]} for path in paths]


def by_label(node, policy):
    """One hop of MPLS: the neighbour takes the label off, and the rest of the way is plain."""
    by_dt46(node, policy)
    if node == "pe1":
        policy["path"] = [{"name": "mpls", "mpls": {
            "label": [16011], "next-hop": figure.link_address("r1", "pe1")}}]
        policy["group"][0]["member"] = [{"path": "mpls"}]
    elif node == "r1":
        policy["endpoint"] = [{"name": "mpls", "mpls": {"label": 16011}}]


def counters(router):
    return {row["reason"]: row["packets"] for row in router.ask("counters")["counters"]}


def test_ping(tap, lab, words):
    for site in (figure.SITE6, figure.SITE4):
        host = site["dc2"][2]
        tap.ok("3 received" in lab.run("dc1", "ping", "-c", "3", "-i", "0.05", "-W", "1", host),
               f"{words}: dc1 pings {host}")


def test_roce(tap, lab, egress, words, family, rate=20000, **traffic_options):
    before = counters(egress).get("decapped", 0)
    with Traffic(lab, family, rate, **traffic_options) as traffic:
        time.sleep(0.4)
    m = traffic.measurement
    received = m.summary["received"]
    sent = sum(m.sent)
    tap.equal((sent - received["received"], m.duplicates(), received["bad_icrc"]), (0, 0, 0),
              f"{words}: RoCEv2 over IPv{family}: every packet reaches dc2 once, its ICRC good")
    tap.equal(sum(len(list(m.out_of_order(flow))) for flow in range(len(m.sent))), 0,
              f"{words}: RoCEv2 over IPv{family}: none arrives out of order")
    tap.ok(0 < sent <= counters(egress).get("decapped", 0) - before,
           f"{words}: RoCEv2 over IPv{family}: and fantel took each out of its tunnel", sent, counters(egress))


def test_example(tap):
    with Lab() as lab:
        without_kernel_ends(lab, "pe2")
        lab.return_tunnel()
        pe2 = routers.start(lab, ("pe1", "pe2"), change=example)["pe2"]
        test_ping(tap, lab, "as the policies stand")
        for family in (6, 4):
            test_roce(tap, lab, pe2, "as the policies stand", family)
        shown = {row["name"]: (row["tunnel"], row["address"], row["behavior"])
                 for row in pe2.ask("status")["endpoints"]}
        tap.equal((shown["either"], shown["mpls"][:2]),
                  (("srv6", sid("pe2", "d46"), "End.DT46"), ("mpls", None)),
                  "`fantel status` shows where tunnels end")


def generic(node, policy):
    by_dt46(node, policy)
    if node == "pe2":
        for port in policy["port"]:
            port["mode"] = "generic"


def test_dt46(tap):
    for words, change in (("End.DT46", by_dt46), ("End.DT46 in generic XDP", generic)):
        with Lab() as lab:
            without_kernel_ends(lab, "pe2")
            pe2 = routers.start(lab, ("pe1", "pe2"), change=change)["pe2"]
            for family in (6, 4):
                test_roce(tap, lab, pe2, words, family)


def test_jumbo(tap):
    """RDMA messages of 4096 bytes do not fit a page with their headers: XDP gets them in two buffers."""
    with Lab() as lab:
        for node, port in (("dc1", "pe1"), ("pe1", "dc1"), ("pe2", "dc2"), ("dc2", "pe2")):
            lab.ip(node, "link", "set", port, "mtu", 4700)
        without_kernel_ends(lab, "pe2")
        pe2 = routers.start(lab, ("pe1", "pe2"), change=by_dt46)["pe2"]
        for family in (6, 4):
            test_roce(tap, lab, pe2, "RDMA WRITEs of 4096 bytes", family, rate=5000, payload=4096,
                      options=("--write",))


def test_every_kind(tap):
    with Lab() as lab:
        without_kernel_ends(lab, "pe2")
        nodes = routers.start(lab, ("pe1", "pe2"), change=every_kind)
        for family in (6, 4):
            test_roce(tap, lab, nodes["pe2"], "GRE, VXLAN and IP in IP", family, flows=128)
        paths = nodes["pe1"].paths()
        tap.ok(all(path["packets"] for path in paths.values()),
               "GRE, VXLAN and IP in IP: each of them carried some, over IPv6 and over IPv4", paths)


def test_label(tap):
    with Lab() as lab:
        without_kernel_ends(lab, "pe2")
        for node, onward in (("r1", "r2"), ("r2", "pe2")):
            for site in (figure.SITE6, figure.SITE4):
                lab.ip(node, "route", "add", site["dc2"][0], "via", "inet6",
                       figure.link_address(onward, node), "dev", onward)
        r1 = routers.start(lab, ("pe1", "r1"), change=by_label)["r1"]
        for family in (6, 4):
            test_roce(tap, lab, r1, "MPLS", family)


def test_both_ways(tap):
    with Lab() as lab:
        without_kernel_ends(lab, "pe1", "pe2")
        nodes = routers.start(lab, ("pe1", "pe2"), change=both_ways)
        test_ping(tap, lab, "both ways")
        tap.ok(all(counters(router).get("decapped", 0) >= 6 for router in nodes.values()),
               "both ways: fantel took off the tunnels of both", *map(counters, nodes.values()))


def test_change(tap):
    """An endpoint that leaves the policy is none any more; one that comes, is; nothing else notices."""
    with Lab() as lab:
        without_kernel_ends(lab, "pe2")
        nodes = routers.start(lab, ("pe1", "pe2"), change=by_dt46)
        pe2 = nodes["pe2"]
        lab.stop(pe2.process)
        changed = json.loads(json.dumps(pe2.policy))
        changed["endpoint"] = [{"name": "only", "srv6": {"sid": sid("pe2", "d46"), "behavior": "End.DT6"}}]
        with Traffic(lab, 6, rate=10000) as traffic:
            time.sleep(0.2)
            pe2 = routers.Router(lab, "pe2", changed)
            routers.until(lambda: [row["name"] for row in pe2.ask("status")["endpoints"]] == ["only"])
            time.sleep(0.2)
        m = traffic.measurement
        tap.equal((sum(m.sent) - m.summary["received"]["received"],
                   [row["name"] for row in pe2.ask("status")["endpoints"]]), (0, ["only"]),
                  "another policy's endpoints take over without losing a packet")
        with Traffic(lab, 4, rate=1000) as traffic:
            time.sleep(0.2)
        tap.equal(traffic.measurement.summary["received"]["received"], 0,
                  "what no endpoint takes any more does not come out")
        tap.ok(counters(pe2).get("not-endpoint", 0) >= sum(traffic.measurement.sent) > 0,
               "and is counted as not-endpoint", counters(pe2))


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("tunnels that end without the kernel", why)
            return
        for test in (test_example, test_dt46, test_jumbo, test_every_kind, test_label, test_both_ways, test_change):
            test(tap)


main()
