/** What a program consists of, as plain data and as text. */
import type { Region } from "../backend/backend.ts";
import { isOf } from "../tensor/op.ts";
import { packOp } from "../ops/pack.ts";
import type { CallSource } from "../planner/lower.ts";
import type { Outputs, Program } from "../planner/program.ts";
import { formatBytes, formatCount, formatNumber, formatTable } from "./text.ts";
import type { Shape } from "../tensor/shape.ts";
import { type Tensor, Variable } from "../tensor/tensor.ts";

/** One binding of a call. */
export interface OperandDescription {
  /** The memory: the name of a variable's, `b3` for that of intermediate values. */
  readonly buffer: string;
  /** Sizes of the axes of what lies there. */
  readonly shape: Shape;
}

/** One call of a program. */
export interface CallDescription {
  /** The kernel's name. */
  readonly kernel: string;
  /** The op that it computes; several where fusion has joined them. */
  readonly ops: readonly string[];
  /** Whether it writes into the array that an optimiser takes its gradients from. */
  readonly packed: boolean;
  /** What runs each of its passes: shaders, WebAssembly functions, or "reference". */
  readonly variants: readonly string[];
  /** Bindings that it reads, those that it updates included. */
  readonly reads: readonly OperandDescription[];
  /** Bindings that it writes or updates. */
  readonly writes: readonly OperandDescription[];
  /** Floating-point operations; a multiply-add counts as two. */
  readonly flops: number;
  /** Bytes read and written, each array counted once. */
  readonly bytes: number;
}

/** The gradients of one optimiser, which its update finds in one array. */
export interface PackDescription {
  /** Elements of the array. */
  readonly length: number;
  /** Gradients that are computed in place. */
  readonly inPlace: number;
  /** Gradients that are copied there. */
  readonly copied: number;
}

/** A program. */
export interface PlanDescription {
  /** Its name. */
  readonly label: string;
  /** Where it runs. */
  readonly device: string;
  /** Its calls, in order. */
  readonly calls: readonly CallDescription[];
  /** Bytes of intermediate values, outputs and constants. */
  readonly sharedBytes: number;
  /** The same, if none shared memory. */
  readonly unsharedBytes: number;
  /** Buffers of intermediate values, outputs and constants. */
  readonly buffers: number;
  /** Constants among them. */
  readonly constants: number;
  /** What optimisers pack. */
  readonly packs: readonly PackDescription[];
}

/** Describes a program: nothing is computed. */
export function describePlan<O extends Outputs>(program: Program<O>): PlanDescription {
  const { plan, passes, label, backend } = program;
  const names = new Map(plan.buffers.map((buffer, i) => [buffer, `b${i}`]));
  const nameOf = (tensor: Tensor, { buffer }: Region) =>
    tensor instanceof Variable ? tensor.name : names.get(buffer) ?? buffer.label;
  const written = new Set<Tensor>();
  const calls = plan.calls.map((call, i): CallDescription => {
    const { kernel, params, constants, regions } = call;
    const { node, tensors, packed } = plan.sources[i];
    const operands = kernel.bindings.flatMap(({ access }, j) => {
      const tensor = tensors[j];
      const isScratch = tensor.node === undefined && !(tensor instanceof Variable);
      // What nobody has written stands in for a binding that is not used.
      if (isScratch && access === "read" && !written.has(tensor)) return [];
      if (access !== "read") written.add(tensor);
      return [{ access, buffer: nameOf(tensor, regions[j]), shape: tensor.shape }];
    });
    const ofAccess = (unwanted: string) =>
      operands.flatMap(({ access, ...operand }) => (access === unwanted ? [] : [operand]));
    return {
      kernel: kernel.name,
      ops: (node.parts ?? [node]).map(({ op }) => op.name),
      packed,
      variants: passes.filter((pass) => pass.call === i).map(({ variant }) => variant),
      reads: ofAccess("write"),
      writes: ofAccess("read"),
      ...kernel.cost(params, constants),
    };
  });
  return {
    label,
    device: backend.info.description,
    calls,
    sharedBytes: plan.buffers.reduce((sum, { byteLength }) => sum + byteLength, 0),
    unsharedBytes: plan.unsharedBytes,
    buffers: plan.buffers.length,
    constants: plan.constants.length,
    packs: describePacks(plan.sources),
  };
}

function describePacks(sources: readonly CallSource[]): PackDescription[] {
  const arrays = new Set(sources.flatMap(({ tensors }) => tensors));
  return [...arrays].flatMap((array) => {
    const pack = array.node;
    if (!isOf(pack, packOp)) return [];
    const copied = sources.filter(({ node }) => node === pack).length;
    return [{ length: array.size, inPlace: pack.inputs.length - copied, copied }];
  });
}

/** The calls as a table, and sums under it. */
export function formatPlan(description: PlanDescription): string {
  const { label, device, calls, sharedBytes, unsharedBytes, buffers, constants, packs } =
    description;
  const rows = calls.map((call, i) => [
    String(i),
    call.ops.join(" + "),
    call.kernel,
    call.variants.join(", ") || "nothing to do",
    formatShapes(call),
    (call.flops / 1e6).toFixed(2),
    formatBytes(call.bytes),
    `${namesOf(call.reads)} → ${namesOf(call.writes)}${call.packed ? " (packed)" : ""}`,
  ]);
  const header = ["call", "computes", "kernel", "run by", "shapes", "MFLOP", "moved", "memory"];
  const total = (of: (call: CallDescription) => number) =>
    calls.reduce((sum, call) => sum + of(call), 0);
  const sums = [
    `calls: ${calls.length}`,
    `passes: ${total(({ variants }) => variants.length)}`,
    `${formatNumber(total(({ flops }) => flops) / 1e6)} MFLOP`,
    `${formatBytes(total(({ bytes }) => bytes))} moved`,
    `intermediate buffers: ${buffers} of ${formatBytes(sharedBytes)}, unshared ` +
    `${formatBytes(unsharedBytes)}`,
    ...(constants > 0 ? [`constants: ${constants}`] : []),
    ...packs.map(({ length, inPlace, copied }) =>
      `gradients in one array of ${formatCount(length)}: ${inPlace} in place, ${copied} copied`
    ),
  ];
  return `${label}, a step on ${device}\n${formatTable(header, rows)}\n${sums.join("; ")}\n`;
}

/** `256×784, 784×500 → 256×500`, or `4 of 1000, 1 → 3 of 1000`. */
export function formatShapes({ reads, writes }: CallDescription): string {
  return `${listShapes(reads)} → ${listShapes(writes)}`;
}

function listShapes(operands: readonly OperandDescription[]): string {
  const counts = new Map<string, number>();
  for (const { shape } of operands) {
    const text = shape.join("×") || "1";
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map((
    [text, count],
  ) => (count > 2 ? `${count} of ${text}` : Array(count).fill(text).join(", "))).join(", ");
}

function namesOf(operands: readonly OperandDescription[]): string {
  return operands.map(({ buffer }) => buffer).join(", ");
}
