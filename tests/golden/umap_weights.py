"""Weights of umap-learn's fuzzy graph, for tests/graph_test.ts.

usage: /usr/bin/python3 tests/golden/umap_weights.py > tests/golden/umap_weights.json
It needs umap-learn (made with 0.5.3).
"""
import json

import numpy as np
from umap.umap_ import fuzzy_simplicial_set

ROWS, COLUMNS, NEIGHBOURS = 60, 3, 10

# Hash values, scaled per row, so that densities differ; rows 0 and 1 are equal, and row 2 is far.
h = (np.arange(ROWS * COLUMNS, dtype=np.uint64) * 2654435761 + 12345) % 2**32
h = (h ^ (h >> np.uint64(15))) * 2246822519 % 2**32
points = ((h >> np.uint64(16)) / 2.0**16).reshape(ROWS, COLUMNS) * (1 + np.arange(ROWS) % 3)[:, None]
points[1] = points[0]
points[2] += 20
points = points.astype(np.float32)
squared = ((points[:, None].astype(float) - points[None]) ** 2).sum(2)
np.fill_diagonal(squared, -1)
indices = np.argsort(squared, 1, kind="stable")[:, :NEIGHBOURS]
np.fill_diagonal(squared, 0)
distances = np.sqrt(np.take_along_axis(squared, indices, 1)).astype(np.float32)
graph, _, _ = fuzzy_simplicial_set(
    points,
    NEIGHBOURS,
    np.random.RandomState(0),
    "euclidean",
    knn_indices=indices,
    knn_dists=distances,
)
graph = graph.tocoo()
order = np.lexsort((graph.col, graph.row))
print(
    json.dumps(
        {
            "rows": ROWS,
            "columns": COLUMNS,
            "neighbours": NEIGHBOURS,
            "points": [float(x) for x in points.ravel()],
            "from": graph.row[order].tolist(),
            "to": graph.col[order].tolist(),
            "weights": [float(x) for x in graph.data[order]],
        },
        separators=(",", ":"),
    )
)
