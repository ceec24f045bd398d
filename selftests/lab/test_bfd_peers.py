#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
BFD with routers of others: FRR's bfdd and BIRD, each over IPv6 and IPv4, at 50 ms x 3. Sessions come up,
go down within the detection time that both ends agreed on, and stay up while the machine is busy: 20
seconds, or BFD_SECONDS.
"""
import calendar
import os
import signal
import subprocess
import sys
import threading
import time

import lab as figure
import peers
import routers
from lab import Lab
from tap import Tap

NODES = ("r1", "r2", "r3", "r4", "r5")
HUB = "r5"
INTERVAL_US = 50000 * figure.SLOW
MULTIPLIER = 3
DETECTION_US = INTERVAL_US * MULTIPLIER
BUSY_S = float(os.environ.get("BFD_SECONDS") or 20)
KINDS = {"r1": (peers.Frr, 6), "r2": (peers.Frr, 4), "r3": (peers.Bird, 6), "r4": (peers.Bird, 4)}


def addresses(node):
    """The peer's and the hub's, on their link."""
    if KINDS[node][1] == 6:
        return figure.link_address(node, HUB), figure.link_address(HUB, node)
    number = figure.NUMBER[node]
    return f"192.0.2.{4 * number + 1}", f"192.0.2.{4 * number + 2}"


def change(_node, policy):
    for port in policy["port"]:
        port["bfd"] = {"peer": addresses(port["name"])[0], "desired-min-tx": INTERVAL_US,
                       "required-min-rx": INTERVAL_US}


def label(node):
    return f"{'FRR' if KINDS[node][0] is peers.Frr else 'BIRD'}, IPv{KINDS[node][1]}"


def sessions(hub):
    return {session["link"]: session for session in hub.ask("status")["bfd"]}


def states(hub):
    return {link: session["state"] for link, session in sessions(hub).items()}


def all_up(hub):
    return routers.until(lambda: set(states(hub).values()) == {"up"}, 30 * figure.SLOW)


def ns_of(text):
    """Nanoseconds since 1970 of a time that fantel prints."""
    seconds, fraction = text.rstrip("Z").split(".")
    return calendar.timegm(time.strptime(seconds, "%Y-%m-%dT%H:%M:%S")) * 10**9 + int(fraction) * 1000


class Load:
    """Both CPUs busy, and a watch over how late this process is woken meanwhile."""

    def __enter__(self):
        self.worst_ms, self._over = 0, False
        self._burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"])
                         for _ in range(os.cpu_count() or 1)]
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self):
        while not self._over:
            before = time.monotonic()
            time.sleep(0.005)
            self.worst_ms = max(self.worst_ms, (time.monotonic() - before) * 1000 - 5)

    def __exit__(self, *_):
        self._over = True
        self._thread.join()
        for burner in self._burners:
            burner.kill()
            burner.wait()


def test_up(tap, hub, others):
    up = all_up(hub)
    found = sessions(hub)
    for node, other in others.items():
        routers.until(lambda: other.state() == "up")
        tap.ok(found[node]["state"] == "up" and other.state() == "up", f"{label(node)}: the session is up at both ends",
               found[node], other.state(), other.said())
    if not up:
        return False
    routers.until(lambda: all(s["detection-time"] == DETECTION_US for s in sessions(hub).values()))
    tap.equal({node: (s["transmit-interval"], s["detection-time"]) for node, s in sessions(hub).items()},
              {node: (INTERVAL_US, DETECTION_US) for node in KINDS}, "the agreed numbers are in force with each")
    return True


def test_silent_peer(tap, hub, node, other):
    """It stops; the packet path notices. Measured from the last packet that came."""
    time.sleep(1.5)  # hold-down, so that each is an event of its own
    stopped = figure.now_ns()
    other.silence(True)
    down = hub.wait(stopped, event="link", link=node, up=False)
    tap.ok(down and down["cause"] == "bfd", f"{label(node)}: the link is down when the peer falls silent", down)
    session = sessions(hub)[node]
    heard_ns = ns_of(session["heard"])
    took_us = (ns_of(down["detected"]) - heard_ns) // 1000 if down else None
    tap.note(f"{label(node)}: detected {took_us} us after its last packet, agreed {DETECTION_US} us; "
             f"told by the loader {(ns_of(down['time']) - ns_of(down['detected'])) // 1000} us later")
    tap.equal(session["diagnostic"], "detection-time-expired", f"{label(node)}: for that reason")
    other.silence(False)
    tap.ok(hub.wait(stopped, event="link", link=node, up=True), f"{label(node)}: and up when it speaks again",
           sessions(hub)[node], other.said())


def test_silent_self(tap, hub, others):
    """Our loader stops: the peers notice, and tell our packet path, which needs no loader."""
    stopped = figure.now_ns()
    hub.process.send_signal(signal.SIGSTOP)
    gone = {node: routers.until(lambda: other.state() != "up") for node, other in others.items()}
    tap.ok(all(gone.values()), "a loader that is stopped is noticed by each peer", gone)
    links = lambda: {link["name"]: (link["up"], link["cause"]) for link in hub.ask("status")["links"]}
    told = routers.until(lambda: set(links().values()) == {(False, "bfd")})
    tap.ok(told, "each tells us, and our packet path takes the links down with the loader still stopped", links())
    hub.process.send_signal(signal.SIGCONT)
    tap.ok(all_up(hub), "all come up again", states(hub))
    ups = [hub.wait(stopped, event="link", link=node, up=True) for node in others]
    tap.ok(all(ups), "and the links with them", ups)


def test_rest(tap, lab, hub, others):
    """AdminDown is no failure, whichever end says it. BIRD does not say it: it falls silent."""
    time.sleep(1.5)
    resting = figure.now_ns()
    says = {node: other for node, other in others.items() if isinstance(other, peers.Frr)}
    for other in says.values():
        other.rest(True)
    for node in says:
        routers.until(lambda: sessions(hub)[node]["remote-state"] == "admin-down")
        session = sessions(hub)[node]
        tap.equal((session["state"], session["remote-state"]), ("down", "admin-down"),
                  f"{label(node)}: a session that the peer put out of service is down")
    time.sleep(2 * DETECTION_US / 1e6)
    tap.equal([hub.wait(resting, 0, event="link", link=node) for node in says], [None] * len(says), "and no link is")
    for other in says.values():
        other.rest(False)
    tap.ok(all_up(hub), "back in service they come up", states(hub))
    ended = figure.now_ns()
    lab.stop(hub.process)
    gone = {node: routers.until(lambda: other.state() != "up") for node, other in others.items()}
    tap.ok(all(gone.values()), "a loader that ends puts its sessions out of service", gone)
    hub = routers.Router(lab, HUB, hub.policy)
    tap.ok(all_up(hub), "the next one brings them up", hub.errors())
    tap.equal(hub.wait(ended, 0, event="link", up=False), None, "and no link was down")
    return hub


def test_busy(tap, hub, others):
    before = {node: s["times-failed"] for node, s in sessions(hub).items()}
    said = len(hub.errors())
    with Load() as load:
        time.sleep(BUSY_S)
    after = {node: s["times-failed"] for node, s in sessions(hub).items()}
    sentence = f"{BUSY_S:.0f} s with every CPU busy: no session failed"
    tap.note(f"this test itself was woken at most {load.worst_ms:.0f} ms late")
    said = hub.errors()[said:]
    for why in ("detection-time-expired", "neighbor-down"):
        tap.note(f"sessions that went down by {why}: {said.count(why)}")
    if after != before and load.worst_ms > INTERVAL_US / 1000:
        tap.skip(sentence, f"the machine stood still for {load.worst_ms:.0f} ms; failed: {before} -> {after}")
    else:
        tap.equal(after, before, sentence)
    for other in others.values():
        tap.note(other.describe().strip())
    for node, s in sessions(hub).items():
        tap.note(f"{label(node)}: up {s['times-up']} times, failed {s['times-failed']}, last diagnostics here "
                 f"{s['diagnostic']}, there {s['remote-diagnostic']}")


def main():
    with Tap() as tap:
        why = figure.missing() or peers.missing(peers.Frr, peers.Bird)
        if why:
            tap.skip("BFD with FRR and BIRD", why)
            return
        with Lab(NODES) as lab:
            for node in KINDS:
                lab.finish_checksums(node, HUB)
                if KINDS[node][1] == 4:
                    peer, hub = addresses(node)
                    lab.ip(node, "address", "add", f"{peer}/30", "dev", HUB)
                    lab.ip(HUB, "address", "add", f"{hub}/30", "dev", node)
            hub = routers.start(lab, (HUB,), change=change)[HUB]
            others = {node: kind(lab, node, peers.Session(HUB, *addresses(node), INTERVAL_US, MULTIPLIER))
                      for node, (kind, _) in KINDS.items()}
            if not test_up(tap, hub, others):
                return
            for node, other in others.items():
                test_silent_peer(tap, hub, node, other)
            test_silent_self(tap, hub, others)
            hub = test_rest(tap, lab, hub, others)
            test_busy(tap, hub, others)
            tap.ok(hub.process.poll() is None, "the loader lives", hub.errors())


main()
