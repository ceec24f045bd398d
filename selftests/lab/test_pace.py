#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
The draft's Figure 3: a bottleneck on R1's link to R2, and R1 tells the ingress PE when its queue grows.
With another path beside it, traffic goes there and none is lost; without one its rate is lowered, the
receiver sees it marked, and after the end of congestion the rate rises in steps.
"""
import json
import time

import lab as figure
import routers
from lab import Lab
from tap import Tap
from traffic import Traffic

PATH, OTHER = "via-r1-r2", "via-r3-r4"
ONSET, LIMIT = 50000, 500000  # bytes
LOWERED = 600000  # bytes/s, with the tunnel's headers below the bottleneck's 8 Mbit/s
RATE = 5000  # packets/s, twice of what the bottleneck takes
SLACK = 1.15
STEP = figure.read_policy("ingress-pe-congestion")["congestion"]["step"]  # per cent


def change(_node, policy):
    policy.clear()
    policy.update(figure.read_policy("ingress-pe-congestion"))
    policy["notification"] = {"validity": 0}


def narrow(lab, rate):
    lab.run("r1", "tc", "qdisc", "replace", "dev", "r2", "root", "tbf", "rate", rate, "burst", "20000",
            "limit", str(LIMIT))


def queue(lab):
    """What waits, and how many packets were refused so far."""
    qdisc = json.loads(lab.run("r1", "tc", "-s", "-j", "qdisc", "show", "dev", "r2"))[0]
    return qdisc["backlog"], qdisc["drops"]


def tell(lab, node, kind, path, *options):
    policy = figure.read_policy("pe1")
    segments = ",".join(figure.segments_of(policy)[path])
    lab.run(node, routers.FANTEL, "send", "--to", figure.loopback("pe1"), "--from", figure.loopback(node),
            "--type", kind, "--domain", policy["node"]["domain"], "--srv6", segments, *options)


def tell_when_it_grows(lab, *options):
    """What R1's own eye on its queue would do; returns when."""
    if not routers.until(lambda: queue(lab)[0] >= ONSET):
        return None
    at = figure.now_ns()
    tell(lab, "r1", "congestion", PATH, "--cause", "queue",
         "--queue", f"1,{queue(lab)[0]},{LIMIT}", *options)
    return at


def test_another_path(tap, lab, pe1):
    narrow(lab, "8mbit")
    start = figure.now_ns()
    with Traffic(lab, rate=2 * RATE) as traffic:
        told = tell_when_it_grows(lab)
        acted = pe1.wait(start, path=PATH, congested=True)
        tap.ok(told and acted and acted["usable"], "the ingress PE hears that the path is congested", acted)
        time.sleep(0.5)
        backlog, drops = queue(lab)
        tap.equal((backlog, drops), (0, 0), "the queue is empty soon, and never overflowed")
        tap.equal(pe1.paths()[PATH]["congested"], True, "`fantel paths` shows it")
        serving = {member["path"]: member["serving"] for group in pe1.ask("status")["groups"]
                   for member in group["members"]}
        tap.equal((serving[PATH], serving[OTHER]), (False, True), "and `fantel status`, who serves instead")
        narrow(lab, "1gbit")
        tell(lab, "r1", "congestion-elimination", PATH)
        eased = pe1.wait(start, reason="eased", path=PATH)
        time.sleep(0.2)
    m = traffic.measurement
    tap.equal(sum(m.sent) - m.summary["received"]["received"], 0, "no packet is lost")
    if not acted or not eased:
        tap.ok(False, "congestion was heard of, and its end", pe1.events[-4:])
        return
    late = acted["monotonic-ns"] + 10**7
    ways = {when: {m.ways[way] for tx, rx, _, _, way in m.tapped if low < tx and rx < high}
            for when, low, high in (("before", m.start_ns, told), ("while", late, eased["monotonic-ns"]),
                                    ("after", eased["monotonic-ns"] + 10**7, m.end_ns))}
    tap.equal(ways, {"before": {PATH, OTHER}, "while": {OTHER}, "after": {PATH, OTHER}},
              "all traffic takes the other path until congestion ends")
    tap.equal(m.summary["received"]["marked"], 0, "and nothing is marked")


def lowered_for(pe1, seconds):
    """The states and rates that the path goes through, each once, in their order."""
    seen, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        pace = pe1.paths()[PATH]["pace"]
        if not seen or seen[-1] != (pace["state"], pace["rate"]):
            seen.append((pace["state"], pace["rate"]))
        if pace["state"] == "off" and len(seen) > 1:
            break
    return seen


def test_no_other_path(tap, lab, pe1):
    start = figure.now_ns()
    tell(lab, "r3", "failure", OTHER)
    pe1.wait(start, path=OTHER, usable=False)
    narrow(lab, "8mbit")
    with Traffic(lab, rate=RATE) as traffic:
        tell_when_it_grows(lab, "--rate", f"0,{LOWERED}")
        lowered = pe1.wait(start, reason="lowered", path=PATH)
        tap.ok(lowered and lowered["congested"] and lowered["usable"], "without another path its rate is lowered",
               pe1.events[-3:])
        tap.ok(routers.until(lambda: queue(lab)[0] < ONSET / 10), "the queue empties", queue(lab))
        drops, calm = queue(lab)[1], figure.now_ns()
        time.sleep(0.5)
        tap.equal(queue(lab)[1], drops, "and refuses nothing any more")
        pace = pe1.paths()[PATH]["pace"]
        tap.equal(pace["rate"], LOWERED * 8 // 1000, "`fantel paths` shows the rate, in kbit/s")
        narrow(lab, "1gbit")
        tell(lab, "r1", "congestion-elimination", PATH)
        eased = figure.now_ns()
        seen = lowered_for(pe1, 5)
        risen = pe1.wait(eased, reason="risen", path=PATH)
        time.sleep(0.3)
    m = traffic.measurement
    size = 40 + 8 + 12 + 16 + 256 + 4
    tenths = [size * sum(calm + i * 10**8 < rx < calm + (i + 1) * 10**8 for _, rx, *_ in m.tapped) / 0.1
              for i in range(5)]
    # A sender that has to wait for a CPU sends less for that time.
    tap.ok(sum(tenths) / 5 < LOWERED * SLACK and max(tenths) > LOWERED / SLACK,
           "what leaves the ingress PE has the rate that was told", f"{tenths} bytes/s, told {LOWERED}")
    tap.ok(m.summary["received"]["marked"] > 0, "the receiver sees packets marked as having met congestion")
    tap.equal(m.bad_icrc(), 0, "and their ICRC is good")
    states = [state for state, _ in seen]
    rates = [rate for state, rate in seen if state == "rising"]
    steps = len(range(pace["rate"], pace["offered"] * 99 // 100, max(pace["offered"] * STEP // 100, 1)))
    sentence = "after the end of congestion the rate rises, in steps"
    if steps < 3:
        tap.skip(sentence, f"its sender waited for a CPU while it was measured, and {steps} steps are all that was left")
    else:
        tap.ok(states[-1] == "off" and len(rates) >= 3 and rates == sorted(rates), sentence, seen, pace)
    tap.ok(risen and not risen["congested"], "until it is back, which is told", pe1.events[-3:])
    counters = {row["reason"]: row["packets"] for row in pe1.ask("counters")["counters"]}
    lost = sum(m.sent) - m.summary["received"]["received"]
    tap.ok(counters.get("paced", 0) > 0 and counters.get("marked", 0) > 0,
           "what was dropped and what was marked is counted", counters)
    dropped = counters.get("paced", 0) + counters.get("paced-told", 0)
    tap.ok(counters.get("paced-told", 0) > 0, "some of them became notifications to their sender", counters)
    tap.note(f"{dropped} dropped at the ingress PE, {lost - dropped} elsewhere")


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("congestion", why)
            return
        with Lab() as lab:
            pe1 = routers.start(lab, ("pe1",), change=change)["pe1"]
            test_another_path(tap, lab, pe1)
            test_no_other_path(tap, lab, pe1)


main()
