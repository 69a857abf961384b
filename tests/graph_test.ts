import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { Backend } from "../engine/backend/backend.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { RandomStream } from "../engine/random.ts";
import { State } from "../engine/state/state.ts";
import { Table } from "../engine/state/table.ts";
import { openWebGpuBackend } from "../engine/webgpu/backend.ts";
import { adjustedRandIndex } from "../models/evaluation/metrics.ts";
import { type Edges, neighbourEdges, symmetric } from "../models/graph/edges.ts";
import { fuzzyGraph } from "../models/graph/fuzzy_graph.ts";
import { curveOf, layoutOf, spectralStart } from "../models/graph/layout.ts";
import {
  type NearestNeighbours,
  nearestNeighbours,
  neighboursAmong,
} from "../models/graph/nearest_neighbours.ts";
import { agreementOf, neighbourhoods, normalizedCut } from "../models/graph/normalized_cut.ts";
import { majorityOf } from "../models/graph/majority.ts";
import { sureRows } from "../models/graph/sure_rows.ts";
import { graphPartition, type GraphPartitionOptions } from "../models/graph/partition.ts";
import { slowestVectors } from "../models/graph/spectral.ts";
import golden from "./golden/umap_weights.json" with { type: "json" };
import { gpuTest } from "./gpu.ts";

async function withCpu<T>(use: (backend: Backend) => Promise<T>, threads = 1): Promise<T> {
  const backend = await openCpuBackend({ threads });
  try {
    const result = await use(backend);
    assertEquals(backend.memory().bytes, 0);
    return result;
  } finally {
    await backend.dispose();
  }
}

async function search(backend: Backend, data: Float32Array, d: number, count: number) {
  using table = Table.upload(backend, "points", data, data.length / d, d);
  return await nearestNeighbours(backend, table, count);
}

async function partition(
  backend: Backend,
  data: Float32Array,
  width: number,
  options: GraphPartitionOptions,
) {
  using state = new State(backend);
  const codes = state.variable("codes", [data.length / width, width], { data });
  return await graphPartition(backend, codes, options);
}

/** Uniform rows in [0, 1). */
function cloud(n: number, d: number, stream = 1): Float32Array {
  const random = new RandomStream(5, stream);
  return Float32Array.from({ length: n * d }, () => random.uniform());
}

/** Two half circles that reach into each other, and two circles about one centre, in turns. */
const SHAPES: Record<string, (share: number, which: number) => [number, number]> = {
  moons: (share, which) => {
    const [x, y] = [Math.cos(Math.PI * share), Math.sin(Math.PI * share)];
    return which === 0 ? [x, y] : [1 - x, 0.5 - y];
  },
  rings: (share, which) => {
    const radius = which === 0 ? 1 : 2.5;
    return [radius * Math.cos(2 * Math.PI * share), radius * Math.sin(2 * Math.PI * share)];
  },
};

function shapeOf(name: string, n: number): { data: Float32Array; truth: number[] } {
  const random = new RandomStream(9, 2);
  const truth = Array.from({ length: n }, (_, i) => i % 2);
  const data = Float32Array.from(
    truth.flatMap((which) => SHAPES[name](random.uniform(), which)),
    (value) => value + random.uniform(-0.08, 0.08),
  );
  return { data, truth };
}

/** Undirected edges of a few rows, each weight in both directions. */
function graphOf(n: number, list: readonly [a: number, b: number, weight: number][]): Edges {
  const all = list.flatMap(([a, b, weight]) => [[a, b, weight], [b, a, weight]])
    .sort((x, y) => x[0] - y[0] || x[1] - y[1]);
  const first = new Uint32Array(n + 1);
  for (const [from] of all) first[from + 1]++;
  for (let i = 0; i < n; i++) first[i + 1] += first[i];
  return {
    first,
    rows: Uint32Array.from(all, ([, to]) => to),
    weights: Float64Array.from(all, ([, , weight]) => weight),
  };
}

/** The weight of each edge by its ends. */
function entriesOf({ first, rows, weights }: Edges): Map<string, number> {
  const entries = new Map<string, number>();
  for (let i = 0; i + 1 < first.length; i++) {
    for (let e = first[i]; e < first[i + 1]; e++) entries.set(`${i} ${rows[e]}`, weights[e]);
  }
  assertEquals(entries.size, rows.length);
  return entries;
}

Deno.test("the fuzzy graph has umap-learn's weights", async () => {
  const points = Float32Array.from(golden.points);
  const edges = await withCpu(async (backend) =>
    await fuzzyGraph(
      backend,
      await search(backend, points, golden.columns, golden.neighbours - 1),
      golden.neighbours,
    )
  );
  const entries = entriesOf(edges);
  assertEquals(entries.size, golden.weights.length);
  golden.weights.forEach((weight, e) => {
    const edge = `${golden.from[e]} ${golden.to[e]}`;
    assertAlmostEquals(entries.get(edge) ?? NaN, weight, 1e-5, `edge ${edge}`);
  });
});

Deno.test("fuzzy weights are symmetric and in (0, 1], those of the nearest are 1", async () => {
  const property = fc.asyncProperty(
    fc.integer({ min: 3, max: 40 }),
    fc.integer({ min: 1, max: 4 }),
    fc.integer({ min: 1, max: 8 }),
    fc.integer({ min: 0, max: 1000 }),
    async (n, d, levels, stream) => {
      // Few levels make equal rows and equal distances.
      const data = cloud(n, d, stream).map((value) => Math.floor(value * levels));
      const k = 2 + stream % (n - 2);
      const neighbours = await search(shared, data, d, k - 1);
      const entries = entriesOf(await fuzzyGraph(shared, neighbours, k));
      for (const [edge, weight] of entries) {
        assert(weight > 0 && weight <= 1, `${edge}: ${weight}`);
        assertEquals(entries.get(edge.split(" ").reverse().join(" ")), weight);
      }
      for (let i = 0; i < n; i++) {
        assertEquals(entries.get(`${i} ${neighbours.rows[i * (k - 1)]}`), 1);
      }
    },
  );
  const shared = await openCpuBackend({ threads: 1 });
  await fc.assert(property, { numRuns: 60 });
  await shared.dispose();
});

Deno.test("the curve is the published one", () => {
  for (const [distance, a, b] of [[0, 1.9328, 0.7905], [0.1, 1.5769, 0.8951]]) {
    const curve = curveOf(distance);
    assertAlmostEquals(curve.a, a, 2e-3);
    assertAlmostEquals(curve.b, b, 1e-3);
  }
});

Deno.test("the slowest vector tells the halves of a graph apart", () => {
  // Two rings of 8 rows, joined by one edge; then without it.
  for (const joined of [true, false]) {
    const rings = Array.from({ length: 16 }, (_, i): [number, number, number] => {
      return [i, i % 8 === 7 ? i - 7 : i + 1, 1];
    });
    const edges = graphOf(16, joined ? [...rings, [0, 8, 0.05]] : rings);
    const vector = slowestVectors(edges, 1, new RandomStream(3, 4));
    const signs = Array.from(vector, Math.sign);
    assertEquals(new Set(signs.slice(0, 8)).size, 1, `${vector}`);
    assertEquals(signs.slice(8), signs.slice(0, 8).map((sign) => -sign), `${vector}`);
  }
});

Deno.test("neighbours and layout have the same bytes on any number of threads", async () => {
  const data = cloud(700, 4);
  const results = await Promise.all([1, 2, 3].map((threads) =>
    withCpu(async (backend) => {
      const neighbours = await search(backend, data, 4, 14);
      const edges = await fuzzyGraph(backend, neighbours, 15);
      const plane = await layoutOf(backend, edges, { epochs: 40, seed: 6 });
      const again = await layoutOf(backend, edges, { epochs: 40, seed: 6 });
      assertEquals(again, plane);
      const space = await layoutOf(backend, edges, { epochs: 20, dimensions: 3 });
      return [neighbours.rows, neighbours.squaredDistances, plane, space];
    }, threads)
  ));
  assertEquals(results[1], results[0]);
  assertEquals(results[2], results[0]);
});

Deno.test("neighbours among other rows are the nearest, equal ones included", async () => {
  const random = new RandomStream(3, 1);
  const [n, m, d, k] = [40, 2500, 3, 7];
  // Small integers: distances are exact, and ties frequent.
  const integers = (rows: number) =>
    Float32Array.from({ length: rows * d }, () => Math.floor(random.uniform(0, 12)));
  const [asking, points] = [integers(n), integers(m)];
  const expected = Array.from({ length: n }, (_, i) => {
    const all = Array.from({ length: m }, (_, j) => {
      let squared = 0;
      for (let c = 0; c < d; c++) squared += (asking[i * d + c] - points[j * d + c]) ** 2;
      return { j, squared };
    });
    return all.sort((a, b) => a.squared - b.squared || a.j - b.j).slice(0, k);
  }).flat();
  await withCpu(async (backend) => {
    using queries = Table.upload(backend, "queries", asking, n, d);
    // In three chunks.
    using table = Table.upload(backend, "points", points, m, d, 1024 * 4 * d);
    assertEquals(table.chunks.length, 3);
    const found = await neighboursAmong(backend, queries, table, k);
    assertEquals([...found.rows], expected.map(({ j }) => j));
    assertEquals([...found.squaredDistances], expected.map(({ squared }) => squared));
    using narrow = Table.upload(backend, "narrow", points, m * d, 1);
    const wrong: [points: Table, count: number, message: string][] = [
      [table, 0, "an integer ≥ 1, got 0"],
      [table, m + 1, `need as many rows, got ${m}`],
      [narrow, 1, "rows of 3 columns"],
    ];
    for (const [points, count, message] of wrong) {
      await assertRejects(
        () => neighboursAmong(backend, queries, points, count),
        RangeError,
        message,
      );
    }
  });
});

Deno.test("a layout keeps neighbours together and strangers apart", async () => {
  // Blobs in five dimensions.
  const [n, d, blobs] = [600, 5, 6];
  const data = cloud(n, d).map((value, i) => value + (Math.floor(i / d) % blobs === i % d ? 4 : 0));
  for (const dimensions of [2, 3, 10]) {
    const share = await withCpu(async (backend) => {
      const edges = await fuzzyGraph(backend, await search(backend, data, d, 14), 15);
      const layout = await layoutOf(backend, edges, { dimensions, epochs: 200 });
      assert(layout.every(Number.isFinite));
      const labels = Array.from({ length: n }, (_, i) => i % blobs);
      const found = agreementOf(await search(backend, layout, dimensions, 10), labels, 10);
      return found.reduce((a, b) => a + b, 0) / n;
    });
    assert(share > 0.97, `${dimensions} dimensions: ${share}`);
  }
});

Deno.test("equal rows, lone parts and tiny graphs have layouts", async () => {
  const data = cloud(90, 2).map((value, i) => i < 80 ? 0.5 : value + (i < 120 ? 100 : 0));
  await withCpu(async (backend) => {
    const edges = await fuzzyGraph(backend, await search(backend, data, 2, 4), 5);
    const layout = await layoutOf(backend, edges, { epochs: 50 });
    assert(layout.every(Number.isFinite));
    // Rows in one place do not stay in one.
    assertEquals(new Set(layout).size, layout.length);
    const lone = await layoutOf(backend, graphOf(3, []), { epochs: 3 });
    assertEquals(lone, spectralStart(graphOf(3, []), 2, 0));
    assertEquals((await layoutOf(backend, graphOf(0, []))).length, 0);
  });
});

Deno.test("the cut of a small graph", () => {
  // 0-1-2 and 3-4, joined by 2-3; row 5 is alone.
  const edges = graphOf(6, [[0, 1, 1], [1, 2, 2], [2, 3, 0.5], [3, 4, 3]]);
  assertAlmostEquals(normalizedCut(edges, [0, 0, 0, 1, 1, 1], 2), 0.5 / 6.5 + 0.5 / 6.5, 1e-15);
  assertAlmostEquals(normalizedCut(edges, [0, 0, 1, 1, 1, 0], 2), 2 / 4 + 2 / 9, 1e-15);
  assertEquals(normalizedCut(edges, [0, 0, 0, 0, 0, 0], 1), 0);
  // Clusters without edges count as 1: empty ones, and that of row 5.
  assertEquals(normalizedCut(edges, [0, 0, 0, 0, 0, 2], 4), 3);
  assertThrows(
    () => normalizedCut(edges, [0, 0], 2),
    RangeError,
    "6 rows need as many labels, got 2",
  );
  assertThrows(() => normalizedCut(edges, [0, 0, 2, 0, 0, 0], 2), RangeError, "got 2 at row 2");
});

Deno.test("a cut is between 0 and K", () => {
  const arbitrary = fc.record({
    n: fc.integer({ min: 1, max: 20 }),
    clusters: fc.integer({ min: 1, max: 5 }),
    numbers: fc.array(fc.nat(), { minLength: 60, maxLength: 60 }),
  });
  fc.assert(fc.property(arbitrary, ({ n, clusters, numbers }) => {
    const directed: NearestNeighbours = {
      count: 2,
      rows: Uint32Array.from({ length: 2 * n }, (_, i) => numbers[i] % n),
      squaredDistances: new Float32Array(2 * n),
    };
    const weighted = neighbourEdges(directed, 2, (i, j) => numbers[2 * i + j] % 7);
    const edges = symmetric(weighted, Math.max);
    const labels = Array.from({ length: n }, (_, i) => numbers[40 + i] % clusters);
    const cut = normalizedCut(edges, labels, clusters);
    assert(cut >= 0 && cut <= clusters, `${cut}`);
  }));
});

Deno.test("agreement is the share of the nearest with the own label", () => {
  const neighbours = {
    count: 3,
    rows: Uint32Array.of(1, 2, 3, 0, 2, 3, 3, 1, 0, 2, 1, 0),
    squaredDistances: new Float32Array(12),
  };
  const expected = [1 / 2, 1 / 2, 1 / 2, 1 / 2].map(Math.fround);
  assertEquals([...agreementOf(neighbours, [0, 0, 1, 1], 2)], expected);
  assertEquals(
    [...agreementOf(neighbours, [0, 0, 0, 1], 3)],
    [2, 2, 2, 0].map((x) => Math.fround(x / 3)),
  );
});

for (const name of Object.keys(SHAPES)) {
  Deno.test(`two ${name} are found, where k-means fails`, async () => {
    const { data, truth } = shapeOf(name, 500);
    const found = await withCpu((backend) => partition(backend, data, 2, { clusters: 2 }));
    const [plain] = found.candidates;
    assertEquals(plain.name, "k-means");
    assert(adjustedRandIndex(truth, plain.labels) < 0.6);
    assertEquals(adjustedRandIndex(truth, found.labels), 1);
    assertEquals(found.cut, Math.min(...found.candidates.map(({ cut }) => cut)));
    assertEquals(found.candidates.length, 8);
  });
}

gpuTest("two rings are found on WebGPU", async () => {
  const { data, truth } = shapeOf("rings", 300);
  const backend = await openWebGpuBackend();
  const found = await partition(backend, data, 2, { clusters: 2 });
  assertEquals(adjustedRandIndex(truth, found.labels), 1);
  assertEquals(backend.memory().bytes, 0);
  await backend.dispose();
});

Deno.test("few rows, equal rows and a constant column are partitioned", async () => {
  await withCpu(async (backend) => {
    const few = Float32Array.of(0, 0.1, 0.2, 5, 5.1, 5.2);
    const { labels } = await partition(backend, few, 1, { clusters: 2 });
    assertEquals(adjustedRandIndex([0, 0, 0, 1, 1, 1], labels), 1);
    // 40 rows at two places, with a column of zeros.
    const equal = Float32Array.from({ length: 80 }, (_, i) => i % 2 === 0 ? i % 4 : 0);
    const truth = Array.from({ length: 40 }, (_, i) => i % 2);
    const found = await partition(backend, equal, 2, { clusters: 2, neighbourCounts: [5] });
    assertEquals(adjustedRandIndex(truth, found.labels), 1);
    const one = await partition(backend, few, 1, { clusters: 1, neighbourCounts: [2] });
    assertEquals([...one.labels], new Array(6).fill(0));
    assertEquals(one.cut, 0);
  });
});

Deno.test("sure rows are those whose neighbours have their label; a row alone is sure", async () => {
  // Two groups of 30 rows on a line, far apart; four rows of the first have the second's label.
  const data = Float32Array.from({ length: 60 }, (_, i) => i % 30 + (i < 30 ? 0 : 1000));
  const labels = Uint32Array.from(data, (x, i) => i >= 10 && i < 14 ? 1 : x < 500 ? 0 : 1);
  await withCpu(async (backend) => {
    using table = Table.upload(backend, "rows", data, 60, 1);
    const sure = await sureRows(backend, table, labels);
    // Of 20 neighbours 4 disagree, a fifth; of the wrong rows' 20, at least 16.
    assertEquals([...sure], Array.from(data, (_, i) => i < 30 ? 0 : 1));
    using one = Table.upload(backend, "row", Float32Array.of(1), 1, 1);
    assertEquals([...await sureRows(backend, one, Uint32Array.of(0))], [1]);
  });
});

Deno.test("19 of 20 neighbours with its label make a row sure, 18 do not, nor 9 of 10", async () => {
  await withCpu(async (backend) => {
    // All other rows of so few are neighbours of each row; some of them have another label.
    for (const [n, others, isSure] of [[21, 1, 1], [21, 2, 0], [11, 0, 1], [11, 1, 0]]) {
      using table = Table.upload(backend, "rows", Float32Array.from(Array(n).keys()), n, 1);
      const labels = Uint32Array.from({ length: n }, (_, i) => i < others ? 1 : 0);
      const sure = await sureRows(backend, table, labels);
      assertEquals(sure.at(-1), isSure, `${n} rows, ${others} of another label`);
    }
  });
});

Deno.test("labels by majority: strays are taken in, borders stay, a tie keeps the own label", () => {
  const line = (n: number, count: number) => ({
    count,
    rows: Uint32Array.from({ length: n * count }, (_, e) => {
      const [i, j] = [Math.floor(e / count), e % count];
      const step = (j >> 1) + 1;
      const other = j % 2 === 0 ? i - step : i + step;
      return other < 0 ? i + count / 2 + step : other >= n ? i - count / 2 - step : other;
    }),
    squaredDistances: new Float32Array(n * count),
  });
  const stray = Uint32Array.from({ length: 20 }, (_, i) => i === 4 || i >= 10 ? 1 : 0);
  const settled = majorityOf(line(20, 4), 4, stray, 2, 10);
  assertEquals([...settled], Array.from(stray, (_, i) => i >= 10 ? 1 : 0));
  const pair = { count: 1, rows: Uint32Array.of(1, 0), squaredDistances: new Float32Array(2) };
  // One round exchanges them, and the next one back.
  assertEquals([...majorityOf(pair, 1, Uint32Array.of(0, 1), 2, 2)], [0, 1]);
});

Deno.test("what cannot be laid out or partitioned says why", async () => {
  await withCpu(async (backend) => {
    const data = cloud(40, 2);
    const run = (options: GraphPartitionOptions, some = data) =>
      partition(backend, some, 2, options);
    await assertRejects(() => run({ clusters: 41 }), RangeError, "number of points, 40; got 41");
    await assertRejects(
      () => run({ clusters: 1 }, cloud(2, 2)),
      RangeError,
      "at least 3 rows, got 2",
    );
    await assertRejects(
      () => run({ clusters: 2, neighbourCounts: [1] }),
      RangeError,
      "an integer from 2 to 15",
    );
    await assertRejects(
      () => run({ clusters: 2 }, data.map((value, i) => i === 7 ? NaN : value)),
      RangeError,
      "row 3 has only 0 others",
    );
    const stop = AbortSignal.abort(new Error("enough"));
    await assertRejects(() => run({ clusters: 2, signal: stop }), Error, "enough");
    const edges = await fuzzyGraph(backend, await search(backend, data, 2, 5), 6);
    await assertRejects(() => layoutOf(backend, edges, { signal: stop }), Error, "enough");
    await assertRejects(
      () => layoutOf(backend, edges, { epochs: 0 }),
      RangeError,
      "epochs must be an integer ≥ 1, got 0",
    );
    await assertRejects(
      () => layoutOf(backend, edges, { minDistance: -1 }),
      RangeError,
      "got -1",
    );
    await assertRejects(
      () => layoutOf(backend, edges, { start: new Float32Array(3) }),
      RangeError,
      "has 80 values, got 3",
    );
    const neighbours = await search(backend, data, 2, 5);
    await assertRejects(() => fuzzyGraph(backend, neighbours, 7), RangeError, "from 2 to 6");
    await assertRejects(() => fuzzyGraph(backend, neighbours, 6, stop), Error, "enough");
    assertEquals(neighbourhoods(neighbours, 5).first.length, 41);
    await assertRejects(() => search(backend, data, 2, 0), RangeError, "an integer ≥ 1, got 0");
  });
});
