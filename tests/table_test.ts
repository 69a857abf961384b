/** Tables past one binding: chunked data give what one chunk gives. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Backend } from "../engine/backend/backend.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { batchRows } from "../engine/ops/random.ts";
import { gather } from "../engine/ops/rows.ts";
import { OracleBackend } from "../engine/backend/oracle.ts";
import { trace } from "../engine/planner/program.ts";
import { RandomStream } from "../engine/random.ts";
import { State } from "../engine/state/state.ts";
import { CHUNK_ROWS, Table } from "../engine/state/table.ts";
import { openWebGpuBackend } from "../engine/webgpu/mod.ts";
import { kmeans, meanVarianceOf, nearestRows } from "../models/shallow/kmeans.ts";
import { gpuTest } from "./gpu.ts";

const [ROWS, WIDTH] = [3 * CHUNK_ROWS + 77, 6];
const random = new RandomStream(3, 1);
const DATA = Float32Array.from(
  { length: ROWS * WIDTH },
  (_, i) => random.uniform() + (Math.floor(i / WIDTH) % 4) * 3,
);

/** Bytes of so many rows. */
const bytesOf = (rows: number) => 4 * WIDTH * rows;

/** A batch across chunks, a clustering, and the rows nearest to some points. */
async function results(backend: Backend, rowsPerChunk: number) {
  using table = Table.upload(backend, "rows", DATA, ROWS, WIDTH, bytesOf(rowsPerChunk));
  const chunks = table.chunks.length;
  using state = new State(backend);
  const step = state.variable("step", [1], { dtype: "u32" });
  const batch = { total: ROWS, batch: 512, batches: 6, count: 512, seed: 5, stream: 2 };
  using program = await trace(backend, () => ({
    x: gather(table, batchRows(step, { ...batch, order: "shuffled" })),
  }));
  program.run();
  const { x } = await program.read();
  const options = { clusters: 4, nInit: 2, seed: 1 };
  const found = await kmeans(backend, table, meanVarianceOf(DATA, WIDTH), options);
  const centroids = state.variable("centroids", [4, WIDTH], { data: found.centroids });
  return { chunks, x, found, nearest: await nearestRows(backend, table, centroids) };
}

async function check(backend: Backend): Promise<void> {
  try {
    const whole = await results(backend, 4 * CHUNK_ROWS);
    const chunked = await results(backend, CHUNK_ROWS + 1);
    assertEquals(whole.chunks, 1);
    assertEquals(chunked.chunks, 4);
    assertEquals({ ...chunked, chunks: 1 }, whole);
    const sizes = [0, 0, 0, 0];
    for (const label of whole.found.labels) sizes[label]++;
    assert(sizes.every((size) => Math.abs(size - ROWS / 4) <= 1), `${sizes}`);
  } finally {
    await backend.dispose();
  }
}

Deno.test("oracle: chunks change nothing", () => check(new OracleBackend()));
Deno.test("cpu: chunks change nothing", async () => check(await openCpuBackend({ threads: 2 })));
gpuTest("webgpu: chunks change nothing", async () => check(await openWebGpuBackend()));

Deno.test("few rows of any width are one chunk where all of them fit a binding", () => {
  using table = Table.upload(
    new OracleBackend(),
    "rows",
    DATA.subarray(0, 3 * WIDTH),
    3,
    WIDTH,
    72,
  );
  assertEquals(table.chunks.map(({ first, rows }) => [first, rows.shape]), [[0, [3, WIDTH]]]);
});

Deno.test("rows too wide for a binding, and data of another length, are errors", () => {
  const backend = new OracleBackend();
  assertThrows(
    () => Table.upload(backend, "rows", DATA, ROWS, WIDTH, bytesOf(CHUNK_ROWS - 1)),
    RangeError,
    "do not fit one binding",
  );
  assertThrows(() => Table.upload(backend, "rows", DATA, 3, WIDTH), RangeError, "expected 3 × 6");
  assertEquals(backend.memory().bytes, 0);
});
