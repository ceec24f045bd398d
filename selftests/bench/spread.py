# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""How a bench prints what it measured many times: a row of median, 90th percentile and longest."""
import statistics


def p90(values):
    """The least of the values that nine tenths of all do not exceed."""
    return sorted(values)[-(-len(values) * 9 // 10) - 1]


def spread(values):
    """As it goes into JSON; None for what was never seen."""
    if not values:
        return None
    return {"median": statistics.median(values), "p90": p90(values), "max": max(values), "n": len(values)}


def print_head(what, unit):
    print(f"\n{what}\n  {unit:<54} {'median':>9} {'p90':>9} {'max':>9} {'n':>4}")


def print_row(name, values):
    s = spread(values)
    print(f"  {name:<54} not seen" if not s else
          f"  {name:<54} {s['median']:9.2f} {s['p90']:9.2f} {s['max']:9.2f} {s['n']:4d}", flush=True)
