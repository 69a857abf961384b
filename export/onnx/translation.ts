/** From tensors of the engine to values of an ONNX graph: those that an output needs, each once. */
import { type Node, type Tensor, Variable } from "../../engine/tensor/tensor.ts";
import { reshapeOp } from "../../engine/ops/reshape.ts";
import { isOf } from "../../engine/tensor/op.ts";
import type { OnnxGraph } from "./format.ts";

/** Adds what an op computes to the graph; returns the name of its output. */
export type Rule = (node: Node, to: Translation) => string;

/** A tensor's values as they are stored. */
export interface Stored {
  /** Row-major. */
  readonly data: Float32Array;
  /** Extents. */
  readonly shape: readonly number[];
}

/** Variables that tensors depend on. */
export function variablesOf(tensors: readonly Tensor[]): Variable[] {
  const found = new Set<Tensor>();
  const visit = (tensor: Tensor) => {
    if (found.has(tensor)) return;
    found.add(tensor);
    tensor.node?.inputs.forEach(visit);
  };
  tensors.forEach(visit);
  return [...found].filter((tensor) => tensor instanceof Variable);
}

/** Tensors of rows x, and the names of what they became. */
export class Translation {
  private readonly names = new Map<Tensor, string>();
  private readonly ofRows = new Map<Tensor, boolean>();

  /**
   * @param graph Is added to. @param x [n, d]. @param name What the graph calls it. @param values Of all
   *   variables. @param rules By op.
   */
  constructor(
    readonly graph: OnnxGraph,
    private readonly x: Tensor,
    name: string,
    private readonly values: ReadonlyMap<Variable, Float32Array>,
    private readonly rules: ReadonlyMap<unknown, Rule>,
  ) {
    this.names.set(x, name);
    this.ofRows.set(x, true);
  }

  /**
   * The name of a tensor's value in the graph, to which it is added.
   * @throws {RangeError} for an op that has no rule, or mixes rows.
   */
  name(tensor: Tensor): string {
    const known = this.names.get(tensor);
    if (known !== undefined) return known;
    const name = this.add(tensor);
    this.names.set(tensor, name);
    return name;
  }

  /** Whether a tensor's first axis goes through rows. */
  isOfRows(tensor: Tensor): boolean {
    const known = this.ofRows.get(tensor);
    if (known !== undefined) return known;
    const isOfRows = tensor.node?.inputs.some((input) => this.isOfRows(input)) ?? false;
    this.ofRows.set(tensor, isOfRows);
    return isOfRows;
  }

  /** A shape for ONNX's Reshape: −1 for the axis that goes through rows. */
  shapeOf(tensor: Tensor): number[] {
    const [first, ...rest] = tensor.shape;
    if (!this.isOfRows(tensor)) return [...tensor.shape];
    if (first % this.x.shape[0] === 0) return [-1, ...rest];
    throw new RangeError(`ONNX: ${tensor} does not go through rows by its first axis`);
  }

  /** The values of a variable, under whatever shape. @throws {RangeError} for any other tensor. */
  stored(tensor: Tensor): Stored {
    const { node, shape } = tensor;
    if (isOf(node, reshapeOp)) return { ...this.stored(node.inputs[0]), shape };
    const data = tensor instanceof Variable ? this.values.get(tensor) : undefined;
    if (data === undefined) throw new RangeError(`ONNX: ${tensor} is no variable of the model`);
    return { data, shape };
  }

  private add(tensor: Tensor): string {
    const { node } = tensor;
    if (node === undefined) {
      const { data, shape } = this.stored(tensor);
      return this.graph.constant(data, shape, (tensor as Variable).name);
    }
    const rule = this.rules.get(node.op);
    if (rule === undefined) throw new RangeError(`ONNX: the op ${node.op.name} has no counterpart`);
    return rule(node, this);
  }
}
