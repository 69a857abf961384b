"""Tables with classes, as JSON lines: scikit-learn's own, standardised, and random Gaussian mixtures."""

import json

import numpy as np
from sklearn.datasets import load_breast_cancer, load_iris, load_wine


def say(name, rows, classes):
    rows = np.asarray(rows, dtype=np.float64)
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    print(json.dumps({"name": name, "columns": rows.shape[1], "rows": rows.ravel().tolist(),
                      "classes": np.asarray(classes).tolist()}))


for name, load in [("iris", load_iris), ("wine", load_wine), ("breast cancer", load_breast_cancer)]:
    rows, classes = load(return_X_y=True)
    say(name, rows, classes)

for seed in range(20):
    random = np.random.default_rng(seed)
    k, d = int(random.integers(2, 11)), int(random.integers(2, 17))
    n = int(random.integers(300, 2001))
    shares = random.dirichlet(np.full(k, 5.0))
    classes = random.choice(k, size=n, p=shares)
    means = random.normal(size=(k, d)) * 4 / np.sqrt(d) * random.uniform(0.8, 2.0)
    factors = random.normal(size=(k, d, d)) / np.sqrt(d)
    noise = random.normal(size=(n, d))
    say(f"mixture {seed}", means[classes] + np.einsum("nij,nj->ni", factors[classes], noise), classes)
