#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""fantel send on a wire: a loopback interface in a network namespace of the test's own, sniffed."""
import os
import pathlib
import socket
import subprocess
import sys
import time

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TREE / "selftests" / "lab"))
from tap import Tap  # noqa: E402

FANTEL = TREE / os.environ.get("FANTEL", "build/fantel")
ETH_P_ALL = 3
ETH_LEN = 14
V6 = ["--from", "2001:db8:f::2", "--to", "2001:db8:f::1"]
V4 = ["--from", "198.51.100.2", "--to", "198.51.100.1"]
SAME = ["--ip", "2001:db8:9::9", "--sequence", "7", "--timestamp", "1"]


def send(*options):
    return subprocess.run([FANTEL, "send", *options], capture_output=True, text=True)


def is_answer(packet):
    """Is it the kernel's ICMP error about what we sent? Nobody listens to UDP here."""
    if packet[0] >> 4 == 4:
        return packet[9] == socket.IPPROTO_ICMP
    return packet[6] == socket.IPPROTO_ICMPV6 and packet[40] < 128


class Sniffer:
    """What leaves by lo, from its IP header on, and when."""

    def __enter__(self):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.bind(("lo", 0))
        self.socket.setblocking(False)
        return self

    def __exit__(self, *_):
        self.socket.close()

    def packets(self):
        found = []
        while True:
            try:
                data, where = self.socket.recvfrom(65536)
            except BlockingIOError:
                return found
            if where[2] == socket.PACKET_OUTGOING and not is_answer(data[ETH_LEN:]):
                found.append(data[ETH_LEN:])


def without_ipv4_id(packet):
    """The kernel may choose an identification, and then another checksum."""
    return packet if packet[0] >> 4 == 6 else packet[:4] + b"\0\0" + packet[6:10] + b"\0\0" + packet[12:]


def test_sending(tap):
    for options, sentence in ((V6, "ICMPv6"), (V6 + ["--transport", "udp"], "UDP over IPv6"), (V4, "UDP over IPv4")):
        with Sniffer() as sniffer:
            done = send(*options, *SAME)
            packets = sniffer.packets()
        dry = bytes.fromhex(send("--dry-run", *options, *SAME).stdout.strip())
        tap.ok(done.returncode == 0 and [without_ipv4_id(p) for p in packets] == [without_ipv4_id(dry)],
               f"{sentence}: what leaves is what --dry-run prints", done.stderr, dry.hex(),
               *[packet.hex() for packet in packets])
        for packet in packets:
            got = subprocess.run([FANTEL, "decode", packet.hex()], capture_output=True, text=True)
            tap.ok(got.returncode == 0, f"{sentence}: decode reads it", got.stdout)
    with Sniffer() as sniffer:
        start = time.monotonic()
        done = send(*V6, "--repeat", "0,1,30", *SAME)
        took = time.monotonic() - start
        packets = sniffer.packets()
    tap.ok(len(packets) == 3 and len(set(packets)) == 1 and took >= 0.03 and "3 times" in done.stdout,
           "--repeat: three times the same, over 30 ms", len(packets), took, done.stdout)
    with Sniffer() as sniffer:
        done = send("--to", "2001:db8:f::1", *SAME)
        packets = sniffer.packets()
    tap.ok(len(packets) == 1 and packets[0][8:24] == socket.inet_pton(socket.AF_INET6, "2001:db8:f::1"),
           "without --from the kernel chooses the source", done.stderr, packets)


def test_failures(tap):
    done = send("--to", "2001:db8:99::1", *SAME)
    tap.ok(done.returncode == 1 and "no source address towards it" in done.stderr and "--from" in done.stderr,
           "no route and no --from: a sentence with the remedy", done.stderr)
    done = send("--from", "2001:db8:f::2", "--to", "2001:db8:99::1", *SAME)
    tap.ok(done.returncode == 1 and "2001:db8:99::1: can't send to it" in done.stderr, "no route: a sentence",
           done.stderr)
    done = subprocess.run(["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw", FANTEL, "send", *V6, *SAME],
                          capture_output=True, text=True)
    tap.ok(done.returncode == 1 and "CAP_NET_RAW" in done.stderr, "without the right: it is named", done.stderr)


def main():
    if len(sys.argv) == 1:
        if os.geteuid():
            print("ok 1 - fantel send on a wire # SKIP needs root\n1..1")
            return
        os.execvp("unshare", ["unshare", "--net", sys.executable, __file__, "inside"])
    with Tap() as tap:
        for command in ("link set lo up", "addr add 2001:db8:f::1/128 dev lo nodad",
                        "addr add 2001:db8:f::2/128 dev lo nodad", "addr add 198.51.100.1/32 dev lo",
                        "addr add 198.51.100.2/32 dev lo"):
            subprocess.run(["ip", *command.split()], check=True)
        test_sending(tap)
        test_failures(tap)


main()
