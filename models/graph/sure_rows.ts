/** Which rows of a partition are sure, by their neighbours. */
import type { Backend } from "../../engine/backend/backend.ts";
import type { Table } from "../../engine/state/table.ts";
import { nearestNeighbours } from "./nearest_neighbours.ts";
import { agreementOf } from "./normalized_cut.ts";

/** Other rows that are asked, and the share of them that has to be exceeded by those that agree. */
const NEIGHBOURS = 20;
const SHARE = 0.9;

/**
 * 1 for a row of whose 20 nearest others more than nine tenths have its label, 19 or all, else 0: [n].
 * A row that is alone is sure.
 * @param codes [n, p]. @param labels [n]. @param signal Aborting rejects with its reason.
 * @throws {RangeError} where a value of the codes is not finite.
 */
export async function sureRows(
  backend: Backend,
  codes: Table,
  labels: Uint32Array,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const count = Math.min(NEIGHBOURS, codes.rows - 1);
  if (count < 1) return new Uint8Array(codes.rows).fill(1);
  const neighbours = await nearestNeighbours(backend, codes, count, signal);
  const agreement = agreementOf(neighbours, labels, count);
  return Uint8Array.from(agreement, (share) => share > SHARE ? 1 : 0);
}
