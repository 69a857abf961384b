/** A program on every entry: threads, files, a data set that ships, ONNX. Prints one JSON object. */
import { DynAE, loadDataset, loadModel, openDevice, saveModel } from "dynae";
import { decodeNpy, encodeNpy } from "dynae/datasets";
import { matmul } from "dynae/engine";
import { encodeOnnx, encodeParquet } from "dynae/export";
import { Autoencoder } from "dynae/methods";
import { decodeSafetensors, encodeModel } from "dynae/storage";
import { options, samples } from "./samples.js";

const backend = await openDevice({ device: "cpu", threads: 2 });
const model = new DynAE(options);
const { labels, embedding } = await model.fit(samples, { backend });
await saveModel("model.safetensors", model);
const loaded = await loadModel("model.safetensors", { backend });
const predicted = await loaded.predict(samples);
const onnx = await encodeOnnx(loaded, "clusters");
const parquet = await encodeParquet([{ name: "label", values: predicted }]);
const { n, d, digest } = await loadDataset("optdigits");
const { shape } = decodeNpy(encodeNpy(embedding, [60, 2]), "codes");
const { tensors } = decodeSafetensors(await encodeModel(loaded), "model");
let missing = "";
await loadModel("nowhere.safetensors").catch(({ name }) => missing = name);
const result = {
  threads: backend.info.threads,
  labels: [...labels],
  embedding: [...embedding],
  predicted: [...predicted],
  tensors: [...tensors.keys()],
  onnx: onnx.length,
  parquet: parquet.length,
  optdigits: [n, d, digest],
  shape,
  missing,
  entries: [matmul, Autoencoder].map((entry) => typeof entry),
};
await Promise.all([model.dispose(), loaded.dispose()]);
await backend.dispose();
console.log(JSON.stringify(result));
