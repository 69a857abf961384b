/** What becomes of each column of a table: the one place where it is decided. */
import { cannotRead } from "./array.ts";

/** A column, by its name or counted from 0. */
export type Column = string | number;

/** Which columns of a table are what. Columns that are not named hold numbers to cluster. */
export interface ColumnOptions {
  /** The column of classes. */
  readonly classColumn?: "first" | "last" | Column;
  /** A column that names the rows, or counts them; left out. */
  readonly idColumn?: Column;
  /** These columns alone; absent: all. */
  readonly columns?: readonly Column[];
  /** Columns to leave out. */
  readonly ignore?: readonly Column[];
  /** Columns of text, each to become as many columns of 0 and 1 as it has different cells. */
  readonly oneHot?: readonly Column[];
}

/** What becomes of a column. */
export type Fate = "ignored" | "id" | "class" | "text" | "number";

/** What is known of a column of values, before text becomes columns of its own. */
export interface ColumnKind {
  /** As the header has it. */
  readonly name?: string;
  /** In its file, from 0; absent: as many columns of values stand before it. */
  readonly number?: number;
  /** Of a column of text: its different cells, in the order of their columns. */
  readonly categories?: readonly string[];
}

/** A column of values, once each category is a column of its own, for people. */
export interface ColumnPlace {
  /** Of the file's column, as options count. */
  readonly number: number;
  /** `name`, or `name=category`; empty where it has none. */
  readonly name: string;
}

/** The places of all columns. */
export function placesOf(kinds: readonly ColumnKind[]): ColumnPlace[] {
  return kinds.flatMap(({ name = "", number: known, categories }, slot) => {
    const number = known ?? slot;
    const own = name || `column ${number}`;
    return categories?.map((cell) => ({ number, name: `${own}=${cell}` })) ?? [{ number, name }];
  });
}

/** A column's number, and its name where it has one. */
export function titleOf({ number, name }: ColumnPlace): string {
  return name === "" ? String(number) : `${number} (${name})`;
}

/** The fates of all columns, and where the values of those that are kept go. */
export interface ColumnPlan {
  /** [width] */
  readonly fates: readonly Fate[];
  /** [kept] the file's column of each value column, in the order wanted. */
  readonly order: readonly number[];
}

/** What is taken for a missing value. */
export const MISSING = /^(?:|[?.-]+|na|n\/a|#n\/a|nan|null|none|missing)$/i;

/** What of a message tells how missing values are accepted. */
export const ACCEPT_MISSING = "; --missing drop, mean or median accepts missing values";

/** What of a message tells what can be done about a column of text. */
export function asTextOrNot(column: number): string {
  return `; columns count from 0: --one-hot ${column} takes it as text, --class-column ${column} as the ` +
    `classes, --ignore ${column} leaves it out`;
}

/** The columns that options name. */
export function namedColumns(
  { classColumn, idColumn, columns = [], ignore = [], oneHot = [] }: ColumnOptions,
): Column[] {
  const isPlace = classColumn === "first" || classColumn === "last";
  const all = [isPlace ? undefined : classColumn, idColumn, ...columns, ...ignore, ...oneHot];
  return all.filter((column) => column !== undefined);
}

/**
 * What may be misunderstood: a column that is meant by its number, or as the first or last one, where
 * another one has that for its name.
 */
export function notesOnNumbers(
  options: ColumnOptions,
  names: readonly string[] = [],
): string[] {
  const { classColumn } = options;
  const places = namedColumns(options).flatMap((column) =>
    typeof column === "number"
      ? [[column, column, `column ${column}, counted from 0,`]] as const
      : []
  );
  const place = classColumn === "first" || classColumn === "last"
    ? [[
      classColumn,
      classColumn === "first" ? 0 : names.length - 1,
      `the ${classColumn} column`,
    ]] as const
    : [];
  return [...place, ...places].flatMap(([said, index, words]) => {
    const other = names.indexOf(String(said));
    if (other < 0 || other === index) return [];
    return [
      `${words} is taken, which is called ${JSON.stringify(names[index])}; the one called ` +
      `"${said}" is ${other}`,
    ];
  });
}

/**
 * The number of the class column, or −1; by name only where there may be names.
 * @param hint Why there may be one column alone.
 */
export function classIndex(
  { classColumn }: ColumnOptions,
  names: readonly string[] | undefined,
  width: number,
  file: string,
  hint = "",
): number {
  if (classColumn === undefined) return -1;
  const index = classPlace(classColumn, names, width, file);
  if (width > 1) return index;
  throw new RangeError(
    cannotRead(file, `its only column is the class column, no values are left${hint}`),
  );
}

/** The number of a column of classes. @throws {RangeError} where there is none. */
export function classPlace(
  column: NonNullable<ColumnOptions["classColumn"]>,
  names: readonly string[] | undefined,
  width: number,
  file: string,
): number {
  if (column === "first") return 0;
  return column === "last" ? width - 1 : indexOf(column, names, width, "class ", file);
}

/**
 * Decides what becomes of each column.
 * @param names Where there is a header. @param width The number of columns.
 * @param trained The columns of the rows that a model was trained on: their order, by name.
 * @throws {RangeError} for a column that does not exist, or of which options say two things, or no
 * columns of values.
 */
export function planColumns(
  options: ColumnOptions,
  names: readonly string[] | undefined,
  width: number,
  classAt: number,
  file: string,
  trained?: readonly ColumnKind[],
): ColumnPlan {
  const at = (column: Column) => indexOf(column, names, width, "", file);
  const fates = fatesOf(options, at, width, classAt, (i, problem) => {
    const title = titleOf({ number: i, name: names?.[i] ?? "" });
    return new RangeError(cannotRead(file, `column ${title} is named by ${problem}`));
  });
  const isKept = (fate: Fate) => fate === "number" || fate === "text";
  const kept = Array.from(fates.keys()).filter((i) => isKept(fates[i]));
  if (kept.length === 0) throw new RangeError(cannotRead(file, "no columns of values are left"));
  if (trained === undefined) return { fates, order: kept };
  const order = orderOf(trained, names, kept, file);
  kept.forEach((i) => fates[i] = "ignored");
  order.forEach((i, slot) => fates[i] = trained[slot].categories === undefined ? "number" : "text");
  return { fates, order };
}

/**
 * What options say of each column.
 * @param at The number of a column. @param conflict An error about one.
 */
function fatesOf(
  { columns, ignore = [], oneHot = [], idColumn }: ColumnOptions,
  at: (column: Column) => number,
  width: number,
  classAt: number,
  conflict: (column: number, problem: string) => RangeError,
): Fate[] {
  const fates = new Array<Fate>(width).fill(columns === undefined ? "number" : "ignored");
  const chosen = columns?.map(at);
  chosen?.forEach((i) => fates[i] = "number");
  const roles: [option: string, fate: Fate, columns: readonly number[]][] = [
    ["--ignore", "ignored", ignore.map(at)],
    ["--one-hot", "text", oneHot.map(at)],
    ["--id-column", "id", idColumn === undefined ? [] : [at(idColumn)]],
    ["--class-column", "class", classAt < 0 ? [] : [classAt]],
  ];
  const said = new Map<number, string>();
  for (const [option, fate, named] of roles) {
    for (const i of named) {
      const isChosen = chosen === undefined || chosen.includes(i);
      if (option === "--one-hot" && !isChosen) {
        throw conflict(
          i,
          "--one-hot and not by --columns, which are all that are taken; add it there",
        );
      }
      const other = said.get(i) ??
        (option === "--ignore" && chosen !== undefined && isChosen ? "--columns" : option);
      if (other !== option) throw conflict(i, `${other} and by ${option}; it can be one of them`);
      said.set(i, option);
      fates[i] = fate;
    }
  }
  return fates;
}

/** The file's columns in the order in which a model was trained on them. */
function orderOf(
  trained: readonly ColumnKind[],
  names: readonly string[] | undefined,
  kept: readonly number[],
  file: string,
): readonly number[] {
  const wanted = trained.map(({ name }) => name);
  if (names === undefined || wanted.includes(undefined)) {
    if (kept.length === trained.length) return kept;
    throw new RangeError(
      cannotRead(
        file,
        `it has ${kept.length} columns of values, the model was trained on ${trained.length}` +
          "; leave columns out by --class-column, --id-column or --ignore",
      ),
    );
  }
  return wanted.map((name) => {
    const found = kept.filter((i) => names[i] === name);
    if (found.length === 1) return found[0];
    throw new RangeError(
      cannotRead(
        file,
        `${found.length === 0 ? "there is no column" : `${found.length} columns are called`} ` +
          `${JSON.stringify(name)}, on which the model was trained; it has ${
            names.map((name) => JSON.stringify(name)).join(", ")
          }`,
      ),
    );
  });
}

function indexOf(
  column: Column,
  names: readonly string[] | undefined,
  width: number,
  kind: string,
  file: string,
): number {
  const index = typeof column === "number" ? column : names?.indexOf(column) ?? -1;
  if (Number.isInteger(index) && index >= 0 && index < width) return index;
  const known = names === undefined || typeof column === "number"
    ? `the columns are 0 to ${width - 1}`
    : `the columns are ${names.join(", ")}`;
  throw new RangeError(cannotRead(file, `there is no ${kind}column ${column}, ${known}`));
}
