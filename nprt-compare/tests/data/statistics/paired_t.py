"""Expected values for the paired t-test: python3 paired_t.py > paired_t.json (numpy, scipy).

Where the project's experiments (methods.py, numba) are in the folder given as first argument it also checks that they
agree: without the cap, and where 2Φ has not left the range of numbers. There they put 1e-300, which makes evidence of
constant negative differences; here it is a logarithm throughout.
"""
import json, math, sys
import numpy as np
from scipy.special import log_ndtr, logsumexp

G = (8.0, 1.0, 0.1)


def one(d, rho, g):
    n, mean, variance = len(d), np.mean(d), np.var(d, ddof=1)
    ne = n * (1 - rho) / (1 + rho)
    nu, q = max(ne - 1, 1), g / (g + ne)
    if variance == 0:
        # The limit as t goes to its infinity; without any effect, t = 0.
        if mean == 0:
            return 0.5 * math.log(q)
        return -0.5 * nu * math.log(q) + math.log(2) + log_ndtr(math.copysign(math.sqrt(nu * ne / g), mean))
    t2 = ne * mean**2 / variance
    z = math.copysign(math.sqrt(t2), mean) * math.sqrt(ne / (ne + g)) / math.sqrt(1 + q * t2 / nu)
    return 0.5 * math.log(q) + 0.5 * (nu + 1) * (math.log1p(t2 / nu) - math.log1p(q * t2 / nu)) + math.log(2) + log_ndtr(z)


def ln_e(differences, rhos):
    capped, out, raw = 0.0, [], []
    for n, rho in enumerate(rhos, 1):
        raw.append(0.0)
        if n >= 3:
            raw[-1] = float(logsumexp([one(differences[:n], rho, g) for g in G]) - math.log(len(G)))
            capped = min(raw[-1], capped + math.log(5))
        out.append(capped)
    return out, raw


rng, cases = np.random.default_rng(3), []
for mean, deviation, autocorrelation in ((0, 1, 0), (.5, 1, 0), (3, 1, 0), (-.5, 1, 0), (0, 1, .6), (.4, 1, .6), (.02, 1e-3, .95),
                                         (-.02, 1e-6, 0), (.7, 0, 0), (-.7, 0, .3), (0, 0, 0), (1e-9, 1e-12, 0)):
    noise = rng.normal(size=40)
    for i in range(1, len(noise)):
        noise[i] = autocorrelation * noise[i - 1] + math.sqrt(1 - autocorrelation**2) * noise[i]
    # Multiples of a power of two, so that sums of constant ones are exact.
    differences = [float(x) for x in (mean + deviation * noise if deviation else np.full(40, round(mean * 1024) / 1024))]
    # As a calibration that goes on would find it.
    rhos = [round(min(.95, max(0, autocorrelation + (.1 * rng.normal() if autocorrelation else 0))), 3) for _ in differences]
    cases.append(dict(differences=differences, autocorrelations=rhos, ln_e=ln_e(differences, rhos)[0]))
    if len(sys.argv) > 1 and deviation and mean > -.01:
        sys.path.insert(0, sys.argv[1])
        from methods import t_mix
        out = np.zeros(40)
        t_mix(np.array(differences), np.array(G), (1 - autocorrelation) / (1 + autocorrelation), out)
        ours = ln_e(differences, [autocorrelation] * 40)[1]
        assert np.allclose(ours, out, rtol=1e-6, atol=1e-6), (mean, deviation, ours[-3:], out[-3:])
print("[" + ",\n".join(map(json.dumps, cases)) + "]")
