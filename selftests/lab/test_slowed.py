#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
A notification of congestion that names one flow and asks for a lower rate, where policy has flows slowed
down and not paths: of the flows of one path that one alone loses packets, until the event is over. With
policies/ingress-pe-flow.json.
"""
import time

import lab as figure
import routers
from lab import Lab
from outer import example
from tap import Tap
from traffic import Traffic

PATH = "via-r1-r2"
RATE, FLOWS = 2000, 4
INNER = 40 + 8 + 12 + 16 + 256 + 4  # bytes
LOWERED = RATE // figure.SLOW // FLOWS * INNER // 4  # bytes/s: a quarter of what the flow sends
EVENT = 77
SPORT, ROCE = 49152, 4791  # of the first flow


def flow():
    return f"17,{figure.SITE6['dc1'][2]},{SPORT},{figure.SITE6['dc2'][2]},{ROCE}"


def tell(lab, kind, *options):
    policy = figure.read_policy("ingress-pe-flow")
    lab.run("r1", routers.FANTEL, "send", "--to", figure.loopback("pe1"), "--from", figure.loopback("r1"),
            "--type", kind, "--domain", policy["node"]["domain"], "--event-id", EVENT,
            "--srv6", ",".join(figure.segments_of(policy)[PATH]), *options)


def test_one_flow(tap, lab, pe1):
    start = figure.now_ns()
    with Traffic(lab, rate=RATE, flows=FLOWS) as traffic:
        time.sleep(0.2)
        tell(lab, "congestion", "--flow", flow(), "--rate", f"0,{LOWERED}")
        lowered = pe1.wait(start, reason="lowered")
        tell(lab, "congestion")  # as a node does that repeats what it told
        held = pe1.ask("status")["transit"]
        tap.equal([(row["flow"], row["pace"]["rate"]) for row in held], [(flow(), LOWERED * 8 // 1000)],
                  "`fantel status` shows the flow, and its rate")
        tap.equal(pe1.paths()[PATH]["congested"], False, "its path is not congested")
        time.sleep(0.5)
        tell(lab, "congestion-elimination")
        risen = pe1.wait(start, reason="risen")
        time.sleep(0.2)
    m = traffic.measurement
    lost = [len(list(m.missing(flow))) for flow in range(FLOWS)]
    counted = {row["reason"]: row["packets"] for row in pe1.ask("counters")["counters"]}
    tap.ok(lowered and risen, "its rate is lowered, and when the event is over, rises again", pe1.events[-5:])
    tap.ok(lost[0] > 0 and lost[0] == counted.get("paced", 0) + counted.get("paced-told", 0),
           "what it sends beyond is dropped, and counted", lost, counted)
    tap.equal(lost[1:], [0] * (FLOWS - 1), "the other flows of its path lose nothing")
    tap.equal(pe1.ask("status")["transit"], [], "and then nothing is held back any more")
    end = [at for _, at in m.missing(0)][-1:]
    tap.ok(end and risen and end[0] < risen["monotonic-ns"], "nor dropped", end, risen)
    tap.note(f"of {m.sent[0]} packets of the flow {lost[0]} were dropped")


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("one flow is slowed down", why)
            return
        with Lab() as lab:
            pe1 = routers.start(lab, ("pe1",), change=example("ingress-pe-flow"))["pe1"]
            test_one_flow(tap, lab, pe1)


main()
