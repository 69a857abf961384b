/** Trained models as ONNX files, for whatever runs these. */
import { placesOf } from "../../datasets/columns.ts";
import type { Scaling } from "../../datasets/scaling.ts";
import type { Schema } from "../../datasets/schema.ts";
import type { Tensor, Variable } from "../../engine/tensor/tensor.ts";
import type { Estimator, RowGraph } from "../../models/estimator.ts";
import { type ElementType, OnnxGraph, OPSET, type Port } from "./format.ts";
import { RULES } from "./rules.ts";
import { Translation, variablesOf } from "./translation.ts";

/** What of a model: rows → clusters (and their probabilities), rows → codes, rows → rows. */
export type OnnxPart = "clusters" | "encoder" | "autoencoder";

/** What is known besides the model. */
export interface OnnxOptions {
  /** What was done to raw values; the file does it too, and undoes it in reconstructions. */
  readonly scaling?: Scaling;
  /** What the raw values were like: the columns' names go into the file's metadata. */
  readonly schema?: Schema;
  /** Version of the program, for the file's header. */
  readonly version?: string;
}

/** What an output is made of, and its type. */
interface Output {
  readonly tensor: Tensor;
  readonly type: ElementType;
  readonly shape: Port["shape"];
  /** From the name of the tensor to that of what goes out. */
  finish?(value: string, graph: OnnxGraph): string;
}

/** The input's name. */
const ROWS = "rows";
/** The first axis of every input and output: any number of rows. */
const BATCH = "batch";

/**
 * A trained model as the bytes of an ONNX file (opset 17): the input `rows` is float [batch, d], raw as
 * the training's rows were before they were scaled. `clusters` gives `label`, int64 [batch], and where the
 * method has soft assignments `probabilities`, float [batch, K]; `encoder` gives `code`, float [batch, p];
 * `autoencoder` gives `code` and `reconstruction`, float [batch, d], in the units of `rows`.
 * @param model Fitted or loaded.
 * @throws {TypeError} for a model that is not fitted yet, or has no such part.
 */
export async function encodeOnnx(
  model: Estimator,
  part: OnnxPart,
  { scaling = { kind: "none" }, schema, version = "" }: OnnxOptions = {},
): Promise<Uint8Array> {
  return await model.withGraph(async (tensors) => {
    const outputs = Object.entries(outputsOf(model.name, part, tensors, scaling));
    const d = tensors.x.shape[1];
    const graph = new OnnxGraph();
    const rows = scaled(graph, ROWS, scaling);
    const values = await valuesOf(variablesOf(outputs.map(([, { tensor }]) => tensor)));
    const to = new Translation(graph, tensors.x, rows, values, RULES);
    for (const [name, { tensor, finish }] of outputs) {
      const value = to.name(tensor);
      graph.node("Identity", [finish?.(value, graph) ?? value], {}, name);
    }
    const input = { name: ROWS, type: "float", shape: [BATCH, d] } as const;
    const ports = outputs.map(([name, { type, shape }]) => ({ name, type, shape }));
    const metadata = {
      model: model.name,
      part,
      opset: String(OPSET),
      ...schema && namesOf(schema),
    };
    return graph.encode(`${model.name} ${part}`, [input], ports, { version, metadata });
  });
}

/** The outputs of a part, by name. @throws {TypeError} where the model has no such part. */
function outputsOf(
  name: string,
  part: OnnxPart,
  { x, code, affinity, probabilities, reconstruction }: RowGraph,
  scaling: Scaling,
): Record<string, Output> {
  const floats = (tensor: Tensor) =>
    ({ tensor, type: "float", shape: [BATCH, tensor.shape[1]] }) as const;
  if (part === "clusters") {
    if (!affinity) {
      throw new TypeError(
        `${name} labels a row by the nearest rows of its training, which are no part of a network: ` +
          "ONNX can have its encoder or its autoencoder",
      );
    }
    const finish = (value: string, graph: OnnxGraph) =>
      graph.node("ArgMax", [value], { axis: 1, keepdims: 0 });
    const label: Output = { tensor: affinity, type: "int64", shape: [BATCH], finish };
    return { label, ...probabilities && { probabilities: floats(probabilities) } };
  }
  if (code === x) throw new TypeError(`${name} clusters rows as they are: it has no ${part}`);
  if (part === "encoder") return { code: floats(code) };
  if (!reconstruction) {
    throw new TypeError(`${name} trains its encoder without the decoder: it has no autoencoder`);
  }
  const finish = (value: string, graph: OnnxGraph) => unscaled(graph, value, scaling);
  return {
    code: floats(code),
    reconstruction: { ...floats(reconstruction), finish },
  };
}

/** Adds the scaling of raw rows, in float64 and rounded once, as data sets are scaled. */
function scaled(graph: OnnxGraph, rows: string, scaling: Scaling): string {
  if (scaling.kind === "none") return rows;
  const values = graph.cast(rows, "double");
  if (scaling.kind === "divisor") {
    const divisor = graph.constant(Float64Array.of(scaling.divisor), []);
    return graph.cast(graph.node("Div", [values, divisor]), "float");
  }
  const d = scaling.mean.length;
  const mean = graph.constant(Float64Array.from(scaling.mean), [d]);
  // A constant column becomes 0, whatever its values are now.
  const deviations = Float64Array.from(scaling.deviation, (deviation) => deviation || Infinity);
  const centred = graph.node("Sub", [values, mean]);
  return graph.cast(graph.node("Div", [centred, graph.constant(deviations, [d])]), "float");
}

/** Adds the way back from scaled rows. */
function unscaled(graph: OnnxGraph, rows: string, scaling: Scaling): string {
  if (scaling.kind === "none") return rows;
  const values = graph.cast(rows, "double");
  if (scaling.kind === "divisor") {
    const divisor = graph.constant(Float64Array.of(scaling.divisor), []);
    return graph.cast(graph.node("Mul", [values, divisor]), "float");
  }
  const d = scaling.mean.length;
  const mean = graph.constant(Float64Array.from(scaling.mean), [d]);
  const deviation = graph.constant(Float64Array.from(scaling.deviation), [d]);
  const spread = graph.node("Mul", [values, deviation]);
  return graph.cast(graph.node("Add", [spread, mean]), "float");
}

/** Values of variables of one device, read in one wait. */
async function valuesOf(variables: readonly Variable[]): Promise<Map<Variable, Float32Array>> {
  const arrays = await variables[0].backend.read(variables.map(({ region }) => region));
  return new Map(variables.map((variable, i) => [variable, Float32Array.from(arrays[i])]));
}

/** What the columns are called, where the rows have columns. */
function namesOf({ columns }: Schema): { columns?: string } {
  if (columns === undefined) return {};
  const names = placesOf(columns).map(({ name, number }) => name || `column ${number}`);
  return { columns: JSON.stringify(names) };
}
