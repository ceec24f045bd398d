#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
Soft state: a failure that nobody tells again is forgotten when its validity is over, by a timer in
the kernel; every loader is dead by then.
"""
import signal
import time

import lab as figure
import routers
from lab import Lab
from tap import Tap
from traffic import Traffic

VALIDITY_MS = 1500
PATH = "via-r1-r2"


def change(_node, policy):
    policy["notification"] = {"validity": VALIDITY_MS, "refresh": 0}


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("validity", why)
            return
        with Lab() as lab:
            nodes = routers.start(lab, change=change)
            pe1 = nodes["pe1"]
            with Traffic(lab, rate=5000):
                cut, _ = lab.cut("r1", "r2")
                failed = pe1.wait(cut, path=PATH, usable=False)
            tap.ok(failed, "the path is given up after the cut")
            for router in nodes.values():
                lab.stop(router.process, signal.SIGKILL)
            early = pe1.paths()[PATH]["usable"]
            in_time = figure.now_ns() - failed["monotonic-ns"] < VALIDITY_MS * 10**6
            tap.ok(not (early and in_time), "it stays given up when the loaders are killed")
            healed = routers.until(lambda: pe1.paths()[PATH]["usable"])
            after_ms = (figure.now_ns() - failed["monotonic-ns"]) / 1e6
            tap.ok(healed and after_ms >= VALIDITY_MS - 20,
                   "with no user space and no traffic it is usable again, not before its validity is over",
                   f"usable {healed}, after {after_ms:.0f} ms")
            counters = {row["reason"]: row["packets"] for row in pe1.ask("counters")["counters"]}
            tap.equal(counters.get("expired"), 1, "and that is counted as expired, once")


main()
