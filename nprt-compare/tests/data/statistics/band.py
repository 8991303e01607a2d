"""Writes band.json: the constant C of the time-uniform band, and what follows from it.

Run: python band.py > band.json   (scipy; written for this project, under its licence)
"""
import json, math
from scipy.optimize import brentq, minimize_scalar

A = .85


def ln_error(c):
    # Up to where γ² is 1.
    top = brentq(lambda eta: math.sqrt(eta / 2) + math.sqrt(2 * (eta - 1) / c) - A, 1, 2 * A * A)

    def at(eta):
        g = 2 / eta * (A - math.sqrt(2 * (eta - 1) / c)) ** 2
        return math.log(4) - g * c + math.log1p(1 / ((g - 1) * math.log(eta))) if g > 1 else math.inf

    return minimize_scalar(at, bounds=(1 + 1e-9, top - 1e-9), method="bounded", options=dict(xatol=1e-12)).fun


cases = []
for alpha in (.2, .05, .025, .01, .005, 1e-6, 1e-30):
    c = brentq(lambda c: ln_error(c) - math.log(alpha), 2, 500, xtol=1e-13, rtol=1e-14)
    for start, n in ((1, 1), (1, 5000), (100, 100), (100, 1000), (500, 123456), (1, 10**9)):
        radius = min(1, A * math.sqrt((math.log(1 + math.log(n / start)) + c) / n))
        ranks = [[r if 1 <= r <= n else None for r in (math.ceil((p - radius) * n), math.ceil((p + radius) * n))]
                 for p in (.5, .95, .99)]
        cases.append({"alpha": alpha, "from": start, "samples": n, "radius": radius, "ranks": ranks})
print("[" + ",\n".join(map(json.dumps, cases)) + "]")
