# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
Figure 1 as it would be set up today without fantel: each of its routers runs FRR (zebra, bfdd, ospf6d) or
BIRD, OSPFv3 on every link, a BFD session behind every neighbour, 50 ms x 3. Traffic between the sites is
routed hop by hop. All timers are their defaults, but for hellos each second, which no failure here waits
for: they only let a mended link be in use again sooner. The link of the ingress PE to R3 costs more, so
that the way by R1 and R2 is the one in use.
"""
import json
import os
import re

import lab as figure
import peers
import routers

INTERVAL_MS, MULTIPLIER = 50, 3
ROUTERS = tuple(node for node in figure.NODES if node not in figure.HOSTS)
COST, DEAR = 10, 15


def router_id(node):
    return f"198.51.100.{figure.NUMBER[node]}"


def cost(node, port):
    return DEAR if (node, port) == ("pe1", "r3") else COST


class _Router:
    """What FRR and BIRD have in common: `session` is None, all links have one."""

    def __init__(self, lab, node):
        self.core = [port for port in lab.neighbours[node] if port not in figure.HOSTS]
        self.sites = [port for port in lab.neighbours[node] if port in figure.HOSTS]
        super().__init__(lab, node, None)

    def ready(self):
        """Every link has its BFD session, and both sites are known."""
        return self.sessions_up() == len(self.core) and all(self.way_to(site) for site in figure.HOSTS)

    def way_to(self, site):
        """The port that the site's packets leave by; None if there is none."""
        address = figure.SITE6[site][2]
        try:
            found = re.search(r"\bdev (\S+)", self.lab.ip(self.node, "-6", "route", "get", address))
        except figure.LabError:
            return None
        return found and found.group(1)


class Frr(_Router, peers.Frr):
    programs = (*peers.Frr.programs, f"{peers.FRR}/ospf6d")

    def _start(self):
        self._daemon("zebra", "")
        routers.until(lambda: os.path.exists(self.file("zserv")))
        self._daemon("bfdd", f"bfd\n profile link\n  detect-multiplier {MULTIPLIER}\n  receive-interval {INTERVAL_MS}\n"
                     f"  transmit-interval {INTERVAL_MS}\n", "--bfdctl", self.file("ctl"))
        routers.until(lambda: "announce only bfd routes" in self.said())  # zebra says so; OSPF would not find it earlier
        lines = [f"router ospf6\n ospf6 router-id {router_id(self.node)}\nexit"]
        for port in self.core:
            lines.append(f"interface {port}\n ipv6 ospf6 area 0\n ipv6 ospf6 network point-to-point\n"
                         f" ipv6 ospf6 cost {cost(self.node, port)}\n ipv6 ospf6 hello-interval 1\n"
                         f" ipv6 ospf6 dead-interval 4\n ipv6 ospf6 bfd profile link")
        for port in self.sites:
            lines.append(f"interface {port}\n ipv6 ospf6 area 0\n ipv6 ospf6 passive")
        return self._daemon("ospf6d", "\n".join(lines) + "\n")

    def sessions_up(self):
        try:
            return sum(peer["status"] == "up" for peer in json.loads(self._vtysh("show bfd peers json")))
        except (KeyError, ValueError, figure.LabError):
            return 0

    @staticmethod
    def version():
        return routers.subprocess.run([f"{peers.FRR}/zebra", "--version"], capture_output=True, text=True,
                                      check=True).stdout.split()[2]


class Bird(_Router, peers.Bird):
    def _start(self):
        ports = "\n".join(f'        interface "{port}" {{ type ptp; cost {cost(self.node, port)}; hello 1; dead 4; bfd yes; }};'
                          for port in self.core)
        sites = "\n".join(f'        interface "{port}" {{ stub; }};' for port in self.sites)
        config = self.file("bird.conf", f"""
router id {router_id(self.node)};
protocol device {{ }}
protocol kernel {{ ipv6 {{ export all; }}; }}
protocol bfd {{ interface "*" {{ interval {INTERVAL_MS} ms; multiplier {MULTIPLIER}; }}; }}
protocol ospf v3 {{
    ipv6 {{ }};
    area 0 {{
{ports}
{sites}
    }};
}}
""")
        return self.spawn("/usr/sbin/bird", "-f", "-c", config, "-s", self.file("ctl"), "-P", self.file("pid"))

    def sessions_up(self):
        try:
            return sum(line.split()[2:3] == ["Up"] for line in self._birdc("show", "bfd", "sessions").splitlines())
        except figure.LabError:
            return 0

    @staticmethod
    def version():
        return routers.subprocess.run(["/usr/sbin/bird", "--version"], capture_output=True, text=True,
                                      check=True).stderr.split()[2]
