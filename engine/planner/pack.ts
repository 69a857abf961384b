/** Packed arrays: what is made in place, what is copied there, and parts as windows. */
import { type Node, Tensor } from "../tensor/tensor.ts";
import type { Storages } from "./storage.ts";

/** What is copied into a packed array. */
export interface Copy {
  /** The value. */
  readonly from: Tensor;
  /** Its place there. */
  readonly to: Tensor;
}

/**
 * Lets the inputs of packs be made in place, and the parts of an array be windows on it. Copied is what
 * cannot be made in place: what has no memory of its own, lies in another such array, is packed twice,
 * or is made from its neighbours, because WebGPU forbids one buffer to be read and written in one
 * dispatch.
 * @returns The copies of each pack.
 */
export function placePacks(
  nodes: readonly Node[],
  storages: Storages,
): ReadonlyMap<Node, readonly Copy[]> {
  for (const node of nodes) {
    const { op, inputs: [whole], outputs } = node;
    if (op.memory !== "unpack") continue;
    const offsets = op.offsets(node);
    outputs.forEach((output, i) => {
      storages.of(output).parent = { storage: storages.of(whole), offset: offsets[i] };
    });
  }
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node])));
  const copies = new Map<Node, Copy[]>();
  for (const node of nodes) {
    const { op, inputs } = node;
    if (op.memory !== "pack") continue;
    const whole = storages.of(node.outputs[0]);
    whole.pinned ||= op.gaps;
    const offsets = op.offsets(node);
    const origins = inputs.map((input) => originOf(input, makers));
    const placed = new Set<Tensor>();
    const read = new Set<Tensor>();
    const copied: Copy[] = [];
    inputs.forEach((input, i) => {
      const parent = { storage: whole, offset: offsets[i] };
      const maker = makers.get(input);
      const sources = maker?.inputs.map((source) => originOf(source, makers)) ?? [];
      if (
        maker?.op.memory === "value" && !storages.of(input).parent && !read.has(input) &&
        origins.indexOf(input) === origins.lastIndexOf(input) &&
        !sources.some((source) => placed.has(source))
      ) {
        storages.of(input).parent = parent;
        placed.add(input);
        sources.forEach((source) => read.add(source));
        return;
      }
      const to = new Tensor(input.shape, input.dtype);
      storages.of(to).parent = parent;
      copied.push({ from: input, to });
    });
    copies.set(node, copied);
  }
  return copies;
}

/** The tensor whose memory `tensor` lies in. */
function originOf(tensor: Tensor, makers: ReadonlyMap<Tensor, Node>): Tensor {
  const node = makers.get(tensor);
  return node?.op.memory === "alias" || node?.op.memory === "unpack"
    ? originOf(node.inputs[0], makers)
    : tensor;
}
