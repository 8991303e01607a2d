"""Writes rank.json: ln E of the blocked rank e-process, by the saddlepoint and exactly.

Run: python rank.py > rank.json   (numpy and scipy; written for this project, under its licence)
Where the project's experiments (rank.py, methods.py, numba) are in the folder given as first argument it also checks that
the saddlepoint and the standardised sum agree with them.
"""
import importlib.util, json, math, sys
import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaln

LAMBDAS = [.05, .1, .2, .4, .7, 1.2]
theirs = None
if len(sys.argv) > 1:
    sys.path.insert(0, sys.argv[1])
    spec = importlib.util.spec_from_file_location("theirs", sys.argv[1] + "/rank.py")
    theirs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(theirs)


def exact(s, lam, n):
    total = np.full(n + 1, -np.inf)
    total[0] = 0
    for v in s:
        total[1:] = np.logaddexp(total[1:], total[:-1] + lam * v)
    return total[n] - (gammaln(len(s) + 1) - gammaln(n + 1) - gammaln(len(s) - n + 1))


def saddlepoint(s, lam, n):
    f = n / len(s)
    p = lambda c: 1 / (1 + (1 - f) / f * np.exp(-lam * s - c))
    c = brentq(lambda c: p(c).sum() - n, -lam * s.max() - 1e-6, -lam * s.min() + 1e-6, xtol=1e-15, rtol=1e-15)
    variance = (p(c) * (1 - p(c))).sum()
    return np.log(1 - f + f * np.exp(lam * s + c)).sum() - n * c - .5 * math.log(variance / (len(s) * f * (1 - f)))


rng = np.random.default_rng(5)
cases = []
for bins, rate_c, rate_s in [(2, 1, 1), (3, 1, 3), (5, 2, 6), (12, 2, 6), (12, 6, 2), (30, 5, 15), (30, 15, 1)] * 4:
    earlier = rng.poisson(20 * rng.random(bins) ** 2)
    canary, stable = rng.poisson(rate_c, bins), rng.poisson(rate_s, bins)
    n, everything = int(canary.sum()), int((canary + stable).sum())
    scores = (np.cumsum(earlier) - earlier / 2) / max(earlier.sum(), 1)
    s = np.repeat(scores, canary + stable)
    if not 0 < n < everything or s.max() == s.min():
        continue
    own, reach = float((canary * scores).sum()), s.max() - s.min()
    ln_factors, exactly = [], []
    for lam in LAMBDAS:
        estimate = saddlepoint(s, lam, n)
        if theirs:
            out, z = np.zeros(1), np.zeros(1)
            theirs.rank_eproc(stable[None], canary[None], earlier.astype(float), np.arange(bins), np.array([lam]), 1., 0., out, z)
            assert abs(out[0] - (lam * own - estimate)) < 1e-9
        bound = min(n * math.log(np.exp(lam * s).mean()),
                    lam * s.sum() + (everything - n) * math.log(np.exp(-lam * s).mean()))
        ln_factors.append(lam * own - min(estimate + (lam * reach) ** 2 / (12 * everything), bound))
        exactly.append(lam * own - exact(s, lam, n))
    variance = ((s - s.mean()) ** 2).sum() * n / everything * (1 - n / everything) * everything / (everything - 1)
    standardised = (own - n * s.mean()) / math.sqrt(variance)
    assert not theirs or abs(standardised - z[0]) < 1e-9
    cases.append({"earlier": earlier.tolist(), "canary": canary.tolist(), "stable": stable.tolist(),
                  "standardised": standardised, "ln_factors": ln_factors, "exact": exactly})
print("[" + ",\n".join(map(json.dumps, cases)) + "]")
