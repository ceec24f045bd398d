#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
The oldest kernel that we promise, Debian's 6.1: its verifier takes every program, within the budget
of that kernel. Less than a minute in a virtual machine; where none can be had, a skip. All else that
is to be tested there is for `make test-kernels`.
"""
import signal
import sys

from machines import NoMachine, test_inside

SECONDS = 300
COMMAND = "CMOCKA_MESSAGE_OUTPUT=TAP build/verify/test_budgets"


def main():
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        return test_inside(SECONDS, "sh", "-c", COMMAND)
    except NoMachine as why:
        print(f"1..0 # SKIP {why}")
        return 0


sys.exit(main())
