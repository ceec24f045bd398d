# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
The draft's Figure 1 in network namespaces: Lab builds it, cuts and mends its links, starts
programs on its nodes, and leaves nothing behind. Used by the demo, the lab tests and the
reaction-time bench. Touches only what it made itself: namespaces called fantel-PID-NODE, one
directory with a bpffs of its own, and processes whose ids it knows.

    dc1 -- pe1 --+-- r1 ------ r2 --+-- pe2 -- dc2
                 |     \\      /     |
                 |      -- r5 --    |
                 |     /      \\     |
                 +-- r3 ------ r4 --+

A port is called after the neighbour it leads to. Numbers: NUMBER below; see link_prefix(),
loopback() and locator() for what follows from them. In a node's policy the same names and
addresses stand (policies/*.json).
"""
import atexit
import contextlib
import ctypes
import fcntl
import heapq
import json
import os
import platform
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TREE, "build")
SLOW = int(os.environ.get("SLOW") or "1")  # as selftests/run says

# The node's number in addresses, written as it is: R1 is ::11 and 2001:db8:a:11::/64. Hosts have
# one only to tell their ports apart.
NUMBER = {"pe1": 1, "pe2": 2, "r1": 11, "r2": 12, "r3": 13, "r4": 14, "r5": 15, "dc1": 81, "dc2": 82}
NODES = tuple(NUMBER)
HOSTS = ("dc1", "dc2")
EDGES = ("pe1", "pe2")
LINKS = (("pe1", "r1"), ("pe1", "r3"), ("r1", "r2"), ("r1", "r5"), ("r3", "r5"), ("r2", "r5"),
         ("r4", "r5"), ("r3", "r4"), ("r2", "pe2"), ("r4", "pe2"), ("dc1", "pe1"), ("dc2", "pe2"))
POLICY = {"pe1": "ingress-pe", "pe2": "egress-pe"}  # the others are called like their node

CUSTOMER_MTU = 1500
CORE_MTU = 9000  # so that an outer header never makes a customer's packet too long

# Customer sites: prefix, gateway (on the PE), host.
SITE6 = {"dc1": ("2001:db8:c1::/48", "2001:db8:c1::1", "2001:db8:c1::10"),
         "dc2": ("2001:db8:c2::/48", "2001:db8:c2::1", "2001:db8:c2::20")}
SITE4 = {"dc1": ("203.0.113.0/25", "203.0.113.1", "203.0.113.10"),
         "dc2": ("203.0.113.128/25", "203.0.113.129", "203.0.113.130")}
SITE_OF = {"pe1": "dc1", "pe2": "dc2"}
SID_PORT = "sids"
LOOPBACK4 = {"pe1": "198.51.100.1", "pe2": "198.51.100.2"}

# The other direction, dc2 to dc1, always runs in the kernel's own tunnel, clear of R1-R2.
RETURN_WAY = ("r4", "r3")

_NS_DIR = "/run/netns"
_OURS = re.compile(r"^fantel-(\d+)-")
_CLONE_NEWNET = 0x40000000
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_SYS_BPF = {"x86_64": 321, "s390x": 351, "ppc64le": 361}.get(os.uname().machine, 280)
_libc = ctypes.CDLL(None, use_errno=True)


def loopback(node):
    return f"2001:db8:f::{NUMBER[node]}"


def locator(node):
    return f"2001:db8:a:{NUMBER[node]}::/64"


def sid(node, function="1"):
    """The node's End SID, or that of another function: "d6" End.DT6, "d4" End.DX4."""
    return f"2001:db8:a:{NUMBER[node]}::{function}"


def link_prefix(a, b):
    low, high = sorted((NUMBER[a], NUMBER[b]))
    return f"2001:db8:1:{low}{high}::"


def link_address(node, neighbour):
    return f"{link_prefix(node, neighbour)}{NUMBER[node]}"


def ifindex(node, neighbour):
    """Never the same on both ends of a veth: where they differ, linkwatch reports a carrier that
    went at once, else up to a second later."""
    return NUMBER[node] * 100 + NUMBER[neighbour]


def mac(node, neighbour):
    return f"02:00:00:00:{NUMBER[node]:02d}:{NUMBER[neighbour]:02d}"


def policy_file(node):
    return os.path.join(TREE, "policies", POLICY.get(node, node) + ".json")


def read_policy(node):
    """What is inside the `fantel:fantel` of the node's policy in policies/, or of the one of that name."""
    with open(policy_file(node), encoding="utf-8") as file:
        return json.load(file)["fantel:fantel"]


def segments_of(policy):
    """Path name -> its segments, in the order travelled."""
    return {path["name"]: path["srv6"]["segment"] for path in policy.get("path", ())}


def node_of(segment):
    """Whose SID it is."""
    return next((node for node in NODES if segment.startswith(f"2001:db8:a:{NUMBER[node]}::")), None)


def crosses(segments, a, b):
    """Does a path of the ingress PE with these segments use the link a-b?"""
    stops = ["pe1", *map(node_of, segments)]
    return any({x, y} == {a, b} for x, y in zip(stops, stops[1:]))


def now_ns():
    return time.monotonic_ns()


class Passing:
    """
    An XDP program that passes every packet, on one port for as long as this object lives. Without one
    a veth end gets nothing of what the other end's program sends back with XDP_TX.
    """
    _BPF_PROG_LOAD, _BPF_LINK_CREATE = 5, 28
    _PROG_TYPE_XDP, _ATTACH_XDP, _XDP_DRIVER, _XDP_PASS = 6, 37, 1 << 2, 2
    _HAS_FRAGS = 1 << 5  # for ports with a large MTU

    def __init__(self, port):
        code = struct.pack("<BBhiBBhi", 0xB7, 0, 0, self._XDP_PASS, 0x95, 0, 0, 0)  # r0 = XDP_PASS; exit
        self._keep = [ctypes.create_string_buffer(text) for text in (code, b"GPL")]
        code, licence = (ctypes.addressof(text) for text in self._keep)
        program = self._bpf(self._BPF_PROG_LOAD, struct.pack(
            "=IIQQIIQII", self._PROG_TYPE_XDP, 2, code, licence, 0, 0, 0, 0, self._HAS_FRAGS))
        try:
            self._link = self._bpf(self._BPF_LINK_CREATE, struct.pack(
                "=IIII", program, socket.if_nametoindex(port), self._ATTACH_XDP, self._XDP_DRIVER))
        finally:
            os.close(program)

    @staticmethod
    def _bpf(command, attributes):
        fd = _libc.syscall(_SYS_BPF, command, attributes, len(attributes))
        if fd < 0:
            raise OSError(ctypes.get_errno(), f"bpf({command}): {os.strerror(ctypes.get_errno())}")
        return fd

    def close(self):
        os.close(self._link)


class LabError(Exception):
    """What the lab could not do, and the words of the program that refused."""


def _output(args, text=None):
    done = subprocess.run(args, input=text, capture_output=True, text=True)
    if done.returncode:
        raise LabError(f"{' '.join(args)}: exit {done.returncode}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def _alive(pid):
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, 0)
        return True
    return False


def _unmount_and_remove(directory):
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        points = [line.split()[1] for line in mounts]
    for point in points:
        if point.startswith(directory + "/"):
            subprocess.run(["umount", "-l", point], check=False, capture_output=True)
    shutil.rmtree(directory, ignore_errors=True)


def sweep():
    """Remove what runs left that were killed before they could: theirs whose process is gone."""
    for where, remove in ((_NS_DIR, lambda name: subprocess.run(["ip", "netns", "del", name], check=False)),
                          (tempfile.gettempdir(),
                           lambda name: _unmount_and_remove(os.path.join(tempfile.gettempdir(), name)))):
        for name in os.listdir(where) if os.path.isdir(where) else ():
            ours = _OURS.match(name)
            if ours and not _alive(int(ours.group(1))):
                remove(name)


def missing():
    """Why a lab can't be built here, as a sentence; "" where it can."""
    if os.geteuid() != 0:
        return "needs root"
    for program in ("ip", "nsenter", "ethtool", "mount"):
        if not shutil.which(program):
            return f"needs the program {program}"
    return ""


def shared():
    """Why what concerns the whole machine can't be done here; "" in a virtual machine of our own."""
    with open("/proc/cmdline", encoding="ascii") as line:
        return "" if "fantel.kernel=" in line.read() else "needs a machine of its own: make test-kernels"


def idle_reader():
    """How the program is attached that a customer port has at its tc ingress for what nothing here needs:
    not at all, but that before Linux 6.3 packets of several buffers leave by it."""
    old = tuple(map(int, platform.release().split(".")[:2])) < (6, 3)
    return "clsact" if old else None


def _die_with_parent():
    """In a child before exec: SIGTERM when we are killed, so that no node program outlives us."""
    _libc.prctl(1, signal.SIGTERM)


def undisturbed(priority):
    """The calling thread goes first from now on, ahead of other work on this machine. 0: no longer."""
    policy = os.SCHED_FIFO if priority else os.SCHED_OTHER
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, policy, os.sched_param(priority))


class Lab:
    """
    with Lab() as lab: ...

    `nodes` limits it to some of Figure 1; links between them come along. A host among `guests` is no
    namespace, but a machine that somebody else starts, on the tap that its PE has for a port. Everything
    is removed at the end of the block, on an exception, and on SIGINT, SIGTERM and SIGHUP.
    """

    def __init__(self, nodes=NODES, guests=()):
        self.nodes = tuple(node for node in nodes if node not in guests)
        self.links = tuple(link for link in LINKS if set(link) <= set(self.nodes))
        self.taps = tuple((port, node) for port, node in LINKS if port in guests and node in self.nodes)
        self.neighbours = {node: [] for node in self.nodes}
        for a, b in self.links:
            self.neighbours[a].append(b)
            self.neighbours[b].append(a)
        for port, node in self.taps:
            self.neighbours[node].append(port)
        self.dir = None
        self._processes = []
        self._control = {}
        self._passing = []
        self._handlers = {}

    # ---- life --------------------------------------------------------------------------------

    def __enter__(self):
        why = missing()
        if why:
            raise LabError(f"the lab {why}")
        sweep()
        atexit.register(self.down)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._handlers[number] = signal.signal(number, self._on_signal)
        try:
            self._up()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(self, *_):
        self.down()

    @staticmethod
    def _on_signal(number, _frame):
        raise SystemExit(128 + number)

    def _up(self):
        self.dir = tempfile.mkdtemp(prefix=f"fantel-{os.getpid()}-")
        bpffs = os.path.join(self.dir, "bpf")
        os.mkdir(bpffs)
        _output(["mount", "-t", "bpf", "bpf", bpffs])
        for node in self.nodes:
            _output(["ip", "netns", "add", self.ns(node)])
            self.inside(node, self._sysctls)
        _output(["ip", "-batch", "-"], "".join(self._link_commands()))
        for node in self.nodes:
            self._ip_batch(node, self._node_commands(node))
            self._offloads(node)
        for host in set(HOSTS) & set(self.nodes):
            self._passing += [self.inside(host, lambda port=port: Passing(port)) for port in self.neighbours[host]]

    def down(self):
        """Remove everything. Idempotent; signals wait until it is done."""
        atexit.unregister(self.down)
        for number in self._handlers:
            signal.signal(number, signal.SIG_IGN)
        for process in list(self._processes):
            self.stop(process, patience=2)
        for held in (*self._control.values(), *self._passing):
            held.close()
        self._control.clear()
        self._passing.clear()
        for node in self.nodes:
            if os.path.exists(self._ns_path(node)):
                subprocess.run(["ip", "netns", "del", self.ns(node)], check=False)
        if self.dir:
            _unmount_and_remove(self.dir)
            self.dir = None
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers.clear()

    # ---- what it is made of ------------------------------------------------------------------

    @staticmethod
    def ns(node):
        return f"fantel-{os.getpid()}-{node}"

    def _ns_path(self, node):
        return os.path.join(_NS_DIR, self.ns(node))

    @property
    def pin_root(self):
        return os.path.join(self.dir, "bpf", "fantel")

    @staticmethod
    def _sysctls():
        """Before any port exists: `default` is what new ports inherit."""
        for name, value in (("ipv6/conf/all/forwarding", 1),
                            ("ipv4/ip_forward", 1),
                            ("ipv6/conf/*/seg6_enabled", 1),
                            ("ipv6/conf/*/accept_dad", 0),
                            ("ipv6/conf/*/accept_ra", 0),
                            ("ipv6/conf/*/router_solicitations", 0),
                            ("ipv6/conf/*/keep_addr_on_down", 1),
                            ("ipv4/conf/*/rp_filter", 0)):
            for scope in ("all", "default") if "*" in name else ("",):
                with open(f"/proc/sys/net/{name.replace('*', scope)}", "w", encoding="ascii") as knob:
                    knob.write(str(value))

    def _link_commands(self):
        for a, b in self.links:
            mtu = CUSTOMER_MTU if {a, b} & set(HOSTS) else CORE_MTU
            yield (f"link add {b} netns {self.ns(a)} index {ifindex(a, b)} mtu {mtu} address {mac(a, b)}"
                   f" type veth peer name {a} netns {self.ns(b)} index {ifindex(b, a)} mtu {mtu}"
                   f" address {mac(b, a)}\n")

    def _node_commands(self, node):
        yield "link set lo up\n"
        for port, at in self.taps:
            if at == node:
                yield f"tuntap add {port} mode tap\n"
                yield f"link set {port} mtu {CUSTOMER_MTU} address {mac(node, port)}\n"
        for neighbour in self.neighbours[node]:
            yield f"link set {neighbour} up\n"
        yield from self._addresses(node)
        if node in HOSTS:
            for site in (SITE6, SITE4):
                yield f"route add default via {site[node][1]}\n"
            return
        yield f"address add {loopback(node)}/128 dev lo\n"
        if node in EDGES:
            yield f"address add {LOOPBACK4[node]}/32 dev lo\n"
        yield f"sr tunsrc set {loopback(node)}\n"
        yield from self._routes(node)
        yield from self._segments(node)

    def _addresses(self, node, only=None):
        for neighbour in self.neighbours[node]:
            if only and neighbour != only:
                continue
            if node in HOSTS:
                own = [(site[node][2], site[node][0]) for site in (SITE6, SITE4)]
            elif neighbour in HOSTS:
                own = [(site[neighbour][1], site[neighbour][0]) for site in (SITE6, SITE4)]
            else:
                own = [(link_address(node, neighbour), "/64")]
            for address, prefix in own:
                yield f"address replace {address}/{prefix.split('/')[1]} dev {neighbour}\n"

    def _routes(self, node, only=None):
        """The shortest way to every router's locator and loopback, as an IGP would have it."""
        for router, first in self._next_hops(node).items():
            if only and first != only:
                continue
            via = f"{link_address(first, node)} dev {first}"
            yield f"route replace {locator(router)} via {via}\n"
            yield f"route replace {loopback(router)}/128 via {via}\n"
            if router in EDGES:
                yield f"route replace {LOOPBACK4[router]}/32 via inet6 {via}\n"

    def _next_hops(self, node):
        """Router -> neighbour that leads there. Of equal ways the first by node number, so that they
        are the same in every run; nobody's transit goes through a PE."""
        first, seen, queue = {}, set(), [(0, NUMBER[node], node, None)]
        while queue:
            cost, _, here, via = heapq.heappop(queue)
            if here in seen or here in HOSTS:
                continue
            seen.add(here)
            if via:
                first[here] = via
            if via and here in EDGES:
                continue
            for neighbour in self.neighbours[here]:
                heapq.heappush(queue, (cost + 1, NUMBER[neighbour], neighbour, via or neighbour))
        return first

    def _segments(self, node):
        """The node's own SIDs, in the kernel's seg6local. `dev` may not be the loopback; a port of their
        own keeps them when links go down."""
        yield f"link add {SID_PORT} type bridge\n"
        yield f"link set {SID_PORT} up\n"
        yield f"route add {sid(node)}/128 encap seg6local action End dev {SID_PORT}\n"
        host = SITE_OF.get(node)
        if host not in self.neighbours[node]:
            return
        # main is the table of decapsulated packets; End.DT4 would need a VRF, End.DX4 names the host
        yield f"route add {sid(node, 'd6')}/128 encap seg6local action End.DT6 table main dev {SID_PORT}\n"
        yield (f"route add {sid(node, 'd4')}/128 encap seg6local action End.DX4"
               f" nh4 {SITE4[host][2]} dev {SID_PORT}\n")

    def _ip_batch(self, node, commands):
        _output(["ip", "-n", self.ns(node), "-batch", "-"], "".join(commands))

    def _offloads(self, node):
        """Checksums finished before XDP sees a host's packet; GRO, because a veth end without XDP takes
        redirected frames only with it."""
        commands = [f"ethtool -K {port} gro on" + (" tx off" if node in HOSTS else "")
                    for port in self.neighbours[node]]
        self.run(node, "sh", "-c", " && ".join(commands))

    # ---- doing something on a node -----------------------------------------------------------

    def enter(self, node, *command):
        """The command line that runs `command` on the node. Not `ip netns exec`: that hides bpffs."""
        return ["nsenter", f"--net={self._ns_path(node)}", *map(str, command)]

    def run(self, node, *command, text=None):
        return _output(self.enter(node, *command), text)

    def spawn(self, node, *command, prepare=lambda: None, **options):
        """Start a program that runs until stop() or the lab's end; prepare() is called in its process
        just before."""
        process = subprocess.Popen(self.enter(node, *command),
                                   preexec_fn=lambda: (_die_with_parent(), prepare()), **options)
        self._processes.append(process)
        return process

    def stop(self, process, how=signal.SIGTERM, patience=10 * SLOW):
        """End a program of spawn() and return its exit code."""
        if process.poll() is None:
            process.send_signal(how)
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        with contextlib.suppress(ValueError):
            self._processes.remove(process)
        return process.returncode

    def inside(self, node, function):
        """Call function() on the node; what it opens stays there."""
        result = []

        def call():
            with open(self._ns_path(node), "rb") as ns:
                if _libc.setns(ns.fileno(), _CLONE_NEWNET):
                    result.append(OSError(ctypes.get_errno(), f"setns {node}"))
                    return
            try:
                result.append(function())
            except Exception as error:  # handed to the caller's thread
                result.append(error)

        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
        if isinstance(result[0], Exception):
            raise result[0]
        return result[0]

    def ip(self, node, *args):
        return _output(["ip", "-n", self.ns(node), *map(str, args)])

    # ---- links -------------------------------------------------------------------------------

    def _set_port(self, node, port, up):
        """Returns CLOCK_MONOTONIC ns just before and just after the kernel was told."""
        if node not in self._control:
            self._control[node] = self.inside(node, lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
        control = self._control[node].fileno()
        request = struct.pack("16sh22x", port.encode(), 0)
        flags = struct.unpack_from("h", fcntl.ioctl(control, _SIOCGIFFLAGS, request), 16)[0]
        flags = flags | _IFF_UP if up else flags & ~_IFF_UP
        request = struct.pack("16sh22x", port.encode(), flags)
        undisturbed(20)
        before = now_ns()
        fcntl.ioctl(control, _SIOCSIFFLAGS, request)
        after = now_ns()
        undisturbed(0)
        return before, after

    def cut(self, a, b, how="admin"):
        """Cut the link a-b: "admin" sets a's end down, "carrier" sets b's end down, so that a loses
        the carrier. Returns the ns just before and just after."""
        return self._set_port(a, b, False) if how == "admin" else self._set_port(b, a, False)

    def finish_checksums(self, a, b):
        """Of packets that these two make, before the other end of their link sees them."""
        for node, port in ((a, b), (b, a)):
            self.run(node, "ethtool", "-K", port, "tx", "off")

    def plug_again(self, a, b):
        """The link a-b once more, after one of its ends was removed; its ports are to be set up by mend()."""
        self.ip(a, "link", "add", b, "address", mac(a, b), "type", "veth",
                "peer", "name", a, "netns", self.ns(b), "address", mac(b, a))
        self.finish_checksums(a, b)

    def mend(self, a, b):
        """Both ends up again, with the addresses and routes that the kernel took away. Returns the ns
        just before and just after the link came up."""
        first, _ = self._set_port(a, b, True)
        _, last = self._set_port(b, a, True)
        for node, neighbour in ((a, b), (b, a)):
            self._ip_batch(node, [*self._addresses(node, neighbour), *self._routes(node, neighbour)])
        return first, last

    def flap(self, a, b, hertz, seconds, how="admin"):
        """Cut the link a-b so often a second and put it up again between; it ends cut. Returns the ns when
        it began, and how often it was cut."""
        cut, back = ((a, b), list(self._routes(a, b))) if how == "admin" else ((b, a), [])
        start, n = now_ns(), 0
        while n < hertz * seconds:
            for up in (False, True):
                time.sleep(max(0, start / 1e9 + (n + up / 2) / hertz - time.monotonic()))
                self._set_port(*cut, up)
            if back:
                self._ip_batch(a, back)
            n += 1
        self._set_port(*cut, False)
        return start, n + 1

    # ---- the kernel's own tunnels ------------------------------------------------------------

    def kernel_tunnel(self, at, segments4=(), segments6=()):
        """Let the kernel of PE `at` send the far site's packets through these segments (outermost
        first), for IPv4 and IPv6 inside."""
        far = "dc2" if at == "pe1" else "dc1"
        port = next(n for n in self.neighbours[at] if n not in HOSTS)
        for site, segments in ((SITE4, segments4), (SITE6, segments6)):
            if segments:
                self.ip(at, "route", "replace", site[far][0], "encap", "seg6", "mode", "encap",
                        "segs", ",".join(segments), "dev", port)

    def return_tunnel(self):
        """The way back from dc2 to dc1, for what needs an answer."""
        way = [sid(node) for node in RETURN_WAY if node in self.nodes]
        self.kernel_tunnel("pe2", way + [sid("pe1", "d4")], way + [sid("pe1", "d6")])
