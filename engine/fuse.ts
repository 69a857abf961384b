/**
 * Fusion: rewrites of the traced nodes that make fewer kernel calls of the same arithmetic. Most rules
 * replace a node and its producer by one node whose outputs are the same tensors.
 */
import { ACCUMULATE_TERMS } from "../kernels/accumulate.ts";
import { binaryOp } from "./ops/binary.ts";
import {
  accumulateAndAdvanceOp,
  type AccumulateAttributes,
  accumulateOp,
  advanceOp,
} from "./ops/counter.ts";
import { denseInputGradientOp, denseOp, denseWeightGradientOp } from "./ops/dense.ts";
import {
  squaredErrorBlocks,
  squaredErrorGradientOp,
  squaredErrorOp,
  squaredErrorWithGradientOp,
} from "./ops/squared_error.ts";
import { sumOp } from "./ops/sum.ts";
import { unaryOp } from "./ops/unary.ts";
import { partsOf, Rewriting } from "./rewrite.ts";
import { sameShape } from "./shape.ts";
import { stackProducts } from "./stack.ts";
import { type Node, Tensor } from "./tensor.ts";

/** Returns the nodes that go, the rule's own among them, with what takes their places; or undefined. */
type Rule = (node: Node, step: Rewriting) => readonly (readonly [Node, Node])[] | undefined;

/** relu(dense(x, w, b)): the ReLU goes into the epilogue of the product. */
const reluIntoDense: Rule = (node, step) => {
  if (node.op.name !== unaryOp.name || (node.attributes as { kind: string }).kind !== "relu") {
    return;
  }
  const absorbed = step.maker(node.inputs[0]);
  if (absorbed?.op.name !== denseOp.name || !step.onlyReader(node.inputs[0], node)) return;
  const fused = { ...absorbed, id: node.id, attributes: { relu: true }, outputs: node.outputs };
  return [[absorbed, fused], [node, fused]];
};

/** reluGradient(dy·wᵀ, y): the mask goes into the epilogue of the product. */
const maskIntoInputGradient: Rule = (node, step) => {
  if (node.op.name !== binaryOp.name) return;
  if ((node.attributes as { kind: string }).kind !== "reluGradient") return;
  const [product, y] = node.inputs;
  const absorbed = step.maker(product);
  if (absorbed?.op.name !== denseInputGradientOp.name || !step.onlyReader(product, node)) return;
  if (y === product || !sameShape(y.shape, product.shape) || absorbed.inputs.length > 2) return;
  const inputs = [...absorbed.inputs, y];
  const fused = {
    ...absorbed,
    id: node.id,
    inputs,
    attributes: { mask: true },
    outputs: node.outputs,
  };
  return [[absorbed, fused], [node, fused]];
};

/** squaredError(p, t) and its gradient: one pass. */
const errorWithGradient: Rule = (node, step) => {
  if (node.op.name !== squaredErrorGradientOp.name) return;
  const [p, t] = node.inputs;
  const absorbed = step.readers(p).find((other) =>
    other.op.name === squaredErrorOp.name && other.inputs[0] === p && other.inputs[1] === t
  );
  if (!absorbed) return;
  const fused: Node = {
    ...node,
    // The error may come first or, traced once more after differentiation, last.
    id: Math.min(absorbed.id, node.id),
    op: squaredErrorWithGradientOp,
    outputs: [...absorbed.outputs, ...node.outputs],
  };
  return [[absorbed, fused], [node, fused]];
};

/** xᵀ·dy and the sum of dy's rows: the gradients of a weight and its bias are one product. */
const biasIntoWeightGradient: Rule = (node, step) => {
  if (node.op.name !== sumOp.name) return;
  const { from, to } = node.attributes as { from: number; to: number };
  const [dy] = node.inputs;
  if (dy.shape.length !== 2 || from !== 0 || to !== 1) return;
  const absorbed = step.readers(dy).find((other) =>
    other.op.name === denseWeightGradientOp.name && other.inputs[1] === dy &&
    other.outputs.length === 1
  );
  if (!absorbed) return;
  const fused: Node = {
    ...absorbed,
    id: Math.min(absorbed.id, node.id),
    outputs: [...absorbed.outputs, ...node.outputs],
  };
  return [[absorbed, fused], [node, fused]];
};

/** Longest sum that the one workgroup of an accumulation makes as fast as a call of its own. */
const LONGEST_SUM = 4096;

/** total += Σ x: the sum is made where it is added. */
const sumIntoAccumulation: Rule = (node, step) => {
  if (!isAccumulation(node)) return;
  for (const x of node.inputs) {
    const absorbed = step.maker(x);
    if (absorbed?.op.name !== sumOp.name || x.size > 1 || !step.onlyReader(x, node)) continue;
    const [all] = absorbed.inputs;
    if (all.size === 0 || all.size > LONGEST_SUM) continue;
    const fused = { ...node, inputs: node.inputs.map((input) => input === x ? all : input) };
    return [[absorbed, fused], [node, fused]];
  }
};

/** total += a squared error: its partial sums are added up there. */
const errorIntoAccumulation: Rule = (node, step) => {
  if (!isAccumulation(node)) return;
  for (const x of node.inputs) {
    const maker = step.maker(x);
    if (x.shape.length > 0 || !maker || !step.onlyReader(x, node)) continue;
    if (maker.op !== squaredErrorOp && maker.op !== squaredErrorWithGradientOp) continue;
    const blocks = squaredErrorBlocks(maker.inputs[0]);
    if (blocks < 2 || blocks > LONGEST_SUM) continue;
    const partial = new Tensor([blocks], "f32", maker);
    const error = { ...maker, outputs: [partial, ...maker.outputs.slice(1)] };
    const fused = { ...node, inputs: node.inputs.map((input) => input === x ? partial : input) };
    return [[maker, error], [node, fused]];
  }
};

/** Two accumulations in one array. */
const joinAccumulations: Rule = (node, step) => {
  if (node.op !== accumulateOp) return;
  const [total, ...x] = node.inputs;
  const { terms } = node.attributes as AccumulateAttributes;
  const absorbed = step.nodes.find((other) =>
    other !== node && other.op === accumulateOp && other.inputs[0] === total && other.id < node.id
  );
  if (!absorbed) return;
  const before = (absorbed.attributes as AccumulateAttributes).terms;
  if (before.length + terms.length > ACCUMULATE_TERMS) return;
  const fused = {
    ...node,
    inputs: [...absorbed.inputs, ...x],
    attributes: { terms: [...before, ...terms], by: 0 },
  };
  return [[absorbed, fused], [node, fused]];
};

/** An accumulation and a counter that advances. */
const advanceWithAccumulation: Rule = (node, step) => {
  if (node.op !== advanceOp) return;
  const absorbed = step.nodes.findLast((other) => other.op === accumulateOp);
  if (!absorbed) return;
  const [total, ...x] = absorbed.inputs;
  const { terms } = absorbed.attributes as AccumulateAttributes;
  const { by } = node.attributes as { by: number };
  const fused = {
    ...node,
    op: accumulateAndAdvanceOp,
    inputs: [total, node.inputs[0], ...x],
    attributes: { terms, by },
  };
  return [[absorbed, fused], [node, fused]];
};

function isAccumulation({ op }: Node): boolean {
  return op === accumulateOp || op === accumulateAndAdvanceOp;
}

const RULES: readonly Rule[] = [
  reluIntoDense,
  maskIntoInputGradient,
  errorWithGradient,
  biasIntoWeightGradient,
  sumIntoAccumulation,
  errorIntoAccumulation,
  joinAccumulations,
  advanceWithAccumulation,
];

/**
 * The nodes after fusion, in a topological order.
 * @param outputs Stay readable. @param maxBytes Of a tensor that comes in.
 */
export function fuse(
  traced: readonly Node[],
  outputs: ReadonlySet<Tensor>,
  maxBytes: number,
): readonly Node[] {
  const step = new Rewriting(traced, outputs);
  stackProducts(step, maxBytes);
  step.prune();
  for (const rule of RULES) while (step.nodes.some((node) => applied(rule, node, step)));
  return step.nodes;
}

/** Whether the rule had something to do at the node, and data and effects allowed it. */
function applied(rule: Rule, node: Node, step: Rewriting): boolean {
  const found = rule(node, step);
  if (!found) return false;
  const named = new Map(found.map(([, heir]) => {
    const family = found.filter(([, other]) => other === heir).map(([gone]) => gone);
    return [heir, { ...heir, parts: partsOf(...family) }];
  }));
  return step.replace(new Map(found.map(([gone, heir]) => [gone, named.get(heir)!])));
}
