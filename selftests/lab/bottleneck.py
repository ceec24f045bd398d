# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
Links of the lab that carry no more than so much: Bottleneck makes one, reads its queue and loads it
with others' traffic; Sampler reads what changes again and again, and keeps it with the time. Used by
the scenes.
"""
import collections
import socket
import struct
import subprocess
import threading

import lab as figure
from traffic import SEND

# Bytes of a packet of Traffic with this payload: by itself with its Ethernet header, in a tunnel of three segments,
# and what counts where rates are lowered, the packet without either.
PAYLOAD = 1024
PLAIN = 14 + 40 + 8 + 12 + PAYLOAD + 4
TUNNELLED = PLAIN + 40 + 8 + 3 * 16
INNER = PLAIN - 14

_BUCKET = 20000  # bytes
NOBODY = "02:00:00:00:00:ff"  # to whom others' packets go behind the far end

_RTM_GETQDISC, _REQUEST_ECHO, _TC_H_ROOT, _TCA_STATS = 38, 1 | 8, 0xFFFFFFFF, 3
_HEADER, _TCMSG, _ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=BBHiIII"), struct.Struct("=HH")
_STATS = struct.Struct("=QIIIIIII")  # struct tc_stats: bytes, packets, drops, overlimits, bps, pps, qlen, backlog

# Bytes that left, packets refused, and bytes that wait.
Reading = collections.namedtuple("Reading", "sent drops backlog")


class Bottleneck:
    """with Bottleneck(...) as link: ...; the link of a node's port, Mbit/s, with a queue of `limit` bytes."""

    def __init__(self, lab, node, port, mbits, limit):
        self.mbits, self.limit = mbits, limit
        self._lab, self._node, self._port = lab, node, port
        lab.run(node, "tc", "qdisc", "replace", "dev", port, "root", "tbf", "rate", f"{mbits}mbit",
                "burst", _BUCKET, "limit", limit)
        self._socket = lab.inside(node, lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                                                              socket.NETLINK_ROUTE))
        self._socket.settimeout(1)
        self._index = figure.ifindex(node, port)

    def others(self, mbits):
        """Others' traffic over the link begins; lab.stop() of what is returned ends it."""
        near, far = figure.link_address(self._node, self._port), figure.link_address(self._port, self._node)
        return self._lab.spawn(self._node, SEND, "--dev", self._port, "--src", near, "--dst", far, "--gw-mac", NOBODY,
                               "--flows", 8, "--rate", round(mbits * 125000 / PLAIN), "--payload", PAYLOAD,
                               "--count", 2**32 - 1, stdout=subprocess.DEVNULL)

    def read(self):
        """A Reading, over netlink: in a fraction of the time that tc would take."""
        length = _HEADER.size + _TCMSG.size
        self._socket.send(_HEADER.pack(length, _RTM_GETQDISC, _REQUEST_ECHO, 0, 0) +
                          _TCMSG.pack(0, 0, 0, self._index, 0, _TC_H_ROOT, 0))
        answer = self._socket.recv(65536)
        at = length
        while at + _ATTRIBUTE.size <= len(answer):
            size, kind = _ATTRIBUTE.unpack_from(answer, at)
            if kind == _TCA_STATS:
                sent, _, drops, *_, backlog = _STATS.unpack_from(answer, at + _ATTRIBUTE.size)
                return Reading(sent, drops, backlog)
            at += max(size + 3 & ~3, _ATTRIBUTE.size)
        raise figure.LabError(f"{self._node}: {self._port}: its qdisc tells no statistics")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()


class Sampler:
    """with Sampler(read, seconds) as sampler: ...; sampler.samples are (ns, what read() returned), read
    every so many seconds in a thread; what took longer is left out, for it is not known of when it is.
    What read() raised is raised at the block's end."""

    def __init__(self, read, seconds):
        self.samples = []
        self._read, self._seconds, self._error = read, seconds, None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        try:
            while not self._done.wait(self._seconds):
                before, value, after = figure.now_ns(), self._read(), figure.now_ns()
                if after - before <= self._seconds * 1e9:
                    self.samples.append(((before + after) // 2, value))
        except (figure.LabError, OSError) as error:
            self._error = error

    def between(self, first_ns, last_ns):
        return [value for ns, value in self.samples if first_ns <= ns < last_ns]

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, kind, *_):
        self._done.set()
        self._thread.join()
        if self._error and not kind:
            raise self._error
