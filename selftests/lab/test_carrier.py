#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
A carrier that is lost is read from the device itself: before netlink, whose news the kernel may hold back
for up to a second, and while the loader sleeps. Device and netlink together make one event. Both ends of
the link have the same index here: such a device is no urgent one for linkwatch, as no real one is.
"""
import calendar
import signal
import socket
import struct
import subprocess
import threading
import time

import lab as figure
import routers
from lab import Lab
from tap import Tap

NODES = ("r1", "r2")
FAR = {"r1": "r2", "r2": "r1"}
TIMES = 3
RTMGRP_LINK, RTM_NEWLINK, IFF_LOWER_UP = 1, 16, 1 << 16
INDEX = 1112
HELD_BACK_NS = 50 * 10**6


def one_index(node, neighbour):
    return INDEX if {node, neighbour} == set(NODES) else different(node, neighbour)


different, figure.ifindex = figure.ifindex, one_index


def change(node, policy):
    policy["port"] = [port for port in policy["port"] if port["name"] == FAR[node]]
    policy["notification"] = {"hold-down": 50}


class News:
    """What netlink says of R1's port: (when, ns since 1970; whether there is a carrier)."""

    def __init__(self, lab):
        def listen():
            netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
            netlink.bind((0, RTMGRP_LINK))
            return netlink

        self.heard = []
        self._socket = lab.inside("r1", listen)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            message = self._socket.recv(1 << 16)
            kind, = struct.unpack_from("=H", message, 4)
            index, flags = struct.unpack_from("=iI", message, 20)
            if kind == RTM_NEWLINK and index == INDEX:
                self.heard.append((time.time_ns(), bool(flags & IFF_LOWER_UP)))

    def wait(self, up, after=0):
        """When it was first said, after the first `after` news."""
        routers.until(lambda: any(state == up for _, state in self.heard[after:]))
        return next((when for when, state in self.heard[after:] if state == up), None)


def link(router):
    return router.ask("status")["links"][0]


def events(router, since):
    return [(event["up"], event["cause"]) for event in list(router.events)
            if event["event"] == "link" and event["monotonic-ns"] >= since]


def seen_ns(event):
    """When the packet path saw it, ns since 1970."""
    seconds, micros = event["detected"].removesuffix("Z").split(".")
    return calendar.timegm(time.strptime(seconds, "%Y-%m-%dT%H:%M:%S")) * 10**9 + int(micros) * 1000


def test_first(tap, lab, r1):
    """Each time but the first right after other news of the link: linkwatch holds back the next."""
    news = News(lab)
    ahead, found = [], []
    for _ in range(TIMES):
        before = len(news.heard)
        cut, _ = lab.cut("r1", "r2", "carrier")
        cut_wall = time.time_ns() - (figure.now_ns() - cut)
        down = r1.wait(cut, event="link", link="r2", up=False)
        told = news.wait(False, before)
        tap.note(f"carrier lost: seen after {(seen_ns(down) - cut_wall) / 1e6:.2f} ms, the loader's event after "
                 f"{(down['monotonic-ns'] - cut) / 1e6:.2f} ms, netlink's news after {(told - cut_wall) / 1e6:.2f} ms")
        ahead.append(told - seen_ns(down))
        before = len(news.heard)
        mended, _ = lab.mend("r1", "r2")
        news.wait(True, before)
        r1.wait(mended, event="link", link="r2", up=True)
        found.append(events(r1, cut))
    tap.ok(max(ahead) > HELD_BACK_NS, "a lost carrier is seen while the kernel holds back the news of it", ahead)
    tap.equal(found, [[(False, "carrier"), (True, "carrier")]] * TIMES, "and is one event, whoever sees it")


def test_asleep(tap, lab, r1, what):
    """Nothing is left to the loader but to tell."""
    r1.process.send_signal(signal.SIGSTOP)
    cut, _ = lab.cut("r1", "r2", "carrier")
    tap.ok(routers.until(lambda: not link(r1)["up"]), f"{what}: the packet path knows of it while the loader sleeps",
           link(r1))
    known = link(r1)
    r1.process.send_signal(signal.SIGCONT)
    down = r1.wait(cut, event="link", link="r2", up=False)
    tap.equal((down["cause"], down["event-id"]), (known["cause"], known["event-id"]),
              f"{what}: the loader tells it under the same id")
    mended, _ = lab.mend("r1", "r2")
    tap.ok(r1.wait(mended, event="link", link="r2", up=True), f"{what}: and that it is back")


def test_short(tap, lab, r1):
    """Gone and back before netlink says anything of it."""
    cut, _ = lab.cut("r1", "r2", "carrier")
    routers.until(lambda: not link(r1)["up"])
    mended, _ = lab.mend("r1", "r2")
    tap.ok(r1.wait(mended, event="link", link="r2", up=True), "a carrier that is lost for a moment", r1.events[-3:])
    tap.equal(events(r1, cut), [(False, "carrier"), (True, "carrier")], "is a failure all the same")


def test_port_goes(tap, lab, r1):
    lab.ip("r1", "link", "del", "r2")
    routers.until(lambda: "was removed" in r1.errors())
    back = figure.now_ns()
    lab.plug_again("r1", "r2")
    lab.mend("r1", "r2")
    r1.wait(back, event="link", link="r2", up=True)
    test_asleep(tap, lab, r1, "the device of a port that was removed and is back")


def test_off(tap, lab, r1):
    """With --carrier-poll 0 nobody looks, also where an earlier loader had it looked at."""
    lab.stop(r1.process)
    r1 = routers.Router(lab, "r1", r1.policy, options=("--carrier-poll", "0"))
    routers.until(lambda: "taken over" in r1.errors())
    r1.process.send_signal(signal.SIGSTOP)
    cut, _ = lab.cut("r1", "r2", "carrier")
    time.sleep(0.3)
    tap.ok(link(r1)["up"], "where nobody is to look, netlink is waited for", link(r1))
    r1.process.send_signal(signal.SIGCONT)
    tap.ok(r1.wait(cut, event="link", link="r2", up=False), "which tells it, too", r1.events)


def test_refusals(tap):
    for value in ("often", "-1", "0.01", "1001"):
        run = subprocess.run([routers.FANTEL, "run", f"--carrier-poll={value}", "policy"], capture_output=True,
                             text=True, check=False)
        tap.ok(run.returncode and f"`{value}' is neither 0 nor a number of milliseconds from 0.05 to 1000" in run.stderr,
               f"--carrier-poll={value} is refused", run.stderr)


def main():
    with Tap() as tap:
        test_refusals(tap)
        why = figure.missing()
        if why:
            tap.skip("a carrier that is lost", why)
            return
        with Lab(NODES) as lab:
            nodes = routers.start(lab, NODES, change=change)
            r1 = nodes["r1"]
            test_first(tap, lab, r1)
            test_asleep(tap, lab, r1, "a lost carrier")
            test_short(tap, lab, r1)
            test_port_goes(tap, lab, r1)
            test_off(tap, lab, r1)


main()
