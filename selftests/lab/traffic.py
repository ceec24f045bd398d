# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
RoCEv2 from dc1 to dc2 while something happens to the lab, and afterwards what became of every
packet. Traffic runs roce_send on dc1, roce_recv on dc2, and roce_recv --tap on the egress PE, which
notes the way of each packet; Measurement joins their logs. Used by the demo, the lab tests and the
reaction-time bench.
"""
import array
import collections
import json
import os
import signal
import struct
import subprocess
import time

import lab as figure

SEND, RECV = (os.path.join(figure.BUILD, "lab", name) for name in ("roce_send", "roce_recv"))
RECORD = struct.Struct("=QQIHH")  # struct record of roce.h
SENDING = struct.Struct("=QQ")  # struct sending
UNKNOWN = 0xFF  # no way: the packet never reached the egress PE
RATES = (100000, 40000, 15000)  # packets/s; a machine that is busy with other work can measure fewer only
TRANSIT_NS = 20 * 10**6  # longer than a packet is under way but for rare ones
DRAIN = 0.15  # s; longer than any packet is under way, and than a block of the ring waits


class Traffic:
    """with Traffic(lab) as traffic: ...; traffic.measurement is there after the block. `rate`: packets a
    second, on a machine that is not slow."""

    def __init__(self, lab, family=6, rate=50000, flows=32, payload=256, options=()):
        self.lab, self.measurement = lab, None
        site = figure.SITE6 if family == 6 else figure.SITE4
        self._logs = [os.path.join(lab.dir, f"{name}-{id(self)}.log") for name in ("recv", "tap", "send")]
        self._send = [SEND, "--dev", "pe1", "--src", site["dc1"][2], "--dst", site["dc2"][2],
                      "--gw-mac", figure.mac("pe1", "dc1"), "--flows", flows, "--rate", rate // figure.SLOW,
                      "--payload", payload, "--count", 2**32 - 1, "--log", self._logs[2], *options]

    def __enter__(self):
        start = self.lab.spawn
        pipe = {"stdout": subprocess.PIPE, "text": True}
        self._receivers = [start("dc2", RECV, "--dev", "pe2", "--log", self._logs[0], **pipe),
                           start("pe2", RECV, "--tap", "--log", self._logs[1], **pipe)]
        for receiver in self._receivers:
            self._await(receiver, "roce_recv")
        self._sender = start("dc1", *self._send, prepare=_be_steady, **pipe)
        self._await(self._sender, "roce_send")
        return self

    @staticmethod
    def _await(process, name):
        if process.stdout.readline() != "ready\n":
            raise figure.LabError(f"{name} did not start")

    def __exit__(self, kind, *_):
        if kind:
            return
        sent = self._end(self._sender)
        time.sleep(DRAIN)
        received, tapped = [self._end(receiver) for receiver in self._receivers]
        self.measurement = Measurement(sent, received, tapped, *self._logs)
        for log in self._logs:
            os.unlink(log)

    def _end(self, process):
        process.send_signal(signal.SIGINT)
        summary = json.loads(process.stdout.read())
        self.lab.stop(process)
        return summary


def arrives(tap, lab, sentence, rate=2000, seconds=0.3):
    """Data goes through, all of it."""
    with Traffic(lab, rate=rate) as traffic:
        time.sleep(seconds)
    m = traffic.measurement
    lost = sum(len(list(m.missing(flow))) for flow in range(len(m.sent)))
    tap.equal((lost, list(m.doubts()), sum(m.sent) > 0), (0, [], True), sentence)


def harm(measurement, flows=None):
    """What has become of all packets, or those of some flows."""
    m = measurement
    flows = range(len(m.sent)) if flows is None else flows
    ways = [{m.way(flow, sequence) for sequence, *_ in m.arrivals[flow]} for flow in flows]
    return {"lost": sum(len(list(m.missing(flow))) for flow in flows),
            "out of order": sum(len(list(m.out_of_order(flow))) for flow in flows),
            "moved": sum(len(used - {None}) > 1 for used in ways),
            "flows past the tap": sum(None in used for used in ways)}


UNHARMED = {"lost": 0, "out of order": 0, "moved": 0, "flows past the tap": 0}


def unharmed(tap, measurement, sentence, flows=None, **known):
    """A test that nothing has become of them; `known` is what the caller knows better. A skip where all that is
    missing may be what the measuring sockets lost, on a machine that is so busy."""
    found = {**harm(measurement, flows), **known}
    doubts = list(measurement.doubts())
    if doubts:
        found["lost"] = max(0, found["lost"] - measurement.summary["received"]["capture_drops"])
        found["flows past the tap"] = 0
    if doubts and found == UNHARMED:
        tap.skip(sentence, "; ".join(doubts))
    else:
        tap.equal(found, UNHARMED, sentence)


def full_queues(lab):
    """How many packets the ports dropped because their queues were full: a machine that is busy with other
    work comes back to one too late, whatever the programs do. What a program drops is not among them."""
    return sum(side["dropped"] for node in lab.nodes for link in json.loads(lab.ip(node, "-j", "-s", "link"))
               for side in (link["stats64"]["rx"], link["stats64"]["tx"]))


def measure(lab, action, flows, rates=RATES):
    """action() under traffic. Returns what the last one returned, the measurement, and how many packets
    were lost that no full queue explains; at the first rate that can be measured."""
    for rate in rates:
        full = full_queues(lab)
        with Traffic(lab, rate=rate, flows=flows) as traffic:
            time.sleep(0.2)
            result = action()
            time.sleep(0.2)
        m = traffic.measurement
        if not list(m.doubts()):
            break
    missing = sum(len(list(m.missing(flow))) for flow in range(flows))
    return result, m, max(0, missing - (full_queues(lab) - full)), list(m.doubts())


def _be_steady():
    """The sender stands for machines of its own: it keeps one CPU (on which the kernel then also
    forwards its packets) and goes ahead of whatever else wants that."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    figure.undisturbed(5)


def _records(log, kind=RECORD):
    with open(log, "rb") as file:
        return kind.iter_unpack(file.read())


class Measurement:
    """
    What became of the packets. A packet is (flow, sequence); times are CLOCK_MONOTONIC ns.

    sent[flow]      packets sent
    arrivals[flow]  (sequence, tx_ns, rx_ns) as they reached dc2
    tapped          (tx_ns, rx_ns, sequence, flow, way) as they reached the egress PE
    ways            names of the paths, by `way`
    """

    def __init__(self, sent, received, tapped, log, tap_log, send_log):
        self.summary = {"sent": sent, "received": received, "tapped": tapped}
        self.sent = sent["flows"]
        self.start_ns, self.end_ns = sent["start_ns"], sent["end_ns"]
        self.ways = [_path_name(way["segments"]) for way in tapped["paths"]]
        self.tapped = list(_records(tap_log))
        self._way_of = [array.array("B", [UNKNOWN]) * n for n in self.sent]
        for _, _, sequence, flow, way in self.tapped:
            self._way_of[flow][sequence] = way
        self._sendings = list(_records(send_log, SENDING))
        self.arrivals = [[] for _ in self.sent]
        for tx_ns, rx_ns, sequence, flow, _ in _records(log):
            self.arrivals[flow].append((sequence, tx_ns, rx_ns))

    def way(self, flow, sequence):
        """Name of the packet's path, None if it reached no egress PE."""
        index = self._way_of[flow][sequence]
        return None if index == UNKNOWN else self.ways[index]

    def doubts(self):
        """Why the numbers can't be trusted, a sentence each."""
        for name in ("received", "tapped"):
            drops = self.summary[name]["capture_drops"]
            if drops:
                yield f"the measuring socket lost {drops} packets ({name})"
        if self.summary["sent"]["refused"]:
            yield f"dc1's port refused {self.summary['sent']['refused']} packets"

    def rate(self):
        """Packets a second that were really sent."""
        return self.summary["sent"]["sent"] / ((self.end_ns - self.start_ns) / 1e9)

    def bad_icrc(self):
        return self.summary["received"]["bad_icrc"]

    def duplicates(self):
        return sum(flow["duplicates"] for flow in self.summary["received"]["flows"])

    def missing(self, flow):
        """(sequence, ns) of packets that did not arrive, and when they were sent."""
        came = {sequence for sequence, _, _ in self.arrivals[flow]}
        for sequence in range(self.sent[flow]):
            if sequence not in came:
                yield sequence, self._sending(flow, sequence)[0]

    def lost_between(self, first_ns, last_ns):
        """(flow, sequence) of packets that did not arrive, were sent between these times (the sender can be
        held up between a packet's time stamp and its sending), and had TRANSIT_NS left to arrive."""
        for flow in range(len(self.sent)):
            for sequence, tx_ns in self.missing(flow):
                if first_ns <= tx_ns and self._sending(flow, sequence)[1] < last_ns - TRANSIT_NS:
                    yield flow, sequence

    def _sending(self, flow, sequence):
        """roce_send takes the flows in turn."""
        return self._sendings[sequence * len(self.sent) + flow]

    def out_of_order(self, flow):
        """(sequence, rx_ns) of packets that arrived behind a later one, RFC 4737 §3.3."""
        highest = -1
        for sequence, _, rx_ns in self.arrivals[flow]:
            if sequence < highest:
                yield sequence, rx_ns
            highest = max(highest, sequence)

    def rates(self, bin_ns):
        """Way -> {bin start ns: packets/s at the egress PE}."""
        bins = collections.defaultdict(collections.Counter)
        for _, rx_ns, _, _, way in self.tapped:
            bins[self.ways[way]][rx_ns // bin_ns * bin_ns] += 1
        return {way: {at: count * 1e9 / bin_ns for at, count in counts.items()}
                for way, counts in bins.items()}

    def after_cut(self, cut_ns, failed):
        return Reaction(self, cut_ns, failed)


class Reaction:
    """
    What a cut at cut_ns did to the flows, where the paths `failed` cross the link.

    hit             flows whose last packet before the cut came over a failed path
    spared          the other flows
    first           (tx_ns, rx_ns, way) of the first packet of a hit flow on another path, None if none
    last_rx_ns      when the last packet came over a failed path before the first one elsewhere
    """

    def __init__(self, measurement, cut_ns, failed):
        before, self.first, self.last_rx_ns = {}, None, None
        for tx_ns, rx_ns, _, flow, way in measurement.tapped:
            name = measurement.ways[way]
            if tx_ns < cut_ns:
                before[flow] = name
            if name in failed:
                if not self.first:
                    self.last_rx_ns = rx_ns
            elif tx_ns >= cut_ns and before.get(flow) in failed and not self.first:
                self.first = (tx_ns, rx_ns, name)
        self.hit = sorted(flow for flow, way in before.items() if way in failed)
        self.spared = sorted(set(range(len(measurement.sent))) - set(self.hit))


def _path_name(segments):
    """The ingress policy's name for the way; the segments themselves where it has none. A reduced SRH
    lacks the first segment."""
    for name, own in figure.segments_of(figure.read_policy("pe1")).items():
        if segments in (own, own[1:]):
            return name
    return "-".join(figure.node_of(segment) or segment for segment in segments)
