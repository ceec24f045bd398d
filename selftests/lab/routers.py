# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
`fantel run` on the routers of a Lab: starts it with the policies of policies/ or changed ones,
collects the events that it prints, and asks it with the other subcommands. Used by the demo, the
lab tests and the reaction-time bench.
"""
import copy
import json
import os
import subprocess
import threading
import time

import lab as figure

FANTEL = os.path.join(figure.TREE, os.environ.get("FANTEL", "build/fantel"))
OTHER_BUILD = os.path.join(figure.BUILD, "other/build/fantel")  # see other_build.py
BUILDS = (FANTEL, OTHER_BUILD)
ROUTERS = ("pe1", "r1", "r2", "r3", "r4", "r5", "pe2")
PATIENCE = 20 * figure.SLOW  # s, for what should come at once
START = 60 * figure.SLOW  # s, for loaders to start: on a busy machine the kernel takes its time to verify programs


class Router:
    """One running loader and its events; `policy` is what is inside `fantel:fantel`, `options` are more
    of `fantel run`, `before` is a command that starts it, `program` is the build."""

    def __init__(self, lab, node, policy, on_event=None, options=(), before=(), program=FANTEL):
        self.lab, self.node, self.policy, self.program = lab, node, policy, program
        self.name = policy["node"]["name"]
        self.events = []
        self._news = threading.Condition()
        self._on_event = on_event
        file = os.path.join(lab.dir, f"{node}.json")
        with open(file, "w", encoding="utf-8") as out:
            json.dump({"fantel:fantel": policy}, out, indent="\t")
        self._errors = os.path.join(lab.dir, f"{node}.errors")
        with open(self._errors, "a", encoding="utf-8") as errors:
            self.process = lab.spawn(node, *before, program, "run", "-j", "--pin-root", lab.pin_root, *options,
                                     file, stdout=subprocess.PIPE, stderr=errors, text=True)
        threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True).start()

    def _read(self, stream):
        for line in stream:
            event = json.loads(line)
            with self._news:
                self.events.append(event)
                self._news.notify_all()
            if self._on_event:
                self._on_event(self, event)

    def errors(self):
        with open(self._errors, encoding="utf-8") as errors:
            return errors.read()

    def ask(self, *command):
        """A subcommand's answer about this node, from its JSON."""
        return json.loads(self.lab.run(self.node, self.program, *command, "-j", "--node", self.name,
                                       "--pin-root", self.lab.pin_root))

    def other_build(self):
        """The one of the two that does not run."""
        return next(build for build in BUILDS if build != self.program)

    def paths(self):
        return {path["name"]: path for path in self.ask("paths")["paths"]}

    def ready(self):
        """Attached, and every path has its next hop."""
        if self.process.poll() is not None:
            raise figure.LabError(f"{self.name}: fantel run ended with {self.process.returncode}: {self.errors()}")
        try:
            return all(path["next-hop"] and path["next-hop"]["fresh"] for path in self.paths().values())
        except figure.LabError:
            return False  # its maps are not there yet

    def wait(self, after_ns=0, seconds=PATIENCE, **members):
        """The first event at or after after_ns that has these members, None if none comes in time.
        A member's `-` is written `_`."""
        def matches(event):
            return event.get("monotonic-ns", 0) >= after_ns and all(
                event.get(member.replace("_", "-")) == value for member, value in members.items())

        deadline = time.monotonic() + seconds
        with self._news:
            while True:
                found = next(filter(matches, self.events), None)
                left = deadline - time.monotonic()
                if found or left <= 0:
                    return found
                self._news.wait(left)


def start(lab, nodes=ROUTERS, change=None, on_event=None, options=()):
    """Start the routers and wait until all are ready. `change(node, policy)` may edit what is read
    from policies/. Links are not damped unless it says so: a lab cuts the same one again and again.
    Returns node -> Router."""
    routers = {}
    for node in nodes:
        policy = copy.deepcopy(figure.read_policy(node))
        if change:
            change(node, policy)
        policy.setdefault("notification", {}).setdefault("damping", {"half-life": 0})
        routers[node] = Router(lab, node, policy, on_event, options)
    if not until(lambda: all(router.ready() for router in routers.values()), START):
        raise figure.LabError("not ready: " + ", ".join(
            f"{router.name} ({router.errors().strip()})" for router in routers.values() if not router.ready()))
    return routers


def again(lab, router, policy=None, before=(), wanted=("taken over",), program=None):
    """Start the router's loader again, perhaps with another policy, or of another build; returns it, and what
    it said, once it says that it is so."""
    heard = len(router.errors())
    new = Router(lab, router.node, policy or router.policy, before=before, program=program or router.program)

    def said():
        return any(f": {word}; ports" in new.errors()[heard:] for word in wanted)

    until(lambda: said() or new.process.poll() is not None, START)
    if not said():
        raise figure.LabError(f"{new.name}: did not come to be {' or '.join(wanted)}: {new.errors()[heard:]}")
    return new, new.errors()[heard:]


class Operator:
    """Who orders `fantel` on a router; `first` is the policy that it began with."""

    def __init__(self, lab, router):
        self.lab, self.router = lab, router
        self.first = router.policy

    def order(self, *words, wait=True):
        """Exit code, standard output, standard error; the process itself unless it is waited for."""
        process = self.lab.spawn(self.router.node, self.router.program, *words, "--node", self.router.name,
                                 "--pin-root", self.lab.pin_root,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if not wait:
            return process
        out, errors = process.communicate()
        return self.lab.stop(process), out, errors

    def __call__(self, *words):
        return self.order("policy", *words)

    def write(self, name, policy):
        file = os.path.join(self.lab.dir, f"{name}.json")
        with open(file, "w", encoding="utf-8") as out:
            json.dump({"fantel:fantel": policy}, out, indent="\t")
        return file

    def in_force(self):
        return json.loads(self("show", "-j")[1])["fantel:fantel"]

    def hold_down(self):
        return self.in_force()["notification"]["hold-down"]

    def attached(self):
        """Port -> program, as the kernel has it."""
        links = json.loads(self.lab.ip(self.router.node, "-j", "-d", "link"))
        return {link["ifname"]: link["xdp"]["prog"]["id"] for link in links if "xdp" in link}

    def untrue(self):
        """What `fantel status` says and is not so; None: nothing. Where it refuses, in one sentence, there are
        no programs."""
        code, out, said = self.order("status", "-j")
        attached = self.attached()
        if code:
            return None if said.count("\n") == 1 and not attached else (code, said, attached)
        status = json.loads(out)
        shown = {port["name"]: port["program-id"] for port in status["ports"] if port["ifindex"]}
        alive = self.router.process.poll() is None
        loader = status["loader"]["running"], status["loader"]["pid"]
        so = attached, (alive, self.router.process.pid if alive else None)
        return None if (shown, loader) == so else ((shown, loader), so)


def until(condition, seconds=PATIENCE):
    """Wait for condition() to hold; returns whether it did."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02 * figure.SLOW)
    return True
