#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
What Prometheus gets to read: `fantel export` of an ingress PE and of R1, before and after the link R1-R2 is
cut, read by Prometheus' own parser and beside what the other views say.
"""
import os
import subprocess

from prometheus_client.parser import text_string_to_metric_families

import lab as figure
import routers
from lab import Lab
from tap import Tap
from traffic import Traffic

NODES = ("pe1", "r1")
VIA_R2 = "via-r1-r2"


def export(router, *options):
    return router.lab.run(router.node, routers.FANTEL, "export", "--node", router.name, "--pin-root", router.lab.pin_root,
                          *options)


def samples(text):
    """(name, labels but node) -> value; each of them once."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = {name: value for name, value in sample.labels.items() if name != "node"}
            key = (sample.name, *sorted(labels.items()))
            assert key not in found, f"{key} is there twice"
            found[key] = sample.value
    return found


def of(found, name, **labels):
    return found.get((f"fantel_{name}", *sorted(labels.items())))


def test_before(tap, pe1, r1):
    found, views = samples(export(pe1)), pe1.paths()
    tap.equal({name: of(found, "path_usable", path=name) for name in views},
              {name: float(view["usable"]) for name, view in views.items()}, "every path, usable or not")
    group = next(group for group in pe1.ask("status")["groups"] if group["name"] == "dc2")
    tap.equal({member["path"]: of(found, "path_weight", group="dc2", path=member["path"]) for member in group["members"]},
              {member["path"]: member["effective-weight"] for member in group["members"]}, "and its weight in its group")
    tap.equal(of(found, "loader_running"), 1.0, "the loader runs")
    counters = pe1.ask("counters", "--all")["counters"]
    tap.equal({(c["reason"], c["fate"]) for c in counters} -
              {(dict(key[1:])["reason"], dict(key[1:])["fate"]) for key in found if key[0] == "fantel_packets_total"},
              set(), "every reason has a counter, from its first packet on")
    tap.ok(0 < of(found, "limit_used", limit="paths", map="fantel_paths") <
           of(found, "limit_room", limit="paths", map="fantel_paths"), "and how much there is room for", found)
    tap.equal(of(samples(export(r1)), "link_up", link="r2"), 1.0, "R1's link is up")


def test_after(tap, lab, pe1, r1):
    with Traffic(lab, rate=5000):
        routers.until(lambda: pe1.paths()[VIA_R2]["packets"] > 0)
        lab.cut("r1", "r2")
        routers.until(lambda: not pe1.paths()[VIA_R2]["usable"])
        routers.until(lambda: of(samples(export(r1)), "link_up", link="r2") == 0)
        found, at_r1 = samples(export(pe1)), samples(export(r1))
    tap.equal(of(found, "path_usable", path=VIA_R2), 0.0, "after a cut the path is not usable")
    tap.equal(of(found, "path_serving", path=VIA_R2, group="dc2"), 0.0, "and serves no group")
    tap.ok(of(found, "failed_entries", kind="failure", originator=figure.loopback("r1")) >= 1,
           "the failed-tunnel set is counted by who said so", found)
    tap.ok(of(found, "path_packets_total", path=VIA_R2) > 0, "what the path carried stays counted", found)
    tap.ok(of(at_r1, "packets_total", reason="notified", fate="done") > 0 and
           of(at_r1, "told_entries", link="r2", ingress=figure.loopback("pe1")) >= 1,
           "R1 counts what it told, and whom", at_r1)


def test_file(tap, lab, pe1):
    file = os.path.join(lab.dir, "fantel.prom")
    export(pe1, "-o", file)
    with open(file, encoding="utf-8") as text:
        tap.ok(of(samples(text.read()), "loader_running") == 1, "into a file, as the textfile collector wants it")
    tap.equal([name for name in os.listdir(lab.dir) if name.startswith("fantel.prom")], ["fantel.prom"],
              "of which no draft is left")
    away = os.path.join(lab.dir, "missing", "fantel.prom")
    done = subprocess.run(lab.enter("pe1", routers.FANTEL, "export", "--node", pe1.name, "--pin-root", lab.pin_root,
                                    "-o", away), capture_output=True, text=True)
    tap.ok(done.returncode == 1 and "can't be made: No such file or directory" in done.stderr,
           "a file that can't be is said", done)


def main():
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("samples for Prometheus", why)
            return
        with Lab() as lab:
            nodes = routers.start(lab, NODES)
            test_before(tap, nodes["pe1"], nodes["r1"])
            test_file(tap, lab, nodes["pe1"])
            test_after(tap, lab, nodes["pe1"], nodes["r1"])


main()
