#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
Traffic at twice the rate that a notification tells, on the only path there is. Where its way out has fq,
packets wait for their turn: all arrive, in order, and no faster than that; so they do where each of a
port's queues has fq, below mq. Where fq's limits are too low, what it drops is counted. Without fq what is
beyond the burst is dropped. How evenly packets come is printed. With policies/ingress-pe-fq.json.
"""
import json
import statistics
import subprocess
import time

import lab as figure
import routers
from lab import Lab
from outer import example
from tap import Tap
from traffic import Traffic

PATH = "via-r1-r2"
RATE = 2000  # packets/s, twice of what may leave
PAYLOAD = 1024
INNER = 40 + 8 + 12 + 16 + PAYLOAD + 4  # bytes
LOWERED = RATE // figure.SLOW // 2 * INNER  # bytes/s
LASTS_MS = 400  # the congestion: so much then waits, of the second that may
SLACK = 1.5  # less than twice
ROOM = ("limit", 100000, "flow_limit", 10000)


def missing():
    """Why this can't be done here; "" where it can."""
    if subprocess.run(["modprobe", "-q", "sch_fq"], capture_output=True, check=False).returncode:
        return "this kernel has no fq"
    return figure.missing()


def counters(pe1):
    return {row["reason"]: row["packets"] for row in pe1.ask("counters")["counters"]}


def port(pe1):
    return next(port["marks"] for port in pe1.ask("status")["ports"] if port["name"] == "dc1")


def congest(lab):
    policy = figure.read_policy("ingress-pe-fq")
    lab.run("r1", routers.FANTEL, "send", "--to", figure.loopback("pe1"), "--from", figure.loopback("r1"),
            "--type", "congestion", "--domain", policy["node"]["domain"], "--validity", LASTS_MS,
            "--srv6", ",".join(figure.segments_of(policy)[PATH]), "--rate", f"0,{LOWERED}")


def through(lab, pe1):
    """Traffic while the path is congested, and until its rate has risen again. Returns what came of it,
    when the rate was lowered, when congestion was over, and what was counted."""
    before, start = counters(pe1), figure.now_ns()
    with Traffic(lab, rate=RATE, flows=8, payload=PAYLOAD) as traffic:
        time.sleep(0.2)
        congest(lab)
        lowered = pe1.wait(start, reason="lowered", path=PATH)
        expired = pe1.wait(start, reason="expired", path=PATH)
        risen = pe1.wait(start, reason="risen", path=PATH)
        time.sleep(0.1)
    if not lowered or not expired or not risen:
        raise figure.LabError(f"the rate was not lowered, or did not rise again: {pe1.events[-5:]}")
    after = counters(pe1)
    counted = {reason: after[reason] - before.get(reason, 0) for reason in after}
    return traffic.measurement, lowered["monotonic-ns"], expired["monotonic-ns"], counted


def dropped(counted):
    return counted.get("paced", 0) + counted.get("paced-told", 0)


def lost(m):
    return sum(m.sent) - sum(len(flow) for flow in m.arrivals)


def gaps(m, begin, end):
    """Between packets that reached the egress PE one after the other, ns."""
    came = sorted(rx for _, rx, *_ in m.tapped if begin < rx < end)
    return [b - a for a, b in zip(came, came[1:])]


def shape(tap, word, times):
    """For people: how evenly they come."""
    cuts = statistics.quantiles(times, n=20)
    tap.note(f"{word}: gaps of {cuts[0] / 1e6:.2f} ms (5 %), {statistics.median(times) / 1e6:.2f} ms (median), "
             f"{cuts[-1] / 1e6:.2f} ms (95 %); asked for {INNER / LOWERED * 1e3:.2f} ms")


def test_dropped(tap, lab, pe1):
    tap.equal((pe1.paths()[PATH]["next-hop"]["fq"], port(pe1)), (False, figure.idle_reader()),
              "without fq nothing reads departure times")
    m, begin, end, counted = through(lab, pe1)
    tap.ok(lost(m) > 0 and dropped(counted) == lost(m) and not counted.get("held"),
           "what is beyond the burst is dropped", lost(m), counted)
    tap.note(f"by dropping: {lost(m)} of {sum(m.sent)} packets lost")
    shape(tap, "by dropping", gaps(m, begin, end))


def qdisc(lab, *words):
    lab.run("pe1", "tc", "qdisc", "replace", "dev", "r1", *words)


def noticed(pe1, fq):
    return routers.until(lambda: pe1.paths()[PATH]["next-hop"]["fq"] == fq)


def check_held(tap, lab, pe1, words):
    m, begin, end, counted = through(lab, pe1)
    tap.equal((lost(m), dropped(counted), m.bad_icrc()), (0, 0, 0), f"{words}: all packets arrive")
    tap.ok(counted.get("held", 0) > 0 and not counted.get("untimed"), f"{words}: those that waited are counted", counted)
    tap.equal(sum(len(list(m.out_of_order(flow))) for flow in range(len(m.sent))), 0, f"{words}: none overtook another")
    tap.note(f"{words}: {lost(m)} of {sum(m.sent)} packets lost, {counted.get('held')} waited")
    times = gaps(m, begin + LASTS_MS // 4 * 10**6, end)
    shape(tap, words, times)
    tap.ok(statistics.mean(times) > INNER / LOWERED * 1e9 / SLACK,
           f"{words}: they come at the rate that was told, and no faster", statistics.mean(times))


def test_held(tap, lab, pe1):
    qdisc(lab, "root", "fq", *ROOM)
    tap.ok(noticed(pe1, True), "that there is fq now is noticed")
    tap.ok(port(pe1) in ("tcx", "clsact"), "and the customer port has what reads departure times", port(pe1))
    check_held(tap, lab, pe1, "fq")


def test_queues(tap, lab, pe1):
    """As a network card has it where net.core.default_qdisc is fq."""
    if json.loads(lab.ip("pe1", "-j", "-d", "link", "show", "dev", "r1"))[0]["num_tx_queues"] < 2:
        tap.skip("several queues, each with fq", "on this machine a veth has one queue")
        return
    lab.run("r1", "ethtool", "-L", "pe1", "rx", 2)
    lab.run("pe1", "ethtool", "-L", "r1", "tx", 2)
    qdisc(lab, "root", "handle", "1:", "mq")
    tap.ok(noticed(pe1, False), "mq alone holds nothing back, and that is noticed")
    for queue in (1, 2):
        qdisc(lab, "parent", f"1:{queue}", "fq", *ROOM)
    tap.ok(noticed(pe1, True), "with fq in each of its queues it does")
    check_held(tap, lab, pe1, "mq with fq")
    qdisc(lab, "parent", "1:2", "pfifo")
    tap.ok(noticed(pe1, False), "one queue without fq is one too many")


def test_overflow(tap, lab, pe1):
    """What fq has no room for is lost, but not silently."""
    qdisc(lab, "root", "fq", "flow_limit", 2)
    tap.ok(noticed(pe1, True), "an fq that keeps two packets of a flow is noticed, too")
    before = counters(pe1).get("fq-dropped", 0)
    m, _, _, counted = through(lab, pe1)

    def now():
        return counters(pe1).get("fq-dropped", 0) - before

    tap.ok(routers.until(lambda: now() + dropped(counted) == lost(m)) and now(),
           "what it drops is counted, to the packet", lost(m), now(), counted)
    tap.ok("port r1: its fq dropped packets" in pe1.errors(), "and the loader says where", pe1.errors())


def test_restart(tap, lab, pe1):
    """The next loader finds fq there."""
    lab.stop(pe1.process)
    pe1 = routers.Router(lab, "pe1", pe1.policy)
    routers.until(pe1.ready)
    tap.equal(pe1.paths()[PATH]["next-hop"]["fq"], True, "the next loader knows of fq from the start")
    lab.run("pe1", "tc", "qdisc", "del", "dev", "r1", "root")
    tap.ok(noticed(pe1, False), "and notices that it is gone")
    lab.stop(pe1.process)
    policy = dict(pe1.policy, congestion={"horizon": 0})
    pe1 = routers.Router(lab, "pe1", policy)
    routers.until(pe1.ready)
    sentence = "a policy by which nothing waits takes the reader off"
    if figure.idle_reader():
        tap.skip(sentence, "before Linux 6.3 packets of several buffers need it")
    else:
        tap.ok(routers.until(lambda: port(pe1) is None), sentence)


def main():
    with Tap() as tap:
        why = missing()
        if why:
            tap.skip("packets wait for their turn", why)
            return
        with Lab() as lab:
            pe1 = routers.start(lab, ("pe1",), change=example("ingress-pe-fq"))["pe1"]
            test_dropped(tap, lab, pe1)
            test_held(tap, lab, pe1)
            test_queues(tap, lab, pe1)
            test_overflow(tap, lab, pe1)
            test_restart(tap, lab, pe1)


main()
