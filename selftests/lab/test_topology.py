#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
The lab itself, without fantel: the kernel's own SRv6 carries IPv6 and IPv4 from dc1 to dc2 along
every path of the ingress PE's policy, a cut link carries nothing until it is mended, and nothing is left
of a lab that has ended.
"""
import json
import os
import signal
import socket
import subprocess
import tempfile

import lab as figure
from lab import Lab, sid
from routers import until
from tap import Tap

PORT = 4791


def pings(lab, host):
    try:
        lab.run("dc1", "ping", "-c", "3", "-i", "0.02", "-W", "1", host)
    except figure.LabError:
        return False
    return True


def udp_arrives(lab, host):
    """One datagram of an odd length, so that a checksum left undone would show."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    receiver, sender = (lab.inside(node, lambda: socket.socket(family, socket.SOCK_DGRAM))
                        for node in ("dc2", "dc1"))
    with receiver, sender:
        receiver.settimeout(1)
        receiver.bind((host, PORT))
        sender.sendto(b"fantel!", (host, PORT))
        try:
            return receiver.recv(64) == b"fantel!"
        except TimeoutError:
            return False


def port_counts(lab, way):
    """Packets that left each node of the way towards the next one."""
    stops = ("pe1", *way, "pe2")
    return [json.loads(lab.ip(node, "-s", "-j", "link", "show", "dev", port))[0]["stats64"]["tx"]["packets"]
            for node, port in zip(stops, stops[1:])]


def test_paths(tap, lab):
    lab.return_tunnel()
    for name, segments in figure.segments_of(figure.read_policy("pe1")).items():
        decap4 = segments[-1] == sid("pe2", "d4")
        words, site = ("IPv4", figure.SITE4) if decap4 else ("IPv6", figure.SITE6)
        lab.kernel_tunnel("pe1", *((segments, ()) if decap4 else ((), segments)))
        way = [figure.node_of(segment) for segment in segments[:-1]]
        host = site["dc2"][2]
        before = port_counts(lab, way)
        answered = pings(lab, host)
        after = port_counts(lab, way)
        tap.ok(answered and all(now - then >= 3 for then, now in zip(before, after)),
               f"the kernel's SRv6 carries {words} along {name} and back",
               f"answered {answered}, packets on each link before {before}, after {after}")
        tap.ok(udp_arrives(lab, host), f"UDP over {words} along {name} arrives with a good checksum")


def test_cut(tap, lab, how):
    host = figure.SITE6["dc2"][2]
    segments = [sid(node) for node in ("r1", "r2")]
    lab.kernel_tunnel("pe1", (), segments + [sid("pe2", "d6")])
    before = pings(lab, host)
    lab.cut("r1", "r2", how)
    during = pings(lab, host)
    lab.mend("r1", "r2")
    after = pings(lab, host)
    tap.equal((before, during, after), (True, False, True),
              f"a link cut by {how} carries nothing until it is mended")


def left_of(pid):
    left = [name for name in os.listdir("/run/netns") if name.startswith(f"fantel-{pid}-")]
    left += [name for name in os.listdir(tempfile.gettempdir()) if name.startswith(f"fantel-{pid}-")]
    with open("/proc/mounts", encoding="utf-8") as mounts:
        return left + [line for line in mounts if f"/fantel-{pid}-" in line]


def test_killed(tap, number):
    """A lab in a process of its own, ended by a signal; SIGKILL leaves it to the next lab's sweep."""
    program = ("from lab import Lab\nimport time\n"
               "with Lab() as lab:\n    sleeper = lab.spawn('r1', 'sleep', '60')\n"
               "    print(sleeper.pid, flush=True)\n    time.sleep(60)\n")
    process = subprocess.Popen(["/usr/bin/python3", "-c", program], stdout=subprocess.PIPE, text=True,
                               cwd=os.path.dirname(os.path.abspath(__file__)))
    sleeper = int(process.stdout.readline())
    there = left_of(process.pid)
    process.send_signal(number)
    process.wait(10)
    if number == signal.SIGKILL:
        figure.sweep()
    gone = until(lambda: not os.path.exists(f"/proc/{sleeper}"))
    tap.ok(there and gone and not left_of(process.pid), f"nothing is left of a lab ended by {number.name}",
           there, left_of(process.pid), f"its program is gone: {gone}")


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("the lab's topology", why)
            return
        with Lab() as lab:
            test_paths(tap, lab)
            for how in ("admin", "carrier"):
                test_cut(tap, lab, how)
        tap.equal(left_of(os.getpid()), [], "nothing of the lab is left")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
            test_killed(tap, number)


main()
