#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
What is pulled from under a node that runs: a port's interface; the address, the route and the neighbour of
its next hop; room in its maps. Packets go their way, `fantel status` says what is so, and when it is mended
all is as before.
"""
import copy
import time

import lab as figure
import routers
from lab import Lab
from tap import Tap
from traffic import Traffic, arrives

RATE = 2000
DOMAIN = 64500
PATH = "via-r1-r2"  # whose next hop is R1
ROOM, CAME = 64, 80  # failures


def start(_node, policy):
    policy["notification"] = {"hold-down": 200}


def is_true(operator):
    return operator.untrue() is None


def path(operator):
    return operator.router.paths()[PATH]


def next_hop(operator):
    """Port and MAC address; None: it leads nowhere."""
    hop = path(operator)["next-hop"]
    return hop and (hop["interface"], hop["mac"])


# ---- interfaces --------------------------------------------------------------------------------------


def plug_again(lab, a, b):
    lab.plug_again(a, b)
    for end, port in ((a, b), (b, a)):
        lab.run(end, "ethtool", "-K", port, "gro", "on")
    lab.mend(a, b)


def test_core_port(tap, lab, pe1):
    with Traffic(lab, rate=RATE):
        lab.ip("pe1", "link", "del", "r1")
        tap.ok(pe1.router.wait(event="link", link="r1", up=False) and is_true(pe1),
               "a core port's interface is removed under traffic: a link that failed, and status is true", pe1.untrue())
        plug_again(lab, "pe1", "r1")
        tap.ok(routers.until(lambda: "r1" in pe1.attached() and is_true(pe1)),
               "it is made again, and has its program again", pe1.attached(), pe1.untrue(), pe1.router.errors())
    tap.ok(routers.until(lambda: path(pe1)["usable"] and path(pe1)["next-hop"]["fresh"]),
           "its paths are usable again", path(pe1))
    arrives(tap, lab, "and all packets arrive")


def test_customer_port(tap, lab, pe1):
    """The port that traffic comes in by; then dc1 is plugged in again as it was."""
    lab.ip("pe1", "link", "del", "dc1")
    tap.ok(routers.until(lambda: "port dc1: its interface was removed" in pe1.router.errors()) and is_true(pe1),
           "a customer port's interface is removed: the loader says so, and status is true", pe1.untrue())
    plug_again(lab, "pe1", "dc1")
    for site in (figure.SITE6, figure.SITE4):
        lab.ip("dc1", "route", "replace", "default", "via", site["dc1"][1])
    tap.ok(routers.until(lambda: "dc1" in pe1.attached() and is_true(pe1)), "it is made again, and has its program again",
           pe1.attached(), pe1.untrue(), pe1.router.errors())
    arrives(tap, lab, "and its packets arrive")


# ---- next hops ---------------------------------------------------------------------------------------


def test_neighbour(tap, lab, pe1):
    mac = "02:00:00:00:aa:aa"
    with Traffic(lab, rate=RATE):
        lab.ip("r1", "link", "set", "pe1", "address", mac)
        lab.ip("pe1", "neigh", "replace", figure.link_address("r1", "pe1"), "lladdr", mac, "nud", "reachable", "dev", "r1")
        tap.ok(routers.until(lambda: next_hop(pe1) == ("r1", mac)), "a neighbour has another MAC address: its paths follow",
               path(pe1))
    arrives(tap, lab, "and all packets arrive")


def test_route(tap, lab, pe1):
    with Traffic(lab, rate=RATE):
        lab.ip("pe1", "route", "replace", figure.locator("r1"), "via", figure.link_address("r3", "pe1"), "dev", "r3")
        tap.ok(routers.until(lambda: next_hop(pe1) == ("r3", figure.mac("r3", "pe1"))),
               "a route leads elsewhere: its paths follow", path(pe1))
        lab.ip("pe1", "route", "del", figure.locator("r1"))
        tap.ok(routers.until(lambda: not path(pe1)["usable"] or not next_hop(pe1)),
               "it is gone: `fantel paths` says that its paths lead nowhere", path(pe1))
    arrives(tap, lab, "and packets take the others")
    lab.mend("pe1", "r1")
    tap.ok(routers.until(lambda: path(pe1)["usable"] and (next_hop(pe1) or ("",))[0] == "r1"),
           "it is back, and its paths with it", path(pe1))
    arrives(tap, lab, "and all packets arrive")


def test_address(tap, lab, pe1):
    """And with it the routes that need it."""
    with Traffic(lab, rate=RATE):
        lab.ip("pe1", "address", "del", f"{figure.link_address('pe1', 'r1')}/64", "dev", "r1")
        time.sleep(0.2)
        lab.mend("pe1", "r1")
    tap.ok(routers.until(lambda: path(pe1)["usable"] and (next_hop(pe1) or ("",))[0] == "r1" and is_true(pe1)),
           "an address goes and comes: its paths are usable", path(pe1))
    arrives(tap, lab, "and all packets arrive")


# ---- room --------------------------------------------------------------------------------------------


def send_failures(lab, policy):
    segments = ",".join(figure.segments_of(policy)[PATH])
    lab.run("r1", "sh", "-c", f"for i in $(seq {CAME}); do {routers.FANTEL} send --to {figure.loopback('pe1')}"
            f" --from {figure.loopback('r1')} --srv6 {segments} --domain {DOMAIN} --cause errors --event-id $i || exit 1; done")


def withdraw_failures(lab, policy):
    segments = ",".join(figure.segments_of(policy)[PATH])
    lab.run("r1", "sh", "-c", f"for i in $(seq {CAME}); do {routers.FANTEL} send --to {figure.loopback('pe1')}"
            f" --from {figure.loopback('r1')} --srv6 {segments} --domain {DOMAIN} --type failure-recovery"
            " --event-id $i || exit 1; done")


def counted(pe1, reason):
    counters = {row["reason"]: row["packets"] for row in pe1.router.ask("counters")["counters"]}
    return counters.get(reason, 0)


def test_full(tap, lab, pe1):
    small = copy.deepcopy(pe1.first)
    small["limits"] = {"failures": ROOM}
    tap.equal(pe1("apply", pe1.write("small", small))[0], 0, f"a node with room for {ROOM} failures")
    send_failures(lab, small)
    kept, refused = len(pe1.router.ask("status")["failed"]), counted(pe1, "failed-full") + counted(pe1, "failed-share")
    tap.ok(0 < kept <= ROOM and kept + refused == CAME, f"of {CAME}, those that find no room are counted", kept, refused)
    tap.ok(routers.until(lambda: "a higher limits/failures in the policy makes more" in pe1.router.errors()),
           "and the loader names the limit", pe1.router.errors())
    arrives(tap, lab, "packets take the other paths")
    withdraw_failures(lab, small)
    tap.ok(routers.until(lambda: path(pe1)["usable"] and not pe1.router.ask("status")["failed"]),
           "when all are over, the path is usable: none of them is counted for good", path(pe1))
    tap.equal(pe1("apply", pe1.write("first", pe1.first))[0], 0, "and there is room again")


def test_too_much_policy(tap, lab, pe1):
    before = pe1.in_force(), pe1.attached()
    many = copy.deepcopy(pe1.first)
    many.setdefault("limits", {})["classes"] = ROOM
    group = many["class"][0]["group"]
    many["class"] += [{"prefix": f"10.0.{i}.0/24", "group": group} for i in range(2 * ROOM)]
    code, _, said = pe1("apply", pe1.write("many", many))
    tap.ok(code and "class" in said and len(said.splitlines()) <= 2,
           "a policy with more classes than it makes room for is refused, in words", code, said[:600])
    tap.equal((pe1.in_force(), pe1.attached()), before, "and nothing is changed")
    arrives(tap, lab, "and all packets arrive")


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("what is pulled from under a node", why)
            return
        with Lab() as lab:
            pe1 = routers.Operator(lab, routers.start(lab, change=start)["pe1"])
            test_core_port(tap, lab, pe1)
            test_customer_port(tap, lab, pe1)
            test_neighbour(tap, lab, pe1)
            test_route(tap, lab, pe1)
            test_address(tap, lab, pe1)
            test_full(tap, lab, pe1)
            test_too_much_policy(tap, lab, pe1)


main()
