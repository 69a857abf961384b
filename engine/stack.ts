/**
 * Stacking: where one layer is applied to two batches, their rows are stacked and go through it at
 * once. That halves the calls there, reads the weights once, and spares the sum of the batches'
 * gradients: (x₁; x₂)ᵀ·(dy₁; dy₂) = x₁ᵀ·dy₁ + x₂ᵀ·dy₂.
 */
import { REGION_ALIGNMENT } from "./backend.ts";
import type { Op } from "./op.ts";
import { binaryOp } from "./ops/binary.ts";
import { denseInputGradientOp, denseOp, denseWeightGradientOp } from "./ops/dense.ts";
import { sumOp } from "./ops/sum.ts";
import { unaryOp } from "./ops/unary.ts";
import { partsOf, type Rewriting } from "./rewrite.ts";
import { sameShape } from "./shape.ts";
import { f32, type Node, Tensor } from "./tensor.ts";

/** The rows of two tensors, one after the other. The plan lets their makers write there directly. */
export const stackOp: Op<Record<never, never>> = {
  name: "stack",
  infer: ([a, b]) => [f32([a.shape[0] + b.shape[0], ...a.shape.slice(1)])],
  gradient: { none: "it is made after differentiation" },
  examples: [],
};

/** The two parts of a stack, as windows on its memory. */
export const unstackOp: Op<Record<never, never>> = {
  name: "unstack",
  infer: () => [],
  gradient: { none: "it is made after differentiation" },
  examples: [],
};

/** Elements of a stack before each of its parts. */
export function stackOffsets(parts: readonly Tensor[]): number[] {
  return parts.map((_, i) => parts.slice(0, i).reduce((sum, { size }) => sum + size, 0));
}

/** Stacks the products of a step wherever that is possible, in at most `maxBytes` a tensor. */
export function stackProducts(rewriting: Rewriting, maxBytes: number): void {
  const stacking = new Stacking(rewriting, maxBytes);
  while (
    stacking.stackLayers() || stacking.stackFollowers() || stacking.stackWeightGradients() ||
    stacking.stackBiasGradients()
  );
}

/**
 * The inputs whose row i makes row i of the node's output, alone or with the inputs that are not
 * listed; undefined where no row stands for itself.
 */
function rowInputs({ op, inputs, outputs, attributes }: Node): readonly number[] | undefined {
  switch (op.name) {
    case denseOp.name:
    case denseInputGradientOp.name:
    case unaryOp.name:
      return [0];
    case sumOp.name:
      return (attributes as { from: number }).from > 0 ? [0] : undefined;
    case binaryOp.name:
      return inputs.every((input) => sameShape(input.shape, outputs[0].shape)) ? [0, 1] : undefined;
  }
}

/** Where both nodes do the same to rows of their own, the inputs that hold these rows. */
function commonRowInputs(a: Node, b: Node): readonly number[] | undefined {
  if (a === b || a.op.name !== b.op.name || a.inputs.length !== b.inputs.length) return;
  const rows = rowInputs(a);
  if (!rows || !rowInputs(b)) return;
  const shared = a.inputs.every((input, i) => rows.includes(i) || input === b.inputs[i]);
  return shared && JSON.stringify(a.attributes) === JSON.stringify(b.attributes) ? rows : undefined;
}

/** Each method rewrites one place, and returns whether it found one. */
class Stacking {
  /** Of the upper part, then the lower part: their stack. */
  private readonly stacks = new Map<Tensor, Map<Tensor, Tensor>>();
  /** Tensors that are stacks. */
  private readonly made = new Set<Tensor>();

  constructor(private readonly rewriting: Rewriting, private readonly maxBytes: number) {}

  /** dense(a, w, b) and dense(a', w, b), for the first such pair. */
  stackLayers(): boolean {
    return this.somePair(
      this.rewriting.nodes.filter(({ op }) => op.name === denseOp.name),
      (a, b) => this.merge(a, b),
    );
  }

  /** Two nodes that do the same to parts of one stack. */
  stackFollowers(): boolean {
    return this.somePair(this.rewriting.nodes, (a, b) => {
      const rows = commonRowInputs(a, b);
      const known = rows?.every((i) => this.stacks.get(a.inputs[i])?.has(b.inputs[i]));
      return known === true && this.merge(a, b);
    });
  }

  /** xᵀ·dy + x'ᵀ·dy'. */
  stackWeightGradients(): boolean {
    return this.someSum(denseWeightGradientOp.name, (sum, a, b) => {
      const known = this.stacks.get(b.inputs[0])?.has(a.inputs[0]);
      const [upper, lower] = known ? [b, a] : [a, b];
      const x = this.stack(upper.inputs[0], lower.inputs[0]);
      const dy = x && this.stack(upper.inputs[1], lower.inputs[1]);
      return dy !== undefined && this.replaceSum(sum, { ...upper, inputs: [x!, dy] });
    });
  }

  /** Σ dy + Σ dy' over rows, where dy and dy' are stacked for the weights. */
  stackBiasGradients(): boolean {
    return this.someSum(sumOp.name, (sum, a, b) => {
      const { from, to } = a.attributes as { from: number; to: number };
      if (from !== 0 || to !== 1 || a.inputs[0].shape.length !== 2) return false;
      const [first, second] = [a.inputs[0], b.inputs[0]];
      const dy = this.stacks.get(first)?.get(second) ?? this.stacks.get(second)?.get(first);
      return dy !== undefined && this.replaceSum(sum, { ...a, inputs: [dy] });
    });
  }

  /** Whether `action` succeeds for a pair, the earlier node first where either may be. */
  private somePair(nodes: readonly Node[], action: (a: Node, b: Node) => boolean): boolean {
    return nodes.some((a, i) => nodes.slice(i + 1).some((b) => action(a, b) || action(b, a)));
  }

  /** Whether `action` succeeds for a sum of two results of the op `name` with equal attributes. */
  private someSum(name: string, action: (sum: Node, a: Node, b: Node) => boolean): boolean {
    return this.rewriting.nodes.some((sum) => {
      const { kind } = sum.attributes as { kind?: unknown };
      if (sum.op.name !== binaryOp.name || kind !== "add") return false;
      const [a, b] = sum.inputs.map((input) => this.rewriting.maker(input));
      return a !== undefined && b !== undefined && a !== b && a.op.name === name &&
        b.op.name === name && JSON.stringify(a.attributes) === JSON.stringify(b.attributes) &&
        action(sum, a, b);
    });
  }

  /** Makes one node of two that do the same to rows of their own. */
  private merge(a: Node, b: Node): boolean {
    const rows = commonRowInputs(a, b);
    const [upper, lower] = [a.outputs[0], b.outputs[0]];
    if (!rows || !this.fits(upper, lower) || this.stacks.get(upper)?.has(lower)) return false;
    const inputs = a.inputs.map((input, i) =>
      rows.includes(i) ? this.stack(input, b.inputs[i]) : input
    );
    if (inputs.includes(undefined)) return false;
    const merged = makeNode({ ...a, parts: partsOf(a, b) }, inputs as Tensor[], [upper, lower]);
    const [stack] = merged.outputs;
    const outputs = [upper, lower];
    const parts = { id: a.id, op: unstackOp, inputs: [stack], attributes: {}, outputs };
    const heirs = new Map([[a, merged], [b, merged]]);
    if (!this.rewriting.replace(heirs, [parts])) return false;
    this.remember(upper, lower, stack);
    return true;
  }

  /** `lower` under `upper`; undefined where they do not fit or the order of effects forbids it. */
  private stack(upper: Tensor, lower: Tensor): Tensor | undefined {
    const known = () => this.stacks.get(upper)?.get(lower);
    if (known() || !this.fits(upper, lower)) return known();
    const [a, b] = [this.rewriting.maker(upper), this.rewriting.maker(lower)];
    if (a && b && this.merge(a, b)) return known();
    // Stacks of stacks would be copied again and again.
    if (this.made.has(upper) || this.made.has(lower)) return undefined;
    const parts = [upper, lower] as const;
    const id = Math.max(a?.id ?? -1, b?.id ?? -1);
    const node = makeNode(
      { id, op: stackOp, inputs: [], attributes: {}, outputs: [] },
      parts,
      parts,
    );
    if (!this.rewriting.replace(new Map(), [node])) return undefined;
    this.remember(upper, lower, node.outputs[0]);
    return node.outputs[0];
  }

  /** Whether the rows of `b` can follow those of `a` in one buffer, whose parts begin aligned. */
  private fits(a: Tensor, b: Tensor): boolean {
    return a !== b && a.dtype === "f32" && b.dtype === "f32" && a.shape.length > 0 &&
      b.shape.length > 0 && sameShape(a.shape.slice(1), b.shape.slice(1)) && a.size > 0 &&
      a.size % REGION_ALIGNMENT === 0 && 4 * (a.size + b.size) <= this.maxBytes;
  }

  private replaceSum(sum: Node, product: Node): boolean {
    const parts = partsOf(...sum.inputs.map((input) => this.rewriting.maker(input)!), sum);
    const fused = { ...product, id: sum.id, outputs: sum.outputs, parts };
    return this.rewriting.replace(new Map([[sum, fused]]));
  }

  private remember(upper: Tensor, lower: Tensor, stack: Tensor): void {
    const stacks = this.stacks.get(upper) ?? new Map<Tensor, Tensor>();
    this.stacks.set(upper, stacks.set(lower, stack));
    this.made.add(stack);
  }
}

/** A node like `model` on other inputs, whose output has the rows of both parts. */
function makeNode(
  model: Node,
  inputs: readonly Tensor[],
  [upper, lower]: readonly [Tensor, Tensor],
): Node {
  const outputs: Tensor[] = [];
  const node = { ...model, inputs, outputs };
  const [{ shape }] = stackOp.infer([upper, lower], {});
  outputs.push(new Tensor(shape, "f32", node));
  return node;
}
