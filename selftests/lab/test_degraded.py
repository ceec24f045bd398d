#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
Trouble that no packet shows: a link on which packets are bad, by the counters of a real interface, and a
node that is too busy. Who uses them is told (TYPE3), moves its traffic, and is told when it is over (TYPE4).
"""
import os
import socket
import threading
import time

import lab as figure
import routers
from lab import Lab, loopback
from tap import Tap
from traffic import Traffic

PRESSURE = "/proc/pressure/cpu"
UNKNOWN = 0x88B5  # an EtherType for experiments: nobody takes it, and the kernel counts a drop
NODES = ("pe1", "r1", "r2", "r3")


class Bad:
    """Frames that nobody takes, sent to a neighbour."""

    def __init__(self, lab, node, port):
        self._socket = lab.inside(node, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
        self._socket.bind((port, 0))
        self._frame = bytes.fromhex("ffffffffffff020000000001") + UNKNOWN.to_bytes(2, "big") + bytes(100)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)

    def _send(self):
        while not self._stop.wait(0.005):
            for _ in range(20):
                self._socket.send(self._frame)

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        self._socket.close()


class Pressure:
    """A file as the kernel's of pressure stall information."""

    def __init__(self, file):
        self.file, self._total = file, 0
        self.write()

    def write(self):
        with open(self.file + ".new", "w", encoding="ascii") as out:
            out.write(f"some avg10=0.00 avg60=0.00 avg300=0.00 total={self._total}\n"
                      "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n")
        os.rename(self.file + ".new", self.file)

    def busy(self, until):
        """All the time something waits, until there is what is waited for."""
        def more():
            self._total += 60 * 10**6
            self.write()
            return until()

        return routers.until(more)


def change(lab, pressure):
    def edit(node, policy):
        policy["notification"] = {"unasked": {"sample": 4}}
        if node == "r2":
            port = next(port for port in policy["port"] if port["name"] == "r1")
            port["watch"] = {"errors": {"count": ["rx-dropped"], "onset": 200000, "interval": 200, "hold-down": 600}}
            policy["notification"]["unasked"]["ingress"] = [loopback("pe2")]
        if node == "r1":
            policy["node-load"] = {"onset": 60, "end": 40, "interval": 100, "hold-down": 300,
                                   "pressure-file": pressure.file}
        if node == "r3" and os.access(PRESSURE, os.R_OK):
            policy["node-load"] = {"onset": 5, "interval": 200, "hold-down": 300}
    return edit


def measured(router, what):
    return next(row for row in router.ask("status")["measured"] if row["trouble"] == what)


def told(router, what):
    return {row["ingress"] for row in router.ask("status")["told"] if row["trouble"] == what}


def arriving(r2):
    return [(row["ingress"], row["arriving"]) for row in r2.ask("status")["learned"] if row["link"] == "r1"]


def test_errors(tap, lab, nodes):
    r2, pe1 = nodes["r2"], nodes["pe1"]
    with Traffic(lab, rate=5000):
        learned = routers.until(lambda: arriving(r2) == [(loopback("pe1"), 1)])
    tap.ok(learned, "R2 learns whose tunnels come by the link", arriving(r2))
    tap.equal((measured(r2, "errors")["of"], measured(r2, "errors")["on"]), ("r1", False), "a link without bad packets is well")
    start = figure.now_ns()
    with Bad(lab, "r1", "r2"):
        begins = r2.wait(start, event="trouble", link="r1", over=False)
        tap.ok(begins and begins["cause"] == "errors" and begins["anomalous"] and begins["loss-percent"] >= 20,
               "bad packets on a link are trouble", r2.events[-3:])
        link = pe1.wait(start, event="notification", resource="r1-r2", kind="congestion")
        tap.ok(link and link["cause"] == "errors" and link["congested"] and link["event-id"] == begins["event-id"],
               "while nothing flows the ingress PE is told of the link", pe1.events[-4:])
        sent = r2.wait(start, event="notified", to=loopback("pe1"), kind="congestion")
        tap.ok(sent and sent["anomalous"] and sent["loss-percent"] >= 20, "and of an anomalous loss", sent)
        path = pe1.wait(start, event="notification", path="via-r1-r2", kind="congestion")
        tap.ok(path and path["event-id"] == begins["event-id"], "and of its tunnel", pe1.events[-4:])
        row = measured(r2, "errors")
        tap.ok(row["on"] and row["event-id"] == begins["event-id"] and row["bad-per-million"] > row["end"],
               "status shows the trouble", row)
        tap.equal(told(r2, "errors"), {loopback("pe1"), loopback("pe2")},
                  "an ingress PE that policy names is told, too")
        lab.stop(r2.process)
        r2 = nodes["r2"] = routers.Router(lab, "r2", r2.policy)
        routers.until(lambda: "taken over" in r2.errors())
        time.sleep(1)
        row = measured(r2, "errors")
        tap.equal((row["on"], row["event-id"], r2.wait(0, 0, event="trouble")), (True, begins["event-id"], None),
                  "another loader goes on with what is on")
    over = r2.wait(start, event="trouble", link="r1", over=True)
    tap.ok(over and over["event-id"] == begins["event-id"], "without bad packets it is over", over)
    tap.ok(pe1.wait(start, event="path", resource="r1-r2", congested=False), "and the ingress PE is told", pe1.events[-4:])
    tap.ok(routers.until(lambda: not told(r2, "errors")), "of which nothing is left to tell", told(r2, "errors"))


def test_node(tap, nodes, pressure):
    r1, pe1 = nodes["r1"], nodes["pe1"]
    start = figure.now_ns()
    tap.ok(pressure.busy(lambda: r1.wait(start, 0, event="trouble", node="r1", over=False)),
           "a node whose work waits is in trouble", r1.events[-3:], measured(r1, "node-load"))
    tap.ok(pressure.busy(lambda: pe1.wait(start, 0, event="notification", resource="r1", kind="congestion")),
           "and the ingress PE is told of the node", pe1.events[-4:])
    event = pe1.wait(start, event="notification", resource="r1", kind="congestion")
    sent = r1.wait(start, event="notified", node="r1", kind="congestion")
    tap.ok(sent and sent["cause"] == event["cause"] == "utilization" and sent["cpu-percent"] >= 60 and
           "memory-percent" in sent, "of how busy it is, and how full", sent, event)
    over = r1.wait(start, event="trouble", node="r1", over=True)
    tap.ok(over and over["event-id"] == event["event-id"], "when nothing waits any more it is over", over)
    tap.ok(pe1.wait(start, event="path", resource="r1", congested=False),
           "and the ingress PE is told", pe1.events[-4:])


def test_real_load(tap, lab, nodes):
    """More to do than there are CPUs, as the kernel counts it."""
    if not os.access(PRESSURE, os.R_OK):
        tap.skip("a node that really is busy", "this kernel has no pressure stall information")
        return
    busy = [lab.spawn("r3", "timeout", "30", "sh", "-c", "while :; do :; done") for _ in range(2 * os.cpu_count())]
    found = nodes["r3"].wait(event="trouble", node="r3", over=False)
    for process in busy:
        lab.stop(process)
    tap.ok(found and found["cpu-percent"] >= 5, "a node that really is busy is in trouble", measured(nodes["r3"], "node-load"))


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("trouble that no packet shows", why)
            return
        with Lab() as lab:
            pressure = Pressure(os.path.join(lab.dir, "pressure"))
            nodes = routers.start(lab, NODES, change=change(lab, pressure))
            test_errors(tap, lab, nodes)
            test_node(tap, nodes, pressure)
            test_real_load(tap, lab, nodes)


if __name__ == "__main__":
    main()
