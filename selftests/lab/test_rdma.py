#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
RDMA itself: both hosts are virtual machines with Linux's soft-RoCE on their port, ib_write_bw writes from
one to the other through the ingress PE, and a link is cut meanwhile. What rdma_rxe counts is the judge.

Their kernel is the one that `make test-kernels` names, else the oldest that we promise; all else is this
machine's.
"""
import ipaddress
import shutil

import guests
import lab as figure
import machines
import routers
from lab import Lab
from tap import Tap

WRITER, TARGET = figure.HOSTS
FIRST, SECOND = "via-r1-r2", "via-r3-r4"
TIER = {FIRST: 0, SECOND: 1}

QUIET, CUT = 250, 4000  # writes without and with a cut
PACKETS = 4             # of a write
DEPTH = 16              # writes under way
SETTLED = 500           # packets after the move
PATIENCE = 100          # s, for what a transfer does
JUDGES = ("out_of_seq_request", "duplicate_request")
CONTENT = {host: dict.fromkeys(JUDGES, 0) for host in figure.HOSTS}

TCP_PORT = 18515  # of ib_write_bw, by which both ends agree
LISTENS = f"until grep -q ':{TCP_PORT:04X} [0-9A-F:]* 0A ' /proc/net/tcp /proc/net/tcp6; do sleep 0.1; done"
# -u 20: a packet whose loss no other one shows is sent again after 4 s; where the machine is busy, no answer
# that is only late may be taken for lost.
WRITE = f"exec ib_write_bw -F -d rxe -m 1024 -s {1024 * PACKETS} -t {DEPTH} -u 20"
DEVICE = "modprobe -a ib_uverbs rdma_rxe && rdma link add rxe type rxe netdev eth0"
FOLDER = "/sys/class/infiniband/rxe/ports/1"


class Device:
    """The soft-RoCE device of a host."""

    def __init__(self, guest):
        self.guest = guest

    def _all(self, folder):
        """Name -> content of the files there."""
        said = self.guest.run(f"cd {FOLDER}/{folder} && grep . *")
        return dict(line.split(":", 1) for line in said.splitlines())

    def gid(self, address):
        """The index of the address among the device's; None if it is not there (yet)."""
        wanted = ipaddress.ip_address(address)
        if wanted.version == 4:
            wanted = ipaddress.ip_address(f"::ffff:{address}")
        return next((index for index, text in self._all("gids").items() if ipaddress.ip_address(text) == wanted), None)

    def counters(self):
        return {name: int(value) for name, value in self._all("hw_counters").items()}


class Account:
    """What the devices count from now on."""

    def __init__(self, devices):
        self._devices = devices
        self._first = {host: device.counters() for host, device in devices.items()}
        self.count = {}

    def close(self):
        self.count = {host: {name: value - self._first[host][name] for name, value in device.counters().items()}
                      for host, device in self._devices.items()}

    def judged(self):
        return {host: {name: count[name] for name in JUDGES} for host, count in self.count.items()}

    def lost(self, source, destination):
        return self.count[source]["sent_pkts"] - self.count[destination]["rcvd_pkts"]


class Transfer:
    """with Transfer(devices, site, writes) as transfer: one host writes to the other's memory. `good`: both are
    content."""

    def __init__(self, devices, site, writes):
        self._guests = {host: device.guest for host, device in devices.items()}
        self._command = {host: f"{WRITE} -n {writes} -x {device.gid(site[host][2])}" for host, device in devices.items()}
        self.good, self.said = False, ""

    def __enter__(self):
        target = self._guests[TARGET].begin(self._command[TARGET])
        self._guests[TARGET].run(LISTENS)
        writer = self._guests[WRITER].begin(f"{self._command[WRITER]} {figure.SITE4[TARGET][2]}")
        self._ends = (writer, target)
        return self

    def __exit__(self, kind, *_):
        if not kind:
            self.good = all(end.wait(PATIENCE) == 0 for end in self._ends)
            self.said = "\n".join(end.said() for end in self._ends)


# ---- tests ---------------------------------------------------------------------------------------

def in_tiers(_node, policy):
    """The first path alone is used while it works, then the second one."""
    policy["notification"] = {"validity": 0}  # nothing heals by itself
    for group in policy.get("group", ()):
        for member in group["member"]:
            member["tier"] = TIER.get(member["path"].removesuffix("-v4"), 2)


def test_family(tap, lab, pe1, devices, site, suffix, words):
    first, second = FIRST + suffix, SECOND + suffix

    def carried(path):
        return pe1.paths()[path]["packets"]

    if not routers.until(lambda: all(device.gid(site[host][2]) for host, device in devices.items())):
        raise figure.LabError(f"{words}: a device does not have its host's address")
    # Neighbours are known from now on: while one is asked for, packets wait and are lost.
    devices[WRITER].guest.run(f"until ping -c 1 -W 5 {site[TARGET][2]}; do :; done")

    account, had = Account(devices), carried(first)
    with Transfer(devices, site, QUIET) as quiet:
        pass
    account.close()
    tap.ok(quiet.good, f"{words}: the transfer finishes", quiet.said)
    tap.ok(carried(first) >= had + PACKETS * QUIET, f"{words}: it went by {first}")
    tap.equal(account.judged(), CONTENT, f"{words}: nothing is out of sequence, nothing comes twice")
    tap.equal((account.lost(WRITER, TARGET), account.lost(TARGET, WRITER)), (0, 0), f"{words}: nothing is lost")

    account, had, other = Account(devices), carried(first), carried(second)
    with Transfer(devices, site, CUT) as cut:
        tap.ok(routers.until(lambda: carried(first) > had + SETTLED, PATIENCE), f"{words}: another one is under way")
        lab.cut("r1", "r2")
        tap.ok(routers.until(lambda: carried(second) > other + SETTLED, PATIENCE),
               f"{words}: after the cut it goes on by {second}")
    account.close()
    tap.ok(cut.good, f"{words}: it finishes", cut.said)
    test_cut(tap, account, words)
    lab.mend("r1", "r2")
    tap.ok(routers.until(lambda: all(path["usable"] for path in pe1.paths().values())),
           f"{words}: all paths are usable again")


def test_cut(tap, account, words):
    """A cut takes what is on the link. What comes next shows the gap, once, and is sent again after it."""
    lost, judged = account.lost(WRITER, TARGET), account.judged()
    gaps = judged[TARGET].pop("out_of_seq_request")
    tap.ok(gaps <= 1, f"{words}: the target saw one gap at the most", judged, gaps)
    tap.equal(judged, {WRITER: CONTENT[WRITER], TARGET: {"duplicate_request": 0}},
              f"{words}: nothing else was out of sequence, nothing came twice")
    tap.ok(0 <= lost <= PACKETS * DEPTH, f"{words}: no more is lost than was under way", lost)
    tap.equal(account.lost(TARGET, WRITER), 0, f"{words}: no answer is lost")
    again = account.count[WRITER]["sent_pkts"] - PACKETS * CUT
    tap.note(f"{words}: of {PACKETS * CUT} packets the cut cost {lost}; {again} were sent again")


def missing():
    """Why this can't be done here; "" where it can."""
    why = guests.missing()
    if not why and not shutil.which("ib_write_bw"):
        why = "needs ib_write_bw, of the package perftest: sudo make deps"
    return why


def main():
    with Tap() as tap:
        why = missing()
        if why:
            tap.skip("RDMA through the ingress PE", why)
            return
        try:
            kernel = machines.kernel()
            with Lab(guests=figure.HOSTS) as lab:
                hosts = {host: guests.Guest(lab, host, kernel, DEVICE) for host in figure.HOSTS}
                lab.return_tunnel()
                pe1 = routers.start(lab, change=in_tiers)["pe1"]
                for host in hosts.values():
                    host.up()
                devices = {name: Device(host) for name, host in hosts.items()}
                test_family(tap, lab, pe1, devices, figure.SITE6, "", "over IPv6")
                test_family(tap, lab, pe1, devices, figure.SITE4, "-v4", "over IPv4")
        except machines.NoMachine as error:
            tap.skip("RDMA through the ingress PE", error)


main()
