/** A page's script: trains on a device; what needs files says so. */
import { DynAE, loadDataset, openDevice } from "dynae";
import { options, samples } from "./samples.js";

globalThis.check = async (device) => {
  const backend = await openDevice({ device });
  const model = new DynAE(options);
  const { labels, embedding } = await model.fit(samples, { backend });
  await model.dispose();
  const { description, threads } = backend.info;
  await backend.dispose();
  const files = await loadDataset("rows.csv").catch((error) => error.message);
  return { description, threads, labels: [...labels], embedding: [...embedding], files };
};
