/**
 * From tensors to a fixed list of kernel calls over memory that is allocated once: collect what is
 * needed, stack, prune, fuse, lower, allocate.
 */
import type { Backend, Call, DeviceBuffer, Region } from "../backend/backend.ts";
import type { Node, Tensor } from "../tensor/tensor.ts";
import { allocate, markLifetimes } from "./allocate.ts";
import { fuse } from "./fuse.ts";
import { type CallSource, lower } from "./lower.ts";
import { collect, prune } from "./prune.ts";
import { stackProducts } from "./stack.ts";
import { regionOf, rootOf, Storages } from "./storage.ts";

/** The outcome: calls to replay, and the memory behind them. */
export interface Plan {
  /** Kernel calls of one step, in order. */
  readonly calls: readonly Call[];
  /** What each call was made from, in the same order. */
  readonly sources: readonly CallSource[];
  /** Where each output of the program lies. */
  readonly outputs: ReadonlyMap<Tensor, Region>;
  /** Memory of intermediate values, outputs and constants; the program frees it. */
  readonly buffers: readonly DeviceBuffer[];
  /** Constants, written once before the first replay. */
  readonly constants: readonly { region: Region; value: number }[];
  /** Bytes of intermediate values if none shared memory. */
  readonly unsharedBytes: number;
}

/** The nodes that compute the outputs and effects in as few calls as the planner knows. */
function rewrite(
  outputs: ReadonlySet<Tensor>,
  effects: readonly Node[],
  maxBytes: number,
): readonly Node[] {
  const traced = collect(outputs, effects);
  const stacked = stackProducts(traced, outputs, maxBytes);
  return fuse(prune(stacked, outputs), outputs);
}

/** Makes the plan of a step with these outputs and effects. Allocates its memory. */
export function makePlan(
  backend: Backend,
  outputs: ReadonlySet<Tensor>,
  effects: readonly Node[],
  label: string,
): Plan {
  const nodes = rewrite(outputs, effects, backend.maxRegionBytes);
  const storages = new Storages(backend, label);
  const { calls, constants } = lower(nodes, storages);
  for (const output of outputs) rootOf(storages.of(output)).pinned = true;
  markLifetimes(calls);
  const roots = storages.roots();
  const buffers = allocate(backend, roots, label);
  return {
    calls: calls.map(({ kernel, constants, params, storages }) => ({
      kernel,
      constants: { ...kernel.constants, ...constants },
      params,
      regions: storages.map(regionOf),
    })),
    sources: calls.map(({ source }) => source),
    outputs: new Map(
      Array.from(outputs, (output) => [output, regionOf(storages.of(output))]),
    ),
    buffers,
    constants: constants.map(({ storage, value }) => ({ region: regionOf(storage), value })),
    unsharedBytes: roots.reduce((sum, { length }) => sum + 4 * length, 0),
  };
}
