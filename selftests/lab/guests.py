# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
Hosts of a Lab that are virtual machines, with a kernel and a network stack of their own: Lab(guests=...)
gives their PEs taps for ports, and Guest boots one of them there. They see this machine's files, take
their orders from a directory below the lab's, and end with the lab.
"""
import contextlib
import os
import subprocess
import sys
import time

import lab as figure
import routers

sys.path.insert(0, os.path.join(figure.TREE, "selftests", "kernels"))
import machines  # noqa: E402

PE_OF = {host: pe for pe, host in figure.SITE_OF.items()}
BOOTED = 120  # s; a machine that takes longer is no fault of ours

# Numbered orders, side by side, for as long as the machine runs.
OBEY = """
n=1
while :; do
	until [ -e /mnt/$n ]; do sleep 0.1; done
	{ sh /mnt/$n >/mnt/$n.said 2>&1; echo $? >/mnt/$n.part; mv /mnt/$n.part /mnt/$n.code; } &
	n=$((n + 1))
done
"""


def missing():
    """Why a lab can't have guests here, as a sentence; "" where it can."""
    if not figure.shared():
        return "needs virtual machines, and this is one"
    if not os.path.exists("/dev/net/tun"):
        return "needs taps: /dev/net/tun"
    return figure.missing()


class Order:
    """What a guest was told to do."""

    def __init__(self, guest, file):
        self._guest, self._file = guest, file

    def _read(self, kind):
        with contextlib.suppress(FileNotFoundError), open(f"{self._file}.{kind}", encoding="utf-8") as text:
            return text.read()
        return ""

    def said(self):
        return self._read("said")

    def code(self):
        """Its exit code; None while it is under way."""
        code = self._read("code")
        if not code:
            self._guest.check()
        return int(code) if code else None

    def wait(self, seconds):
        """Its exit code; None if it takes longer."""
        routers.until(lambda: self.code() is not None, seconds)
        return self.code()


class Guest:
    """A host that boots with that kernel, then has its port, then runs `script`; up() before anything else."""

    def __init__(self, lab, host, kernel, script):
        self.host, self._orders = host, 0
        self._late = time.monotonic() + BOOTED
        self._job = os.path.join(lab.dir, host)
        self._errors = os.path.join(lab.dir, f"{host}.errors")
        self._gone = machines.NoMachine
        with open(self._errors, "wb") as errors:
            self._machine = lab.spawn(PE_OF[host], machines.BOOT, "-j", self._job, "-n", host, kernel,
                                      "sh", "-c", OBEY, stdout=errors, stderr=errors)
        if not routers.until(lambda: self.check() or os.path.isdir(self._job), BOOTED):
            raise machines.NoMachine(f"{host}: boot is not ready after {BOOTED} s")
        self._first = self.begin("\n".join((*self._port(), script)))

    def _port(self):
        """The commands that make it the host that it is in the lab."""
        yield "set -e"
        yield "modprobe virtio_net"
        yield "until [ -e /sys/class/net/eth0 ]; do sleep 0.1; done"
        yield "sysctl -q net.ipv6.conf.eth0.accept_dad=0"
        yield f"ip link set eth0 address {figure.mac(self.host, PE_OF[self.host])} up"
        for site in (figure.SITE6, figure.SITE4):
            prefix, gateway, address = site[self.host]
            yield f"ip address add {address}/{prefix.split('/')[1]} dev eth0"
            yield f"ip route add default via {gateway}"

    def check(self):
        """Raises an error if there is no machine (any more)."""
        if self._machine.poll() is not None:
            with open(self._errors, encoding="utf-8", errors="replace") as text:
                raise self._gone(f"{self.host}: no virtual machine: {machines.line(text.read(), 0)}")

    def up(self):
        """Wait until it is there."""
        code = self._first.wait(self._late - time.monotonic())
        if code is None:
            raise machines.NoMachine(f"{self.host}: booting takes more than {BOOTED} s here")
        if code:
            raise figure.LabError(f"{self.host}: {self._first.said()}")
        self._gone = figure.LabError

    def begin(self, script):
        """Have it run something in the background."""
        self._orders += 1
        file = os.path.join(self._job, str(self._orders))
        with open(f"{file}.new", "w", encoding="utf-8") as out:
            out.write(script)
        os.rename(f"{file}.new", file)
        return Order(self, file)

    def run(self, script):
        """Have it run something to its end; what that said."""
        order = self.begin(script)
        code = order.wait(2 * routers.PATIENCE)
        if code != 0:
            raise figure.LabError(f"{self.host}: {script}: exit {code}: {order.said()}")
        return order.said()
