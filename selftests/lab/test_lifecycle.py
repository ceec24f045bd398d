#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
A loader may end at any moment, however it likes, and start again: packets notice nothing, and what it
owed to others is made good.
"""
import copy
import datetime
import json
import os
import shutil
import signal
import time

import lab as figure
import routers
from lab import Lab
from tap import Tap
from traffic import RATES, Traffic, measure, unharmed

HOLD_DOWN_MS = 300
CUT_PATH = "via-r1-r2"
RATE, FLOWS = 20000, 32
TICK = datetime.timedelta(milliseconds=2)  # two looks at the wall clock differ by less
STALE = 3.5  # s; after that next hops are not fresh any more


def change(_node, policy):
    policy["notification"] = {"hold-down": HOLD_DOWN_MS, "validity": 0}  # nothing heals by itself


def again(lab, router, policy=None, before=()):
    """Start the router's loader again; returns when it has taken over."""
    return routers.again(lab, router, policy, before)[0]


def kill(lab, router):
    lab.stop(router.process, signal.SIGKILL)


def test_kill(tap, lab, nodes):
    with Traffic(lab, rate=RATE, flows=FLOWS) as traffic:
        time.sleep(0.3)
        kill(lab, nodes["pe1"])
        time.sleep(STALE)
    unharmed(tap, traffic.measurement,
             "kill -9 at the ingress PE: no packet is lost, also when next hops are not fresh any more")
    fresh = [path["next-hop"]["fresh"] for path in nodes["pe1"].paths().values()]
    tap.equal(any(fresh), False, "they are not fresh then; each packet asks the FIB")
    with Traffic(lab, rate=RATE, flows=FLOWS) as traffic:
        time.sleep(0.2)
        cut, _ = lab.cut("r1", "r2")
        time.sleep(0.3)
    m = traffic.measurement
    reaction = m.after_cut(cut, {CUT_PATH})
    tap.ok(reaction.hit and reaction.first, "without its loader it still gives up the path of a cut link",
           f"{len(reaction.hit)} flows, first {reaction.first}")
    unharmed(tap, m, "and the other flows notice nothing of the cut", reaction.spared)
    tap.equal([name for name, path in nodes["pe1"].paths().items() if not path["usable"]], [CUT_PATH],
              "`fantel paths` shows it")
    nodes["pe1"] = again(lab, nodes["pe1"])
    tap.equal([name for name, path in nodes["pe1"].paths().items() if not path["usable"]], [CUT_PATH],
              "a loader that starts again keeps what is known to have failed")
    mended, _ = lab.mend("r1", "r2")
    tap.ok(nodes["pe1"].wait(mended, path=CUT_PATH, usable=True), "until it recovers")


def test_takeover(tap, lab, nodes):
    def over():
        for how in (signal.SIGTERM, signal.SIGKILL, signal.SIGINT):
            time.sleep(0.2)
            lab.stop(nodes["pe1"].process, how)
            nodes["pe1"] = again(lab, nodes["pe1"])
            kill(lab, nodes["r1"])
            nodes["r1"] = again(lab, nodes["r1"])

    with Traffic(lab, rate=RATE, flows=FLOWS) as traffic:
        over()
        time.sleep(0.2)
    unharmed(tap, traffic.measurement, "take-overs at ingress PE and P under traffic lose no packet")
    _, m, missing, _ = measure(lab, over, FLOWS, RATES if figure.SLOW == 1 else RATES[-1:])
    unharmed(tap, m, f"nor do they under {round(m.rate())} packets/s", lost=missing)


def test_policy_change(tap, lab, nodes):
    """Each policy follows the one before under the same traffic."""
    policy = nodes["pe1"].policy
    renamed = copy.deepcopy(policy)
    for path in renamed["path"]:
        path["name"] = "new-" + path["name"]
    for group in renamed["group"]:
        for member in group["member"]:
            member["path"] = "new-" + member["path"]
    fewer = copy.deepcopy(policy)
    gone = {"via-r3-r4", "via-r3-r4-v4"}
    fewer["path"] = [path for path in fewer["path"] if path["name"] not in gone]
    for group in fewer["group"]:
        group["member"] = [member for member in group["member"] if member["path"] not in gone]
    with Traffic(lab, rate=RATE, flows=FLOWS) as traffic:
        for step in (renamed, policy, fewer, policy):
            time.sleep(0.2)
            lab.stop(nodes["pe1"].process)
            nodes["pe1"] = again(lab, nodes["pe1"], step)
            tap.equal(sorted(nodes["pe1"].paths()), sorted(path["name"] for path in step["path"]),
                      "the paths are those of the policy")
        time.sleep(0.2)
    unharmed(tap, traffic.measurement, "changes of policy under traffic lose no packet", moved=0, **{"out of order": 0})


def test_refused_takeover(tap, lab, nodes):
    policy = copy.deepcopy(nodes["pe1"].policy)
    policy["port"].append({"name": "absent", "class": "core"})
    with Traffic(lab, rate=RATE, flows=FLOWS) as traffic:
        lab.stop(nodes["pe1"].process)
        refused = routers.Router(lab, "pe1", policy)
        tap.equal(refused.process.wait(routers.START), 1, "a policy that can't be carried out is refused")
        tap.ok("port absent: there is no such interface" in refused.errors(),
               "with a sentence", refused.errors())
        time.sleep(0.2)
    unharmed(tap, traffic.measurement, "and what ran before goes on, no packet lost")
    nodes["pe1"] = again(lab, nodes["pe1"])


def alive_until(lab, router):
    """In jiffies: until when the packet path believes that somebody looks after links_down."""
    pin = os.path.join(lab.pin_root, router.name, "v1", "maps", "fantel_node")
    entry = json.loads(lab.run(router.node, "bpftool", "-j", "map", "dump", "pinned", pin))[0]
    return entry["formatted"]["value"]["alive_until"]


def test_heartbeat(tap, lab, nodes):
    r1 = nodes["r1"]
    first = alive_until(lab, r1)
    tap.ok(first > 0 and routers.until(lambda: alive_until(lab, r1) > first),
           "a loader that runs says so in fantel_node, again and again")
    kill(lab, r1)
    time.sleep(1.5)  # longer than from one renewal to the next
    last = alive_until(lab, r1)
    time.sleep(1.5)
    tap.equal((last > 0, alive_until(lab, r1)), (True, last), "one that is killed does not take it back, nor renew it")
    nodes["r1"] = r1 = again(lab, r1)
    tap.ok(alive_until(lab, r1) > last, "the next one does")
    lab.stop(r1.process)
    tap.equal(alive_until(lab, r1), 0, "one that ends on a signal takes it back")
    try:
        lab.run("pe1", "ping", "-n", "-c", "3", "-i", "0.1", "-W", "2", "-I", figure.loopback("pe1"),
                figure.link_address("r1", "pe1"))
        lost = None
    except figure.LabError as error:
        lost = error
    tap.equal(lost, None, "packets to the node's own addresses still arrive then")
    nodes["r1"] = again(lab, r1)


def test_debts(tap, lab, nodes):
    """What a P node told while its loader lived is withdrawn by the loader that comes after it."""
    with Traffic(lab, rate=5000):
        cut, _ = lab.cut("r1", "r2")
        tap.ok(nodes["pe1"].wait(cut, path=CUT_PATH, usable=False), "a cut link's path is given up")
    kill(lab, nodes["r1"])
    mended, _ = lab.mend("r1", "r2")
    time.sleep(2 * HOLD_DOWN_MS / 1000)
    tap.equal(nodes["pe1"].paths()[CUT_PATH]["usable"], False,
              "the link is mended while nobody looks after R1: the path stays given up")
    nodes["r1"] = again(lab, nodes["r1"])
    back = nodes["pe1"].wait(mended, path=CUT_PATH, usable=True)
    tap.ok(back, "R1's next loader tells of the recovery")
    seen = nodes["r1"].wait(mended, event="link", link="r2", up=True)
    tap.ok(seen and back and back["monotonic-ns"] - seen["monotonic-ns"] >= (HOLD_DOWN_MS - 20) * 10**6,
           "after the hold-down, counted from when it saw the link up", seen, back)
    when, since = (datetime.datetime.fromisoformat(seen[time]) for time in ("time", "detected"))
    tap.ok(when >= since - TICK, "what a loader finds when it takes over has the time at which it finds it", seen)
    with Traffic(lab, rate=5000):
        cut, _ = lab.cut("r1", "r2", "carrier")
        first = nodes["pe1"].wait(cut, path=CUT_PATH, usable=False)
        tap.ok(first, "its sequence numbers go on rising: the next failure is believed")
    lab.stop(nodes["r1"].process)
    nodes["r1"] = again(lab, nodes["r1"])
    time.sleep(0.2)
    tap.equal(nodes["r1"].wait(cut, 0, event="link"), None, "a link that is still down is no news to a new loader")
    links = {link["name"]: link for link in nodes["r1"].ask("status")["links"]}
    tap.equal((links["r2"]["up"], links["r2"]["event-id"]), (False, first and first["event-id"]),
              "the failure keeps its event-id")
    mended, _ = lab.mend("r1", "r2")
    tap.ok(nodes["pe1"].wait(mended, path=CUT_PATH, usable=True), "and is withdrawn under it")


def test_rights(tap, lab, nodes):
    """The four that the manual names."""
    rights = "-all,+bpf,+perfmon,+net_admin,+net_raw"
    for node in ("r1", "pe1"):
        lab.stop(nodes[node].process)
        nodes[node] = again(lab, nodes[node], before=("setpriv", "--bounding-set", rights, "--inh-caps", "-all"))
    with Traffic(lab, rate=5000):
        cut, _ = lab.cut("r1", "r2")
        tap.ok(nodes["pe1"].wait(cut, path=CUT_PATH, usable=False), "loaders with four rights see a cut and act on it")
    mended, _ = lab.mend("r1", "r2")
    tap.ok(nodes["pe1"].wait(mended, path=CUT_PATH, usable=True), "and its end", nodes["r1"].errors())


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("the life of a loader", why)
            return
        with Lab() as lab:
            nodes = routers.start(lab, change=change)
            test_takeover(tap, lab, nodes)
            test_policy_change(tap, lab, nodes)
            test_refused_takeover(tap, lab, nodes)
            test_kill(tap, lab, nodes)
            test_heartbeat(tap, lab, nodes)
            test_debts(tap, lab, nodes)
            if shutil.which("setpriv"):
                test_rights(tap, lab, nodes)
            else:
                tap.skip("loaders with four rights", "needs setpriv")


main()
