/**
 * Fusion: rewrites of the traced nodes that make fewer kernel calls of the same arithmetic. Most rules
 * replace a node and its producer by one node whose outputs are the same tensors.
 */
import { ACCUMULATE_TERMS } from "../../kernels/accumulate.ts";
import { isOf, type None } from "../tensor/op.ts";
import { BINARY_OPS } from "../ops/binary.ts";
import {
  accumulateAndAdvanceOp,
  type AccumulateAttributes,
  accumulateOp,
  advanceOp,
} from "../ops/counter.ts";
import {
  denseInputGradientOp,
  denseOp,
  denseReluOp,
  denseWeightGradientOp,
  maskedInputGradientOp,
  weightAndBiasGradientOp,
} from "../ops/dense.ts";
import {
  squaredErrorBlocks,
  squaredErrorGradientOp,
  squaredErrorOp,
  squaredErrorPartsOp,
  squaredErrorPartsWithGradientOp,
  squaredErrorWithGradientOp,
} from "../ops/squared_error.ts";
import { sumOp } from "../ops/sum.ts";
import { UNARY_OPS } from "../ops/unary.ts";
import { sameShape } from "../tensor/shape.ts";
import { type Node, Tensor } from "../tensor/tensor.ts";
import { partsOf, Rewriting } from "./rewrite.ts";

/** Returns the nodes that go, the rule's own among them, with what takes their places; or undefined. */
type Rule = (node: Node, step: Rewriting) => readonly (readonly [Node, Node])[] | undefined;

/** relu(dense(x, w, b)): the ReLU goes into the epilogue of the product. */
const reluIntoDense: Rule = (node, step) => {
  if (!isOf(node, UNARY_OPS.relu)) return;
  const absorbed = step.maker(node.inputs[0]);
  if (!isOf(absorbed, denseOp) || !step.onlyReader(node.inputs[0], node)) return;
  const fused: Node<None> = { ...node, op: denseReluOp, inputs: absorbed.inputs };
  return [[absorbed, fused], [node, fused]];
};

/** reluGradient(dy·wᵀ, y): the mask goes into the epilogue of the product. */
const maskIntoInputGradient: Rule = (node, step) => {
  if (!isOf(node, BINARY_OPS.reluGradient)) return;
  const [product, y] = node.inputs;
  const absorbed = step.maker(product);
  if (!isOf(absorbed, denseInputGradientOp) || !step.onlyReader(product, node)) return;
  if (y === product || !sameShape(y.shape, product.shape)) return;
  const inputs = [...absorbed.inputs, y];
  const fused: Node<None> = { ...node, op: maskedInputGradientOp, inputs };
  return [[absorbed, fused], [node, fused]];
};

/** squaredError(p, t) and its gradient: one pass. */
const errorWithGradient: Rule = (node, step) => {
  if (!isOf(node, squaredErrorGradientOp)) return;
  const [p, t] = node.inputs;
  const absorbed = step.readers(p).find((other) =>
    isOf(other, squaredErrorOp) && other.inputs[0] === p && other.inputs[1] === t
  );
  if (!absorbed) return;
  return joined(absorbed, { ...node, op: squaredErrorWithGradientOp }, node);
};

/** xᵀ·dy and the sum of dy's rows: the gradients of a weight and its bias are one product. */
const biasIntoWeightGradient: Rule = (node, step) => {
  if (!isOf(node, sumOp)) return;
  const { from, to } = node.attributes;
  const [dy] = node.inputs;
  if (dy.shape.length !== 2 || from !== 0 || to !== 1) return;
  const absorbed = step.readers(dy).find((other) =>
    isOf(other, denseWeightGradientOp) && other.inputs[1] === dy
  );
  if (!absorbed) return;
  return joined(absorbed, { ...absorbed, op: weightAndBiasGradientOp }, node);
};

/** Both nodes in one like `model`, which has the outputs of the one and then those of the other. */
function joined(first: Node, model: Node, second: Node): ReturnType<Rule> {
  // Either may have been traced before the other.
  const id = Math.min(first.id, second.id);
  const fused = { ...model, id, outputs: [...first.outputs, ...second.outputs] };
  return [[first, fused], [second, fused]];
}

/** Longest sum that the one workgroup of an accumulation makes as fast as a call of its own. */
const LONGEST_SUM = 4096;

/** total += Σ x: the sum is made where it is added. */
const sumIntoAccumulation: Rule = (node, step) => {
  if (!isAccumulation(node)) return;
  for (const x of node.inputs) {
    const absorbed = step.maker(x);
    if (!isOf(absorbed, sumOp) || x.size > 1 || !step.onlyReader(x, node)) continue;
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
    const parts = partialError(maker);
    if (!parts) continue;
    const [partial] = parts.outputs;
    if (partial.size < 2 || partial.size > LONGEST_SUM) continue;
    const inputs = node.inputs.map((input) => input === x ? partial : input);
    return [[maker, parts], [node, { ...node, inputs }]];
  }
};

/** A squared error that leaves its partial sums as they are; undefined for what is none. */
function partialError(error: Node): Node | undefined {
  const outputs = () => {
    const blocks = squaredErrorBlocks(error.inputs[0]);
    return [new Tensor([blocks], "f32", error), ...error.outputs.slice(1)];
  };
  if (isOf(error, squaredErrorOp)) {
    return { ...error, op: squaredErrorPartsOp, outputs: outputs() };
  }
  if (isOf(error, squaredErrorWithGradientOp)) {
    return { ...error, op: squaredErrorPartsWithGradientOp, outputs: outputs() };
  }
}

/** Two accumulations in one array. */
const joinAccumulations: Rule = (node, step) => {
  if (!isOf(node, accumulateOp)) return;
  const [total, ...x] = node.inputs;
  const absorbed = step.nodes.filter((other) => isOf(other, accumulateOp)).find((other) =>
    other !== node && other.inputs[0] === total && other.id < node.id
  );
  if (!absorbed) return;
  const terms = [...absorbed.attributes.terms, ...node.attributes.terms];
  if (terms.length > ACCUMULATE_TERMS) return;
  const inputs = [...absorbed.inputs, ...x];
  const fused: Node<AccumulateAttributes> = { ...node, inputs, attributes: { terms, by: 0 } };
  return [[absorbed, fused], [node, fused]];
};

/** An accumulation and a counter that advances. */
const advanceWithAccumulation: Rule = (node, step) => {
  if (!isOf(node, advanceOp)) return;
  const absorbed = step.nodes.filter((other) => isOf(other, accumulateOp)).at(-1);
  if (!absorbed) return;
  const [total, ...x] = absorbed.inputs;
  const fused: Node<AccumulateAttributes> = {
    ...node,
    op: accumulateAndAdvanceOp,
    inputs: [total, node.inputs[0], ...x],
    attributes: { ...absorbed.attributes, by: node.attributes.by },
  };
  return [[absorbed, fused], [node, fused]];
};

function isAccumulation(node: Node): node is Node<AccumulateAttributes> {
  return isOf(node, accumulateOp) || isOf(node, accumulateAndAdvanceOp);
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
 * @param outputs Stay readable.
 */
export function fuse(nodes: readonly Node[], outputs: ReadonlySet<Tensor>): readonly Node[] {
  const step = new Rewriting(nodes, outputs);
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
