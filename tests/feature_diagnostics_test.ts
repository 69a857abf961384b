/** Cosines between gradients: their definition, and what they do to a training: nothing. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { mul, sub } from "../engine/ops/binary.ts";
import { sum } from "../engine/ops/sum.ts";
import { negate, scale, square } from "../engine/ops/unary.ts";
import { OracleBackend } from "../engine/oracle.ts";
import { trace } from "../engine/program.ts";
import { State } from "../engine/state.ts";
import { DynAE } from "../models/dynae.ts";
import { gradientCosine } from "../models/evaluation/feature_diagnostics.ts";

Deno.test("the cosine is that of the gradients, over all variables together", async () => {
  const oracle = new OracleBackend();
  using state = new State(oracle);
  const u = state.variable("u", [2], { data: Float32Array.of(1, 2) });
  const v = state.variable("v", [1], { data: Float32Array.of(3) });
  const target = state.variable("t", [2], { data: Float32Array.of(5, -1) });
  using program = await trace(oracle, () => {
    // ∇a = (2u, 2v) and ∇b = (t − …): by hand below.
    const a = sum(square(u));
    const both = (x: typeof a) => sub(x, negate(sum(square(v))));
    const b = sum(mul(u, target));
    return {
      same: gradientCosine(both(a), scale(both(a), 3), [u, v]),
      opposite: gradientCosine(a, negate(a), [u]),
      angle: gradientCosine(both(a), both(b), [u, v]),
    };
  });
  program.run();
  const { same, opposite, angle } = await program.read();
  assertAlmostEquals(same[0], 1, 1e-12);
  assertAlmostEquals(opposite[0], -1, 1e-12);
  // (2, 4, 6) · (5, −1, 6) over the product of their lengths.
  assertAlmostEquals(angle[0], 42 / (Math.sqrt(56) * Math.sqrt(62)), 1e-12);
});

Deno.test("DynAE logs both cosines where asked, and trains to the same bytes", async () => {
  const [n, d] = [300, 8];
  const truth = Uint32Array.from({ length: n }, (_, i) => i % 3);
  const data = Float32Array.from({ length: n * d }, (_, i) => {
    const [row, column] = [Math.floor(i / d), i % d];
    return (column % 3 === row % 3 ? 0.8 : 0.1) + 0.1 * ((row * 7 + column * 3) % 10) / 10;
  });
  const options = { clusters: 3, hidden: [16], latent: 3, pretrainSteps: 200, steps: 60 } as const;
  const fit = async (featureDiagnostics: boolean) => {
    const model = new DynAE({ ...options, checkInterval: 20, tol: 0, featureDiagnostics });
    const result = await model.fit({ data, n, d }, { truth });
    await model.dispose();
    return result;
  };
  const [plain, diagnosed] = [await fit(false), await fit(true)];
  assertEquals(diagnosed.embedding, plain.embedding);
  assert(plain.history.every((row) => !("featureDrift" in row)));
  const rows = diagnosed.history.filter((row) => "featureDrift" in row);
  assertEquals(rows.length, 4);
  for (const { featureRandomness, featureDrift } of rows) {
    for (const cosine of [featureRandomness, featureDrift]) {
      assert(cosine === null || Math.abs(Number(cosine)) <= 1 + 1e-5, `${cosine}`);
    }
  }
  // On classes as clear as these, pseudo-labels teach what the classes would.
  assert(Number(rows[0].featureRandomness) > 0.9, JSON.stringify(rows[0]));
});
