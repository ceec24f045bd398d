# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
A port that has more to send than its link carries, and what notifications do there: FullQueue gives the
port a queue of one of HOWS and fills it; Arrivals notes at the far end when each of its packets came.
Used by the lab's test of it and by the bench.
"""
import socket
import struct
import subprocess
import threading
import time

import lab as figure
from bottleneck import NOBODY, PAYLOAD, PLAIN
from traffic import SEND

CS6 = 48
_BURST = 4000  # bytes that leave at once; more than any packet here has
_SO_TIMESTAMPNS, _ETH_P_ALL = 35, 3
_TIMESPEC = struct.Struct("=qq")


def _plain(dev, kbits, dscp):
    yield f"qdisc replace {dev} root handle 1: tbf rate {kbits}kbit burst {_BURST} limit 4mb"


def _by_dscp(dev, kbits, dscp):
    """What fantel(8) has for transit routers."""
    yield f"qdisc replace {dev} root handle 1: htb default 20"
    yield f"class add {dev} parent 1: classid 1:1 htb rate {kbits}kbit burst {_BURST}"
    yield f"class add {dev} parent 1:1 classid 1:10 htb rate {kbits // 10}kbit ceil {kbits}kbit prio 0"
    yield f"class add {dev} parent 1:1 classid 1:20 htb rate {kbits - kbits // 10}kbit ceil {kbits}kbit prio 1"
    yield (f"filter add {dev} parent 1: protocol ipv6 prio 1 u32"
           f" match ip6 priority {dscp << 2:#x} 0xfc flowid 1:10")
    yield (f"filter add {dev} parent 1: protocol ip prio 2 u32"
           f" match ip tos {dscp << 2:#x} 0xfc flowid 1:10")


def _by_priority(dev, kbits, dscp):
    """The kernel's default qdisc behind a shaper: it goes by skb->priority."""
    yield from _plain(dev, kbits, dscp)
    yield f"qdisc replace {dev} parent 1:1 handle 10: pfifo_fast"


HOWS = {"plain": _plain, "by DSCP": _by_dscp, "by priority": _by_priority}


class FullQueue:
    """with FullQueue(...) as queue: ...; the port of a node, kbit/s, with a queue of this kind. At the end
    of the block it has none again."""

    def __init__(self, lab, node, port, kbits, how, dscp=CS6):
        self.lab, self.node, self.port = lab, node, port
        self._commands = "\n".join(HOWS[how](f"dev {port}", kbits, dscp))

    def fill(self, packets):
        """Others' packets join it, at once; returns when all have."""
        self.lab.run(self.node, *self._send(50000), "--count", packets)

    def flood(self, packets_a_second):
        """As many as a socket may have waiting stay in it, until lab.stop() of what is returned."""
        return self.lab.spawn(self.node, *self._send(packets_a_second), "--count", 2**32 - 1, stdout=subprocess.DEVNULL)

    def _send(self, rate):
        near, far = figure.link_address(self.node, self.port), figure.link_address(self.port, self.node)
        return [SEND, "--dev", self.port, "--src", near, "--dst", far, "--gw-mac", NOBODY, "--flows", 1,
                "--payload", PAYLOAD, "--rate", rate]

    def __enter__(self):
        self.lab.run(self.node, "tc", "-batch", "-", text=self._commands + "\n")
        return self

    def __exit__(self, *_):
        self.lab.run(self.node, "tc", "qdisc", "del", "dev", self.port, "root")


class Arrivals:
    """with Arrivals(lab, node, port) as arrivals: ...; arrivals.times are the monotonic ns at which packets
    of FullQueue.fill() came in by the port, in order."""

    def __init__(self, lab, node, port):
        self.times = []
        self._socket = lab.inside(node, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                                              socket.htons(_ETH_P_ALL)))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.settimeout(0.2)
        lab.inside(node, lambda: self._socket.bind((port, _ETH_P_ALL)))
        self._to_monotonic_ns = time.monotonic_ns() - time.time_ns()
        self._done = False
        self._thread = threading.Thread(target=self._receive, daemon=True)

    def _receive(self):
        nobody = bytes.fromhex(NOBODY.replace(":", ""))
        while not self._done:
            try:
                data, more, _, _ = self._socket.recvmsg(PLAIN + 1, 256)
            except TimeoutError:
                continue
            if len(data) == PLAIN and data.startswith(nobody):
                seconds, nanoseconds = _TIMESPEC.unpack(more[0][2])
                self.times.append(seconds * 10**9 + nanoseconds + self._to_monotonic_ns)

    def after(self, ns):
        return sum(at > ns for at in list(self.times))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done = True
        self._thread.join()
        self._socket.close()
