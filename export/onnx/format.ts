/** An ONNX graph under construction, and its bytes: onnx.proto's messages by their field numbers. */
import { Message } from "../protobuf.ts";

/** Version of ONNX's set of operators that the models use. */
export const OPSET = 17;
/** Version of the file format that came with it. */
const IR_VERSION = 8;

/** Element types, by onnx.proto's enumeration. */
const TYPES = { float: 1, int64: 7, double: 11 } as const;

/** Names of element types. */
export type ElementType = keyof typeof TYPES;

/** Values of a constant; the array type is the element type. */
export type ConstantData = Float32Array | Float64Array | BigInt64Array;

/** An attribute of a node: a whole number, or a list of such. */
export type Attribute = number | readonly number[];

/** An input or output of a graph. */
export interface Port {
  /** Its name. */
  readonly name: string;
  /** Of its elements. */
  readonly type: ElementType;
  /** Extents; a text names one that is known when the model runs. */
  readonly shape: readonly (number | string)[];
}

/** Nodes and constants, in the order in which they are added; each is called by the name it gets. */
export class OnnxGraph {
  private readonly nodes: Message[] = [];
  private readonly constants: Message[] = [];
  private count = 0;

  /**
   * Adds a node of one output.
   * @param type The operator. @param inputs Names. @param output Its name; absent: a new one.
   * @returns The name of its output.
   */
  node(
    type: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    output = `${type} ${this.count++}`,
  ): string {
    const node = new Message();
    for (const input of inputs) node.bytes(1, input);
    node.bytes(2, output).bytes(3, output).bytes(4, type);
    for (const [name, value] of Object.entries(attributes)) node.message(5, attribute(name, value));
    this.nodes.push(node);
    return output;
  }

  /** Adds a constant. @param name Its name; absent: a new one. @returns Its name. */
  constant(
    data: ConstantData,
    shape: readonly number[],
    name = `constant ${this.count++}`,
  ): string {
    const tensor = new Message();
    for (const extent of shape) tensor.integer(1, extent);
    tensor.integer(2, TYPES[elementType(data)]).bytes(8, name)
      .bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    this.constants.push(tensor);
    return name;
  }

  /** Adds a number, or the numbers of a list. @returns The constant's name. */
  integers(...values: number[]): string {
    return this.constant(BigInt64Array.from(values, BigInt), [values.length]);
  }

  /** Adds a number of float32. @returns The constant's name. */
  number(value: number): string {
    return this.constant(Float32Array.of(value), []);
  }

  /** Adds a conversion. @returns The name of its output. */
  cast(input: string, type: ElementType): string {
    return this.node("Cast", [input], { to: TYPES[type] });
  }

  /**
   * The bytes of a model with this graph.
   * @param name Of the graph. @param version Of the program. @param metadata Texts for people.
   */
  encode(
    name: string,
    inputs: readonly Port[],
    outputs: readonly Port[],
    { version, metadata }: {
      readonly version: string;
      readonly metadata: Readonly<Record<string, string>>;
    },
  ): Uint8Array {
    const graph = new Message();
    for (const node of this.nodes) graph.message(1, node);
    graph.bytes(2, name);
    for (const constant of this.constants) graph.message(5, constant);
    for (const port of inputs) graph.message(11, valueInfo(port));
    for (const port of outputs) graph.message(12, valueInfo(port));
    const model = new Message().integer(1, IR_VERSION).bytes(2, "dynae").bytes(3, version)
      .message(7, graph).message(8, new Message().bytes(1, "").integer(2, OPSET));
    for (const [key, value] of Object.entries(metadata)) {
      model.message(14, new Message().bytes(1, key).bytes(2, value));
    }
    return model.encode();
  }
}

function elementType(data: ConstantData): ElementType {
  if (data instanceof Float32Array) return "float";
  return data instanceof Float64Array ? "double" : "int64";
}

function attribute(name: string, value: Attribute): Message {
  const message = new Message().bytes(1, name);
  if (typeof value === "number") return message.integer(3, value).integer(20, 2);
  for (const element of value) message.integer(8, element);
  return message.integer(20, 7);
}

function valueInfo({ name, type, shape }: Port): Message {
  const dimensions = new Message();
  for (const extent of shape) {
    const dimension = new Message();
    if (typeof extent === "string") dimension.bytes(2, extent);
    else dimension.integer(1, extent);
    dimensions.message(1, dimension);
  }
  const tensor = new Message().integer(1, TYPES[type]).message(2, dimensions);
  return new Message().bytes(1, name).message(2, new Message().message(1, tensor));
}
