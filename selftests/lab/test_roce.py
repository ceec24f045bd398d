#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
The lab's RoCEv2 packets are real ones: roce_send's frames, printed instead of sent, against
scapy's encoder (which knows no ICRC over IPv6; there the rule of annex A17 is written out here).
"""
import os
import struct
import subprocess
import zlib

from lab import BUILD
from tap import Tap

SEND = os.path.join(BUILD, "lab", "roce_send")
GATEWAY = "02:00:00:00:01:81"
CASES = (
    ("IPv4, SEND only", "203.0.113.10", "203.0.113.130", []),
    ("IPv4, WRITE only", "203.0.113.10", "203.0.113.130", ["-w", "-p", "1024"]),
    ("IPv6, SEND only", "2001:db8:c1::10", "2001:db8:c2::20", []),
    ("IPv6, WRITE only", "2001:db8:c1::10", "2001:db8:c2::20", ["-w", "-p", "1024"]),
    ("IPv6, smallest payload, another traffic class", "2001:db8:c1::10", "2001:db8:c2::20",
     ["-p", "24", "--tos", "0"]),
)


def frames(source, destination, options, n=8):
    printed = subprocess.run([SEND, "-s", source, "-t", destination, "-g", GATEWAY, "-f", "4", "--print",
                              str(n), *options], capture_output=True, text=True, check=True).stdout
    return [bytes.fromhex(line) for line in printed.splitlines()]


def icrc_v6(packet):
    """CRC over ones, the masked headers and the payload, for an IPv6 packet."""
    masked = bytearray(packet[:-4])
    masked[0] |= 0x0F  # traffic class and flow label
    masked[1:4] = b"\xff" * 3
    masked[7] = 0xFF  # hop limit
    masked[46:48] = b"\xff" * 2  # UDP checksum
    masked[52] = 0xFF  # FECN, BECN
    return struct.pack("<I", zlib.crc32(b"\xff" * 8 + bytes(masked)))


def test_case(tap, scapy, words, source, destination, options):
    sent = frames(source, destination, options)
    parsed = [scapy.Ether(frame) for frame in sent]
    bths = [packet[scapy.BTH] for packet in parsed]
    tap.equal([(bth.dqpn, bth.psn, packet[scapy.UDP].sport) for bth, packet in zip(bths, parsed)],
              [(0x100 + i % 4, i // 4, 49152 + i % 4) for i in range(8)],
              f"{words}: four queue pairs, each with its port and rising PSNs")
    rebuilt = []
    for packet in parsed:
        copy = packet.copy()
        if scapy.IP in copy:
            del copy[scapy.IP].chksum, copy[scapy.IP].len, copy[scapy.BTH].icrc
        else:
            del copy[scapy.UDP].chksum, copy[scapy.IPv6].plen
        del copy[scapy.UDP].len
        rebuilt.append(bytes(copy))
    tap.equal([frame.hex() for frame in rebuilt], [frame.hex() for frame in sent],
              f"{words}: scapy computes the same lengths, checksums"
              + (" and ICRC" if scapy.IP in parsed[0] else ""))
    if scapy.IPv6 in parsed[0]:
        tap.equal([frame[-4:].hex() for frame in sent], [icrc_v6(frame[14:]).hex() for frame in sent],
                  f"{words}: the ICRC is that of annex A17")


def main():
    with Tap() as tap:
        try:
            import scapy.all as scapy
            from scapy.contrib.roce import BTH
        except ImportError as error:
            tap.skip("RoCEv2 packets against scapy", f"{error}")
            return
        scapy.BTH = BTH
        for case in CASES:
            test_case(tap, scapy, *case)


main()
