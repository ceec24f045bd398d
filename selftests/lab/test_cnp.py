#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
CNPs to senders of RoCEv2, with policies/ingress-pe-cnp.json: DC1 sends more than a congested path may
carry. What is dropped for that becomes CNPs to DC1, to each flow's own QP, as soon as DC1 has received a
packet that names it; none before. Over IPv4 and IPv6.
"""
import collections
import socket
import struct
import threading
import zlib

import lab as figure
import routers
from lab import Lab
from tap import Tap
from traffic import Traffic

PATH = "via-r1-r2"
LOWERED = 300000  # bytes/s
RATE = 5000	  # packets/s, some six times of that
FLOWS, FIRST_PORT, ROCE = 4, 49152, 4791
QP = 0x4200  # of DC1: that of flow i is QP + i
DSCP_CS6 = 48
SO_RCVBUFFORCE = 33


def change(_node, policy):
    policy.clear()
    policy.update(figure.read_policy("ingress-pe-cnp"))
    policy["notification"]["validity"] = 0


def icrc(packet, v4):
    """Annex A17, over an IP packet without its last four bytes."""
    masked = bytearray(packet[:-4])
    header = 20 if v4 else 40
    ones = (1, 8, 10, 11) if v4 else (1, 2, 3, 7)
    if not v4:
        masked[0] |= 0x0F
    for at in (*ones, header + 6, header + 7, header + 12):
        masked[at] = 0xFF
    return struct.pack("<I", zlib.crc32(b"\xff" * 8 + bytes(masked)))


class Listener:
    """What reaches DC1 as a CNP, from its port."""

    def __init__(self, lab, site):
        self.v4 = "." in site["dc1"][2]
        self.family = socket.AF_INET if self.v4 else socket.AF_INET6
        self.sender, self.receiver = (socket.inet_pton(self.family, site[host][2]) for host in ("dc1", "dc2"))
        self.qps, self.wrong = collections.Counter(), []
        self._socket, self._sink = lab.inside("dc1", self._open)
        self._over = False
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _open(self):
        """The listener, and a socket at the port: without one DC1 would send errors."""
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800 if self.v4 else 0x86DD))
        opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
        opened.settimeout(0.1)
        sink = socket.socket(self.family, socket.SOCK_DGRAM)
        sink.bind(("", ROCE))
        return opened, sink

    def close(self):
        self._over = True
        self._thread.join()
        self._socket.close()
        self._sink.close()

    def _listen(self):
        while True:
            try:
                self._take(self._socket.recv(4096))
            except TimeoutError:
                if self._over:
                    return

    def _take(self, packet):
        header = 20 if self.v4 else 40
        bth = packet[header + 8:]
        if packet[0] >> 4 != (4 if self.v4 else 6) or packet[9 if self.v4 else 6] != socket.IPPROTO_UDP \
                or not bth or bth[0] != 0x81:
            return
        addresses = packet[12:20] if self.v4 else packet[8:40]
        source, destination, length, _ = struct.unpack_from("!HHHH", packet, header)
        tclass = packet[1] if self.v4 else struct.unpack_from("!I", packet)[0] >> 20 & 0xFF
        qp = int.from_bytes(bth[5:8], "big")
        right = (addresses == self.receiver + self.sender and destination == ROCE
                 and source - FIRST_PORT == qp - QP and length == 8 + 12 + 16 + 4 == len(packet) - header
                 and tclass >> 2 == DSCP_CS6 and bth[4] == 0x40 and packet[-4:] == icrc(packet, self.v4))
        self.qps[qp] += 1
        if not right:
            self.wrong.append(packet.hex())


def answer(lab, site):
    """What DC2 would acknowledge each flow with: a BTH to DC1's QP."""
    family = socket.AF_INET if "." in site["dc1"][2] else socket.AF_INET6
    for flow in range(FLOWS):
        def send(flow=flow):
            with socket.socket(family, socket.SOCK_DGRAM) as out:
                out.bind((site["dc2"][2], FIRST_PORT + flow))
                bth = struct.pack("!BBHII", 0x11, 0, 0xFFFF, QP + flow, 0)
                out.sendto(bth + bytes(8), (site["dc1"][2], ROCE))
        lab.inside("dc2", send)


def counted(pe1, reason):
    return {row["reason"]: row["packets"] for row in pe1.ask("counters")["counters"]}.get(reason, 0)


def congest(lab, path):
    policy = figure.read_policy("pe1")
    lab.run("r1", routers.FANTEL, "send", "--to", figure.loopback("pe1"), "--from", figure.loopback("r1"),
            "--type", "congestion", "--domain", policy["node"]["domain"], "--srv6",
            ",".join(figure.segments_of(policy)[path]), "--rate", f"0,{LOWERED}")


def test_family(tap, lab, pe1, family):
    site = figure.SITE6 if family == 6 else figure.SITE4
    before = {reason: counted(pe1, reason) for reason in ("paced", "paced-told", "cnp")}
    listener = Listener(lab, site)
    try:
        with Traffic(lab, family, rate=RATE, flows=FLOWS) as traffic:
            congest(lab, PATH if family == 6 else PATH + "-v4")
            tap.ok(routers.until(lambda: counted(pe1, "paced") > before["paced"] + 100)
                   and counted(pe1, "cnp") == before["cnp"],
                   f"IPv{family}: while DC1's QPs are not known, packets are dropped, and there is no CNP",
                   listener.qps)
            answer(lab, site)
            want = {QP + flow for flow in range(FLOWS)}
            tap.ok(routers.until(lambda: set(listener.qps) == want),
                   f"IPv{family}: then each flow's own QP gets CNPs", listener.qps)
        m = traffic.measurement
    finally:
        listener.close()
    paced, told, cnps = (counted(pe1, reason) - before[reason] for reason in ("paced", "paced-told", "cnp"))
    tap.equal(listener.wrong[:3], [], f"IPv{family}: from DC2, with BECN and the right ICRC, each")
    tap.equal(sum(listener.qps.values()), cnps, f"IPv{family}: as many as are counted")
    lost = sum(m.sent) - m.summary["received"]["received"]
    tap.equal(lost, paced + told + cnps, f"IPv{family}: and no packet is lost but those and what was dropped before")


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("CNPs", why)
            return
        with Lab() as lab:
            lab.return_tunnel()
            pe1 = routers.start(lab, ("pe1",), change=change)["pe1"]
            for family in (6, 4):
                test_family(tap, lab, pe1, family)


main()
