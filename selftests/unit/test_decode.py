#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""fantel decode: every golden message as a user would see it, bad input, and what options change."""
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TREE / "selftests" / "lab"))
from tap import Tap  # noqa: E402

FANTEL = TREE / os.environ.get("FANTEL", "build/fantel")
VECTORS = json.loads((TREE / "selftests" / "golden" / "messages.json").read_text())
A = "20010db8000900000000000000000009"  # a tunnel's endpoint


def run(*args, text=None):
    return subprocess.run([FANTEL, "decode", *args], input=text, capture_output=True, text=True)


def objects(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def ip_packet(l4, transport="icmpv6", src="2001:db8:f::2", dst="2001:db8:f::1"):
    """The L4 bytes behind an IP header as send makes them."""
    body = bytes.fromhex(l4)
    proto = {"icmpv6": 58, "udp": 17}[transport]
    if ":" in src:
        head = struct.pack(">IHBB", 0x6c000000, len(body), proto, 255)
        head += socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst)
    else:
        head = struct.pack(">BBHHHBBH", 0x45, 0xc0, 20 + len(body), 0, 0x4000, 255, proto, 0)
        head += socket.inet_aton(src) + socket.inet_aton(dst)
    return head + body


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def message(code, body, kind=202):
    """An ICMPv6 message with the right checksum, in hex, IP header included."""
    l4 = bytes([kind, code, 0, 0]) + bytes.fromhex(body)
    packet = ip_packet(l4.hex())
    pseudo = packet[8:40] + struct.pack(">II", len(l4), 58)
    l4 = l4[:2] + struct.pack(">H", checksum(pseudo + l4)) + l4[4:]
    return ip_packet(l4.hex()).hex()


def vector_hex(vector):
    return ip_packet(vector["l4"], vector["transport"], vector["src"], vector["dst"]).hex()


def matches(tunnel, found):
    """The vectors give labels as numbers or [label, TC, TTL]; decode always gives all three."""
    if tunnel.get("ip") != found.get("ip") or tunnel.get("srv6") != found.get("srv6"):
        return False
    if "sl" in tunnel and tunnel["sl"] != found["segments-left"]:
        return False
    labels = [[entry["label"], entry["tc"], entry["ttl"]] for entry in found.get("mpls", [])]
    wanted = [label if isinstance(label, list) else [label, 0, 255] for label in tunnel.get("mpls", [])]
    return labels == wanted


def test_vectors(tap):
    for keyed in sorted({vector.get("key", "") for vector in VECTORS}):
        vectors = [vector for vector in VECTORS if vector.get("key", "") == keyed]
        done = run("-j", *(["--key", keyed] if keyed else []),
                   text="\n".join(map(vector_hex, vectors)))
        for vector, got in zip(vectors, objects(done)):
            if vector["verdict"] == "valid":
                tap.ok("discard" not in got and got["kind"] == vector["kind"]
                       and got["transport"] == vector["transport"]
                       and got["source"] == vector["src"]
                       and matches(vector["tunnel"], got["tunnel"]), vector["name"], got)
            else:
                tap.equal(got.get("discard", {}).get("reason"), vector["why"], vector["name"])
        bad = any(vector["verdict"] != "valid" for vector in vectors)
        tap.equal(done.returncode, 2 if bad else 0, f"exit code of {len(vectors)} with key '{keyed[:8]}'")


# (sentence, packet, reason, offset from the IP header on, words of the detail)
BAD = [
    ("a TLV that claims too much", message(0x80, A + "045d000800000000"), "tlv", 60,
     "TLV 1117 (loss) claims 8 bytes, 4 are left"),
    ("a tail of three bytes", message(0x80, A + "9c4000009c4000"), "tlv", 64,
     "3 bytes are left; a TLV has at least 4"),
    ("a TLV of a wrong length", message(0x80, A + "045a00050000000000"), "tlv", 60,
     "delay (1114) of 5 bytes; 4 would be right"),
    ("a flow that contradicts itself", message(0x80, A + "fdec001400007ed9" + "05" + "00" * 15), "tlv", 60,
     "flow (65004) whose 20 bytes are not what they should be"),
    ("a sub-TLV that claims too much", message(0x80, A + "010000080203000900000000"), "tlv", 64,
     "sub-TLV 515 (router-id) claims 9 bytes, 4 are left"),
    ("a sub-TLV of a wrong length", message(0x80, A + "0100000602000002fde9"), "tlv", 64,
     "as (512) of 2 bytes; 4 would be right"),
    ("a private TLV without its number", message(0x80, A + "fe000001ff"), "tlv", 60,
     "private TLV 65024 of 1 bytes, too few for its enterprise number"),
    ("an address cut short", message(0x80, A[:20]), "tunnel", 44, "an address of 10 bytes; 16 would be right"),
    ("an SRH cut short", message(0x40, "2902040000000000"), "tunnel", 44, "an SRH of 24 bytes where 8 are left"),
    ("an SRH behind an address, of another type", message(0xc0, A + "2902030000000000" + A), "tunnel", 62,
     "a routing header of type 3; an SRH has 4"),
    ("an SRH that lists too much", message(0x40, "2902040005000000" + A), "tunnel", 48,
     "6 segments do not fit an SRH of 24 bytes"),
    ("labels without a bottom", message(0x20, "03e89000"), "tunnel", 44, "no bottom of stack in 4 bytes"),
    ("a message of nothing", message(0, ""), "empty", 44, ""),
    ("an unknown type", message(0x80, A, 128), "type", 40, "type 128"),
    ("a wrong checksum", message(0x80, A)[:-1] + "8", "checksum", 42, "would be right"),
    ("a message shorter than its header", ip_packet("ca80").hex(), "too-short", 40,
     "2 bytes after the IP header; 4 at least"),
    ("a message of 1281 bytes", message(0x80, A + "9c4004bd" + "00" * 1217), "too-long", 40,
     "1281 bytes with the IP header"),
    ("a UDP length that lies", ip_packet("c000c41a001d0000" + "0ca80000" + A, "udp").hex(), "length", 44,
     "it is 29, the IP header leaves 28"),
    ("UDP without a checksum", ip_packet("c000c41a001c0000" + "0ca80000" + A, "udp").hex(), "checksum", 46,
     "there is none; UDP notifications have one"),
    ("another UDP port", ip_packet("c000003500080000", "udp").hex(), "type", 42,
     "UDP port 53; notifications go to 50202"),
    ("TCP", "6000000000000640" + A + A, "type", 6, "protocol 6 carries no notifications over IPv6"),
    ("ICMPv6 over IPv4", "4500001400004000403a0000c0000201c0000202", "type", 9,
     "protocol 58 carries no notifications over IPv4; UDP (17) would"),
    ("an IPv4 fragment", "450000140000200040110000c0000201c0000202", "not-ip", 6, "a fragment"),
    ("an IPv4 header of three words", "430000140000400040110000c0000201c0000202", "not-ip", 0,
     "an IPv4 header of 12 bytes"),
    ("a packet cut short", message(0x80, A)[:-2], "not-ip", 59, "59 of 60 bytes are there"),
    ("an IPv6 header cut short", "6000000000003a40", "not-ip", 8, "cut in its IPv6 header"),
    ("an Ethernet frame", "020000000001" * 2 + "86dd" + message(0x80, A), "not-ip", 0, "neither IPv4 nor IPv6"),
]


def test_bad(tap):
    for sentence, packet, reason, at, detail in BAD:
        done = run("-j", packet)
        got = objects(done)[0].get("discard", {})
        tap.ok(done.returncode == 2 and got.get("reason") == reason and got.get("at") == at
               and detail in (got.get("detail") or ""), f"{sentence}: {reason}, where and why", done.stdout)
        text = run(packet).stdout
        tap.ok(f"discarded: {reason}: " in text and f"; byte {at}" in text and detail in text,
               f"{sentence}: the same as text", text)


def test_input(tap):
    good = message(0x80, A)
    spaced = " ".join(good[i:i + 4] for i in range(0, len(good), 4)).upper()
    tap.equal(run("-j", spaced).stdout, run("-j", good).stdout, "blanks and capitals make no difference")
    tap.equal(run("-j", ":".join(good[i:i + 2] for i in range(0, len(good), 2))).returncode, 0,
              "colons neither")
    tap.equal(run("-j", good + "0000000000").stdout, run("-j", good).stdout,
              "Ethernet's padding behind a packet is not part of it")
    done = run("-j", text=f"# two packets\n\n{good}\n60zz\n  {good}\n")
    got = objects(done)
    tap.ok(done.returncode == 2 and len(got) == 3 and "error" in got[1] and "kind" in got[2],
           "a line that is no hex is one object, and the next line is read", done.stdout)
    tap.ok("line 4: 'z' at character 3" in done.stderr, "and is named on standard error", done.stderr)
    done = run(good, good[:-1])
    tap.ok(done.returncode == 2 and "packet 2: an odd number" in done.stderr and "failure\n" in done.stdout,
           "an odd number of digits is named, the packet before is printed", done.stderr, done.stdout)
    tap.equal(run(text="").returncode, 0, "no input, no error")
    done = run("--key", "0011", good)
    tap.ok(done.returncode == 2 and "16 to 64 bytes" in done.stderr, "a key that is too short is refused",
           done.stderr)
    done = run("--types", "1,2,3,4", good)
    tap.ok(done.returncode == 2 and "--types: 4 values" in done.stderr, "four types are refused", done.stderr)
    done = run("--types", "1,2,3,4,1", good)
    tap.ok(done.returncode == 2 and "1 twice" in done.stderr, "equal types are refused", done.stderr)


def test_policy(tap):
    tap.equal(objects(run("-j", "--types", "10,11,12,13,14", message(0x80, A, 11)))[0].get("kind"),
              "failure-recovery", "--types: the second is a recovery")
    tap.equal(objects(run("-j", "--code-bit-order", "lsb", message(0x01, A)))[0].get("tunnel"),
              {"ip": "2001:db8:9::9"}, "--code-bit-order lsb: CODE 01 is an address")
    private = message(0x80, A + "fdf100080000000100000007")
    tap.equal(objects(run("-j", private))[0].get("ignored"),
              [{"type": 65009, "why": "unknown", "value": "0000000100000007"}],
              "another enterprise's TLV is unknown, and shown")
    tap.equal(objects(run("-j", "--enterprise", "1", private))[0].get("options"), {"domain": 7},
              "--enterprise: it is ours")
    tap.equal(objects(run("-j", message(0x80, A + "045a000400000001045a000400000002")))[0].get("ignored"),
              [{"type": 1114, "why": "repeated", "value": "00000002"}], "a repetition is shown, and does not count")
    udp = next(vector for vector in VECTORS if vector["name"] == "failure of an IPv6 tunnel, udp6")
    tap.equal(objects(run("-j", "--port", "1", vector_hex(udp)))[0]["discard"]["at"], 42,
              "--port: 50202 is then another")


def main():
    with Tap() as tap:
        test_vectors(tap)
        test_bad(tap)
        test_input(tap)
        test_policy(tap)


main()
