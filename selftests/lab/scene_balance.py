# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
The draft's Figure 4: two paths of different capacity, at first with equal weights. What R1 and R3
measure on their links they tell the ingress PE, as `fantel send` for want of a meter in the router,
and its weights follow; then others' traffic comes and goes on the larger link. Called by demo.py.
"""
import math
import time

import lab as figure
import plot
import routers
from bottleneck import PAYLOAD, TUNNELLED, Bottleneck, Sampler
from scene import OUT, Scene, altogether, disordered, lost_between, row, say, since
from traffic import Traffic

LIMIT = 500000  # bytes of queue
RATE, FLOWS = 4400, 256
OTHERS = 10  # Mbit/s of others, on the link R1-R2
ALONE, SETTLE = 1.5, 5  # seconds before anything is told, and of each act after that
EVERY = 0.2  # s between two tellings
LOOK = 1.5  # s at the end of an act that the table is about


class Link:
    """A link on one of the paths: its capacity, Mbit/s, and how a notification about it names it."""

    def __init__(self, node, port, path, capacity, *names):
        self.node, self.port, self.path, self.capacity, self.names = node, port, path, capacity, names
        self.words = f"{node.upper()}-{port.upper()}"
        self.queue = None

    def between(self, first_ns, last_ns):
        """Mbit/s that it carried; nan: this machine was too busy to look."""
        samples = [(ns, reading) for ns, reading in self.queue.samples if first_ns <= ns <= last_ns]
        if len(samples) < 2:
            return math.nan
        (before, low), (after, high) = samples[0], samples[-1]
        return (high.sent - low.sent) * 8e3 / (after - before)


def links():
    """By its location, and by the tunnel that crosses it: either will do."""
    tunnel = figure.segments_of(figure.read_policy("ingress-pe-balance"))["via-r3-r4"]
    return (Link("r1", "r2", "via-r1-r2", 40, "--ipv6-interface", figure.link_address("r1", "r2"),
                 "--ipv6-neighbor", figure.link_address("r2", "r1")),
            Link("r3", "r4", "via-r3-r4", 20, "--srv6", ",".join(tunnel)))


class Balance(Scene):
    POLICIES = {"pe1": "ingress-pe-balance"}

    def __init__(self, options):
        super().__init__(options)
        self.links = links()
        self.acts = []  # (ns, words); each lasts until the next
        self.measurement = self.weights = None

    def event(self, router, event):
        if event.get("reason") != "measured":  # ten a second
            super().event(router, event)

    def play(self):
        small, large = sorted(link.capacity for link in self.links)
        say(f"RoCEv2 from dc1 to dc2: {RATE * TUNNELLED * 8e-6:.0f} Mbit/s in SRv6, {FLOWS} queue pairs, over links of"
            f" {large} and {small} Mbit/s")
        west, south = self.links
        with (Bottleneck(self.lab, west.node, west.port, west.capacity, LIMIT) as bottleneck,
              Bottleneck(self.lab, south.node, south.port, south.capacity, LIMIT) as other,
              Sampler(bottleneck.read, 0.02) as west.queue, Sampler(other.read, 0.02) as south.queue,
              Sampler(self._weights, 0.15) as self.weights):
            with Traffic(self.lab, 6, RATE, FLOWS, PAYLOAD) as traffic:
                self._act("nothing is told", ALONE)
                with Sampler(self._tell, EVERY):
                    self._act("R1 and R3 tell their load", SETTLE)
                    others = bottleneck.others(OTHERS)
                    self._act(f"others: {OTHERS} Mbit/s on R1-R2", SETTLE)
                    self.lab.stop(others)
                    self._act("the others are gone", SETTLE)
                self.acts.append((figure.now_ns(), "the end"))
        self.measurement = traffic.measurement

    def _act(self, words, seconds):
        at = figure.now_ns()
        if len(self.acts) == 1:
            self.screen.zero_ns = at
        self.acts.append((at, words))
        self.screen.line(at, "lab", words)
        time.sleep(seconds)

    def _weights(self):
        """Path -> weight that it has now."""
        group = self.nodes["pe1"].ask("status")["groups"][0]
        return {member["path"]: member["effective-weight"] for member in group["members"]}

    def _tell(self):
        now = figure.now_ns()
        for link in self.links:
            carried = min(link.between(now - 5 * 10**8, now), link.capacity)
            if math.isnan(carried):
                continue
            self.lab.run(link.node, routers.FANTEL, "send", "--type", "load-balancing",
                         "--to", figure.loopback("pe1"), "--from", figure.loopback(link.node),
                         "--domain", self.nodes["pe1"].policy["node"]["domain"], "--validity", 3000, *link.names,
                         "--link-capacity", link.capacity * 125000, "--utilized-bandwidth", round(carried * 125000),
                         "--queue", f"1,{link.queue.samples[-1][1].backlog},{LIMIT}")

    # ---- what came of it -------------------------------------------------------------------------

    def report(self):
        say(f"At the end of each act, the mean of {LOOK} s")
        print("  act" + " " * 27 + "".join(f"{head:>{width}}" for head, width in (
            ("carried, Mbit/s", 17), ("utilization, %", 17), ("weights", 15), ("flows moved", 13), ("out of order", 14),
            ("lost", 6))))
        print(" " * 32 + "".join(f"{'  '.join(link.words for link in self.links):>{width}}" for width in (17, 17, 15)))
        for (first, words), (last, _) in zip(self.acts, self.acts[1:]):
            self._row(words, first, last)
        say("After the beginning of an act")
        for at, words in self.acts[1:-1]:
            moved = self.nodes["pe1"].wait(at, seconds=0, event="weight", moving=True)
            row(f"{words}: weights begin to move", since(moved and moved["monotonic-ns"], at))
        altogether(self.measurement)

    def _row(self, words, first, last):
        m = self.measurement
        carried = [link.between(last - int(LOOK * 1e9), last) for link in self.links]
        weights = self.weights.between(last - int(LOOK * 1e9), last)
        columns = ((" / ".join(f"{mbits:.1f}" for mbits in carried), 17),
                   (" / ".join(f"{100 * mbits / link.capacity:.0f}" for mbits, link in zip(carried, self.links)), 17),
                   (" / ".join(f"{sum(w[link.path] for w in weights) / max(len(weights), 1):.2f}"
                               for link in self.links), 15),
                   (self._moved(first, last), 13), (disordered(m, range(FLOWS), first, last), 14),
                   (lost_between(m, first, last), 6))
        print(f"  {words:<30}" + "".join(f"{value:>{width}}" for value, width in columns))

    def _moved(self, first, last):
        """Flows that another path carries at the end than at the beginning."""
        began, ended = {}, {}
        for tx, _, _, flow, way in self.measurement.tapped:
            if tx < first:
                began[flow] = way
            if tx < last:
                ended[flow] = way
        return sum(ended[flow] != way for flow, way in began.items())

    def draw(self, _found):
        m, zero = self.measurement, self.acts[1][0]
        first, last = plot.whole(m, zero, 1e9)
        axis = "seconds since R1 and R3 began to tell"
        graphs = (plot.Graph("", "ours, Mbit/s at egress PE", first, last,
                             plot.rates(m, zero, OUT, TUNNELLED * 8e-6, 128_000_000)),
                  plot.Graph("", "link carries, %", first, last, self._curves("utilization", self._utilization),
                             yrange="[0:115]"),
                  plot.Graph("", "queue, kB", first, last, self._curves("queue", lambda link: (
                      (ns, reading.backlog / 1e3) for ns, reading in link.queue.samples))),
                  plot.Graph(axis, "weight", first, last, self._curves("weight", lambda link: (
                      (ns, weights[link.path]) for ns, weights in self.weights.samples))))
        return plot.draw("balance", "Weights follow what links of " + " and ".join(
            f"{link.capacity}" for link in self.links) + f" Mbit/s carry: {RATE * TUNNELLED * 8e-6:.0f} Mbit/s of RoCEv2"
            " over SRv6", graphs, self.acts[1:-1], zero, OUT)

    def _utilization(self, link):
        samples = link.queue.samples[::10]
        for (before, low), (after, high) in zip(samples, samples[1:]):
            yield (before + after) / 2, (high.sent - low.sent) * 8e5 / (after - before) / link.capacity

    def _curves(self, name, values):
        zero, colours = self.acts[1][0], plot.colours(self.measurement)
        for link in self.links:
            yield plot.Curve(OUT, f"{name}-{link.node}", [((ns - zero) / 1e9, value) for ns, value in values(link)],
                             link.words if name == "utilization" else "", colours.get(link.path, plot.COLOURS[0]))
