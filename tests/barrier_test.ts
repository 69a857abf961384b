import { assert, assertEquals } from "@std/assert";
import type { Call, Region } from "../engine/backend/backend.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { Barrier, BARRIER_BYTES, MOST_PASSES } from "../engine/cpu/barrier.ts";
import { KERNELS } from "../kernels/registry.ts";
import { UNARY } from "../kernels/unary.ts";

Deno.test("barrier: a pass is over with its shares, for a thread that took none too", () => {
  const block = new SharedArrayBuffer(BARRIER_BYTES);
  const [one, late] = [new Barrier(block, 2), new Barrier(block, 2)];
  assertEquals([one.take(0, 2), one.take(0, 2), one.take(0, 2)], [0, 1, -1]);
  one.done(0, 2);
  one.done(0, 2);
  assert(one.finish(0));
  assertEquals(one.take(1, 1), 0);
  one.done(1, 1);
  assertEquals(late.take(0, 2), -1);
  assert(late.finish(0));
  assertEquals(late.take(1, 1), -1);
  assertEquals(late.take(2, 1), 0);
  late.fail("broken");
  late.done(2, 1);
  assertEquals([one.finish(1), late.finish(2), one.failure()], [false, false, "broken"]);
  late.clear();
  assertEquals(one.failure(), undefined);
});

Deno.test("barrier: a run of more passes than it can number counts them all", async () => {
  const backend = await openCpuBackend({ threads: 1 });
  const [x, y] = ["x", "y"].map((name): Region => (
    { buffer: backend.allocate(4, name), offset: 0, length: 1, dtype: "f32" }
  ));
  const add = (a: Region, to: Region, b: number): Call => ({
    kernel: KERNELS.unary,
    constants: { OP: UNARY.affine },
    params: { n: 1, a: 1, b },
    regions: [a, to],
  });
  const program = await backend.prepare([add(x, y, 1), add(y, x, 0)], "many");
  const steps = MOST_PASSES / 2 + 3;
  program.run(steps);
  assertEquals((await backend.read([x]))[0][0], steps);
  await backend.dispose();
});
