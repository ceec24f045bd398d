#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
The link R1-R2 fails, for fantel and for what one would set up today: how long is traffic without a way?
In silence, where both ends' packets vanish and the carrier stays, so that only BFD notices; and by loss of
carrier. Last, without any traffic, when the ingress PE has been told. `make bench` runs it, as root. The
same topology, traffic and machine for all; who is not installed is left out, and that is said.
"""
import argparse
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lab"))

import igp  # noqa: E402
import lab as figure  # noqa: E402
import peers  # noqa: E402
import routers  # noqa: E402
from lab import Lab, LabError  # noqa: E402
from spread import print_head, print_row  # noqa: E402
from traffic import Traffic  # noqa: E402

OUT = os.path.join(figure.BUILD, "bench", "beside.json")
NEAR, FAR = "r1", "r2"
RATE, FLOWS = 20000, 8
BEFORE, AFTER = 0.3, 0.1  # seconds of traffic before the failure, and once it has moved
SETTLE = 2  # s
BAR_MS = igp.INTERVAL_MS * igp.MULTIPLIER + 1
TOLD_BAR_MS = 1
ECHO_US, ECHOES = 2000, 3
PATIENCE = 120  # s


class Silence:
    """A failure of the link that no carrier tells of: what either end sends is lost. A qdisc that only
    changes does so at once, and at both ends at nearly the same time."""

    def __init__(self, lab):
        self._lab = lab
        for node, port in ((NEAR, FAR), (FAR, NEAR)):
            lab.run(node, "tc", "qdisc", "replace", "dev", port, "root", "tbf", "rate", "10gbit", "burst", "1mb",
                    "limit", "10mb")
        self._tc = [(lab.spawn(node, "tc", "-batch", "-", stdin=subprocess.PIPE, text=True), port)
                    for node, port in ((NEAR, FAR), (FAR, NEAR))]

    def begin(self):
        ns = figure.now_ns()
        for tc, port in self._tc:
            tc.stdin.write(f"qdisc change dev {port} root tbf rate 8bit burst 10b limit 10b\n")
            tc.stdin.close()
        for tc, _ in self._tc:
            tc.wait()
        return ns

    def end(self):
        for node, port in ((NEAR, FAR), (FAR, NEAR)):
            self._lab.run(node, "tc", "qdisc", "del", "dev", port, "root")


class Carrier:
    def __init__(self, lab):
        self._lab = lab

    def begin(self):
        return self._lab.cut(NEAR, FAR, "carrier")[0]

    def end(self):
        self._lab.mend(NEAR, FAR)


FAILURES = {"silent failure": Silence, "loss of carrier": Carrier}


class Fantel:
    """BFD on every link of the core; the way by R1 and R2 is preferred, as it is for the others."""

    def __init__(self, lab, echo=False):
        self.lab, self._echo = lab, echo
        for node in igp.ROUTERS:
            for port in lab.neighbours[node]:
                if port not in figure.HOSTS:
                    lab.run(node, "ethtool", "-K", port, "tx", "off")
        self.nodes = routers.start(lab, igp.ROUTERS, change=self._change, options=("--realtime",))

    def _change(self, node, policy):
        for port in policy["port"]:
            if port["class"] == "core":
                port["bfd"] = {"peer": figure.link_address(port["name"], node), "multiplier": igp.MULTIPLIER,
                               "desired-min-tx": igp.INTERVAL_MS * 1000, "required-min-rx": igp.INTERVAL_MS * 1000}
                if self._echo:
                    port["bfd"]["echo"] = {"interval": ECHO_US, "multiplier": ECHOES}
        for group in policy.get("group", ()):
            for member in group["member"]:
                member["tier"] = 0 if member["path"].removesuffix("-v4") == "via-r1-r2" else 1
        policy["notification"] = {"hold-down": 100}  # only so that the cuts follow one another sooner
        if node == NEAR:
            policy["notification"]["unasked"] = {}

    def ready(self):
        sessions = [session for router in self.nodes.values() for session in router.ask("status")["bfd"]]
        return (all(session["state"] == "up" and (session["echo"] or not self._echo) for session in sessions)
                and all(path["usable"] for path in self.nodes["pe1"].paths().values()))


class Igp:
    def __init__(self, lab, kind):
        self.routers = {node: kind(lab, node) for node in igp.ROUTERS}

    def ready(self):
        return (all(router.ready() for router in self.routers.values())
                and (self.routers["pe1"].way_to("dc2"), self.routers[NEAR].way_to("dc2")) == (NEAR, FAR))


def outage_ms(measurement):
    """From the last packet that came to dc2 to the first that came again, of the longest run of packets
    that did not; 0 if none was lost. roce_send takes the flows in turn: that numbers all packets."""
    came = sorted((sequence * FLOWS + flow, rx_ns) for flow, arrivals in enumerate(measurement.arrivals)
                  for sequence, _, rx_ns in arrivals)
    missing, ns = max((after[0] - before[0] - 1, after[1] - before[1]) for before, after in zip(came, came[1:]))
    return ns / 1e6 if missing else 0


def came():
    """Packets that dc2's port has received."""
    with open("/proc/thread-self/net/dev", encoding="ascii") as devices:
        return next(int(line.split()[2]) for line in devices if line.strip().startswith("pe2:"))


def flows_again(lab, failed_ns):
    """Does traffic arrive at dc2, long enough after the failure for it to have stopped before?"""
    before = lab.inside("dc2", came)
    time.sleep(0.05)
    return figure.now_ns() - failed_ns > 10**9 // 2 and lab.inside("dc2", came) - before > RATE // 40


def settle(system):
    """A mended link is in use again, and stays so: who delays repeated changes has forgotten this one."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if routers.until(system.ready, PATIENCE):
            time.sleep(SETTLE)
            if system.ready():
                return
    raise LabError("the link R1-R2 does not come into use")


def one_outage(lab, system, failure):
    """Milliseconds without a packet, and packets lost. The link is in use again afterwards."""
    fault = failure(lab)
    with Traffic(lab, rate=RATE, flows=FLOWS) as traffic:
        time.sleep(BEFORE)
        failed_ns = fault.begin()
        moved = routers.until(lambda: flows_again(lab, failed_ns), PATIENCE)
        time.sleep(AFTER)
    fault.end()
    if not moved:
        raise LabError("traffic did not move")
    settle(system)
    m = traffic.measurement
    for doubt in m.doubts():
        print(f"  DOUBTFUL: {doubt}")
    return outage_ms(m), sum(1 for flow in range(FLOWS) for _ in m.missing(flow))


def one_telling(lab, system):
    """No packet flows: from before the cut until the ingress PE has marked the link, and all tunnels that
    left by it."""
    pe1 = system.nodes["pe1"]
    cut, _ = lab.cut(NEAR, FAR, "carrier")
    link = pe1.wait(cut, resource="r1-r2", usable=False)
    last = pe1.wait(cut, event="notification", path="via-r1-r2")
    lab.mend(NEAR, FAR)
    if not link or not last:
        raise LabError("the ingress PE was not told")
    settle(system)
    return (link["monotonic-ns"] - cut) / 1e6, (last["monotonic-ns"] - cut) / 1e6


OURS = "fantel, BFD"
TOLD = ("of the link", "of the last tunnel")
SYSTEMS = {
    OURS: lambda lab: Fantel(lab),
    "fantel, BFD with echoes": lambda lab: Fantel(lab, echo=True),
    "FRR, bfdd and ospf6d": lambda lab: Igp(lab, igp.Frr),
    "BIRD, BFD and OSPFv3": lambda lab: Igp(lab, igp.Bird),
}
NEEDS = {"FRR, bfdd and ospf6d": igp.Frr, "BIRD, BFD and OSPFv3": igp.Bird}


def measure(name, cuts, results):
    with Lab() as lab:
        system = SYSTEMS[name](lab)
        settle(system)
        for failure, kind in FAILURES.items():
            times, lost = [], []
            results[failure][name], results["lost"][failure][name] = times, lost
            for _ in range(cuts):
                ms, packets = one_outage(lab, system, kind)
                times.append(ms)
                lost.append(packets)
        for _ in range(cuts if name == OURS else 0):
            for row, ms in zip(TOLD, one_telling(lab, system)):
                results["told"].setdefault(row, []).append(ms)


def held(values, bar):
    return f"{sum(value <= bar for value in values)} of {len(values)}"


def report(results):
    for failure in FAILURES:
        print_head(f"R1-R2: {failure}; {RATE} packets/s from dc1 to dc2", "milliseconds without a packet")
        for name, values in results[failure].items():
            print_row(name, values)
        print("  packets lost")
        for name, values in results["lost"][failure].items():
            print_row(name, values)
    silent, told = results["silent failure"].get(OURS), results["told"]
    if not silent:
        return
    print(f"\n  silent failure, {OURS}: moved within {BAR_MS} ms (3 intervals and 1 ms): {held(silent, BAR_MS)}")
    print_head("R1-R2: loss of carrier without any traffic; fantel", "milliseconds until the ingress PE is told")
    for name, values in told.items():
        print_row(name, values)
    if not told:
        return
    print(f"  of the last tunnel within {TOLD_BAR_MS} ms: {held(told[TOLD[1]], TOLD_BAR_MS)}", flush=True)


def main():
    parser = argparse.ArgumentParser(description="Fantel beside FRR and BIRD.")
    parser.add_argument("--cuts", type=int, default=10, help="of each kind")
    parser.add_argument("--only", action="append", choices=list(SYSTEMS), help="default: all")
    options = parser.parse_args()
    results = {failure: {} for failure in FAILURES} | {"lost": {failure: {} for failure in FAILURES}, "told": {}}
    failed = False
    for name in options.only or SYSTEMS:
        why = NEEDS.get(name) and peers.missing(NEEDS[name])
        if why:
            print(f"{name}: left out: {why}")
            continue
        print(f"measuring: {name}{' ' + NEEDS[name].version() if name in NEEDS else ''}", flush=True)
        try:
            measure(name, options.cuts, results)
        except LabError as error:
            failed = True
            print(f"beside: {name}: {error}", file=sys.stderr)
    report(results)
    os.makedirs(os.path.dirname(OUT), exist_ok=True)
    with open(OUT, "w", encoding="utf-8") as out:
        json.dump(results, out, indent="\t")
    return failed


if __name__ == "__main__":
    sys.exit(main())
