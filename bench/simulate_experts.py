#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Replays a trace of bench_experts in caches that exist only as numbers, and prints what each would read.

The caches have as many slots as the real one. `nmos` is the rule of src/stream/expert_policy.h, written down
a second time: every use is kept, and heats are summed up anew where they are needed. `lru` evicts what was
used longest ago. `farthest` knows the future and evicts what is needed last (Belady 1966), which nobody can
beat. Guesses are not simulated.
"""
import argparse
import json
from pathlib import Path

HALF_LIFE, DISTANCE_COST = 24.0, 0.25  # as in expert_policy.h


def read_trace(path):
    """(description of the cache, [(layer, rows of the pass, {expert: rows})])."""
    lines = Path(path).read_text(encoding="ascii").splitlines()
    visits = []
    for line in lines[1:]:
        layer, n_rows, *experts = line.split()
        pairs = (word.split(":") for word in experts)
        visits.append((int(layer), int(n_rows), {int(e): int(n) for e, n in pairs}))
    return json.loads(lines[0]), visits


class Decayed:
    """Worth by decayed counts of use, and by how soon the layer comes round."""

    def __init__(self, n_layers, half_life=HALF_LIFE, distance_cost=DISTANCE_COST):
        self.n_layers, self.half_life, self.distance_cost = n_layers, half_life, distance_cost
        self.now, self.last_layer, self.uses = [0] * n_layers, 0, {}  # a clock for each layer

    def visit(self, layer, n_rows, experts):
        self.now[layer] += n_rows
        self.last_layer, now = layer, self.now[layer]
        for expert, n in experts.items():
            heat, then = self.uses.get((layer, expert), (0.0, now))
            self.uses[layer, expert] = (heat * 0.5 ** ((now - then) / self.half_life) + n, now)

    def worth(self, key):
        heat, then = self.uses[key]
        distance = (key[0] - self.last_layer - 1) % self.n_layers + 1
        return (heat * 0.5 ** ((self.now[key[0]] - then) / self.half_life)
                * 2 ** (-self.distance_cost * distance / self.n_layers))


class Recent:
    """Worth by last use."""

    def __init__(self):
        self.clock, self.last = 0, {}

    def visit(self, layer, _, experts):
        self.clock += 1
        self.last |= {(layer, e): self.clock for e in experts}

    def worth(self, key):
        return self.last[key]


class Clairvoyant:
    """Worth by next use."""

    def __init__(self, visits):
        self.clock, self.next, self.future = 0, {}, {}
        for i, (layer, _, experts) in enumerate(visits, 1):
            for expert in experts:
                self.future.setdefault((layer, expert), []).append(i)
        for times in self.future.values():
            times.reverse()

    def visit(self, layer, _, experts):
        self.clock += 1
        for expert in experts:
            times = self.future[layer, expert]
            times.pop()
            self.next[layer, expert] = times[-1] if times else 1 << 60

    def worth(self, key):
        return -self.next[key]


def replay(cache, visits, rule):
    """[(experts missing, their bytes)] of each visit. What a visit wants is not evicted before it was used."""
    resident, missed = [set() for _ in cache["slots"]], []
    for layer, n_rows, experts in visits:
        rule.visit(layer, n_rows, experts)
        place, room = resident[cache["class_of"][layer]], cache["slots"][cache["class_of"][layer]]
        wanted = [(layer, e) for e in experts]
        missing = [key for key in wanted if key not in place]
        missed.append((len(missing), len(missing) * cache["expert_bytes"][layer]))
        n_evict = len(place) + len(missing) - room
        if n_evict > 0:
            others = sorted((k for k in place if k not in wanted), key=rule.worth)
            # A visit that wants more than all slots uses some of them again for its own experts.
            place.difference_update(others[:n_evict])
        place.update(missing[:room - len(place)])
    return missed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trace", type=Path)
    parser.add_argument("--half-lives", default="", help="try these as well: N,N,...")
    args = parser.parse_args()
    cache, visits = read_trace(args.trace)
    n_layers = len(cache["class_of"])
    rules = {"nmos": Decayed(n_layers), "lru": Recent(), "farthest": Clairvoyant(visits)}
    for text in filter(None, args.half_lives.split(",")):
        for cost in (0.0, 0.25, 1.0):
            rules[f"half-life {text}, distance {cost}"] = Decayed(n_layers, float(text), cost)
    n_wanted = [len(experts) for _, _, experts in visits]
    counts = {}
    for layer, _, experts in visits:
        for expert in experts:
            counts[layer, expert] = counts.get((layer, expert), 0) + 1
    top = sorted(counts.values(), reverse=True)[:sum(cache["slots"])]
    report = {"visits": len(visits), "wanted": sum(n_wanted), "slots": sum(cache["slots"]),
              "experts": n_layers * cache["n_experts"], "experts_touched": len(counts),
              "share_of_uses_of_the_most_used": round(sum(top) / sum(n_wanted), 4)}
    half = len(visits) // 2
    for name, rule in rules.items():
        missed = replay(cache, visits, rule)
        report[name] = {"missing": sum(n for n, _ in missed), "bytes": sum(b for _, b in missed),
                        "hit_rate": round(1 - sum(n for n, _ in missed) / sum(n_wanted), 4),
                        "hit_rate_second_half": round(
                            1 - sum(n for n, _ in missed[half:]) / sum(n_wanted[half:]), 4)}
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
