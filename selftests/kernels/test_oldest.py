#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
The oldest kernel that we promise, Debian's 6.1: its verifier takes every program, within the budget
of that kernel. Less than a minute in a virtual machine; where none can be had, a skip. All else that
is to be tested there is for `make test-kernels`.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TREE = HERE.parent.parent
SUITE = "bookworm"
KERNEL = TREE / "build" / "kernels" / SUITE  # where run has it too
BOOT, FETCH = 300, 120  # s; a machine or a mirror that takes longer is no fault of the programs
NO_MACHINE = 125  # boot's exit code

COMMAND = "CMOCKA_MESSAGE_OUTPUT=TAP build/verify/test_budgets"


def skip(reason):
    print(f"1..0 # SKIP {reason}")
    sys.exit(0)


def line(text, number):
    return (text.strip().splitlines() or ["it does not say why"])[number]


def done(seconds, *words):
    """What became of the command; a skip where that takes too long."""
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(words, cwd=TREE, text=True, errors="replace", start_new_session=True, **pipe) as child:
        try:
            out, err = child.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            skip(f"{words[0].name} takes more than {seconds} s here")
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGTERM)
    return child.returncode, out, err


def main():
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    if os.uname().machine != "x86_64":
        skip("needs an x86-64")
    for program in ("qemu-system-x86_64", "busybox", "cpio", "modprobe", "apt-get"):
        if not shutil.which(program):
            skip(f"needs {program}: sudo make deps")
    KERNEL.parent.mkdir(parents=True, exist_ok=True)
    code, _, said = done(FETCH, HERE / "fetch", SUITE, KERNEL)
    if code:
        skip(f"Debian's kernel can't be had: {line(said, -1)}")
    code, out, said = done(BOOT, HERE / "boot", KERNEL, "sh", "-c", COMMAND)
    if code == NO_MACHINE:
        skip(f"no virtual machine: {line(said, 0)}")
    if "1.." not in out:  # a plan comes first
        skip(f"the virtual machine came to no test: {line(out + said, -1)}")
    print(out, said, sep="", end="")
    sys.exit(code)


main()
