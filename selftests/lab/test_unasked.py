#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
A link fails while nothing flows: R1, which learned whose tunnels leave by it, tells the ingress PE all
the same, of the link and of each tunnel, and of their recovery. How fast is printed.
"""
import signal
import statistics
import time

import lab as figure
import routers
from lab import Lab, loopback
from tap import Tap
from traffic import Traffic

PATHS = ("via-r1-r2", "via-r1-r2-v4")
TIMES = 10


def change(_node, policy):
    policy["notification"] = {"hold-down": 50, "validity": 0, "unasked": {"sample": 4}}


def learned(r1):
    """(ingress PE, tunnels) of those learned on R1-R2, from R1's status."""
    rows = [row for row in r1.ask("status")["learned"] if row["link"] == "r2"]
    return [(row["ingress"], row["tunnels"]) for row in rows]


def test_learning(tap, lab, r1):
    tap.equal(learned(r1), [], "before any traffic nothing is learned")
    for family in (6, 4):
        with Traffic(lab, family, rate=5000):
            routers.until(lambda n=family: learned(r1) == [(loopback("pe1"), 1 if n == 6 else 2)])
    tap.equal(learned(r1), [(loopback("pe1"), 2)], "R1 learns both tunnels that leave by R1-R2, and whose they are")


def test_cut(tap, lab, r1, pe1, how):
    cut, _ = lab.cut("r1", "r2", how)
    link = pe1.wait(cut, resource="r1-r2", usable=False)
    paths = [pe1.wait(cut, path=path, event="notification") for path in PATHS]
    what = f"without any traffic ({how}):"
    tap.ok(link and not link.get("tunnel") and link["from"] == loopback("r1"),
           f"{what} the ingress PE is told of the link", pe1.events[-5:])
    tap.ok(all(paths), f"{what} and of each tunnel", pe1.events[-5:])
    tap.ok(all(not pe1.paths()[path]["usable"] for path in PATHS), f"{what} its paths are given up")

    def said():
        return [event for event in list(r1.events) if event["event"] == "notified" and event["monotonic-ns"] >= cut]

    routers.until(lambda: len(said()) >= 3)  # R1's events come by another way than its messages
    tap.ok(len(said()) == 3 and "tunnel" not in said()[0],
           f"{what} one message for the link, first, and one for each tunnel", said())
    mended, _ = lab.mend("r1", "r2")
    back = pe1.wait(mended, resource="r1-r2", usable=True)
    tap.ok(back and routers.until(lambda: all(pe1.paths()[path]["usable"] for path in PATHS)),
           f"{what} and told of the recovery, by which all is usable again", pe1.events[-6:])
    tap.ok(routers.until(lambda: not r1.ask("status")["told"]), f"{what} of which nothing is left to tell",
           r1.ask("status")["told"])


def told(r1):
    """(event-id, copies) of what R1 noted about R1-R2."""
    return {(row["event-id"], row["sent"]) for row in r1.ask("status")["told"] if row["link"] == "r2"}


def test_no_route(tap, lab, r1, pe1):
    """The link fails anew while R1 has no route to the ingress PE: it hears of both, and of both ends."""
    unreachable = ("unreachable", f"{loopback('pe1')}/128", "metric", "1")
    cut, _ = lab.cut("r1", "r2")
    first = r1.wait(cut, event="notified", kind="failure")["event-id"]
    tap.ok(routers.until(lambda: not any(pe1.paths()[path]["usable"] for path in PATHS)), "the link fails")
    lab.run("r1", "ip", "-6", "route", "add", *unreachable)
    lab.mend("r1", "r2")
    tap.ok(routers.until(lambda: told(r1) == {(first, 0)}), "R1 can't say that it has recovered", told(r1))
    again, _ = lab.cut("r1", "r2")
    tap.ok(routers.until(lambda: [(event > first, sent) for event, sent in told(r1)] == [(True, 0)]),
           "nor that it failed again", told(r1))
    tap.equal(r1.wait(again, 0, event="notified"), None, "nothing has left")
    routed = figure.now_ns()
    lab.run("r1", "ip", "-6", "route", "del", *unreachable)
    second = r1.wait(routed, event="notified", kind="failure")
    tap.ok(second and second["event-id"] != first, "with a route it does", r1.events[-5:])
    ended = r1.wait(routed, event="notified", kind="failure-recovery", **{"event-id": first})
    tap.ok(second and ended and ended["monotonic-ns"] > second["monotonic-ns"], "and then that the first failure is over",
           r1.events[-5:])
    tap.ok(not any(pe1.paths()[path]["usable"] for path in PATHS), "all stays given up meanwhile", pe1.paths())
    mended, _ = lab.mend("r1", "r2")
    tap.ok(pe1.wait(mended, resource="r1-r2", usable=True) and
           routers.until(lambda: all(pe1.paths()[path]["usable"] for path in PATHS)), "with the second's end all is usable",
           pe1.events[-6:])
    tap.ok(routers.until(lambda: not r1.ask("status")["told"]), "and nothing is left to tell", told(r1))


def test_start(tap, lab, nodes, how):
    """It fails while no loader is there, but the packet path notes it."""
    pe1 = nodes["pe1"]
    lab.stop(nodes["r1"].process, signal.SIGKILL)
    cut, _ = lab.cut("r1", "r2", how)
    time.sleep(0.2)
    start = figure.now_ns()
    nodes["r1"], _ = routers.again(lab, nodes["r1"])
    tap.ok(pe1.wait(start, resource="r1-r2", usable=False) and all(pe1.wait(cut, path=path, usable=False) for path in PATHS),
           f"a link that failed ({how}) while there was no loader: the next one tells of it", pe1.events[-5:])
    mended, _ = lab.mend("r1", "r2")
    tap.ok(pe1.wait(mended, resource="r1-r2", usable=True) and
           routers.until(lambda: all(pe1.paths()[path]["usable"] for path in PATHS)), "and of its recovery", pe1.events[-6:])


def test_time(tap, lab, pe1, how):
    """Printed, never judged: from before the cut to the ingress PE that has marked the link."""
    took = []
    for _ in range(TIMES):
        cut, _ = lab.cut("r1", "r2", how)
        link = pe1.wait(cut, resource="r1-r2", usable=False)
        mended, _ = lab.mend("r1", "r2")
        if link and pe1.wait(mended, resource="r1-r2", usable=True):
            took.append(link["monotonic-ns"] - cut)
    if took:
        tap.note(f"cut ({how}) to the link marked on the ingress PE, no traffic, {len(took)} times: "
                 f"min {min(took) / 1e3:.0f}, median {statistics.median(took) / 1e3:.0f}, "
                 f"max {max(took) / 1e3:.0f} us")


def test_age(tap):
    """Who has not been seen for long is not told unasked."""
    def aged(node, policy):
        change(node, policy)
        policy["notification"]["unasked"]["age"] = 200

    with Lab() as lab:
        nodes = routers.start(lab, change=aged)
        with Traffic(lab, rate=5000):
            routers.until(lambda: learned(nodes["r1"]))
        time.sleep(0.5)
        cut, _ = lab.cut("r1", "r2")
        nodes["r1"].wait(cut, event="link", link="r2", up=False)
        tap.equal(nodes["r1"].wait(cut, 0.5, event="notified"), None,
                  "who was not seen for long is not told unasked")


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("a failure that no packet meets", why)
            return
        with Lab() as lab:
            nodes = routers.start(lab, change=change)
            r1, pe1 = nodes["r1"], nodes["pe1"]
            test_learning(tap, lab, r1)
            for how in ("carrier", "admin"):
                test_cut(tap, lab, r1, pe1, how)
            test_no_route(tap, lab, r1, pe1)
            for how in ("carrier", "admin"):
                test_start(tap, lab, nodes, how)
            for how in ("carrier", "admin"):
                test_time(tap, lab, pe1, how)
        test_age(tap)


main()
