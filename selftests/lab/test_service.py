#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
What systemd hears of R1's `fantel run`, through a socket as its: ready once it is attached, alive as often as
the watchdog wants, stopping; and that systemd understands the unit.
"""
import os
import shutil
import socket
import subprocess
import tempfile

import lab as figure
import routers
from lab import Lab
from tap import Tap

TREE = os.path.dirname(figure.BUILD)
WATCHDOG_US = 400000


class Manager:
    """Hears what a service says, in order."""

    def __init__(self, path):
        self.path, self.heard = path, []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        self._socket.settimeout(routers.PATIENCE)

    def wait(self, word):
        while not any(word in said for said in self.heard):
            try:
                self.heard.append(self._socket.recv(4096).decode())
            except TimeoutError:
                return False
        return True

    def forget(self):
        self.heard = []


def test_service(tap, lab, manager):
    before = ("env", f"NOTIFY_SOCKET={manager.path}", f"WATCHDOG_USEC={WATCHDOG_US}")
    r1 = routers.Router(lab, "r1", figure.read_policy("r1"), before=before)
    tap.ok(manager.wait("READY=1"), "systemd hears that the node is ready", manager.heard, r1.errors())
    tap.ok("\nSTATUS=node r1: running; ports: customer 0, core 3" in manager.heard[-1], "and how it is", manager.heard)
    tap.equal([port["mode"] for port in r1.ask("status")["ports"]], ["native"] * 3, "by then it is attached")
    for _ in range(3):
        manager.forget()
        if not manager.wait("WATCHDOG=1"):
            break
    tap.equal(manager.heard, ["WATCHDOG=1"], "then that it is alive, and again")
    lab.stop(r1.process)
    tap.ok(manager.wait("STOPPING=1"), "and that it ends", manager.heard)


def test_unit(tap):
    if not shutil.which("systemd-analyze"):
        tap.skip("systemd understands the unit", "systemd-analyze is not installed")
        return
    with tempfile.TemporaryDirectory() as root:
        subprocess.run(["make", "-s", "-C", TREE, "install", f"PREFIX={root}"], check=True, stdout=subprocess.DEVNULL)
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", f"{root}/lib/systemd/system/fantel@r1.service"],
                              capture_output=True, text=True)
        tap.equal((done.returncode, done.stderr), (0, ""), "systemd understands the unit")


def main():
    with Tap() as tap:
        test_unit(tap)
        why = figure.missing()
        if why:
            tap.skip("a service of systemd", why)
            return
        with Lab(("pe1", "r1", "r2", "r5")) as lab:
            test_service(tap, lab, Manager(os.path.join(lab.dir, "notify")))


main()
