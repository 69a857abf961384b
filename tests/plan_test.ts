import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertLessOrEqual,
  assertRejects,
  assertThrows,
} from "@std/assert";
import fc from "fast-check";
import type { Backend, Region } from "../engine/backend/backend.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { gradients } from "../engine/gradient/gradient.ts";
import { Mlp, Parameters } from "../engine/network/module.ts";
import { add, mul, reluGradient, sub } from "../engine/ops/binary.ts";
import { broadcastTo, sum } from "../engine/ops/sum.ts";
import { assign } from "../engine/ops/call.ts";
import { constant } from "../engine/ops/constant.ts";
import { accumulate, advance } from "../engine/ops/counter.ts";
import { dense, denseInputGradient } from "../engine/ops/dense.ts";
import { pack } from "../engine/ops/pack.ts";
import { reshape, stopGradient } from "../engine/ops/reshape.ts";
import { meanSquaredError, squaredError } from "../engine/ops/squared_error.ts";
import { scale } from "../engine/ops/affine.ts";
import { copy, relu, tanh } from "../engine/ops/unary.ts";
import { Adam, Sgd } from "../engine/network/optim.ts";
import { OracleBackend } from "../engine/backend/oracle.ts";
import { type Outputs, type Program, trace } from "../engine/planner/program.ts";
import { State } from "../engine/state/state.ts";
import { apply } from "../engine/tensor/op.ts";
import type { Node, Tensor, Variable } from "../engine/tensor/tensor.ts";
import { openWebGpuBackend } from "../engine/webgpu/backend.ts";
import { gpuTest } from "./gpu.ts";
import { buildGraph, graphs, type Leaves, makeLeaves, scalarOf } from "./random_graph.ts";

type Values = Record<string, ArrayLike<number>>;

/** Runs the step `replays` times and reads its outputs. */
async function evaluate(backend: Backend, build: () => Outputs, replays = 1): Promise<Values> {
  using program = await trace(backend, build);
  program.run(replays);
  return await program.read();
}

function kernelsOf(program: Program): string[] {
  return program.plan.calls.map(({ kernel }) => kernel.name);
}

/** The nodes that tensors are made from, in the order of creation. */
function nodesOf(tensors: readonly Tensor[]): Node[] {
  const found = new Set<Node>();
  const visit = (tensor: Tensor) => {
    if (!tensor.node || found.has(tensor.node)) return;
    found.add(tensor.node);
    tensor.node.inputs.forEach(visit);
  };
  tensors.forEach(visit);
  return [...found].sort((a, b) => a.id - b.id);
}

/** Every value of a graph, each node planned alone on copies of its inputs. */
async function evaluateAlone(
  oracle: OracleBackend,
  tensors: readonly Tensor[],
): Promise<Map<Tensor, Float64Array | Uint32Array>> {
  const values = new Map<Tensor, Float64Array | Uint32Array>();
  for (const node of nodesOf(tensors)) {
    using state = new State(oracle);
    const inputs: Tensor[] = [];
    for (const [i, input] of node.inputs.entries()) {
      const copy = state.variable(`${i}`, input.shape, { dtype: input.dtype });
      const data = values.get(input) ?? await (input as Variable).read();
      oracle.write(copy.region, data);
      inputs.push(copy);
    }
    const outputs = apply(node.op, inputs, node.attributes);
    const alone = await evaluate(
      oracle,
      () => Object.fromEntries(outputs.map((output, i) => [`${i}`, output])),
    );
    node.outputs.forEach((output, i) => values.set(output, alone[i] as Float64Array));
  }
  return values;
}

Deno.test("fused and shared memory: random graphs equal their nodes evaluated alone", async () => {
  await fc.assert(
    fc.asyncProperty(graphs(10), fc.nat(1000), fc.boolean(), async (choices, seed, all) => {
      const oracle = new OracleBackend();
      using state = new State(oracle);
      const leaves = makeLeaves(state, seed);
      const matrices = buildGraph(choices, leaves);
      const loss = scalarOf(matrices);
      const derived = gradients(loss, [leaves.x, leaves.w, leaves.b]);
      const outputs = [loss, ...derived, ...(all ? matrices : [matrices.at(-1)!])];
      const named = Object.fromEntries(outputs.map((output, i) => [`${i}`, output]));
      // A second replay meets the leftovers of the first where memory is shared.
      const planned = await evaluate(oracle, () => named, 2);
      const alone = await evaluateAlone(oracle, outputs);
      outputs.forEach((output, i) => {
        const expected = alone.get(output)!;
        assertEquals([...Array.from(planned[i])], [...expected], `output ${i}: ${output}`);
      });
    }),
    { numRuns: 60 },
  );
});

Deno.test("stacked rows: random graphs equal their nodes evaluated alone", async () => {
  await fc.assert(
    fc.asyncProperty(graphs(10), fc.nat(1000), fc.boolean(), async (choices, seed, all) => {
      const oracle = new OracleBackend();
      using state = new State(oracle);
      // Batches of 64 rows can be stacked, and then gradients are summed in another order.
      const leaves = makeLeaves(state, seed, 64);
      const matrices = buildGraph(choices, leaves);
      const loss = scalarOf(matrices);
      const derived = gradients(loss, [leaves.x, leaves.w, leaves.b]);
      const outputs = [loss, ...derived, ...(all ? matrices : [matrices.at(-1)!])];
      const named = Object.fromEntries(outputs.map((output, i) => [`${i}`, output]));
      const planned = await evaluate(oracle, () => named, 2);
      const alone = await evaluateAlone(oracle, outputs);
      outputs.forEach((output, i) => {
        alone.get(output)!.forEach((value, j) => {
          const error = Math.abs(planned[i][j] - value);
          assertLess(error, 1e-9 * (1 + Math.abs(value)), `output ${i}: ${output}, element ${j}`);
        });
      });
    }),
    { numRuns: 60 },
  );
});

Deno.test("what stacking and fusion make has the outputs that its op infers", async () => {
  await fc.assert(
    fc.asyncProperty(graphs(10), fc.constantFrom(4, 64), async (choices, rows) => {
      const oracle = new OracleBackend();
      using state = new State(oracle);
      const leaves = makeLeaves(state, 2, rows);
      const totals = state.variable("totals", [1]);
      using program = await trace(oracle, () => {
        const graph = buildGraph(choices, leaves);
        const loss = add(scalarOf(graph), meanSquaredError(graph[1], leaves.x));
        accumulate(totals, 0, loss);
        const [dw, db] = gradients(loss, [leaves.w, leaves.b]);
        return { dw, db };
      });
      for (const { node: { op, inputs, attributes, outputs } } of program.plan.sources) {
        const inferred = op.infer(inputs, attributes).map(({ shape, dtype }) => ({ shape, dtype }));
        assertEquals(inferred, outputs.map(({ shape, dtype }) => ({ shape, dtype })), op.name);
      }
    }),
    { numRuns: 60 },
  );
});

/** Where the tensors of a test come from. */
interface Layer extends Leaves {
  readonly state: State;
}

function layer(): Layer & { oracle: OracleBackend } {
  const oracle = new OracleBackend();
  const state = new State(oracle);
  return { oracle, state, ...makeLeaves(state, 7) };
}

Deno.test("a ReLU goes into the matrix product before it", async () => {
  const { oracle, state, x, w, b } = layer();
  using fused = await trace(oracle, () => ({ y: relu(dense(x, w, b)) }));
  assertEquals(kernelsOf(fused), ["dense"]);
  assertEquals(fused.plan.calls[0].constants.ACT, 1);
  using separate = await trace(oracle, () => {
    const product = dense(x, w, b);
    return { y: relu(product), product };
  });
  assertEquals(kernelsOf(separate), ["dense", "unary"]);
  fused.run();
  separate.run();
  assertEquals((await fused.read()).y, (await separate.read()).y);
  state.dispose();
});

Deno.test("a ReLU stays apart from a product that something else reads", async () => {
  const { oracle, state, x, w, b } = layer();
  using program = await trace(oracle, () => {
    const product = dense(x, w, b);
    return { y: add(relu(product), product) };
  });
  assertEquals(kernelsOf(program), ["dense", "unary", "binary"]);
  state.dispose();
});

Deno.test("a ReLU's mask goes into the input gradient, an error into its gradient", async () => {
  const { oracle, state, x, w, b } = layer();
  const build = (extra: boolean): Outputs => {
    const hidden = relu(dense(x, w, b));
    const prediction = dense(hidden, w);
    const loss = squaredError(prediction, x);
    const [g] = gradients(loss, [w]);
    if (!extra) return { loss, g };
    // What is an output stays a value of its own.
    const products = nodesOf([g]).filter(({ op }) => op.name === "denseInputGradient");
    return { loss, g, product: products[0].outputs[0] };
  };
  using fused = await trace(oracle, () => build(false));
  const names = kernelsOf(fused);
  assertEquals(names.filter((name) => name === "mean_squared_error").length, 1);
  assert(!names.includes("unary"), names.join(", "));
  const masked = fused.plan.calls.find(({ kernel }) => kernel.name === "dense_input_gradient")!;
  assertEquals(masked.constants.MASK, 1);
  using separate = await trace(oracle, () => build(true));
  assertGreater(kernelsOf(separate).length, names.length);
  fused.run();
  separate.run();
  const [a, c] = [await fused.read(), await separate.read()];
  assertEquals(a.loss, c.loss);
  assertEquals(a.g, c.g);
  state.dispose();
});

Deno.test("an error that is computed after its gradient still fuses into the right order", async () => {
  const { oracle, state, x, w } = layer();
  const build = () => {
    const y = tanh(dense(x, w));
    const [g] = gradients(squaredError(y, x), [w]);
    const used = scale(g, 2);
    return { used, loss: squaredError(y, x) };
  };
  const together = await evaluate(oracle, build);
  const { used } = await evaluate(oracle, () => ({ used: build().used }));
  const { loss } = await evaluate(oracle, () => ({ loss: build().loss }));
  assertEquals(together, { used, loss });
  state.dispose();
});

Deno.test("fusion does not move a read past an effect", async () => {
  for (const effectFirst of [false, true]) {
    const { oracle, state, x, w } = layer();
    const before = [...await w.read()];
    const doubled = state.variable("doubled", [3, 3], {
      data: Float32Array.from(before, (v) => 2 * v),
    });
    const expected = await evaluate(oracle, () => ({
      y: relu(dense(x, effectFirst ? doubled : w)),
    }));
    const actual = await evaluate(oracle, () => {
      if (effectFirst) assign(w, scale(w, 2));
      const product = dense(x, w);
      if (!effectFirst) assign(w, scale(w, 2));
      return { y: relu(product) };
    });
    assertEquals(actual, expected);
    state.dispose();
  }
});

Deno.test("of two masks one goes into the input gradient", async () => {
  const oracle = new OracleBackend();
  using state = new State(oracle);
  const make = (name: string, data: number[]) =>
    state.variable(name, [2, 2], { data: Float32Array.from(data) });
  const [dy, w] = [make("dy", [1, 2, 3, 4]), make("w", [1, 0, 0, 1])];
  const [first, second] = [make("first", [1, -1, 1, 1]), make("second", [1, 1, -1, 1])];
  using program = await trace(oracle, () => ({
    masked: reluGradient(reluGradient(denseInputGradient(dy, w), first), second),
  }));
  program.run();
  assertEquals([...(await program.read()).masked], [1, 0, 0, 4]);
  assertEquals(kernelsOf(program), ["dense_input_gradient", "binary"]);
});

Deno.test("a mask that is broadcast, or the product itself, is not fused", async () => {
  const { oracle, state, x, w, b } = layer();
  const product = denseInputGradient(x, w);
  for (const mask of [b, constant(1), product]) {
    const y = reluGradient(product, mask);
    const alone = await evaluateAlone(oracle, [y]);
    const { planned } = await evaluate(oracle, () => ({ planned: y }));
    assertEquals([...Array.from(planned)], [...alone.get(y)!]);
  }
  state.dispose();
});

Deno.test("what nothing reads is dropped", async () => {
  const { oracle, state, x, w } = layer();
  using program = await trace(oracle, () => {
    tanh(dense(x, w));
    return { y: scale(x, 2) };
  });
  assertEquals(kernelsOf(program), ["unary"]);
  using empty = await trace(oracle, () => ({}));
  assertEquals(empty.plan.calls.length, 0);
  empty.run(3);
  assertEquals(await empty.read(), {});
  state.dispose();
});

Deno.test("a long chain needs the memory of two links", async () => {
  const { oracle, state, x } = layer();
  using program = await trace(oracle, () => {
    let y: Tensor = x;
    for (let i = 0; i < 20; i++) y = tanh(y);
    return { y: sum(y) };
  });
  const intermediate = program.plan.buffers.reduce((bytes, buffer) => bytes + buffer.byteLength, 0);
  assertLessOrEqual(intermediate, 3 * 256);
  assertEquals(program.plan.unsharedBytes, 20 * 48 + 4);
  state.dispose();
});

Deno.test("no call reads and writes one buffer, unless it updates a region in place", async () => {
  await fc.assert(
    fc.asyncProperty(graphs(10), fc.constantFrom(4, 64), async (choices, rows) => {
      const oracle = new OracleBackend();
      using state = new State(oracle);
      const leaves = makeLeaves(state, 1, rows);
      using program = await trace(oracle, () => {
        const derived = gradients(scalarOf(buildGraph(choices, leaves)), [leaves.w, leaves.b]);
        return { packed: pack(derived, [0, 64], 128) };
      });
      for (const { kernel, regions } of program.plan.calls) assertNoConflict(kernel, regions);
    }),
    { numRuns: 60 },
  );
});

function assertNoConflict(
  { name, bindings }: { name: string; bindings: readonly { access: string }[] },
  regions: readonly Region[],
): void {
  bindings.forEach(({ access }, i) => {
    if (access === "read") return;
    const { buffer, offset, length } = regions[i];
    regions.forEach((other, j) => {
      if (j === i || other.buffer !== buffer) return;
      assert(bindings[j].access !== "read", `${name} reads and writes one buffer`);
      const apart = other.offset >= offset + length || offset >= other.offset + other.length;
      assert(apart, `${name} writes one region twice`);
    });
  });
}

Deno.test("outputs survive: variables, aliases, constants, one tensor under two names", async () => {
  const { oracle, state, x, w } = layer();
  const data = [...await x.read()];
  const values = await evaluate(oracle, () => {
    const y = scale(x, 2);
    const later = tanh(dense(tanh(dense(y, w)), w));
    return {
      x,
      flat: reshape(x, [12]),
      y,
      same: y,
      stopped: stopGradient(reshape(y, [2, 6])),
      one: constant(1.5),
      later,
    };
  }, 3);
  assertEquals([...Array.from(values.x)], data);
  assertEquals([...Array.from(values.flat)], data);
  for (const name of ["y", "same", "stopped"]) {
    assertEquals([...Array.from(values[name])], data.map((value) => 2 * value), name);
  }
  assertEquals([...Array.from(values.one)], [1.5]);
  state.dispose();
});

/** What `pack` must give: the values at their offsets, zeros between. */
function packed(values: readonly ArrayLike<number>[], offsets: readonly number[], length: number) {
  const whole = new Array<number>(length).fill(0);
  values.forEach((list, i) => Array.from(list).forEach((v, j) => whole[offsets[i] + j] = v));
  return whole;
}

/** Sets of tensors to pack whose makers meet in every way that matters. */
const PACKED: Record<string, (leaves: Layer) => Tensor[]> = {
  "separate makers": ({ x, w }) => [tanh(x), dense(x, w)],
  "one tensor twice": ({ x }) => {
    const y = tanh(x);
    return [y, y];
  },
  "variables": ({ x, w }) => [x, w, x],
  "aliases": ({ x }) => {
    const y = tanh(x);
    return [reshape(y, [12]), y, stopGradient(x)];
  },
  "one made from another": ({ x }) => {
    const y = tanh(x);
    return [y, scale(y, -1), add(y, x)];
  },
  "one made from an alias of another": ({ x }) => {
    const y = tanh(x);
    return [y, scale(reshape(y, [12]), 3)];
  },
  "constants": ({ x }) => [constant(2), broadcastTo(constant(3), [4]), tanh(x), constant(2)],
  "shared parameters": ({ x, w, b }) => {
    const y = relu(dense(relu(dense(x, w, b)), w, b));
    return gradients(squaredError(y, x), [w, b]);
  },
  "two biases with one gradient": ({ state, x, w, b }) => {
    const c = state.variable("c", [3]);
    const y = add(add(dense(x, w), b), c);
    return gradients(squaredError(y, x), [b, c, w]);
  },
  "one gradient the other's negative": ({ state, x }) => {
    const c = state.variable("c", [4, 3]);
    return gradients(sum(tanh(sub(x, c))), [x, c]);
  },
};

for (const [name, make] of Object.entries(PACKED)) {
  Deno.test(`packed arrays hold their parts: ${name}`, async () => {
    const leaves = layer();
    const { oracle, state } = leaves;
    const parts = make(leaves);
    const offsets = parts.map((_, i) => 64 * i);
    const length = 64 * parts.length;
    using program = await trace(oracle, () => ({ whole: pack(parts, offsets, length) }));
    program.run(2);
    const { whole } = await program.read();
    const alone = await evaluateAlone(oracle, parts);
    const expected: ArrayLike<number>[] = [];
    for (const part of parts) expected.push(alone.get(part) ?? await (part as Variable).read());
    assertEquals([...whole], packed(expected, offsets, length));
    for (const { kernel, regions } of program.plan.calls) assertNoConflict(kernel, regions);
    state.dispose();
  });
}

gpuTest("packed arrays hold their parts on WebGPU", async () => {
  const backend = await openWebGpuBackend();
  for (const [name, make] of Object.entries(PACKED)) {
    const wholeOf = async (device: Backend) => {
      using state = new State(device);
      const parts = make({ state, ...makeLeaves(state, 7) });
      const offsets = parts.map((_, i) => 64 * i);
      return (await evaluate(device, () => ({ whole: pack(parts, offsets, 64 * parts.length) })))
        .whole;
    };
    const [actual, expected] = [await wholeOf(backend), await wholeOf(new OracleBackend())];
    Array.from(expected).forEach((value, j) => {
      assertLess(Math.abs(actual[j] - value), 1e-5 * (1 + Math.abs(value)), `${name}, ${j}`);
    });
  }
  assertEquals(backend.memory().bytes, 0);
  await backend.dispose();
});

Deno.test("the gradients of a network are packed without a copy", async () => {
  const oracle = new OracleBackend();
  using state = new State(oracle);
  const net = new Mlp([3, 5, 4, 3]);
  const parameters = new Parameters(state, { net }, 0);
  const sgd = new Sgd(state, "sgd", parameters);
  const { x } = makeLeaves(state, 1);
  using program = await trace(oracle, () => {
    sgd.minimize(meanSquaredError(net.apply(x), x));
    return {};
  });
  // Forward, error, two products a layer (no gradient of the data), the update.
  assertEquals(kernelsOf(program).toSorted(), [
    ...["dense", "dense", "dense"],
    ...["dense_input_gradient", "dense_input_gradient"],
    ...["dense_weight_gradient", "dense_weight_gradient", "dense_weight_gradient"],
    ...["mean_squared_error", "sgd"],
  ]);
});

Deno.test("effects apply in the order in which they were traced", async () => {
  const { oracle, state, x } = layer();
  const total = state.variable("total", [2]);
  const step = state.variable("step", [1], { dtype: "u32" });
  using program = await trace(oracle, () => {
    const before = copy(x);
    accumulate(total, 0, sum(x));
    assign(x, scale(x, 2));
    accumulate(total, 1, sum(x));
    advance(step);
    return { before, after: x };
  });
  const start = [...await x.read()];
  const size = start.reduce((a, b) => a + b);
  program.run(3);
  const { before, after } = await program.read();
  assertEquals([...before], start.map((value) => 4 * value));
  assertEquals([...after], start.map((value) => 8 * value));
  assertEquals([...await step.read()], [3]);
  const totals = await total.read();
  assertLess(Math.abs(totals[0] - 7 * size), 1e-12);
  assertLess(Math.abs(totals[1] - 14 * size), 1e-12);
  state.dispose();
});

Deno.test("run(0) does nothing, and a count that is no number of steps is an error", async () => {
  const { oracle, state } = layer();
  const step = state.variable("step", [1], { dtype: "u32" });
  using program = await trace(oracle, () => {
    advance(step);
    return {};
  });
  program.run(0);
  assertEquals([...await step.read()], [0]);
  program.run();
  program.run(4);
  assertEquals([...await step.read()], [5]);
  for (const bad of [-1, 1.5, NaN, Infinity]) {
    assertThrows(
      () => program.run(bad),
      RangeError,
      `run: steps must be an integer ≥ 0, got ${bad}`,
    );
  }
  assertEquals([...await step.read()], [5]);
  state.dispose();
});

Deno.test("a variable of another device is an error", async () => {
  const { state, x } = layer();
  await assertRejects(
    () => trace(new OracleBackend(), () => ({ y: scale(x, 2) })),
    TypeError,
    "variable x lives on another device than this program",
  );
  state.dispose();
});

Deno.test("a snapshot of another shape or type is an error, and nothing of it is restored", async () => {
  using state = new State(new OracleBackend());
  state.variable("a", [2], { data: Float32Array.of(1, 2) });
  state.variable("b", [1], { data: Float32Array.of(3) });
  const a = { shape: [2], data: Float32Array.of(7, 8) };
  for (
    const [b, message] of [
      [{ shape: [1, 1], data: Float32Array.of(9) }, "b has the shape [1, 1], this model's is [1]"],
      [{ shape: [1], data: Uint32Array.of(9) }, "b has the type u32, this model's is f32"],
      [undefined, "missing variable b"],
    ] as const
  ) {
    const snapshot = new Map(Object.entries({ a, ...b && { b } }));
    assertThrows(() => state.restore(snapshot), RangeError, message);
    assertEquals([...await state.get("a").read()], [1, 2]);
  }
});

/** Everything that training makes, run and disposed of. */
async function trainBriefly(backend: Backend): Promise<void> {
  using state = new State(backend);
  const net = new Mlp([3, 5, 3]);
  const parameters = new Parameters(state, { net }, 0);
  const step = state.variable("step", [1], { dtype: "u32" });
  const adam = new Adam(state, "adam", parameters, { step });
  const sgd = new Sgd(state, "sgd", parameters);
  const { x } = makeLeaves(state, 1);
  using program = await trace(backend, () => {
    const loss = meanSquaredError(net.apply(x), x);
    adam.minimize(loss);
    sgd.minimize(mul(loss, loss));
    advance(step);
    return { loss };
  });
  program.run(3);
  const { loss } = await program.read();
  assert(Number.isFinite(loss[0]));
  assertGreater(backend.memory().bytes, 0);
}

for (
  const [name, open] of Object.entries({
    oracle: () => Promise.resolve(new OracleBackend()),
    cpu: () => openCpuBackend({ threads: 1 }),
  })
) {
  Deno.test(`${name}: programs and variables free what they took`, async () => {
    const backend: Backend = await open();
    const start = backend.memory();
    for (let i = 0; i < 20; i++) {
      await trainBriefly(backend);
      assertEquals(backend.memory().bytes, start.bytes);
      assertEquals(backend.memory().buffers, start.buffers);
    }
    const { peakBytes } = backend.memory();
    await trainBriefly(backend);
    assertEquals(backend.memory().peakBytes, peakBytes);
    await backend.dispose();
  });
}

gpuTest("webgpu: programs and variables free what they took", async () => {
  const backend = await openWebGpuBackend();
  const start = backend.memory();
  for (let i = 0; i < 5; i++) {
    await trainBriefly(backend);
    assertEquals(backend.memory().bytes, start.bytes);
    assertEquals(backend.memory().buffers, start.buffers);
  }
  await backend.dispose();
});

Deno.test("freeing twice is harmless; a plan that fails leaves no memory", async () => {
  const { oracle, state, x, w } = layer();
  const held = oracle.memory().bytes;
  const program = await trace(oracle, () => ({ y: dense(x, w) }));
  program.dispose();
  program.dispose();
  assertEquals(oracle.memory().bytes, held);
  await assertRejects(() => trace(oracle, () => ({ y: dense(w, x) })), RangeError);
  assertEquals(oracle.memory().bytes, held);
  state.dispose();
  state.dispose();
  assertEquals(oracle.memory().bytes, 0);
});
