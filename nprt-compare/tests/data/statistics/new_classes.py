"""Expected values for the test of new error classes: python3 new_classes.py > new_classes.json (numpy).

Λ_k as in the reference script (newclass.py), in exact fractions but for the square roots, and summed to 400 terms instead
of 11. Classes with 64 incidents or more are one term; it must be at least what any of their counts would give.
"""
import json, math
from fractions import Fraction
import numpy as np

J, TERMS = 64, 400


def up(n):
    return n + 2 * math.sqrt(n) + 1


def expected(incidents, rho, terms):
    counts = [sum(1 for i in incidents if i == j) for j in range(terms + 1)]
    out, total = [0.0] * (terms + 1), 0.0
    for j in range(terms, 0, -1):
        total += float(rho**j) * up(counts[j])
        out[j] = total
    return out[1:]


def capped(incidents, rho):
    m = sum(1 for i in incidents if i >= J)
    r = float(rho)
    last = float(rho**J) * (m + 2 * math.sqrt(m / (1 - float(rho**2))) + 1 / (1 - r))
    below = expected([i for i in incidents if i < J], rho, J - 1)
    return [x + last for x in below] + [last]


rng, cases = np.random.default_rng(8), []
for classes, scale, history, canary, share, alpha in (
        (0, 1, 864_000, 18_000, .25, .01), (50, 30, 864_000, 18_000, .25, .01), (3000, 3, 864_000, 18_000, .25, .01),
        (3000, 3, 8_640_000, 180_000, .1, .01), (400, 2, 72_000, 18_000, .25, .01), (400, 2, 18_000, 18_000, .5, .01),
        (40, 60, 18_000, 180_000, .9, .01), (40, 60, 1_000, 180_000, .99, .01), (3000, 3, 864_000, 18_000, .05, 1e-6),
        (3000, 3, 864_000, 18_000, .001, .3), (5, 1000, 90_000, 10_000, .25, .05)):
    incidents = [int(i) for i in np.ceil(scale * rng.pareto(1, classes))]
    incidents = [max(1, min(i, TERMS)) for i in incidents]
    rho = Fraction(canary, history + canary)
    ours = capped(incidents, rho)
    exact = expected(incidents, rho, TERMS)
    assert all(a >= b * (1 - 1e-12) for a, b in zip(ours, exact))
    if rho < Fraction(1, 4):
        assert all(a <= b * (1 + 1e-6) for a, b in zip(ours[:30], exact))
    cases.append(dict(
        seen=[sum(min(i, J) == j for i in incidents) for j in range(1, J + 1)],
        exposure=dict(history_requests=history, canary_requests=canary, share=share), alpha=alpha, expected=ours,
        history=next((k for k, x in enumerate(ours, 1) if x <= alpha), None),
        beside=math.ceil(math.log(alpha) / math.log(share))))
print("[" + ",\n".join(map(json.dumps, cases)) + "]")
