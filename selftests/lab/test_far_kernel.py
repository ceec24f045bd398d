#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
SRv6, GRE, VXLAN, IP in IP and MPLS from fantel at the ingress PE to Linux's own tunnels at the egress
PE. Kernels differ in which they have; what this one lacks is skipped.
"""
import signal
import subprocess

import lab as figure
import routers
from lab import Lab
from outer import INNER_MAC, PE1_4, PE1_6, PE2_4, PE2_6, VXLAN, check_arrival, example, one_path, to
from tap import Tap


def device(*words):
    """What makes a tunnel device on pe2."""
    def make(lab):
        lab.ip("pe2", "link", "add", "far", *words)
        lab.ip("pe2", "link", "set", "far", "up")
    return make


def vxlan(local, *words):
    return device("address", INNER_MAC, "type", "vxlan", "id", VXLAN["vni"], "local", local, "dstport", 4789,
                  "nolearning", *words)


def ipip_and_sit(lab):
    """Over IPv4, Linux has a device for each inner family."""
    for name, kind in (("far4", "ipip"), ("far6", "sit")):
        lab.ip("pe2", "link", "add", name, "type", kind, "local", PE2_4, "remote", PE1_4)
        lab.ip("pe2", "link", "set", name, "up")


def segments(_lab):
    """The lab's kernels have their SIDs anyway."""


def by_segments(mode):
    """The ingress PE of the lab, with one path for each family."""
    def change(_node, policy):
        for group in policy["group"]:
            del group["member"][1:]
        for path in policy["path"]:
            path["srv6"]["mode"] = mode
    return change


LABELS = tuple(range(17001, 17007)) + (16012, 16002)  # as many as a path may have


def deep_stack(node, policy):
    """Six labels more than in policies/."""
    example("ingress-pe-mpls")(node, policy)
    policy["path"][0]["mpls"]["label"] = LABELS


def label_switches(lab):
    """R1 pops the labels until one leads to R2, R2 keeps the last one, the egress PE pops it."""
    subprocess.run(["modprobe", "mpls_router"], check=False, capture_output=True)
    for node, port in (("r1", "pe1"), ("r1", "lo"), ("r2", "r1"), ("pe2", "r2")):
        for knob, value in (("platform_labels", 20000), (f"conf/{port}/input", 1)):
            lab.run(node, "sh", "-c", f"echo {value} >/proc/sys/net/mpls/{knob}")
    for label in LABELS[:-2]:  # what is below the label is R1's too
        lab.ip("r1", "-f", "mpls", "route", "add", label, "dev", "lo")
    lab.ip("r1", "-f", "mpls", "route", "add", 16012, "via", "inet6", figure.link_address("r2", "r1"),
           "dev", "r2")
    lab.ip("r2", "-f", "mpls", "route", "add", 16002, "as", 16002, "via", "inet6",
           figure.link_address("pe2", "r2"), "dev", "pe2")
    lab.ip("pe2", "-f", "mpls", "route", "add", 16002, "dev", "lo")


# What it is, what makes the kernel's end of it, the ingress PE's policy, and the path in it; for IPv4
# where that is another.
ROWS = (
    ("SRv6", segments, by_segments("encaps"), "via-r1-r2", "via-r1-r2-v4"),
    ("SRv6 with a reduced SRH", segments, by_segments("encaps-red"), "via-r1-r2", "via-r1-r2-v4"),
    ("VXLAN over IPv4", vxlan(PE2_4), one_path(vxlan=to(PE2_4, **VXLAN)), "only"),
    ("VXLAN over IPv6", vxlan(PE2_6, "udp6zerocsumrx"), example("ingress-pe-vxlan"), "vxlan"),
    ("GRE over IPv4", device("type", "gre", "local", PE2_4, "remote", PE1_4), one_path(gre=to(PE2_4)), "only"),
    ("GRE with a key over IPv4", device("type", "gre", "local", PE2_4, "remote", PE1_4, "key", 64500),
     one_path(gre=to(PE2_4, key=64500)), "only"),
    ("GRE over IPv6", device("type", "ip6gre", "local", PE2_6, "remote", PE1_6), one_path(gre=to(PE2_6)), "only"),
    ("GRE with a key over IPv6", device("type", "ip6gre", "local", PE2_6, "remote", PE1_6, "key", 64500),
     example("ingress-pe-gre"), "gre"),
    ("4in4 and 6in4", ipip_and_sit, one_path(ipip=to(PE2_4)), "only"),
    ("4in6 and 6in6", device("type", "ip6tnl", "mode", "any", "local", PE2_6, "remote", PE1_6),
     example("ingress-pe-ipip"), "ipip"),
    ("MPLS", label_switches, example("ingress-pe-mpls"), "via-r1-r2"),
    ("MPLS with eight labels", label_switches, deep_stack, "via-r1-r2"),
)


def test_row(tap, words, make, change, path, path4=None):
    words += " to the kernel's own"
    with Lab() as lab:
        try:
            make(lab)
        except figure.LabError as error:
            tap.skip(words, f"this kernel has none ({str(error).rsplit(':', 1)[-1].strip()})")
            return
        lab.return_tunnel()
        pe1 = routers.start(lab, ("pe1",), change=change)["pe1"]
        check_arrival(tap, lab, pe1, path, words, path4)


def test_without_loader(tap):
    """Next hops out of date: the FIB knows the way of an IPv4 destination by an IPv6 neighbour too."""
    words = "VXLAN over IPv4 without a loader"
    with Lab() as lab:
        vxlan(PE2_4)(lab)
        lab.return_tunnel()
        pe1 = routers.start(lab, ("pe1",), change=one_path(vxlan=to(PE2_4, **VXLAN)))["pe1"]
        lab.stop(pe1.process, signal.SIGKILL)
        tap.ok(routers.until(lambda: not pe1.paths()["only"]["next-hop"]["fresh"]), f"{words}: next hops grow old")
        check_arrival(tap, lab, pe1, "only", words)


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("the kernel's own tunnels at the far end", why)
            return
        for row in ROWS:
            test_row(tap, *row)
        test_without_loader(tap)


main()
