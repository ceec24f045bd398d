#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
Notifications on the wire, over ICMPv6 and over UDP: R5 loses its link to R4, and what it sends to
the ingress PE is captured on the way there, judged by tshark and read by `fantel decode`.
"""
import json
import os
import shutil
import subprocess
import time

import lab as figure
import routers
from lab import Lab
from tap import Tap
from traffic import Traffic

PATH = "via-r1-r5-r4"
UDP_PORT = 50202
FILTER = {"icmpv6": "icmp6 and ip6[40] >= 202 and ip6[40] <= 206", "udp": f"udp and dst port {UDP_PORT}"}
FIELDS = ("ipv6.src", "ipv6.dst", "ipv6.tclass.dscp", "ipv6.hlim", "icmpv6.type", "icmpv6.checksum.status",
          "udp.dstport", "udp.checksum.status")
GOOD = "1"  # tshark's word for a checksum that was computed and is right


def capture(lab, nodes, transport, file):
    """The notifications of one cut and one mending of R5-R4, as they pass R1 or R3, which R5 sends by."""
    r5, pe1 = nodes["r5"], nodes["pe1"]
    by = json.loads(lab.ip("r5", "-j", "-6", "route", "get", figure.loopback("pe1")))[0]["dev"]
    tcpdump = lab.spawn(by, "tcpdump", "-i", "r5", "-Q", "in", "-w", file, "-U", "--immediate-mode", "-Z", "root",
                        FILTER[transport], stderr=subprocess.PIPE, text=True)
    while "listening" not in tcpdump.stderr.readline():
        if tcpdump.poll() is not None:
            raise figure.LabError("tcpdump did not start")
    with Traffic(lab, rate=5000):
        cut, _ = lab.cut("r5", "r4")
        pe1.wait(cut, path=PATH, usable=False)
        time.sleep(0.05)
        mended, _ = lab.mend("r5", "r4")
        pe1.wait(mended, path=PATH, usable=True)
    sent = [r5.wait(cut, event="notified", kind="failure"),
            r5.wait(mended, event="notified", kind="failure-recovery")]
    time.sleep(0.1)
    lab.stop(tcpdump)
    return sent


def dissect(file):
    """What tshark says of each packet: field -> text."""
    done = subprocess.run(["tshark", "-r", file, "-T", "json", "-o", "udp.check_checksum:TRUE",
                           *(word for field in FIELDS for word in ("-e", field))],
                          capture_output=True, text=True, check=True)
    return [{name: values[0] for name, values in packet["_source"]["layers"].items()}
            for packet in json.loads(done.stdout)]


def packets(file):
    """The captured frames from the IP header on, in hex."""
    done = subprocess.run(["tshark", "-r", file, "-T", "jsonraw", "-x"], capture_output=True, text=True, check=True)
    return [packet["_source"]["layers"]["frame_raw"][0][28:] for packet in json.loads(done.stdout)]


def test_transport(tap, transport):
    def change(_node, policy):
        policy["notification"] = {"transport": transport, "hold-down": 200}

    with Lab() as lab:
        nodes = routers.start(lab, change=change)
        file = os.path.join(lab.dir, "wire.pcap")
        sent = capture(lab, nodes, transport, file)
        tap.ok(all(sent), f"{transport}: R5 sends a failure and a recovery", sent)
        seen = dissect(file)
        status = f"{transport}.checksum.status"
        tap.ok(len(seen) >= 2 and all(packet.get(status) == GOOD for packet in seen),
               f"{transport}: tshark finds every checksum right", seen)
        tap.equal({(packet["ipv6.src"], packet["ipv6.dst"], packet["ipv6.hlim"], packet["ipv6.tclass.dscp"])
                   for packet in seen}, {(figure.loopback("r5"), figure.loopback("pe1"), "255", "48")},
                  f"{transport}: from R5's loopback to the ingress PE's, hop limit 255, DSCP CS6")
        if transport == "icmpv6":
            tap.equal({packet["icmpv6.type"] for packet in seen}, {"202", "203"},
                      f"{transport}: TYPE1 and TYPE2")
        frames = packets(file)
        done = subprocess.run([routers.FANTEL, "decode", "-j", *frames], capture_output=True, text=True)
        decoded = [json.loads(line) for line in done.stdout.splitlines()]
        tap.ok(done.returncode == 0 and len(decoded) == len(frames) and "discard" not in done.stdout,
               f"{transport}: fantel decode reads every one", done.stdout, done.stderr)
        tap.note("\n".join(sorted(set(str(packet.get("kind")) for packet in decoded))))


def main():
    with Tap() as tap:
        why = figure.missing() or next((f"needs {program}" for program in ("tshark", "tcpdump")
                                        if not shutil.which(program)), "")
        if why:
            tap.skip("notifications on the wire", why)
            return
        for transport in FILTER:
            test_transport(tap, transport)


main()
