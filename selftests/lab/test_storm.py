#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
Storms of notifications at an ingress PE, from one originator and from 10,000 that are spoofed: the
failure of a path in their midst acts, what is remembered has its bounds, and what was sent is counted,
to the last packet. How fast they come says the bench.
"""
import ipaddress
import json
import socket
import struct
import threading

import lab as figure
import routers
from lab import Lab
from tap import Tap

NODES = ("dc1", "pe1", "r1", "r3")
PATH = "via-r1-r2"
FRAMES = 10000
ORIGINATORS_MAX = 4096  # that are remembered
RATE = {"messages-per-second": 10, "burst": 10}
BESIDES = {"event-lost", "no-class", "not-ip", "remarked"}  # nothing received, or by the customer port
SPOOFED = int(ipaddress.IPv6Address("2001:db8:f:0:bad::"))


def change(_node, policy):
    policy["notification"] = {"receive-rate": {"failure": RATE}, "validity": 60000}


def sum16(data):
    return sum(struct.unpack(f"!{len(data) // 2}H", data))


def failure(source, sequence, domain):
    """A frame to the ingress PE: an address that no tunnel of its leads to has failed."""
    private = struct.pack("!I", 32473)
    event = private + struct.pack("!IQI", 1, sequence, 0)
    options = struct.pack("!HH", 65001, len(event)) + event
    options += struct.pack("!HH", 65009, 8) + private + struct.pack("!I", domain)
    named = ipaddress.IPv6Address("2001:db8:dead::1").packed
    message = struct.pack("!BBH", 202, 0x80, 0) + named + options
    addresses = source.to_bytes(16, "big") + ipaddress.IPv6Address(figure.loopback("pe1")).packed
    total = sum16(addresses) + len(message) + socket.IPPROTO_ICMPV6 + sum16(message)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    message = message[:2] + struct.pack("!H", total ^ 0xFFFF) + message[4:]
    ethernet = bytes.fromhex((figure.mac("pe1", "r1") + figure.mac("r1", "pe1")).replace(":", "")) + b"\x86\xdd"
    return ethernet + struct.pack("!IHBB", 6 << 28, len(message), socket.IPPROTO_ICMPV6, 255) + addresses + message


class Storm:
    """Sends all its frames again and again, from R1's port to the ingress PE, until it is told to end."""

    def __init__(self, lab, frames):
        self.frames, self.sent, self._over = frames, 0, threading.Event()
        self._socket = lab.inside("r1", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
        lab.inside("r1", lambda: self._socket.bind(("pe1", 0)))
        self._thread = threading.Thread(target=self._blow)

    def _blow(self):
        while True:
            for frame in self.frames:
                self._socket.send(frame)
            self.sent += len(self.frames)
            if self._over.is_set():
                return

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
        self._socket.close()


def counters(pe1):
    return {row["reason"]: row["packets"] for row in pe1.ask("counters")["counters"]}


def lost_before(lab):
    """Frames that the link between R1 and the ingress PE had no room for."""
    ends = (("r1", "pe1", "tx"), ("pe1", "r1", "rx"))
    return sum(json.loads(lab.ip(node, "-j", "-s", "link", "show", port))[0]["stats64"][way]["dropped"]
               for node, port, way in ends)


def say(lab, kind, sequence):
    policy = figure.read_policy("pe1")
    lab.run("r3", routers.FANTEL, "send", "--from", figure.loopback("r3"), "--to", figure.loopback("pe1"),
            "--type", kind, "--event-id", "7", "--sequence", sequence, "--srv6",
            ",".join(figure.segments_of(policy)[PATH]), "--domain", policy["node"]["domain"])


def test_storm(tap, lab, pe1, name, frames, sequence, reason):
    """Two notifications more than the storm's are sent while it blows."""
    before, lost, start = counters(pe1), lost_before(lab), figure.now_ns()
    with Storm(lab, frames) as storm:
        routers.until(lambda: counters(pe1).get(reason, 0) > before.get(reason, 0))
        say(lab, "failure", sequence)
        failed = pe1.wait_state(False)
        say(lab, "failure-recovery", sequence + 1)
        mended = pe1.wait_state(True)
    tap.ok(failed, f"{name}: a failure in its midst acts")
    tap.ok(mended, f"{name}: and so does its recovery")

    def counted():
        now = counters(pe1)
        return sum(now[key] - before.get(key, 0) for key in now if key not in BESIDES)

    wanted = storm.sent + 2 - (lost_before(lab) - lost)
    routers.until(lambda: counted() >= wanted)
    tap.equal(counted(), wanted, f"{name}: what was sent is counted to the last packet")
    tap.ok(counters(pe1)[reason] > before.get(reason, 0), f"{name}: as {reason}, for the most part")
    known = len(pe1.ask("status")["origins"])
    tap.ok(0 < known <= ORIGINATORS_MAX, f"{name}: no more originators are remembered than there is room for", known)
    tap.note(f"{name}: {storm.sent} sent, {storm.sent * 10**9 // (figure.now_ns() - start)} a second; {known} known")


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("storms", why)
            return
        with Lab(NODES) as lab:
            pe1 = routers.start(lab, ("pe1",), change=change)["pe1"]
            pe1.wait_state = lambda usable: routers.until(lambda: pe1.paths()[PATH]["usable"] is usable)
            domain = pe1.policy["node"]["domain"]
            one = int(ipaddress.IPv6Address(figure.loopback("r1")))
            test_storm(tap, lab, pe1, "from one originator",
                       [failure(one, 1 + n, domain) for n in range(FRAMES)], 1, "over-rate")
            test_storm(tap, lab, pe1, "from 10,000 originators",
                       [failure(SPOOFED + n, 1, domain) for n in range(FRAMES)], 3, "unmatched")


main()
