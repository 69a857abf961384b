/** Class labels out of whatever a file held them in. */
import { cannotRead, type NumericArray } from "./array.ts";
import { parseReal } from "./csv.ts";

/** Labels of n rows. */
export interface Labels {
  /** [n], class numbers from 0; not necessarily contiguous. */
  readonly labels: Uint32Array;
  /** The name of class i, where the file named its classes rather than numbering them. */
  readonly classNames?: readonly string[];
}

const LARGEST = 2 ** 32 - 1;

/**
 * Labels out of an array of shape [n] or [n, 1].
 * @throws {TypeError} for another shape.
 * @throws {RangeError} for a value that is not an integer from 0 to 2³² − 1.
 */
export function labelsOfArray(array: NumericArray, file: string): Labels {
  const { shape, values } = array;
  if (shape.length !== 1 && !(shape.length === 2 && shape[1] === 1)) {
    throw new TypeError(
      cannotRead(file, `labels have shape [${shape.join(", ")}], expected one dimension [n]`),
    );
  }
  const bad = values.findIndex((value) => !isLabel(value));
  if (bad >= 0) {
    throw new RangeError(
      cannotRead(file, `label ${values[bad]} of row ${bad + 1} is not an integer from 0 up`),
    );
  }
  return { labels: Uint32Array.from(values) };
}

/**
 * Labels out of text cells. If all are integers from 0 up (`7`, also `7.0`) they are the labels;
 * else they are names, numbered in order of appearance.
 * @throws {RangeError} where a cell is a fraction: values, not labels.
 */
export function labelsOfText(cells: readonly string[], file: string): Labels {
  const numbers = cells.map((cell) => parseReal(cell));
  if (numbers.every((value) => value !== undefined && isLabel(value))) {
    return { labels: Uint32Array.from(numbers as number[]) };
  }
  const fraction = numbers.findIndex((value) => value !== undefined && !Number.isInteger(value));
  if (fraction >= 0) {
    throw new RangeError(
      cannotRead(
        file,
        `label ${cells[fraction]} of row ${fraction + 1} is neither an integer nor a class name`,
      ),
    );
  }
  const numberOf = new Map<string, number>();
  const labels = Uint32Array.from(cells, (cell) => {
    const known = numberOf.get(cell);
    if (known !== undefined) return known;
    numberOf.set(cell, numberOf.size);
    return numberOf.size - 1;
  });
  return { labels, classNames: [...numberOf.keys()] };
}

function isLabel(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= LARGEST;
}

/** How many rows each class has, by class number in ascending order. */
export function classCounts(labels: Uint32Array): Map<number, number> {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return new Map([...counts].sort(([a], [b]) => a - b));
}
