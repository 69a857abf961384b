/**
 * Agglomerative clustering via maximum incremental path integral (AC-PIC: Zhang, Zhao, Wang; Pattern
 * Recognition 46(11), 2013), on the graph of nearest neighbours.
 *
 * The path integral of a cluster C is S_C = 1ᵀ(I − zP_C)⁻¹1/|C|²: the weight of all walks from a row of
 * C to a row of C within C, each step discounted by z. The affinity of two clusters is by how much
 * walks through the other one increase it, (S_{a|a∪b} − S_a) + (S_{b|a∪b} − S_b), where S_{a|a∪b} counts
 * the walks from a to a within both. The two of greatest affinity are merged, until K are left.
 */
import type { Backend } from "../../engine/backend/backend.ts";
import type { Table } from "../../engine/state/table.ts";
import { type NearestNeighbours, nearestNeighbours } from "./nearest_neighbours.ts";
import { type Walk, walkOf } from "./neighbour_graph.ts";

/** Neighbours of a row in the graph, and z: the authors' values. */
const NEIGHBOURS = 20;
const DISCOUNT = 0.01;
/** Walks of less weight are not gone on with: the walk that stays where it is weighs 1. */
const NEGLIGIBLE = 2 ** -53;
/** Merges between two looks at the signal. */
const MERGES_PER_LOOK = 64;

/** @throws {RangeError} where there are too few rows for the graph. */
export function checkPathIntegralRows(n: number): void {
  if (n > NEIGHBOURS) return;
  throw new RangeError(
    `path integral: the graph joins every row with the ${NEIGHBOURS} nearest others, which takes ` +
      `${NEIGHBOURS + 1} rows or more; got ${n}`,
  );
}

/**
 * Clusters the rows of a table.
 * @param backend The table's device. @param points [n, d]. @param clusters K.
 * @param signal Aborting rejects with its reason.
 * @returns The labels, [n], in [0, K), numbered by each cluster's first row.
 * @throws {RangeError} where there are too few rows for the graph, or for so many clusters.
 */
export async function pathIntegral(
  backend: Backend,
  points: Table,
  clusters: number,
  signal?: AbortSignal,
): Promise<Uint32Array> {
  checkPathIntegralRows(points.rows);
  const neighbours = await nearestNeighbours(backend, points, NEIGHBOURS, signal);
  return await mergeNeighbours(neighbours, clusters, signal);
}

/**
 * Clusters rows by their neighbours. The first clusters are the rows that are joined by steps to the
 * nearest neighbour. Of equal affinities the one of the first clusters counts, by their first rows.
 * @param neighbours Of n rows. @param clusters K. @param signal Aborting rejects with its reason.
 * @returns The labels, [n], in [0, K), numbered by each cluster's first row.
 * @throws {RangeError} where K is not between 1 and the number of first clusters.
 */
export async function mergeNeighbours(
  neighbours: NearestNeighbours,
  clusters: number,
  signal?: AbortSignal,
): Promise<Uint32Array> {
  const walk = walkOf(neighbours, DISCOUNT);
  const merging = new Merging(walk);
  merging.joinNearest(neighbours);
  if (!(clusters >= 1 && clusters <= merging.count)) {
    throw new RangeError(
      `path integral: clusters must be from 1 to ${merging.count}, which is what joining each of ` +
        `the ${walk.rows} rows with its nearest makes; got ${clusters}`,
    );
  }
  merging.compareAll();
  for (let merges = 1; merging.count > clusters; merges++) {
    merging.mergeBest();
    if (signal && merges % MERGES_PER_LOOK === 0) {
      // The event that aborts needs its turn.
      await new Promise((resolve) => setTimeout(resolve));
      signal.throwIfAborted();
    }
  }
  return merging.labels;
}

/** Clusters of rows, each known by the number of its first row. */
class Merging {
  /** How many there are. */
  count: number;
  /** The cluster of each row. */
  private readonly clusterOf: Uint32Array;
  /** The rows of each cluster; none of a number that is not a cluster's. */
  private readonly members: number[][];
  /** r = (I − zP_C)⁻¹1 of each row in its cluster C: the weight of walks that stay there. */
  private readonly stays: Float64Array;
  /** Of each cluster, the affinity to those that an edge leads to or from. All others' is 0. */
  private readonly affinities: Map<number, number>[];
  /** Of each cluster, the later one to which its affinity is greatest; −1: there is none. */
  private readonly best: Int32Array;
  private readonly weights: Float64Array;
  private readonly nextWeights: Float64Array;

  /** Every row is a cluster. */
  constructor(private readonly walk: Walk) {
    const { rows: n, leaving } = walk;
    this.count = n;
    this.clusterOf = Uint32Array.from({ length: n }, (_, i) => i);
    this.members = Array.from({ length: n }, (_, i) => [i]);
    this.stays = Float64Array.from({ length: n }, (_, i) => {
      return 1 / (1 - leaving.weights[leaving.first[i]]);
    });
    this.affinities = Array.from({ length: n }, () => new Map());
    this.best = new Int32Array(n).fill(-1);
    this.weights = new Float64Array(n);
    this.nextWeights = new Float64Array(n);
  }

  /** The clusters of the rows, [n], numbered in the order of their first rows. */
  get labels(): Uint32Array {
    const numbers = new Map<number, number>();
    return this.clusterOf.map((cluster) => {
      if (!numbers.has(cluster)) numbers.set(cluster, numbers.size);
      return numbers.get(cluster)!;
    });
  }

  /** Unites the clusters of every row and its nearest neighbour. */
  joinNearest({ count, rows }: NearestNeighbours): void {
    this.clusterOf.forEach((_, i) => {
      const [a, b] = [this.clusterOf[i], this.clusterOf[rows[i * count]]];
      if (a !== b) this.unite(Math.min(a, b), Math.max(a, b));
    });
  }

  /** Finds all affinities. */
  compareAll(): void {
    const { walk: { leaving }, clusterOf } = this;
    clusterOf.forEach((a, i) => {
      for (let e = leaving.first[i]; e < leaving.first[i + 1]; e++) {
        const b = clusterOf[leaving.rows[e]];
        if (a !== b && !this.affinities[a].has(b)) this.compare(a, b);
      }
    });
    this.affinities.forEach((_, a) => this.findBest(a));
  }

  /** Merges the two clusters of greatest affinity. */
  mergeBest(): void {
    const { affinities, best } = this;
    let a = -1;
    let greatest = 0;
    best.forEach((b, cluster) => {
      const affinity = b < 0 ? 0 : affinities[cluster].get(b)!;
      if (affinity > greatest) [a, greatest] = [cluster, affinity];
    });
    const isCluster = ({ length }: number[]) => length > 0;
    // Where no walk leads back through any other cluster, all affinities are 0.
    if (a < 0) a = this.members.findIndex(isCluster);
    const b = greatest > 0
      ? best[a]
      : this.members.findIndex((rows, i) => i > a && isCluster(rows));
    this.unite(a, b);
    const others = new Set([...affinities[a].keys(), ...affinities[b].keys()]);
    others.delete(a);
    others.delete(b);
    affinities[a].clear();
    affinities[b].clear();
    best[b] = -1;
    for (const other of others) {
      affinities[other].delete(b);
      this.compare(a, other);
      this.findBest(other);
    }
    this.findBest(a);
  }

  /** Makes cluster b part of cluster a, an earlier one. */
  private unite(a: number, b: number): void {
    const { clusterOf, members, stays } = this;
    const gains: [row: number, weight: number][] = [];
    this.visitDetours(a, b, (row, weight) => gains.push([row, weight]));
    this.visitDetours(b, a, (row, weight) => gains.push([row, weight]));
    for (const [row, weight] of gains) stays[row] += weight;
    for (const row of members[b]) {
      clusterOf[row] = a;
      members[a].push(row);
    }
    members[b] = [];
    this.count--;
  }

  /** Finds the affinity of two clusters. */
  private compare(a: number, b: number): void {
    const affinity = this.increase(a, b) + this.increase(b, a);
    this.affinities[a].set(b, affinity);
    this.affinities[b].set(a, affinity);
  }

  /** S_{a|a∪b} − S_a, without their difference, in which most digits would be lost. */
  private increase(a: number, b: number): number {
    const { clusterOf, members } = this;
    let sum = 0;
    this.visitDetours(a, b, (row, weight) => {
      if (clusterOf[row] === a) sum += weight;
    });
    return sum / members[a].length ** 2;
  }

  /**
   * Visits the weights that walks within a ∪ b from each of its rows have, which leave a and are in a
   * in the end, or begin in b and are in a in the end. With the walks within a alone, r, they are
   * x = (I − zP_{a∪b})⁻¹1_a; hence y = x − r follows from (I − zP_{a∪b})y = zP_{ba}r, as the series
   * y = Σ_m (zP_{a∪b})^m·zP_{ba}r, whose terms are visited one after another.
   */
  private visitDetours(a: number, b: number, visit: (row: number, weight: number) => void): void {
    const { walk: { arriving }, clusterOf } = this;
    let [weights, next] = [this.weights, this.nextWeights];
    let rows = this.stepInto(a, b, weights);
    while (rows.length > 0) {
      const before: number[] = [];
      for (const row of rows) {
        const weight = weights[row];
        weights[row] = 0;
        visit(row, weight);
        if (weight < NEGLIGIBLE) continue;
        for (let e = arriving.first[row]; e < arriving.first[row + 1]; e++) {
          const from = arriving.rows[e];
          if (clusterOf[from] !== a && clusterOf[from] !== b) continue;
          if (next[from] === 0) before.push(from);
          next[from] += arriving.weights[e] * weight;
        }
      }
      [weights, next] = [next, weights];
      rows = before;
    }
  }

  /** Fills in zP_{ba}r, at the rows of b from which an edge leads into a; returns these rows. */
  private stepInto(a: number, b: number, weights: Float64Array): number[] {
    const { walk: { leaving, arriving }, clusterOf, members, stays } = this;
    const found: number[] = [];
    const add = (row: number, weight: number) => {
      if (weights[row] === 0) found.push(row);
      weights[row] += weight;
    };
    // The edges of the smaller cluster are looked through.
    if (members[b].length <= members[a].length) {
      for (const row of members[b]) {
        for (let e = leaving.first[row]; e < leaving.first[row + 1]; e++) {
          const to = leaving.rows[e];
          if (clusterOf[to] === a) add(row, leaving.weights[e] * stays[to]);
        }
      }
    } else {
      for (const to of members[a]) {
        for (let e = arriving.first[to]; e < arriving.first[to + 1]; e++) {
          const row = arriving.rows[e];
          if (clusterOf[row] === b) add(row, arriving.weights[e] * stays[to]);
        }
      }
    }
    return found;
  }

  /** Finds the later cluster to which the affinity of a is greatest, the first of such. */
  private findBest(a: number): void {
    let [best, greatest] = [-1, -1];
    for (const [b, affinity] of this.affinities[a]) {
      if (b < a || affinity < greatest || (affinity === greatest && b > best)) continue;
      [best, greatest] = [b, affinity];
    }
    this.best[a] = best;
  }
}
