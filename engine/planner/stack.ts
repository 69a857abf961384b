/**
 * Stacking: where one layer is applied to two batches, their rows are stacked and go through it at
 * once. That halves the calls there, reads the weights once, and spares the sum of the batches'
 * gradients: (x₁; x₂)ᵀ·(dy₁; dy₂) = x₁ᵀ·dy₁ + x₂ᵀ·dy₂.
 */
import { type DeviceBuffer, REGION_ALIGNMENT } from "../backend/backend.ts";
import { isOf, sameAttributes } from "../tensor/op.ts";
import { BINARY_OPS } from "../ops/binary.ts";
import { denseOp, denseWeightGradientOp } from "../ops/dense.ts";
import { stackOp, unstackOp } from "../ops/pack.ts";
import { sumOp } from "../ops/sum.ts";
import { sameShape } from "../tensor/shape.ts";
import { type Node, type Op, Tensor } from "../tensor/tensor.ts";
import { partsOf, Rewriting, updatedBuffers, variableBuffer } from "./rewrite.ts";

/**
 * The nodes with the products stacked wherever that is possible.
 * @param outputs Stay readable. @param maxBytes Of a tensor that comes in.
 */
export function stackProducts(
  nodes: readonly Node[],
  outputs: ReadonlySet<Tensor>,
  maxBytes: number,
): readonly Node[] {
  const rewriting = new Rewriting(nodes, outputs);
  const stacking = new Stacking(rewriting, maxBytes);
  while (
    stacking.stackLayers() || stacking.stackFollowers() || stacking.stackWeightGradients() ||
    stacking.stackBiasGradients()
  );
  return rewriting.nodes;
}

/** Where both nodes do the same to rows of their own, the inputs that hold these rows. */
function commonRowInputs(a: Node, b: Node): readonly number[] | undefined {
  if (a === b || a.op !== b.op || a.inputs.length !== b.inputs.length) return;
  const rows = a.op.rowInputs?.(a);
  if (!rows || !b.op.rowInputs?.(b)) return;
  const shared = a.inputs.every((input, i) => rows.includes(i) || input === b.inputs[i]);
  return shared && sameAttributes(a.attributes, b.attributes) ? rows : undefined;
}

/** Each method rewrites one place, and returns whether it found one. */
class Stacking {
  /** Of the upper part, then the lower part: their stack. */
  private readonly stacks = new Map<Tensor, Map<Tensor, Tensor>>();
  /** Tensors that are stacks. */
  private readonly made = new Set<Tensor>();

  /** What the step changes. */
  private readonly updated: ReadonlySet<DeviceBuffer>;

  constructor(private readonly rewriting: Rewriting, private readonly maxBytes: number) {
    this.updated = updatedBuffers(rewriting.nodes);
  }

  /** dense(a, w, b) and dense(a', w, b), for the first such pair. */
  stackLayers(): boolean {
    return this.somePair(
      this.rewriting.nodes.filter((node) => isOf(node, denseOp)),
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
    return this.someSum(denseWeightGradientOp, (sum, a, b) => {
      const known = this.stacks.get(b.inputs[0])?.has(a.inputs[0]);
      const [upper, lower] = known ? [b, a] : [a, b];
      const x = this.stack(upper.inputs[0], lower.inputs[0]);
      const dy = x && this.stack(upper.inputs[1], lower.inputs[1]);
      return dy !== undefined && this.replaceSum(sum, { ...upper, inputs: [x!, dy] });
    });
  }

  /** Σ dy + Σ dy' over rows, where dy and dy' are stacked for the weights. */
  stackBiasGradients(): boolean {
    return this.someSum(sumOp, (sum, a, b) => {
      const { from, to } = a.attributes;
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

  /** Whether `action` succeeds for a sum of two results of `op` with equal attributes. */
  private someSum<A>(
    op: Op<A>,
    action: (sum: Node, a: Node<A>, b: Node<A>) => boolean,
  ): boolean {
    return this.rewriting.nodes.some((sum) => {
      if (!isOf(sum, BINARY_OPS.add)) return false;
      const [a, b] = sum.inputs.map((input) => this.rewriting.maker(input));
      return isOf(a, op) && isOf(b, op) && a !== b &&
        sameAttributes(a.attributes, b.attributes) && action(sum, a, b);
    });
  }

  /** Makes one node of two that do the same to rows of their own. */
  private merge(a: Node, b: Node): boolean {
    const rows = commonRowInputs(a, b);
    const [upper, lower] = [a.outputs[0], b.outputs[0]];
    if (!rows || !this.fits(upper, lower) || this.stacks.get(upper)?.has(lower)) return false;
    const inputs: Tensor[] = [];
    for (const [i, input] of a.inputs.entries()) {
      const whole = rows.includes(i) ? this.stack(input, b.inputs[i]) : input;
      if (!whole) return false;
      inputs.push(whole);
    }
    const merged = makeNode({ ...a, parts: partsOf(a, b) }, inputs, [upper, lower]);
    const [stack] = merged.outputs;
    const parts: Node<{ rows: number }> = {
      id: a.id,
      op: unstackOp,
      inputs: [stack],
      attributes: { rows: upper.shape[0] },
      outputs: [upper, lower],
    };
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
    // Stacks of stacks would be copied again and again; a copy of what the step changes would have no
    // place in the order of effects.
    const parts = [upper, lower] as const;
    if (parts.some((part) => this.made.has(part) || this.isUpdated(part))) return undefined;
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

  /** Whether a tensor is, or is an alias of, a variable that the step changes. */
  private isUpdated(tensor: Tensor): boolean {
    const buffer = variableBuffer(tensor);
    return buffer !== undefined && this.updated.has(buffer);
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
