import { assert, assertEquals, assertThrows } from "@std/assert";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { Dense, Parameters } from "../engine/network/module.ts";
import { OracleBackend } from "../engine/backend/oracle.ts";
import { State } from "../engine/state/state.ts";
import type { Json, RowSource } from "../models/estimator.ts";
import { BatchPrograms } from "../models/training/batches.ts";
import { BestWeights, EarlyStopping, holdOut } from "../models/training/held_out.ts";
import { Rows } from "../models/training/rows.ts";

Deno.test("a share of the rows is held out: others with every seed, the same with the same", () => {
  for (const [n, share, count] of [[2, 0.1, 1], [10, 0.25, 3], [1000, 0.1, 100], [7, 0.9, 6]]) {
    const { training, heldOut } = holdOut(n, share, 3);
    assertEquals(heldOut.length, count);
    assertEquals([...training, ...heldOut].sort((a, b) => a - b), [...Array(n).keys()]);
    for (const part of [training, heldOut]) assertEquals(part, part.slice().sort());
    assertEquals(holdOut(n, share, 3).heldOut, heldOut);
  }
  const [a, b] = [3, 4].map((seed) => holdOut(1000, 0.1, seed).heldOut);
  const common = a.filter((row) => b.includes(row)).length;
  // 10 are expected, ±3.
  assert(common < 30, `${common} of 100 rows are held out by both seeds`);
  const mean = a.reduce((x, y) => x + y) / a.length;
  assert(Math.abs(mean - 500) < 100, `held-out rows have the mean number ${mean}`);
  assertThrows(() => holdOut(1, 0.1, 0), RangeError, "a share of 0.1 of 1 rows leaves none");
});

Deno.test("early stopping counts epochs without a better value, and goes on from its state", () => {
  const host: Record<string, Json> = {};
  const make = () => new EarlyStopping({ host }, "test", 2, -1);
  let stopping = make();
  assertEquals([stopping.hasBest, stopping.isOver], [false, false]);
  assertEquals([0.5, 0.5, 0.6, 0.4].map((value) => stopping.observe(value)), [
    true,
    false,
    true,
    false,
  ]);
  assertEquals([stopping.hasBest, stopping.isOver], [true, false]);
  stopping = make();
  assertEquals(stopping.observe(NaN), false);
  assertEquals(stopping.isOver, true);
  assertEquals(host, { test: { best: 0.6, epochs: 2 } });
});

Deno.test("the best weights come back, and are in checkpoints", async () => {
  using state = new State(new OracleBackend());
  const parameters = new Parameters(state, { layer: new Dense(3, 2), head: new Dense(2, 1) }, 1);
  const best = new BestWeights(state, "best", parameters);
  const values = async () => [...await parameters.arena.read()];
  const before = await values();
  await best.keep();
  parameters.variables.forEach((variable) => variable.write(new Float32Array(variable.size)));
  assertEquals((await values()).every((value) => value === 0), true);
  await best.restore();
  assertEquals(await values(), before);
  assert((await state.snapshot()).get("best")!.data.some((value) => value !== 0));
});

Deno.test("selected rows: batches of them alone, their numbers among all, every one in an epoch", async () => {
  const backend = await openCpuBackend({ threads: 1 });
  const [n, batchSize] = [40, 4];
  const data = Float32Array.from({ length: n }, (_, i) => 100 + i);
  const numbers = Uint32Array.from({ length: 13 }, (_, i) => 3 * i);
  for (const order of ["sequential", "shuffled"] as const) {
    using rows = await Rows.open(backend, { data, n, d: 1 });
    using selected = rows.select(numbers);
    assertEquals([selected.total, selected.isWindowed], [13, false]);
    using state = new State(backend);
    const step = state.variable("step", [1], { dtype: "u32" });
    const settings = { batchSize, order, seed: 2, step };
    using programs = await BatchPrograms.trace(backend, selected, settings, "visit", (x, rows) => ({
      x,
      rows,
    }));
    assertEquals(programs.batches, order === "sequential" ? 4 : 3);
    const met: number[] = [];
    for (let s = 0; s < programs.batches; s++) {
      step.write(Uint32Array.of(s));
      const { program } = await programs.at(s);
      program.run();
      const { x, rows } = await program.read();
      assertEquals([...x], [...rows].map((row) => 100 + row));
      met.push(...rows);
    }
    assertEquals(new Set(met).size, order === "sequential" ? 13 : 12);
    assert(met.every((row) => numbers.includes(row)));
    if (order === "sequential") assertEquals(met, [...numbers]);
  }
  assertEquals(backend.memory().bytes, 0);
  const source: RowSource = { read: () => Promise.resolve(), windowRows: 1024 };
  using windowed = await Rows.open(backend, { data: source, n: 2000, d: 1 });
  assertThrows(() => windowed.select(numbers), TypeError, "some of 2000 cannot be selected");
  windowed.dispose();
  await backend.dispose();
});
