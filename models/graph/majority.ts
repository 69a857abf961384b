/** Labels that the neighbours agree on. */
import type { NearestNeighbours } from "./nearest_neighbours.ts";

/** Weight of a row's own label among those of its neighbours: it decides ties. */
const OWN_VOTE = 0.5;

/**
 * Gives every row the label that most of its neighbours have, all rows at once, and again, until no
 * label changes or after `rounds` (label propagation of Raghavan, Albert and Kumara, Physical Review
 * E 76, 2007, from given labels): a descent on the edges that are cut, from any partition to one near it.
 * @param count Neighbours that vote. @param labels [n], in [0, K). @param clusters K.
 * @returns [n]. A cluster may lose its last row.
 */
export function majorityOf(
  neighbours: NearestNeighbours,
  count: number,
  labels: Uint32Array,
  clusters: number,
  rounds: number,
): Uint32Array {
  const votes = new Float64Array(clusters);
  let before = labels;
  for (let round = 0; round < rounds; round++) {
    let changes = 0;
    const present = before;
    before = present.map((own, i) => {
      votes.fill(0);
      votes[own] = OWN_VOTE;
      const first = i * neighbours.count;
      for (let j = first; j < first + count; j++) votes[present[neighbours.rows[j]]]++;
      let most = own;
      for (let k = 0; k < clusters; k++) if (votes[k] > votes[most]) most = k;
      if (most !== own) changes++;
      return most;
    });
    if (changes === 0) break;
  }
  return before;
}
