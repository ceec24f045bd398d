#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""fantel send --dry-run: decode and tshark read what it makes, and wrong usage gets a sentence."""
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import time

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TREE / "selftests" / "lab"))
from tap import Tap  # noqa: E402

FANTEL = TREE / os.environ.get("FANTEL", "build/fantel")
V6 = ["--from", "2001:db8:f::2", "--to", "2001:db8:f::1"]
V4 = ["--from", "198.51.100.2", "--to", "198.51.100.1"]
SIP = "000102030405060708090a0b0c0d0e0f"
HMAC = SIP + SIP
KINDS = ["failure", "failure-recovery", "congestion", "congestion-elimination", "load-balancing"]
LINKTYPE_RAW = 101

# (options, what decode finds in `options` beside event and timestamp)
TLVS = [
    (["--local-node", "as=65001,area=0.0.0.1,router-id=10.0.0.1"],
     {"local-node": {"as": 65001, "area": "0.0.0.1", "router-id": "10.0.0.1"}}),
    (["--remote-node", "router-id=10.0.0.1:10.0.0.2"], {"remote-node": {"router-id": "10.0.0.1:10.0.0.2"}}),
    (["--remote-node", "router-id=0000.0000.0001"], {"remote-node": {"router-id": "0000.0000.0001"}}),
    (["--remote-node", "router-id=0000.0000.0001.02"], {"remote-node": {"router-id": "0000.0000.0001.02"}}),
    (["--link-identifiers", "1,4294967295"], {"link-identifiers": {"local": 1, "remote": 4294967295}}),
    (["--ipv4-interface", "192.0.2.1", "--ipv4-neighbor", "192.0.2.2"],
     {"ipv4-interface": "192.0.2.1", "ipv4-neighbor": "192.0.2.2"}),
    (["--ipv6-interface", "2001:db8::1", "--ipv6-neighbor", "2001:db8::2"],
     {"ipv6-interface": "2001:db8::1", "ipv6-neighbor": "2001:db8::2"}),
    (["--link-capacity", "16M", "--residual-bandwidth", "8M"],
     {"link-capacity": {"bytes-per-second": 16e6}, "residual-bandwidth": {"bytes-per-second": 8e6}}),
    (["--available-bandwidth", "1.5", "--utilized-bandwidth", "0"],
     {"available-bandwidth": {"bytes-per-second": 1.5}, "utilized-bandwidth": {"bytes-per-second": 0.0}}),
    (["--delay", "16777215"], {"delay": {"us": 16777215, "anomalous": False}}),
    (["--delay", "1,anomalous"], {"delay": {"us": 1, "anomalous": True}}),
    (["--delay-range", "1,2,anomalous"], {"delay-range": {"min-us": 1, "max-us": 2, "anomalous": True}}),
    (["--delay-variation", "3"], {"delay-variation": {"us": 3}}),
    (["--loss", "0.03"], {"loss": {"percent": 0.03, "anomalous": False}}),
    (["--flow-id", "18446744073709551615"], {"flow-id": "18446744073709551615"}),
    (["--flow", "17,2001:db8::1,49152,2001:db8::2,4791"],
     {"flow": {"protocol": 17, "source": "2001:db8::1", "source-port": 49152,
               "destination": "2001:db8::2", "destination-port": 4791}}),
    (["--flow", "6,192.0.2.1,1,192.0.2.2,65535"],
     {"flow": {"protocol": 6, "source": "192.0.2.1", "source-port": 1,
               "destination": "192.0.2.2", "destination-port": 65535}}),
    (["--queue", "3,900000,1000000"], {"queue": {"id": 3, "depth-bytes": 900000, "limit-bytes": 1000000}}),
    (["--node-load", "80,40"], {"node-load": {"cpu-percent": 80, "memory-percent": 40}}),
    (["--rate", "1G,2G"], {"rate": {"min-bytes-per-second": 1e9, "max-bytes-per-second": 2e9}}),
    (["--overlay-key", "vni,5000"], {"overlay-key": {"kind": "vni", "key": 5000}}),
    (["--domain", "42"], {"domain": 42}),
    (["--action-hint", "slow-down"], {"action-hint": "slow-down"}),
    (["--cause", "no-feasible-path"], {"cause": "no-feasible-path"}),
    (["--path", "0"], {"path": 0}),
    (["--scope", "flood,3"], {"scope": {"mode": "flood", "hops-left": 3}}),
]

# (sentence, options, words of the error)
ERRORS = [
    ("no receiver", ["--ip", "192.0.2.9"], "--to ADDR is missing"),
    ("a receiver that is no address", ["--to", "pe1"], "--to: 'pe1' is not an IPv6 or IPv4 address"),
    ("addresses of two families", ["--to", "192.0.2.1", "--from", "2001:db8::1"], "different IP versions"),
    ("ICMPv6 to IPv4", V4 + ["--transport", "icmpv6"], "IPv4 receivers are told by udp"),
    ("an unknown transport", V6 + ["--transport", "tcp"], "neither icmpv6 nor udp"),
    ("an unknown kind", V6 + ["--type", "fail"], "'fail' is none of failure, failure-recovery, congestion"),
    ("an unknown cause", V6 + ["--cause", "rain"], "none of none, carrier, bfd"),
    ("nine segments", V6 + ["--srv6", ",".join(["2001:db8::1"] * 9)], "--srv6: 9 values, 1 to 8"),
    ("an IPv4 segment", V6 + ["--srv6", "192.0.2.1"], "is not an IPv6 address"),
    ("a label of 21 bits", V6 + ["--mpls", "1048576"], "0 to 1048575"),
    ("a delay of 25 bits", V6 + ["--delay", "16777216"], "0 to 16777215"),
    ("a loss that cannot be said", V6 + ["--loss", "60"], "at most 50.33"),
    ("a negative number", V6 + ["--domain", "-1"], "not a number from 0"),
    ("a flow of two families", V6 + ["--flow", "17,192.0.2.1,1,2001:db8::1,2"], "is not an IPv4 address"),
    ("a node of an unknown part", V6 + ["--local-node", "name=r1"], "none of as=N, area=A.B.C.D, router-id=ID"),
    ("a router-id of five bytes", V6 + ["--local-node", "router-id=0102.0304.05"], "is no router-id"),
    ("a repetition before the one before", V6 + ["--repeat", "5,1"], "times have to rise"),
    ("nothing to say", V6 + ["--no-event"], "says nothing"),
    ("a key id without a key", V6 + ["--key-id", "1"], "need --key, --key-file or --keys"),
    ("a key file that is not there", V6 + ["--key-file", "/nonexistent"], "No such file"),
    ("an argument", V6 + ["now"], "'now': send takes options only"),
    ("a key too long for SipHash", V6 + ["--algorithm", "siphash-2-4-128", "--key", HMAC],
     "the key's length does not fit its algorithm"),
]


def send(*options):
    return subprocess.run([FANTEL, "send", "--dry-run", *options], capture_output=True, text=True)


def decode(packet, *options):
    done = subprocess.run([FANTEL, "decode", "-j", *options, packet.strip()], capture_output=True, text=True)
    return json.loads(done.stdout)


def test_tlvs(tap):
    for options, wanted in TLVS:
        got = decode(send(*V6, "--no-event", "--ip", "2001:db8:9::9", *options).stdout)
        tap.equal(got.get("options"), wanted, f"{' '.join(options)}: decode finds it")
    everything = dict(pair for _, wanted in TLVS for pair in wanted.items())
    used = {}
    for options, _ in TLVS:
        used.update(zip(options[::2], options[1::2]))
    got = decode(send(*V6, *[word for pair in used.items() for word in pair]).stdout)
    tap.equal(sorted(got.get("options", {})), sorted({"event", "timestamp", *everything}),
              "all of them at once")


def test_messages(tap):
    for kind, number in zip(KINDS, range(202, 207)):
        for addresses, transport in ((V6, "icmpv6"), (V6, "udp"), (V4, "udp")):
            got = decode(send(*addresses, "--type", kind, "--transport", transport, "--mpls", "16009,24001").stdout)
            tap.ok((got.get("kind"), got.get("type"), got.get("transport"), got.get("source"), got["hop-limit"],
                    got["dscp"]) == (kind, number, transport, addresses[1], 255, 48),
                   f"{kind}, {transport} from {addresses[1]}", got)
    got = decode(send(*V6, "--ip", "192.0.2.9", "--srv6", "2001:db8::1,2001:db8::2", "--mpls", "16").stdout)
    tap.equal(got.get("tunnel"), {"ip": "192.0.2.9", "srv6": ["2001:db8::1", "2001:db8::2"], "segments-left": 0,
                                  "mpls": [{"label": 16, "tc": 0, "ttl": 0}]}, "three parts of Tunnel Info")
    got = decode(send(*V6, "--event-id", "0", "--sequence", "7", "--validity", "30000", "--timestamp", "1").stdout)
    tap.equal((got["options"]["event"], got["options"]["timestamp"]["ns"]),
              ({"id": 0, "sequence": 7, "validity-ms": 30000}, 1), "the event is the one asked for")
    first, second = (decode(send(*V6).stdout)["options"]["event"]["sequence"] for _ in range(2))
    tap.ok(second > first, "sequences rise from one call to the next", first, second)
    tap.ok(abs((first >> 32) - time.time()) < 60, "and start with the seconds since 1970", first)
    got = decode(send(*V6, "--dscp", "0", "--types", "1,2,3,4,5", "--ip", "::1").stdout, "--types", "1,2,3,4,5")
    tap.equal((got.get("kind"), got.get("type"), got["dscp"]), ("failure", 1, 0), "--types and --dscp")
    got = decode(send(*V6, "--code-bit-order", "lsb", "--ip", "::1").stdout, "--code-bit-order", "lsb")
    tap.equal(got.get("tunnel"), {"ip": "::1"}, "--code-bit-order lsb")
    got = json.loads(send(*V6, "-j", "--sequence", "9").stdout)
    tap.ok(got["sent"] == 0 and got["sequence"] == 9 and decode(got["packet"])["kind"] == "failure",
           "-j: an object with the packet", got)


def test_macs(tap):
    for key, algorithm in ((SIP, "siphash-2-4-128"), (HMAC, "hmac-sha-256-128"), (HMAC * 2, "hmac-sha-256-128")):
        packet = send(*V6, "--key", key, "--key-id", "3", "--scope", "flood,3").stdout
        got = decode(packet, "--key", key)
        tap.ok("discard" not in got and got["options"]["auth"]["algorithm"] == algorithm
               and got["options"]["auth"]["key-id"] == 3, f"{algorithm}, {len(key) // 2} bytes: the MAC is right", got)
        wrong = "ff" + key[2:]
        tap.equal(decode(packet, "--key", wrong).get("discard", {}).get("reason"), "auth",
                  f"{algorithm}: another key, another MAC")
    got = decode(send(*V6, "--key", SIP, "--algorithm", "hmac-sha-256-128").stdout, "--key", SIP)
    tap.ok("discard" not in got and got["options"]["auth"]["algorithm"] == "hmac-sha-256-128",
           "--algorithm: HMAC with a key of 16 bytes", got)
    tap.equal(decode(send(*V6).stdout, "--key", SIP)["discard"]["detail"], "there is none", "a missing MAC is told")
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(HMAC + "\n")
        file.flush()
        got = decode(send(*V6, "--key-file", file.name).stdout, "--key-file", file.name)
        tap.ok("discard" not in got, "--key-file for both", got)
    with tempfile.NamedTemporaryFile("w") as file:  # mode 0600
        file.write(f"7 siphash-2-4-128 - - {SIP}\n8 hmac-sha-256-128 - - {HMAC}\n")
        file.flush()
        for number, algorithm in (("7", "siphash-2-4-128"), ("8", "hmac-sha-256-128")):
            got = decode(send(*V6, "--keys", file.name, "--key-id", number).stdout, "--keys", file.name)
            tap.ok("discard" not in got and got["options"]["auth"]["algorithm"] == algorithm,
                   f"--keys for both: the key-id says {algorithm}", got)
        done = send(*V6, "--keys", file.name)
        tap.ok(done.returncode == 2 and "key 0: the file of keys has none" in done.stderr,
               "a key-id that the file does not have is refused", done.stderr)
        got = decode(send(*V6, "--key", SIP, "--key-id", "9").stdout, "--keys", file.name)
        tap.equal(got["discard"]["reason"], "auth-key", "and told by decode")


def test_errors(tap):
    for sentence, options, words in ERRORS:
        done = send(*options)
        tap.ok(done.returncode == 2 and words in done.stderr and not done.stdout, f"{sentence} is refused",
               done.returncode, done.stderr, done.stdout)
    long = [word for n in range(30) for word in ("--local-node", "as=1")]
    tap.equal(decode(send(*V6, *long).stdout)["options"]["local-node"], {"as": 1}, "an option given again is one TLV")


def write_pcap(name, packets):
    with open(name, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, LINKTYPE_RAW))
        for packet in packets:
            file.write(struct.pack("<IIII", 0, 0, len(packet), len(packet)) + packet)


def tshark(name, *fields):
    command = ["tshark", "-n", "-r", name, "-T", "fields"]
    for option in ("ip.check_checksum", "udp.check_checksum"):
        command += ["-o", f"{option}:TRUE"]
    for field in fields:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_tshark(tap):
    """Another reader of ICMPv6, UDP and both IP versions: it must find our checksums and types."""
    if not shutil.which("tshark"):
        tap.skip("tshark reads our packets", "needs tshark")
        return
    everything = [word for options, _ in TLVS for word in options]
    cases = [(addresses, transport, kind, more)
             for addresses, transport in ((V6, "icmpv6"), (V6, "udp"), (V4, "udp"))
             for kind in KINDS for more in ([], everything, ["--key", SIP], ["--path", "1", "--loss", "1"])]
    packets = [bytes.fromhex(send(*addresses, "--transport", transport, "--type", kind, "--ip", "2001:db8:9::9", *more)
                             .stdout) for addresses, transport, kind, more in cases]
    with tempfile.TemporaryDirectory() as scratch:
        name = f"{scratch}/ours.pcap"
        write_pcap(name, packets)
        seen = tshark(name, "icmpv6.type", "icmpv6.checksum.status", "udp.dstport", "udp.checksum.status",
                      "ip.checksum.status", "ip.ttl", "ipv6.hlim", "udp.payload", "_ws.malformed")
    tap.equal(len(seen), len(cases), "tshark reads every packet")
    for (addresses, transport, kind, more), fields in zip(cases, seen):
        icmp_type, icmp_sum, port, udp_sum, ip_sum, ttl, hlim, payload, malformed = fields
        number = str(202 + KINDS.index(kind))
        sentence = f"tshark: {kind}, {transport} from {addresses[1]}, {len(more) // 2} options more"
        if transport == "icmpv6":
            tap.ok((icmp_type, icmp_sum, hlim, malformed) == (number, "1", "255", ""), sentence, fields)
        else:
            word = int(payload.replace(":", "")[:8], 16)
            tap.ok((port, udp_sum, malformed) == ("50202", "1", "") and word >> 20 == int(number)
                   and (ip_sum, ttl) == (("1", "255") if addresses is V4 else ("", "")), sentence, fields)


def main():
    with Tap() as tap:
        test_tlvs(tap)
        test_messages(tap)
        test_macs(tap)
        test_errors(tap)
        test_tshark(tap)


main()
