#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
A loader of another build takes over, and no map looks to it as its own do (other_build.py): packets notice
nothing, and all that the maps held goes on.
"""
import os
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

import lab as figure
import routers
from lab import Lab
from tap import Tap
from traffic import RATES, Traffic, measure, unharmed

RIGHTS = ("setpriv", "--bounding-set", "-all,+bpf,+perfmon,+net_admin,+net_raw", "--inh-caps", "-all")
CUT_PATH, TOLD_PATH, BFD_PATH = "via-r1-r2", "via-r3-r5-r2", "via-r1-r5-r4"
DOMAIN = 64500
RATE, FLOWS = 20000, 32
BFD_US, MULTIPLIER = 2000000 * figure.SLOW, 6  # so slow that a session outlives the start of a loader
MOMENTS = 5 if figure.SLOW == 1 else 2
ALIVE = 1.5  # s; packets go by what a killed loader looked after for longer than that
VALIDITY_MS = 5000 * figure.SLOW


def change(node, policy):
    policy["notification"] = {"hold-down": 300, "validity": 0}  # nothing heals by itself


def upgrade(lab, nodes, node, how=signal.SIGTERM, before=()):
    """To the other of the two builds; returns what the loader said."""
    lab.stop(nodes[node].process, how)
    nodes[node], said = routers.again(lab, nodes[node], before=before, program=nodes[node].other_build())
    return said


def test_packets(tap, lab, nodes):
    """There and back, at both ends of what is told."""
    def over():
        for node in ("pe1", "r1", "pe1", "r1"):
            time.sleep(0.2)
            upgrade(lab, nodes, node, signal.SIGKILL if node == "r1" else signal.SIGTERM)

    with Traffic(lab, rate=RATE, flows=FLOWS) as traffic:
        over()
        time.sleep(0.2)
    unharmed(tap, traffic.measurement, "another build takes over under traffic, and the first one again: "
             "no packet is lost, none changes its path")
    _, m, missing, _ = measure(lab, over, FLOWS, RATES if figure.SLOW == 1 else RATES[-1:])
    unharmed(tap, m, f"nor under {round(m.rate())} packets/s", lost=missing)


def send(lab, router, event, *options):
    segments = figure.segments_of(router.policy)[TOLD_PATH]
    lab.run("r3", routers.FANTEL, "send", "--to", figure.loopback("pe1"), "--from", figure.loopback("r3"), "--srv6",
            ",".join(segments), "--domain", DOMAIN, "--cause", "errors", "--event-id", event, *options)


def counters(router):
    return {c["reason"]: c["packets"] for c in router.ask("counters")["counters"] if c["packets"]}


def failed(router):
    return sorted((entry["event-id"], entry["path"], entry["cause"]) for entry in router.ask("status")["failed"])


def carried(router):
    """What has to be the same behind it."""
    return {"failed": failed(router), "counters": counters(router),
            "traffic": {name: path["packets"] for name, path in router.paths().items()},
            "usable": {name: path["usable"] for name, path in router.paths().items()}}


def order(lab, router, *words):
    """A command of the build that does not run."""
    process = lab.spawn(router.node, router.other_build(), *words, "--node", router.name, "--pin-root", lab.pin_root,
                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, said = process.communicate(timeout=routers.PATIENCE)
    return lab.stop(process), out, said


def test_state(tap, lab, nodes):
    pe1 = nodes["pe1"]
    with Traffic(lab, rate=5000):
        cut, _ = lab.cut("r1", "r2")
        told = pe1.wait(cut, path=CUT_PATH, usable=False)
        tap.ok(told, "a cut is told to the ingress PE")
    send(lab, pe1, 71, "--sequence", int(time.time()) << 32)
    tap.ok(pe1.wait(cut, path=TOLD_PATH, usable=False), "another failure, too")
    routers.until(lambda: len(failed(pe1)) >= 2)
    before = carried(pe1)
    upgrade(lab, nodes, "pe1")
    tap.equal(carried(nodes["pe1"]), before, "failures, counters and traffic are there to the next build")
    for command, words in (("status", "maps were made by another build of fantel"),
                           ("events", "its loader is another version of fantel")):
        code, out, said = order(lab, nodes["pe1"], command)
        tap.equal((code, out, said.count("\n"), words in said), (1, "", 1, True),
                  f"`fantel {command}` of the build before says that it can't read them, in one sentence")
    again, start = counters(nodes["pe1"]), figure.now_ns()
    send(lab, pe1, 71, "--sequence", int(time.time()) - 3600 << 32)
    send(lab, pe1, 72, "--sequence", int(time.time()) - 3600 << 32)
    tap.ok(routers.until(lambda: counters(nodes["pe1"]).get("stale", 0) == again.get("stale", 0) + 2) and
           not nodes["pe1"].wait(start, 0, event="path"), "what is older than what an originator said before is refused",
           again, counters(nodes["pe1"]))
    upgrade(lab, nodes, "r1", signal.SIGKILL)
    tap.equal([(t["tunnel"], t["event-id"]) for t in nodes["r1"].ask("status")["told"]] != [], True,
              "the P node still knows whom it told")
    mended, _ = lab.mend("r1", "r2")
    tap.ok(nodes["pe1"].wait(mended, path=CUT_PATH, usable=True), "and withdraws it; its sequences have gone on")
    send(lab, pe1, 71, "--type", "failure-recovery")
    tap.ok(nodes["pe1"].wait(mended, path=TOLD_PATH, usable=True), "so does who has stayed")
    routers.until(lambda: not failed(nodes["pe1"]))
    tap.equal((failed(nodes["pe1"]), [name for name, path in nodes["pe1"].paths().items() if path["failures"]]), ([], []),
              "nothing is left of it")


def tell(lab, router, kind, numbers):
    """A shell that tells of events one after the other, as long as there are numbers, and prints those that left.
    Slowly: one path does not get all the room that there is."""
    segments = ",".join(figure.segments_of(router.policy)[TOLD_PATH])
    script = (f"for i in {numbers}; do {routers.FANTEL} send --to {figure.loopback('pe1')} --from {figure.loopback('r3')}"
              f" --srv6 {segments} --domain {DOMAIN} --type {kind} --event-id $i >/dev/null && echo $i; sleep {0.01 * figure.SLOW}; done")
    return lab.spawn("r3", "sh", "-c", script, stdout=subprocess.PIPE, text=True)


def test_meanwhile(tap, lab, nodes):
    """Failures that come while maps and programs are replaced."""
    telling = tell(lab, nodes["pe1"], "failure", "$(seq 1000 2999)")
    for _ in range(4):
        time.sleep(0.1)
        upgrade(lab, nodes, "pe1", signal.SIGKILL)
    telling.terminate()
    told = sorted(map(int, telling.communicate()[0].split()))
    lab.stop(telling)
    found = [event for event, _, _ in failed(nodes["pe1"])]
    missed = set(told) - set(found)
    tap.ok(len(told) > 50 and not missed, "each failure that is told meanwhile is on record", len(told), sorted(missed),
           counters(nodes["pe1"]))
    tap.equal(nodes["pe1"].paths()[TOLD_PATH]["failures"], len(found), "and counted once")
    ending = tell(lab, nodes["pe1"], "failure-recovery", " ".join(map(str, found)))
    upgrade(lab, nodes, "pe1", signal.SIGKILL)
    ending.communicate()
    lab.stop(ending)
    tap.equal((routers.until(lambda: not failed(nodes["pe1"])), nodes["pe1"].paths()[TOLD_PATH]["failures"]), (True, 0),
              "each end of one, too")


def test_validity(tap, lab, nodes):
    start = figure.now_ns()
    send(lab, nodes["pe1"], 81, "--validity", VALIDITY_MS)
    tap.ok(nodes["pe1"].wait(start, path=TOLD_PATH, usable=False), "a failure that counts for some time")
    upgrade(lab, nodes, "pe1", signal.SIGKILL)
    tap.equal([event for event, _, _ in failed(nodes["pe1"])], [81], "goes on")
    ended = nodes["pe1"].wait(start, event="path", reason="expired", event_id=81)
    tap.ok(ended and ended["monotonic-ns"] - start >= (VALIDITY_MS - 100) * 10**6, "and ends in time", ended)


def test_events(tap, lab, nodes):
    """What came while no loader was there to print it."""
    lab.stop(nodes["pe1"].process, signal.SIGKILL)
    start = figure.now_ns()
    send(lab, nodes["pe1"], 91, "--validity", 500)
    time.sleep(1 * figure.SLOW)
    nodes["pe1"], _ = routers.again(lab, nodes["pe1"], program=nodes["pe1"].other_build())
    came = nodes["pe1"].wait(start, event="notification", event_id=91)
    tap.ok(came and (came["reason"], came["cause"], came["from"]) == ("failed", "errors", figure.loopback("r3")),
           "events that the build before left are printed by the next one", came)


def session(router):
    return next(iter(router.ask("status")["bfd"]), {})


def is_up(nodes):
    return routers.until(lambda: session(nodes["r1"]).get("state") == session(nodes["r5"]).get("state") == "up")


def talk_bfd(lab, nodes):
    for node, peer in (("r1", "r5"), ("r5", "r1")):
        port = next(port for port in nodes[node].policy["port"] if port["name"] == peer)
        port["bfd"] = {"peer": figure.link_address(peer, node), "desired-min-tx": BFD_US, "required-min-rx": BFD_US,
                       "multiplier": MULTIPLIER}
        lab.stop(nodes[node].process)
        nodes[node], _ = routers.again(lab, nodes[node])


def say_down(lab, nodes, after, said):
    """The neighbor of R1, once; when is left in `said`."""
    numbers = [session(nodes[node])["discriminator"] for node in ("r5", "r1")]
    packet = struct.pack("!BBBBIIIII", 1 << 5, 1 << 6, MULTIPLIER, 24, *numbers, BFD_US, BFD_US, 0)

    def send_it():
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
            sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 255)
            said.append(time.monotonic())
            sender.sendto(packet, (figure.link_address("r1", "r5"), 3784))

    saying = threading.Timer(after, lambda: lab.inside("r5", send_it))
    saying.start()
    return saying


def test_moments(tap, lab, nodes):
    """A link fails while the loader that looks after it is replaced: whichever programs tell of it."""
    start = time.monotonic()
    upgrade(lab, nodes, "r1", signal.SIGKILL)
    lasted, pe1 = time.monotonic() - start, nodes["pe1"]
    sentence = "a link that fails while maps are replaced is told once, and withdrawn when it is up"
    told = []
    for moment in range(1, MOMENTS + 1):
        is_up(nodes)
        start, killed, said = figure.now_ns(), time.monotonic(), []
        with Traffic(lab, rate=5000):
            saying = say_down(lab, nodes, moment / (MOMENTS + 1) * lasted, said)
            upgrade(lab, nodes, "r1", signal.SIGKILL)
            saying.join()
            pe1.wait(start, path=BFD_PATH, usable=True)
        time.sleep(0.5)
        changes = [event["usable"] for event in list(pe1.events)
                   if event.get("monotonic-ns", 0) > start and event.get("path") == BFD_PATH]
        late = said[0] - killed
        if changes or late < ALIVE:
            told.append(changes)
        else:
            tap.skip(sentence, f"said {late:.1f} s after the loader's end, and up again before another could tell")
    if told:
        tap.equal(told, [[False, True]] * len(told), sentence)


def test_bfd(tap, lab, nodes):
    talk_bfd(lab, nodes)
    tap.ok(is_up(nodes), "a BFD session is up", session(nodes["r1"]))
    test_moments(tap, lab, nodes)
    tap.ok(is_up(nodes), "it is again", session(nodes["r1"]))
    r1, r5 = nodes["r1"], nodes["r5"]
    before = session(r1)
    upgrade(lab, nodes, "r1", signal.SIGKILL)
    found = session(nodes["r1"])
    tap.equal([found[name] for name in ("state", "discriminator", "times-up")],
              [before[name] for name in ("state", "discriminator", "times-up")], "and stays up")
    start = figure.now_ns()
    lab.stop(r5.process, signal.SIGKILL)
    upgrade(lab, nodes, "r1", signal.SIGKILL)
    tap.equal(session(nodes["r1"])["state"], "up", "also when its neighbor fell silent before")
    down = nodes["r1"].wait(start, event="link", link="r5", up=False)
    tap.ok(down and down["cause"] == "bfd", "which is noticed all the same", session(nodes["r1"]))
    nodes["r5"], _ = routers.again(lab, r5)
    tap.ok(nodes["r1"].wait(start, event="link", link="r5", up=True), "and the end of it")


def pins(lab, router):
    return os.listdir(os.path.join(lab.pin_root, router.name, "v1", "maps"))


def layouts(lab, router):
    maps = os.path.join(lab.pin_root, router.name, "v1", "maps")
    return [os.path.join(maps, name) for name in pins(lab, router) if name.startswith("layout-")]


def test_pins(tap, lab, nodes):
    """One of the builds has a map that the other does not know."""
    router = nodes["r3"]
    before = {name for name in pins(lab, router) if not name.startswith("layout-")}
    upgrade(lab, nodes, "r3")
    during = pins(lab, router)
    upgrade(lab, nodes, "r3")
    tap.equal((set(during) - before - {"fantel_other_build"}, set(pins(lab, router)) - before),
              ({os.path.basename(name) for name in during if name.startswith("layout-")},
               {os.path.basename(name) for name in layouts(lab, router)}), "each build has its own maps, and none is left behind")
    tap.equal([sum(name.startswith("layout-") for name in names) for names in (during, pins(lab, router))], [1, 1],
              "and one pin that says what is in them")
    lab.stop(nodes["r3"].process)
    code, _, said = order(lab, nodes["r3"], "detach")
    tap.equal((code, said.count("\n"), "made by another build" in said, os.path.exists(os.path.join(lab.pin_root, "r3"))),
              (0, 1, True, False), "the other build can detach what this one left")
    nodes["r3"], _ = routers.again(lab, nodes["r3"], wanted=("running",))


def test_rights(tap, lab, nodes):
    """The four that the manual names, which do not suffice to ask the kernel what is in a map."""
    pe1 = nodes["pe1"]
    send(lab, pe1, 101)
    upgrade(lab, nodes, "pe1", before=RIGHTS)
    tap.equal([event for event, _, _ in failed(nodes["pe1"])], [101], "a loader with four rights can read another build's maps")
    tap.equal(len(layouts(lab, pe1)), 1, "for one pin says what is in all of them")
    os.unlink(*layouts(lab, pe1))
    lab.stop(nodes["pe1"].process)
    with Traffic(lab, rate=5000, flows=FLOWS) as traffic:
        refused = routers.Router(lab, "pe1", pe1.policy, before=RIGHTS, program=nodes["pe1"].other_build())
        code = refused.process.wait(routers.START)
        said = refused.errors().splitlines()[-2:]
        tap.ok(code == 1 and "made by another build of fantel, and how can't be read; run this one with CAP_SYS_ADMIN" in
               said[0], "without that pin it says what it needs", code, said)
        nodes["pe1"], _ = routers.again(lab, refused)
        time.sleep(0.2)
    unharmed(tap, traffic.measurement, "and no packet is lost until one that has it takes over")
    tap.equal([event for event, _, _ in failed(nodes["pe1"])], [101], "which finds all that was there")
    send(lab, pe1, 101, "--type", "failure-recovery")


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("upgrades", why)
            return
        with Lab() as lab:
            lab.finish_checksums("r1", "r5")  # BFD's
            nodes = routers.start(lab, change=change)
            test_packets(tap, lab, nodes)
            test_state(tap, lab, nodes)
            test_meanwhile(tap, lab, nodes)
            test_validity(tap, lab, nodes)
            test_events(tap, lab, nodes)
            test_bfd(tap, lab, nodes)
            test_pins(tap, lab, nodes)
            if shutil.which("setpriv"):
                test_rights(tap, lab, nodes)
            else:
                tap.skip("loaders with four rights", "needs setpriv")


main()
