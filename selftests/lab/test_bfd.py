#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
BFD between two fantel nodes: sessions come up, a neighbour that falls silent takes the link down though
its carrier stays, together with other detectors it makes one event, and bad packets do nothing.
"""
import signal
import socket
import struct
import subprocess
import time

import lab as figure
import routers
from lab import Lab
from tap import Tap

NODES = ("r1", "r2")
FAR = {"r1": "r2", "r2": "r1"}
INTERVAL_US = 50000 * figure.SLOW
MULTIPLIER = 3
HOLD_DOWN_MS = 300
ECHO_US = 2000 * figure.SLOW


def change_echo(node, policy):
    """The policies with BFD and echoes, of the link between the two."""
    policy.update(figure.read_policy(f"{node}-bfd"))
    policy["port"] = [port for port in policy["port"] if port["name"] == FAR[node]]
    bfd = policy["port"][0]["bfd"]
    bfd["desired-min-tx"] = bfd["required-min-rx"] = INTERVAL_US
    bfd["echo"]["interval"] = ECHO_US
    policy["notification"] = {"hold-down": HOLD_DOWN_MS}


def change(node, policy):
    change_echo(node, policy)
    del policy["port"][0]["bfd"]["echo"]


def session(router):
    return next(iter(router.ask("status")["bfd"]), {})


def link(router):
    return router.ask("status")["links"][0]


def counters(router):
    return {c["reason"]: c["packets"] for c in router.ask("counters")["counters"]}


def is_up(*nodes):
    return routers.until(lambda: all(session(router).get("state") == "up" for router in nodes))


def test_comes_up(tap, nodes):
    r1, r2 = nodes["r1"], nodes["r2"]
    tap.ok(is_up(r1, r2), "a session comes up", session(r1), session(r2))
    wanted = {"state": "up", "remote-state": "up", "diagnostic": "none", "transmit-interval": INTERVAL_US,
              "detection-time": MULTIPLIER * INTERVAL_US, "link": "r2", "times-up": 1, "times-failed": 0}
    routers.until(lambda: session(r1)["detection-time"] == wanted["detection-time"])
    found = session(r1)
    tap.equal({name: found[name] for name in wanted}, wanted, "status shows its state and its times")
    tap.equal((found["discriminator"], found["remote-discriminator"]),
              (session(r2)["remote-discriminator"], session(r2)["discriminator"]),
              "each end knows the other's discriminator")
    before, start = counters(r1)["bfd"], figure.now_ns()
    time.sleep(2)
    rate = (counters(r1)["bfd"] - before) / (figure.now_ns() - start) * 1e9
    agreed = 1e6 / INTERVAL_US
    tap.note(f"packets received: {rate:.1f} a second; {agreed:.1f} to {agreed / 0.75:.1f} are agreed on")
    tap.equal([event for event in r1.events if event["event"] == "link"], [], "and the link had no event")


def test_silence(tap, lab, nodes):
    """R2's loader is stopped: it sends nothing, and its carrier stays."""
    r1, r2 = nodes["r1"], nodes["r2"]
    stopped = figure.now_ns()
    r2.process.send_signal(signal.SIGSTOP)
    down = r1.wait(stopped, event="link", link="r2", up=False)
    tap.ok(down and down["cause"] == "bfd", "a neighbour that falls silent takes the link down", down)
    tap.note(f"detected {(down['monotonic-ns'] - stopped) / 1e6:.1f} ms after its last possible packet, told "
             f"by the loader; the detection time is {MULTIPLIER * INTERVAL_US / 1000:.0f} ms")
    tap.equal((session(r1)["state"], session(r1)["diagnostic"], link(r1)["cause"]),
              ("down", "detection-time-expired", "bfd"), "status says why")
    far = routers.until(lambda: not link(r2)["up"])
    tap.ok(far, "the far end's packet path learns it from ours, while its loader sleeps", link(r2))
    started = figure.now_ns()
    r2.process.send_signal(signal.SIGCONT)
    tap.ok(is_up(r1, r2), "when it speaks again the session comes up")
    up = r1.wait(started, event="link", link="r2", up=True)
    tap.ok(up and up["event-id"] == down["event-id"], "and the link, under the same event", up)
    far = [event for event in r2.events if event["event"] == "link"]
    tap.equal([(event["up"], event["cause"]) for event in far][:2], [(False, "bfd"), (True, "bfd")],
              "the far end's loader tells what it slept over")


def test_together(tap, lab, nodes):
    """The carrier goes, the session expires, the carrier comes back, and last the session."""
    r1, r2 = nodes["r1"], nodes["r2"]
    time.sleep(HOLD_DOWN_MS / 1000 + 0.5)
    cut, _ = lab.cut("r1", "r2", "carrier")
    routers.until(lambda: session(r1)["state"] == "down")
    r2.process.send_signal(signal.SIGSTOP)
    mended, _ = lab.mend("r1", "r2")
    time.sleep(0.5)
    tap.equal(link(r1)["up"], False, "a link whose carrier is back stays down while its session is")
    r2.process.send_signal(signal.SIGCONT)
    is_up(r1, r2)
    r1.wait(mended, event="link", up=True)
    events = [event for event in r1.events if event["event"] == "link" and event["monotonic-ns"] >= cut]
    tap.equal([(event["up"], event["cause"]) for event in events], [(False, "carrier"), (True, "carrier")],
              "carrier and session together make one event, of the first cause")


def test_rest(tap, lab, nodes):
    r1, r2 = nodes["r1"], nodes["r2"]
    time.sleep(HOLD_DOWN_MS / 1000 + 0.5)
    stopped = figure.now_ns()
    lab.stop(r2.process)
    tap.ok(routers.until(lambda: session(r1)["remote-state"] == "admin-down"),
           "a loader that ends puts its session out of service", session(r1))
    time.sleep(2 * MULTIPLIER * INTERVAL_US / 1e6)
    tap.equal((r1.wait(stopped, 0, event="link"), link(r1)["up"]), (None, True), "which is no failure of the link")
    tap.equal(session(r2)["state"], "admin-down", "and says so in its own status")
    nodes["r2"] = routers.Router(lab, "r2", r2.policy)
    tap.ok(is_up(r1, nodes["r2"]), "the next one brings the session up")
    tap.equal(r1.wait(stopped, 0, event="link"), None, "still without an event of the link")


def packet(mine=0x01020304, yours=0, state=1, version=1, flags=0, mult=3, length=24):
    return struct.pack("!BBBBIIIII", version << 5, state << 6 | flags, mult, length, mine, yours, INTERVAL_US, INTERVAL_US, 0)


def test_bad(tap, lab, nodes):
    """From R2's own address, as an attacker on the link would."""
    r1 = nodes["r1"]
    yours = session(r1)["discriminator"]
    before, ups = counters(r1), session(r1)["times-up"]
    bad = [("bfd-ttl", packet(yours=yours), 254), ("bfd-length", packet()[:20], 255),
           ("bfd-length", packet(length=40), 255), ("bfd-version", packet(version=2), 255),
           ("bfd-zero", packet(mine=0), 255), ("bfd-field", packet(mult=0), 255),
           ("bfd-auth", packet(flags=4, yours=yours), 255), ("bfd-state", packet(state=3), 255),
           ("bfd-unknown", packet(yours=yours ^ 1), 255)]

    def send():
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
            for _, data, hops in bad:
                sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)
                sender.sendto(data, (figure.link_address("r1", "r2"), 3784))

    lab.inside("r2", send)
    wanted = {reason: sum(r == reason for r, _, _ in bad) for reason, _, _ in bad}

    def found():
        now = counters(r1)
        return {reason: now.get(reason, 0) - before.get(reason, 0) for reason in wanted}

    routers.until(lambda: found() == wanted, 2)
    tap.equal(found(), wanted, "bad packets are counted, each by its reason")
    tap.equal((session(r1)["state"], session(r1)["times-up"]), ("up", ups),
              "and the session stays up")


def test_port_goes(tap, lab, nodes):
    """R1's port disappears while it is watched, and comes back under the same name."""
    r1 = nodes["r1"]
    gone = figure.now_ns()
    lab.ip("r1", "link", "del", "r2")
    down = r1.wait(gone, event="link", up=False)
    tap.ok(down and down["cause"] in ("admin-down", "bfd"), "a port that is removed is down", down)
    tap.ok(routers.until(lambda: not r1.ask("status")["bfd"]), "and its session is gone")
    back = figure.now_ns()
    lab.plug_again("r1", "r2")
    lab.mend("r1", "r2")
    tap.ok(is_up(r1, nodes["r2"]), "when it is back the session is, too", session(r1), r1.errors())
    tap.ok(r1.wait(back, event="link", link="r2", up=True), "and the link")


def test_echo(tap, lab):
    """R1's packets are lost on their way out, its carrier stays: its echoes do not come back."""
    nodes = routers.start(lab, NODES, change=change_echo)
    r1, r2 = nodes["r1"], nodes["r2"]
    tap.ok(is_up(r1, r2) and routers.until(lambda: session(r1)["echo"] and session(r2)["echo"]),
           "echoes come back to both", session(r1), session(r2))
    time.sleep(1)
    tap.equal((session(r1)["times-failed"], session(r2)["times-failed"]), (0, 0), "and go on doing so")
    tap.note(f"an echo takes {session(r1)['echo-round-trip']} us there and back")
    time.sleep(HOLD_DOWN_MS / 1000)
    tc = lab.spawn("r1", "tc", "-batch", "-", stdin=subprocess.PIPE, text=True)
    time.sleep(0.3)
    cut = figure.now_ns()
    tc.stdin.write("qdisc replace dev r2 root tbf rate 8bit burst 10b limit 10b\n")
    tc.stdin.close()
    down = r1.wait(cut, event="link", link="r2", up=False)
    tap.ok(down and down["cause"] == "bfd", "echoes that are missing take the link down", down)
    tap.equal(session(r1)["diagnostic"], "echo-failed", "status says that it was they")
    if down:
        tap.note(f"told by the loader {(down['monotonic-ns'] - cut) / 1e6:.1f} ms after tc was asked to drop "
                 f"everything; three echoes of {ECHO_US / 1000} ms and an interval are {4 * ECHO_US / 1000} ms")
    tc.wait(5)
    mended = figure.now_ns()
    lab.run("r1", "tc", "qdisc", "del", "dev", "r2", "root")
    tap.ok(is_up(r1, r2) and r1.wait(mended, event="link", link="r2", up=True),
           "when they come back the link is up again", session(r1))


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("BFD sessions", why)
            return
        with Lab(NODES) as lab:
            lab.finish_checksums(*NODES)
            nodes = routers.start(lab, NODES, change=change)
            test_comes_up(tap, nodes)
            test_silence(tap, lab, nodes)
            test_together(tap, lab, nodes)
            test_rest(tap, lab, nodes)
            test_bad(tap, lab, nodes)
            test_port_goes(tap, lab, nodes)
        with Lab(NODES) as lab:
            lab.finish_checksums(*NODES)
            test_echo(tap, lab)


main()
