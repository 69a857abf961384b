import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertRejects,
  assertThrows,
} from "@std/assert";
import fc from "fast-check";
import { checkGradients, checkOp, type Subject } from "../engine/gradient/gradcheck.ts";
import { gradients } from "../engine/gradient/gradient.ts";
import type { Example, GradientRule, Op, Tensor, Variable } from "../engine/tensor/tensor.ts";
import { OPS } from "../engine/ops/registry.ts";
import { confidence } from "../engine/ops/assignment.ts";
import { augment } from "../engine/ops/augment.ts";
import { add, greater, mul } from "../engine/ops/binary.ts";
import { broadcastTo, sum } from "../engine/ops/sum.ts";
import { constant } from "../engine/ops/constant.ts";
import { dense } from "../engine/ops/dense.ts";
import { interpolateReversed } from "../engine/ops/interpolate.ts";
import { pack } from "../engine/ops/pack.ts";
import { randomUniform } from "../engine/ops/random.ts";
import { reshape, stopGradient } from "../engine/ops/reshape.ts";
import { squaredError, squaredErrorOp } from "../engine/ops/squared_error.ts";
import { affine, scale } from "../engine/ops/affine.ts";
import { sign, tanh, UNARY_OPS } from "../engine/ops/unary.ts";
import { OracleBackend } from "../engine/backend/oracle.ts";
import { trace } from "../engine/planner/program.ts";
import { State } from "../engine/state/state.ts";
import { buildGraph, graphs, makeLeaves, scalarOf } from "./random_graph.ts";

/** Gradients by the variables, as numbers. */
async function evaluate(
  oracle: OracleBackend,
  loss: () => Tensor,
  targets: readonly Tensor[],
): Promise<number[][]> {
  using program = await trace(
    oracle,
    () => Object.fromEntries(gradients(loss(), targets).map((g, i) => [`${i}`, g])),
  );
  program.run();
  const values = await program.read();
  return targets.map((_, i) => [...values[`${i}`]]);
}

function scene(): { oracle: OracleBackend; state: State; x: Variable; w: Variable } {
  const oracle = new OracleBackend();
  const state = new State(oracle);
  const x = state.variable("x", [2, 3], { data: Float32Array.of(1, -2, 3, 0.5, 1.5, -1) });
  const w = state.variable("w", [3, 2], { data: Float32Array.of(1, 2, -1, 0.5, 0.25, -3) });
  return { oracle, state, x, w };
}

Deno.test("every op's gradient rule agrees with central differences in float64", async () => {
  for (const op of OPS) {
    for (const example of op.examples) {
      const check = await checkOp(op, example);
      assert(check.passed, `${check.name}: ${check.place}, adjoint ${check.adjoint}`);
    }
  }
});

Deno.test("an op with a gradient rule has examples; one without says why", () => {
  for (const { name, gradient, examples } of OPS) {
    if (typeof gradient === "function") assertGreater(examples.length, 0, name);
    else assertGreater(gradient.none.length, 10, name);
  }
  assertEquals(new Set(OPS.map((op) => op.name)).size, OPS.length);
});

/** The op with its rule's result for input `index` replaced. */
function planted<A>(op: Op<A>, index: number, change: (gradient: Tensor) => Tensor): Op<A> {
  const gradient: GradientRule<A> = (node, upstream, needed) =>
    (op.gradient as GradientRule<A>)(node, upstream, needed).map((value, i) =>
      value && i === index ? change(value) : value
    );
  return { ...op, gradient };
}

Deno.test("a wrong sign, a dropped term or a wrong factor in any rule is caught", async () => {
  const defects: Record<string, (gradient: Tensor) => Tensor> = {
    "wrong sign": (gradient) => affine(gradient, -1, 0),
    "dropped term": (gradient) => affine(gradient, 0, 0),
    "wrong factor": (gradient) => affine(gradient, 1.01, 0),
  };
  for (const op of OPS) {
    // Where one operand of a maximum always wins, the other's rule shows in another example.
    const alike = Map.groupBy(op.examples, ({ attributes }) => JSON.stringify(attributes));
    for (const [attributes, examples] of alike) {
      for (const [defect, change] of Object.entries(defects)) {
        for (const index of differentiated(examples)) {
          const checks = await Promise.all(
            examples.filter(({ inputs }) => index < inputs.length)
              .map((example) => checkOp(planted(op, index, change), example)),
          );
          const caught = checks.some(({ passed }) => !passed);
          assert(caught, `${op.name} ${attributes}, input ${index}: ${defect} not caught`);
        }
      }
    }
  }
});

/** Numbers of the inputs that some example is differentiated by. */
function differentiated(examples: readonly Example<unknown>[]): Set<number> {
  return new Set(
    examples.flatMap(({ inputs }) =>
      inputs.flatMap(({ values, fixed, dtype }, i) => values || fixed || dtype === "u32" ? [] : [i])
    ),
  );
}

Deno.test("half of a rule that has two factors is caught", async () => {
  const { sigmoid } = UNARY_OPS;
  const withoutComplement: typeof sigmoid = {
    ...sigmoid,
    gradient: ({ outputs: [y] }, [g]) => [mul(g!, y)],
  };
  assert(!(await checkOp(withoutComplement, sigmoid.examples[0])).passed);
  const withoutTwo = planted(squaredErrorOp, 1, (gradient) => scale(gradient, 0.5));
  assert(!(await checkOp(withoutTwo, squaredErrorOp.examples[0])).passed);
});

Deno.test("gradients of random graphs agree with central differences", async () => {
  await fc.assert(
    fc.asyncProperty(graphs(8), fc.nat(1000), async (choices, seed) => {
      const oracle = new OracleBackend();
      using state = new State(oracle);
      const leaves = makeLeaves(state, seed);
      const subject: Subject = {
        name: "graph",
        targets: [leaves.x, leaves.w, leaves.b],
        loss: () => scalarOf(buildGraph(choices, leaves, true)),
      };
      const { passed, place } = await checkGradients(oracle, subject);
      assert(passed, place);
    }),
    { numRuns: 40 },
  );
});

Deno.test("the gradient is linear: ∇(a·f + b·g) = a·∇f + b·∇g", async () => {
  await fc.assert(
    fc.asyncProperty(
      graphs(6),
      graphs(6),
      fc.double({ min: -3, max: 3, noNaN: true }),
      fc.double({ min: -3, max: 3, noNaN: true }),
      async (first, second, a, b) => {
        const oracle = new OracleBackend();
        using state = new State(oracle);
        const leaves = makeLeaves(state, 1);
        const targets = [leaves.x, leaves.w, leaves.b];
        const f = () => scalarOf(buildGraph(first, leaves));
        const g = () => scalarOf(buildGraph(second, leaves));
        const both = await evaluate(oracle, () => add(scale(f(), a), scale(g(), b)), targets);
        const [df, dg] = [
          await evaluate(oracle, f, targets),
          await evaluate(oracle, g, targets),
        ];
        both.forEach((values, i) =>
          values.forEach((value, j) => {
            const expected = a * df[i][j] + b * dg[i][j];
            const size = Math.abs(a * df[i][j]) + Math.abs(b * dg[i][j]);
            assertLess(Math.abs(value - expected), 1e-11 * (1 + size));
          })
        );
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("the rule of a linear op is its adjoint: ⟨v, A·u⟩ = ⟨Aᵀ·v, u⟩", async () => {
  const linear: Record<string, (u: Tensor, state: State) => Tensor> = {
    dense: (u, state) => dense(u, makeLeaves(state, 3).w),
    "dense, by the weight": (u, state) => {
      const { x } = makeLeaves(state, 4);
      return dense(reshape(x, [3, 4]), u);
    },
    sum: (u) => sum(u, 0, 1),
    broadcast: (u) => broadcastTo(u, [2, 4, 3]),
    interpolateReversed: (u, state) => interpolateReversed(u, makeLeaves(state, 5).t),
    reshape: (u) => reshape(u, [2, 6]),
  };
  for (const [name, map] of Object.entries(linear)) {
    const oracle = new OracleBackend();
    using state = new State(oracle);
    const u = makeLeaves(state, 6).x;
    using inner = new State(oracle);
    const probe = (y: Tensor) => reshape(sinusOf(state, y.size), y.shape);
    const saved = map(u, inner);
    using program = await trace(oracle, () => {
      const v = probe(saved);
      const left = sum(mul(v, saved));
      const [adjoint] = gradients(left, [u]);
      return { left, right: sum(mul(adjoint, u)) };
    });
    program.run();
    const { left, right } = await program.read();
    assertLess(Math.abs(left[0] - right[0]), 1e-12 * (1 + Math.abs(left[0])), name);
  }
});

function sinusOf(state: State, length: number): Variable {
  const data = Float32Array.from({ length }, (_, i) => Math.sin(1 + i));
  return state.variable(`probe ${length} ${state.names.length}`, [length], { data });
}

Deno.test("a value used several times collects the sum of its gradients", async () => {
  const { oracle, state, x } = scene();
  const [g] = await evaluate(oracle, () => sum(add(mul(x, x), scale(x, 3))), [x]);
  assertEquals(g, [5, -1, 9, 4, 6, 1]);
  state.dispose();
});

Deno.test("stopGradient makes its input a constant and leaves its value", async () => {
  const { oracle, state, x } = scene();
  const [g] = await evaluate(oracle, () => sum(mul(x, stopGradient(x))), [x]);
  assertEquals(g, [1, -2, 3, 0.5, 1.5, -1]);
  assertThrows(
    () => gradients(sum(stopGradient(x)), [x]),
    RangeError,
    "the loss does not depend on target 0, f32[2, 3]",
  );
  using program = await trace(oracle, () => ({ y: stopGradient(x) }));
  program.run();
  assertEquals([...(await program.read()).y], [1, -2, 3, 0.5, 1.5, -1]);
  state.dispose();
});

Deno.test("a gradient of a variable that the loss does not use is an error", () => {
  const { state, x, w } = scene();
  const error = assertThrows(() => gradients(sum(x), [x, w]), RangeError);
  assertEquals(error.message, "gradients: the loss does not depend on target 1, f32[3, 2]");
  state.dispose();
});

Deno.test("only scalars are differentiated", () => {
  const { state, x } = scene();
  assertThrows(() => gradients(x, [x]), RangeError, "must be a scalar, got [2, 3]");
  state.dispose();
});

Deno.test("a path through an op without a gradient is an error with the reason", () => {
  const { state, x } = scene();
  const transforms = state.variable("transforms", [2, 3]);
  const thresholds = state.variable("thresholds", [2]);
  assertThrows(
    () => gradients(sum(confidence(x, thresholds).mask), [x]),
    TypeError,
    "no gradient through confidence: it is a choice",
  );
  assertThrows(
    () => gradients(sum(augment(x, transforms, 1, 3)), [x]),
    TypeError,
    "no gradient through augment",
  );
  assertThrows(
    () => gradients(sum(mul(pack([x], [0], 6), constant(2))), [x]),
    TypeError,
    "no gradient through pack",
  );
  // Beside the path it is a constant.
  gradients(sum(mul(x, augment(stopGradient(x), transforms, 1, 3))), [x]);
  state.dispose();
});

Deno.test("piecewise constant functions have no gradient", () => {
  const { state, x } = scene();
  const y = scale(x, 2);
  for (const flat of [sign(x), greater(x, y)]) {
    assertThrows(() => gradients(sum(flat), [x]), RangeError, "does not depend on target 0");
  }
  state.dispose();
});

Deno.test("no gradient of the data is built", async () => {
  const { oracle, state, x, w } = scene();
  using program = await trace(oracle, () => {
    const [g] = gradients(sum(tanh(dense(x, w))), [w]);
    return { g };
  });
  const kernels = program.plan.calls.map(({ kernel }) => kernel.name);
  assert(!kernels.includes("dense_input_gradient"), kernels.join(", "));
  assert(kernels.includes("dense_weight_gradient"));
  state.dispose();
});

Deno.test("gradients by values in between are those of the rest of the path", async () => {
  const { oracle, state, x, w } = scene();
  using program = await trace(oracle, () => {
    const y = dense(x, w);
    const loss = squaredError(y, broadcastTo(constant(0.5), [2, 2]));
    const [byValue, byWeight] = gradients(loss, [y, w]);
    return { y, byValue, byWeight };
  });
  program.run();
  const { y, byValue, byWeight } = await program.read();
  assertEquals([...byValue], [...y].map((value) => 2 * (value - 0.5)));
  assertEquals(byWeight.length, 6);
  state.dispose();
});

Deno.test("second derivatives: the gradient of a gradient", async () => {
  const { oracle, state, x } = scene();
  const loss = () => {
    const [first] = gradients(sum(tanh(x)), [x]);
    return sum(mul(first, x));
  };
  const { passed, place } = await checkGradients(oracle, { name: "twice", targets: [x], loss });
  assert(passed, place);
  state.dispose();
});

Deno.test("random numbers are constants of the gradient", async () => {
  const { oracle, state, x } = scene();
  const step = state.variable("step", [1], { dtype: "u32" });
  using program = await trace(oracle, () => {
    const noise = randomUniform(step, [2, 3], { seed: 1, stream: 1 });
    const [g] = gradients(sum(mul(noise, x)), [x]);
    return { noise, g };
  });
  program.run();
  const { noise, g } = await program.read();
  assertEquals([...g], [...noise]);
  state.dispose();
});

Deno.test("effects work only inside trace, and only on variables", async () => {
  const { oracle, state, x } = scene();
  const { accumulate } = await import("../engine/ops/counter.ts");
  assertThrows(() => accumulate(x, 0, sum(x)), TypeError, "works only inside trace()");
  await assertRejects(
    () =>
      trace(oracle, () => {
        accumulate(scale(x, 2) as Variable, 0, sum(x));
        return {};
      }),
    TypeError,
    "must be a Variable",
  );
  state.dispose();
});
