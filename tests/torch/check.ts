/**
 * Whether an independent implementation agrees: from the same weights, batches and noise, every deep
 * method's losses, gradients and a few steps of its optimisers, ours on the oracle and PyTorch's by
 * `losses.py`, both in float64: `deno task test:torch`.
 */
import { fileURLToPath } from "node:url";
import { OracleBackend } from "../../engine/backend/oracle.ts";
import { gradients } from "../../engine/gradient/gradient.ts";
import { formatTable } from "../../engine/inspect/text.ts";
import { Adam, minimizeTogether, type Optimizer, Sgd } from "../../engine/network/optim.ts";
import { type Outputs, trace } from "../../engine/planner/program.ts";
import { State } from "../../engine/state/state.ts";
import type { Variable } from "../../engine/tensor/tensor.ts";
import { AuditScene } from "../../models/audit_scene.ts";
import type { Method } from "../../models/method.ts";
import { METHODS } from "../../models/registry.ts";
import { blockOf } from "../../models/training/centroid_options.ts";

const PYTHON = "/usr/bin/python3";
/** Largest relative difference, of the largest element of a tensor: float64's rounding, grown. */
const TOLERANCE = 1e-10;
const SEED = 0;
const STEPS = 5;
/** What the audit's weights are multiplied by: its codes are nearly the same for all rows. */
const SPREAD = 2;

// Constants are sums of few powers of 2, so that both sides compute with the same.
const ADAM = { learningRate: 2 ** -7, beta1: 0.875, beta2: 1 - 2 ** -10, epsilon: 2 ** -20 };
const SGD = { learningRate: 2 ** -7, momentum: 0.875 };
const WEIGHT_DECAY = 2 ** -3;

/** Ours, by what a column is called. */
const OPTIMIZERS: Readonly<Record<string, (state: State, target: Variable) => Optimizer>> = {
  Adam: (state, target) => new Adam(state, `${target.name} adam`, blockOf(target), ADAM),
  AdamW: (state, target) => {
    const options = { ...ADAM, weightDecay: WEIGHT_DECAY };
    return new Adam(state, `${target.name} adamw`, blockOf(target), options);
  },
  SGD: (state, target) => new Sgd(state, `${target.name} sgd`, blockOf(target), SGD),
};

/** PyTorch's, by the same names: its kind and its options. */
const adam = { lr: ADAM.learningRate, betas: [ADAM.beta1, ADAM.beta2], eps: ADAM.epsilon };
const PEERS = {
  Adam: ["adam", adam],
  AdamW: ["adamw", { ...adam, weight_decay: WEIGHT_DECAY }],
  SGD: ["sgd", { lr: SGD.learningRate, momentum: SGD.momentum }],
};

/** What both sides say of a loss; tensors as flat lists, one for each target. */
interface Evaluated {
  readonly loss: number;
  readonly gradients: readonly (readonly number[])[];
  /** The targets after the steps of each optimiser. */
  readonly paths: Readonly<Record<string, readonly (readonly number[])[]>>;
}

/** A loss, what it depends on before the first step, and what we say. */
interface Case {
  readonly name: string;
  readonly variables: Readonly<Record<string, readonly [readonly number[], readonly number[]]>>;
  readonly targets: readonly string[];
  readonly ours: Evaluated;
}

async function valuesOf(variables: readonly Variable[]): Promise<number[][]> {
  return await Promise.all(variables.map(async (variable) => [...await variable.read()]));
}

async function evaluate(method: Method, loss: string): Promise<Case> {
  const oracle = new OracleBackend();
  using state = new State(oracle);
  const { targets, loss: make } = await method.losses[loss](new AuditScene(state, SEED));
  using program = await trace(oracle, (): Outputs => {
    const total = make();
    const found = gradients(total, targets).map((gradient, i) => [`gradient ${i}`, gradient]);
    return { total, ...Object.fromEntries(found) };
  });
  const before = state.names.map((name) => state.get(name));
  const values = await valuesOf(before);
  const reset = () =>
    before.forEach(({ region }, i) => oracle.write(region, Float64Array.from(values[i])));
  before.forEach(({ name }, i) => {
    if (name.endsWith(".weight")) values[i] = values[i].map((value) => SPREAD * value);
  });
  reset();
  program.run();
  const { total: [total], ...rest } = await program.read();
  const paths: Record<string, number[][]> = {};
  for (const [name, optimizerOf] of Object.entries(OPTIMIZERS)) {
    using memory = new State(oracle);
    const optimizers = targets.map((target) => optimizerOf(memory, target));
    using step = await trace(oracle, () => {
      minimizeTogether(make(), optimizers);
      return {};
    });
    step.run(STEPS);
    paths[name] = await valuesOf(targets);
    reset();
  }
  return {
    name: `${method.name}: ${loss}`,
    variables: Object.fromEntries(before.map(({ name, shape }, i) => [name, [shape, values[i]]])),
    targets: targets.map(({ name }) => name),
    ours: { loss: total, gradients: Object.values(rest).map((values) => [...values]), paths },
  };
}

/** What PyTorch says, and its version. @throws {Error} with what Python wrote. */
async function ask(cases: readonly Case[]): Promise<{ version: string; losses: Evaluated[] }> {
  const child = new Deno.Command(PYTHON, {
    args: [fileURLToPath(new URL("losses.py", import.meta.url))],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const output = child.output();
  await writer.write(new TextEncoder().encode(JSON.stringify({
    optimizers: PEERS,
    steps: STEPS,
    losses: cases.map(({ name, variables, targets }) => ({ name, variables, targets })),
  })));
  await writer.close();
  const { code, stdout, stderr } = await output;
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Why PyTorch is not there; empty where it is. */
async function missing(): Promise<string> {
  try {
    const { code, stderr } = await new Deno.Command(PYTHON, { args: ["-c", "import torch"] })
      .output();
    return code === 0 ? "" : new TextDecoder().decode(stderr).trim().split("\n").at(-1)!;
  } catch (error) {
    return (error as Error).message;
  }
}

/**
 * The largest difference of any tensor, relative to how far it is from where it started, 0 by default; ∞
 * where a value is not finite.
 */
function difference(
  ours: Evaluated["gradients"],
  theirs: Evaluated["gradients"],
  starts?: Evaluated["gradients"],
): number {
  const each = ours.map((values, t) => {
    const other = theirs[t];
    const apart = values.map((value, i) => Math.abs(value - other[i]));
    if (values.length !== other.length || apart.some(Number.isNaN)) return Infinity;
    const size = Math.max(...other.map((value, i) => Math.abs(value - (starts?.[t][i] ?? 0))));
    return Math.max(...apart) / Math.max(size, Number.MIN_VALUE);
  });
  return Math.max(...each);
}

const reason = await missing();
if (reason !== "") {
  console.log(`NOT CHECKED: ${PYTHON} has no PyTorch (Debian: python3-torch): ${reason}`);
  Deno.exit(0);
}
const cases: Case[] = [];
for (const method of Object.values(METHODS)) {
  for (const loss of Object.keys(method.losses)) cases.push(await evaluate(method, loss));
}
const { version, losses } = await ask(cases);
const found = cases.map(({ name, ours, variables, targets }, i) => {
  const theirs = losses[i];
  const starts = targets.map((target) => variables[target][1]);
  const paths = Object.keys(OPTIMIZERS).map((name) =>
    difference(ours.paths[name], theirs.paths[name], starts)
  );
  const loss = difference([[ours.loss]], [[theirs.loss]]);
  return { name, differences: [loss, difference(ours.gradients, theirs.gradients), ...paths] };
});
const columns = ["loss", "gradients", ...Object.keys(OPTIMIZERS)];
console.log(
  `PyTorch ${version}, float64, largest relative differences; ${STEPS} steps of optimisers`,
);
console.log(formatTable(
  ["method and loss", ...columns],
  found.map((
    { name, differences },
  ) => [name, ...differences.map((value) => value.toExponential(1))]),
));
const apart = found.filter(({ differences }) => differences.some((value) => value > TOLERANCE));
console.log(`${found.length} losses, ${apart.length} apart by more than ${TOLERANCE}`);
if (apart.length > 0) Deno.exit(1);
