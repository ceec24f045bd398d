#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
The draft's figures, alive: RoCEv2 from dc1 to dc2 through SRv6 tunnels, something happens to the
network, and fantel moves the traffic. Shows what happens while it happens, then a table and a
picture. `make demo SCENE=NAME` runs it, as root; it makes everything it needs and removes it.
"""
import argparse
import sys

from lab import LabError
from scene_balance import Balance
from scene_congestion import Congestion
from scene_failure import Failure

SCENES = {"failure": Failure, "congestion": Congestion, "balance": Balance}


def arguments():
    parser = argparse.ArgumentParser(description="The draft's figures: what happens, the reaction, a picture.")
    parser.add_argument("scene", choices=SCENES, nargs="?", default="failure", help="what happens")
    parser.add_argument("--cut", choices=("admin", "carrier"), default="admin",
                        help="failure: R1's end is set down, or R2's, so that R1 loses the carrier")
    parser.add_argument("--family", type=int, choices=(4, 6), default=6,
                        help="failure: what is inside the tunnels")
    parser.add_argument("--rate", type=int, default=50000, help="failure: packets/s")
    parser.add_argument("--flows", type=int, default=32, help="failure: queue pairs")
    return parser.parse_args()


def main():
    options = arguments()
    scene = SCENES[options.scene](options)
    try:
        scene.run()
    except LabError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    scene.show()
    return 0


if __name__ == "__main__":
    sys.exit(main())
