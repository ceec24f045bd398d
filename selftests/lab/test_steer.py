#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
steer, end to end: what fantel puts into SRv6 tunnels at the ingress PE comes out of Linux's own
seg6local at the egress PE, IPv6 and IPv4, every flow over one path, every path in use.
"""
import collections

import lab as figure
import routers
from lab import Lab
from tap import Tap
from traffic import Traffic

FLOWS = 512  # so many that no path stays empty by chance: 0.9 ** 512


def test_family(tap, lab, pe1, family):
    words = f"IPv{family}"
    weights = {member["path"]: member["weight"] for group in pe1.policy["group"]
               for member in group["member"] if member["path"].endswith("-v4") == (family == 4)}
    before = pe1.paths()
    with Traffic(lab, family, rate=20000, flows=FLOWS) as traffic:
        routers.until(lambda: sum(pe1.paths()[name]["packets"] - before[name]["packets"]
                                  for name in weights) > 8 * FLOWS)
    m = traffic.measurement
    received = m.summary["received"]
    tap.equal((sum(m.sent) - received["received"], m.duplicates(), received["bad_icrc"], list(m.doubts())),
              (0, 0, 0, []), f"{words}: every packet reaches dc2 once, its ICRC good")
    tap.equal(sum(len(list(m.out_of_order(flow))) for flow in range(FLOWS)), 0,
              f"{words}: none arrives out of order")
    flows = collections.Counter()
    several = 0
    for flow, sent in enumerate(m.sent):
        ways = {m.way(flow, sequence) for sequence in range(sent)}
        several += len(ways) > 1
        flows.update(ways)
    tap.equal((several, set(flows)), (0, set(weights)),
              f"{words}: a flow stays on one path, and every path has flows")
    short = [flows[name] for name, weight in weights.items() if weight == 4]
    long = [flows[name] for name, weight in weights.items() if weight == 1]
    tap.ok(min(short) > max(long), f"{words}: the paths of weight 4 have more flows than those of weight 1",
           flows)
    tapped = collections.Counter(m.ways[way] for *_, way in m.tapped)
    after = pe1.paths()
    tap.equal({name: after[name]["packets"] - before[name]["packets"] for name in weights}, dict(tapped),
              f"{words}: `fantel paths` counts what the egress PE saw")


def test_ping(tap, lab):
    for site in (figure.SITE6, figure.SITE4):
        host = site["dc2"][2]
        tap.ok("3 received" in lab.run("dc1", "ping", "-c", "3", "-i", "0.05", "-W", "1", host),
               f"dc1 pings {host} through the tunnels")


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("steering end to end", why)
            return
        with Lab() as lab:
            lab.return_tunnel()
            pe1 = routers.start(lab, ("pe1",))["pe1"]
            test_ping(tap, lab)
            for family in (6, 4):
                test_family(tap, lab, pe1, family)


main()
