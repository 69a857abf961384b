/**
 * Random differentiable graphs over a few variables, for properties of gradients and plans. Their nodes
 * are drawn from the registry: every op that has examples for the gradient audit is in them.
 */
import fc from "fast-check";
import { apply } from "../engine/tensor/op.ts";
import { affine, scale } from "../engine/ops/affine.ts";
import { add } from "../engine/ops/binary.ts";
import { dense } from "../engine/ops/dense.ts";
import { interpolateReversed } from "../engine/ops/interpolate.ts";
import { OPS } from "../engine/ops/registry.ts";
import { stopGradient } from "../engine/ops/reshape.ts";
import { mean, sum } from "../engine/ops/sum.ts";
import { relu, tanh } from "../engine/ops/unary.ts";
import { RandomStream } from "../engine/random.ts";
import { sameShape, type Shape, sizeOf } from "../engine/tensor/shape.ts";
import type { State } from "../engine/state/state.ts";
import type { Example, ExampleInput, Op, Tensor, Variable } from "../engine/tensor/tensor.ts";

/** The variables that every graph starts from. */
export interface Leaves {
  /** [rows, 3] */
  readonly x: Variable;
  /** [3, 3] */
  readonly w: Variable;
  /** [3] */
  readonly b: Variable;
  /** [rows], in [0, 1) */
  readonly t: Variable;
  /** Values that an example of an op names, the same each time. */
  example(name: string, input: ExampleInput): Variable;
}

/** One node: which op, which example of it, and which of the tensors made before. */
export interface Choice {
  readonly op: number;
  readonly example: number;
  readonly left: number;
  readonly right: number;
  /** Whether the gradient stops at its last input, where that is allowed. */
  readonly stops: boolean;
}

/** Makes the leaves with random values; `rows` is even. */
export function makeLeaves(state: State, seed: number, rows = 4): Leaves {
  const random = new RandomStream(seed, 99);
  const make = (name: string, shape: Shape, low: number, high = 1) =>
    state.variable(name, shape, {
      data: Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(low, high)),
    });
  const examples = new Map<string, Variable>();
  return {
    x: make("x", [rows, 3], -1),
    w: make("w", [3, 3], -1),
    b: make("b", [3], -1),
    t: make("t", [rows], 0),
    example(name, { shape, low = -1, high = 1, values, dtype }) {
      let variable = examples.get(name);
      if (!variable) {
        variable = values
          ? state.variable(name, shape, {
            ...(dtype === undefined ? {} : { dtype }),
            data: dtype === "u32" ? Uint32Array.from(values) : Float32Array.from(values),
          })
          : make(name, shape, low, high);
        examples.set(name, variable);
      }
      return variable;
    },
  };
}

/** The ops that graphs are drawn from. */
export const GRAPH_OPS: readonly Op[] = OPS.filter(({ examples }) => examples.length > 0);

/** A tensor of a graph, and how many ops it is from one whose values are within [−1, 1]. */
interface Made {
  readonly tensor: Tensor;
  readonly depth: number;
}

/** Keeps magnitudes near 1, and yet lets ops meet that fusion joins. */
function tame({ tensor, depth }: Made): Made {
  return depth < 2 ? { tensor, depth } : { tensor: tanh(tensor), depth: 0 };
}

function accepts(op: Op, inputs: readonly Tensor[], { attributes }: Example<unknown>): boolean {
  try {
    op.infer(inputs, attributes);
    return true;
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return false;
    throw error;
  }
}

/** Whether the values of an input may be any numbers. */
function isFree({ values, dtype = "f32", low = -1 }: ExampleInput): boolean {
  return values === undefined && dtype === "f32" && low < 0;
}

/**
 * Tensors of the graph to which an op that works row by row is applied as they are: the chosen one, then
 * the first that fit. Undefined where none do.
 */
function directInputs(
  op: Op,
  example: Example<unknown>,
  { left, right }: Choice,
  made: readonly Made[],
): Made[] | undefined {
  if (!op.rowInputs || !example.inputs.every(isFree)) return;
  const fill = (chosen: readonly Made[]): Made[] | undefined => {
    if (chosen.length === example.inputs.length) {
      return accepts(op, chosen.map(({ tensor }) => tensor), example) ? [...chosen] : undefined;
    }
    for (let i = 0; i < made.length; i++) {
      const found = fill([...chosen, made[(right + i) % made.length]]);
      if (found) return found;
    }
  };
  return fill([made[left % made.length]]);
}

/** The example's own inputs, moved a little by tensors of the graph where they may vary. */
function nearbyInputs(
  op: Op,
  example: Example<unknown>,
  { left, right }: Choice,
  made: readonly Made[],
  { leaves, smooth }: { readonly leaves: Leaves; readonly smooth: boolean },
): Made[] {
  return example.inputs.map((input, i) => {
    const leaf = leaves.example(`${op.name}, ${example.name}: ${i}`, input);
    const { values, dtype = "f32", fixed = false } = input;
    if (values || dtype === "u32" || (fixed && smooth)) return { tensor: leaf, depth: 0 };
    const { tensor } = made[(i === 0 ? left : right + i) % made.length];
    const change = sameShape(tensor.shape, leaf.shape) ? tensor : mean(tensor);
    return { tensor: add(leaf, scale(tanh(change), 0.05)), depth: 0 };
  });
}

/** Choices of a graph of at most `most` nodes. */
export function graphs(most: number): fc.Arbitrary<Choice[]> {
  const number = fc.nat(1000);
  const choice = fc.record({
    op: number,
    example: number,
    left: number,
    right: number,
    stops: fc.boolean(),
  });
  return fc.array(choice, { minLength: 1, maxLength: most, size: "max" });
}

/**
 * The tensors that the choices make, in order.
 * @param smooth Only what finite differences can judge: no gradient stops, and what an op is
 *   piecewise constant in stays as it is.
 */
export function buildGraph(choices: readonly Choice[], leaves: Leaves, smooth = false): Tensor[] {
  const { x, w, b, t } = leaves;
  // The first mix all leaves, so that nothing depends on none of them, by layers that two batches share.
  const layers = (rows: Tensor) => tanh(dense(relu(dense(rows, w, b)), w, b));
  const first = [layers(interpolateReversed(x, t)), layers(x)];
  const made: Made[] = [...first, x, w, b].map((tensor) => ({ tensor, depth: 0 }));
  for (const choice of choices) {
    const op = GRAPH_OPS[choice.op % GRAPH_OPS.length];
    const example = op.examples[choice.example % op.examples.length];
    const inputs = directInputs(op, example, choice, made)?.map(tame) ??
      nearbyInputs(op, example, choice, made, { leaves, smooth });
    const depth = 1 + Math.max(...inputs.map(({ depth }) => depth));
    const tensors = inputs.map(({ tensor }) => tensor);
    const last = tensors.length - 1;
    if (choice.stops && !smooth && tensors[last].dtype === "f32") {
      tensors[last] = stopGradient(tensors[last]);
    }
    for (const tensor of apply(op, tensors, example.attributes)) made.push({ tensor, depth });
  }
  const isLeaf = (tensor: Tensor) => tensor === x || tensor === w || tensor === b;
  return made.map(({ tensor }) => tensor).filter((tensor) => !isLeaf(tensor));
}

/** A scalar that depends on every tensor of a graph. */
export function scalarOf(tensors: readonly Tensor[]): Tensor {
  return tensors.map((tensor, i) => sum(affine(tensor, 1 / (i + 1), 0))).reduce(add);
}
