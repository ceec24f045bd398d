# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
The pictures of the demo: graphs over time, one above the other, with numbered lines where something
happened and a list of what. gnuplot draws them as SVG and PNG; the data stays beside them. Called by
the scenes.
"""
import os
import subprocess

BIN_NS = 10_000_000
COLOURS = ("#0060ad", "#e08214", "#2a9d54", "#8e44ad", "#7f7f7f", "#a65628")  # told apart by most eyes
LOST = "#d7191c"

HEAD = """
set output "{output}"
set multiplot layout {rows},1 title "{title}" font ",15" margins 0.055,0.76,0.075,0.91 spacing 0,{gap}
set key outside right top Left reverse samplen 1.5 spacing 1.3
set border lc rgb "#666666"
set tics textcolor rgb "#333333"
set grid back lt 1 lw 0.5 lc rgb "#cccccc"
"""
TERMINALS = {
    "svg": 'set terminal svg size 1280,{height} font "DejaVu Sans,12" background "white"',
    "png": 'set terminal pngcairo size 1280,{height} font "DejaVu Sans,11"',
}
HEIGHT = {2: 860, 3: 860, 4: 1040}  # by the number of graphs
GAP = {2: 0.13, 3: 0.085, 4: 0.06}
LINE, ROW = 25, 23  # pixels: a line of a key, and of the list


class Graph:
    """One of the graphs: labels of its axes, where the lower one begins and ends, the curves (Curve),
    and how much of its unit a nanosecond of a mark is."""

    def __init__(self, xlabel, ylabel, first, last, curves, unit_ns=1e9, yrange="[0:*]"):
        self.xlabel, self.ylabel, self.first, self.last = xlabel, ylabel, first, last
        self.curves, self.unit_ns, self.yrange = curves, unit_ns, yrange


class Curve:
    """Rows (x, y) that are drawn in the way of `style`, and kept in `directory`; `words` = "" for none in
    the key."""

    def __init__(self, directory, name, rows, words, colour, style="with lines lw 2"):
        self.file = os.path.join(directory, name + ".dat")
        self.words, self.colour, self.style = words, colour, style
        with open(self.file, "w", encoding="ascii") as out:
            out.writelines(" ".join(map(str, row)) + "\n" for row in rows)

    def clause(self):
        name = f'title "{_quoted(self.words)}"' if self.words else "notitle"
        return f'"{self.file}" using 1:2 {self.style} lc rgb "{self.colour}" {name}'


def colours(measurement):
    """Path -> its colour, the same in all graphs of a picture."""
    return {way: COLOURS[number % len(COLOURS)] for number, way in enumerate(sorted(measurement.ways))}


def whole(measurement, zero_ns, unit_ns):
    """First and last x of a graph of all the traffic."""
    return tuple((ns // BIN_NS * BIN_NS - zero_ns) / unit_ns for ns in (measurement.start_ns, measurement.end_ns))


def rates(measurement, zero_ns, directory, scale, bin_ns=BIN_NS):
    """A curve for each path: packets/s at the egress PE, times `scale`, over seconds."""
    found = measurement.rates(bin_ns)
    first, last = measurement.start_ns // bin_ns * bin_ns, measurement.end_ns // bin_ns * bin_ns
    for way, colour in colours(measurement).items():
        rows = [((at + bin_ns / 2 - zero_ns) / 1e9, found.get(way, {}).get(at, 0) * scale)
                for at in range(first + bin_ns, last, bin_ns)]  # the first and last are not whole
        yield Curve(directory, f"rate-{way}", rows, way, colour)


def packets(measurement, zero_ns, window_ms, directory):
    """Every packet of the window by the time of its sending, a row for each flow; crosses are lost."""
    low, high = (zero_ns + ms * 1e6 for ms in window_ms)
    points = {way: [] for way in measurement.ways}
    for tx_ns, _, _, flow, way in measurement.tapped:
        if low <= tx_ns <= high:
            points[measurement.ways[way]].append(((tx_ns - zero_ns) / 1e6, flow))
    lost = [((ns - zero_ns) / 1e6, flow) for flow in range(len(measurement.sent))
            for _, ns in measurement.missing(flow) if low <= ns <= high]
    for way, colour in colours(measurement).items():
        if points[way]:
            yield Curve(directory, f"packets-{way}", points[way], "", colour, "with points pt 7 ps 0.35")
    if lost:
        yield Curve(directory, "packets-lost", lost, "lost", LOST, "with points pt 2 ps 0.6 lw 1.5")


# ---- the picture -------------------------------------------------------------------------------------

def draw(name, title, graphs, marks, zero_ns, directory):
    """
    Files NAME.svg and NAME.png in `directory`. `marks` are (ns, words), shown in all graphs by the time
    since zero_ns. Returns the files.
    """
    marks = sorted(marks)
    graphs = [(graph, [curve.clause() for curve in graph.curves]) for graph in graphs]
    height = HEIGHT[len(graphs)]
    body = list(_list(marks, zero_ns, 0.91 - LINE / height * (len(graphs[0][1]) + 1.5), ROW / height))
    for graph, curves in graphs:
        body += _graph(graph, curves, [((ns - zero_ns) / graph.unit_ns, n) for n, (ns, _) in enumerate(marks, 1)])
    files = []
    for suffix, terminal in TERMINALS.items():
        output = os.path.join(directory, f"{name}.{suffix}")
        head = HEAD.format(output=output, title=_quoted(title), rows=len(graphs), gap=GAP[len(graphs)])
        subprocess.run(["gnuplot"], input="\n".join([terminal.format(height=height), head, *body, "unset multiplot"]),
                       text=True, check=True)
        files.append(output)
    return files


def _graph(graph, curves, marks):
    return [f'set xlabel "{_quoted(graph.xlabel)}"', f'set ylabel "{_quoted(graph.ylabel)}"',
            f"set xrange [{graph.first}:{graph.last}]", f"set yrange {graph.yrange}",
            f"set offsets 0, 0, graph {0.2 if graph.yrange.endswith('*]') else 0}, 0",
            *_lines(marks, graph.first, graph.last), "plot " + ", ".join(curves), "unset arrow", "unset label"]


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


def _list(marks, zero_ns, top, row):
    """What the numbers stand for, below the first graph's key."""
    for number, (ns, words) in enumerate(marks, 1):
        place = f"screen {top - row * number} left front font ',10' tc rgb '#222222'"
        ms = (ns - zero_ns) / 1e6
        yield f'set label "{number}" at screen 0.786, {place.replace("left", "right")}'
        yield f'set label "{ms:.{2 if ms < 1000 else 0}f} ms" at screen 0.848, {place.replace("left", "right")}'
        yield f'set label "{_quoted(words)}" at screen 0.855, {place}'


def _quoted(text):
    return text.replace("\\", "").replace('"', "'").replace("_", "\\\\_")
