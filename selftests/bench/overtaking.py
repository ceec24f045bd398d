#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
How long a notification is under way through a router whose port has more to send than its link carries:
R5 loses its link to R4, R1 forwards what R5 says of it to the ingress PE, by a port with a queue. `make
bench` runs it, as root. It measures and judges nothing.
"""
import argparse
import contextlib
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lab"))

import lab as figure  # noqa: E402
import queues  # noqa: E402
import routers  # noqa: E402
from lab import Lab, LabError  # noqa: E402
from spread import print_head, print_row, spread  # noqa: E402
from traffic import Traffic  # noqa: E402

OUT = os.path.join(figure.BUILD, "bench", "overtaking.json")
KBITS = 50000
HOWS = {None: "nothing waits, no queue", "plain": "full queue, first in, first out",
        "by DSCP": "full queue, two classes by DSCP"}


def change(_node, policy):
    policy["notification"] = {"hold-down": 50}  # only so that the cuts follow one another sooner


@contextlib.contextmanager
def full_queue(lab, how):
    if not how:
        yield
        return
    with queues.FullQueue(lab, "r1", "pe1", KBITS, how) as queue:
        flood = queue.flood(2 * KBITS * 125 // queues.PLAIN)
        time.sleep(0.2)
        yield
        lab.stop(flood)


def under_way_ms(lab, nodes, how):
    """Of one notification; None if it was not seen."""
    with full_queue(lab, how), Traffic(lab, rate=20000):
        cut, _ = lab.cut("r5", "r4")
        sent = nodes["r5"].wait(cut, event="notified", kind="failure")
        heard = nodes["pe1"].wait(cut, event="notification", kind="failure")
    mended, _ = lab.mend("r5", "r4")
    if not nodes["pe1"].wait(mended, usable=True):
        raise LabError("the path did not come back")
    return (heard["monotonic-ns"] - sent["monotonic-ns"]) / 1e6 if sent and heard else None


def main():
    parser = argparse.ArgumentParser(description="Notifications in a full queue.")
    parser.add_argument("--cuts", type=int, default=10, help="with each kind of queue")
    options = parser.parse_args()
    series = {}
    try:
        with Lab() as lab:
            nodes = routers.start(lab, change=change, options=("--realtime",))
            print_head(f"R5's notification through R1, whose port to the ingress PE carries {KBITS // 1000} Mbit/s",
                       "milliseconds under way")
            for how, words in HOWS.items():
                values = [under_way_ms(lab, nodes, how) for _ in range(options.cuts)]
                series[words] = spread([value for value in values if value is not None])
                print_row(words, [value for value in values if value is not None])
    except LabError as error:
        print(f"overtaking: {error}", file=sys.stderr)
        return 1
    os.makedirs(os.path.dirname(OUT), exist_ok=True)
    with open(OUT, "w", encoding="utf-8") as out:
        json.dump(series, out, indent="\t")
    return 0


if __name__ == "__main__":
    sys.exit(main())
