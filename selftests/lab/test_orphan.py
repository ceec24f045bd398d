#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
Routers without a loader, for so long that nothing it wrote is believed any more: failures are still
notified and acted on, by what the FIB shows; they end by validity, because nobody tells of
recoveries; what the loader wrote last does harm to nobody; and a loader that comes back knows what
was told without it.
"""
import signal
import time

import lab as figure
import routers
from lab import Lab
from tap import Tap
from traffic import Traffic

VALIDITY_MS = 1500
STALE = 3.5  # s; after that nothing a loader wrote counts
RATE = 20000
FEW = 100  # packets
PATH = "via-r1-r2"


def change(_node, policy):
    policy["notification"] = {"hold-down": 200, "validity": VALIDITY_MS}


def orphan(lab, nodes):
    for router in nodes.values():
        lab.stop(router.process, signal.SIGKILL)
    time.sleep(STALE)


def adopt(lab, nodes):
    """Start all loaders again."""
    for node, router in nodes.items():
        said = len(router.errors())
        nodes[node] = new = routers.Router(lab, node, router.policy)
        if not routers.until(lambda: ": taken over" in new.errors()[said:] and new.ready(), routers.START):
            raise figure.LabError(f"{new.name}: did not take over: {new.errors()[said:]}")


def lost(measurement):
    m = measurement
    return sum(m.way(flow, sequence) is None for flow in range(len(m.sent)) for sequence, _ in m.missing(flow))


def lost_between(m, first_ns, last_ns):
    return sum(m.way(*packet) is None for packet in m.lost_between(first_ns, last_ns))


def check_loss(tap, m, cut, reaction):
    """How long it took is noted: a machine that others use lets the kernel wait, too."""
    sentence = "nothing is lost before the cut, nor once a packet took another path"
    if list(m.doubts()):
        tap.skip(sentence, "; ".join(m.doubts()))
        return
    moved = reaction.first[0] if reaction.first else 0
    found = lost_between(m, 0, cut), lost_between(m, moved, moved + VALIDITY_MS * 10**6 // 2)
    tap.equal(found, (0, 0), sentence)
    tap.note(f"{lost(m)} packets were lost, and the first that was not left {(moved - cut) / 1e6:.1f} ms after the cut")


def usable(nodes, name=PATH):
    return nodes["pe1"].paths()[name]["usable"]


def notified(nodes):
    counters = {row["reason"]: row["packets"] for row in nodes["r1"].ask("counters")["counters"]}
    return counters.get("notified", 0)


def test_reaction(tap, lab, nodes, how):
    orphan(lab, nodes)
    before = notified(nodes)
    with Traffic(lab, rate=RATE) as traffic:
        time.sleep(0.3)
        cut, _ = lab.cut("r1", "r2", how)
        given_up = routers.until(lambda: not usable(nodes))
        time.sleep(0.2)
    m = traffic.measurement
    reaction = m.after_cut(cut, {PATH})
    tap.ok(given_up and reaction.hit and reaction.first,
           f"no loader anywhere, a cut by {how}: R1 notifies, and the ingress PE moves the flows",
           f"given up {given_up}, {len(reaction.hit)} flows, first {reaction.first}")
    check_loss(tap, m, cut, reaction)
    tap.ok(notified(nodes) > before, "R1 has counted what it sent", before)


def flows_again(tap, lab, nodes, sentence):
    """The link is mended. The path comes back by validity, stays, and carries."""
    lab.mend("r1", "r2")
    tap.ok(routers.until(lambda: usable(nodes)), f"{sentence}: the path comes back by validity")
    with Traffic(lab, rate=RATE) as traffic:
        time.sleep(VALIDITY_MS / 1000)
    m = traffic.measurement
    carried = sum(m.ways[way] == PATH for *_, way in m.tapped)
    tap.ok(carried and usable(nodes), "and carries packets again", carried, nodes["pe1"].paths()[PATH])
    tap.ok(lost(m) < FEW, "all but a few", lost(m), *m.doubts())


def test_return(tap, lab, nodes):
    flows_again(tap, lab, nodes, "the link is mended, and no loader sees it")
    with Traffic(lab, rate=RATE) as traffic:
        time.sleep(0.2)
        adopt(lab, nodes)
        time.sleep(0.5)
    tap.ok(lost(traffic.measurement) == 0, "loaders that start again do no harm", lost(traffic.measurement),
           *traffic.measurement.doubts())
    tap.equal([name for name, path in nodes["pe1"].paths().items() if not path["usable"]], [],
              "and leave every path usable")


def test_old_down(tap, lab, nodes, how):
    """The last that the loader wrote is that the link is down."""
    with Traffic(lab, rate=RATE):
        cut, _ = lab.cut("r1", "r2", how)
        nodes["pe1"].wait(cut, path=PATH, usable=False)
    orphan(lab, nodes)
    flows_again(tap, lab, nodes, f"cut by {how} before the loaders died, mended after")
    adopt(lab, nodes)


def test_own_port(tap, lab, nodes, how):
    """The ingress PE's own link fails: nobody notifies, and next hops are not fresh."""
    failed = {name for name, segments in figure.segments_of(nodes["pe1"].policy).items()
              if figure.crosses(segments, "pe1", "r1")}
    orphan(lab, nodes)
    with Traffic(lab, rate=RATE) as traffic:
        time.sleep(0.3)
        cut, _ = lab.cut("pe1", "r1", how)
        time.sleep(0.5)
    m = traffic.measurement
    reaction = m.after_cut(cut, failed)
    tap.ok(reaction.hit and reaction.first and reaction.first[2] not in failed,
           f"the ingress PE's own link cut by {how}: its flows take the other one", reaction.hit, reaction.first)
    check_loss(tap, m, cut, reaction)
    lab.mend("pe1", "r1")
    adopt(lab, nodes)
    with Traffic(lab, rate=RATE) as traffic:
        time.sleep(0.5)
    m = traffic.measurement
    tap.ok(sum(m.ways[way] in failed for *_, way in m.tapped) and not lost(m),
           "with a loader and the link mended they share both again", lost(m), *m.doubts())


def for_ever(_node, policy):
    policy["notification"] = {"hold-down": 200, "validity": 0}


def test_withdrawal(tap, lab, nodes, lasts):
    """R1 tells of a cut without its loader, and nothing ends that but what R1 says itself."""
    r1, pe1 = nodes["r1"], nodes["pe1"]
    lab.stop(r1.process, signal.SIGKILL)
    time.sleep(STALE)
    with Traffic(lab, rate=RATE):
        cut, _ = lab.cut("r1", "r2")
        told = pe1.wait(cut, path=PATH, usable=False)
    if not lasts:
        lab.mend("r1", "r2")
    start = figure.now_ns()
    nodes["r1"], _ = routers.again(lab, r1)
    if lasts:
        down = nodes["r1"].wait(start, event="link", link="r2", up=False)
        tap.ok(told and down and down["event-id"] == told["event-id"] and not usable(nodes),
               "a cut that was told of without a loader: the next loader knows it by the same name", told, down)
        lab.mend("r1", "r2")
    tap.ok(routers.until(lambda: usable(nodes)), f"its end, {'with' if lasts else 'before'} that loader, is told", told)
    cut, _ = lab.cut("r1", "r2")
    down = nodes["r1"].wait(cut, event="link", link="r2", up=False)
    tap.ok(told and down and down["event-id"] != told["event-id"], "and another failure has another name", told, down)
    lab.mend("r1", "r2")
    nodes["r1"].wait(cut, event="link", link="r2", up=True)


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("routers without a loader", why)
            return
        with Lab() as lab:
            nodes = routers.start(lab, change=change)
            test_reaction(tap, lab, nodes, "admin")
            test_return(tap, lab, nodes)
            # Or the FIB goes on to show a route whose port has no carrier.
            ignore = "net.ipv6.conf.all.ignore_routes_with_linkdown"
            lab.run("r1", "sysctl", "-qw", f"{ignore}=1")
            test_reaction(tap, lab, nodes, "carrier")
            test_return(tap, lab, nodes)
            lab.run("r1", "sysctl", "-qw", f"{ignore}=0")
            for how in ("admin", "carrier"):
                test_old_down(tap, lab, nodes, how)
            for how in ("admin", "carrier"):
                test_own_port(tap, lab, nodes, how)
        with Lab() as lab:
            nodes = routers.start(lab, ("pe1", "r1"), for_ever)
            for lasts in (True, False):
                test_withdrawal(tap, lab, nodes, lasts)


main()
