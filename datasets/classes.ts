/** The classes that rows were given, out of whatever a file held them in. */
import { cannotRead, type NumericArray } from "./array.ts";
import { parseReal } from "./csv_scanner.ts";

/** Classes of n rows. */
export interface Classes {
  /** [n], class numbers from 0; not necessarily contiguous. */
  readonly classes: Uint32Array;
  /** The name of class i, where the file named its classes rather than numbering them. */
  readonly classNames?: readonly string[];
  /** [n] the numbers of their rows, ascending, where the file gives them, as a run's labels do. */
  readonly rows?: Uint32Array;
  /** Out of text: what was supposed and may be wrong, for people. */
  readonly notes?: readonly string[];
}

const LARGEST = 2 ** 32 - 1;

/** What stands for a class that is not known. */
export const UNKNOWN_CLASS = /^(?:\?+|na|n\/a|nan)$/i;

/** What is wrong with an empty cell of a class. */
export const EMPTY_CLASS = "the class is empty; ? stands for one that is not known";

/** What to say of rows whose class is not known by its name, where that counts as a class. */
export function notesOnUnknown(
  { classes, classNames = [] }: Pick<Classes, "classes" | "classNames">,
): string[] {
  const counts = classCounts(classes);
  return classNames.flatMap((name, number) => {
    const rows = counts.get(number) ?? 0;
    if (rows === 0 || !UNKNOWN_CLASS.test(name)) return [];
    return [
      `the class of ${rows} ${rows === 1 ? "row" : "rows"} is ${name}, which counts as a class; ` +
      "leave them out where it means that theirs is not known",
    ];
  });
}

/**
 * Classes out of an array of shape [n] or [n, 1]. Where some are negative (−1 is noise to density
 * methods) or past 2³² − 1, all are names.
 * @throws {TypeError} for another shape.
 * @throws {RangeError} for a value that is not an integer, or past those that float64 tells apart.
 */
export function classesOfArray(array: NumericArray, file: string): Classes {
  const { shape, values } = array;
  if (shape.length !== 1 && !(shape.length === 2 && shape[1] === 1)) {
    throw new TypeError(
      cannotRead(file, `classes have shape [${shape.join(", ")}], expected one dimension [n]`),
    );
  }
  if (values.every(isClass)) return { classes: Uint32Array.from(values) };
  const bad = values.findIndex((value) => !Number.isSafeInteger(value));
  if (bad < 0) return classesOfText(Array.from(values, String), file);
  const problem = Number.isInteger(values[bad])
    ? "past 2^53, where integers are no longer told apart; save the classes as names, x.astype(str)"
    : "no integer";
  throw new RangeError(cannotRead(file, `class ${values[bad]} of row ${bad} is ${problem}`));
}

/**
 * Classes out of text cells. If all are integers from 0 up (`7`, also `7.0`) they are the classes;
 * else they are names, numbered in order of appearance.
 * @throws {RangeError} where a cell is a fraction: values, not classes.
 */
export function classesOfText(cells: readonly string[], file: string): Classes {
  const numbers = cells.map((cell) => parseReal(cell));
  if (numbers.every((value) => value !== undefined && isClass(value))) {
    return { classes: Uint32Array.from(numbers as number[]) };
  }
  // NaN and infinity are words here.
  const fraction = numbers.findIndex((value) => Number.isFinite(value) && !Number.isInteger(value));
  if (fraction >= 0) {
    throw new RangeError(
      cannotRead(
        file,
        `class ${cells[fraction]} of row ${fraction} is neither an integer nor a class name`,
      ),
    );
  }
  const numberOf = new Map<string, number>();
  const classes = Uint32Array.from(cells, (cell) => {
    const known = numberOf.get(cell);
    if (known !== undefined) return known;
    numberOf.set(cell, numberOf.size);
    return numberOf.size - 1;
  });
  return { classes, classNames: [...numberOf.keys()] };
}

function isClass(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= LARGEST;
}

/** How many rows each class has, by class number in ascending order. */
export function classCounts(classes: Uint32Array): Map<number, number> {
  const counts = new Map<number, number>();
  for (const number of classes) counts.set(number, (counts.get(number) ?? 0) + 1);
  return new Map([...counts].sort(([a], [b]) => a - b));
}
