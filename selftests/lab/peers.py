# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
Routers of others on the nodes of a Lab, as BFD peers: FRR's bfdd and BIRD, from Debian (the bench makes
whole routers of them, bench/igp.py). Each runs by
hand in its node's network namespace, with its configuration, sockets and pid files in a directory of its
own below the lab's; the system's own daemons and files are not touched.
"""
import json
import os
import signal
import subprocess

import routers

FRR = "/usr/lib/frr"
REALTIME = 1  # as loader/bfd.c


class Session:
    """One peer's end of a BFD session: where it is, with whom, and the numbers it wants."""

    def __init__(self, port, local, peer, interval_us=50000, multiplier=3):
        self.port, self.local, self.peer = port, local, peer
        self.interval_ms, self.multiplier = interval_us // 1000, multiplier


class _Peer:
    def __init__(self, lab, node, session):
        self.lab, self.node, self.session = lab, node, session
        self.dir = os.path.join(lab.dir, f"{node}-{self.name}")
        os.mkdir(self.dir)
        self.log = open(self.file("log"), "w+", encoding="utf-8")
        self.process = self._start()

    def file(self, name, text=None):
        path = os.path.join(self.dir, name)
        if text is not None:
            with open(path, "w", encoding="ascii") as out:
                out.write(text)
        return path

    def spawn(self, *command):
        """Ahead of other work, as ours are: who is late is late for a reason of its own."""
        return self.lab.spawn(self.node, "chrt", "-f", REALTIME, *command, stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def silence(self, silent):
        """Neither send nor answer, but stay."""
        self.process.send_signal(signal.SIGSTOP if silent else signal.SIGCONT)

    def said(self):
        self.log.seek(0)
        return self.log.read()


class Frr(_Peer):
    name = "frr"
    programs = (f"{FRR}/zebra", f"{FRR}/bfdd", "/usr/bin/vtysh")

    def _daemon(self, daemon, config, *more):
        """As root, or it could not enter the lab's directory; root must then be of the group frrvty, and is
        in this process's view of /etc/group."""
        return self.spawn("unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/group && exec "$@"',
                          self._groups(), f"{FRR}/{daemon}", "-f", self.file(f"{daemon}.conf", config), "-i", self.file(f"{daemon}.pid"),
                          "-z", self.file("zserv"), "--vty_socket", self.dir, "-P", 0, "-u", "root", "-g", "root",
                          "--log", "stdout", *more)

    def _groups(self):
        with open("/etc/group", encoding="utf-8") as groups:
            return self.file("group", "".join(f"{line.rstrip()}{'' if line.rstrip().endswith(':') else ','}root\n"
                                              if line.startswith("frrvty:") else line for line in groups))

    def _start(self):
        s = self.session
        self.zebra = self._daemon("zebra", "")
        routers.until(lambda: os.path.exists(self.file("zserv")))
        return self._daemon("bfdd", f"bfd\n peer {s.peer} local-address {s.local} interface {s.port}\n"
                            f"  detect-multiplier {s.multiplier}\n  receive-interval {s.interval_ms}\n"
                            f"  transmit-interval {s.interval_ms}\n  no shutdown\n", "--bfdctl", self.file("ctl"))

    def _vtysh(self, *commands):
        words = [word for command in commands for word in ("-c", command)]
        return self.lab.run(self.node, "vtysh", "--vty_socket", self.dir, "--config_dir", self.dir, *words)

    def state(self):
        try:
            return json.loads(self._vtysh("show bfd peers json"))[0]["status"]
        except (IndexError, KeyError, ValueError, routers.figure.LabError):
            return None

    def describe(self):
        return self._vtysh("show bfd peers")

    def rest(self, resting):
        """Put the session out of service, or back."""
        s = self.session
        self._vtysh("configure terminal", "bfd", f"peer {s.peer} local-address {s.local} interface {s.port}",
                    "shutdown" if resting else "no shutdown")


class Bird(_Peer):
    name = "bird"
    programs = ("/usr/sbin/bird", "/usr/sbin/birdc")

    def _start(self):
        s = self.session
        config = self.file("bird.conf", f"""
router id 192.0.2.254;
protocol device {{ }}
protocol bfd bfd1 {{
    interface "{s.port}" {{
        min rx interval {s.interval_ms} ms;
        min tx interval {s.interval_ms} ms;
        multiplier {s.multiplier};
    }};
    neighbor {s.peer} dev "{s.port}" local {s.local};
}}
""")
        return self.spawn("/usr/sbin/bird", "-f", "-c", config, "-s", self.file("ctl"), "-P", self.file("pid"))

    def _birdc(self, *words):
        return self.lab.run(self.node, "/usr/sbin/birdc", "-s", self.file("ctl"), *words)

    def state(self):
        try:
            line = next(line for line in self._birdc("show", "bfd", "sessions").splitlines()
                        if line.startswith(self.session.peer))
        except (StopIteration, routers.figure.LabError):
            return None
        return line.split()[2].lower()

    def describe(self):
        return self._birdc("show", "bfd", "sessions")

    def rest(self, resting):
        self._birdc("disable" if resting else "enable", "bfd1")


def missing(*kinds):
    """Why these can't be run here, as a sentence; "" where they can."""
    for kind in kinds:
        for program in kind.programs:
            if not os.access(program, os.X_OK):
                return f"needs {program}; `sudo make deps` installs it"
    return ""
