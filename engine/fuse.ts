/**
 * Fusion: rewrites of the traced nodes that make fewer kernel calls of the same arithmetic. Each rule
 * replaces a node and its producer by one node whose outputs are the same tensors.
 */
import type { DeviceBuffer } from "./backend.ts";
import { binaryOp } from "./ops/binary.ts";
import { denseInputGradientOp, denseOp } from "./ops/dense.ts";
import {
  squaredErrorGradientOp,
  squaredErrorOp,
  squaredErrorWithGradientOp,
} from "./ops/squared_error.ts";
import { unaryOp } from "./ops/unary.ts";
import { sameShape } from "./shape.ts";
import { type Node, type Tensor, Variable } from "./tensor.ts";

/** What a rule may ask about the whole step. */
interface Context {
  /** Whether `consumer` is the only reader of `tensor` (and it is no output of the program). */
  onlyReader(tensor: Tensor, consumer: Node): boolean;
  /** The nodes that read `tensor`. */
  readers(tensor: Tensor): readonly Node[];
}

/** Returns the fused node and the producer that it absorbs, or undefined. */
type Rule = (node: Node, context: Context) => { fused: Node; absorbed: Node } | undefined;

/** relu(dense(x, w, b)): the ReLU goes into the epilogue of the product. */
const reluIntoDense: Rule = (node, { onlyReader }) => {
  if (node.op.name !== unaryOp.name || (node.attributes as { kind: string }).kind !== "relu") {
    return;
  }
  const absorbed = node.inputs[0].node;
  if (absorbed?.op.name !== denseOp.name || !onlyReader(node.inputs[0], node)) return;
  const fused = { ...absorbed, id: node.id, attributes: { relu: true }, outputs: node.outputs };
  return { fused, absorbed };
};

/** reluGradient(dy·wᵀ, y): the mask goes into the epilogue of the product. */
const maskIntoInputGradient: Rule = (node, { onlyReader }) => {
  if (node.op.name !== binaryOp.name) return;
  if ((node.attributes as { kind: string }).kind !== "reluGradient") return;
  const [product, y] = node.inputs;
  const absorbed = product.node;
  if (absorbed?.op.name !== denseInputGradientOp.name || !onlyReader(product, node)) return;
  if (y === product || !sameShape(y.shape, product.shape)) return;
  const inputs = [...absorbed.inputs, y];
  const fused = {
    ...absorbed,
    id: node.id,
    inputs,
    attributes: { mask: true },
    outputs: node.outputs,
  };
  return { fused, absorbed };
};

/** squaredError(p, t) and its gradient: one pass. */
const errorWithGradient: Rule = (node, { readers }) => {
  if (node.op.name !== squaredErrorGradientOp.name) return;
  const [p, t] = node.inputs;
  const absorbed = readers(p).find((other) =>
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
  return { fused, absorbed };
};

const RULES: readonly Rule[] = [reluIntoDense, maskIntoInputGradient, errorWithGradient];

/** The nodes after fusion, in a topological order. `outputs` must stay readable. */
export function fuse(nodes: readonly Node[], outputs: ReadonlySet<Tensor>): Node[] {
  const readers = new Map<Tensor, Node[]>();
  for (const node of nodes) {
    for (const input of new Set(node.inputs)) {
      const list = readers.get(input);
      if (list) list.push(node);
      else readers.set(input, [node]);
    }
  }
  const live = new Set(nodes);
  const context: Context = {
    readers: (tensor) => (readers.get(tensor) ?? []).filter((node) => live.has(node)),
    onlyReader(tensor, consumer) {
      const list = context.readers(tensor);
      return !outputs.has(tensor) && list.length === 1 && list[0] === consumer;
    },
  };
  for (const node of nodes) {
    for (const rule of RULES) {
      const found = live.has(node) ? rule(node, context) : undefined;
      if (!found || !live.has(found.absorbed)) continue;
      if (changesBetween(nodes, found.absorbed, node, found.fused.inputs)) continue;
      live.delete(node);
      live.delete(found.absorbed);
      live.add(found.fused);
      for (const input of new Set(found.fused.inputs)) readers.get(input)!.push(found.fused);
    }
  }
  return [...live].sort((a, b) => a.id - b.id);
}

/** Whether an effect between two nodes changes what `inputs` read: then their reads must not move. */
function changesBetween(
  nodes: readonly Node[],
  a: Node,
  b: Node,
  inputs: readonly Tensor[],
): boolean {
  const [first, last] = [Math.min(a.id, b.id), Math.max(a.id, b.id)];
  const read = new Set(inputs.map(variableBuffer));
  return nodes.some(({ id, op, inputs }) =>
    id > first && id < last && op.updates?.some((i) => read.has(variableBuffer(inputs[i])))
  );
}

/** The memory of a variable, or of an alias of one. */
function variableBuffer(tensor: Tensor): DeviceBuffer | undefined {
  if (tensor instanceof Variable) return tensor.region.buffer;
  const { node } = tensor;
  return node && !node.op.lower && node.inputs.length === 1
    ? variableBuffer(node.inputs[0])
    : undefined;
}
