/** CM in the plane: how its centroids find five Gaussians, beside k-means and a mixture. */
import { RandomStream } from "../../engine/random.ts";
import { estimatorOf } from "../method_options.ts";
import { RunFolder } from "../run_folder.ts";
import { findMethod } from "../run_plan.ts";
import { loadAgain, readRunRows } from "../run_rows.ts";
import { withEstimator } from "../trained_model.ts";
import { type Panel, scatterPanels } from "./chart.ts";
import { isFirstSeed } from "./first_seed.ts";
import type { FinishedRun, PaperRow, PaperTable } from "./paper_table.ts";

/** Means of the Gaussians; some are so near to each other that they overlap. */
const MEANS = [[-4, -1], [-2.2, 1.6], [0, -3], [2.6, 2.8], [3.4, -0.6]] as const;
const DEVIATION = 0.9;
const ROWS_OF_EACH = 200;
const SEED = 1;
/** Shares of CM's most steps at which it is looked at. */
const SHARES = [0, 0.05, 0.2, 1];

/** See {@linkcode PaperTable}. */
export const TOY_TABLE: PaperTable = {
  summary: "CM in the plane: its centroids among five Gaussians, over the steps; beside two others",
  notes: [
    "After the toy example of CM's paper (Boubekki et al., arXiv 2012.03740), which was not at hand: the " +
    `rows are ours, ${ROWS_OF_EACH} of each of ${MEANS.length} Gaussians of standard deviation ${DEVIATION}, ` +
    "in toy.csv. CM starts from random weights; its rows are moments of one training, and the last one " +
    "has no prior (1). The picture shows seed 0, coloured by cluster; crosses are CM's centroids.",
  ],
  data: "toy.csv",
  seeds: 5,
  headings: ["model", "most steps", "prior"],
  rowsOfItsOwn: toyRows,
  rows() {
    const { steps, prior } = estimatorOf(findMethod("cm"), "default", {}).options;
    const cm = (share: number, prior: number): PaperRow => ({
      name: `cm-share=${share}-prior=${prior}`,
      cells: ["cm", { option: "steps" }, String(prior)],
      model: "cm",
      options: { init: "rand", steps: Math.round(share * Number(steps)), prior },
    });
    return [
      { name: "kmeans", cells: ["kmeans", "", ""], model: "kmeans" },
      {
        name: "gmm",
        cells: ["gmm, isotropic", "", ""],
        model: "gmm",
        options: { covariance: "isotropic" },
      },
      ...SHARES.map((share) => cm(share, Number(prior))),
      cm(1, 1),
    ];
  },
  async pictures(runs, note) {
    const found = await Promise.all(runs.filter(isFirstSeed).map(panelOf));
    const panels = found.filter((panel) => panel !== undefined);
    if (panels.length === 0) return {};
    const title = "five Gaussians, coloured by cluster; crosses: CM's centroids; seed 0";
    return { "toy.svg": scatterPanels(panels, { title, note, x: "x", y: "y" }) };
  },
};

/** The rows as CSV. */
export function toyRows(): string {
  const random = new RandomStream(SEED, 0);
  const lines = Array.from({ length: MEANS.length * ROWS_OF_EACH }, (_, i) => {
    const cluster = i % MEANS.length;
    // Two normal numbers of two uniform ones (Box and Muller 1958).
    const radius = DEVIATION * Math.sqrt(-2 * Math.log(1 - random.uniform()));
    const angle = random.uniform(0, 2 * Math.PI);
    const [x, y] = [radius * Math.cos(angle), radius * Math.sin(angle)];
    const [meanX, meanY] = MEANS[cluster];
    return `${(meanX + x).toFixed(4)},${(meanY + y).toFixed(4)},${cluster}`;
  });
  return ["x,y,class", ...lines, ""].join("\n");
}

/** The rows by their clusters; undefined, with a note, where they are not there any more. */
async function panelOf(
  { path, title, setting, record }: FinishedRun,
): Promise<Panel | undefined> {
  const { folder } = await RunFolder.open(path);
  const { labels } = await readRunRows(folder, record);
  const found = await loadAgain(record, "panel");
  if (!(found?.data instanceof Float32Array)) return undefined;
  const points = Float64Array.from(found.data);
  if (setting.model !== "cm") return { title, points, groups: labels };
  const k = record.results!.clusterSizes.length;
  const certain = Float32Array.from({ length: k * k }, (_, i) => i % (k + 1) === 0 ? 1 : 0);
  const centroids = await withEstimator(
    { run: path, device: "cpu" },
    (model) => model.inverseTransform!(certain),
  );
  return {
    title: `cm, prior ${setting.options.prior}, ${record.steps} steps`,
    points,
    groups: labels,
    crosses: Float64Array.from(centroids),
  };
}
