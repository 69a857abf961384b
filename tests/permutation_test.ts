/** The orders in which batches visit the rows of a data set. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { BATCH_ORDER, batchRows, permute } from "../kernels/batch_rows.ts";

const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });

/** The rows of batch number `step`, by the kernel's reference. */
function rowsOf(step: number, params: Record<string, number>): Uint32Array {
  const rows = new Uint32Array(params.count);
  batchRows.reference([Uint32Array.of(step), rows], params, {}, 0, params.count);
  return rows;
}

Deno.test("permute is a bijection of [0, n) for every n, key and tweak", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), word, word, word, (n, key0, key1, tweak) => {
      const seen = new Uint8Array(n);
      for (let i = 0; i < n; i++) {
        const image = permute(i, n, key0, key1, tweak);
        assert(image < n, `${i} goes to ${image}, outside [0, ${n})`);
        assertEquals(seen[image]++, 0, `${image} is the image of two indices below ${n}`);
      }
    }),
  );
});

Deno.test("permute is a bijection at every size where its number of bits changes", () => {
  for (let bits = 0; bits <= 13; bits++) {
    for (const n of [2 ** bits - 1, 2 ** bits, 2 ** bits + 1]) {
      if (n < 1) continue;
      const images = new Set(Array.from({ length: n }, (_, i) => permute(i, n, 3, 1, 4)));
      assertEquals(images.size, n);
      assert(Math.max(...images) < n);
    }
  }
});

Deno.test("permute spreads the first index evenly over tweaks", () => {
  // 20,000 draws in 16 bins: χ² with 15 degrees of freedom passes 44.3 once in 10,000 keys.
  const bins = new Float64Array(16);
  for (let tweak = 0; tweak < 20_000; tweak++) bins[permute(0, 16, 42, 0, tweak)]++;
  const chiSquared = bins.reduce((sum, count) => sum + (count - 1250) ** 2 / 1250, 0);
  assert(chiSquared < 44.3, `χ² = ${chiSquared}`);
});

Deno.test("shuffled batches visit no row twice in an epoch, and all where they fill it", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2000 }),
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 0, max: 1000 }),
      word,
      (total, size, epoch, seed) => {
        const batch = Math.min(size, total), batches = Math.floor(total / batch);
        const mode = BATCH_ORDER.shuffled;
        const params = { count: batch, total, batch, batches, mode, seed, stream: 9 };
        const seen = new Set<number>();
        for (let b = 0; b < batches; b++) {
          for (const row of rowsOf(epoch * batches + b, params)) {
            assert(row < total);
            assert(!seen.has(row), `row ${row} is visited twice in epoch ${epoch}`);
            seen.add(row);
          }
        }
        assertEquals(seen.size, batch * batches);
      },
    ),
  );
});

Deno.test("shuffled epochs differ", () => {
  const params = { count: 100, total: 100, batch: 100, batches: 1, mode: 1, seed: 1, stream: 0 };
  const orders = new Set([0, 1, 2, 3].map((epoch) => rowsOf(epoch, params).join()));
  assertEquals(orders.size, 4);
});

Deno.test("shuffling within batches keeps the members of the sequential batches", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1000 }),
      fc.integer({ min: 1, max: 100 }),
      word,
      word,
      (total, size, step, seed) => {
        const batch = Math.min(size, total), batches = Math.floor(total / batch);
        const params = { count: batch, total, batch, batches, seed, stream: 2 };
        const sequential = rowsOf(step, { ...params, mode: BATCH_ORDER.sequential });
        const shuffled = rowsOf(step, { ...params, mode: BATCH_ORDER.shuffledWithin });
        assertEquals(shuffled.sort(), sequential);
      },
    ),
  );
});
