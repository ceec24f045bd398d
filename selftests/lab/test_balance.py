#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
Figure 4: R1 tells of the utilization of its link to R2, R4 of its own load, and the ingress PE shares
its traffic by what it hears. The network answers back: what is told follows the traffic that the
ingress PE really sends each way, measured at its counters. policies/ingress-pe-balance.json.
"""
import copy
import json
import os
import signal
import threading
import time

import lab as figure
import routers
from lab import Lab
from tap import Tap
from traffic import Traffic

LINK, NODE = "via-r1-r2", "via-r3-r4"  # what crosses the link, what crosses R4
OWN = 0.6  # load of a way that carries all of the ingress PE's traffic, and nobody else's
EVERY = 0.2  # s
ORIGIN = {LINK: "r1", NODE: "r4"}


def example():
    with open(os.path.join(figure.TREE, "policies", "ingress-pe-balance.json"), encoding="utf-8") as file:
        return json.load(file)["fantel:fantel"]


class Network:
    """Tells the ingress PE, every so often, how busy its two ways are: `others` is what else they carry."""

    def __init__(self, lab, pe1):
        self.lab, self.pe1 = lab, pe1
        self.others = {LINK: 0.0, NODE: 0.0}
        self.share = {LINK: 0.5, NODE: 0.5}
        self.failure = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()

    def _run(self):
        try:
            before = self._packets()
            while not self._done.wait(EVERY):
                now = self._packets()
                sent = {path: now[path] - before[path] for path in now}
                before = now
                total = sum(sent.values())
                if total:
                    self.share = {path: count / total for path, count in sent.items()}
                    self._tell()
        except figure.LabError as error:
            self.failure = error

    def _packets(self):
        return {name: path["packets"] for name, path in self.pe1.paths().items()}

    def _tell(self):
        load = {path: min(0.99, OWN * self.share[path] + self.others[path]) for path in self.share}
        self._send(LINK, "--ipv6-interface", "2001:db8:1:1112::11", "--ipv6-neighbor", "2001:db8:1:1112::12",
                   "--link-capacity", "1G", "--utilized-bandwidth", int(load[LINK] * 10**9))
        self._send(NODE, "--local-node", "router-id=198.51.100.14", "--node-load", f"{round(load[NODE] * 100)},40")

    def _send(self, path, *what):
        self.lab.run(ORIGIN[path], routers.FANTEL, "send", "--type", "load-balancing", "--to", figure.loopback("pe1"),
                     "--from", figure.loopback(ORIGIN[path]), "--domain", 64500, "--validity", 3000, *what)


def start(lab, said="running", **group):
    """The ingress PE with this in its group; `said` is its loader's word once it is up."""
    policy = copy.deepcopy(example())
    policy["group"][0].update(group)
    pe1 = routers.Router(lab, "pe1", policy)
    if not routers.until(lambda: said in pe1.errors() and pe1.ready(), routers.START):
        raise figure.LabError(f"not ready: {pe1.errors()}")
    return pe1


def members(pe1):
    group = next(group for group in pe1.ask("status")["groups"] if group["name"] == "dc2")
    return {member["path"]: member for member in group["members"]}


def steady_share(network, path):
    """The mean of two seconds, once what changed has had its time."""
    time.sleep(5)
    shares = []
    for _ in range(10):
        time.sleep(EVERY)
        shares.append(network.share[path])
    return sum(shares) / len(shares)


def check_order(tap, measurement, sentence):
    late = {flow: len(list(measurement.out_of_order(flow))) for flow in range(len(measurement.sent))}
    tap.equal(sum(late.values()), 0, sentence)


def test_follows(tap):
    with Lab() as lab:
        pe1 = start(lab)
        with Traffic(lab, rate=20000, flows=256) as traffic, Network(lab, pe1) as network:
            even = steady_share(network, LINK)
            network.others[LINK] = 0.35
            busy_link = steady_share(network, LINK)
            weights = members(pe1)
            told = pe1.ask("status")["metrics"]
            network.others.update({LINK: 0.0, NODE: 0.35})
            busy_node = steady_share(network, LINK)
        tap.note(f"share of {LINK}: {even:.0%} at first, {busy_link:.0%} beside other traffic on R1-R2, "
                 f"{busy_node:.0%} while R4 is busy")
        tap.ok(not network.failure, "what R1 and R4 say can be sent", network.failure)
        tap.ok(0.42 < even < 0.58, "two ways that are as busy share the traffic evenly", even)
        tap.ok(busy_link < 0.44, "utilization of the link R1-R2 rises: less traffic by it", busy_link)
        tap.ok(busy_node > 0.56, "load of the node R4 rises: more traffic by the link", busy_node)
        tap.ok(weights[LINK]["effective-weight"] < weights[LINK]["weight"] < weights[NODE]["effective-weight"],
               "status shows policy's weights and the present ones", weights)
        tap.equal({row["resource"]: row["originator"] for row in told},
                  {"r1-r2": figure.loopback("r1"), "r4": figure.loopback("r4")},
                  "status shows who told of which link and node")
        for moving in (True, False):
            tap.ok(pe1.wait(event="weight", path=LINK, moving=moving),
                   f"an event says that a weight {'begins to move' if moving else 'rests again'}", pe1.events[-5:])
        back = routers.until(lambda: all(m["effective-weight"] == m["weight"] for m in members(pe1).values()), 30)
        tap.ok(back, "when the metrics have expired, policy's weights are back", members(pe1))
        tap.equal(pe1.ask("status")["metrics"], [], "and what was told is forgotten")
        m = traffic.measurement
        tap.equal(sum(m.sent) - m.summary["received"]["received"], 0, "no packet is lost on the way")
        check_order(tap, m, "no packet is out of order: flows moved in their gaps")


def test_keeps(tap, **ordering):
    """Flows that never pause stay where they are, while the weights move."""
    with Lab() as lab:
        pe1 = start(lab, **ordering)
        with Traffic(lab, rate=20000, flows=64) as traffic, Network(lab, pe1) as network:
            time.sleep(1)
            network.others[LINK] = 0.39
            moved = routers.until(lambda: members(pe1)[LINK]["effective-weight"] < 0.8)
            time.sleep(1)
        name = ordering["ordering"]
        tap.ok(moved and not network.failure, f"{name}: the weights follow the metrics", members(pe1), network.failure)
        m = traffic.measurement
        ways = {}
        for _, _, _, flow, way in m.tapped:
            ways.setdefault(flow, set()).add(way)
        tap.equal(sum(len(way) > 1 for way in ways.values()), 0, f"{name}: no flow without gaps leaves its path")
        check_order(tap, m, f"{name}: no packet is out of order")


def test_restart(tap):
    """Weights that metrics moved, and with them the flows, outlive the loader."""
    with Lab() as lab:
        pe1 = start(lab)
        for _ in range(8):
            lab.run("r4", routers.FANTEL, "send", "--type", "load-balancing", "--to", figure.loopback("pe1"),
                    "--from", figure.loopback("r4"), "--domain", 64500, "--validity", 60000,
                    "--local-node", "router-id=198.51.100.14", "--node-load", "95,40")
            time.sleep(EVERY)
        moved = members(pe1)[NODE]["effective-weight"]
        lab.stop(pe1.process, signal.SIGKILL)
        left = members(pe1)[NODE]["effective-weight"]
        again = start(lab, said="taken over")
        found = members(again)[NODE]["effective-weight"]
        tap.ok(left <= moved < 0.8, "without a loader the weights stay as they are", moved, left)
        tap.ok(0.5 * left < found <= left, "a loader that takes over goes on from there", left, found)
        lab.stop(again.process)
        start(lab, member=[{"path": LINK, "weight": 3}, {"path": NODE, "weight": 3}])
        begun = routers.until(lambda: members(again)[NODE]["effective-weight"] > 2)
        tap.ok(begun, "and begins anew where policy changed the weights", members(again))


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("load balancing", why)
            return
        test_follows(tap)
        test_keeps(tap, ordering="strict")
        test_keeps(tap, ordering="flowlet", **{"flowlet-gap": 2000000})
        test_restart(tap)


main()
