"""Expected values for the counts test: python3 counts.py > counts.json (numpy). As in the reference script's cb_eproc, with fewer ratios and a cap of 8."""
import json, math
import numpy as np

RATIOS = [1.5, 3.0, 6.0, 12.0]


def ln_e(blocks, margin, phi):
    logs, out = [0.0] * len(RATIOS), []
    for ns, ks, nc, kc in blocks:
        if ks + kc > 0 and nc > 0 and ns > 0:
            t0 = margin * nc / (margin * nc + ns)
            for i, ratio in enumerate(RATIOS):
                t1 = margin * ratio * nc / (margin * ratio * nc + ns)
                step = (kc * math.log(t1 / t0) + ks * math.log((1 - t1) / (1 - t0))) / phi
                logs[i] += min(step, math.log(8))
        top = max(logs)
        out.append(top + math.log(sum(math.exp(x - top) for x in logs) / len(logs)))
    return out


def main():
    rng, cases = np.random.default_rng(4), []
    for margin in (1.0, 1.25, 2.0):
        for phi in (1.0, 1.7):
            for worse in (1, 4, 20):
                blocks = []
                for _ in range(20):
                    ns, nc = (int(x) for x in rng.poisson((30, 10) if worse == 20 else (450, 150)))
                    blocks.append([ns, int(rng.binomial(ns, 0.004)), nc, int(rng.binomial(nc, 0.004 * worse))])
                cases.append(dict(margin=margin, phi=phi, blocks=blocks, ln_e=ln_e(blocks, margin, phi)))
    print(json.dumps(dict(cases=cases)))


main()
