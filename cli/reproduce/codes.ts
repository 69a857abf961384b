/** DynAE's code in two dimensions, over the steps. */
import { estimatorOf } from "../method_options.ts";
import { RunFolder } from "../run_folder.ts";
import { findMethod } from "../run_plan.ts";
import { readRunRows } from "../run_rows.ts";
import { scatterPanels } from "./chart.ts";
import { isFirstSeed } from "./first_seed.ts";
import type { FinishedRun, PaperTable } from "./paper_table.ts";
import { principalPlane, project } from "./principal_plane.ts";

/** Most points of a panel. */
const POINTS = 1500;
/** Shares of the most steps at which the code is looked at. */
const SHARES = [0, 0.05, 0.2, 0.5, 1];

/** See {@linkcode PaperTable}. */
export const CODES_TABLE: PaperTable = {
  summary: "DynAE's code in two dimensions over the steps of clustering",
  notes: [
    "Each row is a run from the same pre-trained network and k-means on its code that ends after so " +
    "many steps at most: steps repeat from seed to seed alike, so that the rows are moments of one " +
    "training. The pictures show seed 0 on the two principal axes of the last row's code, coloured by " +
    "class, or by cluster where classes are not known; rows after the training's end are drawn once.",
  ],
  data: "usps",
  seeds: 1,
  isShared: true,
  headings: ["most steps"],
  rows(_, profile) {
    const { steps } = estimatorOf(findMethod("dynae"), profile, {}).options;
    return SHARES.map((share) => {
      return {
        name: `dynae-share=${share}`,
        cells: [{ option: "steps" }],
        model: "dynae",
        options: { partition: "kmeans", steps: Math.round(share * Number(steps)) },
      };
    });
  },
  async pictures(runs, note): Promise<Record<string, string>> {
    const pictures: Record<string, string> = {};
    const found = runs.filter(({ setting }) => setting.model === "dynae").filter(isFirstSeed);
    for (const [data, moments] of Map.groupBy(found, ({ data }) => data)) {
      pictures[`${data}-codes.svg`] = await panelsOf(moments, note);
    }
    return pictures;
  },
};

/** A panel for each moment, coloured alike. @param runs In the order of their steps. */
async function panelsOf(runs: readonly FinishedRun[], note: string): Promise<string> {
  const moments = await Promise.all(runs.map(async ({ path, record }) => {
    const { folder } = await RunFolder.open(path);
    const clusters = record.results!.clusterSizes;
    return { rows: await readRunRows(folder, record), steps: record.steps!, clusters };
  }));
  const { codes, codeSize } = moments.at(-1)!.rows;
  const plane = principalPlane(codes, codeSize);
  const { classes } = moments[0].rows;
  const names = classes && [...new Set(classes)].sort();
  const differing = moments.filter(({ steps }, i) => steps !== moments[i - 1]?.steps);
  const panels = differing.map(({ rows, steps }) => {
    const stride = Math.ceil(rows.labels.length / POINTS);
    const isShown = (row: number) => row % stride === 0;
    const groups = rows.classes && names
      ? rows.classes.map((name) => names.indexOf(name))
      : Array.from(rows.labels);
    return {
      title: `${steps} steps`,
      points: project(rows.codes, plane).filter((_, i) => isShown(Math.floor(i / 2))),
      groups: groups.filter((_, row) => isShown(row)),
    };
  });
  return scatterPanels(panels, {
    title: `${runs[0].dataTitle}: DynAE's code by ${names ? "class" : "cluster"}, seed 0`,
    note,
    x: "first principal axis of the last code",
    y: "second principal axis of the last code",
    groups: names ?? Array.from(moments[0].clusters, (_, k) => `cluster ${k}`),
  });
}
