#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
Our location and metric TLVs are those of BGP-LS (RFC 7752, RFC 8571): a second implementation reads
the same values. What `fantel send` writes is cut into TLVs and put, byte for byte, into a BGP UPDATE
about one link; what tshark reads there must be what `fantel decode` reads in the notification.
"""
import ipaddress
import json
import logging
import math
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
from scapy.all import Ether, IPv6, Raw, TCP, wrpcap  # noqa: E402

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TREE / "selftests" / "lab"))
from tap import Tap  # noqa: E402

FANTEL = TREE / os.environ.get("FANTEL", "build/fantel")
OPTIONS_AT = 40 + 4  # IPv6 and ICMPv6 header; no Tunnel Info
DESCRIPTORS = range(256, 263)  # in the NLRI; the others are attributes of the link

# (sentence, options of `fantel send`)
CASES = [
    ("OSPF routers, IPv6 addresses", "--local-node as=64500,area=0.0.0.7,router-id=198.51.100.11 "
     "--remote-node as=4200000000,area=192.0.2.0,router-id=198.51.100.12 "
     "--ipv6-interface 2001:db8:1:1112::11 --ipv6-neighbor 2001:db8:1:1112::12"),
    ("an OSPF pseudonode, IPv4 addresses", "--local-node as=1,router-id=198.51.100.11:192.0.2.9 "
     "--remote-node as=4294967295,router-id=203.0.113.255 --ipv4-interface 192.0.2.1 --ipv4-neighbor 192.0.2.254"),
    ("IS-IS, identifiers", "--local-node router-id=1920.0000.2001 --remote-node as=64501,router-id=1920.0000.2002.0a "
     "--link-identifiers 5,4294967295"),
    ("every way to name a link", "--local-node as=64500 --remote-node as=64501 --link-identifiers 0,1 "
     "--ipv4-interface 10.0.0.1 --ipv4-neighbor 10.0.0.2 --ipv6-interface 2001:db8::a --ipv6-neighbor 2001:db8::b"),
    ("every metric, nothing anomalous", "--link-capacity 12.5G --delay 1500 --delay-range 1000,2000 "
     "--delay-variation 33 --loss 0.3 --residual-bandwidth 10G --available-bandwidth 2.5G --utilized-bandwidth 10.25G"),
    ("an anomalous delay only", "--delay 1,anomalous --delay-range 1,1 --loss 0"),
    ("an anomalous range only", "--delay 0 --delay-range 0,1,anomalous --loss 0.000003"),
    ("an anomalous loss only", "--delay 0 --delay-range 0,0 --loss 1.5,anomalous"),
    ("24 bits full", "--delay 16777215,anomalous --delay-range 16777215,16777215,anomalous "
     "--delay-variation 16777215 --loss 50.331645,anomalous"),
    ("24 bits whose bytes differ", "--delay 66051 --delay-range 263430,460809 --delay-variation 658188 --loss 2"),
    ("bandwidths that no float has exactly", "--link-capacity 1234567.89 --residual-bandwidth 0.1 "
     "--available-bandwidth 16777217 --utilized-bandwidth 333.333G"),
    ("the edges of floats", "--link-capacity 3.4e37 --residual-bandwidth 0 --available-bandwidth 1.4e-45 "
     "--utilized-bandwidth 3.4e38"),
]
NODES = "--local-node as=1 --remote-node as=2"  # an NLRI has both

# tshark's fields, and the option that the value belongs to; of several values the first.
ADDRESSES = {"bgp.ls.nlri_ipv4_interface_address": "ipv4-interface", "bgp.ls.nlri_ipv4_neighbor_address": "ipv4-neighbor",
             "bgp.ls.nlri_ipv6_interface_address": "ipv6-interface", "bgp.ls.nlri_ipv6_neighbor_address": "ipv6-neighbor"}
NODE = {"as": "bgp.ls.tlv.autonomous_system.id", "area": "bgp.ls.tlv.area_id.id", "router-id": "bgp.ls.tlv.igp_router_id"}
IDS = ("bgp.ls.nlri_link_local_identifier", "bgp.ls.nlri_link_remote_identifier")
TE = "bgp.ls.igp_te_metric."
NUMBERS = {"delay": ("us", TE + "delay_value"), "delay-variation": ("us", TE + "delay_variation_value")}
FLOATS = {"residual-bandwidth": TE + "residual_bandwidth_value", "available-bandwidth": TE + "available_bandwidth_value",
          "utilized-bandwidth": TE + "utilized_bandwidth_value"}
OTHERS = (TE + "flags.a", TE + "delay_min", TE + "delay_max", TE + "link_loss_value", "bgp.ls.bandwidth_value",
          "_ws.malformed", "_ws.expert")
FIELDS = [*ADDRESSES, *NODE.values(), *IDS, *(field for _, field in NUMBERS.values()), *FLOATS.values(), *OTHERS]


# ---- what we write and read -------------------------------------------------------------------------

def fantel(*words):
    return subprocess.run([FANTEL, *words], capture_output=True, text=True, check=True).stdout


def notification(options):
    """A load balancing notification without Tunnel Info: nothing but these TLVs."""
    nodes = "" if "--local-node" in options else NODES
    return fantel("send", "-n", "--to", "2001:db8:f::1", "--from", "2001:db8:f::2", "--type", "load-balancing",
                  "--no-event", *nodes.split(), *options.split()).strip()


def tlvs(packet):
    """(type, the whole TLV) of each."""
    rest = bytes.fromhex(packet)[OPTIONS_AT:]
    while rest:
        kind, length = struct.unpack_from(">HH", rest)
        yield kind, rest[:4 + length]
        rest = rest[4 + length:]


# ---- the same in BGP --------------------------------------------------------------------------------

def attribute(flags, kind, value):
    return struct.pack(">BBH", flags | 0x10, kind, len(value)) + value


def update(packet):
    """RFC 4271 §4.3, RFC 4760 §3, RFC 7752 §3.2: a link NLRI and its BGP-LS attribute."""
    descriptors = b"".join(tlv for kind, tlv in tlvs(packet) if kind in DESCRIPTORS)
    metrics = b"".join(tlv for kind, tlv in tlvs(packet) if kind not in DESCRIPTORS)
    nlri = b"\x03" + bytes(8) + descriptors  # learned by OSPFv2; identifier 0
    nlri = struct.pack(">HH", 2, len(nlri)) + nlri
    reach = struct.pack(">HBB4sB", 16388, 71, 4, bytes([192, 0, 2, 9]), 0) + nlri
    attributes = attribute(0x40, 1, b"\0") + attribute(0x40, 2, b"") + attribute(0x40, 5, struct.pack(">I", 100))
    attributes += attribute(0x80, 14, reach) + (attribute(0x80, 29, metrics) if metrics else b"")
    body = struct.pack(">HH", 0, len(attributes)) + attributes
    return b"\xff" * 16 + struct.pack(">HB", 19 + len(body), 2) + body


def capture(name, packets):
    """Each UPDATE in a TCP connection of its own."""
    wrpcap(name, [Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IPv6(src="2001:db8::1", dst="2001:db8::2") /
                  TCP(sport=40000 + number, dport=179, flags="PA", seq=1, ack=1) / Raw(update(packet))
                  for number, packet in enumerate(packets)])


def dissect(name):
    """What tshark says of each packet: field -> texts."""
    done = subprocess.run(["tshark", "-n", "-r", name, "-T", "json", *(word for f in FIELDS for word in ("-e", f))],
                          capture_output=True, text=True, check=True)
    return [packet["_source"]["layers"] for packet in json.loads(done.stdout)]


# ---- both in one form -------------------------------------------------------------------------------

def router_id(text):
    """The bytes of a router-id as decode writes it."""
    if len(text.split(".")[0]) == 4:
        return text.replace(".", "")
    return "".join(ipaddress.ip_address(part).packed.hex() for part in text.split(":"))


def bits(value):
    """Of a float; tshark shows three of the four bandwidths as the integer that they are on the wire."""
    return struct.unpack(">I", struct.pack(">f", value))[0]


def ours(options):
    """decode's values, by tshark's fields."""
    said = {}
    nodes = [options[name] for name in ("local-node", "remote-node")]
    read = {"as": str, "area": lambda area: str(int(ipaddress.ip_address(area))), "router-id": router_id}
    for member, field in NODE.items():
        said[field] = [read[member](node[member]) for node in nodes if member in node]
    for field, option in ADDRESSES.items():
        said[field] = [options[option]] if option in options else []
    ids = options.get("link-identifiers")
    for field, end in zip(IDS, ("local", "remote")):
        said[field] = [f"0x{ids[end]:08x}"] if ids else []
    for option, (member, field) in NUMBERS.items():
        said[field] = [str(options[option][member])] if option in options else []
    for option, field in FLOATS.items():
        said[field] = [str(bits(options[option]["bytes-per-second"]))] if option in options else []
    delays = options.get("delay-range")
    for field, member in ((TE + "delay_min", "min-us"), (TE + "delay_max", "max-us")):
        said[field] = [str(delays[member])] if delays else []
    said[TE + "link_loss_value"] = [str(round(options["loss"]["percent"] / 0.000003))] if "loss" in options else []
    said[TE + "flags.a"] = [str(int(options[name]["anomalous"]))
                            for name in ("delay", "delay-range", "loss") if name in options]
    return said


def theirs(layers):
    """tshark's, tidied: bytes without colons, and `1` for `True`."""
    def tidy(field, text):
        if field == TE + "flags.a":
            return "1" if text in ("1", "True") else "0"
        return text.replace(":", "") if field == NODE["router-id"] else text

    return {field: [tidy(field, text) for text in layers.get(field, [])]
            for field in FIELDS if field not in OTHERS[4:]}


def test_case(tap, sentence, packet, layers):
    options = json.loads(fantel("decode", "-j", packet))["options"]
    tap.equal(theirs(layers), ours(options), f"{sentence}: tshark and decode read the same")
    capacity = options.get("link-capacity")
    if capacity:  # shown in Mbit/s, computed as a float, with six digits
        megabits = float(layers["bgp.ls.bandwidth_value"][0])
        wanted = capacity["bytes-per-second"] * 8 / 1e6
        tap.ok(math.isclose(megabits, wanted, rel_tol=1e-5), f"{sentence}: and the same capacity", megabits, wanted)
    tap.ok("_ws.malformed" not in layers and "_ws.expert" not in layers, f"{sentence}: nothing is malformed", layers)


def test_every_tlv_is_compared(tap, packets):
    """A TLV that tshark knows no field for would be passed over in silence."""
    sent = {kind for packet in packets for kind, _ in tlvs(packet)}
    tap.equal(sent, {*DESCRIPTORS, 1089, *range(1114, 1121)}, "the cases hold every TLV that is taken from BGP-LS")


def main():
    with Tap() as tap:
        if not shutil.which("tshark"):
            tap.skip("tshark reads our TLVs in BGP-LS", "needs tshark")
            return
        packets = [notification(options) for _, options in CASES]
        with tempfile.TemporaryDirectory() as scratch:
            capture(f"{scratch}/update.pcap", packets)
            seen = dissect(f"{scratch}/update.pcap")
        tap.equal(len(seen), len(CASES), "tshark reads every UPDATE")
        for (sentence, _), packet, layers in zip(CASES, packets, seen):
            test_case(tap, sentence, packet, layers)
        test_every_tlv_is_compared(tap, packets)


main()
