/** A summary as Markdown, CSV, LaTeX and JSON. */
import { CRITERIA, CRITERIA_LEGEND, digitsOf, type Measure } from "../report/criteria.ts";
import { formatRecommendation } from "./recommendation.ts";
import { quoteCell } from "../export/tables.ts";
import { COSINES } from "./run_log.ts";
import type { RowSummary, Statistic, Summary } from "./summary.ts";

/** What FR and FD are: two papers of the same authors define them differently. */
const COSINES_LEGEND =
  "FR (feature randomness) and FD (feature drift), of the last check, in the form of arXiv 1909.11832: " +
  "cosines between gradients by the encoder's parameters on a fixed sample of rows; FR of the " +
  "clustering loss on the method's own labels and of the same on true classes, FD of the former and of " +
  "reconstruction.";
const OWN_COSINES_LEGEND =
  "Own FR and FD are those of DynAE's code: FR of its whole loss, A + γ·B, and of the distance of all " +
  "codes to the centroids of their true classes; FD of its two terms, B and A.";

/** How the numbers are to be read, in lines. */
function legend({ rows, measures, notes, goal }: Summary): string[] {
  const kinds = new Set(rows.map(({ pretraining }) => pretraining));
  const has = (name: string) => measures.some((measure) => measure.name === name);
  return [
    ...notes,
    "Mean ± standard deviation (n − 1) over the finished runs of each row; time and steps are of a " +
    "run. Steps are those of clustering, where a model has them.",
    ...(has("acc") ? ["Best and worst: by ACC, of those runs."] : []),
    ...(has(CRITERIA[0].name) ? CRITERIA_LEGEND : []),
    ...(COSINES.some(({ name }) => has(name)) ? [COSINES_LEGEND] : []),
    ...(has("ownFeatureRandomness") ? [OWN_COSINES_LEGEND] : []),
    ...(goal === undefined ? [] : [
      `Steps to ${goal.text}: until the log first shows an ACC of ` +
      `${
        goal.isGain ? `its first one ${goal.text}` : goal.text
      } or more, from that first one on; ` +
      "of the runs that come so far.",
    ]),
    ...(kinds.has("own") ? ["Pre-training `own`: its time is part of the run's."] : []),
    ...(kinds.has("shared")
      ? [
        "Pre-training `shared`: all runs of a seed on a set start from the network of its first row, " +
        "whose time is not part of theirs.",
      ]
      : []),
  ];
}

/** Which runs are not finished, and why, in lines. */
function unfinished({ rows }: Summary): string[] {
  const runs = rows.flatMap(({ runs }) => runs.filter(({ status }) => status !== "finished"));
  return runs.map(({ name, status, reason }) =>
    `${name}: ${status}${reason === "" ? "" : `: ${reason}`}`
  );
}

/** What looks wrong with finished runs, in lines. */
function warnings({ rows }: Summary): string[] {
  const runs = rows.flatMap(({ runs }) => runs);
  return runs.flatMap(({ name, warnings }) => warnings.map((text) => `${name}: ${text}`));
}

/** Text without anything that a program may take for the end of a line, or for a command. */
function oneLine(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/\s*[\x00-\x1f\x7f-\x9f\u2028\u2029]+\s*/g, " ");
}

function headerOf({ headings, measures }: Summary): string[] {
  const titles = measures.flatMap(({ title, hasExtremes }) =>
    hasExtremes ? [title, "best", "worst"] : [title]
  );
  return [...headings, "pre-training", "finished", ...titles];
}

/** The cells of a row; `format` shows a statistic: its mean and deviation. */
function cellsOf(
  { cells, pretraining, finished, runs, statistics }: RowSummary,
  measures: readonly Measure[],
  format: (statistic: Statistic, measure: Measure) => string,
): string[] {
  const numbers = measures.flatMap((measure) => {
    const statistic = statistics[measure.name];
    const shown = format(statistic, measure);
    const few = measure.isPartial && statistic.n > 0 ? ` (${statistic.n} of ${finished})` : "";
    const { max, min } = statistic;
    const extremes = measure.hasExtremes ? [max, min] : [];
    return [
      `${shown}${few}`,
      ...extremes.map((mean) => format({ ...statistic, mean, std: null }, measure)),
    ];
  });
  return [...cells, pretraining, `${finished} of ${runs.length}`, ...numbers];
}

function plusMinus({ mean, std }: Statistic, measure: Measure): string {
  if (mean === null) return "–";
  const digits = digitsOf(mean, measure);
  return mean.toFixed(digits) + (std === null ? "" : ` ± ${std.toFixed(digits)}`);
}

/** A table whose columns are aligned in the source too, with its legend and what is unfinished. */
export function toMarkdown(summary: Summary): string {
  const escape = (cell: string) => oneLine(cell).replace(/[\\|`*<[\]]|(?<!\w)_|_(?!\w)/g, "\\$&");
  const { headings, measures, rows } = summary;
  const lines = [headerOf(summary), ...rows.map((row) => cellsOf(row, measures, plusMinus))]
    .map((cells) => cells.map(escape));
  const widths = lines[0].map((_, i) => Math.max(...lines.map((cells) => cells[i].length)));
  const isText = (i: number) => i <= headings.length;
  const line = (cells: readonly string[]) => {
    const padded = cells.map((cell, i) =>
      isText(i) ? cell.padEnd(widths[i]) : cell.padStart(widths[i])
    );
    return `| ${padded.join(" | ")} |`;
  };
  const rule = widths.map((width, i) =>
    isText(i) ? "-".repeat(width) : `${"-".repeat(width - 1)}:`
  );
  const [header, ...body] = lines.map(line);
  const list = (title: string, texts: readonly string[]) =>
    texts.length === 0 ? [] : ["", title, "", ...texts.map((text) => `- ${escape(text)}`)];
  return [
    escape(summary.title).replace(/^(\d*)([#>+=~.)-])/, "$1\\$2"),
    "",
    header,
    `| ${rule.join(" | ")} |`,
    ...body,
    "",
    ...legend(summary),
    ...summary.recommendations.flatMap((found) => ["", escape(formatRecommendation(found))]),
    ...list("Not finished:", unfinished(summary)),
    ...list("Warnings:", warnings(summary)),
    "",
  ].join("\n");
}

/** A line for each row, with full precision; empty cells where there is no number. */
export function toCsv({ headings, measures, rows }: Summary): string {
  const partsOf = ({ hasExtremes, isPartial }: Measure) =>
    [
      ...["mean", "std"],
      ...hasExtremes ? ["max", "min"] : [],
      ...isPartial ? ["n"] : [],
    ] as (keyof Statistic)[];
  const numbers = measures.flatMap((measure) =>
    partsOf(measure).map((part) => `${measure.name}_${part}`)
  );
  const lines = [
    [...headings, "pretraining", "runs", "finished", ...numbers],
    ...rows.map(({ cells, pretraining, runs, finished, statistics }) => [
      ...cells,
      pretraining,
      String(runs.length),
      String(finished),
      ...measures.flatMap((measure) =>
        partsOf(measure).map((part) => statistics[measure.name][part])
      )
        .map((value) => value === null ? "" : String(value)),
    ]),
  ];
  return `${lines.map((cells) => cells.map(quoteCell).join(",")).join("\n")}\n`;
}

const LATEX: Readonly<Record<string, string>> = {
  "\\": "\\textbackslash{}",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
  "–": "--",
  "±": "$\\pm$",
};

/** Text that LaTeX prints as it is. */
export function escapeLatex(text: string): string {
  return oneLine(text).replace(/[\\~^–±&%$#_{}]/g, (sign) => LATEX[sign] ?? `\\${sign}`);
}

/** A `tabular`, with the legend as comments. */
export function toLatex(summary: Summary): string {
  const { headings, measures, rows } = summary;
  const number = ({ mean, std }: Statistic, measure: Measure) => {
    if (mean === null) return "--";
    const digits = digitsOf(mean, measure);
    return std === null
      ? `$${mean.toFixed(digits)}$`
      : `$${mean.toFixed(digits)} \\pm ${std.toFixed(digits)}$`;
  };
  const line = (cells: readonly string[]) => `${cells.join(" & ")} \\\\`;
  const header = headerOf(summary);
  const texts = headings.length + 2;
  const columns = "l".repeat(texts - 1) + "r".repeat(header.length - texts + 1);
  const comments = [
    summary.title,
    ...legend(summary),
    ...summary.recommendations.map(formatRecommendation),
    ...unfinished(summary),
    ...warnings(summary),
  ];
  return [
    ...comments.map((text) => `% ${oneLine(text)}`),
    "% \\usepackage{booktabs}",
    `\\begin{tabular}{${columns}}`,
    "\\toprule",
    line(header.map(escapeLatex)),
    "\\midrule",
    ...rows.map((row) => {
      const cells = cellsOf(row, measures, number);
      return line(cells.map((cell, i) => i < texts ? escapeLatex(cell) : cell));
    }),
    "\\bottomrule",
    "\\end{tabular}",
    "",
  ].join("\n");
}

/** Everything, each run's own values included. */
export function toJson(
  { title, headings, rows, notes, recommendations }: Summary,
): Record<string, unknown> {
  return {
    title,
    ...notes.length > 0 && { notes },
    ...recommendations.length > 0 && { recommendations },
    rows: rows.map(({ cells, ...row }) => ({
      setting: Object.fromEntries(headings.map((heading, i) => [heading, cells[i]])),
      ...row,
    })),
  };
}
