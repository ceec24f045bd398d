#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
Packets and what must become of them, built by scapy: an encoder that shares nothing with ours.

    packets.py > build/golden/packets.json

Called by make; read by selftests/prog/harness.c. The same names, addresses and paths serve the C
tests, which take them from the output. Everything is deterministic.

    {"node": {loopback6, loopback4, ...}, "paths": [{name, tunnel, and what the tunnel has}],
     "packets": {NAME: hex of the whole frame}}

NAME is `IN` for what arrives, `IN via PATH` for what must leave (flow label and VXLAN's source port
0: they are hashes, and tested apart), `IN too big for MTU` for the error to the sender, `IN told by TRANSPORT` for the
notification that a doomed packet becomes.
"""
import json
import struct
import logging
import struct
import sys
import zlib

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
from scapy.all import ARP, Ether, ICMP, IP, IPOption_Router_Alert, Raw, TCP, UDP, Dot1Q  # noqa: E402
from scapy.contrib.mpls import MPLS  # noqa: E402
from scapy.contrib.roce import BTH, cnp  # noqa: E402
from scapy.layers.inet6 import (  # noqa: E402
    ICMPv6EchoRequest, ICMPv6ND_NS, ICMPv6PacketTooBig, ICMPv6Unknown, IPv6, IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment, IPv6ExtHdrRouting, IPv6ExtHdrSegmentRouting)
from scapy.layers.l2 import GRE  # noqa: E402
from scapy.layers.vxlan import VXLAN  # noqa: E402

LOOPBACK6, LOOPBACK4 = "2001:db8:f::1", "198.51.100.1"
HOST6, HOST4 = "2001:db8:1::10", "192.0.2.10"  # behind the customer port
FAR6, FAR4 = "2001:db8:2::20", "203.0.113.20"  # in a traffic class
ELSEWHERE6, ELSEWHERE4 = "2001:db8:3::30", "198.18.0.30"  # in none
MAC_IN = {"dst": "02:00:00:00:01:01", "src": "02:00:00:00:01:02"}
MAC_OUT = {"dst": "02:00:00:00:02:02", "src": "02:00:00:00:02:01"}
OUTER_HOP_LIMIT = 64

SIDS = [f"2001:db8:a:{n:x}::" for n in range(1, 8)] + ["2001:db8:a:9::100"]


def path(name, count, reduced=False):
    """A path over the first count - 1 SIDs, and the egress PE's."""
    return {"name": name, "tunnel": "srv6", "segments": SIDS[:count - 1] + SIDS[-1:], "reduced": reduced}


# Tunnels to the address of an egress PE, of either family.
PE6, PE4 = "2001:db8:f::5", "198.51.100.5"
VXLAN_MACS = {"inner-destination-mac": "02:00:5e:00:53:05", "inner-source-mac": "02:00:5e:00:53:01"}
TO_ADDRESS = {
    "gre": {"tunnel": "gre"},
    "gre-key": {"tunnel": "gre", "key": 0xa1b2c3d4},
    "vxlan": {"tunnel": "vxlan", "vni": 0xabcdef, "port": 4789, **VXLAN_MACS},
    "ipip": {"tunnel": "ipip"},
}
LABELS = [24001, 16, 1048575, 16001, 16002, 16003, 16004, 16005]

PATHS = [path(f"encaps-{n}", n) for n in (1, 2, 3, 8)] + \
        [path(f"reduced-{n}", n, True) for n in (1, 2, 3, 8)] + \
        [{"name": f"{name}-{family}", "destination": pe, **tunnel} for name, tunnel in TO_ADDRESS.items()
         for family, pe in ((4, PE4), (6, PE6))] + \
        [{"name": f"mpls-{n}", "tunnel": "mpls", "labels": LABELS[:n], "destination": "2001:db8:e0::2"}
         for n in (1, 3, 8)]

packets = {}


def emit(name, frame):
    assert name not in packets, name
    packets[name] = bytes(frame).hex()


def rocev2(size=64, psn=1, qp=0x11):
    return UDP(sport=49192, dport=4791) / BTH(opcode=4, pkey=0xffff, dqpn=qp, psn=psn) / \
        Raw(bytes(i & 0xff for i in range(size)))


def v6(**fields):
    return IPv6(**{"src": HOST6, "dst": FAR6, "hlim": 64, "fl": 0x12345, **fields})


def v4(**fields):
    return IP(**{"src": HOST4, "dst": FAR4, "ttl": 64, "flags": "DF", "id": 0x1234, **fields})


def srv6_outer(inner, p, tc):
    """RFC 8986 §5.1, §5.2: the segment list backwards, and Segments Left at the first one."""
    segments = p["segments"]
    outer = IPv6(src=LOOPBACK6, dst=segments[0], hlim=OUTER_HOP_LIMIT, tc=tc, fl=0)
    if len(segments) == 1:
        return outer / inner
    listed = segments[1:] if p["reduced"] else segments
    return outer / IPv6ExtHdrSegmentRouting(
        addresses=listed[::-1], segleft=len(segments) - 1, lastentry=len(listed) - 1) / inner


def to_address(inner, p, tc):
    """RFC 2784 and RFC 2890, RFC 7348, RFC 2003 and RFC 2473."""
    if p["destination"] == PE4:
        outer = IP(src=LOOPBACK4, dst=PE4, ttl=OUTER_HOP_LIMIT, tos=tc, flags="DF", id=0)
    else:
        outer = IPv6(src=LOOPBACK6, dst=PE6, hlim=OUTER_HOP_LIMIT, tc=tc, fl=0)
    ethertype = 0x86dd if IPv6 in inner else 0x0800
    if p["tunnel"] == "gre":
        key = {"key_present": 1, "key": p["key"]} if "key" in p else {}
        return outer / GRE(proto=ethertype, **key) / inner
    if p["tunnel"] == "vxlan":
        return outer / UDP(sport=0, dport=p["port"], chksum=0) / VXLAN(flags=8, vni=p["vni"]) / \
            Ether(dst=p["inner-destination-mac"], src=p["inner-source-mac"], type=ethertype) / inner
    return outer / inner


def labelled(inner, p, _tc):
    """RFC 3032."""
    stack = [MPLS(label=label, cos=0, s=0, ttl=64) for label in p["labels"]]
    stack[-1].s = 1
    return Raw(b"".join(map(bytes, stack))) / inner


def encapsulated(inner, p, tc):
    """The whole frame that leaves."""
    outer = {"srv6": srv6_outer, "mpls": labelled}.get(p["tunnel"], to_address)(inner, p, tc)
    eth = Ether(**MAC_OUT, type=0x8847) if p["tunnel"] == "mpls" else Ether(**MAC_OUT)
    return eth / outer


def aged(ip):
    ip = ip.copy()
    if IPv6 in ip:
        ip.hlim -= 1
    else:
        ip.ttl -= 1
        del ip.chksum
    return ip


def steered(name, ip, paths=("encaps-3",), dscp=None):
    """What arrives, and what leaves by each of the paths."""
    ip = ip.__class__(bytes(ip))
    emit(name, Ether(**MAC_IN) / ip)
    tc = ip.tc if IPv6 in ip else ip.tos
    if dscp is not None:
        tc = dscp << 2 | tc & 3
    for p in PATHS:
        if p["name"] in paths:
            emit(f"{name} via {p['name']}", encapsulated(aged(ip), p, tc))


ALL = [p["name"] for p in PATHS]
EACH = ("encaps-3", "gre-4", "gre-key-6", "vxlan-4", "vxlan-6", "ipip-4", "mpls-3")  # one of each kind

# What may travel, by every encapsulation.
steered("roce6", v6(tc=0x02) / rocev2(), ALL)
steered("roce4", v4(tos=0x02) / rocev2(), ALL)
steered("tcp6", v6() / TCP(sport=40000, dport=443, flags="A") / Raw(b"x" * 11), ALL)
steered("tcp4", v4() / TCP(sport=40000, dport=443, flags="A") / Raw(b"x" * 11), ALL)
steered("udp6", v6() / UDP(sport=5000, dport=5001) / Raw(b"y"), EACH)
steered("udp4", v4() / UDP(sport=5000, dport=5001) / Raw(b"y"), EACH)
steered("icmp6", v6() / ICMPv6EchoRequest(id=7, seq=1, data=b"ping"))
steered("icmp4", v4() / ICMP(id=7, seq=1) / Raw(b"ping"))

# ECN and DSCP: copied outward, never cleared.
for ecn in range(4):
    steered(f"roce6 ecn {ecn}", v6(tc=26 << 2 | ecn) / rocev2(), EACH)
    steered(f"roce4 ecn {ecn}", v4(tos=26 << 2 | ecn) / rocev2(), EACH)
steered("roce6 dscp fixed", v6(tc=26 << 2 | 3) / rocev2(), EACH, dscp=46)
steered("roce4 dscp fixed", v4(tos=26 << 2 | 1) / rocev2(), EACH, dscp=46)

# The IPv4 checksum at its edges: the update for the TTL must carry. Sums are one's complement, so
# that the identification can make the checksum any but ffff.
bare = v4(id=0) / UDP(sport=5000, dport=5001) / Raw(b"y")
for want in (0xfeff, 0xfefe, 0xff00, 0xfffe, 0x0000, 0x0001, 0x00ff):
    ident = (IP(bytes(bare)).chksum - want) % 0xffff
    steered(f"udp4 checksum {want:04x}", v4(id=ident) / UDP(sport=5000, dport=5001) / Raw(b"y"))
    assert bytes.fromhex(packets[f"udp4 checksum {want:04x}"])[24:26] == want.to_bytes(2, "big")

# Hop limits.
for hops in (0, 1):
    emit(f"roce6 hop limit {hops}", Ether(**MAC_IN) / v6(hlim=hops) / rocev2())
    emit(f"roce4 ttl {hops}", Ether(**MAC_IN) / v4(ttl=hops) / rocev2())
steered("roce6 hop limit 2", v6(hlim=2) / rocev2())
steered("roce4 ttl 2", v4(ttl=2) / rocev2())

# Fragments: the first one has ports, the others don't; all must go the same way.
data = bytes(UDP(sport=5000, dport=5001, len=1008, chksum=0x1234)) + b"z" * 1000
steered("udp4 whole", v4(flags="") / UDP(sport=5000, dport=5001, chksum=0x1234) / Raw(b"z" * 1000))
steered("udp4 fragment first", v4(flags="MF", proto=17) / Raw(data[:504]))
steered("udp4 fragment last", v4(flags="", frag=63, proto=17) / Raw(data[504:]))
steered("udp6 fragment first", v6() / IPv6ExtHdrFragment(nh=17, offset=0, m=1, id=9) /
        Raw(data[:504]))
steered("udp6 fragment last", v6() / IPv6ExtHdrFragment(nh=17, offset=63, m=0, id=9) /
        Raw(data[504:]))

# Options and extension headers inside.
steered("udp4 with options", v4(options=[IPOption_Router_Alert()]) /
        UDP(sport=5000, dport=5001) / Raw(b"y"))
steered("udp6 with destination options", v6() / IPv6ExtHdrDestOpt() /
        UDP(sport=5000, dport=5001) / Raw(b"y"))
steered("srv6 inside", v6() / IPv6ExtHdrSegmentRouting(
    addresses=["2001:db8:c::2", "2001:db8:c::1"], segleft=1, lastentry=1) / v6() / rocev2())

# Ethernet's own padding behind a short packet is no part of it; we carry it along unharmed.
for name in ("udp4", "udp6"):
    for part in ("", *(f" via {p}" for p in EACH)):
        packets[f"{name} padded{part}"] = packets[name + part] + "00" * 17

# Large frames: RoCE at MTU 4096 and a jumbo one, beyond one buffer.
steered("roce6 4096", v6(tc=2) / rocev2(4096), EACH)
steered("roce6 8900", v6(tc=2) / rocev2(8800))
steered("roce4 4096", v4(tos=2) / rocev2(4096), EACH)

# Flows that differ in one field each.
for qp in (0x11, 0x12, 0xffffff):
    emit(f"roce6 qp {qp:x}", Ether(**MAC_IN) / v6(tc=2) / rocev2(qp=qp))
emit("roce6 psn 2", Ether(**MAC_IN) / v6(tc=2) / rocev2(psn=2))

# In no traffic class.
emit("roce6 elsewhere", Ether(**MAC_IN) / v6(dst=ELSEWHERE6) / rocev2())
emit("roce4 elsewhere", Ether(**MAC_IN) / v4(dst=ELSEWHERE4) / rocev2())
emit("roce6 to nobody", Ether(**MAC_IN) / v6(dst="::") / rocev2())
emit("link-local destination", Ether(**MAC_IN) / v6(dst="fe80::1") / rocev2())
emit("link-local source", Ether(**MAC_IN) / v6(src="fe80::2") / rocev2())
emit("multicast6", Ether(**MAC_IN) / v6(dst="ff0e::1") / rocev2())
emit("multicast4", Ether(**MAC_IN) / v4(dst="224.1.2.3") / rocev2())
emit("neighbour solicitation", Ether(**MAC_IN) /
     IPv6(src="fe80::2", dst="ff02::1:ff00:1", hlim=255) / ICMPv6ND_NS(tgt="fe80::1"))

# Not IP, or not to be parsed.
emit("arp", Ether(**MAC_IN) / ARP(psrc=HOST4, pdst=FAR4) / Raw(b"\0" * 18))
emit("vlan", Ether(**MAC_IN) / Dot1Q(vlan=7) / v6() / rocev2())
emit("lldp", Ether(dst="01:80:c2:00:00:0e", src=MAC_IN["src"], type=0x88cc) / Raw(b"\2\7\4" + b"\0" * 60))
emit("ipv6 version 5", Ether(**MAC_IN) / v6(version=5) / rocev2())
emit("ipv4 version 5", Ether(**MAC_IN) / v4(version=5) / rocev2())
emit("ipv4 ihl 4", Ether(**MAC_IN) / v4(ihl=4) / rocev2())
emit("ipv4 header longer than the packet", Ether(**MAC_IN) / v4(ihl=15, len=40) / Raw(b"\0" * 60))
emit("ipv4 length below its header", Ether(**MAC_IN) / v4(len=19) / rocev2())
emit("ipv4 length beyond the frame", Ether(**MAC_IN) / v4(len=1000) / rocev2())
emit("ipv6 length beyond the frame", Ether(**MAC_IN) / v6(plen=1000) / rocev2())

# Notifications where none may come from (draft §6).
NAMED = bytes.fromhex("20010db8000900000000000000000009")


def icmp_message(kind, dst):
    return IPv6(src=HOST6, dst=dst, hlim=255, nh=58) / ICMPv6Unknown(
        type=kind, code=0x80, msgbody=NAMED)


udp_message = Raw((202 << 20 | 0x80 << 12).to_bytes(4, "big") + NAMED)
emit("failure icmp6 to us", Ether(**MAC_IN) / icmp_message(202, LOOPBACK6))
emit("failure icmp6 to another", Ether(**MAC_IN) / icmp_message(202, FAR6))
emit("recovery icmp6 to us", Ether(**MAC_IN) / icmp_message(203, LOOPBACK6))
emit("failure udp6 to us", Ether(**MAC_IN) / v6(dst=LOOPBACK6, hlim=255) /
     UDP(sport=49152, dport=50202) / udp_message)
emit("failure udp4 to us", Ether(**MAC_IN) / v4(dst=LOOPBACK4, ttl=255) /
     UDP(sport=49152, dport=50202) / udp_message)
emit("failure behind a tag", Ether(**MAC_IN) / Dot1Q(vlan=7) / icmp_message(202, LOOPBACK6))
emit("failure with a routing header", Ether(**MAC_IN) / v6() / IPv6ExtHdrSegmentRouting(
    addresses=[LOOPBACK6, FAR6], segleft=1, lastentry=1) /
    UDP(sport=49152, dport=50202) / udp_message)


# ---- too big for the path's MTU: the sender is told what is left inside the tunnel ----------------

NOTIFY_TC = 48 << 2  # CS6, as everything that we originate
MAC_BACK = {"dst": MAC_IN["src"], "src": MAC_IN["dst"]}


def too_big(name, mtu, source4=LOOPBACK4, remark=""):
    """RFC 4443 §3.2 in 1280 bytes at most; RFC 1191 in 576. From the loopback, back the same way."""
    ip = Ether(bytes.fromhex(packets[name])).payload
    if IPv6 in ip:
        quote = bytes(ip)[:1280 - 48]
        error = IPv6(src=LOOPBACK6, dst=ip.src, hlim=255, tc=NOTIFY_TC, fl=0) / \
            ICMPv6PacketTooBig(mtu=mtu) / Raw(quote)
    else:
        quote = bytes(ip)[:576 - 28]
        error = IP(src=source4, dst=ip.src, ttl=255, tos=NOTIFY_TC, flags="DF", id=0) / \
            ICMP(type=3, code=4, nexthopmtu=mtu) / Raw(quote)
    emit(f"{name} too big for {mtu}{remark}", Ether(**MAC_BACK) / error)


for name, mtu in (("roce6 4096", 1404), ("roce6 8900", 1404), ("roce4 4096", 1404), ("roce4", 100),
                  ("udp4 whole", 904), ("roce6 4096", 1476), ("roce4 4096", 1430), ("roce6 4096", 1488)):
    too_big(name, mtu)
too_big("roce4", 100, "192.0.0.8", " without loopback")  # RFC 7600 §4.8
emit("too big error inside6", Ether(**MAC_IN) / v6() / ICMPv6PacketTooBig(mtu=1280) / Raw(b"q" * 1400))
emit("echo inside6", Ether(**MAC_IN) / v6() / ICMPv6EchoRequest(id=7, seq=1, data=b"q" * 1400))
emit("too big error inside4", Ether(**MAC_IN) / v4() / ICMP(type=3, code=4, nexthopmtu=1280) /
     Raw(b"q" * 1400))
emit("unspecified source6", Ether(**MAC_IN) / v6(src="::") / rocev2(1400))
emit("multicast source6", Ether(**MAC_IN) / v6(src="ff0e::1") / rocev2(1400))
emit("unspecified source4", Ether(**MAC_IN) / v4(src="0.0.0.0") / rocev2(1400))
emit("long fragment last4", Ether(**MAC_IN) / v4(flags="", frag=63, proto=17) / Raw(b"q" * 1400))

# ---- CNP: RoCEv2 that congestion leaves no room for becomes the notice to its sender's QP ------------

SENDER_QP, OTHER_QP = 0x4242, 0x4343


def icrc6(ip, rest):
    """scapy knows the ICRC of IPv4 alone: annex A17's, over everything but what routers change."""
    masked = bytearray(b"\xff" * 8 + ip + rest)
    masked[8] |= 0x0f
    for at in (9, 10, 11, 15, 48 + 6, 48 + 7, 48 + 12):
        masked[at] = 0xff
    return struct.pack("<I", zlib.crc32(bytes(masked)))


def cnp6():
    udp = UDP(sport=49192, dport=4791, chksum=0, len=40)
    bth = bytes(cnp(SENDER_QP))[:28]
    ip = IPv6(src=FAR6, dst=HOST6, hlim=255, tc=48 << 2, nh=17, plen=40)
    return ip / UDP(sport=49192, dport=4791) / Raw(bth + icrc6(bytes(ip), bytes(udp) + bth))


MAC_OF_ANSWER = {"dst": MAC_IN["src"], "src": MAC_IN["dst"]}
emit("roce6 as CNP", Ether(**MAC_OF_ANSWER) / cnp6())
emit("roce4 as CNP", Ether(**MAC_OF_ANSWER) / IP(src=FAR4, dst=HOST4, ttl=255, tos=48 << 2, id=0, flags="DF") /
     UDP(sport=49192, dport=4791, chksum=0) / cnp(SENDER_QP))
for name, qp, sport in (("", SENDER_QP, 49192), (" of another QP", OTHER_QP, 49193),
                        (" by another port", SENDER_QP, 50000)):
    back = UDP(sport=sport, dport=4791) / BTH(opcode=0x11, dqpn=qp, psn=1) / Raw(bytes(4))
    emit(f"roce6 back{name}", Ether(**MAC_IN) / IPv6(src=FAR6, dst=HOST6, hlim=64) / back)
    emit(f"roce4 back{name}", Ether(**MAC_IN) / IP(src=FAR4, dst=HOST4, ttl=64) / back)

# ---- detect: doomed packets, and the notifications that they become --------------------------------

INGRESS6, INGRESS4 = "2001:db8:f::9", "198.51.100.9"  # the ingress PE
OUR_SID, NEXT_SID, LAST_SID = "2001:db8:a:2::", "2001:db8:a:3::", "2001:db8:a:9::100"
FIRST_SID = "2001:db8:a:1::"
MAC_FROM = {"dst": "02:00:00:00:03:01", "src": "02:00:00:00:03:02"}  # on the core port of arrival
EVENT_ID, SEQUENCE, DETECTED_NS, CARRIER, QUEUE = 77, (1000 << 32) + 1, 1763630000123456789, 1, 6
LOCATION = bytes.fromhex(
    "0105001020010db8001200000000000000000001"  # 261: our interface
    "0106001020010db8001200000000000000000002")  # 262: the neighbour's
ENTERPRISE = (32473).to_bytes(4, "big")


def private(number, value):
    value = ENTERPRISE + value
    return number.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value


def flow(ip):
    """65004: AF, protocol, ports, two reserved bytes, addresses."""
    l4 = ip.payload
    ports = (l4.sport, l4.dport) if UDP in ip or TCP in ip else (0, 0)
    version, proto = (6, ip.nh) if isinstance(ip, IPv6) else (4, ip.proto)
    head = bytes((version, proto)) + b"".join(p.to_bytes(2, "big") for p in (*ports, 0))
    return private(65004, head + bytes(ip)[8:40] if version == 6 else head + bytes(ip)[12:20])


def tunnel_info(segments=None, address=None, labels=None):
    """CODE and Tunnel Info: an SRH of the segments in the order travelled, an address, or labels."""
    if labels:
        return 0x20, bytes(stacked(labels, tc=0, ttl=0))
    if address:
        return 0x80, bytes(IPv6(dst=address))[24:40]
    srh = IPv6ExtHdrSegmentRouting(addresses=segments[::-1], segleft=0, nh=41,
                                   lastentry=len(segments) - 1)
    return 0x40, bytes(srh)


def notification(code, info, inner, domain=None, validity=0):
    """CODE, Tunnel Info and Options of a TYPE1."""
    options = LOCATION
    options += private(65001, EVENT_ID.to_bytes(4, "big") + SEQUENCE.to_bytes(8, "big") +
                       validity.to_bytes(4, "big"))
    options += private(65002, DETECTED_NS.to_bytes(8, "big"))
    if inner is not None:
        options += flow(inner)
    if domain is not None:
        options += private(65009, domain.to_bytes(4, "big"))
    options += private(65011, bytes((CARRIER, 0, 0, 0)))
    return code, info + options


def by_icmpv6(code, rest):
    return IPv6(src=LOOPBACK6, dst=INGRESS6, hlim=255, tc=NOTIFY_TC, fl=0, nh=58) / \
        ICMPv6Unknown(type=202, code=code, msgbody=rest)


def by_udp(code, rest, version=6):
    word = (202 << 20 | code << 12).to_bytes(4, "big")
    ip = IPv6(src=LOOPBACK6, dst=INGRESS6, hlim=255, tc=NOTIFY_TC, fl=0) if version == 6 else \
        IP(src=LOOPBACK4, dst=INGRESS4, ttl=255, tos=NOTIFY_TC, flags="DF", id=0)
    return ip / UDP(sport=49152, dport=50202) / Raw(word + rest)


def stacked(labels, tc=5, ttl=63):
    """A label stack, top first."""
    return Raw(b"".join(bytes(MPLS(label=label, cos=tc, s=i == len(labels), ttl=ttl))
                        for i, label in enumerate(labels, 1)))


def in_mpls(stack, inner):
    return Ether(**MAC_FROM, type=0x8847) / stack / inner


def doomed(name, outer, inner, info, **options):
    """A packet bound for the failed link; what it becomes by ICMPv6 and by UDP; with a domain."""
    emit(name, Ether(**MAC_FROM) / outer / inner if isinstance(outer, (IP, IPv6)) else in_mpls(outer, inner))
    back = {"dst": MAC_FROM["src"], "src": MAC_FROM["dst"]}
    flow_of = inner if isinstance(inner, (IP, IPv6)) else None
    if flow_of is not None:
        flow_of = flow_of.__class__(bytes(flow_of))
    if isinstance(outer, IP):
        emit(f"{name} told by udp", Ether(**back) / by_udp(*notification(*info, flow_of), 4))
        return
    emit(f"{name} told by icmpv6", Ether(**back) / by_icmpv6(*notification(*info, flow_of)))
    emit(f"{name} told by udp", Ether(**back) / by_udp(*notification(*info, flow_of)))
    emit(f"{name} told in domain 5", Ether(**back) /
         by_icmpv6(*notification(*info, flow_of, domain=5, validity=3000)))


def srv6(dst, segments, left, listed=None, src=INGRESS6):
    listed = segments if listed is None else listed
    return IPv6(src=src, dst=dst, hlim=60, tc=2) / IPv6ExtHdrSegmentRouting(
        addresses=listed[::-1], segleft=left, lastentry=len(listed) - 1)


THREE = [FIRST_SID, OUR_SID, LAST_SID]
TRANSIT = [FIRST_SID, NEXT_SID, LAST_SID]
inner6, inner4 = v6(tc=2) / rocev2(), v4(tos=2) / rocev2()
doomed("at our segment", srv6(OUR_SID, THREE, 1), inner6, tunnel_info(THREE))
doomed("at our segment, IPv4 inside", srv6(OUR_SID, THREE, 1), inner4, tunnel_info(THREE))
doomed("in transit", srv6(NEXT_SID, TRANSIT, 1), inner6, tunnel_info(TRANSIT))
doomed("reduced, beyond its first segment", srv6(NEXT_SID, TRANSIT, 1, TRANSIT[1:]), inner6,
       tunnel_info(TRANSIT[1:]))
doomed("reduced, on its first segment", srv6(NEXT_SID, [NEXT_SID, LAST_SID], 1, [LAST_SID]), inner6,
       tunnel_info([NEXT_SID, LAST_SID]))
doomed("eight segments", srv6(NEXT_SID, [FIRST_SID] * 6 + [NEXT_SID, LAST_SID], 1), inner6,
       tunnel_info([FIRST_SID] * 6 + [NEXT_SID, LAST_SID]))
doomed("one segment, no SRH", IPv6(src=INGRESS6, dst=LAST_SID, hlim=60), inner6,
       tunnel_info(address=LAST_SID))
doomed("one segment, IPv4 inside", IPv6(src=INGRESS6, dst=LAST_SID, hlim=60), inner4,
       tunnel_info(address=LAST_SID))
doomed("TCP inside", srv6(NEXT_SID, TRANSIT, 1), v6() / TCP(sport=40000, dport=443),
       tunnel_info(TRANSIT))
doomed("ICMPv6 inside", srv6(NEXT_SID, TRANSIT, 1),
       v6() / ICMPv6EchoRequest(id=7, seq=1, data=b"ping"), tunnel_info(TRANSIT))
doomed("a large packet", srv6(NEXT_SID, TRANSIT, 1), v6(tc=2) / rocev2(4096), tunnel_info(TRANSIT))
doomed("a tiny packet", IPv6(src=INGRESS6, dst=LAST_SID, hlim=60), v4() / UDP(sport=1, dport=2),
       tunnel_info(address=LAST_SID))
doomed("IPv4 in IPv4", IP(src=INGRESS4, dst="203.0.113.99", ttl=60, id=1), inner4,
       tunnel_info(address="::ffff:203.0.113.99"))

# The label on top is one that the node knows; see test_detect.c.
LSP = 16012
for name, labels, inner in (("one label", [LSP], inner6), ("two labels", [LSP, 24001], inner6),
                            ("two labels, IPv4 inside", [LSP, 24001], inner4),
                            ("a label twice, and zero", [LSP, LSP, 0], inner6),
                            ("sixteen labels", [LSP, *range(30001, 30016)], inner6)):
    doomed(name, stacked(labels), inner, tunnel_info(labels=labels))
doomed("no IP in MPLS", stacked([LSP, 24001]), Raw(bytes(60)), tunnel_info(labels=[LSP, 24001]))
emit("seventeen labels", in_mpls(stacked([LSP, *range(30001, 30017)]), inner6))
emit("a label that nobody knows", in_mpls(stacked([16013, LSP]), inner6))
emit("a stack without end", in_mpls(Raw(bytes(MPLS(label=LSP, s=0)) * 5), Raw(b"")))
emit("a stack with nothing behind", in_mpls(stacked([LSP, 24001]), Raw(b"")))
emit("a notification in MPLS", in_mpls(stacked([LSP]), IPv6(src=INGRESS6, dst=LAST_SID, hlim=255, nh=58) /
                                        ICMPv6Unknown(type=202, code=0x80, msgbody=NAMED)))
emit("a UDP notification in MPLS", in_mpls(stacked([LSP]), IPv6(src=INGRESS6, dst=LAST_SID, hlim=255) /
                                            UDP(sport=49152, dport=50202) / udp_message))
emit("by another label", in_mpls(stacked([16014, 24001]), inner6))
emit("nine segments", Ether(**MAC_FROM) /
     srv6(NEXT_SID, [FIRST_SID] * 7 + [NEXT_SID, LAST_SID], 1) / inner6)
emit("nine segments, reduced", Ether(**MAC_FROM) /
     srv6(NEXT_SID, [NEXT_SID] + [LAST_SID] * 8, 8, [LAST_SID] * 8) / inner6)
emit("to a multicast group", Ether(**MAC_FROM) / IPv6(src=INGRESS6, dst="ff0e::1") / inner6)
emit("of another domain", Ether(**MAC_FROM) / srv6(NEXT_SID, TRANSIT, 1, src="2001:db8:99::9") / inner6)
emit("a notification in transit", Ether(**MAC_FROM) /
     IPv6(src=INGRESS6, dst=LAST_SID, hlim=255, nh=58) /
     ICMPv6Unknown(type=202, code=0x80, msgbody=NAMED))
emit("a UDP notification in transit", Ether(**MAC_FROM) / IPv6(src=INGRESS6, dst=LAST_SID, hlim=255) /
     UDP(sport=49152, dport=50202) / udp_message)
emit("from a multicast source", Ether(**MAC_FROM) / srv6(NEXT_SID, TRANSIT, 1, src="ff0e::9") / inner6)
emit("from nobody", Ether(**MAC_FROM) / srv6(NEXT_SID, TRANSIT, 1, src="::") / inner6)
emit("for our own loopback", Ether(**MAC_FROM) / IPv6(src=INGRESS6, dst=LOOPBACK6) /
     TCP(sport=179, dport=40000))
emit("our segment is the last", Ether(**MAC_FROM) / srv6(OUR_SID, [FIRST_SID, OUR_SID], 0) / inner6)
emit("bound for a live link", Ether(**MAC_FROM) /
     srv6("2001:db8:a:4::", [FIRST_SID, "2001:db8:a:4::", LAST_SID], 1) / inner6)
emit("an SRH with more left than listed", Ether(**MAC_FROM) / srv6(NEXT_SID, TRANSIT, 9) / inner6)
emit("another routing type", Ether(**MAC_FROM) / IPv6(src=INGRESS6, dst=LAST_SID) /
     IPv6ExtHdrRouting(type=2, segleft=1, addresses=[LAST_SID]) / inner6)

# ---- bench: packets long enough for its rewriting, and where it counts up -------------------------


def option(frame, number):
    """Offset of a private TLV's value behind the enterprise number, in a frame without another."""
    head = number.to_bytes(2, "big")
    at = bytes(frame).index(head, 54)
    assert bytes(frame)[at + 4:at + 8] == ENTERPRISE
    return at + 8


BENCH6 = "2001:db8:1f4::20"  # in the 500th of 1,000 classes, 2001:db8:N::/48
steered("bench6", v6(tc=2, dst=BENCH6) / rocev2(256), EACH)
steered("bench4", v4(tos=2) / rocev2(256))
emit("bench doomed", Ether(**MAC_FROM) / srv6(OUR_SID, THREE, 1) / v6(tc=2) / rocev2(256))
emit("bench transit", Ether(**MAC_FROM) / srv6(NEXT_SID, TRANSIT, 1) / v6(tc=2) / rocev2(256))
emit("bench plain udp", Ether(**MAC_FROM) / v6(dst=LAST_SID) / UDP(sport=1, dport=2) / Raw(bytes(256)))


def bench_failure(event, validity=0, tunnel=True, type=202):
    """A TYPE1 about encaps-3, or about the link alone, to us; its sequence is 0 so far, and as much is
    missing elsewhere. Or another type, with what congestion has beside that."""
    code, info = tunnel_info(PATHS[2]["segments"]) if tunnel else (0, b"")
    options = LOCATION
    if event:
        options += private(65001, b"\xff" * 4 + (1 << 32).to_bytes(8, "big") +
                           validity.to_bytes(4, "big"))
    options += private(65002, b"\0" * 4 + b"\xff" * 4) + flow(inner6.__class__(bytes(inner6)))
    if type == 204:
        options += private(65005, (7).to_bytes(4, "big") + (90000).to_bytes(4, "big") +
                           (100000).to_bytes(4, "big"))
        options += private(65007, struct.pack(">ff", 1e8, 1e9))
    options += private(65011, bytes((QUEUE if type == 204 else CARRIER, 0, 0, 0)))
    return Ether(**MAC_FROM) / IPv6(src="2001:db8:f::2", dst=LOOPBACK6, hlim=255, nh=58) / \
        ICMPv6Unknown(type=type, code=code, msgbody=info + options)


def bench_metrics():
    """A TYPE5 about encaps-3: a link of 100 Gbit/s, 60 % used, with its queue."""
    code, info = tunnel_info(PATHS[2]["segments"])
    options = LOCATION + b"".join(number.to_bytes(2, "big") + b"\0\4" + struct.pack("!f", value)
                                  for number, value in ((1089, 12.5e9), (1119, 5e9), (1120, 7.5e9)))
    options += private(65001, b"\0\0\0\7" + (1 << 32).to_bytes(8, "big") + (60000).to_bytes(4, "big"))
    options += private(65002, b"\0" * 4 + b"\xff" * 4)
    options += private(65005, struct.pack("!III", 1, 1 << 20, 16 << 20))
    return Ether(**MAC_FROM) / IPv6(src="2001:db8:f::2", dst=LOOPBACK6, hlim=255, nh=58) / \
        ICMPv6Unknown(type=206, code=code, msgbody=info + options)


emit("bench metrics", bench_metrics())
def congestion(kind, rate=None, event=None, link=False, segments=None, of=None, sequence=0, hint=None):
    """TYPE3 or TYPE4 about encaps-3, about another list of segments, or about a link alone, to us."""
    code, info = (0, b"") if link else tunnel_info(segments or PATHS[2]["segments"])
    options = LOCATION if link else b""
    if event:
        options += private(65001, event.to_bytes(4, "big") + sequence.to_bytes(8, "big") + bytes(4))
    if rate:
        options += private(65007, struct.pack(">ff", 0, rate))
    if hint:
        options += private(65010, bytes((hint, 0, 0, 0)))
    if of:
        options = flow(of) + options
    return Ether(**MAC_FROM) / IPv6(src="2001:db8:f::2", dst=LOOPBACK6, hlim=255, nh=58) / \
        ICMPv6Unknown(type=kind, code=code, msgbody=info + options)


for where in False, True:
    name = "link" if where else "encaps-3"
    emit(f"congestion of {name}", congestion(204, link=where))
    emit(f"congestion of {name}, 10 bytes/s", congestion(204, 10, link=where))
    emit(f"congestion of {name}, 100 bytes/s", congestion(204, 100, link=where))
    emit(f"end of congestion of {name}", congestion(205, link=where))

one = IPv6(bytes(v6() / rocev2()))
emit("congestion of one flow, 10 bytes/s", congestion(204, 10, of=one))
emit("congestion of one flow, by its hint", congestion(204, of=one, hint=3))
emit("congestion that names one flow", congestion(204, of=one))
emit("end of congestion of one flow", congestion(205, of=one))
emit("congestion of one flow, an event", congestion(204, 10, 7, of=one, sequence=1))
emit("the same event, and no flow", congestion(204, 10, 7, sequence=2))
emit("end of that event", congestion(205, event=7, sequence=3))

marked = srv6(NEXT_SID, TRANSIT, 1)
marked.tc = 3
emit("in transit, marked", Ether(**MAC_FROM) / marked / inner6)
emit("congestion of transit, 10 bytes/s", congestion(204, 10, segments=TRANSIT))
emit("congestion of transit, 10 bytes/s, one flow",
     congestion(204, 10, segments=TRANSIT, of=inner6.__class__(bytes(inner6))))
emit("congestion of transit", congestion(204, segments=TRANSIT))
emit("congestion of transit, an event", congestion(204, 10, 7, segments=TRANSIT))
emit("end of congestion of transit", congestion(205, segments=TRANSIT))
emit("end of congestion of transit, one flow",
     congestion(205, segments=TRANSIT, of=inner6.__class__(bytes(inner6))))

emit("bench failure", bench_failure(True))
emit("bench failure for a minute", bench_failure(True, 60000))
emit("bench failure without event", bench_failure(False))
emit("bench failure of a link", bench_failure(True, tunnel=False))
emit("bench congestion", bench_failure(True, type=204))

json.dump({
    "node": {"loopback6": LOOPBACK6, "loopback4": LOOPBACK4, "host6": HOST6, "host4": HOST4,
             "far6": FAR6, "far4": FAR4, "ingress6": INGRESS6, "ingress4": INGRESS4,
             "event_id": EVENT_ID, "sequence": SEQUENCE, "detected_ns": DETECTED_NS,
             "location": LOCATION.hex()},
    "bench": {"event_at": option(bench_failure(True), 65001),
              "timestamp_at": option(bench_failure(True), 65002),
              "metrics_event_at": option(bench_metrics(), 65001),
              "metrics_timestamp_at": option(bench_metrics(), 65002),
              "link_event_at": option(bench_failure(True, tunnel=False), 65001)},
    "paths": PATHS,
    "packets": packets,
}, sys.stdout, indent=0)
