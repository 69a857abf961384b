/** What a checkpoint says about itself, and what of that is checked when it is read. */
import type { RowsInfo } from "../datasets/dataset.ts";
import type { ColumnRecord, Schema } from "../datasets/schema.ts";
import type { OptionValues } from "../models/options.ts";
import { METHODS } from "../models/registry.ts";
import {
  type Check,
  count,
  digest,
  either,
  fields,
  flag,
  listOf,
  mapOf,
  nothing,
  number,
  object,
  oneOf,
  such,
  text,
} from "./fields.ts";

/** Version of the layout of {@linkcode Manifest}; raised when older programs cannot read it. */
export const SCHEMA = 4;

/** What is trained: enough to make the estimator again. */
export interface Configuration {
  /** Name in the registry. */
  readonly model: string;
  /** Name of the profile that the options were made by, where it is known. */
  readonly profile?: string;
  /** All options, resolved. */
  readonly options: OptionValues;
}

/** What is known about the rows of a training, but for the rows and their classes. */
export type DataRecord = Pick<
  RowsInfo,
  "name" | "digest" | "n" | "d" | "height" | "width" | "channels" | "scaling" | "schema" | "source"
>;

/** What a checkpoint says about itself. */
export interface Manifest {
  /** What is trained. */
  readonly configuration: Configuration;
  /** On what, where it is known. */
  readonly data?: DataRecord;
  /** Digest of the checkpoint of the pre-trained network that the run started from. */
  readonly pretrained?: string;
}

/** From 1 up. */
const size: Check = such(
  "a whole number from 1 up",
  (value) => Number.isSafeInteger(value) && value as number >= 1,
);

/** A divisor, or a deviation: no division by it leaves the real numbers. */
const above0: Check = such(
  "a number above 0",
  (value) => Number.isFinite(value) && value as number > 0,
);

const SCALING: Check = (value, place) => {
  object(value, place);
  const { kind } = value as { kind?: unknown };
  oneOf("none", "divisor", "standard")(kind, `${place}.kind`);
  if (kind === "divisor") fields<{ divisor: number }>({ divisor: above0 }, {})(value, place);
  if (kind !== "standard") return;
  const lists = { mean: listOf(number), deviation: listOf(either(oneOf(0), above0)) };
  fields<{ mean: number[]; deviation: number[] }>(lists, {})(value, place);
  const { mean, deviation } = value as { mean: number[]; deviation: number[] };
  listOf(number, mean.length)(deviation, `${place}.deviation`);
};

const COLUMN = fields<ColumnRecord>(
  { min: number, max: number },
  { name: text, number: count, categories: listOf(text), fill: either(nothing, number) },
);

const ROWS = fields<Schema>(
  { type: text, range: listOf(number, 2) },
  { columns: listOf(COLUMN), fills: listOf(number) },
);

/** {@linkcode DataRecord} */
export const DATA_RECORD: Check = fields<DataRecord>(
  { name: text, digest, n: size, d: size, scaling: SCALING, schema: ROWS, source: text },
  { height: size, width: size, channels: size },
);

/** A value of an option; its range is the method's to check. */
export const OPTION_VALUE: Check = either(number, flag, listOf(number), text);

/** {@linkcode Configuration} */
export const CONFIGURATION: Check = fields<Configuration>(
  { model: oneOf(...Object.keys(METHODS)), options: mapOf(OPTION_VALUE) },
  { profile: text },
);

/** {@linkcode Manifest} */
export const MANIFEST: Check = fields<Manifest>(
  { configuration: CONFIGURATION },
  { data: DATA_RECORD, pretrained: digest },
);

interface Host {
  readonly history?: unknown;
  readonly phases?: unknown;
  readonly results?: unknown;
  readonly host?: unknown;
}

/** The host's part: the log, how far each phase is, what was done once. */
export const HOST: Check = fields<Host>({}, {
  history: listOf(object),
  phases: mapOf(
    fields<{ step: number; checked: number; summed: number; stopReason: string | null }>({
      step: count,
      checked: number,
      summed: count,
      stopReason: either(nothing, text),
    }, {}),
  ),
  results: object,
  host: object,
});
