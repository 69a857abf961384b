/** Files of classes, alone and beside rows. Needs Deno's files. */
import { cannotRead } from "./array.ts";
import type { ClassFileOptions } from "./class_lines.ts";
import type { Classes } from "./classes.ts";
import type { TableOptions } from "./csv.ts";
import { baseName, type Content, decodeClasses } from "./decode.ts";
import { readBytes } from "./read_bytes.ts";

/**
 * Reads a file of classes: IDX or NPY of shape [n], strings included, text of one class a line, a
 * run's labels, or a column of a table.
 * @throws as {@linkcode decodeClasses}; {@linkcode Deno.errors.NotFound} for a file that is not there.
 */
export async function readClasses(
  path: string,
  { signal, ...options }: ClassFileOptions & { readonly signal?: AbortSignal | undefined } = {},
): Promise<Classes> {
  return await decodeClasses(await readBytes(path, signal), path, options);
}

/** Where the classes of rows are, and how to read them. */
export interface ClassesBeside {
  /** Their file; absent: they have none of their own. */
  readonly classes?: string;
  /** How text of rows and classes is written down, and which column of the classes is meant. */
  readonly table?: TableOptions;
  /** Stops reading. */
  readonly signal?: AbortSignal;
}

/**
 * The classes of a file beside the rows; undefined where there is none. How text is written down holds
 * for both, but for the header: that is the rows' own, where they are a table of text.
 * @param path Of the rows. @param isText Whether these are a table of text.
 * @throws {TypeError} for how text is written down, where neither is text.
 */
export async function classesBeside(
  path: string,
  { classes: file, table = {}, signal }: ClassesBeside,
  isText: boolean,
): Promise<Classes | undefined> {
  const { classColumn, header, separator, decimal, encoding } = table;
  const classes = file === undefined ? undefined : await readClasses(file, {
    ...(classColumn === undefined ? {} : { column: classColumn }),
    columnOption: BESIDE,
    isBeside: true,
    ...(separator === undefined ? {} : { separator }),
    ...(encoding === undefined ? {} : { encoding }),
    ...(header === undefined || isText ? {} : { header }),
    signal,
  });
  if (isText) return classes;
  const useless = classes?.notes === undefined
    ? { header, separator, decimal, encoding }
    : { decimal };
  const given = Object.entries(useless).find(([, value]) => value !== undefined)?.[0];
  if (given === undefined) return classes;
  throw new TypeError(cannotRead(path, `--${given} is for tables of text, which it is not`));
}

/** What was supposed of a file of classes. */
export function notesOfClasses(
  file: string | undefined,
  classes: Classes | undefined,
): string[] {
  return classes?.notes?.map((note) => `classes of ${baseName(file!)}: ${note}`) ?? [];
}

/** What the class column is said by where the classes have a file of their own. */
const BESIDE = "--class-column beside --classes";

/**
 * What may be misunderstood of a class column beside a file of classes: it is that file's.
 * @throws {RangeError} where a column of the rows that would be learned has its name.
 */
export function notesBeside(
  path: string,
  { kinds }: Content,
  { classes, table: { classColumn } = {} }: ClassesBeside,
): string[] {
  if (classes === undefined || classColumn === undefined || kinds === undefined) return [];
  const place = `a column of ${baseName(classes)}`;
  if (typeof classColumn === "number" || classColumn === "first" || classColumn === "last") {
    return [
      `${BESIDE} is ${place}: ${classColumn}; all columns here are values, but for those that ` +
      "other options leave out",
    ];
  }
  if (!kinds.some(({ name }) => name === classColumn)) return [];
  throw new RangeError(
    cannotRead(
      path,
      `it has a column ${JSON.stringify(classColumn)} too, and ${BESIDE} is ${place}; ` +
        `--ignore ${classColumn} leaves it out here, or leave --classes out`,
    ),
  );
}
