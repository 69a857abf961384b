/** What a data set's raw values were like: stored with a run, so that rows that come later fit. */
import { cannotRead } from "./array.ts";
import type { ColumnKind } from "./columns.ts";
import type { WrittenDown } from "./csv.ts";
import { IDX_TYPES } from "./idx.ts";
import type { Missing } from "./missing.ts";
import type { Scaling } from "./scaling.ts";
import type { ColumnStatistics } from "./statistics.ts";

/** A column of values as it was before scaling. */
export interface ColumnRecord extends ColumnKind {
  /** Smallest value. */
  readonly min: number;
  /** Largest value. */
  readonly max: number;
  /** What a missing value became; absent: they were not filled, or the column holds categories. */
  readonly fill?: number;
}

/** Raw values as a run saw them. */
export interface Schema {
  /** The file's word for the element type. */
  readonly type: string;
  /** Smallest and largest of all values. */
  readonly range: readonly [min: number, max: number];
  /** Of rows that are no images. */
  readonly columns?: readonly ColumnRecord[];
  /** Of images: [d] what missing values became; absent: they were not filled. */
  readonly fills?: readonly number[];
}

/** What rows that come later have to fit: of the data that a model was trained on. */
export interface TrainedOn {
  /** Columns. */
  readonly d: number;
  /** How they were scaled. */
  readonly scaling: Scaling;
  /** What they were like. */
  readonly schema: Schema;
  /** Of images: rows of pixels. */
  readonly height?: number;
  /** Of images: columns of pixels. */
  readonly width?: number;
  /** Of images in colour: 3. */
  readonly channels?: number;
  /** How they were read: holds of rows that come later, where it has a place and nothing else is said. */
  readonly reading?: WrittenDown & { readonly missing?: Missing };
}

/** The schema of values of these statistics. @param kinds Of the columns; absent: images. */
export function schemaOf(
  type: string,
  { min, max }: ColumnStatistics,
  kinds: readonly ColumnKind[] | undefined,
  fills?: readonly number[],
): Schema {
  const all = [min.reduce((a, b) => Math.min(a, b)), max.reduce((a, b) => Math.max(a, b))] as const;
  if (kinds === undefined) return { type, range: all, ...fills && { fills } };
  let at = 0;
  const columns = kinds.map((kind, slot): ColumnRecord => {
    const j = at;
    at += kind.categories?.length ?? 1;
    if (kind.categories !== undefined) return { ...kind, min: 0, max: 1 };
    const fill = fills === undefined ? {} : { fill: fills[slot] };
    return { ...kind, min: min[j], max: max[j], ...fill };
  });
  return { type, range: all, columns };
}

/** An element type whatever the format calls it and the order of its bytes: `u1`; `text` as it is. */
export function elementOf(type: string): string {
  return IDX_TYPES.get(type) ?? type.replace(/^[<>|=]/, "");
}

/**
 * What missing values of rows for a trained model become: what they became in the training, and NaN
 * where it filled none.
 * @param d Columns of the rows; those of an array have each category as a column.
 */
export function fillsOf({ schema: { columns, fills } }: TrainedOn, d: number): readonly number[] {
  const known = fills ??
    columns?.flatMap(({ fill = NaN, categories }) =>
      categories === undefined || columns.length === d ? [fill] : categories.map(() => NaN)
    );
  return known ?? new Array<number>(d).fill(NaN);
}

/**
 * Checks that rows have the columns of the training's, and images their height, width and channels.
 * Rows of no shape are taken for images.
 * @param shape Of the array. @param found Of its rows, as they are taken.
 * @throws {RangeError} where they have not.
 */
export function checkShape(
  name: string,
  shape: readonly number[],
  found: Pick<TrainedOn, "d" | "height" | "width" | "channels">,
  { d, height, width, channels = 1 }: TrainedOn,
): void {
  const isImage = found.height === height && found.width === width &&
    (found.channels ?? 1) === channels;
  if (height !== undefined && shape.length > 2 && !isImage) {
    const expected = ["n", height, width, ...channels === 1 ? [] : [channels]].join(", ");
    const isChannelsFirst = shape.slice(1).join() === [channels, height, width].join();
    throw new RangeError(
      cannotRead(
        name,
        `its shape is [${shape.join(", ")}], expected [${expected}] as of the training's images` +
          (isChannelsFirst ? "; x.transpose(0, 2, 3, 1) puts the channels last" : ""),
      ),
    );
  }
  if (found.d === d) return;
  throw new RangeError(
    cannotRead(name, `its rows have ${found.d} values, expected ${d} as of the training's`),
  );
}

/** A range for people, `1.5 to 7`: in so many digits that its width can be seen. */
export function rangeText(min: number, max: number): string {
  const ratio = Math.max(-min, max) / (max - min);
  const digits = Math.min(15, Math.max(6, 3 + Math.ceil(Math.log10(ratio))));
  const short = (value: number) => Number(value.toPrecision(Number.isNaN(digits) ? 6 : digits));
  return `${short(min)} to ${short(max)}`;
}

/** Values this many times the range away from it are far outside. */
const FAR = 2;
/** The least largest value of a training of which values up to 1 are scaled ones. */
const SCALED = 8;
/** The share of columns that may be far outside. */
const CHANCE = 0.05;

/**
 * Whether raw rows are like those of the training.
 * @param statistics Of the rows.
 * @returns What is suspicious, for people.
 * @throws {RangeError} for rows that were scaled already.
 */
export function checkRaw(
  name: string,
  found: Schema,
  statistics: ColumnStatistics,
  { scaling, schema }: TrainedOn,
): string[] {
  const raw = "rows are expected raw, as the training's were: they are scaled here";
  const [least, most] = found.range;
  const largest = Math.max(-least, most);
  const ranges = `its values lie in ${rangeText(least, most)}, those of the training in ${
    rangeText(...schema.range)
  }`;
  const isOtherType = scaling.kind === "divisor" &&
    elementOf(found.type) !== elementOf(schema.type);
  if (isOtherType && schema.range[1] > 2 && largest <= 1) {
    throw new RangeError(
      cannotRead(name, `${ranges} before they were divided by ${scaling.divisor}; ${raw}`),
    );
  }
  const notes: string[] = [];
  const isUnit = largest <= 1 && Math.max(-schema.range[0], schema.range[1]) >= SCALED;
  if (isUnit || isStandardised(statistics, scaling)) {
    notes.push(`${ranges}: they look as if they were scaled already; ${raw}`);
  }
  const far = (a: number, b: number, center: number, [min, max]: readonly [number, number]) => {
    const span = FAR * (max - min || Math.abs(max) || 1);
    return a < min - span || b > max + span || center < min - span / 4 || center > max + span / 4;
  };
  const pairs = schema.columns !== undefined && found.columns?.length === schema.columns.length
    ? schema.columns.map((known, slot) => ({ known, now: found.columns![slot] }))
    : [];
  let at = 0;
  const outside = pairs.filter(({ known, now }) => {
    const center = statistics.mean[at];
    at += known.categories?.length ?? 1;
    return known.categories === undefined && far(now.min, now.max, center, [known.min, known.max]);
  });
  // Of many columns, some hold a rare value by chance.
  const isSuspicious = outside.length > CHANCE * pairs.length;
  for (const { known, now } of isSuspicious ? outside.slice(0, 3) : []) {
    notes.push(
      `column ${known.name || (now.number ?? found.columns!.indexOf(now))} holds ${
        rangeText(now.min, now.max)
      }, in the training it held ${rangeText(known.min, known.max)}; ${raw}`,
    );
  }
  if (isSuspicious && outside.length > 3) {
    const more = outside.length - 3;
    notes.push(`${more} more ${more === 1 ? "column is" : "columns are"} as far outside`);
  }
  const { mean } = statistics;
  const center = mean.reduce((a, b) => a + b, 0) / mean.length;
  if (pairs.length === 0 && far(least, most, center, schema.range)) {
    notes.push(`${ranges}; ${raw}`);
  }
  if (isOtherType) {
    notes.push(
      `the values are of type ${found.type}, those of the training of ${schema.type}; ${raw}`,
    );
  }
  return notes;
}

/** Rows by which a column's mean and deviation are known well enough. */
const ENOUGH_ROWS = 10;

/**
 * Whether the columns have about mean 0 and deviation 1, where those of the training had not: of those
 * that tell, at least half.
 */
function isStandardised({ n, mean, deviations }: ColumnStatistics, scaling: Scaling): boolean {
  if (scaling.kind !== "standard" || n < ENOUGH_ROWS) return false;
  const isStandard = (mean: number, deviation: number) =>
    Math.abs(mean) < 0.5 && deviation > 0.5 && deviation < 2;
  const telling = scaling.mean.flatMap((mean, j) =>
    scaling.deviation[j] === 0 || isStandard(mean, scaling.deviation[j]) ? [] : [j]
  );
  const standard = telling.filter((j) => isStandard(mean[j], deviations[j]));
  return telling.length > 0 && 2 * standard.length >= telling.length;
}
