"""Whole-data passes of scikit-learn, umap-learn and PyTorch, timed on request.

Prints a line with its name, then answers lines `COUNT` with the seconds that COUNT passes took and
what the last one came to.
usage: python3 passes.py TASK ROWS THREADS SPREAD SEED [WAY]
"""
import sys
import time

import numpy as np

task, rows, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
spread, seed = float(sys.argv[4]), int(sys.argv[5])
way = sys.argv[6] if len(sys.argv) > 6 else ""
COLUMNS, CLUSTERS, MANY_CLUSTERS = 10, 10, 500
NEIGHBOURS, EPOCHS = 14, 200


def mix(h):
    h = h ^ (h >> np.uint32(16))
    h = h * np.uint32(0x85EBCA6B)
    h = h ^ (h >> np.uint32(13))
    h = h * np.uint32(0xC2B2AE35)
    return h ^ (h >> np.uint32(16))


def uniform(stream, index):
    start = mix(np.array([stream], np.uint32))
    return (mix(start + index.astype(np.uint32)) >> np.uint32(8)) * 2.0**-24


def normal(stream, index):
    total = np.full(index.shape, -2.0)
    for i in range(4):
        total += uniform(stream, 4 * index + i)
    return total * np.sqrt(3.0)


def make_codes(columns=COLUMNS):
    """The rows of bench/codes.ts."""
    places = np.arange(CLUSTERS * columns)
    centres = (spread * normal(4 * seed, places)).astype(np.float32)
    widths = 0.5 + uniform(4 * seed + 1, places)
    share = uniform(4 * seed + 2, np.arange(rows))
    first = np.floor(CLUSTERS * share * share).astype(np.int64) * columns
    at = first[:, None] + np.arange(columns)
    noise = normal(4 * seed + 3, np.arange(rows * columns)).reshape(rows, columns)
    return (centres[at] + widths[at] * noise).astype(np.float32), centres.reshape(-1, columns)


def sklearn_name():
    import sklearn

    return f"scikit-learn {sklearn.__version__}"


def torch_name():
    import torch

    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    return f"PyTorch {torch.__version__}"


def k_means(**options):
    from sklearn.cluster import KMeans

    points, _ = make_codes()

    def work(number):
        model = KMeans(CLUSTERS, algorithm="lloyd", n_init=10, random_state=number, **options)
        return model.fit(points).inertia_

    return sklearn_name(), work


def seeding():
    from sklearn.cluster import KMeans

    points, _ = make_codes()

    def work(number):
        model = KMeans(MANY_CLUSTERS, algorithm="lloyd", n_init=1, max_iter=1, random_state=number)
        return model.fit(points).inertia_

    return sklearn_name(), work


def search(points, algorithm):
    from sklearn.neighbors import NearestNeighbors

    model = NearestNeighbors(n_neighbors=NEIGHBOURS, algorithm=algorithm, n_jobs=threads)
    return model.fit(points).kneighbors()


def neighbours():
    points, _ = make_codes()
    return sklearn_name(), lambda _: float(np.square(search(points, way)[0]).sum())


def layout():
    import umap
    from umap.umap_ import find_ab_params, fuzzy_simplicial_set, simplicial_set_embedding

    points, _ = make_codes()
    distances, indices = search(points, "auto")
    own = np.arange(rows)[:, None]
    graph, _, _ = fuzzy_simplicial_set(
        points,
        NEIGHBOURS + 1,
        np.random.RandomState(0),
        "euclidean",
        knn_indices=np.hstack([own, indices]),
        knn_dists=np.hstack([np.zeros((rows, 1)), distances]).astype(np.float32),
    )
    a, b = find_ab_params(1.0, 0.0)
    start = np.random.RandomState(0).uniform(-10, 10, (rows, 2)).astype(np.float32)
    edges = graph.tocoo()

    def work(number):
        random = np.random.RandomState(number)
        found, _ = simplicial_set_embedding(
            points, graph.copy(), 2, 1.0, a, b, 1.0, 5, EPOCHS, start.copy(), random, "euclidean", {},
            False, {}, False, parallel=threads > 1)
        squared = np.square(found[edges.row] - found[edges.col]).sum(1)
        return float((1 / (1 + squared)).mean())

    return f"umap-learn {umap.__version__}", work


def nearest():
    from sklearn.metrics import pairwise_distances_argmin

    points, centres = make_codes()
    return sklearn_name(), lambda _: pairwise_distances_argmin(centres, points).sum()


def assign():
    name = torch_name()
    import torch

    codes, centres = map(torch.from_numpy, make_codes())

    def work(_):
        weights = 1 / (1 + torch.cdist(codes, centres).square())
        q = weights / weights.sum(1, keepdim=True)
        top = q.topk(2)
        mask = (top.values[:, 0] > 0.3) & (top.values[:, 0] - top.values[:, 1] > 0.15)
        labels = top.indices[:, 0].contiguous()
        return int(mask.sum()) if labels.numel() else 0

    return name, work


def encode():
    name = torch_name()
    import torch
    from torch import nn

    sizes = [784, 500, 500, 2000, 10]
    layers = []
    for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
        layers += [nn.Linear(a, b)] + ([nn.ReLU()] if i < 3 else [])
    net = nn.Sequential(*layers)
    data = torch.rand(rows, 784)
    return name, lambda _: float(torch.cat([net(x) for x in data.split(1000)]).shape[0])


def mixture():
    from sklearn.mixture import GaussianMixture

    points, _ = make_codes(256)
    scale = np.sqrt(points.var(0).mean())
    points = (points - points.mean(0)) / scale
    partition = np.eye(CLUSTERS)[np.arange(rows) % CLUSTERS]

    def work(_):
        # What fit does, but from a partition, and without looking whether it has converged.
        model = GaussianMixture(CLUSTERS, reg_covar=1e-3)
        model._initialize(points, partition)
        for _ in range(5):
            _, log_responsibilities = model._e_step(points)
            model._m_step(points, log_responsibilities)
        return model.score(points) - points.shape[1] * np.log(scale)

    return sklearn_name(), work


def augment():
    name = torch_name()
    import torch
    from torch.nn.functional import affine_grid, grid_sample

    images = torch.rand(rows, 1, 28, 28)

    def work(_):
        angle = (torch.rand(rows) * 2 - 1) * np.radians(10)
        shift = (torch.rand(rows, 2) * 2 - 1) * 0.1
        cos, sin = angle.cos(), angle.sin()
        theta = torch.stack([cos, -sin, shift[:, 0], sin, cos, shift[:, 1]], 1).view(-1, 2, 3)
        grid = affine_grid(theta, images.shape, align_corners=True)
        moved = grid_sample(images, grid, padding_mode="border", align_corners=True)
        return float(moved.shape[0])

    return name, work


TASKS = {
    "kmeans": k_means,
    "iterations": lambda: k_means(tol=0, max_iter=20),
    "seeding": seeding,
    "neighbours": neighbours,
    "layout": layout,
    "nearest": nearest,
    "assign": assign,
    "encode": encode,
    "mixture": mixture,
    "augment": augment,
}
name, work = TASKS[task]()
print(name, flush=True)
number = 0
for line in sys.stdin:
    started = time.perf_counter()
    for _ in range(int(line)):
        value = work(number)
        number += 1
    print(time.perf_counter() - started, value, flush=True)
