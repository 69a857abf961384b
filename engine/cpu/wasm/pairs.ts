/**
 * Code that V8 can run in 256-bit registers. Its revectorizer (`--experimental-wasm-revectorize`, x86-64
 * with AVX2) merges a pair of adjacent vectors into one register, with all that is computed for both
 * halves alike. It starts where it finds a pair that nothing stands between, and packs backwards from
 * there: two stores, or the operands of an integer sum. Where every access is checked against the
 * memory's size, a check stands between two stores and two loads. The forms here change no bit; where
 * nothing is merged they cost a little, so that only kernels that are chosen for it are `checked`.
 */
import { type Code, drop, f64x2, i32x4, type Local, sequence, v128 } from "../assembler.ts";

/** Consecutive vectors two by two; a last one alone is left out. */
function pairsOf(vectors: readonly Local[]): [Local, Local][] {
  return Array.from(
    { length: vectors.length >> 1 },
    (_, i) => [vectors[2 * i], vectors[2 * i + 1]],
  );
}

/**
 * Loads consecutive vectors. A lane that is put where it came from lets the pair be packed even though a
 * check stands between its loads.
 */
export function loadPairs(
  to: readonly Local[],
  address: Code,
  offset: number,
  checked: boolean,
  memory = 0,
): Code {
  const load = (vector: Local) =>
    vector.set(v128.load(address, offset + to.indexOf(vector) * 16, memory));
  const keep = (vector: Local) =>
    vector.set(f64x2.replaceLane(vector.get, f64x2.extractLane(vector.get, 0), 0));
  return sequence(
    ...pairsOf(to).flatMap((pair) => [...pair.map(load), ...(checked ? pair.map(keep) : [])]),
    ...(to.length % 2 === 1 ? to.slice(-1).map(load) : []),
  );
}

/** Sums that nobody uses, of each pair's halves: the packing starts from them. */
export function packPairs(vectors: readonly Local[]): Code {
  return sequence(...pairsOf(vectors).map(([low, high]) => drop(i32x4.add(low.get, high.get))));
}
