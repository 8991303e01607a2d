"""Expected values for the Mann-Whitney test: python3 mann_whitney.py > mann_whitney.json (numpy, scipy).

U, exact p-values without ties and normal ones: scipy.stats.mannwhitneyu. Exact ones with ties: every way to
share out the measurements, counted in whole numbers (few), or group by group of equal ones (many), which is
not the algorithm under test. Shift and interval: all differences, sorted; critical values by scipy.
"""
import itertools, json
from fractions import Fraction
from math import comb, floor, sqrt
import numpy as np
from scipy.stats import mannwhitneyu, norm
import scipy


def u_of(stable, canary):
    return sum((c > s) + (c == s) / 2 for c in canary for s in stable)


def by_enumeration(stable, canary):
    pooled, n, u = stable + canary, len(canary), u_of(stable, canary)
    less = greater = 0
    for chosen in itertools.combinations(range(len(pooled)), n):
        mine = [pooled[i] for i in chosen]
        rest = [pooled[i] for i in range(len(pooled)) if i not in chosen]
        v = u_of(rest, mine)
        less += v <= u
        greater += v >= u
    return greater, less


def by_groups(stable, canary):
    """Counts by (drawn so far, doubled U), one group of equal values at a time."""
    u2, ways, seen = round(2 * u_of(stable, canary)), {(0, 0): 1}, 0
    for value in sorted(set(stable + canary)):
        size, after = stable.count(value) + canary.count(value), {}
        for (drawn, so_far), count in ways.items():
            for take in range(min(size, len(canary) - drawn) + 1):
                key = (drawn + take, so_far + take * (2 * (seen - drawn) + size - take))
                after[key] = after.get(key, 0) + count * comb(size, take)
        ways, seen = after, seen + size
    done = {u: count for (drawn, u), count in ways.items() if drawn == len(canary)}
    return sum(c for u, c in done.items() if u >= u2), sum(c for u, c in done.items() if u <= u2)


def critical(m, n, alpha, exact):
    if not exact:
        return max(0, floor(m * n / 2 + norm.ppf(alpha) * sqrt(m * n * (m + n + 1) / 12) + 0.5))
    counts, seen = without_ties(m, n), 0
    for k, count in enumerate(counts):
        seen += count
        if Fraction(seen, comb(m + n, m)) > Fraction(str(alpha)):
            return k


def without_ties(m, n):
    """Coefficients of the Gaussian binomial, in whole numbers."""
    counts = [1] + [0] * (m * n)
    for i in range(1, m + 1):
        for u in range(m * n, n + i - 1, -1):
            counts[u] -= counts[u - n - i]
        for u in range(i, m * n + 1):
            counts[u] += counts[u - i]
    return counts


def case(stable, canary, alpha):
    m, n = len(stable), len(canary)
    exact = m < 50 and n < 50
    ties = len(set(stable + canary)) < m + n
    out = dict(stable=stable, canary=canary, alpha=alpha, u=float(mannwhitneyu(canary, stable).statistic), exact=exact)
    if exact and ties:
        ways = by_groups(stable, canary)
        if comb(m + n, n) < 20000:
            assert ways == by_enumeration(stable, canary)
        out["greater"], out["less"] = (float(Fraction(w, comb(m + n, n))) for w in ways)
    else:
        for side in ("greater", "less"):
            out[side] = float(mannwhitneyu(canary, stable, alternative=side, method="exact" if exact else "asymptotic").pvalue)
    d = np.sort(np.subtract.outer(np.array(canary), np.array(stable)).ravel())
    out["shift"] = float(np.median(d))
    k = critical(m, n, alpha, exact) if 1 / comb(m + n, n) <= alpha else 0
    out["interval"] = [float(d[k - 1]), float(d[-k])] if k else None
    return out


def main():
    rng, cases = np.random.default_rng(5), []
    for m, n in [(1, 1), (1, 19), (2, 5), (3, 3), (5, 4), (8, 8), (12, 20), (49, 49), (49, 7), (50, 49), (60, 200), (300, 100)]:
        for alpha in (0.05, 0.005):
            for digits in (9, 1, 0):
                stable = [round(float(x), digits) for x in rng.lognormal(0, 1, m)]
                canary = [round(float(x), digits) for x in rng.lognormal(0.4, 1, n)]
                cases.append(case(stable, canary, alpha))
    print(json.dumps(dict(origin="mann_whitney.py, scipy " + scipy.__version__, cases=cases)))


main()
