#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
The demo that the README begins with: each scene comes to its end, finds everything that its table is
about, and draws its picture. How long that took is the machine's affair, and is not judged.
"""
import os
import re
import signal
import subprocess
import sys
import time

import demo
import lab as figure
from tap import Tap

SCENE_S = 80
PNG = b"\x89PNG\r\n\x1a\n"


def run(scene):
    """Exit code, standard output and standard error."""
    with subprocess.Popen([sys.executable, demo.__file__, scene], cwd=figure.TREE, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as child:
        try:
            out, err = child.communicate(timeout=SCENE_S * figure.SLOW)
        finally:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)  # it removes its lab
    return child.returncode, out, err


def is_drawn(file, since):
    with open(os.path.join(figure.TREE, file), "rb") as picture:
        return picture.read(len(PNG)) == PNG and os.fstat(picture.fileno()).st_mtime >= since


def test_scene(tap, scene):
    start = time.time()
    code, out, err = run(scene)
    tap.ok(code == 0 and not err, f"{scene}: comes to its end", code, out, err)
    _, _, end = out.partition("\nAltogether\n")
    sentence, doubt = f"{scene}: all that the table is about was seen", re.search(r"DOUBTFUL +(.*)", end)
    if doubt:
        tap.skip(sentence, f"this machine was too busy: {doubt[1]}")
    else:
        tap.ok("packets sent / received" in end and not re.search(r" not seen$", out, re.M), sentence, out)
    pictures = re.findall(r"\S+\.png", end)
    tap.ok(pictures and all(is_drawn(file.rstrip(","), start) for file in pictures), f"{scene}: the picture is drawn", out)


def main():
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    with Tap() as tap:
        why = figure.missing()
        if why:
            tap.skip("the demo", why)
            return
        for scene in demo.SCENES:
            test_scene(tap, scene)


main()
