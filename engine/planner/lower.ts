/** From nodes to kernel calls on storages. */
import type { Constants, Kernel, Params } from "../../kernels/kernel.ts";
import { emitUnary } from "../ops/elementwise.ts";
import { type Emitter, type Node, Tensor } from "../tensor/tensor.ts";
import { placePacks } from "./pack.ts";
import { rootOf, type Storage, type Storages } from "./storage.ts";

/** What a call was made from, for people. */
export interface CallSource {
  /** The node that was lowered. */
  readonly node: Node;
  /** What is bound, in the order of the kernel's bindings. */
  readonly tensors: readonly Tensor[];
  /** Whether it writes into the array that an optimiser takes its gradients from. */
  readonly packed: boolean;
}

/** A kernel call before its operands have addresses. */
export interface LoweredCall {
  /** What is computed. */
  readonly kernel: Kernel;
  /** Values of the kernel's override constants. */
  readonly constants: Constants;
  /** Values of the kernel's uniform parameters. */
  readonly params: Params;
  /** One a binding. */
  readonly storages: readonly Storage[];
  /** What it was made from. */
  readonly source: CallSource;
}

/** What nodes are lowered to. */
export interface Lowered {
  /** In order. */
  readonly calls: readonly LoweredCall[];
  /** What is written once, before the first call. */
  readonly constants: readonly { readonly storage: Storage; readonly value: number }[];
}

/** Lowers the nodes, each as its op does to memory. */
export function lower(nodes: readonly Node[], storages: Storages): Lowered {
  const calls: LoweredCall[] = [];
  const constants: { storage: Storage; value: number }[] = [];
  const copies = placePacks(nodes, storages);
  const packs = new Set(
    nodes.flatMap(({ op, outputs: [whole] }) =>
      op.memory === "pack" && op.gaps ? [storages.of(whole)] : []
    ),
  );
  const emitterOf = (node: Node): Emitter => ({
    call(kernel, constants, params, tensors) {
      const operands = tensors.map((tensor) => storages.of(tensor));
      const packed = kernel.bindings.some(({ access }, i) =>
        access !== "read" && operands[i] && packs.has(rootOf(operands[i]))
      );
      const source = { node, tensors, packed };
      calls.push({ kernel, constants, params, storages: operands, source });
    },
    scratch: (shape, dtype = "f32") => new Tensor(shape, dtype),
  });
  for (const node of nodes) {
    const { op, inputs, outputs, attributes } = node;
    switch (op.memory) {
      case "value":
      case "update":
        op.lower(node, emitterOf(node));
        break;
      case "alias":
        storages.share(outputs[0], inputs[0]);
        break;
      case "constant": {
        const storage = storages.of(outputs[0]);
        storage.pinned = true;
        constants.push({ storage, value: op.value(attributes) });
        break;
      }
      case "pack":
        for (const { from, to } of copies.get(node) ?? []) {
          emitUnary(emitterOf(node), "copy", from, to);
        }
        break;
      case "unpack":
        break;
    }
  }
  return { calls, constants };
}
