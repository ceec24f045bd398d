#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
kill -9 at random moments of `fantel run`, `policy apply` and `detach`, while data flows and failures
come and go. Each time: what `fantel status` says is so, the next loader takes over without help, and
nothing half done is left of the one before. KILLS=200 for more of them, SEED=N for the same moments again.
"""
import copy
import json
import os
import random
import signal
import time

import lab as figure
import routers
from lab import Lab
from tap import Tap
from traffic import TRANSIT_NS, Traffic, full_queues

KILLS = int(os.environ.get("KILLS") or "9")
SEED = int(os.environ.get("SEED") or time.time_ns() % 10**6)
AT_ONCE = 20  # kills under one measurement
RATE, FLOWS = 5000, 32
FAILING = "via-r3-r5-r2"  # the path that failures are told of meanwhile; its validity:
VALIDITY_MS = 150
DOMAIN = 64500
START = {"hold-down": 1000, "validity": 0}
MORE_PINS = {routers.OTHER_BUILD: ("v1/maps/fantel_other_build",)}
LONG = {"run": 0.4, "apply": 0.4, "detach": 0.15}  # s, in which each is done; SLOW times as long elsewhere


def changed(policy, hold_down, **limits):
    """Another policy: paths with other names, and less of them; perhaps maps of other sizes."""
    new = copy.deepcopy(policy)
    new["notification"]["hold-down"] = hold_down
    if limits:
        new["limits"] = limits
        return new
    gone = {path["name"] for path in new["path"] if path["name"].startswith("via-r1-r5")}
    new["path"] = [path for path in new["path"] if path["name"] not in gone]
    for path in new["path"]:
        path["name"] = "new-" + path["name"]
    for group in new["group"]:
        group["member"] = [dict(member, path="new-" + member["path"])
                           for member in group["member"] if member["path"] not in gone]
    return new


class Noise:
    """R1 tells pe1 of failures of one path, one after the other; each ends by itself soon."""

    def __init__(self, lab, policy):
        segments = ",".join(figure.segments_of(policy)[FAILING])
        # Shell arithmetic: each has a number of its own.
        self._script = (f"i=1; while :; do {routers.FANTEL} send --to {figure.loopback('pe1')}"
                        f" --from {figure.loopback('r1')} --srv6 {segments} --domain {DOMAIN} --cause errors"
                        f" --event-id $i --validity {VALIDITY_MS} >/dev/null; i=$((i+1)); sleep 0.01; done")
        self._lab = lab

    def __enter__(self):
        self._process = self._lab.spawn("r1", "sh", "-c", self._script)

    def __exit__(self, *_):
        self._lab.stop(self._process)


def sentences(said):
    """Not the remarks on a policy."""
    return [line for line in said.splitlines() if line.startswith("fantel: ")]


class Victim:
    """The ingress PE. What is found wrong after a kill is kept, by the sentence that does not hold then."""

    def __init__(self, lab, router, rng):
        self.lab, self.router, self.rng = lab, router, rng
        self.operator = routers.Operator(lab, router)
        self.top = os.path.join(lab.pin_root, router.name)
        self.pins = self.pinned()
        self.moment = ""
        self.wrong = {}

    # ---- what is there -----------------------------------------------------------------------

    def pinned(self):
        """Layouts are called by numbers that the kernel gives them."""
        return sorted(os.path.relpath(os.path.join(at, name), self.top) for at, _, names in os.walk(self.top)
                      for name in names if not name.startswith("layout-"))

    def stray(self):
        """Files beside the control socket that are nobody's any more."""
        at = os.stat(self.lab.pin_root) if os.path.exists(self.lab.pin_root) else None
        mark = f"{self.router.name}@{at.st_dev:x}.{at.st_ino:x}" if at else None
        return [name for name in os.listdir("/run/fantel") if mark and name.startswith(mark)]

    # ---- what holds --------------------------------------------------------------------------

    def hold(self, sentence, holds, *found):
        if not holds:
            self.wrong.setdefault(sentence, []).append(f"{self.moment}: {found}")

    def check_status(self):
        # Links of a dead process go a moment after it.
        self.hold("`fantel status` is true after each", routers.until(lambda: self.operator.untrue() is None),
                  self.operator.untrue())

    def take_over(self, policy=None, program=None):
        """A loader that starts after a kill, without help."""
        try:
            self.router, _ = routers.again(self.lab, self.router, policy, wanted=("taken over", "running"), program=program)
            self.operator.router = self.router
            self.hold("each next loader takes over by itself", routers.until(self.router.ready), self.router.errors())
        except figure.LabError as error:
            self.hold("each next loader takes over by itself", False, error)
        wanted = {*self.pins, *MORE_PINS.get(self.router.program, ())}
        self.hold("with the pins of any other", set(self.pinned()) == wanted, set(self.pinned()) ^ wanted)
        self.check_status()

    def in_force(self, *policies):
        """One of these and no mixture: the policy, and what packets meet."""
        found = self.operator.in_force()
        names = sorted(path["name"] for path in found["path"])
        known = [(policy["notification"]["hold-down"], sorted(path["name"] for path in policy["path"])) for policy in policies]
        self.hold("no policy is half in force", (found["notification"]["hold-down"], names) in known
                  and sorted(self.router.paths()) == names, found["notification"], names)

    # ---- kills -------------------------------------------------------------------------------

    def kill(self, process, what):
        """Let it live for a part of what it takes."""
        time.sleep(self.rng.uniform(0, LONG[what] * figure.SLOW))
        self.lab.stop(process, signal.SIGKILL)

    def kill_loader(self, what):
        self.kill(self.router.process, what)
        self.check_status()

    def spawn_run(self, program=None):
        self.router = routers.Router(self.lab, "pe1", self.router.policy, program=program or self.router.program)
        self.operator.router = self.router

    def end(self, process):
        """Somebody who waited for a loader that died: one sentence."""
        _, said = process.communicate(timeout=routers.PATIENCE)
        code = self.lab.stop(process)
        self.hold("who waits for an answer of it hears of its end", code == 0 or len(sentences(said)) == 1, code, said)


# ---- kinds of kill, under which no packet may be lost ------------------------------------------------


def kill_running(victim):
    victim.kill_loader("run")
    victim.take_over()


def kill_taking_over(victim):
    victim.lab.stop(victim.router.process)
    victim.spawn_run()
    victim.kill_loader("run")
    victim.take_over()


def kill_upgrading(victim):
    """A loader of another build, whose maps take the place of those that are there."""
    victim.lab.stop(victim.router.process)
    victim.spawn_run(victim.router.other_build())
    victim.kill(victim.router.process, "run")
    victim.take_over(program=victim.rng.choice(routers.BUILDS))


def kill_applying(victim, *options, **limits):
    """The loader, while it applies another policy: a restart with the old one."""
    first = victim.operator.first
    new = changed(first, victim.rng.randrange(2000, 9000), **limits)
    order = victim.operator.order("policy", "apply", *options, victim.operator.write("new", new), wait=False)
    victim.kill_loader("apply")
    victim.end(order)
    if victim.rng.randrange(2):
        victim.take_over(new)
        victim.in_force(first if options else new, new)
    victim.lab.stop(victim.router.process)
    victim.take_over(first)
    victim.in_force(first)


def kill_resizing(victim):
    room = victim.rng.randrange(1000, 60000)
    kill_applying(victim, failures=room, metrics=room, told=room, originators=room)


def kill_unconfirmed(victim):
    kill_applying(victim, "--confirm", "3600")


def kill_client(victim):
    """Who ordered it, not the loader: that goes on."""
    first = victim.operator.first
    new = changed(first, victim.rng.randrange(2000, 9000))
    order = victim.operator.order("policy", "apply", victim.operator.write("new", new), wait=False)
    victim.kill(order, "apply")
    order.communicate()
    victim.check_status()
    victim.hold("a loader whose client is killed goes on",
                routers.until(lambda: victim.operator("apply", victim.operator.write("first", first))[0] == 0))
    victim.in_force(first)


LOSSLESS = (kill_running, kill_taking_over, kill_upgrading, kill_applying, kill_resizing, kill_unconfirmed, kill_client)


# ---- kinds of kill, after which packets may go their plain way ---------------------------------------


def gone(victim):
    """Nothing is left of the node, once it is detached for good."""
    code, _, said = victim.operator.order("detach", "--purge")
    left = victim.pinned(), victim.operator.attached(), os.path.exists(victim.top), victim.stray()
    victim.hold("detach after it leaves nothing", (code, said, left) == (0, "", ([], {}, False, [])), code, said, left)
    code, _, said = victim.operator.order("status")
    victim.hold("then status says that it does not run here, in one sentence",
                code == 1 and said.count("\n") == 1 and "does not run here" in said, code, said)


def kill_starting(victim):
    victim.lab.stop(victim.router.process)
    victim.operator.order("detach")
    victim.spawn_run()
    victim.kill_loader("run")


def kill_detaching(victim):
    victim.lab.stop(victim.router.process)
    options = victim.rng.choice(((), ("--purge",)))
    victim.kill(victim.operator.order("detach", *options, wait=False), "detach")
    victim.check_status()


DETACHING = (kill_starting, kill_detaching)


def detach_and_return(victim, kind, for_good, settled):
    """The kill, and then the next loader, perhaps after an end of it all; `settled` gets the times between
    which no packet may be lost."""
    kind(victim)
    if for_good:
        gone(victim)
    start = figure.now_ns()
    time.sleep(0.05 + TRANSIT_NS / 1e9)
    settled.append((start, figure.now_ns()))
    victim.take_over()


# ---- all of them ---------------------------------------------------------------------------------------


def choose(rng, kinds, n):
    """Each as often as the others, in any order."""
    chosen = [kinds[i % len(kinds)] for i in range(n)]
    rng.shuffle(chosen)
    return chosen


def note(victim, number, kind):
    victim.moment = f"kill {number}, {kind.__name__}"


def test_lossless(tap, lab, victim, n):
    lost, number = 0, 0
    kinds = choose(victim.rng, LOSSLESS, n)
    doubts = []
    for first in range(0, n, AT_ONCE):
        full = full_queues(lab)
        with Traffic(lab, rate=RATE, flows=FLOWS) as traffic, Noise(lab, victim.operator.first):
            for kind in kinds[first:first + AT_ONCE]:
                number += 1
                note(victim, number, kind)
                kind(victim)
        m = traffic.measurement
        doubts += m.doubts()
        lost += max(0, sum(len(list(m.missing(flow))) for flow in range(FLOWS)) - (full_queues(lab) - full))
    tap.equal((lost, doubts), (0, []), f"{n} kills of a loader that runs, takes over or applies: no packet is lost")
    settles(tap, victim)


def settles(tap, victim):
    """Failures have ended by themselves, also those that came while a map was being replaced."""
    def clean():
        status = victim.router.ask("status")
        return not status["failed"] and all(path["failures"] == 0 and path["usable"] for path in victim.router.paths().values())

    tap.ok(routers.until(clean), "when all failures are over, no path counts one any more",
           victim.router.ask("status")["failed"],
           [(path["name"], path["failures"]) for path in victim.router.paths().values() if path["failures"]])


def leave_half_done(lab, router):
    """In the place of a loader that is killed while it replaces maps: counts that are wrong, on the first path,
    and the pin of a map that was to replace another."""
    os.mkdir(os.path.join(lab.pin_root, router.name, "v1", "torn"))
    pin = os.path.join(lab.pin_root, router.name, "v1", "maps", "fantel_health")
    lab.run("pe1", "bpftool", "map", "pin", "pinned", pin, pin + "-next")
    place = ("pinned", pin, "key", "0", "0", "0", "0")
    value = json.loads(lab.run("pe1", "bpftool", "-j", "map", "lookup", *place))["value"]
    for count in (0, 4):  # failures, congestions: little-endian numbers
        value[count] = hex(int(value[count], 16) + 1)
    lab.run("pe1", "bpftool", "map", "update", *place, "value", *(str(int(byte, 16)) for byte in value))


def test_recount(tap, lab, victim):
    """Failures that are counted and not on record."""
    def counted():
        return {(path["failures"], path["congestions"], path["usable"]) for name, path in victim.router.paths().items()
                if name != FAILING}

    lab.stop(victim.router.process)
    victim.take_over(program=routers.FANTEL)
    lab.stop(victim.router.process, signal.SIGKILL)
    leave_half_done(lab, victim.router)
    tap.equal(counted(), {(0, 0, True), (1, 1, False)}, "a path with a count too much is not usable")
    with Noise(lab, victim.operator.first):
        victim.take_over()
        tap.ok(routers.until(lambda: counted() == {(0, 0, True)}), "until a loader starts, which counts anew", counted())
    tap.ok("counting failures anew" in victim.router.errors(),
           "and says so", victim.router.errors())
    settles(tap, victim)


def test_detached(tap, lab, victim, n):
    number, settled = 0, []
    lab.kernel_tunnel("pe1", [figure.sid("r1"), figure.sid("r2"), figure.sid("pe2", "d4")],
                      [figure.sid("r1"), figure.sid("r2"), figure.sid("pe2", "d6")])
    kinds = choose(victim.rng, DETACHING, n)
    lost = 0
    for first in range(0, n, AT_ONCE):
        with Traffic(lab, rate=RATE, flows=FLOWS) as traffic:
            for kind in kinds[first:first + AT_ONCE]:
                number += 1
                note(victim, number, kind)
                detach_and_return(victim, kind, number % 2, settled)
        m = traffic.measurement
        lost += sum(len(list(m.lost_between(*period))) for period in settled)
    tap.equal(lost, 0, f"{n} kills while starting or detaching: then packets go the plain way")


def report(tap, victim):
    sentences = ("`fantel status` is true after each", "each next loader takes over by itself", "with the pins of any other",
                 "no policy is half in force", "who waits for an answer of it hears of its end",
                 "a loader whose client is killed goes on", "detach after it leaves nothing",
                 "then status says that it does not run here, in one sentence")
    for sentence in (*sentences, *sorted(victim.wrong.keys() - set(sentences))):
        tap.ok(sentence not in victim.wrong, sentence, *victim.wrong.get(sentence, ()))


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("kills at random moments", why)
            return
        tap.note(f"SEED={SEED} KILLS={KILLS}")
        with Lab() as lab:
            nodes = routers.start(lab, change=lambda _, policy: policy.setdefault("notification", {}).update(START))
            victim = Victim(lab, nodes["pe1"], random.Random(SEED))
            test_recount(tap, lab, victim)
            test_lossless(tap, lab, victim, KILLS * 2 // 3)
            test_detached(tap, lab, victim, KILLS - KILLS * 2 // 3)
            report(tap, victim)


main()
