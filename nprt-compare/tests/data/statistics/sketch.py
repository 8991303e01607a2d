"""Makes sketch.json, which tests/sketch/reference.rs reads: `python3 sketch.py > sketch.json` (numpy).

The grid is written out here as what it is, (1 + m/128) * 2^e, and searched; no bit of a float is looked at.
Counts and percentiles are taken from the samples themselves. Our own work, from the definition in the documentation
of nprt_compare::sketch; the percentile is numpy's `inverted_cdf` (nearest rank). Floats are written as text:
serde_json reads a number to the last bit only with a feature of its own."""
import json
import numpy as np

rng = np.random.default_rng(5)
edges = np.concatenate([[0.0], np.concatenate([np.ldexp(1 + np.arange(128) / 128, e) for e in range(-1022, 1024)])])

latency = np.exp(np.log(0.1) + 0.6 * rng.normal(size=400))
wide = np.exp(rng.uniform(-700, 700, 100))
on_edges = rng.choice(edges[120_000:140_000], 60)
special = [0.0, 0.0, 1.0, 1.0, 5e-324, 2.2e-308, np.finfo(float).tiny, np.finfo(float).max]
samples = np.concatenate([latency, wide, on_edges, np.nextafter(on_edges, 0)[:30], special])
rng.shuffle(samples)


def edge(i):
    return repr(float(edges[i])) if i < len(edges) else "inf"


bins, counts = np.unique(np.searchsorted(edges, samples, side="right") - 1, return_counts=True)
limits = np.concatenate([rng.choice(samples, 60) * rng.uniform(0.9, 1.1, 60).clip(None, 1), on_edges[:10], special])
print(json.dumps({
    "samples": [repr(float(x)) for x in samples],
    "bins": [[edge(i), edge(i + 1), int(n)] for i, n in zip(bins, counts)],
    # limit, the smallest edge not below it, the samples at or above that edge
    "limits": [[repr(float(x)), edge(j), int((samples >= float(edge(j))).sum())]
               for x, j in zip(limits, np.searchsorted(edges, limits, side="left"))],
    # per cent, the edges around the nearest rank
    "percentiles": [[p, edge(i), edge(i + 1)] for p in (0.1, 1, 7, 25, 50, 75, 90, 95, 99, 99.9)
                    for i in [np.searchsorted(edges, np.percentile(samples, p, method="inverted_cdf"), side="right") - 1]],
}, separators=(",", ":")))
