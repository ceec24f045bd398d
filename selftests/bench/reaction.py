#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
Reaction times in the lab: the link R1-R2 is cut again and again under RoCEv2 traffic, and the way
from the cut to the first rerouted packet is taken apart. `make bench` runs it, as root. It measures
and judges nothing: a slow machine is not a failure.
"""
import argparse
import json
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lab"))

import lab as figure  # noqa: E402
import routers  # noqa: E402
from lab import Lab, LabError  # noqa: E402
from traffic import Traffic  # noqa: E402

OUT = os.path.join(figure.BUILD, "bench", "reaction.json")
FAILED = {"via-r1-r2"}
BEFORE, DURING = 0.25, 0.1  # seconds of traffic before the cut, and after the ingress PE changed

# (name, from, to): the first four follow one another
PARTS = (
    ("cut -> R1's loader saw it", "cut", "seen"),
    ("-> notification left R1", "seen", "told"),
    ("-> ingress PE changed", "told", "changed"),
    ("-> first rerouted packet at the egress PE", "changed", "arrived"),
    ("cut -> first rerouted packet sent by dc1", "cut", "sent"),
    ("cut -> first rerouted packet at the egress PE", "cut", "arrived"),
    ("cut -> last packet over the failed path", "cut", "last"),
    ("last packet there -> first elsewhere", "last", "arrived"),
    ("the cut itself: the kernel closes the port", "cut", "closed"),
)


SILENT_PARTS = (
    ("cut -> R1's loader saw it", "cut", "seen"),
    ("-> ingress PE told of the link", "seen", "link"),
    ("-> and of the last tunnel", "link", "tunnels"),
    ("cut -> all told", "cut", "tunnels"),
    ("the cut itself: the kernel closes the port", "cut", "closed"),
)
TUNNELS = ("via-r1-r2", "via-r1-r2-v4")


class Timed:
    """Times of one cut, by name."""

    times = {}

    def part_us(self, first, last):
        if self.times.get(first) is None or self.times.get(last) is None:
            return None
        return (self.times[last] - self.times[first]) / 1e3


class SilentCut(Timed):
    """One cut while nothing flows: R1 tells the ingress PE whose tunnels it has learned."""

    def __init__(self, lab, nodes, how):
        r1, pe1 = nodes["r1"], nodes["pe1"]
        cut, closed = lab.cut("r1", "r2", how)
        link = pe1.wait(cut, resource="r1-r2", usable=False)
        seen = r1.wait(cut, event="link", link="r2", up=False)
        tunnels = [pe1.wait(cut, path=path, event="notification") for path in TUNNELS]
        _, mended = lab.mend("r1", "r2")
        if not pe1.wait(mended, resource="r1-r2", usable=True) or not all((link, seen, *tunnels)):
            raise LabError("the link did not come back, or the ingress PE was not told")
        self.times = {"cut": cut, "closed": closed, "seen": seen["monotonic-ns"], "link": link["monotonic-ns"],
                      "tunnels": max(event["monotonic-ns"] for event in tunnels)}


class Cut(Timed):
    """One cut: its times, and what it did to the packets."""

    def __init__(self, lab, nodes, options, how):
        r1, pe1 = nodes["r1"], nodes["pe1"]
        with Traffic(lab, options.family, options.rate, options.flows) as traffic:
            time.sleep(BEFORE)
            cut, closed = lab.cut("r1", "r2", how)
            events = {"seen": r1.wait(cut, event="link", link="r2", up=False),
                      "told": r1.wait(cut, event="notified", kind="failure"),
                      "changed": pe1.wait(cut, usable=False)}
            time.sleep(DURING)
        _, mended = lab.mend("r1", "r2")
        if not pe1.wait(mended, usable=True):
            raise LabError("the path did not come back")
        m = traffic.measurement
        failed = {name for name in m.ways if name.removesuffix("-v4") in FAILED}
        reaction = m.after_cut(cut, failed)
        self.doubts = list(m.doubts())
        self.times = {"cut": cut, "closed": closed, "last": reaction.last_rx_ns}
        self.times.update((name, event["monotonic-ns"]) for name, event in events.items() if event)
        if reaction.first:
            self.times["sent"], self.times["arrived"], _ = reaction.first
        self.latency_us = m.summary["received"]["latency_ns"]["mean"] / 1e3
        self.lost = sum(len(list(m.missing(flow))) for flow in reaction.hit)
        self.lost_spared = sum(len(list(m.missing(flow))) for flow in reaction.spared)
        self.disorder_hit = sum(len(list(m.out_of_order(flow))) for flow in reaction.hit)
        self.disorder_spared = sum(len(list(m.out_of_order(flow))) for flow in reaction.spared)
        self.stalls = m.summary["sent"]["stalls"]

    def kernel_us(self):
        """What passes before fantel is told, and after it has decided: closing the port, the netlink
        news and waking the loader; carrying a packet from dc1 to dc2."""
        seen = self.part_us("cut", "seen")
        return None if seen is None else seen + self.latency_us

    def fantel_us(self):
        whole, kernel = self.part_us("cut", "arrived"), self.kernel_us()
        return None if None in (whole, kernel) else whole - kernel


def print_row(name, values, unit=""):
    values = [value for value in values if value is not None]
    if not values:
        print(f"  {name:<46} not seen")
        return
    low, *_, high = sorted(values) if len(values) > 1 else values * 2
    print(f"  {name:<46} {statistics.median(values):10.1f} {low:10.1f} {high:10.1f}"
          f" {statistics.mean(values):10.1f}  {len(values):4d} {unit}")


def report(how, cuts, options):
    print(f"\nR1-R2 cut by {how}, {len(cuts)} times: {options.rate} packets/s, {options.flows} queue pairs,"
          f" IPv{options.family} in SRv6")
    print(f"  {'microseconds':<46} {'median':>10} {'min':>10} {'max':>10} {'mean':>10}  {'n':>4}")
    for name, first, last in PARTS:
        print_row(name, [cut.part_us(first, last) for cut in cuts])
    print_row("of it, the kernel: port down, news, forwarding", [cut.kernel_us() for cut in cuts])
    print_row("of it, fantel and waiting for a packet", [cut.fantel_us() for cut in cuts])
    print_row("latency dc1 to dc2, mean of each run", [cut.latency_us for cut in cuts])
    print(f"  {'packets a cut':<46}")
    print_row("lost, flows of the failed path", [cut.lost for cut in cuts])
    print_row("lost, other flows", [cut.lost_spared for cut in cuts])
    print_row("out of order, flows of the failed path", [cut.disorder_hit for cut in cuts])
    print_row("out of order, other flows", [cut.disorder_spared for cut in cuts])
    stalls = sum(cut.stalls for cut in cuts)
    if stalls:
        print(f"  the sender was held up for more than 2 ms {stalls} times (other work on this machine)")
    for doubt in sorted({doubt for cut in cuts for doubt in cut.doubts}):
        print(f"  DOUBTFUL: {doubt}")


def report_silent(how, cuts):
    print(f"\nR1-R2 cut by {how}, {len(cuts)} times, while nothing flows: {len(TUNNELS)} tunnels were learned")
    print(f"  {'microseconds':<46} {'median':>10} {'min':>10} {'max':>10} {'mean':>10}  {'n':>4}")
    for name, first, last in SILENT_PARTS:
        print_row(name, [cut.part_us(first, last) for cut in cuts])


def silent(options):
    """The same without traffic."""
    def unasked(node, policy):
        change(node, policy)
        policy["notification"] |= {"validity": 0, "unasked": {"sample": 4}}

    series = []
    with Lab() as lab:
        nodes = routers.start(lab, change=unasked, options=("--realtime",))
        for family in (6, 4):
            with Traffic(lab, family, rate=5000):
                routers.until(lambda n=family: any(row["link"] == "r2" and row["tunnels"] == (1 if n == 6 else 2)
                                                   for row in nodes["r1"].ask("status")["learned"]))
        for how in options.how or ("admin", "carrier"):
            cuts = [SilentCut(lab, nodes, how) for _ in range(options.cuts)]
            report_silent(how, cuts)
            series.append({"how": how, "rate": 0, "microseconds": {
                name: [cut.part_us(first, last) for cut in cuts] for name, first, last in SILENT_PARTS}})
    return series


def as_json(how, cuts, options):
    rows = {name: [cut.part_us(first, last) for cut in cuts] for name, first, last in PARTS}
    return {"how": how, "rate": options.rate, "flows": options.flows, "family": options.family,
            "microseconds": rows, "lost": [cut.lost for cut in cuts],
            "lost_other_flows": [cut.lost_spared for cut in cuts],
            "out_of_order": [cut.disorder_hit for cut in cuts],
            "out_of_order_other_flows": [cut.disorder_spared for cut in cuts],
            "doubts": [doubt for cut in cuts for doubt in cut.doubts]}


def arguments():
    parser = argparse.ArgumentParser(description="Reaction times over many cuts.")
    parser.add_argument("--cuts", type=int, default=20, help="of each kind")
    parser.add_argument("--how", choices=("admin", "carrier"), action="append",
                        help="default: both")
    parser.add_argument("--rate", type=int, default=50000, help="packets/s")
    parser.add_argument("--flows", type=int, default=32, help="queue pairs")
    parser.add_argument("--family", type=int, choices=(4, 6), default=6)
    return parser.parse_args()


def change(_node, policy):
    policy["notification"] = {"hold-down": 100}  # only so that the cuts follow one another sooner


def main():
    options = arguments()
    try:
        with Lab() as lab:
            nodes = routers.start(lab, change=change, options=("--realtime",))
            series = []
            for how in options.how or ("admin", "carrier"):
                cuts = [Cut(lab, nodes, options, how) for _ in range(options.cuts)]
                report(how, cuts, options)
                series.append(as_json(how, cuts, options))
        series += silent(options)
    except LabError as error:
        print(f"reaction: {error}", file=sys.stderr)
        return 1
    os.makedirs(os.path.dirname(OUT), exist_ok=True)
    with open(OUT, "w", encoding="utf-8") as out:
        json.dump(series, out, indent="\t")
    return 0


if __name__ == "__main__":
    sys.exit(main())
