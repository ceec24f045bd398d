#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
R1's port to the ingress PE has more to send than its link carries. A notification that R5 sends through
R1, or R1's loader itself, is ahead of all that waits there, where the queue goes by DSCP or by the
kernel's priority, and behind it where it does not. Only the order counts; times are printed.
"""
import lab as figure
import queues
import routers
from lab import Lab, loopback
from tap import Tap
from traffic import Traffic

KBITS = 600 // figure.SLOW
PACKETS = 80  # no more than a socket may have waiting
IN_HAND = 2  # packets that a qdisc has taken out of its queue already, or the device has


def change(node, policy):
    policy["notification"] = {"validity": 0, "hold-down": 50}
    if node == "r1":
        policy["notification"]["unasked"] = {"sample": 1}


class Trial:
    """A full queue, something that makes R1 or R5 send, and what came to the ingress PE in which order.
    `sent_ns` is when it left, `heard` the event of the ingress PE, `waited` how many packets of the queue
    came after the one, `behind` after the other."""

    def __init__(self, lab, nodes, how, provoke, sender=None, **wanted):
        self.sent_ns = self.waited = self.behind = 0
        with queues.FullQueue(lab, "r1", "pe1", KBITS, how) as queue, queues.Arrivals(lab, "pe1", "r1") as arrivals:
            queue.fill(PACKETS)
            start = self.sent_ns = figure.now_ns()
            provoke()
            self.heard = nodes["pe1"].wait(start, event="notification", **wanted)
            sent = sender and sender.wait(start, event="notified", kind=wanted["kind"])
            if sent:
                self.sent_ns = sent["monotonic-ns"]
            self.all_came = routers.until(lambda: len(arrivals.times) == PACKETS)
            if self.heard:
                self.behind = arrivals.after(self.heard["monotonic-ns"])
            self.waited = arrivals.after(self.sent_ns)

    def judge(self, tap, ahead, sentence):
        if self.heard and self.waited <= IN_HAND:
            tap.skip(sentence, f"this machine was too busy: only {self.waited} packets still waited when it was sent")
            return
        right = self.heard and (self.behind > 0 if ahead else self.behind == 0)
        tap.ok(self.all_came and right, sentence, (self.all_came, self.waited, self.behind, self.heard))
        if self.heard:
            tap.note(f"{self.waited} packets waited when it was sent, {self.behind} came after it; "
                     f"under way for {(self.heard['monotonic-ns'] - self.sent_ns) / 1e6:.1f} ms")


def test_transit(tap, lab, nodes):
    """R5 loses R4: what dc1 sends there becomes a notification, which R1's kernel forwards."""
    for how, ahead in (("plain", False), ("by DSCP", True)):
        with Traffic(lab, rate=5000):
            trial = Trial(lab, nodes, how, lambda: lab.cut("r5", "r4"), nodes["r5"], kind="failure",
                          **{"from": loopback("r5")})
        trial.judge(tap, ahead, f"through a router whose queue is {how}: "
                    f"{'ahead of' if ahead else 'behind'} what waits there")
        mended, _ = lab.mend("r5", "r4")
        tap.ok(nodes["pe1"].wait(mended, usable=True), "and afterwards the path is usable again")


def test_own(tap, lab, nodes):
    """R1 loses R2 while nothing flows there: its loader tells of it."""
    r1, pe1 = nodes["r1"], nodes["pe1"]
    with Traffic(lab, rate=5000):
        routers.until(lambda: any(row["link"] == "r2" for row in r1.ask("status")["learned"]))
    for how in ("by priority", "by DSCP"):
        trial = Trial(lab, nodes, how, lambda: lab.cut("r1", "r2"), r1, kind="failure", resource="r1-r2")
        trial.judge(tap, True, f"from the loader, by a port whose queue is {how}: ahead of what waits there")
        mended, _ = lab.mend("r1", "r2")
        tap.ok(pe1.wait(mended, resource="r1-r2", usable=True), "and afterwards the link is usable again")


def test_unmarked(tap, lab, nodes):
    """One without the DSCP is as any other packet."""
    trial = Trial(lab, nodes, "by DSCP", lambda: lab.run("r5", routers.FANTEL, "send", "--to", loopback("pe1"), "--dscp", 0,
                                                         "--from", loopback("r5"), "--domain", 64500, "--event-id", 7,
                                                         "--cause", "admin-down", "--ip", "2001:db8::1"), **{"event-id": 7})
    trial.judge(tap, False, "one of another DSCP waits like the rest")


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("notifications in a full queue", why)
            return
        with Lab() as lab:
            nodes = routers.start(lab, change=change)
            test_transit(tap, lab, nodes)
            test_own(tap, lab, nodes)
            test_unmarked(tap, lab, nodes)


main()
