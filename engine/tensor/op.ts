/** Applying ops to tensors, and what their descriptors are written with. */
import { formatShape, type Shape } from "./shape.ts";
import { type Node, type Op, Tensor, type TensorType, Variable } from "./tensor.ts";

let nextId = 0;
const effectLists: Node[][] = [];

/**
 * Applies an op to tensors: checks, infers, and makes its outputs.
 * @param op Of the registry or of one's own. @param inputs In the op's order.
 * @throws {RangeError} naming the shapes that do not fit.
 * @throws {TypeError} where it changes what is no Variable, or changes variables outside of `trace`.
 */
export function apply<A>(op: Op<A>, inputs: readonly Tensor[], attributes: NoInfer<A>): Tensor[] {
  const types = op.infer(inputs, attributes);
  const outputs: Tensor[] = [];
  const node: Node<A> = { id: nextId++, op, inputs, attributes, outputs };
  for (const type of types) outputs.push(new Tensor(type.shape, type.dtype, node));
  if (op.memory === "update") recordEffect(op.name, node, op.updates(attributes));
  return outputs;
}

/** Adds a node that changes variables to the step under trace. */
function recordEffect(name: string, node: Node, updates: readonly number[]): void {
  for (const index of updates) {
    if (!(node.inputs[index] instanceof Variable)) {
      throw new TypeError(`${name}: input ${index} is changed in place; it must be a Variable`);
    }
  }
  const effects = effectLists.at(-1);
  if (!effects) {
    throw new TypeError(`${name} changes variables and works only inside trace()`);
  }
  effects.push(node);
}

/** Runs `fn` and returns its result with the effects that it applied, in order. */
export function collectEffects<T>(fn: () => T): { result: T; effects: Node[] } {
  const effects: Node[] = [];
  effectLists.push(effects);
  try {
    return { result: fn(), effects };
  } finally {
    effectLists.pop();
  }
}

/** Whether `node` is an application of `op`. */
export function isOf<A>(node: Node | undefined, op: Op<A>): node is Node<A> {
  return node?.op === op;
}

/** Whether two nodes have equal attributes: the same fields with equal values. */
export function sameAttributes(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  const [fieldsOfA, fieldsOfB] = [Object.entries(a), new Map(Object.entries(b))];
  return fieldsOfA.length === fieldsOfB.size &&
    fieldsOfA.every(([name, value]) =>
      fieldsOfB.has(name) && sameAttributes(value, fieldsOfB.get(name))
    );
}

/** Attributes of an op that has none. */
export type None = Record<never, never>;

/** The type `f32` of a shape. */
export function f32(shape: Shape): TensorType {
  return { shape, dtype: "f32" };
}

/** The type `u32` of a shape. */
export function u32(shape: Shape): TensorType {
  return { shape, dtype: "u32" };
}

/** Checks a rank. @throws {RangeError} naming the op and the shapes, where `tensor` is not of `rank`. */
export function expectRank(op: string, name: string, tensor: Tensor, rank: number): void {
  if (tensor.shape.length !== rank) {
    throw new RangeError(`${op}: ${name} must have ${rank} axes, got ${tensor}`);
  }
}

/** Checks a shape. @throws {RangeError} naming both, where the shapes differ. */
export function expectShape(op: string, name: string, tensor: Tensor, shape: Shape): void {
  if (
    tensor.shape.length !== shape.length || tensor.shape.some((size, axis) => size !== shape[axis])
  ) {
    throw new RangeError(
      `${op}: ${name} must have the shape ${formatShape(shape)}, got ${formatShape(tensor.shape)}`,
    );
  }
}
