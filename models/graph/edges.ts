/** Weighted edges between rows. */
import type { NearestNeighbours } from "./nearest_neighbours.ts";

/** Edges of n rows, those of a row side by side. */
export interface Edges {
  /** Place of the first edge of each row, and the end: [n + 1]. */
  readonly first: Uint32Array;
  /** The row at the other end. */
  readonly rows: Uint32Array;
  /** Of each edge. */
  readonly weights: Float64Array;
}

/** The edges to the first `degree` neighbours of each row, with a weight by row and neighbour. */
export function neighbourEdges(
  { count, rows: neighbours }: NearestNeighbours,
  degree: number,
  weight: (row: number, j: number) => number,
): Edges {
  const n = neighbours.length / count;
  const first = Uint32Array.from({ length: n + 1 }, (_, i) => i * degree);
  const rows = new Uint32Array(n * degree);
  const weights = new Float64Array(n * degree);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < degree; j++) {
      rows[i * degree + j] = neighbours[i * count + j];
      weights[i * degree + j] = weight(i, j);
    }
  }
  return { first, rows, weights };
}

/** The same edges by their other ends; those of a row in the order of the rows that they come from. */
export function reversed({ first, rows, weights }: Edges): Edges {
  const n = first.length - 1;
  const begins = new Uint32Array(n + 1);
  for (const row of rows) begins[row + 1]++;
  for (let i = 0; i < n; i++) begins[i + 1] += begins[i];
  const next = begins.slice();
  const result = {
    first: begins,
    rows: new Uint32Array(rows.length),
    weights: new Float64Array(rows.length),
  };
  for (let i = 0; i < n; i++) {
    for (let e = first[i]; e < first[i + 1]; e++) {
      const place = next[rows[e]]++;
      result.rows[place] = i;
      result.weights[place] = weights[e];
    }
  }
  return result;
}

/**
 * Edges in both directions of weight `unite(w_ij, w_ji)`, 0 for the one that is absent; those of a row
 * in the order of the rows that they lead to. Edges of weight 0 are left out.
 */
export function symmetric(edges: Edges, unite: (a: number, b: number) => number): Edges {
  const back = reversed(edges);
  const forth = reversed(back);
  const n = edges.first.length - 1;
  const first = new Uint32Array(n + 1);
  const rows = new Uint32Array(2 * edges.rows.length);
  const weights = new Float64Array(2 * edges.rows.length);
  let count = 0;
  for (let i = 0; i < n; i++) {
    let [a, b] = [forth.first[i], back.first[i]];
    const [lastA, lastB] = [forth.first[i + 1], back.first[i + 1]];
    while (a < lastA || b < lastB) {
      const rowA = a < lastA ? forth.rows[a] : Infinity;
      const rowB = b < lastB ? back.rows[b] : Infinity;
      const row = Math.min(rowA, rowB);
      const weight = unite(
        rowA === row ? forth.weights[a++] : 0,
        rowB === row ? back.weights[b++] : 0,
      );
      if (weight === 0) continue;
      rows[count] = row;
      weights[count] = weight;
      count++;
    }
    first[i + 1] = count;
  }
  return { first, rows: rows.slice(0, count), weights: weights.slice(0, count) };
}
