/** Reverse-mode differentiation of a traced scalar. */
import { isOf } from "../tensor/op.ts";
import { add } from "../ops/binary.ts";
import { constant } from "../ops/constant.ts";
import { stopGradientOp } from "../ops/reshape.ts";
import { formatShape } from "../tensor/shape.ts";
import type { Node, Tensor } from "../tensor/tensor.ts";

/**
 * ∂loss/∂target for every target, as tensors of the targets' shapes.
 *
 * Only what lies between the targets and the loss is differentiated: no gradient of the data is
 * built, and whatever else the loss reads counts as constant.
 *
 * @param loss A scalar f32 tensor, shape [].
 * @param targets Tensors that the loss depends on: variables, or tensors in between.
 * @throws {RangeError} where the loss is no scalar, or does not depend on a target.
 * @throws {TypeError} where the path leads through an op without a gradient.
 */
export function gradients(loss: Tensor, targets: readonly Tensor[]): Tensor[] {
  if (loss.shape.length !== 0) {
    throw new RangeError(`gradients: the loss must be a scalar, got ${formatShape(loss.shape)}`);
  }
  const active = new Set<Tensor>(targets);
  const path = nodesBefore(loss).filter((node) => {
    const leads = !isOf(node, stopGradientOp) && node.inputs.some((t) => active.has(t));
    if (leads) node.outputs.forEach((t) => active.add(t));
    return leads;
  });

  const upstream = new Map<Tensor, Tensor>([[loss, constant(1)]]);
  for (const node of path.reverse()) {
    const incoming = node.outputs.map((output) => upstream.get(output));
    if (incoming.every((g) => g === undefined)) continue;
    const rule = node.op.gradient;
    if (typeof rule !== "function") {
      throw new TypeError(`no gradient through ${node.op.name}: ${rule.none}`);
    }
    const needed = node.inputs.map((input) => active.has(input));
    rule(node, incoming, needed).forEach((gradient, i) => {
      if (!gradient || !needed[i]) return;
      const before = upstream.get(node.inputs[i]);
      upstream.set(node.inputs[i], before ? add(before, gradient) : gradient);
    });
  }
  return targets.map((target, i) => {
    const gradient = upstream.get(target);
    if (!gradient) {
      throw new RangeError(`gradients: the loss does not depend on target ${i}, ${target}`);
    }
    return gradient;
  });
}

/** All nodes that `tensor` is made from, in the order of creation. */
function nodesBefore(tensor: Tensor): Node[] {
  const found = new Map<number, Node>();
  const pending = [tensor];
  while (pending.length > 0) {
    const node = pending.pop()!.node;
    if (!node || found.has(node.id)) continue;
    found.set(node.id, node);
    pending.push(...node.inputs);
  }
  return [...found.values()].sort((a, b) => a.id - b.id);
}
