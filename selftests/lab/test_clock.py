#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
The clock is stepped, an hour forwards and two back, while routers run: failures hold as long as they
should, keys count by the time that it is now, no replay is believed, the originator still is, and events
have the new time. A clock is the whole machine's, so the test boots one of its own.
"""
import datetime
import json
import os
import signal
import sys
import time

import guests
import lab as figure
import routers
from lab import Lab
from tap import Tap
from traffic import Traffic

HOUR = 3600
NEAR = HOUR / 4  # of a clock that was stepped by hours
INSIDE = 280  # s, for all of it
VALIDITY_MS = 1500 * figure.SLOW
PATH = "via-r1-r2"
SECRETS = {1: "a1" * 16, 2: "b2" * 16}
AUTH = ("auth", "auth-missing", "auth-key", "auth-early", "auth-expired")


def at(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def write_keys(file, now):
    """The second follows the first between now and the hour to which the clock is stepped forwards."""
    change = at(now + HOUR / 2)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as out:
        out.write(f"1 siphash-2-4-128 {at(now - 2 * HOUR)} {change} {SECRETS[1]}\n"
                  f"2 siphash-2-4-128 {change} - {SECRETS[2]}\n")


def step(seconds):
    time.clock_settime(time.CLOCK_REALTIME, time.time() + seconds)


class Node:
    """The ingress PE; what it is told by R1, and by somebody who speaks for R3."""

    def __init__(self, tap, lab, nodes, keys):
        self.tap, self.lab, self.nodes, self.keys = tap, lab, nodes, keys
        self.pe1 = nodes["pe1"]
        self.sequence = int(time.time() + 2 * HOUR) << 32

    def counted(self, *reasons):
        counters = {row["reason"]: row["packets"] for row in self.pe1.ask("counters")["counters"]}
        return {reason: counters.get(reason, 0) for reason in reasons}

    def usable(self):
        return self.pe1.paths()[PATH]["usable"]

    def tell(self, key, sequence):
        segments = ",".join(figure.segments_of(self.pe1.policy)[PATH])
        self.lab.run("r3", routers.FANTEL, "send", "--from", figure.loopback("r3"), "--to", figure.loopback("pe1"),
                     "--srv6", segments, "--domain", self.pe1.policy["node"]["domain"], "--validity", VALIDITY_MS,
                     "--keys", self.keys, "--key-id", key, "--sequence", sequence)

    def refuses(self, sentence, reason, key, sequence):
        before = self.counted(reason)[reason]
        self.tell(key, sequence)
        self.tap.ok(routers.until(lambda: self.counted(reason)[reason] == before + 1) and self.usable(), sentence,
                    self.counted(reason))

    def holds_over(self, seconds, key):
        """A failure, and the clock is stepped while it counts."""
        self.sequence += 1
        start = figure.now_ns()
        self.tell(key, self.sequence)
        failed = self.pe1.wait(start, path=PATH, usable=False)
        step(seconds)
        early = self.usable()
        in_time = failed and figure.now_ns() - failed["monotonic-ns"] < VALIDITY_MS * 10**6
        over = self.pe1.wait(start, path=PATH, reason="expired")
        held = failed and over and (over["monotonic-ns"] - failed["monotonic-ns"]) / 1e6
        self.tap.ok(held and held >= VALIDITY_MS - 20 and not (early and in_time),
                    f"the clock is stepped by {seconds / HOUR:+.0f} h: a failure holds for its validity", failed, over, early)

    def knows_time(self):
        """Has R1's packet path the new offset of the wall clock?"""
        pin = os.path.join(self.lab.pin_root, "r1", "v1", "maps", "fantel_node")
        entry = json.loads(self.lab.run("r1", "bpftool", "-j", "map", "dump", "pinned", pin))[0]
        return abs(entry["formatted"]["value"]["wall_ns"] / 1e9 - time.time() + time.monotonic()) < NEAR

    def cut(self, sentence):
        """R1 is believed, by sequence and key, and what is told of it has the time that it is."""
        routers.until(self.knows_time)
        before = self.counted("stale", *AUTH)
        with Traffic(self.lab, rate=5000):
            start, _ = self.lab.cut("r1", "r2")
            gone = self.pe1.wait(start, path=PATH, usable=False)
        mended, _ = self.lab.mend("r1", "r2")
        back = self.pe1.wait(mended, path=PATH, usable=True)
        self.tap.ok(gone and back and self.counted("stale", *AUTH) == before, f"{sentence}: a cut and its end are believed",
                    gone, back, before, self.counted("stale", *AUTH), self.nodes["r1"].errors())
        told = [datetime.datetime.fromisoformat(event[member]).timestamp()
                for event in (gone, back, self.nodes["r1"].wait(start, event="link", link="r2", up=False))
                if event for member in ("time", "detected") if member in event]
        self.tap.ok(len(told) >= 4 and all(abs(when - time.time()) < NEAR for when in told),
                    "and have the time that it is", told, time.time())


def test_clock(tap, lab, nodes, keys):
    node = Node(tap, lab, nodes, keys)
    node.cut("before")
    node.holds_over(HOUR, 1)
    node.refuses("a key that has expired by the new time is refused", "auth-expired", 1, node.sequence + 1)
    node.refuses("a replay is recognised", "duplicate", 2, node.sequence)
    node.cut("an hour later, with the key of then")
    node.holds_over(-2 * HOUR, 2)
    node.refuses("a key that is not active yet by the new time is refused", "auth-early", 2, node.sequence + 1)
    node.refuses("a replay is recognised", "duplicate", 1, node.sequence)
    node.cut("an hour before, with the key of then")
    lab.stop(nodes["r1"].process, signal.SIGKILL)
    nodes["r1"], _ = routers.again(lab, nodes["r1"])
    node.cut("and with a loader that starts then")


def inside():
    """Run this test in a virtual machine, and return its exit code."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    return guests.machines.test_inside(INSIDE, "env", "SLOW=10", sys.executable, __file__)


def main():
    why = figure.missing()
    if not why and figure.shared():
        try:
            sys.exit(inside())
        except guests.machines.NoMachine as none:
            why = str(none)
    with Tap() as tap:
        if why:
            tap.skip("steps of the clock", why)
            return
        now = time.time()
        try:
            with Lab() as lab:
                keys = os.path.join(lab.dir, "keys")
                write_keys(keys, now)

                def change(_node, policy):
                    policy["notification"] = {"hold-down": 200, "validity": 0}
                    policy["authentication"] = {"key-file": keys, "sign-with": [1, 2], "mode": "require"}

                test_clock(tap, lab, routers.start(lab, ("pe1", "r1"), change), keys)
        finally:
            step(now - time.time())  # near enough


main()
