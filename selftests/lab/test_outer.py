#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
GRE, VXLAN, IP in IP and MPLS between two PEs that run fantel, with the examples of policies/: what
goes in at one end comes out at the other, and a failure on the way moves it to a backup.
"""
import signal

import lab as figure
import routers
from lab import Lab
from outer import PE2_6, carried, check_arrival, example, one_path, wait_for
from tap import Tap
from traffic import Traffic


def both_ends(ingress):
    """The egress PE as in policies/; recoveries told soon, by everyone."""
    def change(node, policy):
        if node == "pe1":
            ingress(node, policy)
        elif node == "pe2":
            example("egress-pe-decap")(node, policy)
        policy["notification"] = {"hold-down": 200}
    return change


def check_failure(tap, lab, pe1, path):
    """R1 tells of its link to R2: the destination names the path, and SRv6 takes over."""
    with Traffic(lab, 6, rate=10000, flows=64) as traffic:
        wait_for(pe1, path)
        cut, _ = lab.cut("r1", "r2")
        failed = pe1.wait(cut, path=path, usable=False)
        backed = wait_for(pe1, "via-r3-r4")
        mending = figure.now_ns()
        mended, _ = lab.mend("r1", "r2")
        back = pe1.wait(mended, path=path, usable=True)
        wait_for(pe1, path)
    if not tap.ok(failed and back, f"{path}: it fails and comes back", pe1.events):
        return
    tap.equal((failed["from"], failed["tunnel"]), (figure.loopback("r1"), [PE2_6]),
              f"{path}: R1 told of it, by its destination")
    m = traffic.measurement
    late = list(m.lost_between(failed["monotonic-ns"] + 10**6, mending))
    tap.equal(late, [], f"{path}: nothing is lost once it has failed")
    tap.ok(backed, f"{path}: meanwhile SRv6 carries the traffic", carried(pe1))


def test_examples(tap):
    for kind in ("gre", "vxlan", "ipip"):
        with Lab() as lab:
            lab.return_tunnel()
            pe1 = routers.start(lab, change=both_ends(example(f"ingress-pe-{kind}")))["pe1"]
            check_arrival(tap, lab, pe1, kind, f"{kind} as in policies/")
            check_failure(tap, lab, pe1, kind)


def test_mpls(tap):
    """R1 and R2 as a wire between the PEs' ports: this takes no kernel that knows labels."""
    with Lab() as lab:
        for node, ports in (("r1", ("pe1", "r2")), ("r2", ("r1", "pe2"))):
            lab.ip(node, "link", "add", "wire", "type", "bridge")
            for port in ports:
                lab.ip(node, "link", "set", port, "master", "wire")
            lab.ip(node, "link", "set", "wire", "up")
        prefix = figure.link_prefix("pe1", "r1")
        lab.ip("pe2", "address", "add", f"{prefix}2/64", "dev", "r2")
        for site in (figure.SITE6, figure.SITE4):
            lab.ip("pe2", "route", "add", site["dc1"][0], "via", "inet6", f"{prefix}1", "dev", "r2")
        stack = one_path(mpls={"label": [16002], "next-hop": f"{prefix}2"})
        pe1 = routers.start(lab, figure.EDGES, change=both_ends(stack))["pe1"]
        check_arrival(tap, lab, pe1, "only", "MPLS")


def used(lab, pe1):
    """Which paths carry a packet now."""
    before = carried(pe1)
    lab.run("dc1", "sh", "-c", f"ping -c 1 -W 0.1 {figure.SITE6['dc2'][2]} || true")
    return [name for name, packets in carried(pe1).items() if packets > before[name]]


def test_labels_have_one_neighbour(tap):
    """A route by R3 to R1's address is no way for R1's labels: R3 would take them for its own."""
    with Lab() as lab:
        pe1 = routers.start(lab, ("pe1",), change=example("ingress-pe-mpls"))["pe1"]
        detour = (figure.link_address("r1", "pe1"), "via", figure.link_address("r3", "pe1"), "dev", "r3")

        def usable():
            return pe1.paths()["via-r1-r2"]["usable"]

        before = used(lab, pe1)
        lab.ip("pe1", "route", "add", *detour)
        tap.ok(routers.until(lambda: not usable()), "labels: behind another router, their neighbour is none")
        tap.equal((before, used(lab, pe1)), (["via-r1-r2"], ["via-r3-r4"]), "labels: and the backup serves")
        lab.ip("pe1", "route", "del", *detour)
        tap.ok(routers.until(usable), "labels: next to it again, it serves again")
        lab.stop(pe1.process, signal.SIGKILL)
        routers.until(lambda: not pe1.paths()["via-r1-r2"]["next-hop"]["fresh"])
        before = used(lab, pe1)
        lab.ip("pe1", "route", "add", *detour)
        tap.equal((before, used(lab, pe1)), (["via-r1-r2"], ["via-r3-r4"]),
                  "labels: without a loader, the FIB is asked the same")


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("tunnels other than SRv6", why)
            return
        for test in (test_examples, test_mpls, test_labels_have_one_neighbour):
            test(tap)


main()
