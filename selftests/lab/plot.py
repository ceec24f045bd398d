# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
The demo's picture: above, the rate of every path over time; below, every packet around the cut, a
row for each flow. gnuplot draws it as SVG and PNG; the data stays beside it. Called by demo.py.
"""
import os
import subprocess

BIN_NS = 10_000_000
COLOURS = ("#0060ad", "#e08214", "#2a9d54", "#8e44ad", "#7f7f7f", "#a65628")  # told apart by most eyes
LOST = "#d7191c"

HEAD = """
set output "{output}"
set multiplot layout 2,1 title "{title}" font ",15" margins 0.055,0.76,0.075,0.91 spacing 0,0.13
set key outside right top Left reverse samplen 1.5 spacing 1.3
set grid back lt 1 lw 0.5 lc rgb "#cccccc"
set border lc rgb "#666666"
set tics textcolor rgb "#333333"
"""
TERMINALS = {
    "svg": 'set terminal svg size 1280,860 font "DejaVu Sans,12" background "white"',
    "png": 'set terminal pngcairo size 1280,860 font "DejaVu Sans,11"',
}


def _quoted(text):
    return text.replace("\\", "").replace('"', "'").replace("_", "\\\\_")


def _write(directory, name, rows):
    file = os.path.join(directory, name + ".dat")
    with open(file, "w", encoding="ascii") as out:
        out.writelines(" ".join(map(str, row)) + "\n" for row in rows)
    return file


def _lines(marks, first, last):
    """A vertical line for each (place, number) inside; numbers of lines that lie close together step
    downwards, those of one place share a label."""
    commands, near, level = [], first - (last - first), 0
    for at, number in _merge([mark for mark in marks if first <= mark[0] <= last], 0.004 * (last - first)):
        level = (level + 1) % 4 if at - near < 0.03 * (last - first) else 0
        near = at
        commands += [f"set arrow from first {at}, graph 0 to first {at}, graph 1 nohead dt 2 lc rgb '#444444'",
                     f"set label '{number}' at first {at}, graph {0.955 - 0.065 * level} left offset 0.4,0"
                     " front font ',11' tc rgb '#222222'"]
    return commands


def _merge(marks, apart):
    """(place, first number, last number) of what would stand on one another, as (place, "1-3")."""
    groups = []
    for at, number in marks:
        if groups and at - groups[-1][0] < apart:
            groups[-1][2] = number
        else:
            groups.append([at, number, number])
    return [(at, f"{low}-{high}" if high > low else f"{low}") for at, low, high in groups]


def _list(marks, zero_ns):
    """What the numbers stand for, beside the lower graph."""
    for row, (ns, words) in enumerate(marks):
        place = f"graph {0.88 - 0.075 * row} left front font ',10' tc rgb '#222222'"
        yield f'set label "{row + 1}" at graph 1.02, {place}'
        yield f'set label "{(ns - zero_ns) / 1e6:.2f} ms" at graph 1.125, {place.replace("left", "right")}'
        yield f'set label "{_quoted(words)}" at graph 1.135, {place}'


def _rates(measurement, zero_ns, directory, ways):
    rates = measurement.rates(BIN_NS)
    first, last = measurement.start_ns // BIN_NS * BIN_NS, measurement.end_ns // BIN_NS * BIN_NS
    curves = []
    for number, way in enumerate(ways):
        rows = [((at + BIN_NS / 2 - zero_ns) / 1e9, rates.get(way, {}).get(at, 0) / 1e3)
                for at in range(first + BIN_NS, last, BIN_NS)]  # the first and last are not whole
        file = _write(directory, f"rate-{way}", rows)
        curves.append(f'"{file}" using 1:2 with lines lw 2 lc rgb "{COLOURS[number % len(COLOURS)]}"'
                      f' title "{_quoted(way)}"')
    return curves, (first - zero_ns) / 1e9, (last - zero_ns) / 1e9


def _packets(measurement, zero_ns, window_ms, directory, ways):
    low, high = (zero_ns + ms * 1e6 for ms in window_ms)
    points = {way: [] for way in ways}
    for tx_ns, _, _, flow, way in measurement.tapped:
        if low <= tx_ns <= high:
            points[measurement.ways[way]].append(((tx_ns - zero_ns) / 1e6, flow))
    lost = [((ns - zero_ns) / 1e6, flow) for flow in range(len(measurement.sent))
            for ns in _lost_times(measurement, flow) if low <= ns <= high]
    curves = [f'"{_write(directory, f"packets-{way}", points[way])}" using 1:2 with points pt 7 ps 0.35'
              f' lc rgb "{COLOURS[number % len(COLOURS)]}" notitle'
              for number, way in enumerate(ways) if points[way]]
    if lost:
        curves.append(f'"{_write(directory, "packets-lost", lost)}" using 1:2 with points pt 2 ps 0.6 lw 1.5'
                      f' lc rgb "{LOST}" title "lost"')
    return curves


def _lost_times(measurement, flow):
    """When each lost packet was sent, by the schedule: a flow's packets leave at equal distances."""
    pace = (measurement.end_ns - measurement.start_ns) / max(measurement.sent[flow], 1)
    after, count = None, 0
    for _, ns in measurement.missing(flow):
        count = count + 1 if ns == after else 1
        after = ns
        yield ns + count * pace


def draw(measurement, zero_ns, marks, window_ms, title, directory):
    """
    Files reaction.svg and reaction.png in `directory`. `zero_ns` is the cut, `marks` (ns, words),
    `window_ms` the part around the cut that is drawn packet by packet. Returns the files.
    """
    ways, marks = sorted(measurement.ways), sorted(marks)
    curves, first, last = _rates(measurement, zero_ns, directory, ways)
    above = ["set xlabel 'seconds since the cut'", "set ylabel 'thousand packets/s at the egress PE'",
             f"set xrange [{first}:{last}]", "set yrange [0:*]", "set offsets 0, 0, graph 0.2, 0",
             *_lines([((ns - zero_ns) / 1e9, n) for n, (ns, _) in enumerate(marks, 1)], first, last),
             "plot " + ", ".join(curves), "unset arrow", "unset label", "set offsets 0, 0, 0, 0"]
    below = ["set xlabel 'milliseconds since the cut, by the time of sending'",
             "set ylabel 'flow (queue pair)'", f"set xrange [{window_ms[0]}:{window_ms[1]}]",
             f"set yrange [-1:{len(measurement.sent) * 1.25}]",
             *_lines([((ns - zero_ns) / 1e6, n) for n, (ns, _) in enumerate(marks, 1)], *window_ms),
             *_list(marks, zero_ns),
             "plot " + ", ".join(_packets(measurement, zero_ns, window_ms, directory, ways))]
    files = []
    for suffix, terminal in TERMINALS.items():
        output = os.path.join(directory, "reaction." + suffix)
        script = "\n".join([terminal, HEAD.format(output=output, title=_quoted(title)), *above, *below,
                            "unset multiplot"])
        subprocess.run(["gnuplot"], input=script, text=True, check=True)
        files.append(output)
    return files
