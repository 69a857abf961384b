/** DynAE's table of methods. */
import type { PaperTable } from "./paper_table.ts";
import { DYNAE_METHODS } from "./published.ts";

const IMAGES_OF_TEN = ["usps", "mnist-test"];

/** See {@linkcode PaperTable}. */
export const METHODS_TABLE: PaperTable = {
  summary: "DynAE's table 3: methods on MNIST, MNIST-test, USPS and Fashion-MNIST",
  notes: [
    "Ours are scores at the end of training. Every model trains a network of its own; gmm has full " +
    "covariances, where the paper does not say.",
  ],
  data: "usps,mnist-test,mnist,fashion-mnist",
  seeds: 5,
  headings: ["model"],
  published: DYNAE_METHODS,
  rows: (data) =>
    ["kmeans", "gmm", "ae-kmeans", "dec", "idec", "dcn", "vade", "depict", "dynae"].map((
      model,
    ) => ({
      name: model,
      cells: [model],
      model,
      ...model === "idec" && data === "usps" && { official: "official-usps" },
      ...model === "depict" && IMAGES_OF_TEN.includes(data) && { official: "official-usps" },
    })),
};
