# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
Virtual machines for tests that `make test` runs, too: what they need, and with which kernel. Where there can
be none, NoMachine says why, for the test's skip.
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
TREE = HERE.parent.parent
BOOT = HERE / "boot"
OLDEST = "bookworm"
NONE = 125  # boot's exit code, where there is no machine
SECONDS = 120  # for a mirror; one that takes longer is no fault of ours


class NoMachine(Exception):
    """There is none here; why, as a sentence."""


def line(text, number):
    return (text.strip().splitlines() or ["it does not say why"])[number]


def done(seconds, *words):
    """Exit code, standard output and standard error of a program, which has so long."""
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(words, cwd=TREE, text=True, errors="replace", start_new_session=True, **pipe) as child:
        try:
            out, err = child.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise NoMachine(f"{words[0].name} takes more than {seconds} s here") from None
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGTERM)
    return child.returncode, out, err


def kernel():
    """The directory of the kernel for boot: the one that GUEST names, or else the oldest of Debian's."""
    if os.uname().machine != "x86_64":
        raise NoMachine("needs an x86-64")
    for program in ("qemu-system-x86_64", "busybox", "cpio", "modprobe", "apt-get"):
        if not shutil.which(program):
            raise NoMachine(f"needs {program}: sudo make deps")
    if "GUEST" in os.environ:
        return pathlib.Path(os.environ["GUEST"])
    directory = TREE / "build" / "kernels" / OLDEST  # where run has it too
    directory.parent.mkdir(parents=True, exist_ok=True)
    code, _, said = done(SECONDS, HERE / "fetch", OLDEST, directory)
    if code:
        raise NoMachine(f"Debian's kernel can't be had: {line(said, -1)}")
    return directory


def test_inside(seconds, *command):
    """Run a test that speaks TAP in a machine of its own, print what it says, and return its exit code."""
    code, out, said = done(seconds, BOOT, kernel(), *command)
    if code == NONE:
        raise NoMachine(f"no virtual machine: {line(said, 0)}")
    if not re.search(r"^(ok |not ok |1\.\.)", out, re.M):
        raise NoMachine(f"the virtual machine came to no test: {line(out + said, -1)}")
    print(out, said, sep="", end="")
    return code
