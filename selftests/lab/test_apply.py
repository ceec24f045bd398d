#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
Another policy for a node that runs: it is shown before it is taken, no packet notices the switch, one
that nobody confirms gives way, and one that is wrong changes nothing.
"""
import copy
import json
import os
import signal
import subprocess
import time

import lab as figure
import routers
from lab import Lab
from routers import Operator
from tap import Tap
from traffic import RATES, Traffic, measure

FLOWS = 32
DOMAIN = 64500
FIRST = 1000  # ms of hold-down, to begin with
CUT_PATH = "via-r1-r2"


def with_hold_down(policy, ms):
    new = copy.deepcopy(policy)
    new["notification"]["hold-down"] = ms
    return new


def with_bfd(node, policy):
    """Between R1 and R5."""
    policy["notification"] = {"hold-down": FIRST}
    if {"r1": "r5", "r5": "r1"}.get(node):
        peer = {"r1": "r5", "r5": "r1"}[node]
        port = next(port for port in policy["port"] if port["name"] == peer)
        port["bfd"] = {"peer": figure.link_address(peer, node)}


def fewer_paths(policy):
    new = copy.deepcopy(policy)
    gone = {path["name"] for path in new["path"] if path["name"].startswith("via-r3")}
    new["path"] = [path for path in new["path"] if path["name"] not in gone]
    for group in new["group"]:
        group["member"] = [member for member in group["member"] if member["path"] not in gone]
    return new


def pids(lab, node):
    """The programs on the node's ports."""
    links = json.loads(lab.ip(node, "-j", "-d", "link"))
    return sorted(link["xdp"]["prog"]["id"] for link in links if "xdp" in link)


def test_show(tap, lab, operator):
    file = operator.write("shown", with_hold_down(operator.first, 7000))
    programs = pids(lab, "pe1")
    code, said, wrong = operator("apply", "--dry-run", file)
    lines = said.splitlines()
    tap.ok((code, wrong) == (0, "") and lines[0].endswith("pe1.json (in force)") and lines[1] == f"+++ {file}",
           "--dry-run shows a difference", code, said, wrong)
    changed = [line.split() for line in lines[3:] if line[0] in "+-"]
    tap.equal(changed, [["-", '"hold-down":', f"{FIRST},"], ["+", '"hold-down":', "7000,"]], "of what would change")
    code, said, _ = operator("apply", "-j", "--dry-run", file)
    tap.equal((code, json.loads(said)["changes"]),
              (0, [{"operation": "replace", "target": "/fantel:fantel/notification/hold-down", "from": FIRST, "to": 7000}]),
              "or the members, in JSON")
    tap.equal((operator.hold_down(), pids(lab, "pe1")), (FIRST, programs), "and changes nothing")


def test_no_loss(tap, lab, operator):
    first, fewer = operator.write("first", operator.first), operator.write("fewer", fewer_paths(operator.first))

    def apply():
        return [operator("apply", file)[0] for file in (fewer, first)]

    answers, m, missing, doubts = measure(lab, apply, FLOWS)
    tap.equal(answers, [0, 0], "policies with fewer and with more paths are taken, one after the other")
    tap.equal((missing, doubts), (0, []), f"under {round(m.rate())} packets/s no packet is lost")
    used = {m.way(flow, 0) for flow in range(FLOWS)}
    tap.ok(len(used) > 2, "over several paths", used)


def test_wrong(tap, lab, operator):
    """What can't be taken, why, and that all is as it was."""
    def refused(sentence, policy, words, wanted=1):
        before = operator.in_force(), pids(lab, "pe1")
        file = operator.write("wrong", policy)
        code, _, said = operator("apply", file)
        tap.ok(code == wanted and all(word in said for word in words), f"{sentence} is refused", code, said)
        tap.equal((operator.in_force(), pids(lab, "pe1")), before, "and nothing is changed")

    policy = operator.first
    renamed, generic, absent, unknown = (copy.deepcopy(policy) for _ in range(4))
    renamed["node"]["name"] = "another"
    refused("another name of the node", renamed, ["/fantel:fantel/node/name", "fantel detach"])
    generic["port"][0]["mode"] = "generic"
    refused("another XDP mode", generic, [f"/fantel:fantel/port[name='{generic['port'][0]['name']}']/mode", "can't change"])
    absent["port"].append({"name": "absent", "class": "core"})
    refused("a port without an interface", absent, ["port absent: there is no such interface", "nothing was changed"])
    unknown["class"][0]["group"] = "nowhere"
    refused("a policy that is wrong", unknown, ["wrong.json:", "there is no group \"nowhere\""], 2)
    with Traffic(lab, rate=5000, flows=FLOWS):
        cut, _ = lab.cut("r1", "r2")
        tap.ok(operator.router.wait(cut, path=CUT_PATH, usable=False), "the node goes on: a cut is acted on")
    mended, _ = lab.mend("r1", "r2")
    tap.ok(operator.router.wait(mended, path=CUT_PATH, usable=True), "and its end")


def waiting(operator):
    """What `fantel status` says of a policy that waits to be confirmed: files, seconds left; and in words."""
    found = operator.router.ask("status")["unconfirmed"]
    words = [line for line in operator.order("status")[1].splitlines() if "waits to be confirmed" in line]
    return found and (os.path.basename(found["policy"]), os.path.basename(found["before"]), -found["until-age"]), words


def test_confirm(tap, operator):
    file = operator.write("confirmed", with_hold_down(operator.first, 8000))
    code, said, _ = operator("confirm")
    tap.equal(code, 1, "there is nothing to be confirmed at first")
    code, said, _ = operator("apply", file, "--confirm", "3600")
    tap.ok(code == 0 and "gives way in 3600 s unless" in said, "a policy is taken for some time", code, said)
    found, words = waiting(operator)
    tap.ok(found and found[:2] == ("confirmed.json", "first.json") and 0 < found[2] <= 3600 and len(words) == 1
           and words[0].startswith(f"the policy of {file} waits to be confirmed; in ") and words[0].endswith("/first.json"),
           "`fantel status` says that it waits, how long yet, and what comes after it", found, words)
    tap.equal((operator.hold_down(), operator("confirm")[0], operator("confirm")[0]), (8000, 0, 1), "and confirmed once")
    tap.equal(waiting(operator), (None, []), "then nothing waits")
    code, said, _ = operator("apply", operator.write("tried", with_hold_down(operator.first, 9000)), "--confirm", "1")
    tap.equal((code, operator.hold_down()), (0, 9000), "another one")
    tap.ok(routers.until(lambda: operator.hold_down() == 8000), "is not confirmed, and gives way to the one before")
    tap.ok("was not confirmed; going back" in operator.router.errors(), "which the loader says", operator.router.errors())
    tap.ok(routers.until(lambda: waiting(operator) == (None, [])), "and `fantel status`, too", waiting(operator))


# Limit -> maps, with the rows that they have for each, and beyond.
LIMITED = {"paths": {"paths": (1, 0), "health": (1, 0), "traffic": (1, 0), "tunnels": (16, 0)},
           "groups": {"ranks": (1, 0), "flows": (4096, 0)}, "classes": {"classes": (2, 0)}, "sources": {"sources": (2, 512)},
           "resources": {"resource": (1, 0), "location": (8, 0)}, "lsps": {"lsps": (2, 0)}, "failures": {"failed": (1, 0)},
           "metrics": {"metrics": (1, 0)}, "originators": {"origins": (1, 0), "proven": (1, 0)}, "told": {"told": (1, 0)},
           "learned": {"learned": (1, 0)}, "receivers": {"buckets": (1, 0)}, "queue-pairs": {"qps": (1, 0)},
           "routes": {"routes": (1, 0)}}


def with_limits(policy, limits):
    new = copy.deepcopy(policy)
    new["limits"] = limits
    return new


def with_twins(policy):
    """Each path a second time, by another name and without its second router, and these carry the traffic."""
    new = copy.deepcopy(policy)
    for path in policy["path"]:
        tunnel = copy.deepcopy(path["srv6"])
        del tunnel["segment"][1]
        new["path"].append(dict(path, name=f"{path['name']}-twin", srv6=tunnel))
    for group in new["group"]:
        for member in group["member"]:
            member["path"] += "-twin"
    return new


def sizes(lab, router):
    """Limit -> the entries that its maps have room for."""
    def room(name, rows, more):
        pinned = os.path.join(lab.pin_root, router.name, "v1", "maps", f"fantel_{name}")
        return (json.loads(lab.run(router.node, "bpftool", "-j", "map", "show", "pinned", pinned))["max_entries"] - more) / rows

    found = {limit: {room(name, *of) for name, of in maps.items()} for limit, maps in LIMITED.items()}
    return {limit: rooms.pop() for limit, rooms in found.items() if len(rooms) == 1}


def failures(router):
    return {(entry["event-id"], entry["path"]) for entry in router.ask("status")["failed"]}


def filled(router, limit):
    """How much of a limit is used, how much room there is, and whether it is marked as nearly full."""
    rows = [row for row in router.ask("status")["limits"] if row["limit"] == limit]
    return tuple(rows[0][member] for member in ("used", "room", "nearly-full"))


def send_failures(lab, router, path, first, count, validity_ms):
    """R1 tells of so many events of a path."""
    segments = figure.segments_of(router.policy)[path]
    lab.run("r1", "sh", "-c", f"for i in $(seq {first} {first + count - 1}); do {routers.FANTEL} send"
            f" --to {figure.loopback('pe1')} --from {figure.loopback('r1')} --srv6 {','.join(segments)}"
            f" --domain {DOMAIN} --cause errors --event-id $i --validity {validity_ms} || exit 1; done")


def withdraw_failures(lab, router):
    for event, path in failures(router):
        lab.run("r1", routers.FANTEL, "send", "--to", figure.loopback(router.node), "--from", figure.loopback("r1"),
                "--type", "failure-recovery", "--event-id", event, "--domain", DOMAIN, "--srv6",
                ",".join(figure.segments_of(router.policy)[path]))


def test_limits(tap, lab, nodes, operator):
    """Maps get another size while they are in use."""
    pe1, start = nodes["pe1"], figure.now_ns()
    path, expiring = CUT_PATH, 990
    small = with_limits(operator.first, {"paths": len(operator.first["path"]), "groups": 8})
    many = with_twins(small)
    more = {limit: 5000 + i for i, limit in enumerate(LIMITED)}
    more.update(groups=20, classes=70000, routes=70001)
    code, _, said = operator("apply", operator.write("many", many))
    tap.ok(code == 2 and f"give at most {small['limits']['paths']}, or raise /fantel:fantel/limits/paths" in said,
           "more paths than there is room for are refused", code, said)
    operator("apply", operator.write("small", small))
    tap.equal(filled(pe1, "paths"), (len(small["path"]), len(small["path"]), True), "status tells what is full")
    send_failures(lab, pe1, path, 1000, 2, 0)
    file = operator.write("more", with_limits(with_twins(operator.first), more))
    before = {name: path["packets"] for name, path in pe1.paths().items()}

    def grow():
        operator("apply", operator.write("fewer", with_limits(operator.first, more)))  # if it was tried before
        operator("apply", operator.write("small", small))
        was = sizes(lab, pe1)["paths"]
        send_failures(lab, pe1, path, expiring, 1, 4000)
        return operator("apply", file)[0], was

    answer, m, missing, doubts = measure(lab, grow, FLOWS, RATES[-1:])
    tap.equal((answer, sizes(lab, pe1)), ((0, len(operator.first["path"])), more), "maps grow with the policy")
    tap.equal((missing, doubts), (0, []), "no packet is lost by it")
    carried = {name: path["packets"] for name, path in pe1.paths().items()}
    tap.ok(any(carried[name] for name in carried if name.endswith("-twin")) and
           all(packets >= before[name] for name, packets in carried.items() if name in before),
           "the paths that found room carry it, and all count on", carried, before)
    tap.ok({(1000, path), (1001, path)} <= failures(pe1), "nor what was on record", failures(pe1))
    tap.equal(pe1.paths()[path]["usable"], False, "nor what it says")
    tap.ok(pe1.wait(start, event="path", reason="expired", event_id=expiring), "a validity still ends by itself")
    tap.equal(failures(pe1), {(1000, path), (1001, path)}, "and with it no other one")
    few = {limit: 64 for limit in LIMITED}
    few["routes"] = 4096  # more than the lab has
    few.update(groups=8, failures=256)
    code, _, said = operator("apply", operator.write("few", with_limits(operator.first, few)))
    tap.equal((code, said, sizes(lab, pe1)), (0, "", few), "they shrink as well")
    some, subjects = dict(few, failures=2048), len(operator.first["path"]) + len(operator.first.get("resource", []))
    part, more_of_it = few["failures"] // 2 // subjects, some["failures"] // 2 // subjects
    other = operator.first["path"][1]["name"]
    send_failures(lab, pe1, path, 1002, part, 0)
    tap.equal(filled(pe1, "failures"), (part, few["failures"], False), "what is said of one path takes its part of the room")
    tap.ok(routers.until(lambda: "failed-share: " in pe1.errors() and
                         "a higher limits/failures in the policy makes more" in pe1.errors()),
           "and the loader says so", pe1.errors())
    send_failures(lab, pe1, other, 2000, 1, 0)
    tap.equal(filled(pe1, "failures")[0], part + 1, "that of another one is left")
    operator("apply", operator.write("some", with_limits(operator.first, some)))
    send_failures(lab, pe1, path, 1100, more_of_it, 0)
    send_failures(lab, pe1, other, 2100, 64 - more_of_it, 0)
    tap.equal((filled(pe1, "failures")[0], sizes(lab, pe1)), (65, some), "until there is more")
    code, _, said = operator("apply", operator.write("least", with_limits(operator.first, dict(few, failures=64))))
    tap.ok(code == 1 and "/fantel:fantel/limits/failures: 65 are in use, so it can't be 64 now" in said,
           "less room than is in use is refused", code, said)
    tap.equal((filled(pe1, "failures")[0], sizes(lab, pe1)), (65, some), "and nothing is changed")
    withdraw_failures(lab, pe1)
    tap.ok(routers.until(lambda: pe1.paths()[path]["usable"] and not failures(pe1)),
           "when all of them are withdrawn, the path is usable", failures(pe1))


def test_killed(tap, lab, nodes, operator):
    """The loader dies while a policy waits to be confirmed; whoever starts it again gives it that file."""
    new = with_hold_down(operator.first, 9500)
    before = operator.hold_down()
    code, _, _ = operator("apply", operator.write("unconfirmed", new), "--confirm", "3600")
    tap.equal((code, operator.hold_down()), (0, 9500), "a policy waits to be confirmed")
    lab.stop(nodes["pe1"].process, signal.SIGKILL)
    found, words = waiting(operator)
    tap.ok(found and found[0] == "unconfirmed.json" and len(words) == 1 and "when a loader starts with it" in words[0],
           "`fantel status` still says so after kill -9", found, words)
    nodes["pe1"], said = routers.again(lab, nodes["pe1"], new)
    operator.router = nodes["pe1"]
    tap.equal(operator.hold_down(), before, "after kill -9 the next loader does not take it, but the one before")
    tap.ok("was applied and never confirmed" in said, "and says so", said)
    tap.equal(waiting(operator), (None, []), "nothing waits any more")
    code, _, wrong = operator("apply", operator.write("unconfirmed", new))
    tap.equal((code, wrong, operator.hold_down()), (0, "", 9500), "until it is applied for good")
    lab.stop(nodes["pe1"].process)
    nodes["pe1"], said = routers.again(lab, nodes["pe1"], new)
    operator.router = nodes["pe1"]
    tap.ok(operator.hold_down() == 9500 and "never confirmed" not in said, "then it is there to stay", said)


def test_torn(tap, lab, nodes, operator):
    """The loader dies while maps get another size."""
    pe1, path = nodes["pe1"], CUT_PATH
    send_failures(lab, pe1, path, 3000, 3, 0)
    wanted = {(3000 + i, path) for i in range(3)}
    file = operator.write("torn", with_limits(operator.first, {"paths": 5000, "resources": 5000, "failures": 40000}))
    torn = os.path.join(lab.pin_root, pe1.name, "v1", "torn")
    with subprocess.Popen(lab.enter("pe1", routers.FANTEL, "policy", "apply", file, "--node", pe1.name, "--pin-root",
                                    lab.pin_root), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as applying:
        while not os.path.exists(torn) and applying.poll() is None:
            time.sleep(0.0005)
        lab.stop(pe1.process, signal.SIGKILL)
    nodes["pe1"], _ = routers.again(lab, pe1, operator.first)
    pe1 = operator.router = nodes["pe1"]
    tap.equal((failures(pe1), pe1.paths()[path]["failures"], os.path.exists(torn)), (wanted, len(wanted), False),
              "after kill -9 while maps get another size, failures are those on record, and their count is right")
    withdraw_failures(lab, pe1)
    tap.ok(routers.until(lambda: pe1.paths()[path]["usable"] and not failures(pe1)),
           "and when they are withdrawn, the path is usable", failures(pe1))


def sessions(router):
    """Link -> state, discriminators."""
    return {session["link"]: (session["state"], session["discriminator"], session["remote-discriminator"])
            for session in router.ask("status")["bfd"]}


def test_links(tap, lab, nodes):
    """What a P node knows of its links goes on under another policy."""
    operator = Operator(lab, nodes["r1"])
    tap.ok(routers.until(lambda: sessions(nodes["r1"]).get("r5", ("",))[0] == "up"), "a BFD session is up")
    before = sessions(nodes["r1"])
    start = figure.now_ns()
    lab.run("r1", routers.FANTEL, "event", "--node", "r1", "--pin-root", lab.pin_root, "r2", "failure", "-c", "errors")
    down = nodes["r1"].wait(start, event="link", link="r2", up=False)
    code, _, said = operator("apply", operator.write("r1-new", with_hold_down(operator.first, 500)))
    tap.equal((code, operator.hold_down()), (0, 500), "a P node takes another policy")
    links = {link["name"]: link for link in nodes["r1"].ask("status")["links"]}
    tap.equal((links["r2"]["up"], links["r2"]["event-id"]), (False, down and down["event-id"]),
              "a failure that was reported to it lasts")
    time.sleep(1)  # longer than the peer waits for a packet
    tap.equal(sessions(nodes["r1"]), before, "its BFD session goes on")
    tap.equal([nodes[node].wait(start, 0, event="link", cause="bfd") for node in ("r1", "r5")], [None, None],
              "neither end notices")
    tap.equal(nodes["r1"].wait(start, 0, event="link", up=True), None, "no link came up")
    lab.run("r1", routers.FANTEL, "event", "--node", "r1", "--pin-root", lab.pin_root, "r2", "failure-recovery")
    tap.ok(nodes["r1"].wait(start, event="link", link="r2", up=True), "until its end is reported")


def test_second_loader(tap, lab, nodes):
    first = nodes["pe1"].process.pid
    second = lab.spawn("pe1", routers.FANTEL, "run", "--pin-root", lab.pin_root, os.path.join(lab.dir, "pe1.json"),
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    _, said = second.communicate(timeout=routers.PATIENCE)
    tap.ok(second.returncode == 1 and f"process {first} runs it already" in said, "a second loader says who holds the lock", said)


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("policies one after the other", why)
            return
        with Lab() as lab:
            lab.finish_checksums("r1", "r5")  # BFD's
            nodes = routers.start(lab, change=with_bfd)
            operator = Operator(lab, nodes["pe1"])
            test_show(tap, lab, operator)
            test_no_loss(tap, lab, operator)
            test_wrong(tap, lab, operator)
            test_confirm(tap, operator)
            test_limits(tap, lab, nodes, operator)
            test_links(tap, lab, nodes)
            test_killed(tap, lab, nodes, operator)
            test_torn(tap, lab, nodes, operator)
            test_second_loader(tap, lab, nodes)


main()
