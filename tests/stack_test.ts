/** Stacked products and joint accumulations: fewer calls, the same values. */
import { assertEquals, assertLess } from "@std/assert";
import { gradients } from "../engine/gradient/gradient.ts";
import { Mlp, Parameters } from "../engine/network/module.ts";
import { add } from "../engine/ops/binary.ts";
import { assign } from "../engine/ops/call.ts";
import { accumulate, advance } from "../engine/ops/counter.ts";
import { dense } from "../engine/ops/dense.ts";
import { meanSquaredError } from "../engine/ops/squared_error.ts";
import { mean, sum } from "../engine/ops/sum.ts";
import { scale } from "../engine/ops/affine.ts";
import { square, tanh } from "../engine/ops/unary.ts";
import { OracleBackend } from "../engine/backend/oracle.ts";
import { type Outputs, type Program, trace } from "../engine/planner/program.ts";
import { RandomStream } from "../engine/random.ts";
import { type Shape, sizeOf } from "../engine/tensor/shape.ts";
import { State } from "../engine/state/state.ts";
import type { Tensor, Variable } from "../engine/tensor/tensor.ts";

/** A state in float64 and variables with random values. */
class Setting {
  readonly oracle = new OracleBackend();
  readonly state = new State(this.oracle);
  private readonly random = new RandomStream(5, 0);
  private count = 0;

  variable(shape: Shape): Variable {
    const data = Float32Array.from({ length: sizeOf(shape) }, () => this.random.uniform(-1, 1));
    return this.state.variable(`v${this.count++}`, shape, { data });
  }

  /** What the tensors that `build` makes hold after a step, and the step. */
  async values(build: () => readonly Tensor[]): Promise<{ program: Program; values: number[][] }> {
    const program: Program = await trace(
      this.oracle,
      () => Object.fromEntries(build().map((tensor, i) => [i, tensor])),
    );
    program.run();
    const values = Object.values(await program.read()).map((list) => Array.from(list));
    return { program, values };
  }
}

/** How often the program calls a kernel. */
function calls<O extends Outputs>(program: Program<O>, kernel: string): number {
  return program.plan.calls.filter((call) => call.kernel.name === kernel).length;
}

function assertClose(actual: readonly number[][], expected: readonly number[][]): void {
  expected.forEach((list, t) =>
    list.forEach((value, i) => {
      const error = Math.abs(actual[t][i] - value);
      assertLess(error, 1e-12 * (1 + Math.abs(value)), `tensor ${t}, element ${i}`);
    })
  );
}

for (const rows of [64, 63]) {
  // Parts of a buffer begin at multiples of 64 elements, so 63 rows cannot be stacked.
  const stacked = rows === 64;
  Deno.test(`two batches of ${rows} rows are ${stacked ? "" : "not "}stacked`, async () => {
    const setting = new Setting();
    const net = new Mlp([3, 8, 2]);
    const { variables } = new Parameters(setting.state, { net }, 0);
    const [a, b, target] = [[rows, 3], [rows, 3], [rows, 2]].map((s) => setting.variable(s));
    const lossA = () => meanSquaredError(net.apply(a), target);
    const lossB = () => mean(square(net.apply(tanh(b))));
    const { program, values } = await setting.values(() =>
      gradients(add(lossA(), scale(lossB(), 0.5)), variables)
    );
    const ofA = await setting.values(() => gradients(lossA(), variables));
    const ofB = await setting.values(() => gradients(lossB(), variables));
    assertClose(
      values,
      ofA.values.map((list, t) => list.map((v, i) => v + 0.5 * ofB.values[t][i])),
    );
    assertEquals(calls(program, "dense"), stacked ? 2 : 4);
    assertEquals(calls(program, "dense_input_gradient"), stacked ? 1 : 2);
    assertEquals(calls(program, "dense_weight_gradient"), stacked ? 2 : 4);
    setting.state.dispose();
  });
}

Deno.test("batches that depend on each other are not stacked", async () => {
  const setting = new Setting();
  const [x, w] = [setting.variable([64, 3]), setting.variable([3, 3])];
  const { program } = await setting.values(() => [dense(dense(x, w), w)]);
  assertEquals(calls(program, "dense"), 2);
  setting.state.dispose();
});

Deno.test("a weight that changes between two batches keeps them apart", async () => {
  const setting = new Setting();
  const [x, y] = [setting.variable([64, 3]), setting.variable([64, 3])];
  const [w, other] = [setting.variable([3, 3]), setting.variable([3, 3])];
  const alone = (await setting.values(() => [dense(x, w), dense(y, other)])).values;
  const { program, values } = await setting.values(() => {
    const before = dense(x, w);
    const kept = setting.state.variable("kept", [64, 3]);
    assign(kept, before);
    assign(w, other);
    return [before, dense(y, w)];
  });
  assertEquals(values, alone);
  assertEquals(calls(program, "dense"), 2);
  setting.state.dispose();
});

Deno.test("losses and the step counter are added up in one call", async () => {
  const setting = new Setting();
  const { state } = setting;
  const [x, t] = [setting.variable([40, 50]), setting.variable([40, 50])];
  const totals = state.variable("totals", [2]);
  const step = state.variable("step", [1], { dtype: "u32" });
  using program = await trace(setting.oracle, () => {
    accumulate(totals, 0, meanSquaredError(x, t));
    accumulate(totals, 1, add(mean(x), scale(mean(square(x)), 3)));
    advance(step);
    return {};
  });
  program.run(2);
  const { values: [[error], [average], [squares]] } = await setting.values(() => [
    meanSquaredError(x, t),
    mean(x),
    mean(square(x)),
  ]);
  assertClose([Array.from(await totals.read())], [[2 * error, 2 * (average + 3 * squares)]]);
  assertEquals([...await step.read()], [2]);
  assertEquals(
    program.plan.calls.map(({ kernel }) => kernel.name),
    ["mean_squared_error", "unary", "accumulate"],
  );
  state.dispose();
});

Deno.test("an accumulation does not move past what reads or resets its total", async () => {
  const setting = new Setting();
  const { state } = setting;
  const x = setting.variable([5]);
  const [totals, seen] = [state.variable("totals", [1]), state.variable("seen", [1])];
  using program = await trace(setting.oracle, () => {
    accumulate(totals, 0, sum(x));
    assign(seen, totals);
    accumulate(totals, 0, sum(x));
    return {};
  });
  program.run();
  const total = Array.from(await x.read()).reduce((a, b) => a + b);
  assertClose([[...await seen.read(), ...await totals.read()]], [[total, 2 * total]]);
  state.dispose();
});

Deno.test("rows of a variable that the step changes are not copied into a stack", async () => {
  const setting = new Setting();
  const [x, y, w] = [
    setting.variable([64, 3]),
    setting.variable([64, 3]),
    setting.variable([3, 3]),
  ];
  const alone = (await setting.values(() => [dense(tanh(y), w), dense(scale(x, 2), w)])).values;
  // The rows of x come second: stacked, they would be copied as soon as tanh(y) is there.
  const { values } = await setting.values(() => {
    const hidden = tanh(y);
    assign(x, scale(x, 2));
    return [dense(hidden, w), dense(x, w)];
  });
  assertEquals(values, alone);
  setting.state.dispose();
});
