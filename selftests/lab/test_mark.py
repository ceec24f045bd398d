#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
Tunnels that the kernel makes: fantel picks the path and marks the packet, `ip rule fwmark` picks the
table, and the kernel's seg6 makes the tunnel, with policies/ingress-pe-mark.json. Every flow goes by
the mark that was picked, a failure moves flows to the other one, take-overs lose nothing, and detach
leaves nothing. At the far end the kernel takes the tunnel off, then fantel does.
"""
import ctypes
import os
import signal
import socket
import struct
import time

import lab as figure
import routers
from lab import Lab, sid
from outer import carried, example, unharmed
from tap import Tap
from traffic import Traffic

RATE = 10000
BPF_PROG_QUERY, TCX_INGRESS = 16, 46
RULES = {101: ("r1", "r2"), 102: ("r3", "r4")}  # mark -> the way, as in the example
LAST = ("d6", "d4")  # the kernel's ends at the egress PE, by family
PATHS = {f"via-{a}-{b}" for a, b in RULES.values()}


def kernel_tunnel(lab, mark, last):
    """The tunnel in the mark's own table."""
    for site, end in zip((figure.SITE6, figure.SITE4), last):
        segments = ",".join([sid(node) for node in RULES[mark]] + [sid("pe2", end)])
        lab.ip("pe1", "route", "replace", site["dc2"][0], "table", mark, "encap", "seg6", "mode", "encap",
               "segs", segments, "dev", RULES[mark][0])


def kernel_tunnels(lab, last):
    """One table for each mark; without a mark there is no way to DC2."""
    for mark in RULES:
        for family in ("-6", "-4"):
            lab.ip("pe1", family, "rule", "add", "fwmark", mark, "lookup", mark)
        kernel_tunnel(lab, mark, last)


def change(node, policy):
    """The kernel's ends at the egress PE differ by family, so the example's tunnels do, too: to IPv6's."""
    if node == "pe1":
        example("ingress-pe-mark")(node, policy)
        for path in policy["path"]:
            path["mark"]["segment"][-1] = sid("pe2", "d6")
    policy["notification"] = {"hold-down": 200}


def fantel_at_both_ends(node, policy):
    """The examples as they stand."""
    if node in figure.EDGES:
        example({"pe1": "ingress-pe-mark", "pe2": "egress-pe-decap"}[node])(node, policy)


def name_of(way):
    """The path, whatever the family."""
    return way and way.removesuffix("-v4")


def flows_by_way(m):
    """Path -> flows that used it only, None -> flows that used several."""
    ways = {}
    for flow, sent in enumerate(m.sent):
        used = {name_of(m.way(flow, n)) for n in range(sent)}
        ways.setdefault(used.pop() if len(used) == 1 else None, set()).add(flow)
    return ways


def harm(m):
    """What was done to the packets, for people."""
    lost = [(at - m.start_ns) // 10**6 for flow in range(len(m.sent)) for _, at in m.missing(flow)]
    yield f"{sum(m.sent)} sent, {m.duplicates()} doubled, {m.bad_icrc()} damaged; lost, ms after the start: {lost[:50]}"
    yield from m.doubts()


def ingress_programs(lab, port="dc1"):
    """How many programs the kernel has at the port's tc ingress: tcx, and fantel's among the filters of
    clsact."""
    def tcx():
        asked = ctypes.create_string_buffer(struct.pack("=IIII40x", socket.if_nametoindex(port), TCX_INGRESS, 0, 0))
        if figure._libc.syscall(figure._SYS_BPF, BPF_PROG_QUERY, asked, 56):
            return 0  # a kernel without it
        return struct.unpack_from("=I", asked, 24)[0]

    return lab.inside("pe1", tcx) + lab.run("pe1", "tc", "filter", "show", "dev", port, "ingress").count(" fantel_ingress:[")


def test_share(tap, lab, pe1, family):
    before = carried(pe1)
    with Traffic(lab, family, rate=RATE, flows=64) as traffic:
        time.sleep(0.3)
    m = traffic.measurement
    tap.ok(unharmed(m), f"IPv{family}: everything arrives, whole and in order", *harm(m))
    ways = flows_by_way(m)
    tap.equal(set(ways), PATHS, f"IPv{family}: each flow keeps to one tunnel, and both are used")
    counts = {path: sum(name_of(m.ways[way]) == path for *_, way in m.tapped) for path in PATHS}
    tap.equal({path: carried(pe1)[path] - before[path] for path in PATHS}, counts,
              f"IPv{family}: `fantel paths` counts on each path what the egress PE saw of it")


def test_failure(tap, lab, nodes):
    pe1 = nodes["pe1"]
    with Traffic(lab, rate=RATE, flows=64) as traffic:
        time.sleep(0.2)
        cut, _ = lab.cut("r1", "r2")
        failed = pe1.wait(cut, path="via-r1-r2", usable=False)
        time.sleep(0.3)
        mended, _ = lab.mend("r1", "r2")
        back = pe1.wait(mended, path="via-r1-r2", usable=True)
        time.sleep(0.2)
    if not tap.ok(failed and back, "R1 tells of its failed link, and of its recovery", pe1.events):
        return
    tap.equal(failed["tunnel"], [sid("r1"), sid("r2"), sid("pe2", "d6")],
              "by the segments that the kernel has put there")
    m = traffic.measurement
    after = {m.ways[way] for tx, rx, _, _, way in m.tapped
             if failed["monotonic-ns"] + 10**6 < tx and rx < mended - 10**6}
    tap.equal(after, {"via-r3-r4"}, "from then on all flows go by the other mark")
    again = {m.ways[way] for tx, *_, way in m.tapped if tx > back["monotonic-ns"] + 10**6}
    tap.equal(again, PATHS, "and share both when it is over")


def test_own_link(tap, lab, pe1):
    """Nobody notifies of the node's own link; the way to the first segment is watched."""
    cut, _ = lab.cut("pe1", "r1")
    tap.ok(routers.until(lambda: not pe1.paths()["via-r1-r2"]["usable"]), "the node's own link fails: so does the path")
    with Traffic(lab, rate=5000, flows=64) as traffic:
        time.sleep(0.2)
    tap.ok(unharmed(traffic.measurement), "and nothing is lost on it", *harm(traffic.measurement))
    lab.mend("pe1", "r1")
    kernel_tunnel(lab, 101, LAST)  # it went with the port
    tap.ok(routers.until(lambda: pe1.paths()["via-r1-r2"]["usable"]), "until it is mended", cut)


def again(lab, router, policy=None):
    new, _ = routers.again(lab, router, policy)
    if not routers.until(new.ready):
        raise figure.LabError(f"{new.name}: not ready: {new.errors()}")
    return new


def test_takeover(tap, lab, pe1):
    with Traffic(lab, rate=RATE, flows=64) as traffic:
        for how in (signal.SIGKILL, signal.SIGTERM):
            time.sleep(0.2)
            lab.stop(pe1.process, how)
            pe1 = again(lab, pe1)
        time.sleep(0.2)
    m = traffic.measurement
    tap.ok(unharmed(m), "take-overs lose no packet, nor its mark", *harm(m))
    tap.equal(ingress_programs(lab), 1, "and leave one program at the port's tc ingress")
    lab.stop(pe1.process, signal.SIGKILL)
    time.sleep(3.5)  # next hops are not fresh any more
    with Traffic(lab, rate=RATE, flows=64) as traffic:
        time.sleep(0.2)
    tap.ok(unharmed(traffic.measurement), "without a loader packets are marked on", *harm(traffic.measurement))
    return again(lab, pe1)


def test_without(tap, lab, pe1):
    """A policy without marks, and back."""
    tap.equal([port["marks"] for port in pe1.ask("status")["ports"] if port["name"] == "r1"], [None],
              "core ports have no such program")
    how = next(port["marks"] for port in pe1.ask("status")["ports"] if port["name"] == "dc1")
    tap.ok(how in ("tcx", "clsact"), f"`fantel status` says how it is attached: {how}", how)
    with_marks, policy = pe1.policy, dict(figure.read_policy("pe1"))
    lab.stop(pe1.process)
    pe1 = again(lab, pe1, policy)
    wanted = figure.idle_reader()
    tap.ok(routers.until(lambda: ingress_programs(lab) == int(wanted is not None)),
           f"a policy without marks {'leaves it for packets of several buffers' if wanted else 'takes it off'}",
           ingress_programs(lab))
    lab.stop(pe1.process)
    pe1 = again(lab, pe1, with_marks)
    tap.equal(ingress_programs(lab), 1, "one with marks brings it back")
    lab.stop(pe1.process)
    lab.run("pe1", routers.FANTEL, "detach", "--node", pe1.name, "--pin-root", lab.pin_root)
    tap.equal(ingress_programs(lab), 0, "detach takes it off")
    left = [file for _, _, files in os.walk(os.path.join(lab.pin_root, pe1.name)) for file in files]
    tap.equal(left, [], "and leaves no pin")


def test_fantel_end(tap):
    """The policies as they stand: the kernel makes the tunnel, and fantel takes it off."""
    with Lab() as lab:
        lab.return_tunnel()
        for function in ("d4", "d6"):
            lab.ip("pe2", "-6", "route", "del", f"{sid('pe2', function)}/128")
        kernel_tunnels(lab, ("d46", "d46"))
        pe1 = routers.start(lab, change=fantel_at_both_ends)["pe1"]
        for family in (6, 4):
            before = carried(pe1)
            with Traffic(lab, family, rate=RATE, flows=64) as traffic:
                time.sleep(0.2)
            tap.ok(unharmed(traffic.measurement) and all(carried(pe1)[path] > before[path] for path in PATHS),
                   f"IPv{family}: the kernel makes the tunnels and fantel takes them off",
                   *harm(traffic.measurement))


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("tunnels of the kernel's own", why)
            return
        with Lab() as lab:
            lab.return_tunnel()
            kernel_tunnels(lab, LAST)
            nodes = routers.start(lab, change=change)
            for family in (6, 4):
                test_share(tap, lab, nodes["pe1"], family)
            test_failure(tap, lab, nodes)
            test_own_link(tap, lab, nodes["pe1"])
            nodes["pe1"] = test_takeover(tap, lab, nodes["pe1"])
            test_without(tap, lab, nodes["pe1"])
        test_fantel_end(tap)


main()
