/** "Did you mean …?" */

/**
 * Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`: the optimal string
 * alignment distance.
 */
export function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j++) {
      const replace = rows[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(replace, rows[i - 1][j] + 1, rows[i][j - 1] + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, rows[i - 2][j - 2] + 1);
      }
      rows[i].push(best);
    }
  }
  return rows[a.length][b.length];
}

/**
 * The name that ends with `word`, or else the closest one, if one is close: at most two fifths of its
 * letters differ. "gpu" means webgpu, and not cpu.
 */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const lower = word.toLowerCase();
  const whole = names.find((name) => word.length >= 3 && name.toLowerCase().endsWith(lower));
  if (whole !== undefined) return whole;
  const ranked = names
    .map((name) => ({ name, distance: editDistance(lower, name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  if (best === undefined) return undefined;
  const length = Math.max(word.length, best.name.length);
  if (best.distance <= Math.max(1, Math.floor(0.4 * length))) return best.name;
  return names.find((name) => word.length >= 3 && name.toLowerCase().startsWith(lower));
}

/** `unknown WHAT "WORD" (did you mean …?)`, or the list of what there is. */
export function unknownName(what: string, word: string, names: readonly string[]): string {
  const guess = nearest(word, names);
  const hint = guess === undefined ? `there are ${names.join(", ")}` : `did you mean ${guess}?`;
  return `unknown ${what} ${JSON.stringify(word)} (${hint})`;
}
