# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
What the scenes of the demo have in common. A scene is a file scene_NAME.py with a class of its own:
it says which policies the routers have and what happens in the lab, and afterwards tells it as a
table and a picture. Here are the lab, the routers, what is printed meanwhile, and the table's rows.
"""
import heapq
import json
import os
import threading
import time

import lab as figure
import routers
from lab import Lab

OUT = os.path.join(figure.BUILD, "demo")

TITLES = {"pe1": "ingress PE", "pe2": "egress PE"}


def title(node):
    return TITLES.get(node, node.upper())


class Scene:
    """
    One run of a scene. A subclass has

    POLICIES        node -> name in policies/, where it is not the node's own
    play()          what happens, on self.lab with self.nodes; lines for self.screen
    report()        the table, once the lab is gone; returns what draw() needs
    draw(found)     the picture; returns its files
    """

    POLICIES = {}

    def __init__(self, options):
        self.options = options
        self.screen = Screen()
        self.lab, self.nodes = None, {}

    def run(self):
        say(f"Figure 1 in network namespaces: {len(figure.NODES)} nodes, {len(figure.LINKS)} links")
        with Lab() as self.lab:
            say("fantel run --realtime on " + ", ".join(title(node) for node in routers.ROUTERS))
            self.nodes = routers.start(self.lab, change=self._policy, on_event=self.event,
                                       options=("--realtime",))
            self.play()
            self.screen.finish()

    def event(self, router, event):
        """What a router tells."""
        self.screen.event(router, event)

    def _policy(self, node, policy):
        if node in self.POLICIES:
            policy.clear()
            policy.update(figure.read_policy(self.POLICIES[node]))

    def show(self):
        os.makedirs(OUT, exist_ok=True)
        files = self.draw(self.report())
        say("Picture: " + ", ".join(os.path.relpath(file) for file in files))


class Screen:
    """What is printed while it happens: a line each, with the time since zero_ns. Lines wait a moment,
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


RATES = {"lowered": "its rate is lowered", "risen": "its rate is whole again"}


def describe(event):
    """An event of fantel in words."""
    kind = event["event"]
    tunnel = "-".join(title(figure.node_of(s) or s) for s in event.get("tunnel", ()) if isinstance(s, str))
    if kind == "link":
        cause = f" ({event['cause']})" if "cause" in event else ""
        return f"link to {title(event['link'])} is {'up' if event['up'] else 'down' + cause}"
    if kind == "trouble":
        what = f"{event['cause']} of the link to {title(event['link'])}"
        return f"{what} is {'back to normal' if event['over'] else 'beyond its onset'}"
    if kind == "notified":
        return f"notification leaves: {event['kind']}, link to {title(event.get('link', '?'))}, tunnel {tunnel}"
    if kind == "notification":
        about = f"path {event['path']} {event['reason']}" if "path" in event else event["reason"]
        return f"notification from {event['from']}: {event['kind']}, tunnel {tunnel}: {about}"
    if kind == "weight":
        return f"the weight of path {event['path']} {'begins to move' if event['moving'] else 'rests'}, {event['effective']}"
    if kind == "path" and event["reason"] in RATES:
        return f"path {event['path']}: {RATES[event['reason']]}"
    if kind == "path":
        return f"path {event['path']} is {'usable again' if event['usable'] else 'not usable'}: {event['reason']}"
    return json.dumps(event)


# ---- the table ---------------------------------------------------------------------------------------

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


def altogether(measurement):
    """The rows that every scene ends with."""
    say("Altogether")
    row("packets sent / received", f"{sum(measurement.sent):10d} / {measurement.summary['received']['received']}")
    row("bad ICRC / duplicates", f"{measurement.bad_icrc():10d} / {measurement.duplicates()}")
    row("latency from host to host, mean", f"{measurement.summary['received']['latency_ns']['mean'] / 1e3:10.1f} us")
    for doubt in measurement.doubts():
        row("DOUBTFUL", doubt)
