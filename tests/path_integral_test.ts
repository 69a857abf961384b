import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { OracleBackend } from "../engine/backend/oracle.ts";
import { RandomStream } from "../engine/random.ts";
import { Table } from "../engine/state/table.ts";
import { type NearestNeighbours, nearestNeighbours } from "../models/graph/nearest_neighbours.ts";
import { walkOf } from "../models/graph/neighbour_graph.ts";
import { mergeNeighbours, pathIntegral } from "../models/graph/path_integral.ts";
import { openWebGpuBackend } from "../engine/webgpu/backend.ts";
import { gpuTest } from "./gpu.ts";

/** Uniform rows [n, d] in [−1, 1), their centres `distance` apart for as many blobs. */
function draw(n: number, d: number, stream: number, blobs = 1, distance = 0): Float32Array {
  const random = new RandomStream(7, stream);
  return Float32Array.from({ length: n * d }, (_, i) => {
    const blob = Math.floor(i / d) % blobs;
    return random.uniform(-1, 1) + (i % d === blob % d ? distance * (1 + Math.floor(blob / d)) : 0);
  });
}

/** All neighbours by sorting all distances, in float64. */
function bruteNeighbours(data: Float32Array, d: number, k: number): [number, number][][] {
  const n = data.length / d;
  return Array.from({ length: n }, (_, i) => {
    const all = Array.from({ length: n }, (_, j): [number, number] => {
      let squared = 0;
      for (let a = 0; a < d; a++) squared += (data[i * d + a] - data[j * d + a]) ** 2;
      return [j, squared];
    });
    return all.filter(([j]) => j !== i).sort((a, b) => a[1] - b[1] || a[0] - b[0]).slice(0, k);
  });
}

async function withTable<T>(
  data: Float32Array,
  d: number,
  use: (backend: Awaited<ReturnType<typeof openCpuBackend>>, table: Table) => Promise<T>,
  chunkBytes?: number,
): Promise<T> {
  const backend = await openCpuBackend({ threads: 1 });
  const table = Table.upload(backend, "points", data, data.length / d, d, chunkBytes);
  try {
    return await use(backend, table);
  } finally {
    table.dispose();
    assertEquals(backend.memory().bytes, 0);
    await backend.dispose();
  }
}

/** The partition as the first row of each row's cluster. */
function firstRows(labels: Uint32Array): number[] {
  return [...labels].map((label) => labels.indexOf(label));
}

Deno.test("the nearest neighbours are those of sorting all distances", async () => {
  // More groups than neighbours, fewer, and one block after another with a table in chunks.
  for (const [n, d, k] of [[30, 3, 20], [700, 2, 5], [2300, 3, 4]]) {
    const data = draw(n, d, n);
    const found = await withTable(
      data,
      d,
      (backend, table) => nearestNeighbours(backend, table, k),
      n > 2000 ? 4 * d * 1024 : undefined,
    );
    bruteNeighbours(data, d, k).forEach((expected, i) => {
      expected.forEach(([row, squared], j) => {
        assertEquals(found.rows[i * k + j], row, `row ${i}, neighbour ${j} of ${n}`);
        assertAlmostEquals(found.squaredDistances[i * k + j], squared, 1e-6 * (1 + squared));
      });
    });
  }
});

Deno.test("equal rows: ties go to the lowest number, a row is not its own neighbour", async () => {
  // 200 rows at three places.
  const data = Float32Array.from({ length: 200 }, (_, i) => i % 3);
  const { rows, squaredDistances } = await withTable(
    data,
    1,
    (backend, table) => nearestNeighbours(backend, table, 4),
  );
  assertEquals([...rows.subarray(0, 4)], [3, 6, 9, 12]);
  assertEquals([...rows.subarray(4 * 199, 4 * 200)], [1, 4, 7, 10]);
  assertEquals(squaredDistances.every((squared) => squared === 0), true);
  bruteNeighbours(data, 1, 4).forEach((expected, i) =>
    expected.forEach(([row], j) => assertEquals(rows[4 * i + j], row))
  );
});

/** The inverse of a [n, n] by elimination. */
function inverse(a: number[][]): number[][] {
  const n = a.length;
  const rows = a.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))]);
  for (let c = 0; c < n; c++) {
    const pivot = rows[c][c];
    rows[c] = rows[c].map((value) => value / pivot);
    for (let r = 0; r < n; r++) {
      if (r === c) continue;
      const factor = rows[r][c];
      rows[r] = rows[r].map((value, j) => value - factor * rows[c][j]);
    }
  }
  return rows.map((row) => row.slice(n));
}

/** z·P as the docstring has it, dense. */
function denseWalk(neighbours: [number, number][][], z: number): number[][] {
  const all = neighbours.flat();
  let spread = all.reduce((sum, [, squared]) => sum + squared, 0) / all.length;
  while (neighbours.some(([[, nearest]]) => Math.exp(-nearest / spread) < 1e-5)) spread *= 2;
  return neighbours.map((list, i) => {
    const row = neighbours.map((_, j) => {
      const edge = list.find(([to]) => to === j);
      return i === j ? 1 : edge ? Math.exp(-edge[1] / spread) : 0;
    });
    const sum = row.reduce((a, b) => a + b);
    return row.map((weight) => (z * weight) / sum);
  });
}

/** The partitions into first clusters, one fewer, …, one, by the definition of the affinity. */
function bruteMerges(neighbours: [number, number][][], z: number): number[][] {
  const walk = denseWalk(neighbours, z);
  const solved = (rows: number[]) =>
    inverse(rows.map((i) => rows.map((j) => (i === j ? 1 : 0) - walk[i][j])));
  const integral = (rows: number[]) => solved(rows).flat().reduce((a, b) => a + b);
  const affinity = (a: number[], b: number[]) => {
    const both = solved([...a, ...b]);
    const part = (from: number, to: number) =>
      both.slice(from, to).flatMap((row) => row.slice(from, to)).reduce((x, y) => x + y);
    const [n, m] = [a.length, b.length];
    const value = (part(0, n) - integral(a)) / n ** 2 + (part(n, n + m) - integral(b)) / m ** 2;
    // What rounding leaves of clusters that no walk joins.
    return value < 1e-15 ? 0 : value;
  };
  let clusters = neighbours.map((_, i) => [i]);
  neighbours.forEach(([[nearest]], i) => {
    const [a, b] = [i, nearest].map((row) => clusters.find((rows) => rows.includes(row))!);
    if (a !== b) clusters = [...clusters.filter((c) => c !== a && c !== b), [...a, ...b]];
  });
  const partitions: number[][] = [];
  while (true) {
    clusters.sort((a, b) => Math.min(...a) - Math.min(...b));
    partitions.push(neighbours.map((_, i) => Math.min(...clusters.find((c) => c.includes(i))!)));
    if (clusters.length === 1) return partitions;
    let best = { value: -Infinity, a: clusters[0], b: clusters[1] };
    clusters.forEach((a, i) =>
      clusters.slice(i + 1).forEach((b) => {
        const value = affinity(a, b);
        if (value > best.value) best = { value, a, b };
      })
    );
    const { a, b } = best;
    clusters = [...clusters.filter((c) => c !== a && c !== b), [...a, ...b]];
  }
}

function asLists(neighbours: [number, number][][]): NearestNeighbours {
  const all = neighbours.flat();
  return {
    count: neighbours[0].length,
    rows: Uint32Array.from(all, ([row]) => row),
    squaredDistances: Float32Array.from(all, ([, squared]) => squared),
  };
}

/** Squared distances as float32 holds them. */
function rounded(neighbours: [number, number][][]): [number, number][][] {
  return neighbours.map((list) => list.map(([row, squared]) => [row, Math.fround(squared)]));
}

Deno.test("the walk is that of the dense definition, whichever end its edges are listed by", () => {
  // The last row is so far that σ² has to be doubled.
  const data = draw(25, 2, 3);
  data.set([300, 300], 48);
  const neighbours = rounded(bruteNeighbours(data, 2, 6));
  const { leaving, arriving } = walkOf(asLists(neighbours), 0.01);
  const dense = denseWalk(neighbours, 0.01);
  const sums = [leaving, arriving].map((edges, reversed) => {
    const matrix = dense.map((row) => row.map(() => 0));
    for (let i = 0; i < 25; i++) {
      for (let e = edges.first[i]; e < edges.first[i + 1]; e++) {
        const [from, to] = reversed ? [edges.rows[e], i] : [i, edges.rows[e]];
        matrix[from][to] += edges.weights[e];
      }
    }
    return matrix;
  });
  dense.forEach((row, i) =>
    row.forEach((weight, j) => {
      for (const matrix of sums) assertAlmostEquals(matrix[i][j], weight, 1e-15);
    })
  );
});

Deno.test("every merge is that of the path integral's definition with dense inverses", async () => {
  for (const [n, k, stream] of [[40, 3, 1], [36, 5, 2], [44, 4, 3]]) {
    const neighbours = rounded(bruteNeighbours(draw(n, 2, stream), 2, k));
    const partitions = bruteMerges(neighbours, 0.01);
    assert(partitions.length > 5, `${partitions.length} first clusters`);
    for (const [i, expected] of partitions.entries()) {
      const clusters = partitions.length - i;
      const labels = await mergeNeighbours(asLists(neighbours), clusters);
      assertEquals(firstRows(labels), expected, `${clusters} clusters of ${n} rows`);
      assertEquals(new Set(labels).size, clusters);
    }
  }
});

Deno.test("separated blobs are found, in any order of the rows, the same each time", async () => {
  const [n, d, blobs] = [400, 5, 8];
  const data = draw(n, d, 11, blobs, 6);
  const cluster = (data: Float32Array) =>
    withTable(data, d, (backend, table) => pathIntegral(backend, table, blobs));
  const labels = await cluster(data);
  labels.forEach((label, i) => assertEquals(label, i % blobs, `row ${i}`));
  assertEquals(await cluster(data), labels);
  // With more or fewer clusters than blobs, too, the partition is that of the rows, not their order.
  const overlapping = draw(n, d, 12, blobs, 1.5);
  const order = Array.from({ length: n }, (_, i) => (i * 147 + 31) % n);
  const permuted = new Float32Array(n * d);
  order.forEach((from, to) => permuted.set(overlapping.subarray(from * d, from * d + d), to * d));
  const [plain, moved] = [await cluster(overlapping), await cluster(permuted)];
  const back = new Uint32Array(n);
  order.forEach((from, to) => back[from] = moved[to]);
  assertEquals(firstRows(back), firstRows(plain));
  assert(new Set(plain).size === blobs);
});

Deno.test("the same neighbours and clusters in float64", async () => {
  const data = draw(150, 3, 5, 4, 2);
  const table = Table.upload(new OracleBackend(), "points", data, 150, 3);
  const [{ rows: chunk }] = table.chunks;
  const oracle = await pathIntegral(chunk.backend, table, 4);
  assertEquals(
    await withTable(data, 3, (backend, table) => pathIntegral(backend, table, 4)),
    oracle,
  );
  table.dispose();
});

gpuTest("the same neighbours and clusters on WebGPU", async () => {
  const data = draw(1100, 3, 6, 4, 5);
  const backend = await openWebGpuBackend();
  const table = Table.upload(backend, "points", data, 1100, 3);
  const labels = await pathIntegral(backend, table, 4);
  labels.forEach((label, i) => assertEquals(label, i % 4));
  assertEquals(
    await withTable(data, 3, (backend, table) => pathIntegral(backend, table, 9)),
    await pathIntegral(backend, table, 9),
  );
  table.dispose();
  assertEquals(backend.memory().bytes, 0);
  await backend.dispose();
});

Deno.test("what cannot be clustered says why", async () => {
  const cluster = (n: number, clusters: number, signal?: AbortSignal) =>
    withTable(
      draw(n, 2, 1),
      2,
      (backend, table) => pathIntegral(backend, table, clusters, signal),
    );
  await assertRejects(() => cluster(20, 2), RangeError, "takes 21 rows or more; got 20");
  assertEquals(new Set(await cluster(21, 1)).size, 1);
  await assertRejects(
    () => cluster(60, 40),
    RangeError,
    "of the 60 rows with its nearest makes; got 40",
  );
  await assertRejects(() => cluster(60, 0), RangeError, "clusters must be from 1 to");
  await assertRejects(
    () => withTable(draw(4, 2, 1), 2, (backend, table) => nearestNeighbours(backend, table, 4)),
    RangeError,
    "4 nearest neighbours of a row need 5 rows, got 4",
  );
  await assertRejects(
    () => cluster(60, 2, AbortSignal.abort(new Error("enough"))),
    Error,
    "enough",
  );
});
