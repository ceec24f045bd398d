#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
The draft's Figure 1, alive: RoCEv2 from dc1 to dc2 through SRv6 tunnels, the link R1-R2 is cut and
mended, and fantel moves the traffic. Shows what happens while it happens, then a table and a
picture. `make demo` runs it, as root; it makes everything it needs and removes it.
"""
import argparse
import heapq
import json
import os
import sys
import threading
import time

import lab as figure
import plot
import routers
from lab import Lab, LabError
from traffic import Traffic

LINK = ("r1", "r2")
BEFORE, DURING, AFTER = 1.5, 1.5, 1.0  # seconds of traffic before the cut, while it lasts, after the recovery
OUT = os.path.join(figure.BUILD, "demo")

TITLES = {"pe1": "ingress PE", "pe2": "egress PE"}


def title(node):
    return TITLES.get(node, node.upper())


class Screen:
    """What is printed while it happens: a line each, with the time since the cut. Lines wait a moment,
    because the routers' news come over seven pipes and should stand in the order of their times."""

    PATIENCE_NS = 60_000_000

    def __init__(self):
        self.zero_ns = figure.now_ns()
        self._waiting = []
        self._lock = threading.Lock()
        threading.Thread(target=self._print, daemon=True).start()

    def line(self, ns, who, words):
        with self._lock:
            heapq.heappush(self._waiting, (ns, who, words))

    def event(self, router, event):
        words = describe(event)
        self.line(event.get("monotonic-ns", figure.now_ns()), title(router.node), words)

    def _print(self):
        while True:
            time.sleep(0.02)
            self._flush(figure.now_ns() - self.PATIENCE_NS)

    def _flush(self, until_ns):
        with self._lock:
            while self._waiting and self._waiting[0][0] <= until_ns:
                ns, who, words = heapq.heappop(self._waiting)
                print(f"  {(ns - self.zero_ns) / 1e6:+12.3f} ms   {who:<11} {words}", flush=True)

    def finish(self):
        self._flush(figure.now_ns() + 10**9)


def describe(event):
    """An event of fantel in words."""
    kind = event["event"]
    tunnel = "-".join(title(figure.node_of(s) or s) for s in event.get("tunnel", ()) if isinstance(s, str))
    if kind == "link":
        cause = f" ({event['cause']})" if "cause" in event else ""
        return f"link to {title(event['link'])} is {'up' if event['up'] else 'down' + cause}"
    if kind == "notified":
        return f"notification leaves: {event['kind']}, link to {title(event.get('link', '?'))}, tunnel {tunnel}"
    if kind == "notification":
        about = f"path {event['path']} {event['reason']}" if "path" in event else event["reason"]
        return f"notification from {event['from']}: {event['kind']}, tunnel {tunnel}: {about}"
    if kind == "path":
        return f"path {event['path']} is {'usable again' if event['usable'] else 'not usable'}: {event['reason']}"
    return json.dumps(event)


class Story:
    """The times of one run. `fall` and `rise`: what happened after the cut, and after the mending."""

    def __init__(self, options):
        self.options = options
        self.screen = Screen()
        self.fall, self.rise = {}, {}
        self.measurement = None

    def run(self):
        say(f"Figure 1 in network namespaces: {len(figure.NODES)} nodes, {len(figure.LINKS)} links")
        with Lab() as lab:
            lab.return_tunnel()
            say("fantel run --realtime on " + ", ".join(title(node) for node in routers.ROUTERS))
            nodes = routers.start(lab, on_event=self.screen.event, options=("--realtime",))
            paths = figure.segments_of(nodes["pe1"].policy)
            self.failed = {name for name, segments in paths.items() if figure.crosses(segments, *LINK)}
            say(f"RoCEv2 from dc1 to dc2: {self.options.rate} packets/s, {self.options.flows} queue pairs,"
                f" IPv{self.options.family} in SRv6; after {BEFORE} s the link R1-R2 is cut")
            with Traffic(lab, self.options.family, self.options.rate, self.options.flows) as traffic:
                time.sleep(BEFORE)
                self.cut(lab, nodes)
                time.sleep(DURING)
                self.mend(lab, nodes)
                time.sleep(AFTER)
            self.screen.finish()
        self.measurement = traffic.measurement

    def cut(self, lab, nodes):
        at, _ = lab.cut(*LINK, self.options.cut)
        self.screen.zero_ns = self.fall["cut"] = at
        self.screen.line(at, "lab", f"the link R1-R2 is cut ({self.options.cut})")
        self.follow(self.fall, nodes, at, up=False, kind="failure")

    def mend(self, lab, nodes):
        at, _ = lab.mend(*LINK)
        self.screen.line(at, "lab", "the link R1-R2 is mended")
        self.rise["cut"] = at
        self.follow(self.rise, nodes, at, up=True, kind="failure-recovery")

    def follow(self, times, nodes, at, up, kind):
        """Wait for the chain of events; what does not come stays out."""
        r1, pe1 = nodes["r1"], nodes["pe1"]
        chain = (("seen", r1.wait(at, event="link", link="r2", up=up)),
                 ("told", r1.wait(at, event="notified", kind=kind)),
                 ("changed", pe1.wait(at, usable=up)))
        times.update((name, event["monotonic-ns"]) for name, event in chain if event)


def say(text):
    print(f"\n{text}", flush=True)


def row(what, value):
    print(f"  {what:<58} {value}")


def since(ns, zero_ns):
    return "not seen" if ns is None else f"{(ns - zero_ns) / 1e6:10.3f} ms"


def lost_between(measurement, first_ns, last_ns):
    return sum(first_ns <= ns < last_ns for flow in range(len(measurement.sent))
               for _, ns in measurement.missing(flow))


def disordered(measurement, flows, first_ns, last_ns):
    return sum(first_ns <= ns < last_ns for flow in flows for _, ns in measurement.out_of_order(flow))


def first_back(measurement, reaction, failed, after_ns):
    """(tx_ns, rx_ns) of the first packet that a flow which had moved sends over its old path again."""
    return next(((tx_ns, rx_ns) for tx_ns, rx_ns, _, flow, way in measurement.tapped
                 if tx_ns >= after_ns and flow in reaction.hit and measurement.ways[way] in failed), None)


def report(story):
    m, fall, rise = story.measurement, story.fall, story.rise
    cut, mended, end = fall["cut"], rise["cut"], m.end_ns + 10**9
    reaction = m.after_cut(cut, story.failed)
    hit, spared = reaction.hit, reaction.spared
    say(f"The cut   ({len(hit)} of {len(m.sent)} flows were on {', '.join(sorted(story.failed & set(m.ways)))})")
    row("R1 saw it", since(fall.get("seen"), cut))
    row("the notification left R1", since(fall.get("told"), cut))
    row("the ingress PE changed", since(fall.get("changed"), cut))
    sent, arrived, way = reaction.first or (None, None, "another path")
    row(f"first packet of theirs on {way}: sent", since(sent, cut))
    row("    reached the egress PE", since(arrived, cut))
    row("packets lost", f"{lost_between(m, cut - 10**8, mended - 10**8):10d}")
    row(f"packets out of order, the {len(hit)} flows of the failed path",
        f"{disordered(m, hit, cut, mended):10d}")
    row(f"packets out of order, the other {len(spared)} flows", f"{disordered(m, spared, 0, end):10d}")
    say("The mending")
    row("R1 saw it", since(rise.get("seen"), mended))
    row("the notification left R1, after the hold-down", since(rise.get("told"), mended))
    row("the ingress PE changed", since(rise.get("changed"), mended))
    back = first_back(m, reaction, story.failed, mended)
    row("first packet on the old path again: sent", since(back and back[0], mended))
    row("packets lost", f"{lost_between(m, mended - 10**8, end):10d}")
    row("packets out of order, the flows that moved back", f"{disordered(m, hit, mended, end):10d}")
    say("Altogether")
    row("packets sent / received", f"{sum(m.sent):10d} / {m.summary['received']['received']}")
    row("bad ICRC / duplicates", f"{m.bad_icrc():10d} / {m.duplicates()}")
    row("latency from host to host, mean", f"{m.summary['received']['latency_ns']['mean'] / 1e3:10.1f} us")
    for doubt in m.doubts():
        row("DOUBTFUL", doubt)
    return reaction, back


def marks(story, reaction, back):
    names = ((story.fall, "cut", "the link R1-R2 is cut"), (story.fall, "seen", "R1 sees it"),
             (story.fall, "told", "notification leaves R1"), (story.fall, "changed", "ingress PE changes"),
             (story.rise, "cut", "the link is mended"),
             (story.rise, "told", "recovery leaves R1"), (story.rise, "changed", "ingress PE changes"))
    found = [(times[name], words) for times, name, words in names if name in times]
    if reaction.first:
        found.append((reaction.first[1], f"first packet over {reaction.first[2]}"))
    if back:
        found.append((back[1], "first packet back on its path"))
    return sorted(found)


def window_ms(reaction, cut_ns):
    """What is drawn packet by packet: enough to see the reaction whole, no more."""
    took_ms = (reaction.first[0] - cut_ns) / 1e6 if reaction.first else 10
    high = max(2, 4 * took_ms)
    return -high / 4, high


def arguments():
    parser = argparse.ArgumentParser(description="The draft's Figure 1: a cut, the reaction, a picture.")
    parser.add_argument("--cut", choices=("admin", "carrier"), default="admin",
                        help="R1's end is set down, or R2's, so that R1 loses the carrier")
    parser.add_argument("--family", type=int, choices=(4, 6), default=6, help="what is inside the tunnels")
    parser.add_argument("--rate", type=int, default=50000, help="packets/s")
    parser.add_argument("--flows", type=int, default=32, help="queue pairs")
    return parser.parse_args()


def main():
    story = Story(arguments())
    try:
        story.run()
    except LabError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    os.makedirs(OUT, exist_ok=True)
    reaction, back = report(story)
    files = plot.draw(story.measurement, story.fall["cut"], marks(story, reaction, back),
                      window_ms(reaction, story.fall["cut"]),
                      f"Link R1-R2 is cut and mended: {story.options.rate:,} RoCEv2 packets/s over SRv6", OUT)
    say("Picture: " + ", ".join(os.path.relpath(file) for file in files))
    return 0


if __name__ == "__main__":
    sys.exit(main())
