# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""
What the tests of tunnels other than SRv6 share: the examples of policies/ as changes for
routers.start(), and the question whether everything arrives. Used by test_outer and test_far_kernel.
"""
import lab as figure
import routers
from traffic import Traffic

PE1_4, PE2_4 = figure.LOOPBACK4["pe1"], figure.LOOPBACK4["pe2"]
PE1_6, PE2_6 = figure.loopback("pe1"), figure.loopback("pe2")
INNER_MAC = "02:00:5e:00:53:02"  # of ingress-pe-vxlan.json
VXLAN = {"vni": 64500, "inner-destination-mac": INNER_MAC}


def example(name):
    """A change that makes the policy that of policies/NAME.json."""
    def change(_node, policy):
        policy.clear()
        policy.update(figure.read_policy(name))
    return change


def one_path(**tunnel):
    """The ingress PE with this path only, for both families."""
    def change(node, policy):
        example("ingress-pe-gre")(node, policy)
        policy["path"] = [{"name": "only", **tunnel}]
        policy["group"] = [{"name": "dc2", "member": [{"path": "only"}]}]
    return change


def to(address, **more):
    return {"destination": address, **more}


def carried(pe1):
    """Path name -> packets that it has carried."""
    return {name: path["packets"] for name, path in pe1.paths().items()}


def wait_for(pe1, path, packets=2000):
    """Until `path` has carried so many packets more."""
    goal = carried(pe1)[path] + packets
    return routers.until(lambda: carried(pe1)[path] >= goal)


def unharmed(m):
    """Nothing lost, doubled, damaged, out of order, and at least something sent."""
    return sum(m.sent) == m.summary["received"]["received"] > 0 and not (
        m.duplicates() or m.bad_icrc() or any(any(m.out_of_order(flow)) for flow in range(len(m.sent))))


def check_arrival(tap, lab, pe1, path, words, path4=None):
    """Both families, whole and in order, each by `path`; IPv4 by `path4` if there is one."""
    for family, site, path in ((6, figure.SITE6, path), (4, figure.SITE4, path4 or path)):
        host = site["dc2"][2]
        said = lab.run("dc1", "sh", "-c", f"ping -c 3 -i 0.05 -W 1 {host} || true")
        tap.ok("3 received" in said, f"{words}: dc1 pings {host}", said)
        before = carried(pe1)[path]
        with Traffic(lab, family, rate=10000, flows=64) as traffic:
            wait_for(pe1, path)
        m = traffic.measurement
        tap.ok(unharmed(m), f"{words}: RoCEv2 over IPv{family} arrives whole and in order", m.summary)
        tap.equal(carried(pe1)[path] - before, sum(m.sent), f"{words}: and `fantel paths` counts it on {path}")
