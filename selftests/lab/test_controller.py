#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
Controllers: when a group has no feasible path, or only congested ones, the ingress PE tells each
controller of its policy, by UDP over IPv6 and IPv4, and withdraws it when that is over; traffic or not,
and whatever becomes of the loader meanwhile. The controllers are sockets on R1 and on DC1; what passes their ports
is read by `fantel decode`, and by tshark.
"""
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

import lab as figure
import routers
from lab import Lab, sid
from outer import example
from tap import Tap
from traffic import Traffic

WAN = "198.51.100.77"  # router-id of a node that all paths cross
HOLD_DOWN_MS = 300
VALIDITY_MS = 2000
WHERE = (("r1", figure.loopback("r1"), 50202), ("dc1", figure.SITE4["dc1"][2], 50209))  # as in policies/
DSCP_CS6 = "48"
GOOD = "1"  # tshark's word for a checksum that was computed and is right
FIRST, BACKUP = "via-r1-r2", "via-r3-r4"
SEGMENTS = {name: [sid(node) for node in name.split("-")[1:]] + [sid("pe2", "d6")] for name in (FIRST, BACKUP)}


class Controller:
    """A UDP socket on a node, and the frames for it that come in by the port to PE1."""

    def __init__(self, lab, node, address, port):
        self.address, self.port, self.frames = address, port, []
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = lab.inside(node, lambda: socket.socket(family, socket.SOCK_DGRAM))
        self.socket.bind((address, port))
        self.socket.setblocking(False)
        self._tap = lab.inside(node, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)))
        self._tap.bind(("pe1", 0))
        self._at = 14 + (40 if family == socket.AF_INET6 else 20)
        self._news = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            try:
                frame = self._tap.recv(2048)
            except OSError:  # its port went down; it is read again when that is up
                time.sleep(0.01)
                continue
            ports = struct.unpack_from("!HH", frame, self._at) if len(frame) >= self._at + 8 else ()
            if ports and ports[1] == self.port:
                with self._news:
                    self.frames.append((figure.now_ns(), frame))
                    self._news.notify_all()

    def decode(self, frame):
        done = subprocess.run([routers.FANTEL, "decode", "-j", "--port", str(self.port), frame[14:].hex()],
                              capture_output=True, text=True)
        if done.returncode:
            raise figure.LabError(f"fantel decode: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def messages(self, after_ns, kind=None):
        """What came at or after after_ns, of one kind or of any: (ns, decoded)."""
        with self._news:
            frames = [(ns, frame) for ns, frame in self.frames if ns >= after_ns]
        decoded = [(ns, self.decode(frame)) for ns, frame in frames]
        return [(ns, message) for ns, message in decoded if kind in (None, message["kind"])]

    def wait(self, count, after_ns, kind=None):
        """The same, when there are `count` of them; fewer if they do not come in time."""
        routers.until(lambda: len(self.messages(after_ns, kind)) >= count)
        return self.messages(after_ns, kind)

    def datagrams(self):
        """How many the kernel handed to the socket."""
        count = 0
        try:
            while self.socket.recv(2048):
                count += 1
        except BlockingIOError:
            return count


def event_of(message):
    """Its Event TLV: id, sequence, validity-ms."""
    return message["options"]["event"]


def dissect(lab, controller, after_ns):
    """What tshark says of the frames."""
    file = os.path.join(lab.dir, f"{controller.port}.pcap")
    fields = ("ip.src", "ipv6.src", "ip.ttl", "ipv6.hlim", "ip.dsfield.dscp", "ipv6.tclass.dscp", "udp.dstport",
              "udp.checksum.status", "ip.checksum.status")
    with open(file, "wb") as out:
        out.write(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for ns, frame in controller.frames:
            if ns >= after_ns:
                out.write(struct.pack("=IIII", ns // 10**9, ns // 1000 % 10**6, len(frame), len(frame)) + frame)
    done = subprocess.run(["tshark", "-r", file, "-T", "json", "-o", "udp.check_checksum:TRUE", "-o",
                           "ip.check_checksum:TRUE", *(word for field in fields for word in ("-e", field))],
                          capture_output=True, text=True, check=True)
    return {tuple(packet["_source"]["layers"][name][0] for name in fields if name in packet["_source"]["layers"])
            for packet in json.loads(done.stdout)}


def policy_with(rate):
    def change(node, policy):
        example("ingress-pe-controller")(node, policy)
        policy["notification"] = {"hold-down": HOLD_DOWN_MS, "validity": VALIDITY_MS, "rate": {"controller": rate}}
        policy["resource"] = [{"name": "wan", "node": {"as": 64500, "router-id": WAN}}]
        for path in policy["path"]:
            path["crosses"] = ["wan"]
    return change


def say(lab, kind, paths, event_id=77):
    """R1 says of paths to dc2 that they failed, or that this is over."""
    for path in paths:
        lab.run("r1", routers.FANTEL, "send", "--to", figure.loopback("pe1"), "--from", figure.loopback("r1"),
                "--type", kind, "--event-id", event_id, "--domain", 64500, "--srv6", ",".join(SEGMENTS[path]),
                "--cause", "carrier")


def test_quiet(tap, lab, pe1, controllers):
    """No traffic anywhere: notifications take the paths away one by one."""
    begin = figure.now_ns()
    say(lab, "failure", [FIRST])
    pe1.wait(begin, path=FIRST, usable=False)
    time.sleep(0.1)
    tap.equal([len(c.messages(begin)) for c in controllers], [0, 0],
              "while the group has a path, nobody is told")
    say(lab, "failure", [BACKUP])
    for c, source in zip(controllers, (figure.loopback("pe1"), figure.LOOPBACK4["pe1"])):
        got = [message for _, message in c.wait(3, begin)]
        tap.ok(len(got) >= 3 and len({event_of(m)["sequence"] for m in got[:3]}) == 1,
               f"{c.address}: told, and twice more with the same sequence", got)
        options = got[0]["options"] if got else {}
        tap.note(json.dumps(got[0] if got else None))
        tap.equal((got[0]["kind"], got[0]["tunnel"]["srv6"], options["cause"], options["domain"],
                   event_of(got[0])["validity-ms"], options["local-node"]["router-id"]),
                  ("failure", SEGMENTS[FIRST], "no-feasible-path", 64500, VALIDITY_MS, "198.51.100.1"),
                  f"{c.address}: a failure, no feasible path, by whom, of the tunnel that the group would take first")
        tap.equal(dissect(lab, c, begin), {(source, "255", DSCP_CS6, str(c.port), GOOD) +
                                           (() if ":" in source else (GOOD,))},
                  f"{c.address}: tshark: from the loopback, hop limit 255, CS6, to its port, checksums right")
        tap.ok(c.datagrams() >= 3, f"{c.address}: its kernel takes them as UDP")
    event = pe1.wait(begin, event="notified", group="dc2")
    tap.ok(event and event["cause"] == "no-feasible-path", "an event says so", event)
    told = pe1.ask("status")["controllers"]
    tap.equal(sorted((row["address"], row["port"], row["group"]) for row in told),
              sorted((c.address, c.port, "dc2") for c in controllers), "`fantel status` shows who was told")
    again = controllers[0].wait(4, begin)
    tap.equal(len({event_of(m)["sequence"] for _, m in again[:4]}), 2, "it is told again while it lasts")
    return event_of(again[0][1])["id"]


def test_withdrawal(tap, lab, pe1, controllers, event_id):
    over = figure.now_ns()
    say(lab, "failure-recovery", [BACKUP])
    for c in controllers:
        got = c.wait(3, over, kind="failure-recovery")
        tap.ok(len(got) >= 3 and {event_of(m)["id"] for _, m in got} == {event_id} and
               got[0][0] - over >= HOLD_DOWN_MS * 10**6,
               f"{c.address}: the same event is withdrawn, not before the hold-down is over", got)
    tap.ok(routers.until(lambda: not pe1.ask("status")["controllers"]), "and forgotten")
    say(lab, "failure-recovery", [FIRST])


def test_congestion(tap, lab, pe1, controllers):
    """One path after the other is congested; then there is no other one."""
    begin = figure.now_ns()
    say(lab, "congestion", [FIRST])
    pe1.wait(begin, path=FIRST, congested=True)
    time.sleep(0.1)
    tap.equal([len(c.messages(begin)) for c in controllers], [0, 0],
              "while the group has an uncongested path, nobody is told of congestion")
    say(lab, "congestion", [BACKUP])
    for c in controllers:
        got = [message for _, message in c.wait(3, begin)]
        tap.ok(len(got) >= 3 and len({event_of(m)["sequence"] for m in got[:3]}) == 1,
               f"{c.address}: when there is none left it is told, and twice more with the same sequence", got)
        options = got[0]["options"] if got else {}
        tap.equal((got[0]["kind"], got[0]["tunnel"]["srv6"], options["cause"], event_of(got[0])["validity-ms"])
                  if got else None, ("congestion", SEGMENTS[FIRST], "no-feasible-path", VALIDITY_MS),
                  f"{c.address}: a congestion, no feasible path, of the tunnel that the group would take first")
    told = pe1.ask("status")["controllers"]
    tap.equal([(row["kind"], row["group"]) for row in told], [("congestion", "dc2")] * 2,
              "`fantel status` shows who was told of it")
    tap.ok(len({event_of(m)["sequence"] for _, m in controllers[0].wait(4, begin)[:4]}) == 2,
           "it is told again while it lasts")
    over = figure.now_ns()
    say(lab, "congestion-elimination", [BACKUP])
    for c in controllers:
        got = c.wait(3, over, kind="congestion-elimination")
        tap.ok(len(got) >= 3 and got[0][0] - over >= HOLD_DOWN_MS * 10**6,
               f"{c.address}: and of its end, not before the hold-down is over", got)
        tap.equal({message["kind"] for _, message in c.messages(begin)}, {"congestion", "congestion-elimination"},
                  f"{c.address}: and of no failure")
    tap.ok(routers.until(lambda: not pe1.ask("status")["controllers"]), "which is forgotten then")
    say(lab, "congestion-elimination", [FIRST])


def test_location(tap, lab, pe1, controllers):
    """One node that all paths cross is down: no path has an event of its own."""
    begin = figure.now_ns()
    for kind in ("failure", "failure-recovery"):
        lab.run("r1", routers.FANTEL, "send", "--to", figure.loopback("pe1"), "--from", figure.loopback("r1"),
                "--type", kind, "--event-id", 78, "--domain", 64500, "--local-node", f"as=64500,router-id={WAN}",
                "--cause", "node-down")
        tap.ok(controllers[0].wait(1, begin, kind=kind), f"a {kind} of a node that all paths cross is told of",
               controllers[0].messages(begin))
    routers.until(lambda: not pe1.ask("status")["controllers"])


def test_restart(tap, lab, pe1, controllers):
    """The loader dies; the group gets its path back; the next loader withdraws what the last one told."""
    begin = figure.now_ns()
    say(lab, "failure", SEGMENTS)
    controllers[0].wait(3, begin)
    lab.stop(pe1.process, signal.SIGKILL)
    say(lab, "failure-recovery", SEGMENTS)
    policy = dict(pe1.policy)
    policy_with({"messages-per-second": 3, "burst": 3})("pe1", policy)
    start = figure.now_ns()
    pe1 = routers.Router(lab, "pe1", policy)
    got = controllers[0].wait(1, start, kind="failure-recovery")
    tap.ok(got, "the next loader withdraws what the last one told", controllers[0].messages(begin))
    routers.until(lambda: not pe1.ask("status")["controllers"])
    return pe1


def test_traffic(tap, lab, pe1, controllers):
    """Both own links are cut: two groups at once, and credit for one of them a second. R1 is out of
    reach then."""
    dc1 = controllers[1]
    time.sleep(1.2)
    with Traffic(lab, rate=2000):
        begin, _ = lab.cut("pe1", "r1")
        lab.cut("pe1", "r3")
        pe1.wait(begin, event="no-path", group="dc2")
        got = dc1.wait(6, begin, kind="failure")
    events = {}
    for ns, message in got:
        events.setdefault(event_of(message)["id"], ns)
    tap.equal(len(events), 2, "the node's own links are cut: DC1's controller is told of both groups")
    first, last = min(events.values(), default=0), max(events.values(), default=0)
    tap.ok(last - first >= 0.9 * 10**9, "no faster than policy lets it be", events)
    lab.mend("pe1", "r1")
    lab.mend("pe1", "r3")
    over = dc1.wait(6, last, kind="failure-recovery")
    tap.equal({event_of(message)["id"] for _, message in over}, set(events), "and of the end of both")


def main():
    with Tap() as tap:
        why = figure.missing() or ("" if shutil.which("tshark") else "needs tshark")
        if why:
            tap.skip("controllers are told", why)
            return
        with Lab() as lab:
            pe1 = routers.start(lab, ("pe1",), change=policy_with({}))["pe1"]
            controllers = [Controller(lab, *where) for where in WHERE]
            event_id = test_quiet(tap, lab, pe1, controllers)
            test_withdrawal(tap, lab, pe1, controllers, event_id)
            test_congestion(tap, lab, pe1, controllers)
            test_location(tap, lab, pe1, controllers)
            pe1 = test_restart(tap, lab, pe1, controllers)
            test_traffic(tap, lab, pe1, controllers)


main()
