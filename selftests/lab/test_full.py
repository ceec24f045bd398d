#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
A P node without room: for whom it told (fantel_told), and for the kernel's routes (fantel_routes). Nothing is
dropped without its reason, the loader says which limit makes more room, and once there is some, it works.
"""
import copy
import os

import lab as figure
import routers
from lab import Lab, loopback
from tap import Tap
from traffic import Traffic

PATH = "via-r1-r2"
ROOM = 64
RATE = 2000
EVENT_ID = 0xdeadbeef  # of no link: such an entry is left to packets


def start(node, policy):
    policy["notification"] = {"hold-down": 50, "validity": 0, "unasked": {"sample": 4}}
    if node == "r1":
        policy["limits"] = {"told": ROOM, "routes": ROOM}


def counted(router, reason):
    return sum(row["packets"] for row in router.ask("counters")["counters"] if row["reason"] == reason)


def learned(router):
    return [row for row in router.ask("status")["learned"] if row["link"] == "r2"]


def used(router, limit):
    rows = [row for row in router.ask("status")["limits"] if row["limit"] == limit]
    return rows[0]["used"], rows[0]["room"]


def raised(operator, **limits):
    policy = copy.deepcopy(operator.first)
    policy["limits"].update(limits)
    return operator("apply", operator.write("raised", policy))


def number(value, size):
    return [f"{byte}" for byte in value.to_bytes(size, "little")]


def fill_told(lab, router, ifindex):
    """With other tunnels of the ingress PE, by a link that is down."""
    pin = os.path.join(lab.pin_root, router.name, "v1", "maps", "fantel_told")
    batch = os.path.join(lab.dir, "told")
    with open(batch, "w", encoding="utf-8") as out:
        for tunnel in range(ROOM - used(router, "told")[0]):
            key = [*("0" * 16), *number(tunnel, 8), *number(ifindex, 4), *("0" * 4)]
            value = [*("0" * 24), *number(EVENT_ID, 4), *("0" * 148)]
            out.write(f"map update pinned {pin} key {' '.join(key)} value {' '.join(value)}\n")
    lab.run(router.node, "bpftool", "batch", "file", batch)


def test_told(tap, lab, r1, pe1):
    router = r1.router
    with Traffic(lab, rate=RATE):
        tap.ok(routers.until(lambda: learned(router)), "R1 learns whose tunnels leave by R1-R2")
    cut, _ = lab.cut("r1", "r5")
    down = router.wait(cut, event="link", link="r5", up=False)
    fill_told(lab, router, figure.ifindex("r1", "r5"))
    tap.equal((bool(down), used(router, "told")), (True, (ROOM, ROOM)), "for whom it tells there is no room any more")

    cut, _ = lab.cut("r1", "r2")
    tap.ok(routers.until(lambda: "r2: fantel_told is full, so not all whom it concerns are told; a higher limits/told in "
                         "the policy makes room" in router.errors()), "another link fails: who is not told of it unasked is said",
           router.errors())
    with Traffic(lab, rate=RATE):
        tap.ok(routers.until(lambda: counted(router, "told-full")), "nor by packets that meet the failure, each of which is counted")
        tap.equal((pe1.paths()[PATH]["usable"], counted(router, "notified")), (True, 0), "the ingress PE knows nothing of it")
        tap.ok(routers.until(lambda: "told-full: " in router.errors() and
                             "found no room, which is for 64; a higher limits/told in the policy makes more" in router.errors()),
               "and the loader names the limit", router.errors())
        grown = figure.now_ns()
        tap.equal(raised(r1, told=2 * ROOM)[0], 0, "a policy makes more room")
        tap.ok(pe1.wait(grown, event="notification") and routers.until(lambda: not pe1.paths()[PATH]["usable"]),
               f"then the next packet tells {loopback('pe1')}", pe1.events[-3:])
    lab.mend("r1", "r2")


def test_routes(tap, lab, r1):
    router = r1.router
    batch = os.path.join(lab.dir, "routes")
    gateway = figure.link_address("r2", "r1")
    with open(batch, "w", encoding="utf-8") as out:
        out.writelines(f"route add 2001:db8:77:{i:x}::/64 via {gateway}\n" for i in range(2 * ROOM))
    lab.ip("r1", "-6", "-batch", batch)
    sentence = "routes: fantel_routes is full"
    tap.ok(routers.until(lambda: sentence in router.errors()) and "a higher limits/routes in the policy makes room" in router.errors(),
           "more routes than there is room for: the loader says so, and names the limit", router.errors())
    tap.equal((used(router, "routes"), router.errors().count(sentence)), ((ROOM, ROOM), 1), "once for all of them")
    tap.equal(raised(r1, told=2 * ROOM, routes=8 * ROOM)[0], 0, "a policy makes more room")
    tap.ok(routers.until(lambda: 2 * ROOM < used(router, "routes")[0] < 8 * ROOM), "which those left out take", used(router, "routes"))


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("maps that are full", why)
            return
        with Lab() as lab:
            nodes = routers.start(lab, change=start)
            r1 = routers.Operator(lab, nodes["r1"])
            test_told(tap, lab, r1, nodes["pe1"])
            test_routes(tap, lab, r1)


main()
