/** Which number of clusters a sweep speaks for, and why. No classes enter. */
import { AGREEMENT, CRITERIA, type Criterion } from "../report/criteria.ts";

/** A number of clusters that is spoken for. */
export interface Recommendation {
  /** What is swept besides, as the table shows it; empty where nothing is. */
  readonly of: string;
  /** K */
  readonly clusters: number;
  /** What speaks for it and against it, sentences. */
  readonly reasons: readonly string[];
}

/** Silhouettes below this are no substantial structure (Kaufman and Rousseeuw 1990, table 2.4). */
const NO_STRUCTURE = 0.25;
/** Seeds that agree less find different clusters. */
const FEW_AGREE = 0.8;

/** Means over the finished runs of a row, by name of the criterion. */
type Means = Readonly<Record<string, { readonly mean: number | null }>>;

/** A row that may take part. */
export interface RowOfRuns {
  /** Its setting, by the headings. */
  readonly cells: readonly string[];
  /** How many of its runs are finished. */
  readonly finished: number;
  /** Of these. */
  readonly statistics: Means;
}

/** One that does, by its number of clusters. */
interface Candidate {
  readonly clusters: number;
  readonly statistics: Means;
}

/**
 * Recommends a number of clusters for each combination of what else is swept; of two at least.
 * @param headings Titles of the rows' cells, `clusters` among them, or nothing is recommended.
 * @param areCodes Whether the criteria are of codes, which are other ones for every K.
 */
export function recommend(
  headings: readonly string[],
  rows: readonly RowOfRuns[],
  areCodes: boolean,
): Recommendation[] {
  const at = headings.indexOf("clusters");
  if (at < 0) return [];
  const groups = Map.groupBy(
    rows.filter(({ cells, finished }) => finished > 0 && /^\d+$/.test(cells[at])),
    ({ cells }) =>
      cells.flatMap((cell, i) => i === at ? [] : [`${headings[i]}=${cell}`]).join(", "),
  );
  return [...groups].flatMap(([of, rows]) => {
    const candidates = rows.map(({ cells, statistics }) => ({
      clusters: Number(cells[at]),
      statistics,
    })).sort((a, b) => a.clusters - b.clusters);
    const found = candidates.length < 2 ? undefined : choose(candidates, areCodes);
    return found === undefined ? [] : [{ of, ...found }];
  });
}

/** The sentence for people. */
export function formatRecommendation({ of, clusters, reasons }: Recommendation): string {
  return `Recommended${of === "" ? "" : ` with ${of}`}: clusters=${clusters}. ${reasons.join(" ")}`;
}

/** The K that is best by most criteria; of several, the one that BIC or else the silhouette prefers. */
function choose(
  candidates: readonly Candidate[],
  areCodes: boolean,
): Omit<Recommendation, "of"> | undefined {
  const votes = CRITERIA.flatMap((criterion) => {
    const best = bestBy(criterion, candidates);
    return best === undefined ? [] : [{ words: criterion.words, name: criterion.name, best }];
  });
  if (votes.length === 0) return undefined;
  const counts = Map.groupBy(votes, ({ best }) => best.clusters);
  const most = Math.max(...[...counts.values()].map(({ length }) => length));
  const preferred = votes.find(({ name }) => name === "bic") ?? votes[0];
  const tied = [...counts.keys()].filter((k) => counts.get(k)!.length === most);
  const clusters = tied.includes(preferred.best.clusters) ? preferred.best.clusters : tied[0];
  const winner = candidates.find((candidate) => candidate.clusters === clusters)!;
  const others = [...counts].filter(([k]) => k !== clusters);
  const silhouette = winner.statistics.silhouette?.mean ?? undefined;
  const agreement = winner.statistics[AGREEMENT.name]?.mean ?? undefined;
  const ends = [candidates[0].clusters, candidates.at(-1)!.clusters];
  return {
    clusters,
    reasons: [
      `It is best by ${listed(counts.get(clusters)!)}${
        others.map(([k, votes]) => `; ${k} by ${listed(votes)}`).join("")
      }.`,
      ...silhouette !== undefined && silhouette < NO_STRUCTURE
        ? [`Its silhouette of ${silhouette.toFixed(3)} is low: no number of clusters stands out.`]
        : [],
      ...agreement === undefined ? [] : [
        agreement < FEW_AGREE
          ? `Its seeds agree little (ARI ${agreement.toFixed(3)}): the clusters hinge on the start.`
          : `Its seeds agree (ARI ${agreement.toFixed(3)}).`,
      ],
      // Nothing is tried below 2.
      ...clusters === ends[1] || clusters === ends[0] && clusters > 2
        ? [`${clusters} is an end of the range: try beyond it.`]
        : [],
      ...areCodes
        ? ["The criteria are of each run's own codes; on the data, --model kmeans or gmm compares."]
        : [],
    ],
  };
}

/** The candidate with the best mean, the first of equal ones; undefined where values are missing. */
function bestBy({ name, better }: Criterion, candidates: readonly Candidate[]) {
  if (better === undefined) return undefined;
  const known = candidates.flatMap((candidate) => {
    const mean = candidate.statistics[name]?.mean ?? undefined;
    return mean === undefined ? [] : [{ candidate, mean }];
  });
  if (known.length < 2) return undefined;
  const sign = better === "larger" ? 1 : -1;
  return known.reduce((a, b) => sign * b.mean > sign * a.mean ? b : a).candidate;
}

/** `a, b and c` */
function listed(votes: readonly { readonly words: string }[]): string {
  const words = votes.map(({ words }) => words);
  return words.length === 1 ? words[0] : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
