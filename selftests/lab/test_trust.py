#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
Routers that sign, and believe only what is signed: a cut is reacted to as ever, a forger moves nothing,
a replay does nothing after a restart either, and keys are rolled over while notifications flow.
"""
import calendar
import os
import signal
import stat
import time

import lab as figure
import routers
from lab import Lab
from tap import Tap
from traffic import Traffic

VALIDITY_MS, REFRESH_MS = 600 * figure.SLOW, 100 * figure.SLOW
CUT_PATH = "via-r1-r2"
SECRETS = {1: "5ec2e7" + "01" * 13, 2: "5ec2e7" + "02" * 29, 3: "5ec2e7" + "03" * 13}
ALGORITHM = {1: "siphash-2-4-128", 2: "hmac-sha-256-128", 3: "siphash-2-4-128"}
WRONG = "ff" * 16
AUTH = ("auth", "auth-missing", "auth-key", "auth-early", "auth-expired")


def at(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def write_keys(file, keys):
    """keys: id -> (from, until), in seconds since 1970 or None. Put in place whole, as an operator should."""
    new = file + ".new"
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as out:
        for number, (start, end) in keys.items():
            out.write(f"{number} {ALGORITHM[number]} {at(start) if start else '-'} {at(end) if end else '-'}"
                      f" {SECRETS[number]}\n")
    os.rename(new, file)


def counters(router, *reasons):
    counted = {row["reason"]: row["packets"] for row in router.ask("counters")["counters"]}
    return {reason: counted.get(reason, 0) for reason in reasons}


def read_again(nodes, file):
    """SIGHUP to all; returns when each has said so."""
    said = {node: router.errors().count("read again") for node, router in nodes.items()}
    for router in nodes.values():
        router.process.send_signal(signal.SIGHUP)
    for node, router in nodes.items():
        if not routers.until(lambda: router.errors().count("read again") > said[node]):
            raise figure.LabError(f"{node}: did not read {file} again: {router.errors()}")


def forge(lab, *options):
    """From R3, in R1's name: that CUT_PATH has failed."""
    policy = figure.read_policy("pe1")
    segments = figure.segments_of(policy)[CUT_PATH]
    lab.run("r3", routers.FANTEL, "send", "--from", figure.loopback("r1"), "--to", figure.loopback("pe1"),
            "--srv6", ",".join(segments), "--domain", policy["node"]["domain"], "--validity", "60000", *options)


def usable(nodes):
    return nodes["pe1"].paths()[CUT_PATH]["usable"]


def settled(router, reason, before, more):
    routers.until(lambda: counters(router, reason)[reason] >= before + more)
    return counters(router, reason)[reason] - before


def test_reaction(tap, lab, nodes):
    with Traffic(lab, rate=5000):
        cut, _ = lab.cut("r1", "r2")
        tap.ok(nodes["pe1"].wait(cut, path=CUT_PATH, usable=False), "a signed notification is acted upon")
        time.sleep(2 * VALIDITY_MS / 1000)
        tap.equal(usable(nodes), False, "and its refreshes, signed too, keep the failure up")
        mended, _ = lab.mend("r1", "r2")
        tap.ok(nodes["pe1"].wait(mended, path=CUT_PATH, usable=True), "until the recovery, which the loader signs")
    tap.equal(counters(nodes["pe1"], *AUTH), dict.fromkeys(AUTH, 0), "none of them was refused")
    tap.equal(counters(nodes["r1"], "unsigned"), {"unsigned": 0}, "and none left unsigned")


def test_forger(tap, lab, nodes, file):
    pe1 = nodes["pe1"]
    for reason, options in (("auth-missing", ()),
                            ("auth", ("--key", WRONG, "--key-id", "1")),
                            ("auth-key", ("--key", WRONG, "--key-id", "9")),
                            ("auth-expired", ("--keys", file, "--key-id", "3"))):
        before = counters(pe1, reason)[reason]
        forge(lab, *options)
        tap.equal((settled(pe1, reason, before, 1), usable(nodes)), (1, True),
                  f"a forger is counted as {reason}, and moves nothing")
    before = counters(pe1, "auth")["auth"]
    forge(lab, "--key", WRONG, "--key-id", "1", "--sequence", str(2**64 - 1))
    settled(pe1, "auth", before, 1)
    with Traffic(lab, rate=5000):
        cut, _ = lab.cut("r1", "r2")
        tap.ok(pe1.wait(cut, path=CUT_PATH, usable=False), "with the highest sequence he does not silence R1 either")
    mended, _ = lab.mend("r1", "r2")
    pe1.wait(mended, path=CUT_PATH, usable=True)


def test_replay(tap, lab, nodes, file):
    """R3 in its own name, with the right key: the same packet twice, the loader killed in between."""
    pe1 = nodes["pe1"]
    again = ("--from", figure.loopback("r3"), "--keys", file, "--key-id", "1",
             "--sequence", str(int(time.time()) << 32))
    first = figure.now_ns()
    forge(lab, *again, "--validity", "200")
    tap.ok(pe1.wait(first, path=CUT_PATH, usable=False) and pe1.wait(first, path=CUT_PATH, usable=True),
           "who has the key is believed, for as long as it says")
    lab.stop(pe1.process, signal.SIGKILL)
    said = len(pe1.errors())
    nodes["pe1"] = pe1 = routers.Router(lab, "pe1", pe1.policy)
    routers.until(lambda: ": taken over" in pe1.errors()[said:])
    before = counters(pe1, "duplicate")["duplicate"]
    forge(lab, *again, "--validity", "60000")
    tap.equal((settled(pe1, "duplicate", before, 1), usable(nodes)), (1, True),
              "a replay does nothing, also after the receiver's loader was killed and started again")


def test_roll_over(tap, lab, nodes, file):
    pe1 = nodes["pe1"]
    with Traffic(lab, rate=5000):
        cut, _ = lab.cut("r1", "r2")
        pe1.wait(cut, path=CUT_PATH, usable=False)
        change = int(time.time()) + 2
        write_keys(file, {1: (None, None), 2: (change, None)})
        read_again(nodes, file)
        time.sleep(max(0, change - time.time()) + 3 * REFRESH_MS / 1000)
        write_keys(file, {2: (change, None)})
        read_again(nodes, file)
        refreshed = counters(pe1, "refreshed")["refreshed"]
        tap.ok(settled(pe1, "refreshed", refreshed, 5) >= 5, "notifications signed with the new key are believed")
        time.sleep(2 * VALIDITY_MS / 1000)
        tap.equal(pe1.wait(cut, 0, path=CUT_PATH, usable=True), None,
                  "no failure ran out while the key was rolled over")
    tap.equal(counters(pe1, *AUTH), test_roll_over.before, "no notification was refused")
    tap.equal(counters(nodes["r1"], "unsigned"), {"unsigned": 0}, "none left unsigned")
    mended, _ = lab.mend("r1", "r2")
    tap.ok(pe1.wait(mended, path=CUT_PATH, usable=True), "the recovery is signed with the new key")


def test_secrecy(tap, lab, nodes, file):
    pin = os.path.join(lab.pin_root, nodes["pe1"].name, "v1", "maps", "fantel_keys")
    tap.equal(stat.S_IMODE(os.stat(pin).st_mode), 0o600, "the keys' pin has mode 0600")
    told = [router.errors() for router in nodes.values()] + [str(router.events) for router in nodes.values()]
    for command in (("status",), ("status", "-j"), ("counters",), ("paths",)):
        told.append(lab.run("pe1", routers.FANTEL, *command, "--node", nodes["pe1"].name, "--pin-root", lab.pin_root))
    told.append(lab.run("pe1", routers.FANTEL, "policy", "show", os.path.join(lab.dir, "pe1.json")))
    tap.ok(not any("5ec2e7" in text.lower() for text in told), "no command, event or error says a key")


def test_bad_file(tap, lab, nodes, file):
    pe1 = nodes["pe1"]
    os.chmod(file, 0o644)
    pe1.process.send_signal(signal.SIGHUP)
    tap.ok(routers.until(lambda: "the keys stay as they were" in pe1.errors()) and
           "has mode 0644, and holds secrets" in pe1.errors(), "a file that others may read is refused on SIGHUP",
           pe1.errors()[-300:])
    os.chmod(file, 0o600)
    start = figure.now_ns()
    forge(lab, "--keys", file, "--key-id", "2", "--sequence", str(int(time.time()) + 7200 << 32), "--validity", "100")
    tap.ok(pe1.wait(start, path=CUT_PATH, usable=False), "and the keys of before count")


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("trust between routers", why)
            return
        with Lab() as lab:
            file = os.path.join(lab.dir, "keys")
            long_ago = calendar.timegm((2020, 1, 1, 0, 0, 0))

            def change(_node, policy):
                policy["notification"] = {"validity": VALIDITY_MS, "refresh": REFRESH_MS, "hold-down": 200}
                policy["authentication"] = {"key-file": file, "sign-with": [1, 2], "mode": "require"}

            write_keys(file, {1: (None, None), 3: (None, long_ago)})
            nodes = routers.start(lab, change=change)
            test_reaction(tap, lab, nodes)
            test_forger(tap, lab, nodes, file)
            test_replay(tap, lab, nodes, file)
            test_roll_over.before = counters(nodes["pe1"], *AUTH)
            test_roll_over(tap, lab, nodes, file)
            test_secrecy(tap, lab, nodes, file)
            test_bad_file(tap, lab, nodes, file)


main()
