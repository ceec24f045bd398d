# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
The draft's Figure 2: the link R1-R2 is cut and mended under RoCEv2 traffic. R1 tells the ingress PE by
the packets that it can't forward; the flows of the failed path move at once, and move back when the
link has been up for the hold-down. Called by demo.py.
"""
import time

import lab as figure
import plot
from scene import OUT, Scene, altogether, disordered, lost_between, row, say, since
from traffic import Traffic

LINK = ("r1", "r2")
BEFORE, DURING, AFTER = 1.5, 1.5, 1.0  # seconds of traffic before the cut, while it lasts, after the recovery


class Failure(Scene):
    """`fall` and `rise`: the times of what happened after the cut, and after the mending."""

    def __init__(self, options):
        super().__init__(options)
        self.fall, self.rise, self.failed = {}, {}, set()
        self.measurement = None

    def play(self):
        self.lab.return_tunnel()
        rate, flows = self.options.rate, self.options.flows
        paths = figure.segments_of(self.nodes["pe1"].policy)
        self.failed = {name for name, segments in paths.items() if figure.crosses(segments, *LINK)}
        say(f"RoCEv2 from dc1 to dc2: {rate} packets/s, {flows} queue pairs,"
            f" IPv{self.options.family} in SRv6; after {BEFORE} s the link R1-R2 is cut")
        with Traffic(self.lab, self.options.family, rate, flows) as traffic:
            time.sleep(BEFORE)
            self._cut()
            time.sleep(DURING)
            self._mend()
            time.sleep(AFTER)
        self.measurement = traffic.measurement

    def _cut(self):
        at, _ = self.lab.cut(*LINK, self.options.cut)
        self.screen.zero_ns = self.fall["cut"] = at
        self.screen.line(at, "lab", f"the link R1-R2 is cut ({self.options.cut})")
        self._follow(self.fall, at, up=False, kind="failure")

    def _mend(self):
        at, _ = self.lab.mend(*LINK)
        self.screen.line(at, "lab", "the link R1-R2 is mended")
        self.rise["cut"] = at
        self._follow(self.rise, at, up=True, kind="failure-recovery")

    def _follow(self, times, at, up, kind):
        """Wait for the chain of events; what does not come stays out."""
        r1, pe1 = self.nodes["r1"], self.nodes["pe1"]
        chain = (("seen", r1.wait(at, event="link", link="r2", up=up)),
                 ("told", r1.wait(at, event="notified", kind=kind)),
                 ("changed", pe1.wait(at, usable=up)))
        times.update((name, event["monotonic-ns"]) for name, event in chain if event)

    def report(self):
        m, fall, rise = self.measurement, self.fall, self.rise
        cut, mended, end = fall["cut"], rise["cut"], m.end_ns + 10**9
        reaction = m.after_cut(cut, self.failed)
        hit, spared = reaction.hit, reaction.spared
        say(f"The cut   ({len(hit)} of {len(m.sent)} flows were on {', '.join(sorted(self.failed & set(m.ways)))})")
        row("R1 saw it", since(fall.get("seen"), cut))
        row("the notification left R1", since(fall.get("told"), cut))
        row("the ingress PE changed", since(fall.get("changed"), cut))
        sent, arrived, way = reaction.first or (None, None, "another path")
        row(f"first packet of theirs on {way}: sent", since(sent, cut))
        row("    reached the egress PE", since(arrived, cut))
        row("packets lost", f"{lost_between(m, cut - 10**8, mended - 10**8):10d}")
        row(f"packets out of order, the {len(hit)} flows of the failed path",
            f"{disordered(m, hit, cut, mended):10d}")
        row(f"packets out of order, the other {len(spared)} flows", f"{disordered(m, spared, 0, end):10d}")
        say("The mending")
        row("R1 saw it", since(rise.get("seen"), mended))
        row("the notification left R1, after the hold-down", since(rise.get("told"), mended))
        row("the ingress PE changed", since(rise.get("changed"), mended))
        back = first_back(m, reaction, self.failed, mended)
        row("first packet on the old path again: sent", since(back and back[0], mended))
        row("packets lost", f"{lost_between(m, mended - 10**8, end):10d}")
        row("packets out of order, the flows that moved back", f"{disordered(m, hit, mended, end):10d}")
        altogether(m)
        return reaction, back

    def draw(self, found):
        reaction, back = found
        m, cut = self.measurement, self.fall["cut"]
        above = plot.Graph("seconds since the cut", "thousand packets/s at the egress PE", *plot.whole(m, cut, 1e9),
                           plot.rates(m, cut, OUT, 1e-3))
        first, last = window_ms(reaction, cut)
        below = plot.Graph("milliseconds since the cut, by the time of sending", "flow (queue pair)", first, last,
                           plot.packets(m, cut, (first, last), OUT), unit_ns=1e6,
                           yrange=f"[-1:{len(m.sent) * 1.25}]")
        return plot.draw("reaction", f"Link R1-R2 is cut and mended: {m.rate():,.0f} RoCEv2 packets/s over SRv6",
                         (above, below), self._marks(reaction, back), cut, OUT)

    def _marks(self, reaction, back):
        names = ((self.fall, "cut", "the link R1-R2 is cut"), (self.fall, "seen", "R1 sees it"),
                 (self.fall, "told", "notification leaves R1"), (self.fall, "changed", "ingress PE changes"),
                 (self.rise, "cut", "the link is mended"),
                 (self.rise, "told", "recovery leaves R1"), (self.rise, "changed", "ingress PE changes"))
        marks = [(times[name], words) for times, name, words in names if name in times]
        if reaction.first:
            marks.append((reaction.first[1], f"first packet over {reaction.first[2]}"))
        if back:
            marks.append((back[1], "first packet back on its path"))
        return marks


def first_back(measurement, reaction, failed, after_ns):
    """(tx_ns, rx_ns) of the first packet that a flow which had moved sends over its old path again."""
    return next(((tx_ns, rx_ns) for tx_ns, rx_ns, _, flow, way in measurement.tapped
                 if tx_ns >= after_ns and flow in reaction.hit and measurement.ways[way] in failed), None)


def window_ms(reaction, cut_ns):
    """What is drawn packet by packet: enough to see the reaction whole, no more."""
    took_ms = (reaction.first[0] - cut_ns) / 1e6 if reaction.first else 10
    high = max(2, 4 * took_ms)
    return -high / 4, high
