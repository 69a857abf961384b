"""Neighbours by scikit-learn, weights and layouts by umap-learn, and scores of theirs and ours.

Reads a line of JSON and then arrays from stdin, as bench/graph.ts writes them; prints JSON.
"""
import json
import sys
import time

import numpy as np
import sklearn
import umap
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_matrix
from sklearn.cluster import KMeans
from sklearn.manifold import trustworthiness
from sklearn.metrics import normalized_mutual_info_score
from sklearn.neighbors import NearestNeighbors
from umap.umap_ import fuzzy_simplicial_set

stream = sys.stdin.buffer
header = json.loads(stream.readline())
n, d, k, edges = (header[name] for name in ("n", "d", "neighbours", "edges"))
TRUSTED_ROWS = 2000


def read(dtype, *shape):
    count = int(np.prod(shape))
    return np.frombuffer(stream.read(4 * count), dtype).reshape(shape)


points = read(np.float32, n, d)
rows = read(np.uint32, n, k - 1)
squared = read(np.float32, n, k - 1)
first = read(np.uint32, n + 1)
columns = read(np.uint32, edges)
weights = read(np.float32, edges)
layouts = [read(np.float32, n, 2) for _ in range(header["seeds"])]
truth = read(np.uint32, n).astype(int) if header["labelled"] else None

search = NearestNeighbors(n_neighbors=k - 1).fit(points.astype(float))
distances, indices = search.kneighbors()
same = np.mean([len(np.intersect1d(a, b)) for a, b in zip(rows, indices)]) / (k - 1)
# Equal distances may be told apart by another order; the distances themselves may not differ.
distance = np.abs(np.sqrt(squared) - distances).max()

own = np.arange(n)[:, None]
graph, _, _ = fuzzy_simplicial_set(
    points,
    k,
    np.random.RandomState(0),
    "euclidean",
    knn_indices=np.hstack([own, rows]),
    knn_dists=np.hstack([np.zeros((n, 1), np.float32), np.sqrt(squared)]),
)
graph = graph.tocsr()
ours = csr_matrix((weights, columns.astype(int), first.astype(int)), (n, n))
lone = abs((ours > 0).astype(int) - (graph > 0).astype(int)).sum()
difference = abs(ours - graph).max()


def score(layout):
    chosen = np.random.RandomState(0).permutation(n)[:TRUSTED_ROWS]
    result = {"trustworthiness": float(trustworthiness(points[chosen], layout[chosen], n_neighbors=k))}
    if truth is None:
        return result
    classes = truth.max() + 1
    labels = KMeans(classes, n_init=20, random_state=0).fit_predict(layout)
    table = np.zeros((classes, classes), int)
    np.add.at(table, (truth, labels), 1)
    a, b = linear_sum_assignment(-table)
    result["accuracy"] = table[a, b].sum() / n
    result["nmi"] = float(normalized_mutual_info_score(truth, labels))
    return result


theirs = []
for seed in range(header["seeds"]):
    started = time.perf_counter()
    layout = umap.UMAP(n_neighbors=k, min_dist=0, random_state=seed).fit_transform(points)
    seconds = time.perf_counter() - started
    theirs.append({**score(layout), "seconds": seconds})
print(
    json.dumps(
        {
            "name": f"umap-learn {umap.__version__}, scikit-learn {sklearn.__version__}",
            "neighbours": {"same": float(same), "distance": float(distance)},
            "weights": {"edges": int(lone), "difference": float(difference)},
            "layouts": {"ours": [score(layout) for layout in layouts], "theirs": theirs},
        }
    )
)
