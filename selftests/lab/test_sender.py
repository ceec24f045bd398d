#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
Who sends what no path can carry is told so by the ingress PE: in ICMPv6, or over IPv4 in UDP, which flow
it is, and that there is no feasible path. What reaches DC1 is read off its port by `fantel decode` and by
tshark, and its kernel hands it to whoever asks. With policies/ingress-pe.json.
"""
import json
import os
import socket
import struct
import subprocess
import threading
import time

import lab as figure
import routers
from lab import Lab
from tap import Tap

SPORT, DPORT = 40001, 4791
TYPE, PORT = 202, 50202  # of notifications: TYPE1, and UDP
PACKETS = 100  # at once; of ten a second it is told
GOOD = "1"  # tshark's word for a checksum that was computed and is right


class Sender:
    """DC1, of one family: what it sends, and what comes to its port and to its sockets."""

    def __init__(self, lab, family):
        self.lab, self.version = lab, family
        site = figure.SITE6 if family == 6 else figure.SITE4
        self.source, self.destination = site["dc1"][2], site["dc2"][2]
        self.pe = figure.loopback("pe1") if family == 6 else figure.LOOPBACK4["pe1"]
        self._tap, self._told, self._out = lab.inside("dc1", self._open)
        self.packets, self._over = [], False
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _open(self):
        v6 = self.version == 6
        tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x86DD if v6 else 0x0800))
        tap.settimeout(0.1)
        family = socket.AF_INET6 if v6 else socket.AF_INET
        if v6:
            told = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        else:
            told = socket.socket(family, socket.SOCK_DGRAM)
            told.bind((self.source, PORT))
        told.setblocking(False)
        out = socket.socket(family, socket.SOCK_DGRAM)
        out.bind((self.source, SPORT))
        return tap, told, out

    def _listen(self):
        while not self._over:
            try:
                packet, where = self._tap.recvfrom(2048)
            except TimeoutError:
                continue
            if where[2] != socket.PACKET_OUTGOING and self._is_notification(packet):
                self.packets.append(packet)

    def _is_notification(self, packet):
        if self.version == 6:
            return packet[6] == socket.IPPROTO_ICMPV6 and packet[40] == TYPE
        return packet[9] == socket.IPPROTO_UDP and packet[22:24] == struct.pack("!H", PORT)

    def send(self):
        for _ in range(PACKETS):
            self._out.sendto(bytes(64), (self.destination, DPORT))

    def handed(self):
        """How many its kernel took for well-formed."""
        count = 0
        try:
            while True:
                message = self._told.recv(2048)
                count += self.version == 4 or message[0] == TYPE
        except BlockingIOError:
            return count

    def close(self):
        self._over = True
        self._thread.join()
        for one in (self._tap, self._told, self._out):
            one.close()


def decode(packet):
    done = subprocess.run([routers.FANTEL, "decode", "-j", packet.hex()], capture_output=True, text=True)
    if done.returncode:
        raise figure.LabError(f"fantel decode: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def dissect(lab, packets):
    """What tshark says of them."""
    file = os.path.join(lab.dir, "sender.pcap")
    fields = ("ip.src", "ipv6.src", "ip.ttl", "ipv6.hlim", "icmpv6.type", "udp.dstport", "icmpv6.checksum.status",
              "udp.checksum.status", "ip.checksum.status")
    with open(file, "wb") as out:
        out.write(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))  # raw IP
        for packet in packets:
            out.write(struct.pack("=IIII", 0, 0, len(packet), len(packet)) + packet)
    done = subprocess.run(["tshark", "-r", file, "-T", "json", "-o", "udp.check_checksum:TRUE", "-o",
                           "ip.check_checksum:TRUE", *(word for field in fields for word in ("-e", field))],
                          capture_output=True, text=True, check=True)
    return {tuple(packet["_source"]["layers"][name][0] for name in fields if name in packet["_source"]["layers"])
            for packet in json.loads(done.stdout)}


def counters(pe1):
    return {row["reason"]: row["packets"] for row in pe1.ask("counters")["counters"]}


def fail_everything(lab, pe1):
    policy = pe1.policy
    for name, segments in figure.segments_of(policy).items():
        lab.run("r1", routers.FANTEL, "send", "--to", figure.loopback("pe1"), "--from", figure.loopback("r1"),
                "--domain", policy["node"]["domain"], "--srv6", ",".join(segments))
        pe1.wait(path=name, usable=False)


def test_family(tap, lab, pe1, family):
    before = counters(pe1)
    sender = Sender(lab, family)

    def counted(reason):
        return counters(pe1).get(reason, 0) - before.get(reason, 0)

    try:
        sender.send()
        tap.ok(routers.until(lambda: counted("no-path") + counted("no-path-told") >= PACKETS),
               f"IPv{family}: none of its packets has a path", counters(pe1))
        told = counted("no-path-told")
        routers.until(lambda: len(sender.packets) >= told)
        time.sleep(0.05)  # for one too many
        tap.ok(0 < told < PACKETS and len(sender.packets) == told,
               f"IPv{family}: some of them come back as notifications, as many as are counted", told, len(sender.packets))
        if not sender.packets:
            return
        got = [decode(packet) for packet in sender.packets]
        tap.note(json.dumps(got[0]))
        flow = {"protocol": socket.IPPROTO_UDP, "source": sender.source, "source-port": SPORT,
                "destination": sender.destination, "destination-port": DPORT}
        tap.equal([m for m in got if (m["kind"], m["options"]["cause"], m["options"]["flow"]) !=
                   ("failure", "no-feasible-path", flow)], [],
                  f"IPv{family}: each says that there is no feasible path, and for which flow")
        tap.equal(dissect(lab, sender.packets),
                  {(sender.pe, "255", str(TYPE), GOOD) if family == 6 else (sender.pe, "255", str(PORT), GOOD, GOOD)},
                  f"IPv{family}: tshark: from the ingress PE's loopback, hop limit 255, checksums right")
        tap.equal(sender.handed(), told, f"IPv{family}: DC1's kernel hands them to who asks for them")
    finally:
        sender.close()


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("senders without a path", why)
            return
        with Lab() as lab:
            pe1 = routers.start(lab, ("pe1",))["pe1"]
            fail_everything(lab, pe1)
            for family in (6, 4):
                test_family(tap, lab, pe1, family)


main()
