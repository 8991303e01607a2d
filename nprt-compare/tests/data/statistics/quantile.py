"""Writes quantile.json: ln E of the blocked conditional e-process, from exact integers.

Run: python quantile.py > quantile.json   (standard library only; written for this project, under its licence)
Where the project's experiments (methods.py, numpy, numba) are importable it also checks that they agree:
PYTHONPATH=.../statlab python quantile.py > quantile.json
"""
import json, math, random
from fractions import Fraction

ODDS = ["11/10", "6/5", "27/20", "8/5", "2", "3", "5", "10"]


def ln(fraction):
    """ln of a fraction of any size, to the last bits of a float."""
    def one(n):
        shift = max(0, n.bit_length() - 100)
        return math.log(n >> shift) + shift * math.log(2)
    return one(fraction.numerator) - one(fraction.denominator)


def ln_pgf(marked, drawn, everything):
    lo, hi = max(0, drawn - (everything - marked)), min(drawn, marked)
    weights = [math.comb(marked, j) * math.comb(everything - marked, drawn - j) for j in range(lo, hi + 1)]
    result = []
    for psi in map(Fraction, ODDS):
        # Horner's rule on integers: Σ w_j a^(j-lo) b^(hi-j).
        a, b, total, power = psi.numerator, psi.denominator, 0, 1
        for weight in reversed(weights):
            total, power = total * a + weight * power, power * b
        value = Fraction(total, math.comb(everything, drawn))
        result.append(ln(value) - (hi - lo) * math.log(b) + lo * ln(psi))
    return result


def compare(marked, drawn, everything, expected):
    try:
        import numpy as np
        from methods import hyp_logpgf
    except ImportError:
        return
    out = np.empty(8)
    hyp_logpgf(marked, everything, drawn, np.array([float(Fraction(p)) for p in ODDS]), out)
    assert all(abs(a - b) < 1e-9 * max(1, abs(b)) for a, b in zip(out, expected)), (marked, drawn, everything)


random.seed(5)
tables = [(0, 0, 0, 0), (0, 5, 0, 0), (0, 0, 3, 9), (0, 20, 0, 60), (20, 20, 60, 60), (1, 1, 0, 1), (0, 1, 1, 1),
          (7, 10, 1, 3), (10, 10, 0, 30), (0, 10, 30, 30), (15, 150, 22, 450), (75, 150, 225, 450),
          (800, 1500, 2200, 4500), (1500, 1500, 0, 1500), (0, 1500, 1500, 1500), (40, 3000, 1, 100)]
for _ in range(60):
    n_c, n_s = random.choice([3, 20, 150, 700]), random.choice([3, 60, 450, 900])
    tables.append((random.randint(0, n_c), n_c, random.randint(0, n_s), n_s))
cases = []
for k_c, n_c, k_s, n_s in tables:
    pgf = ln_pgf(k_c + k_s, n_c, n_c + n_s)
    if 0 < k_c + k_s < n_c + n_s and n_c and n_s and n_c + n_s < 1200:
        compare(k_c + k_s, n_c, n_c + n_s, pgf)
    cases.append({"canary": [k_c, n_c], "stable": [k_s, n_s],
                  "ln_factors": [k_c * ln(Fraction(p)) - g for p, g in zip(ODDS, pgf)]})
print("[" + ",\n".join(map(json.dumps, cases)) + "]")
