/** What is said of a number of clusters without classes: names, titles, and which way is better. */
import { formatNumber } from "../engine/inspect/text.ts";

/** A quantity that a finished run has, and how tables show it. */
export interface Measure {
  /** Its name in JSON and CSV. */
  readonly name: string;
  /** Its column's title. */
  readonly title: string;
  /** Digits after the point; absent: `significant` ones. */
  readonly digits?: number;
  /** Significant digits, of what may be large or small. */
  readonly significant?: number;
  /** Whether the largest and the smallest value have columns too. */
  readonly hasExtremes?: true;
  /** Whether a finished run may be without it: the table says how many have it. */
  readonly isPartial?: true;
}

/** A criterion of a run, or of the runs of a row. */
export interface Criterion extends Measure {
  /** Which value speaks for a number of clusters; absent where it rises or falls with K by itself. */
  readonly better?: "larger" | "smaller";
  /** What it is called in sentences. */
  readonly words: string;
}

/** In the order of the columns. */
export const CRITERIA: readonly Criterion[] = [
  {
    name: "silhouette",
    title: "silhouette",
    words: "the silhouette",
    digits: 3,
    better: "larger",
  },
  {
    name: "calinskiHarabasz",
    title: "CH",
    words: "Calinski–Harabasz",
    significant: 5,
    better: "larger",
  },
  {
    name: "daviesBouldin",
    title: "DB",
    words: "Davies–Bouldin",
    digits: 3,
    better: "smaller",
  },
  { name: "bic", title: "BIC", words: "BIC", significant: 7, better: "smaller" },
  { name: "inertia", title: "inertia", words: "the inertia", significant: 6 },
  { name: "normalizedCut", title: "NCut", words: "the normalised cut", digits: 3 },
];

/** The mean adjusted Rand index of the labels of two seeds. */
export const AGREEMENT: Criterion = {
  name: "agreement",
  title: "seeds' ARI",
  words: "agreement between seeds",
  digits: 3,
};

/** How the criteria of a run are to be read. */
export const CRITERIA_NOTE =
  "Without classes, on the rows as each run maps them: silhouette and CH (Calinski–Harabasz) are better " +
  "the larger, DB (Davies–Bouldin) and BIC the smaller; inertia falls and NCut (normalised cut of the " +
  "neighbours) tends to rise with every cluster more. Of many rows, silhouette and NCut are those of a " +
  "sample.";

/** How the criteria are to be read, in lines. */
export const CRITERIA_LEGEND: readonly string[] = [
  `${CRITERIA_NOTE} Seeds' ARI is the agreement of the labels of two seeds.`,
];

/** The values that a run has, by name, of its diagnostics. */
export function criteriaOf(diagnostics: object): Record<string, number> {
  const values: Readonly<Record<string, unknown>> = { ...diagnostics };
  return Object.fromEntries(
    CRITERIA.flatMap(({ name }) => {
      const value = values[name];
      return typeof value === "number" ? [[name, value]] : [];
    }),
  );
}

/** Digits after the point that befit a value of a measure. */
export function digitsOf(value: number, { digits, significant = 3 }: Measure): number {
  if (digits !== undefined) return digits;
  const before = value === 0 ? 1 : 1 + Math.floor(Math.log10(Math.abs(value)));
  return Math.min(Math.max(significant - before, 0), 100);
}

/** How far clustering went from the partition that it began with. */
export interface Departure {
  /** ARI of the last partition with the first. */
  readonly startAgreement?: number | null | undefined;
  /** Normalised cuts of both by the neighbours of the code that clustering began with. */
  readonly startCuts?: { readonly start: number; readonly end: number } | null | undefined;
}

/** The criteria that a run has, of its diagnostics, and its departure: titles and numbers. */
export function criteriaTexts(diagnostics: Departure): [title: string, text: string][] {
  const values = criteriaOf(diagnostics);
  const { startAgreement, startCuts } = diagnostics;
  const departure: [string, number | null | undefined][] = [
    ["ARI with the start", startAgreement],
    ["NCut of the start, in the code then", startCuts?.start],
    ["NCut of the end, in the code then", startCuts?.end],
  ];
  return [
    ...CRITERIA.filter(({ name }) => values[name] !== undefined)
      .map((one): [string, string] => [
        one.title,
        Math.abs(values[one.name]) < 1e9
          ? values[one.name].toFixed(digitsOf(values[one.name], one))
          : formatNumber(values[one.name]),
      ]),
    ...departure.flatMap(([title, value]): [string, string][] =>
      value == null ? [] : [[title, value.toFixed(3)]]
    ),
  ];
}
