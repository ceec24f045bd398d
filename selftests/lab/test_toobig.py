#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
A packet that would not fit its path with the tunnel's header: the host that sent it is told the
size that fits, believes it, and its next packet of that size arrives.
"""
import re

import lab as figure
import routers
from lab import Lab
from tap import Tap

CORE_MTU = 1500
CASES = (("IPv6", figure.SITE6, 48, "mtu[ =](\\d+)"), ("IPv4", figure.SITE4, 28, "mtu ?= ?(\\d+)"))


def ping(lab, host, payload, *options):
    """What ping says; it fails where there is no answer, and that is looked for in the words."""
    return lab.run("dc1", "sh", "-c", f"ping -c 2 -i 0.1 -W 1 {' '.join(options)} -s {payload} {host} 2>&1 || true")


def test_too_big(tap, lab, pe1, words, site, headers, pattern):
    host = site["dc2"][2]
    family = "-v4" if words == "IPv4" else ""
    longest = max(40 + 8 + 16 * len(segments) for name, segments in figure.segments_of(pe1.policy).items()
                  if name.endswith("-v4") == bool(family))
    said = ping(lab, host, figure.CUSTOMER_MTU - headers, "-M", "do")
    told = re.search(pattern, said)
    mtu = int(told[1]) if told else 0
    tap.ok(CORE_MTU - longest <= mtu < CORE_MTU, f"{words}: the sender is told what fits beside the tunnel's header",
           said)
    tap.ok("2 received" in ping(lab, host, mtu - headers, "-M", "do"),
           f"{words}: a packet of just that size arrives")
    route = lab.ip("dc1", "route", "get", host)
    tap.ok(f"mtu {mtu}" in route, f"{words}: the sender's kernel believed it", route)


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("packets that are too big", why)
            return
        with Lab() as lab:
            lab.return_tunnel()
            for neighbour in ("r1", "r3"):
                lab.ip("pe1", "link", "set", neighbour, "mtu", CORE_MTU)
            pe1 = routers.start(lab, ("pe1",))["pe1"]
            for case in CASES:
                test_too_big(tap, lab, pe1, *case)
            counters = {row["reason"]: row["packets"] for row in pe1.ask("counters")["counters"]}
            tap.ok(counters.get("too-big", 0) >= 2, "each is counted as too-big", counters)


main()
