#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""`fantel detach` takes the programs off every port; with --purge nothing of the node is left."""
import json
import os

import lab as figure
import routers
from lab import Lab
from tap import Tap


def attached(lab, node):
    links = json.loads(lab.ip(node, "-j", "-d", "link"))
    return sorted(link["ifname"] for link in links if "xdp" in link)


def pinned(lab, name):
    root = os.path.join(lab.pin_root, name)
    return sorted(os.path.join(directory, file) for directory, _, files in os.walk(root) for file in files)


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("detaching", why)
            return
        with Lab() as lab:
            nodes = routers.start(lab, ("pe1", "r1"))
            for node, router in nodes.items():
                ports = sorted(port["name"] for port in router.policy["port"])
                tap.equal(attached(lab, node), ports, f"{router.name}: every port of the policy has a program")
                lab.stop(router.process)
                tap.equal(attached(lab, node), ports, f"{router.name}: they stay when the loader ends")
                detach = (routers.FANTEL, "detach", "--node", router.name, "--pin-root", lab.pin_root)
                lab.run(node, *detach)
                tap.equal(attached(lab, node), [], f"{router.name}: detach takes them off")
                lab.run(node, *detach, "--purge")
                tap.equal(pinned(lab, router.name), [], f"{router.name}: --purge leaves no pin")


main()
