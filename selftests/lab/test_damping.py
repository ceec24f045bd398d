#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
A link that flaps: however often it comes and goes, it is told of a few times, is suppressed, and
carries traffic again when it is done. FLAP_SECONDS=60 is the long run of it.
"""
import os

import lab as figure
import routers
from lab import Lab
from tap import Tap
from traffic import Traffic

SECONDS = float(os.environ.get("FLAP_SECONDS", "4"))
HOLD_DOWN_MS = 1  # no help: the link is taken for mended as soon as a neighbour answers
DAMPING = {"half-life": 1000, "suppress": 2500, "reuse": 1000, "max-suppress": 3000}
HANDFUL = 10
SETTLED_NS = 50 * 10**6  # what was under way when suppression began has arrived
PATH = "via-r1-r2"


def change(_node, policy):
    policy["notification"] = {"hold-down": HOLD_DOWN_MS, "validity": 0, "damping": DAMPING}


def link(router):
    return next(row for row in router.ask("status")["links"] if row["name"] == "r2")


def sent(router, start):
    return [event for event in list(router.events)
            if event["event"] == "notified" and event["monotonic-ns"] >= start]


def test_flapping(tap, lab, nodes, hertz, how):
    r1, pe1 = nodes["r1"], nodes["pe1"]
    before = link(r1)
    with Traffic(lab, rate=2000):
        start, flaps = lab.flap("r1", "r2", hertz, SECONDS, how)
        begun = r1.wait(start, event="damping", suppressed=True, link="r2")
        mid = link(r1)
        given_up = not pe1.paths()[PATH]["usable"]
        mended, _ = lab.mend("r1", "r2")
        released = r1.wait(mended, event="damping", suppressed=False, link="r2")
        back = pe1.wait(mended, path=PATH, usable=True)
    what = f"{hertz} times a second ({how}):"
    told = sent(r1, start)
    tap.ok(begun and mid["suppressed"] and mid["suppressed-until-age"] < 0 and not mid["up"],
           f"{what} the link is suppressed, and status says until when", mid)
    tap.ok(given_up, f"{what} and its path is given up")
    tap.ok(released and mid["suppressions"] > before["suppressions"] and not link(r1)["suppressed"],
           f"{what} when it stays up, suppression ends", (released, mid))
    tap.ok(back and pe1.paths()[PATH]["usable"], f"{what} and its path is usable", pe1.events[-3:])
    tap.ok(len(told) <= HANDFUL, f"{what} it costs a handful of notifications",
           [(event["kind"], event["monotonic-ns"] - start) for event in told])
    if begun and released and back:
        settled, end = begun["monotonic-ns"] + SETTLED_NS, released["monotonic-ns"]
        early = [event for event in list(pe1.events) if event.get("path") == PATH and event.get("usable")
                 and settled < event["monotonic-ns"] < end]
        tap.equal(early, [], f"{what} meanwhile nothing is sent there")
        tap.note(f"{what} went down {flaps} times in {SECONDS:g} s, {mid['flaps'] - before['flaps']} seen; "
                 f"{len(told)} notifications; usable {(back['monotonic-ns'] - mended) / 1e6:.0f} ms after "
                 f"it stays up")


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("a link that flaps", why)
            return
        with Lab() as lab:
            nodes = routers.start(lab, change=change)
            for hertz, how in ((100, "carrier"), (5, "admin")):
                test_flapping(tap, lab, nodes, hertz, how)


main()
