#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
Tunnels that end at an egress PE, and what must come out of them, built by scapy: an encoder that
shares nothing with ours.

    decap.py > build/golden/decap.json

Called by make; read by selftests/prog/harness.c. {NAME: hex of the whole frame}. NAME is `IN` for
what arrives, `IN taken off` for what the kernel must get. Addresses as in packets.py.
"""
import json
import logging
import sys

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
from scapy.all import ARP, Dot1Q, Ether, GRE, IP, IPOption_Router_Alert, Raw, TCP, UDP, fragment  # noqa: E402
from scapy.contrib.mpls import MPLS  # noqa: E402
from scapy.contrib.roce import BTH  # noqa: E402
from scapy.layers.inet6 import (  # noqa: E402
    ICMPv6EchoRequest, ICMPv6ND_NS, ICMPv6Unknown, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrRouting,
    IPv6ExtHdrSegmentRouting)
from scapy.layers.vxlan import VXLAN  # noqa: E402

OURS = {6: "2001:db8:f::1", 4: "198.51.100.1"}  # loopbacks of the egress PE
INGRESS = {6: "2001:db8:f::9", 4: "198.51.100.9"}
STRANGER = {6: "2001:db8:99::9", 4: "192.0.2.9"}  # outside the domain
HOST = {6: "2001:db8:1::10", 4: "192.0.2.10"}
FAR = {6: "2001:db8:2::20", 4: "203.0.113.20"}
VIA = ["2001:db8:a:1::1", "2001:db8:a:3::1"]  # segments on the way
DT4, DT6, DT46 = (f"2001:db8:a:2::{function}" for function in ("d4", "d6", "d46"))
KEY, VNI, LABEL = 7, 5, 100
MACS = {"dst": "02:00:00:00:03:01", "src": "02:00:00:00:03:02"}
INNER_MACS = {"dst": "02:00:00:00:0e:01", "src": "02:00:00:00:0e:02"}

packets = {}


def emit(name, frame, behind=b""):
    assert name not in packets, name
    packets[name] = (bytes(frame) + behind).hex()


def parsed(ip):
    """With lengths and checksums filled in."""
    return ip.__class__(bytes(ip))


def ends(name, outer, inner, out=None, behind=b""):
    """A tunnel that ends here, and what is left of it. Bytes `behind` are no part of the packet inside,
    and are carried along."""
    emit(name, Ether(**MACS) / outer / inner, behind)
    emit(f"{name} taken off", Ether(**MACS) / (out or inner), behind)


def only(name, outer, inner):
    """A packet that stays as it is."""
    emit(name, Ether(**MACS) / outer / inner)


# ---- what is inside ------------------------------------------------------------------------------


def rocev2(size=64):
    return UDP(sport=49192, dport=4791) / BTH(opcode=4, pkey=0xffff, dqpn=0x11, psn=1) / \
        Raw(bytes(i & 0xff for i in range(size)))


def inside(family, payload=None, ecn=2, **fields):
    payload = payload or rocev2()
    if family == 6:
        return parsed(IPv6(**{"src": HOST[6], "dst": FAR[6], "hlim": 63, "fl": 0x12345,
                              "tc": 26 << 2 | ecn, **fields}) / payload)
    return parsed(IP(**{"src": HOST[4], "dst": FAR[4], "ttl": 63, "flags": "DF", "id": 0x1234,
                        "tos": 26 << 2 | ecn, **fields}) / payload)


# ---- outer headers -------------------------------------------------------------------------------


def outer_ip(family, src=INGRESS, ecn=2, dst=OURS, **fields):
    if family == 6:
        return IPv6(**{"src": src[6], "dst": dst[6], "hlim": 60, "tc": 26 << 2 | ecn, "fl": 0x54321, **fields})
    return IP(**{"src": src[4], "dst": dst[4], "ttl": 60, "tos": 26 << 2 | ecn, "id": 0x4321, **fields})


def srv6(sid=DT46, src=INGRESS, ecn=2, **fields):
    """A single segment: no SRH."""
    return outer_ip(6, src, ecn, {6: sid}, **fields)


def srh(segments, left=0, **fields):
    return IPv6ExtHdrSegmentRouting(**{"addresses": segments[::-1], "segleft": left,
                                       "lastentry": len(segments) - 1, **fields})


def gre(**fields):
    return GRE(**fields)


def keyed(key=KEY, **fields):
    return GRE(key_present=1, key=key, **fields)


def vxlan(vni=VNI, port=4789, flags=8, **fields):
    return UDP(**{"sport": 50000, "dport": port, "chksum": 0, **fields}) / VXLAN(vni=vni, flags=flags) / \
        Ether(**INNER_MACS)


def mpls(label=LABEL, ttl=60, s=1):
    return MPLS(label=label, ttl=ttl, s=s)


# Every kind by every family, outside and inside.
for inner in (6, 4):
    payloads = {"": rocev2(), " tcp": TCP(sport=40000, dport=443, flags="A") / Raw(b"x" * 11),
                " tiny": UDP(sport=1, dport=2), " 4096": rocev2(4096), " 8800": rocev2(8800)}
    for suffix, payload in payloads.items():
        packet = inside(inner, payload)
        tail = f" IPv{inner}{suffix}"
        ends(f"srv6{tail}", srv6(), packet)
        ends(f"srv6 SRH{tail}", srv6() / srh(VIA + [DT46]), packet)
        ends(f"mpls{tail}", mpls(), packet)
        for out in (6, 4):
            ends(f"gre {inner}in{out}{suffix}", outer_ip(out) / keyed(), packet)
            ends(f"vxlan {inner}in{out}{suffix}", outer_ip(out) / vxlan(), packet)
            ends(f"ipip {inner}in{out}{suffix}", outer_ip(out), packet)
    packet = inside(inner)
    ends(f"srv6 reduced IPv{inner}", srv6() / srh(VIA[1:] + [DT46]), packet)
    ends(f"srv6 SRH of eight IPv{inner}", srv6() / srh(VIA * 3 + VIA[:1] + [DT46]), packet)
    ends(f"srv6 SRH with a TLV IPv{inner}", srv6(nh=43) / Raw(
        bytes((41 if inner == 6 else 4, 3, 4, 0, 0, 0, 0, 0)) + bytes(IPv6(dst=DT46))[24:40] + b"\4\6" + bytes(6)),
        packet)
    ends(f"srv6 End.DT{inner} IPv{inner}", srv6({6: DT6, 4: DT4}[inner]) / srh(VIA + [DT46]), packet)
    only(f"srv6 End.DT{inner} IPv{10 - inner}", srv6({6: DT6, 4: DT4}[inner]), inside(10 - inner))
    for out in (6, 4):
        what = f"{inner}in{out}"
        ends(f"gre any {what}", outer_ip(out) / gre(), packet)
        ends(f"gre key 9 {what}", outer_ip(out) / keyed(9), packet)
        ends(f"gre checksum {what}", outer_ip(out) / keyed(chksum_present=1), packet)
        ends(f"gre sequence {what}", outer_ip(out) / keyed(seqnum_present=1, sequence_number=77), packet)
        ends(f"gre all fields {what}", outer_ip(out) / keyed(chksum_present=1, seqnum_present=1), packet)
        ends(f"gre checksum without key {what}", outer_ip(out) / gre(chksum_present=1), packet)
        ends(f"vxlan port 8472 {what}", outer_ip(out) / vxlan(6, 8472), packet)
        ends(f"vxlan with a UDP checksum {what}", outer_ip(out) / vxlan(chksum=None), packet)
        ends(f"vxlan with other flags {what}", outer_ip(out) / UDP(sport=1, dport=4789, chksum=0) /
             Raw(b"\xff\xff\xff\xff" + VNI.to_bytes(3, "big") + b"\xff") / Ether(**INNER_MACS), packet)
        ends(f"ipip padded {what}", outer_ip(out), packet, behind=bytes(17))
        for kind, header in (("gre", keyed()), ("vxlan", vxlan()), ("ipip", None)):
            from_outside = outer_ip(out, STRANGER)
            only(f"{kind} strange {what}", from_outside / header if header else from_outside, packet)
    ends(f"gre {inner}in4 with options", outer_ip(4, options=[IPOption_Router_Alert()] * 2) / keyed(), packet)
    ends(f"ipip {inner}in4 with options", outer_ip(4, options=[IPOption_Router_Alert()] * 10), packet)
    ends(f"mpls explicit null IPv{inner}", mpls(0 if inner == 4 else 2), packet)
    only(f"srv6 strange IPv{inner}", srv6(src=STRANGER), packet)

# Inner packets that something else must judge: they come out as they are.
ends("hop limit 1 inside", outer_ip(6), inside(6, hlim=1))
ends("TTL 0 inside", outer_ip(4), inside(4, ttl=0))
ends("options inside", outer_ip(4), inside(4, options=[IPOption_Router_Alert()]))
ends("a fragment inside", outer_ip(6), inside(4, frag=63, flags="", payload=Raw(b"z" * 100), proto=17))
ends("an extension header inside", outer_ip(6), inside(6, payload=IPv6ExtHdrDestOpt() / rocev2()))
ends("a wrong IPv4 checksum inside", outer_ip(6), inside(4, chksum=0x1234))
ends("a tunnel inside", outer_ip(6), inside(6, payload=inside(4)))
ends("bytes behind the packet inside", outer_ip(6, plen=40 + 8 + 17), inside(6, payload=UDP(sport=1, dport=2)),
     behind=bytes(17))

# ---- ECN: RFC 6040, figure 4, as it stands there -------------------------------------------------

NOT_ECT, ECT1, ECT0, CE = range(4)
FIGURE_4 = {  # inside: outside in the order Not-ECT, ECT(0), ECT(1), CE
    NOT_ECT: (NOT_ECT, NOT_ECT, NOT_ECT, None),
    ECT0: (ECT0, ECT0, ECT1, CE),
    ECT1: (ECT1, ECT1, ECT1, CE),
    CE: (CE, CE, CE, CE),
}
for ecn_inside, row in FIGURE_4.items():
    for ecn_outside, becomes in zip((NOT_ECT, ECT0, ECT1, CE), row):
        for inner in (6, 4):
            packet = inside(inner, ecn=ecn_inside)
            left = None if becomes is None else inside(inner, ecn=becomes)
            for out in (6, 4):
                name = f"ecn {ecn_inside} in {ecn_outside}, {inner}in{out}"
                if left is None:
                    only(name, outer_ip(out, ecn=ecn_outside), packet)
                else:
                    ends(name, outer_ip(out, ecn=ecn_outside), packet, left)
            # IPv4's checksum at its edges, where the update must carry.
            if inner == 4 and becomes not in (None, ecn_inside):
                for want in (0x0000, 0x0001, 0x0002, 0x0003, 0xfffd, 0xfffe):
                    ident = (inside(4, ecn=ecn_inside, id=0).chksum - want) % 0xffff
                    packet = inside(4, ecn=ecn_inside, id=ident)
                    assert packet.chksum == want
                    ends(f"ecn {ecn_inside} in {ecn_outside}, checksum {want:04x}", srv6(ecn=ecn_outside), packet,
                         inside(4, ecn=becomes, id=ident))
ends("ecn by label IPv6", MPLS(label=LABEL, ttl=60, s=1, cos=7), inside(6, ecn=0))
ends("ecn by GRE", outer_ip(4, ecn=CE) / keyed(), inside(4, ecn=ECT0), inside(4, ecn=CE))
ends("ecn by VXLAN", outer_ip(6, ecn=CE) / vxlan(), inside(6, ecn=ECT0), inside(6, ecn=CE))
ends("ecn by SRv6", srv6(ecn=CE) / srh(VIA + [DT46]), inside(6, ecn=ECT0), inside(6, ecn=CE))

# ---- for others, or for the kernel ---------------------------------------------------------------

six, four = inside(6), inside(4)
only("another segment of ours", srv6("2001:db8:a:2::1") / srh([DT46, "2001:db8:a:2::1"]), six)
only("another segment of ours, no SRH", srv6("2001:db8:a:2::1"), six)
only("a segment of another node", srv6("2001:db8:a:3::d46") / srh(VIA + ["2001:db8:a:3::d46"]), six)
only("segments left", srv6() / srh([DT46, VIA[0]], 1), six)
only("another routing header", srv6() / IPv6ExtHdrRouting(type=2, segleft=0, addresses=[DT46]), six)
only("a ping to the segment", srv6(), ICMPv6EchoRequest(id=7, seq=1, data=b"ping"))
only("a ping to the segment by SRH", srv6() / srh(VIA + [DT46]), ICMPv6EchoRequest(id=7, seq=1, data=b"ping"))
only("options behind the SRH", srv6() / srh(VIA + [DT46]) / IPv6ExtHdrDestOpt(nh=41), six)
only("a fragment to the segment", srv6() / IPv6ExtHdrFragment(nh=41, offset=0, m=1, id=9), six)
only("gre another key", outer_ip(6) / keyed(8), six)
only("gre no key", outer_ip(4) / gre(), six)
only("gre version 1", outer_ip(6) / keyed(version=1), six)
only("gre Ethernet inside", outer_ip(4) / keyed(proto=0x6558) / Ether(**INNER_MACS), four)
only("gre to another node", outer_ip(6, dst=FAR) / keyed(), six)
only("gre fragment", outer_ip(4, flags="MF") / keyed(), four)
only("gre IPv6 fragment", outer_ip(6) / IPv6ExtHdrFragment(nh=47, offset=0, m=1, id=9) / keyed(), four)
only("vxlan another VNI", outer_ip(6) / vxlan(6), six)
only("vxlan the VNI of another port", outer_ip(6) / vxlan(VNI, 8472), six)
only("vxlan another port", outer_ip(4) / vxlan(VNI, 4790), six)
only("vxlan without VNI", outer_ip(4) / vxlan(flags=0), four)
only("vxlan ARP inside", outer_ip(6) / vxlan(), ARP(psrc=HOST[4], pdst=FAR[4]))
only("vxlan VLAN inside", outer_ip(6) / vxlan() / Dot1Q(vlan=7), four)
only("vxlan to another node", outer_ip(4, dst=FAR) / vxlan(), four)
for n, part in enumerate(fragment(parsed(outer_ip(4) / vxlan() / inside(4, rocev2(1000))), 600)):
    emit(f"vxlan fragment {n}", Ether(**MACS) / part)
only("mpls another label", mpls(101), six)
only("mpls two labels", mpls(s=0) / mpls(101), six)
only("mpls the second label", mpls(101, s=0) / mpls(), six)
for ttl in (0, 1):
    only(f"mpls TTL {ttl}", mpls(ttl=ttl), six)
only("ipip to another node", outer_ip(4, dst=FAR), four)
for n, part in enumerate(fragment(parsed(outer_ip(4) / inside(4, rocev2(1000))), 600)):
    emit(f"ipip fragment {n}", Ether(**MACS) / part)
only("tcp to us", outer_ip(6), TCP(sport=179, dport=40000))
only("udp to us", outer_ip(4), UDP(sport=3784, dport=3784) / Raw(b"b" * 24))
emit("an ARP request", Ether(**MACS) / ARP(psrc=HOST[4], pdst=FAR[4]))

# ---- what is wrong -------------------------------------------------------------------------------

only("SRH longer than the packet", srv6() / srh(VIA + [DT46], len=255), six)
for bit in (0x4000, 0x0800, 0x0400):
    only(f"gre flag {bit:04x}", outer_ip(6, nh=47),
         Raw((0x2000 | bit).to_bytes(2, "big") + b"\x86\xdd\0\0\0\7" + bytes(six)))
only("a wrong outer checksum", outer_ip(4, chksum=0x1234), four)
only("a wrong outer checksum with options", outer_ip(4, chksum=0x1234, options=[IPOption_Router_Alert()] * 3), four)
only("outer length beyond the frame", outer_ip(6, plen=2000), six)
only("outer length within the packet inside", outer_ip(6, plen=60), six)
only("vxlan UDP length beyond the packet", outer_ip(6) / vxlan(len=2000), six)
emit("vxlan UDP length into the padding", Ether(**MACS) / outer_ip(6) / vxlan(len=8 + 8 + 14 + len(six) + 9) / six,
     bytes(17))
only("vxlan UDP length within the packet inside", outer_ip(6) / vxlan(len=60), six)
only("vxlan UDP length of nothing", outer_ip(4) / vxlan(len=0), six)
only("IPv4 by IPv6's protocol", outer_ip(6, nh=41), four)
only("IPv6 by IPv4's protocol", outer_ip(4, proto=4), six)
only("gre IPv4 as IPv6", outer_ip(6) / keyed(proto=0x86dd), four)
only("vxlan IPv6 as IPv4", outer_ip(6) / UDP(sport=1, dport=4789, chksum=0) / VXLAN(vni=VNI, flags=8) /
     Ether(**INNER_MACS, type=0x0800), six)
only("mpls version 5", mpls(), IPv6(version=5) / rocev2())
only("IPv6 length beyond the tunnel", outer_ip(6), inside(6, plen=2000))
only("IPv4 length beyond the tunnel", outer_ip(6), inside(4, len=2000))
only("IPv4 length below its header", outer_ip(6), inside(4, len=19))
only("IPv4 header of 16 bytes", outer_ip(4), inside(4, ihl=4))
only("IPv4 header longer than its packet", outer_ip(4), inside(4, ihl=15, len=40))
only("nothing inside", outer_ip(6, nh=41), Raw(b""))
for what, fields in (("to a multicast group", {"dst": "ff0e::1"}), ("to all nodes", {"dst": "ff02::1"}),
                     ("link-local destination", {"dst": "fe80::1"}), ("link-local source", {"src": "fe80::2"}),
                     ("multicast source", {"src": "ff0e::1"})):
    only(f"inside: IPv6 {what}", srv6(), inside(6, **fields))
only("inside: IPv4 to a multicast group", srv6(), inside(4, dst="224.0.0.1"))
only("inside: a neighbour solicitation", outer_ip(6),
     inside(6, payload=ICMPv6ND_NS(tgt="fe80::1"), src="fe80::2", dst="ff02::1:ff00:1", hlim=255))
only("inside: a notification by ICMPv6", srv6(), inside(
    6, payload=ICMPv6Unknown(type=202, code=0x80, msgbody=bytes(16)), src="2001:db8:f::2", dst="2001:db8:f::3", hlim=255))
only("inside: a notification by UDP", outer_ip(4), inside(
    4, payload=UDP(sport=49152, dport=50202) / Raw(bytes(20)), src="198.51.100.2", dst="198.51.100.3", ttl=255))

# ---- bench ---------------------------------------------------------------------------------------

ends("bench srv6", srv6() / srh(VIA + [DT46]), inside(6, rocev2(256)))
ends("bench vxlan", outer_ip(6) / vxlan(), inside(6, rocev2(256)))
only("bench srv6 on its way", srv6("2001:db8:a:3::d46") / srh(VIA + ["2001:db8:a:3::d46"]), inside(6, rocev2(256)))

json.dump(packets, sys.stdout, indent=0)
