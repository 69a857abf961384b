/** Tables as people have them: each test is a situation that once gave wrong answers. */
import { assert, assertEquals } from "@std/assert";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { RandomStream } from "../engine/random.ts";
import { KMeans } from "../models/kmeans_estimator.ts";
import { score } from "../models/evaluation/scoring.ts";

const random = new RandomStream(5, 1);

/** Rows about K centres, in turn: values [n, d] and classes [n]. */
function blobs(n: number, centers: readonly (readonly number[])[], spread: number) {
  const values = Array.from(
    { length: n },
    (_, i) =>
      centers[i % centers.length].map((center) =>
        center + spread * (random.uniform() + random.uniform() - 1)
      ),
  ).flat();
  const classes = Uint32Array.from({ length: n }, (_, i) => i % centers.length);
  return { values, classes, n, d: centers[0].length };
}

/** Σ of squared distances to the means of the classes, in float64. */
function inertiaOf(values: ArrayLike<number>, d: number, classes: Uint32Array): number {
  const rows = (k: number) => [...classes.keys()].filter((i) => classes[i] === k);
  return [...new Set(classes)].map((k) => {
    const members = rows(k);
    return Array.from({ length: d }, (_, j) => {
      const column = members.map((i) => values[i * d + j]);
      const mean = column.reduce((a, b) => a + b) / column.length;
      return column.reduce((sum, x) => sum + (x - mean) ** 2, 0);
    }).reduce((a, b) => a + b);
  }).reduce((a, b) => a + b);
}

for (
  const [name, centers, spread] of [
    ["degrees", [[48.137, 11.575], [48.138, 11.576], [48.136, 11.577]], 2e-4],
    ["UTM metres", [[691_600, 5_334_700], [691_700, 5_334_800], [691_500, 5_334_900]], 20],
    ["squares past float32", [[1e30, 3e30], [-2e30, 3e30], [1e30, -1e30]], 1e29],
    ["squares below float32", [[1e-30, 3e-30], [-2e-30, 3e-30], [1e-30, -1e-30]], 1e-31],
  ] as const
) {
  Deno.test(`k-means: ${name} give the inertia of float64, and predict agrees`, async () => {
    const { values, classes, n, d } = blobs(3000, centers, spread);
    const data = Float32Array.from(values);
    const backend = await openCpuBackend({ threads: 1 });
    try {
      const model = new KMeans({ clusters: 3, nInit: 3 });
      const { labels, history, nIter, clusterCenters } = await model.fit({ data, n, d }, {
        backend,
      });
      assertEquals(score(classes, labels).ari, 1);
      assert(nIter < 10);
      const expected = inertiaOf(data, d, classes);
      const found = Number(history.at(-1)!.inertia);
      assert(Math.abs(found - expected) < 1e-4 * expected, `${found}, expected ${expected}`);
      assertEquals(await model.predict({ data, n, d }), labels);
      for (const [k, center] of centers.entries()) {
        const at = labels[k] * d;
        center.forEach((x, j) => assert(Math.abs(clusterCenters[at + j] - x) < spread / 2));
      }
      await model.dispose();
    } finally {
      await backend.dispose();
    }
  });
}
