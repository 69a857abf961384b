/** What a data set's raw values were like: stored with a run, so that rows that come later fit. */
import { cannotRead } from "./array.ts";
import type { ColumnKind } from "./columns.ts";
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
}

/** What rows that come later have to fit: of the data that a model was trained on. */
export interface TrainedOn {
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
}

/** The schema of values of these statistics. @param kinds Of the columns; absent: images. */
export function schemaOf(
  type: string,
  { min, max }: ColumnStatistics,
  kinds: readonly ColumnKind[] | undefined,
  fills?: readonly number[],
): Schema {
  const all = [min.reduce((a, b) => Math.min(a, b)), max.reduce((a, b) => Math.max(a, b))] as const;
  if (kinds === undefined) return { type, range: all };
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

/** Values this many times the range away from it are far outside. */
const FAR = 2;
/** The share of columns that may be far outside. */
const CHANCE = 0.05;

/**
 * Whether raw rows are like those of the training.
 * @returns What is suspicious, for people.
 * @throws {RangeError} for rows that were scaled already.
 */
export function checkRaw(
  name: string,
  found: Schema,
  mean: ArrayLike<number>,
  { scaling, schema }: TrainedOn,
): string[] {
  const text = ([min, max]: readonly [number, number]) =>
    `${Number(min.toPrecision(6))} to ${Number(max.toPrecision(6))}`;
  const raw = "rows are expected raw, as the training's were: they are scaled here";
  const [least, most] = found.range;
  if (
    scaling.kind === "divisor" && schema.range[1] > 2 && Math.max(-least, most) <= 1 &&
    found.type !== schema.type
  ) {
    throw new RangeError(
      cannotRead(
        name,
        `its values lie in ${text(found.range)}, those of the training in ${text(schema.range)} ` +
          `before they were divided by ${scaling.divisor}; ${raw}`,
      ),
    );
  }
  const notes: string[] = [];
  const far = (a: number, b: number, center: number, [min, max]: readonly [number, number]) => {
    const span = FAR * (max - min || Math.abs(max) || 1);
    return a < min - span || b > max + span || center < min - span / 4 || center > max + span / 4;
  };
  const pairs = schema.columns !== undefined && found.columns?.length === schema.columns.length
    ? schema.columns.map((known, j) => ({ known, now: found.columns![j], j }))
    : [];
  const outside = pairs.filter(({ known, now, j }) =>
    known.categories === undefined && far(now.min, now.max, mean[j], [known.min, known.max])
  );
  // Of many columns, some hold a rare value by chance.
  const isSuspicious = outside.length > CHANCE * pairs.length;
  for (const { known, now, j } of isSuspicious ? outside.slice(0, 3) : []) {
    notes.push(
      `column ${known.name ?? j} holds ${text([now.min, now.max])}, in the training it held ${
        text([known.min, known.max])
      }; ${raw}`,
    );
  }
  if (isSuspicious && outside.length > 3) {
    notes.push(`${outside.length - 3} more columns are as far outside`);
  }
  const center = Array.from(mean).reduce((a, b) => a + b, 0) / mean.length;
  if (pairs.length === 0 && far(least, most, center, schema.range)) {
    notes.push(
      `the values lie in ${text(found.range)}, those of the training in ${
        text(schema.range)
      }; ${raw}`,
    );
  }
  if (scaling.kind === "divisor" && found.type !== schema.type) {
    notes.push(
      `the values are of type ${found.type}, those of the training of ${schema.type}; ${raw}`,
    );
  }
  return notes;
}
