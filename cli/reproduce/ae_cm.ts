/** AE-CM's β against λ, and CM's prior with its merging term. */
import { chartsBySet, loggedPoints } from "./first_seed.ts";
import type { PaperRow, PaperTable } from "./paper_table.ts";

const BETAS = [0.03, 0.1, 0.3, 1, 3];
const LAMBDAS = [0.1, 1, 10];
const PRIORS = [1, 5, 20, 50, 200];

const SOURCE = "(Boubekki et al., arXiv 2012.03740; Machine Learning 110, 2021)";

/** See {@linkcode PaperTable}. */
export const AE_CM_TABLE: PaperTable = {
  summary: "AE-CM: weight of the reconstruction (beta) against that of orthonormality (lambda)",
  notes: [
    `After AE-CM's study of β and λ ${SOURCE}, whose figures were not at hand: the grid is ours. All ` +
    "start from one pre-trained network a seed.",
  ],
  data: "optdigits,usps",
  seeds: 5,
  isShared: true,
  headings: ["beta", "lambda"],
  rows: () =>
    BETAS.flatMap((beta) =>
      LAMBDAS.map((lambda): PaperRow => ({
        name: `beta=${beta}-lambda=${lambda}`,
        cells: [String(beta), String(lambda)],
        model: "ae-cm",
        options: { beta, orthonormalityWeight: lambda },
      }))
    ),
};

/** See {@linkcode PaperTable}. */
export const CM_TABLE: PaperTable = {
  summary: "CM: its Dirichlet prior, and E3, the term that merges clusters",
  notes: [
    `After CM's study of its terms ${SOURCE}, whose figures were not at hand: the priors are ours. The ` +
    "picture shows E3, a sum over a batch, over the steps of seed 0.",
  ],
  data: "optdigits,usps",
  seeds: 5,
  headings: ["prior"],
  rows: () =>
    PRIORS.map((prior): PaperRow => ({
      name: `prior=${prior}`,
      cells: [String(prior)],
      model: "cm",
      options: { prior },
    })),
  pictures: (runs, note) =>
    chartsBySet(runs, note, {
      file: "e3",
      title: "E3, CM's merging term, over the steps",
      x: "steps",
      y: "E3, sum over a batch",
      linesOf: (run) => [{
        name: `prior ${run.title}`,
        points: loggedPoints(run, "merging"),
      }],
    }),
};
