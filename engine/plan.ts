/**
 * From tensors to a fixed list of kernel calls over memory that is allocated once: drop what nothing
 * reads, fuse, lower, find lifetimes, and let values that do not live together share memory.
 */
import type { Constants, Kernel, Params } from "../kernels/kernel.ts";
import {
  type Backend,
  type Call,
  type DeviceBuffer,
  type DType,
  type Region,
  REGION_ALIGNMENT,
} from "./backend.ts";
import { fuse } from "./fuse.ts";
import type { Emitter } from "./op.ts";
import { constantOp } from "./ops/constant.ts";
import { packOp } from "./ops/optimize.ts";
import { unaryOp } from "./ops/unary.ts";
import { formatShape } from "./shape.ts";
import { stackOffsets, stackOp, unstackOp } from "./stack.ts";
import { type Node, Tensor, Variable } from "./tensor.ts";

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

/** What a call was made from, for people. */
export interface CallSource {
  /** The node that was lowered. */
  readonly node: Node;
  /** What is bound, in the order of the kernel's bindings. */
  readonly tensors: readonly Tensor[];
  /** Whether it writes into a packed array. */
  readonly packed: boolean;
}

/** A value's memory before it has an address. */
interface Storage {
  readonly dtype: DType;
  readonly length: number;
  readonly label: string;
  /** Never shared: outputs, constants, packed arrays with their zero gaps. */
  pinned: boolean;
  /** Indices of the first and last call that touch it. */
  first: number;
  last: number;
  /** Set when it lies inside another. */
  parent?: { storage: Storage; offset: number };
  /** Set for variables at once, for the rest by the allocation. */
  region?: Region;
}

interface AbstractCall {
  readonly kernel: Kernel;
  readonly constants: Constants;
  readonly params: Params;
  readonly storages: readonly Storage[];
  readonly source: CallSource;
}

/** Makes the plan of a step with these outputs and effects. Allocates its memory. */
export function makePlan(
  backend: Backend,
  outputs: readonly Tensor[],
  effects: readonly Node[],
  label: string,
): Plan {
  const nodes = fuse(liveNodes(outputs, effects), new Set(outputs), backend.maxRegionBytes);
  const storages = new Map<Tensor, Storage>();
  const constants: { storage: Storage; value: number }[] = [];
  const calls: AbstractCall[] = [];

  const storageOf = (tensor: Tensor): Storage => {
    let storage = storages.get(tensor);
    if (!storage) storages.set(tensor, storage = makeStorage(tensor, backend, label));
    return storage;
  };
  const emitterOf = (node: Node): Emitter => ({
    call(kernel, callConstants, params, tensors) {
      const storages = tensors.map(storageOf);
      const packed = kernel.bindings.some(({ access }, i) =>
        access !== "read" && storages[i] && packs.has(rootOf(storages[i]))
      );
      const source = { node, tensors, packed };
      calls.push({ kernel, constants: callConstants, params, storages, source });
    },
    scratch: (shape, dtype = "f32") => new Tensor(shape, dtype),
  });

  const placed = placePacked(nodes, storageOf);
  const packs = new Set(
    nodes.filter(({ op }) => op.name === packOp.name).map(({ outputs }) => storageOf(outputs[0])),
  );
  for (const node of nodes) {
    if (node.op.name === constantOp.name) {
      const storage = storageOf(node.outputs[0]);
      storage.pinned = true;
      constants.push({ storage, value: (node.attributes as { value: number }).value });
    } else if (node.op.name === packOp.name || node.op.name === stackOp.name) {
      for (const copy of placed.copies.get(node) ?? []) {
        storages.set(copy.to, copy.storage);
        const attributes = { kind: "copy" as const, a: 1, b: 0 };
        const copying = { ...node, inputs: [copy.from], outputs: [copy.to], attributes };
        unaryOp.lower!(copying, emitterOf(node));
      }
    } else if (node.op.lower) {
      node.op.lower(node, emitterOf(node));
    } else if (node.op.name !== unstackOp.name) {
      storages.set(node.outputs[0], storageOf(node.inputs[0]));
    }
  }
  for (const output of outputs) rootOf(storageOf(output)).pinned = true;

  calls.forEach((call, index) => {
    for (const storage of call.storages) {
      const root = rootOf(storage);
      root.first = Math.min(root.first, index);
      root.last = Math.max(root.last, index);
    }
  });

  const roots = new Set<Storage>();
  for (const storage of [...storages.values(), ...calls.flatMap((call) => call.storages)]) {
    const root = rootOf(storage);
    if (!root.region) roots.add(root);
  }
  const buffers = assignMemory(backend, [...roots], label);
  return {
    calls: calls.map(({ kernel, constants, params, storages }) => ({
      kernel,
      constants: { ...kernel.constants, ...constants },
      params,
      regions: storages.map(regionOf),
    })),
    sources: calls.map(({ source }) => source),
    outputs: new Map(outputs.map((output) => [output, regionOf(storageOf(output))])),
    buffers,
    constants: constants.map(({ storage, value }) => ({ region: regionOf(storage), value })),
    unsharedBytes: [...roots].reduce((sum, { length }) => sum + 4 * length, 0),
  };
}

/** Nodes that an output or effect needs, in the order of creation. */
function liveNodes(outputs: readonly Tensor[], effects: readonly Node[]): Node[] {
  const found = new Set<Node>();
  const pending: Node[] = [...effects];
  for (const output of outputs) if (output.node) pending.push(output.node);
  while (pending.length > 0) {
    const node = pending.pop()!;
    if (found.has(node)) continue;
    found.add(node);
    for (const input of node.inputs) if (input.node) pending.push(input.node);
  }
  return [...found].sort((a, b) => a.id - b.id);
}

function makeStorage(tensor: Tensor, backend: Backend, label: string): Storage {
  const storage: Storage = {
    dtype: tensor.dtype,
    length: tensor.size,
    label: `${label}: ${tensor.node?.op.name ?? "scratch"} ${formatShape(tensor.shape)}`,
    pinned: false,
    first: Infinity,
    last: -1,
  };
  if (tensor instanceof Variable) {
    if (tensor.backend !== backend) {
      throw new TypeError(`variable ${tensor.name} lives on another device than this program`);
    }
    storage.region = tensor.region;
  }
  return storage;
}

/** Ops whose inputs lie side by side in their output. */
const ARRAYS: ReadonlySet<string> = new Set([packOp.name, stackOp.name]);

interface Copy {
  readonly from: Tensor;
  readonly to: Tensor;
  readonly storage: Storage;
}

/**
 * Lets the inputs of `pack` and `stack` nodes be made in place, and the outputs of `unstack` nodes be
 * windows on what they are parts of. Copied is what cannot: what has no memory of its
 * own, lies in another such array, is packed twice, or is made from its neighbours, because
 * WebGPU forbids one buffer to be read and written in one dispatch.
 */
function placePacked(
  nodes: readonly Node[],
  storageOf: (tensor: Tensor) => Storage,
): { copies: Map<Node, Copy[]> } {
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node])));
  const origin = (tensor: Tensor): Tensor => {
    const node = makers.get(tensor);
    const alias = node && !node.op.lower && !ARRAYS.has(node.op.name) && node.inputs.length > 0;
    return alias ? origin(node.inputs[0]) : tensor;
  };
  for (const { op, inputs: [whole], outputs } of nodes) {
    if (op.name !== unstackOp.name) continue;
    const offsets = stackOffsets(outputs);
    outputs.forEach((output, i) => {
      storageOf(output).parent = { storage: storageOf(whole), offset: offsets[i] };
    });
  }
  const copies = new Map<Node, Copy[]>();
  for (const node of nodes) {
    if (!ARRAYS.has(node.op.name)) continue;
    const whole = storageOf(node.outputs[0]);
    const packed = node.op.name === packOp.name;
    whole.pinned ||= packed;
    const offsets = packed
      ? (node.attributes as { offsets: readonly number[] }).offsets
      : stackOffsets(node.inputs);
    const origins = node.inputs.map(origin);
    const placed = new Set<Tensor>();
    const read = new Set<Tensor>();
    node.inputs.forEach((input, i) => {
      const parent = { storage: whole, offset: offsets[i] };
      const maker = makers.get(input);
      const sources = maker?.inputs.map(origin) ?? [];
      if (
        maker?.op.lower && !storageOf(input).parent && !read.has(input) &&
        origins.indexOf(input) === origins.lastIndexOf(input) &&
        !sources.some((source) => placed.has(source))
      ) {
        storageOf(input).parent = parent;
        placed.add(input);
        sources.forEach((source) => read.add(source));
        return;
      }
      const to = new Tensor(input.shape, input.dtype);
      const storage = { ...storageOf(to), parent };
      copies.set(node, [...(copies.get(node) ?? []), { from: input, to, storage }]);
    });
  }
  return { copies };
}

function rootOf(storage: Storage): Storage {
  return storage.parent ? rootOf(storage.parent.storage) : storage;
}

function regionOf(storage: Storage): Region {
  if (storage.region) return storage.region;
  const whole = regionOf(storage.parent!.storage);
  const { length, dtype } = storage;
  return { buffer: whole.buffer, offset: whole.offset + storage.parent!.offset, length, dtype };
}

/** A buffer that values use one after another. */
interface Slot {
  length: number;
  /** Last call of the value that holds it. */
  busyUntil: number;
  readonly users: Storage[];
}

/**
 * Linear scan over lifetimes: a value takes the free slot that fits best, grows the largest free one
 * where none fits, or opens a new one. Slots are buffers of their own, because WebGPU forbids one
 * buffer to be read and written in one dispatch.
 */
function assignMemory(backend: Backend, storages: Storage[], label: string): DeviceBuffer[] {
  const slots: Slot[] = [];
  for (const storage of storages.sort((a, b) => a.first - b.first)) {
    const free = storage.pinned ? [] : slots.filter((slot) => slot.busyUntil < storage.first);
    const fitting = free.filter((slot) => slot.length >= storage.length);
    const slot = fitting.sort((a, b) => a.length - b.length)[0] ??
      free.sort((a, b) => b.length - a.length)[0];
    const busyUntil = storage.pinned ? Infinity : storage.last;
    if (slot) {
      slot.length = Math.max(slot.length, storage.length);
      slot.busyUntil = busyUntil;
      slot.users.push(storage);
    } else {
      slots.push({ length: storage.length, busyUntil, users: [storage] });
    }
  }
  return slots.map((slot, i) => {
    const elements = Math.ceil(Math.max(slot.length, 1) / REGION_ALIGNMENT) * REGION_ALIGNMENT;
    const name = slot.users.length === 1 ? slot.users[0].label : `${label}: shared ${i}`;
    const buffer = backend.allocate(4 * elements, name);
    for (const user of slot.users) {
      user.region = { buffer, offset: 0, length: user.length, dtype: user.dtype };
    }
    return buffer;
  });
}
