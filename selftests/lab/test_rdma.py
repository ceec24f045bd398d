#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
RDMA itself: Linux's soft-RoCE on both hosts, a queue pair between them over which ib_write_bw writes,
and a link that is cut meanwhile. What rdma_rxe counts is the judge.

rdma_rxe of older kernels lives in the machine's own network namespace only. So both hosts' ports move
there, and rules send what one host has for the other out of its port instead of across the loopback.
That needs a machine of its own, which `make test-kernels` makes; elsewhere all of this is skipped.
"""
import contextlib
import glob
import ipaddress
import math
import os
import shutil
import subprocess
import time

import lab as figure
import routers
from lab import Lab
from tap import Tap

PORT = {"dc1": "pe1", "dc2": "pe2"}  # of each host
OTHER = {"dc1": "dc2", "dc2": "dc1"}
DEVICES = "/sys/class/infiniband"
TCP_PORT = 18515  # of ib_write_bw, by which both ends agree
FIRST, SECOND = "via-r1-r2", "via-r3-r4"
TIER = {FIRST: 0, SECOND: 1}
WRITES = 1000  # of 4 packets each
SECONDS = 20   # that the transfer should last in which the link is cut
SETTLED = 500  # packets after the move: more than is ever under way
JUDGES = ("out_of_seq_request", "duplicate_request")


def ip(*args):
    done = subprocess.run(["ip", *map(str, args)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise figure.LabError(f"ip {' '.join(map(str, args))}: {done.stderr.strip()}")


def knob(name, value):
    with open(f"/proc/sys/net/{name}", "w", encoding="ascii") as file:
        file.write(str(value))


def device(host):
    return f"rdma-{host}"


def missing():
    """Why this can't be done here; "" where it can."""
    if figure.shared():
        return figure.shared()
    if not shutil.which("ib_write_bw"):
        return "needs ib_write_bw, of the package perftest"
    for module in ("ib_uverbs", "rdma_rxe"):
        if subprocess.run(["modprobe", module], capture_output=True, check=False).returncode:
            return f"this kernel has no {module}"
    return figure.missing()


# ---- the hosts -----------------------------------------------------------------------------------

def local_last(family):
    """What is for an address of this machine is looked for in other tables first."""
    ip(family, "rule", "add", "pref", 100, "lookup", "local")
    ip(family, "rule", "del", "pref", 0)


def local_first(family):
    ip(family, "rule", "add", "pref", 0, "lookup", "local")
    ip(family, "rule", "del", "pref", 100)


def host_up(lab, host, table):
    """Take the host's port, and with it what makes it a host, into the machine's own namespace."""
    port = PORT[host]
    lab.ip(host, "link", "set", port, "netns", 1)
    knob(f"ipv4/conf/{port}/accept_local", 1)
    ip("link", "set", port, "up")
    for family, site in (("-6", figure.SITE6), ("-4", figure.SITE4)):
        prefix, gateway, address = site[host]
        ip("address", "add", f"{address}/{prefix.split('/')[1]}", "dev", port, *["nodad"] * (family == "-6"))
        ip(family, "route", "add", "default", "via", gateway, "dev", port, "table", table)
        ip(family, "rule", "add", "pref", 10, "from", address, "to", site[OTHER[host]][2], "iif", "lo",
           "lookup", table)
    subprocess.run(["rdma", "link", "add", device(host), "type", "rxe", "netdev", port], check=True)


@contextlib.contextmanager
def hosts(lab):
    for family in ("-6", "-4"):
        local_last(family)
    try:
        for table, host in enumerate(PORT, 77):
            host_up(lab, host, table)
        yield
    finally:
        for host in PORT:
            subprocess.run(["rdma", "link", "delete", device(host)], check=False)
        for family in ("-6", "-4"):
            local_first(family)
            while not subprocess.run(["ip", family, "rule", "del", "pref", "10"], capture_output=True,
                                     check=False).returncode:
                pass


def gid(host, address):
    """The index of the address among those of the host's device; None if it is not there (yet)."""
    wanted = ipaddress.ip_address(address)
    if wanted.version == 4:
        wanted = ipaddress.ip_address(f"::ffff:{address}")
    for file in glob.glob(f"{DEVICES}/{device(host)}/ports/1/gids/*"):
        with contextlib.suppress(OSError, ValueError), open(file, encoding="ascii") as text:
            if ipaddress.ip_address(text.read().strip()) == wanted:
                return os.path.basename(file)
    return None


def counters(host):
    """What the device has counted, by name."""
    count = {}
    for file in glob.glob(f"{DEVICES}/{device(host)}/ports/1/hw_counters/*"):
        with contextlib.suppress(OSError, ValueError), open(file, encoding="ascii") as text:
            count[os.path.basename(file)] = int(text.read())
    return count


def judged(since):
    """The judges' verdict on dc2, since then."""
    now = counters("dc2")
    return {name: now[name] - since[name] for name in JUDGES}


# ---- a transfer ----------------------------------------------------------------------------------

def listening():
    """Does ib_write_bw wait for the other end?"""
    for table in ("tcp", "tcp6"):
        with open(f"/proc/net/{table}", encoding="ascii") as lines:
            if any(line.split()[1].endswith(f":{TCP_PORT:04X}") and line.split()[3] == "0A" for line in lines):
                return True
    return False


class Transfer:
    """with Transfer(site, writes) as transfer: dc1 writes to dc2's memory. good: both ends are content."""

    def __init__(self, site, writes):
        self._command = {host: ["ib_write_bw", "-F", "-d", device(host), "-x", gid(host, site[host][2]), "-m", "1024",
                                "-s", "4096", "-t", "16", "-u", "18", "-n", str(writes)] for host in PORT}
        self.good, self.said, self.seconds = False, "", 0

    def __enter__(self):
        pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        self._ends = [subprocess.Popen(self._command["dc2"], **pipe)]
        if not routers.until(listening):
            raise figure.LabError("ib_write_bw does not listen")
        self._begin = time.monotonic()
        self._ends.append(subprocess.Popen([*self._command["dc1"], "localhost"], **pipe))
        return self

    def __exit__(self, kind, *_):
        if kind:
            for end in self._ends:
                end.kill()
        said = [end.communicate()[0] for end in self._ends]
        self.seconds = time.monotonic() - self._begin
        self.said = "\n".join(said)
        self.good = not any(end.returncode for end in self._ends)


# ---- tests ---------------------------------------------------------------------------------------

def in_tiers(_node, policy):
    """The first path alone is used while it works, then the second one."""
    policy["notification"] = {"validity": 0}  # nothing heals by itself
    for group in policy.get("group", ()):
        for member in group["member"]:
            member["tier"] = TIER.get(member["path"].removesuffix("-v4"), 2)


def test_family(tap, lab, pe1, site, suffix, words):
    first, second = FIRST + suffix, SECOND + suffix

    def carried(path):
        return pe1.paths()[path]["packets"]

    if not routers.until(lambda: all(gid(host, site[host][2]) for host in PORT)):
        raise figure.LabError(f"{words}: a device does not have its host's address")
    for host in PORT:  # neighbours are known from now on: while one is asked for, packets wait and are lost
        subprocess.run(["ping", "-c", "1", "-I", site[host][2], site[OTHER[host]][2]], check=False, capture_output=True)
    begin = counters("dc2")
    with Transfer(site, WRITES) as quiet:
        pass
    tap.ok(quiet.good, f"{words}: the transfer finishes", quiet.said)
    tap.equal(judged(begin), dict.fromkeys(JUDGES, 0), f"{words}: nothing is out of sequence, nothing comes twice")
    tap.ok(carried(first) >= 4 * WRITES, f"{words}: it went by {first}")

    begin, had = counters("dc2"), carried(first)
    with Transfer(site, WRITES * math.ceil(SECONDS / quiet.seconds)) as cut:
        tap.ok(routers.until(lambda: carried(first) > had + SETTLED), f"{words}: another one is under way")
        lab.cut("r1", "r2")
        tap.ok(routers.until(lambda: carried(second) > SETTLED), f"{words}: after the cut it goes on by {second}")
        moved = judged(begin)
    tap.ok(cut.good, f"{words}: it finishes", cut.said)
    tap.equal(judged(begin), moved, f"{words}: since it moved, nothing is out of sequence, nothing comes twice")
    tap.note(f"{words}: the cut cost {moved}; dc1 {counters('dc1')}")
    mended, _ = lab.mend("r1", "r2")
    tap.ok(pe1.wait(mended, path=first, usable=True), f"{words}: {first} is usable again")


def main():
    with Tap() as tap:
        why = missing()
        if why:
            tap.skip("RDMA through the ingress PE", why)
            return
        with Lab() as lab:
            lab.return_tunnel()
            pe1 = routers.start(lab, change=in_tiers)["pe1"]
            with hosts(lab):
                test_family(tap, lab, pe1, figure.SITE6, "", "over IPv6")
                test_family(tap, lab, pe1, figure.SITE4, "-v4", "over IPv4")


main()
