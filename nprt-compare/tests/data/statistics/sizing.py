"""Expected values for the sizing: python3 sizing.py FOLDER > sizing.json (numpy, scipy).

FOLDER holds the project's experiments: kappa, n_quant, n_mw and n_events are taken from its sizing.py. Its errors are
for a bet on seven ratios; the product bets on four.
"""
import contextlib, importlib.util, io, json, math, sys
import numpy as np
from scipy.stats import norm

spec = importlib.util.spec_from_file_location("theirs", sys.argv[1] + "/sizing.py")
theirs = importlib.util.module_from_spec(spec)
with contextlib.redirect_stdout(io.StringIO()):
    spec.loader.exec_module(theirs)

sizings = []
for alpha in (.3, .05, .01, .001, 1e-9):
    for power in (.5, .8, .9, .999):
        k = dict(alpha=alpha, power=power)
        quantiles, ranks, errors = [], [], []
        for p, sigma, r, effect, margin, phi in ((.5, .6, 3, .25, .05, 1), (.95, .6, 3, .1, .05, 1), (.99, 1, 1, .5, 0, 2.5),
                                                 (.999, .3, 19, 1, .1, 1.2), (.05, .6, .25, .25, .05, 1)):
            # On a logarithmic scale, where the density of the lognormal is that of the normal.
            quantiles.append(dict(percent=p * 100, density=norm.pdf(norm.ppf(p)) / sigma,
                                  effect=math.log1p(effect) - math.log1p(margin), stable_per_canary=r, phi=phi,
                                  samples=theirs.n_quant(p, sigma, r, effect, margin, phi=phi, **k)))
            superiority = norm.cdf((math.log1p(effect) - math.log1p(margin)) / sigma / math.sqrt(2))
            ranks.append(dict(superiority=superiority, stable_per_canary=r, phi=phi,
                              samples=phi * theirs.n_mw(sigma, r, effect, margin, **k)))
        for psi, psi0, r in ((2, 1, 3), (2, 1.25, 3), (10, 1.25, 3), (1.3, 1.25, .1), (30, 2, 99)):
            errors.append(dict(ratio=psi, margin=psi0, stable_per_canary=r,
                               events=theirs.n_events(psi, psi0, r, alpha)[0] * math.log(4 / alpha) / math.log(7 / alpha)))
        sizings.append(dict(k, kappa=theirs.kappa(alpha, power), quantiles=quantiles, ranks=ranks, errors=errors))
print(json.dumps(sizings, default=float))
