/** A TypeScript project: what is right compiles, and what is wrong does not. */
import { DynAE, type FitResult, KMeans, loadDataset, METHODS } from "dynae";
import { encodeNpy } from "dynae/datasets";
import { Adam, type Backend, Mlp, openDevice, State } from "dynae/engine";
import { encodeOnnx, type OnnxPart } from "dynae/export";
import { JointEstimator } from "dynae/methods";
import { decodeModel, readCheckpoint } from "dynae/storage";

export async function main(): Promise<Uint8Array> {
  const backend: Backend = await openDevice({ device: "cpu" });
  const model = new DynAE({ clusters: 2 });
  const samples = { data: new Float32Array(4), n: 2, d: 2 };
  const { labels }: FitResult = await model.fit(samples, { backend });
  console.log(new State(backend), labels.length);
  const part: OnnxPart = "encoder";
  return await encodeOnnx(model, part);
}

export const entries = [Adam, Mlp, KMeans, loadDataset, METHODS, JointEstimator];
export const files = [encodeNpy, decodeModel, readCheckpoint];

// @ts-expect-error: a text is no number of clusters.
new DynAE({ clusters: "two" });
// @ts-expect-error: there is no such part.
encodeOnnx(new DynAE(), "decoder");
