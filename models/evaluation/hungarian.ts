/**
 * The assignment problem by shortest augmenting paths with potentials: H. W. Kuhn, The Hungarian
 * method for the assignment problem, 1955; R. Jonker, A. Volgenant, A shortest augmenting path
 * algorithm for dense and sparse linear assignment problems, Computing 38, 1987.
 */

/**
 * Assigns rows to columns one to one at the least total cost; of the longer side, some stay free.
 * O(min² · max) time, O(rows + columns) memory.
 * @param cost [rows, columns] row-major, finite.
 * @returns [rows] the column of each row, −1 for a row left free.
 * @throws {RangeError} where `cost` has another length, or a value that is not finite.
 */
export function hungarian(cost: ArrayLike<number>, rows: number, columns: number): Int32Array {
  if (cost.length !== rows * columns) {
    throw new RangeError(`cost has ${cost.length} values, expected ${rows} × ${columns}`);
  }
  for (let i = 0; i < cost.length; i++) {
    if (!Number.isFinite(cost[i])) {
      throw new RangeError(
        `cost of row ${Math.floor(i / columns)}, column ${i % columns} is ${cost[i]}, not finite`,
      );
    }
  }
  const assigned = new Int32Array(rows).fill(-1);
  if (rows <= columns) {
    const rowOf = assign(rows, columns, (i, j) => cost[i * columns + j]);
    rowOf.forEach((row, column) => row >= 0 && (assigned[row] = column));
  } else {
    const columnOf = assign(columns, rows, (i, j) => cost[j * columns + i]);
    columnOf.forEach((column, row) => assigned[row] = column);
  }
  return assigned;
}

/**
 * For each of n columns its row among m ≤ n, or −1. Rows are added one by one; each looks for the
 * cheapest alternating path to a free column under reduced costs cost − u − v ≥ 0.
 */
function assign(m: number, n: number, cost: (i: number, j: number) => number): Int32Array {
  const u = new Float64Array(m);
  const v = new Float64Array(n);
  const rowOf = new Int32Array(n).fill(-1);
  const distance = new Float64Array(n);
  const previous = new Int32Array(n);
  const done = new Uint8Array(n);
  for (let start = 0; start < m; start++) {
    distance.fill(Infinity);
    previous.fill(-1);
    done.fill(0);
    let row = start, column = -1, reached = 0;
    do {
      let nearest = -1;
      for (let j = 0; j < n; j++) {
        if (done[j]) continue;
        const candidate = reached + cost(row, j) - u[row] - v[j];
        if (candidate < distance[j]) {
          distance[j] = candidate;
          previous[j] = column;
        }
        if (nearest < 0 || distance[j] < distance[nearest]) nearest = j;
      }
      column = nearest;
      reached = distance[column];
      done[column] = 1;
      row = rowOf[column];
    } while (row >= 0);
    // Distances up to the free column become potentials, which keeps reduced costs at or above 0.
    u[start] += reached;
    for (let j = 0; j < n; j++) {
      if (!done[j] || j === column) continue;
      u[rowOf[j]] += reached - distance[j];
      v[j] -= reached - distance[j];
    }
    while (column >= 0) {
      const before = previous[column];
      rowOf[column] = before < 0 ? start : rowOf[before];
      column = before;
    }
  }
  return rowOf;
}
