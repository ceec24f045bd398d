# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
The draft's Figure 3: twice, a burst of others' traffic is more than the link R1-R2 can carry beside
ours. R1 sees its queue grow and tells the ingress PE. The first time there is another path: our flows
move there before anything is lost. The second time R3-R4 is cut: our rate is lowered, what runs ahead
of it is marked and then dropped at the ingress PE, and rises in steps once R1 tells that it is over.
Called by demo.py.
"""
import time

import lab as figure
import plot
from bottleneck import INNER, PAYLOAD, TUNNELLED, Bottleneck, Sampler
from scene import OUT, Scene, altogether, disordered, lost_between, row, say, since
from traffic import Traffic

PATH, OTHER = "via-r1-r2", "via-r3-r4"
CAPACITY, LIMIT = 50, 500000  # of the link R1-R2: Mbit/s, and bytes of queue
RATE, FLOWS = 4000, 64
OTHERS = 40  # Mbit/s
BURST = 0.8  # s
BIN_NS = 32_000_000  # two packets of each flow

# What follows on a burst: name, who says so, and the event.
CHAIN = (("grew", "r1", {"event": "trouble", "link": "r2", "over": False}),
         ("told", "r1", {"event": "notified", "kind": "congestion"}),
         ("acted", "pe1", {"path": PATH, "congested": True}),
         ("over", "r1", {"event": "trouble", "link": "r2", "over": True}),
         ("eased", "pe1", {"path": PATH, "reason": "eased"}))
LOWERED = (("lowered", "pe1", {"path": PATH, "reason": "lowered"}),
           ("risen", "pe1", {"path": PATH, "reason": "risen"}))


class Burst:
    """One burst of others' traffic: the times of what happened, and what was counted meanwhile."""

    def __init__(self):
        self.times = {}
        self.paced = 0  # packets that the ingress PE dropped

    def at(self, ns, start="began"):
        return since(ns, self.times[start])

    def since(self, name, start="began"):
        return self.at(self.times.get(name), start)

    def span(self):
        return self.times["began"], self.times["end"]


class Congestion(Scene):
    POLICIES = {"pe1": "ingress-pe-congestion", "r1": "r1-watch"}

    def __init__(self, options):
        super().__init__(options)
        port = next(port for port in figure.read_policy("r1-watch")["port"] if port["name"] == "r2")
        self.onset = port["watch"]["queue"]["onset"]
        self.bursts = [Burst(), Burst()]
        self.link = self.measurement = self.queue = self.allowed = None

    def play(self):
        say(f"RoCEv2 from dc1 to dc2: {RATE * TUNNELLED * 8e-6:.0f} Mbit/s in SRv6, {FLOWS} queue pairs; the link R1-R2"
            f" carries {CAPACITY} Mbit/s; bursts of others' traffic of {BURST} s")
        with (Bottleneck(self.lab, "r1", "r2", CAPACITY, LIMIT) as self.link,
              Sampler(self.link.read, 0.001) as self.queue, Sampler(self._rate_allowed, 0.12) as self.allowed):
            with Traffic(self.lab, 6, RATE, FLOWS, PAYLOAD) as traffic:
                time.sleep(1)
                self._burst(self.bursts[0])
                time.sleep(0.5)
                at = self.bursts[1].times["cut"] = self.lab.cut("r3", "r4")[0]
                self.screen.line(at, "lab", "the link R3-R4 is cut")
                self.nodes["pe1"].wait(at, path=OTHER, usable=False)
                time.sleep(0.5)
                self._burst(self.bursts[1])
                time.sleep(0.5)
        self.measurement = traffic.measurement

    def _rate_allowed(self):
        """Bytes/s to which the path is lowered, None if it is not."""
        rate = self.nodes["pe1"].paths()[PATH]["pace"]["rate"]
        return rate and rate * 125

    def _paced(self):
        counters = self.nodes["pe1"].ask("counters")["counters"]
        return sum(counter["packets"] for counter in counters if counter["reason"] in ("paced", "paced-told"))

    def _burst(self, burst):
        lowered = burst is self.bursts[1]
        paced = self._paced()
        sender = self.link.others(OTHERS)
        at = burst.times["began"] = figure.now_ns()
        if not lowered:
            self.screen.zero_ns = at
        self.screen.line(at, "lab", f"others' traffic over R1-R2 begins: {OTHERS} Mbit/s")
        time.sleep(BURST)
        self.lab.stop(sender)
        burst.times["ended"] = figure.now_ns()
        self.screen.line(burst.times["ended"], "lab", "others' traffic ends")
        self._follow(burst, CHAIN + LOWERED if lowered else CHAIN)
        burst.times["end"] = figure.now_ns()
        burst.paced = self._paced() - paced

    def _follow(self, burst, chain):
        """Wait for the chain of events; what does not come stays out."""
        for name, node, members in chain:
            event = self.nodes[node].wait(burst.times["began"], seconds=5, **members)
            if event:
                burst.times[name] = event["monotonic-ns"]

    # ---- what came of it -------------------------------------------------------------------------

    def report(self):
        m, (moved, lowered) = self.measurement, self.bursts
        reaction = m.after_cut(moved.times["began"], {PATH})
        say(f"A burst with another path   ({len(reaction.hit)} of {FLOWS} flows were on {PATH})")
        self._noticed(moved, "moved the flows")
        sent, arrived, way = reaction.first or (None, None, "another path")
        row(f"first packet of theirs on {way}: sent", moved.at(sent))
        row("    reached the egress PE", moved.at(arrived))
        self._lost(moved)
        row(f"packets out of order, the {len(reaction.hit)} flows that moved",
            f"{disordered(m, reaction.hit, *moved.span()):10d}")
        row(f"packets out of order, the other {len(reaction.spared)} flows",
            f"{disordered(m, reaction.spared, *moved.span()):10d}")
        back = next((tx for tx, _, _, flow, way in m.tapped if flow in reaction.hit and m.ways[way] == PATH
                     and tx >= moved.times.get("eased", m.end_ns)), None)
        self._over(moved)
        row(f"    first packet of theirs on {PATH} again", moved.at(back, "ended"))
        say(f"A burst without another path   (R3-R4 is cut: {FLOWS} flows are on {PATH})")
        row("packets that the cut cost", f"{lost_between(m, moved.times['end'], lowered.times['began'] - 10**8):10d}")
        self._noticed(lowered, "acted")
        row("    lowered the rate", lowered.since("lowered"))
        before, after = self._rates(lowered)
        row("    from / to, Mbit/s without the tunnel's headers", f"{before:10.1f} / {after:.1f}")
        self._lost(lowered)
        row("packets out of order", f"{disordered(m, range(FLOWS), *lowered.span()):10d}")
        self._over(lowered)
        row("    the rate is whole again, after steps", lowered.since("risen", "ended"))
        altogether(m)
        row("marked as having met congestion (CE)", f"{m.summary['received']['marked']:10d}")
        return reaction, back

    def _noticed(self, burst, acted):
        row(f"R1's queue reached its onset, {self.onset} bytes", burst.since("grew"))
        row("the notification left R1", burst.since("told"))
        row(f"the ingress PE {acted}", burst.since("acted"))

    def _over(self, burst):
        row("after the burst's end: R1 tells that its queue is short", burst.since("over", "ended"))
        row("    the ingress PE hears it", burst.since("eased", "ended"))

    def _lost(self, burst):
        first, last = burst.span()
        waited = self.queue.between(first, last)
        lost = lost_between(self.measurement, first - 10**8, last)
        late = lost_between(self.measurement, burst.times.get("acted", last), last) - burst.paced
        row("most that waited in R1's queue, bytes", f"{max(reading.backlog for reading in waited):10d}")
        row("packets that the queue refused", f"{waited[-1].drops - waited[0].drops:10d}")
        if burst.paced:
            row("packets dropped at the ingress PE, beyond the lowered rate", f"{burst.paced:10d}")
        row("other packets lost" if burst.paced else "packets lost", f"{lost - burst.paced:10d}")
        row("    of these after the ingress PE acted", f"{max(0, late):10d}")

    def _rates(self, burst):
        """Mbit/s of the path before the burst, and while its rate was lowered."""
        began, lowered, ended = (burst.times.get(name, burst.times["ended"]) for name in ("began", "lowered", "ended"))
        spans = ((began - 4 * 10**8, began), (lowered + 10**8, ended))
        count = [sum(first <= rx < last for _, rx, *_ in self.measurement.tapped) for first, last in spans]
        return [n * INNER * 8e3 / (last - first) if last > first else 0 for n, (first, last) in zip(count, spans)]

    def draw(self, found):
        reaction, back = found
        m, zero = self.measurement, self.bursts[0].times["began"]
        mbits = [*plot.rates(m, zero, OUT, TUNNELLED * 8e-6, BIN_NS),
                 plot.Curve(OUT, "allowed", [((ns - zero) / 1e9, rate * TUNNELLED / INNER * 8e-6 if rate else "nan")
                                             for ns, rate in self.allowed.samples],
                            f"allowed on {PATH}", plot.LOST, "with steps lw 2 dt 3")]
        first, last = plot.whole(m, zero, 1e9)
        acted_ms = (self.bursts[0].times.get("acted", zero + 10**8) - zero) / 1e6
        zoom = (acted_ms - 10, acted_ms + 20)
        graphs = (plot.Graph("", "Mbit/s at the egress PE", first, last, mbits),
                  plot.Graph("seconds since the first burst", "R1's queue to R2, kB", first, last,
                             self._queued(zero, 1e9, first, last)),
                  plot.Graph("milliseconds since the first burst", "R1's queue to R2, kB", *zoom,
                             self._queued(zero, 1e6, *zoom), unit_ns=1e6))
        return plot.draw("congestion", f"Others' bursts on the link R1-R2 ({CAPACITY} Mbit/s) beside"
                         f" {RATE * TUNNELLED * 8e-6:.0f} Mbit/s of RoCEv2 over SRv6", graphs, self._marks(reaction, back),
                         zero, OUT)

    def _queued(self, zero, unit_ns, first, last):
        rows = [((ns - zero) / unit_ns, reading.backlog / 1e3) for ns, reading in self.queue.samples]
        name = "queue" if unit_ns == 1e9 else "queue-zoomed"
        yield plot.Curve(OUT, name, [row for row in rows if first <= row[0] <= last], "", plot.COLOURS[0])
        yield plot.Curve(OUT, "onset-" + name, [(first, self.onset / 1e3), (last, self.onset / 1e3)],
                         "onset" if unit_ns != 1e9 else "", plot.LOST, "with lines lw 1 dt 2")

    def _marks(self, reaction, back):
        moved, lowered = self.bursts
        common = (("began", "others' burst begins"), ("grew", "R1's queue at its onset"),
                  ("told", "notification leaves R1"))
        after = (("ended", "the burst ends"), ("over", "R1 tells that it is over"))
        marks = [(burst.times[name], words) for burst, names in (
            (moved, (*common, ("acted", "ingress PE moves flows"), *after)),
            (lowered, (("cut", "R3-R4 is cut"), *common, ("lowered", "ingress PE lowers rate"), *after,
                       ("risen", "rate is whole again")))) for name, words in names if name in burst.times]
        if reaction.first:
            marks.append((reaction.first[1], f"first packet over {reaction.first[2]}"))
        if back:
            marks.append((back, "first packet back"))
        return marks
