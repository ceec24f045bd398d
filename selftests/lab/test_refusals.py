#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
What `fantel run` and `fantel detach` refuse, each with one sentence that names cause and remedy, and
with nothing left behind; and what they do when ports change under a node.
"""
import copy
import json
import os
import re
import shutil
import signal
import subprocess

import lab as figure
import routers
from lab import Lab
from tap import Tap

NODES = ("dc1", "pe1", "r1", "r3")
NAME = "ingress-pe"


def with_port(policy, **port):
    policy = copy.deepcopy(policy)
    policy["port"] = [old for old in policy["port"] if old["name"] != port["name"]] + [port]
    return policy


def without_port(policy, name):
    policy = copy.deepcopy(policy)
    policy["port"] = [port for port in policy["port"] if port["name"] != name]
    return policy


class Node:
    """The ingress PE, by hand."""

    def __init__(self, tap, lab):
        self.tap, self.lab, self.policy = tap, lab, figure.read_policy("pe1")

    def command(self, *words, before=()):
        """Exit code and what was said on standard error; no code if it did not end."""
        command = self.lab.enter("pe1", *before, routers.FANTEL, *words)
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=routers.PATIENCE)
        except subprocess.TimeoutExpired as going_on:
            return None, (going_on.stderr or b"").decode()
        return done.returncode, done.stderr

    def run(self, policy=None, options=(), before=()):
        """`fantel run` where it is refused."""
        file = os.path.join(self.lab.dir, "refused.json")
        with open(file, "w", encoding="utf-8") as out:
            json.dump({"fantel:fantel": policy or self.policy}, out)
        return self.command("run", "--pin-root", self.lab.pin_root, *options, file, before=before)

    def detach(self, *options):
        return self.command("detach", "--pin-root", self.lab.pin_root, "--node", NAME, *options)

    def start(self, policy=None, said=": running"):
        router = routers.Router(self.lab, "pe1", policy or self.policy)
        if not routers.until(lambda: said in router.errors()):
            raise figure.LabError(f"did not start: {router.errors()}")
        return router

    def stop(self, router, how=signal.SIGTERM):
        self.lab.stop(router.process, how)
        os.unlink(os.path.join(self.lab.dir, "pe1.errors"))  # the next one's words only

    def attached(self):
        """Port -> XDP mode: 1 native, 2 generic."""
        links = json.loads(self.lab.ip("pe1", "-j", "-d", "link"))
        return {link["ifname"]: link["xdp"]["mode"] for link in links if "xdp" in link}

    def pinned(self):
        return [os.path.join(at, name) for at, _, names in os.walk(self.lab.pin_root) for name in names]

    def refused(self, what, wanted, answer, code=1):
        """One sentence, and nothing behind it."""
        found, said = answer
        self.tap.ok(found == code and re.search(wanted, said) and said.count("\n") == 1,
                    f"{what}: one sentence, exit code {code}", found, said)
        self.tap.equal((self.pinned(), os.path.exists(self.lab.pin_root)), ([], False), f"{what}: nothing is left behind")


def test_first_start(tap, lab, node):
    node.refused("a missing interface", r"^fantel: port absent: there is no such interface .*; make it, or",
                 node.run(with_port(node.policy, name="absent", **{"class": "core"})))
    taken = lab.inside("pe1", lambda: figure.Passing("r1"))
    node.refused("a taken hook", r"^fantel: port r1: its XDP hook is taken by program \d+ .* through link (\d+); "
                 r".*`bpftool link detach id \1`", node.run())
    tap.equal(list(node.attached()), ["r1"], "a taken hook: what holds it stays, and the other ports are free")
    taken.close()
    lab.ip("pe1", "link", "add", "queues", "numrxqueues", "1", "numtxqueues", "1", "type", "veth",
           "peer", "name", "queues-peer", "numrxqueues", "4", "numtxqueues", "4")
    lab.ip("pe1", "link", "set", "queues", "up")
    node.refused("a driver that refuses", r"^fantel: port queues: the driver refuses native XDP: \".*queues.*\"",
                 node.run(with_port(node.policy, name="queues", **{"class": "core"})))
    node.refused("a driver without native XDP", r"^fantel: port lo: its driver has no native XDP; set .* generic",
                 node.run(with_port(node.policy, name="lo", **{"class": "core"})))
    node.refused("a directory that is not on bpffs", r"^fantel: .*: not on bpffs; `mount -t bpf",
                 node.run(options=("--pin-root", os.path.join(lab.dir, "plain"))))
    node.refused("a bad policy", r"refused\.json:\d+: .*", node.run(with_port(node.policy, name="r1", **{"class": "none"})),
                 code=2)
    if not shutil.which("setpriv"):
        tap.skip("missing rights", "needs setpriv")
        return
    for rights, named in (("-bpf,-sys_admin", "CAP_BPF"), ("-perfmon,-sys_admin", "CAP_PERFMON"),
                          ("-net_admin", "CAP_NET_ADMIN"), ("-net_raw", "CAP_NET_RAW")):
        node.refused(f"{named} missing", rf"^fantel: run: the right is missing .*\({named}\); run as root, or grant it",
                     node.run(before=("setpriv", f"--bounding-set={rights}", "--inh-caps=-all")))


def test_running(tap, lab, node):
    router = node.start()
    pid = router.process.pid
    code, said = node.run()
    tap.ok(code == 1 and f"process {pid} runs it already" in said, "a second loader is told who is first", said)
    code, said = node.detach()
    tap.ok(code == 1 and f"process {pid} runs it" in said, "detach waits until the loader has ended, and says so", said)
    code, said = node.detach("--purge")
    tap.ok(code == 1 and f"process {pid} runs it" in said, "--purge does, too", said)
    code, said = node.run(options=("--node", "another"))
    tap.ok(code == 1 and "taken by another node or version of fantel" in said,
           "a node of another name can't have the same ports", said)
    tap.ok(not os.path.exists(os.path.join(lab.pin_root, "another")), "and leaves nothing behind")
    node.stop(router)


def test_ports(tap, node):
    """Take-overs with other ports and modes than before."""
    router = node.start(with_port(node.policy, name="r1", mode="generic", **{"class": "core"}), ": taken over")
    tap.equal(node.attached(), {"dc1": 1, "r1": 2, "r3": 1}, "a port changes to generic XDP when policy does")
    tap.ok("port r1: changes from native to generic" in router.errors(), "with a warning", router.errors())
    node.stop(router, signal.SIGKILL)
    router = node.start(without_port(node.policy, "r1"), ": taken over")
    tap.equal(node.attached(), {"dc1": 1, "r3": 1}, "a port that left the policy loses its program")
    node.stop(router, signal.SIGKILL)
    router = node.start(said=": taken over")
    tap.equal(node.attached(), {"dc1": 1, "r1": 1, "r3": 1}, "and has it again when it comes back")
    return router


def test_interfaces(tap, lab, node, router):
    """An interface is removed and made again, while a loader runs and while none does."""
    def make():
        lab.ip("pe1", "link", "add", "r1", "type", "veth", "peer", "name", "r1-peer")
        lab.ip("pe1", "link", "set", "r1-peer", "up")
        lab.ip("pe1", "link", "set", "r1", "up")

    lab.ip("pe1", "link", "del", "r1")
    tap.ok(router.wait(event="link", link="r1", up=False), "an interface that is removed is a link that failed")
    make()
    tap.ok(routers.until(lambda: node.attached() == {"dc1": 1, "r1": 1, "r3": 1}),
           "its port is attached again when it comes back", node.attached(), router.errors())
    tap.ok(router.wait(event="link", link="r1", up=True), "and its link is up", router.events)
    node.stop(router)
    lab.ip("pe1", "link", "del", "r1")
    make()
    router = node.start(said=": taken over")
    tap.equal(node.attached(), {"dc1": 1, "r1": 1, "r3": 1}, "a loader that starts later finds the new one")
    return router


def kernel_objects(lab):
    """Ids of the node's maps and programs."""
    def shown(*words):
        return json.loads(subprocess.run(["bpftool", "-j", *words], capture_output=True, text=True).stdout or "[]")

    pins = os.path.join(lab.pin_root, NAME, "v1", "maps")
    maps = {shown("map", "show", "pinned", os.path.join(pins, name))["id"] for name in os.listdir(pins)}
    return maps, {prog["id"] for prog in shown("prog", "show") if maps & set(prog.get("map_ids", ()))}


def still_there(maps, programs):
    def ids(kind):
        shown = subprocess.run(["bpftool", "-j", kind, "show"], capture_output=True, text=True).stdout
        return {thing["id"] for thing in json.loads(shown or "[]")}

    return maps & ids("map"), programs & ids("prog")


def test_nothing_left(tap, lab, node, router):
    maps, programs = kernel_objects(lab)
    tap.ok(maps and programs, "a node that runs has maps and programs in the kernel", maps, programs)
    node.stop(router)
    tap.equal(node.detach(), (0, ""), "detach says nothing when all is well")
    tap.equal(node.attached(), {}, "no port has a program then")
    tap.equal((node.pinned(), os.path.exists(lab.pin_root)), ([], False), "no pin or directory is left")
    tap.ok(routers.until(lambda: still_there(maps, programs) == (set(), set())),
           "no map or program is left in the kernel", still_there(maps, programs))
    managed = [line for line in lab.ip("pe1", "neigh").splitlines() if "managed" in line]
    tap.equal(managed, [], "no neighbour is kept resolved any more")
    code, said = node.detach()
    tap.ok(code == 1 and "fantel run" in said, "there is nothing to detach then", said)
    tap.equal(node.detach("--purge"), (0, ""), "--purge is content with that")
    file = figure.policy_file("pe1")
    process = lab.spawn("pe1", routers.FANTEL, "run", "--no-events", "--detach-on-exit", "--pin-root", lab.pin_root, file,
                        stderr=subprocess.DEVNULL)
    came = routers.until(lambda: len(node.attached()) == 3)
    lab.stop(process)
    tap.equal((came, node.attached(), node.pinned()), (True, {}, []), "run --detach-on-exit leaves nothing behind either")


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("what fantel run refuses", why)
            return
        with Lab(NODES) as lab:
            node = Node(tap, lab)
            test_first_start(tap, lab, node)
            test_running(tap, lab, node)
            router = test_ports(tap, node)
            router = test_interfaces(tap, lab, node, router)
            test_nothing_left(tap, lab, node, router)


main()
