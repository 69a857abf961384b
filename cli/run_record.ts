/** `run.json`: what a run says of itself, and what is checked when it is read. */
import type { Column, ColumnOptions } from "../datasets/columns.ts";
import type { Separator } from "../datasets/csv_scanner.ts";
import type { ImageSize } from "../datasets/image_pixels.ts";
import type { Missing } from "../datasets/missing.ts";
import type { Scale } from "../datasets/scaling.ts";
import type { DeviceInfo } from "../engine/backend/backend.ts";
import type { KernelTime } from "../engine/inspect/times.ts";
import type { LogRow, PhaseTimes, Scores } from "../models/estimator.ts";
import type { Diagnostics, StartCuts } from "../models/evaluation/diagnostics.ts";
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
  parseJson,
  such,
  text,
} from "../storage/fields.ts";
import {
  CONFIGURATION,
  type Configuration,
  DATA_RECORD,
  type DataRecord,
  SCHEMA,
} from "../storage/manifest.ts";
import { VERSION } from "../storage/version.ts";
import type { DataDigests } from "./data_change.ts";

/** How to read the data again. Paths are absolute. */
export interface DataRequest {
  /** Name of a set, or path of a file. */
  readonly data: string;
  /** Path of the classes. */
  readonly classes?: string;
  /** Column of a table that holds classes, of the data or beside them. */
  readonly classColumn?: ColumnOptions["classColumn"];
  /** Column of a table that names the rows. */
  readonly idColumn?: Column;
  /** The columns of a table to take. */
  readonly columns?: readonly Column[];
  /** The columns of a table to leave out. */
  readonly ignore?: readonly Column[];
  /** The columns of a table that hold text. */
  readonly oneHot?: readonly Column[];
  /** Whether the first line of a table names its columns. */
  readonly header?: boolean;
  /** What separates the cells of a table. */
  readonly separator?: Separator;
  /** What stands before a fraction. */
  readonly decimal?: "." | ",";
  /** What a table's text is in. */
  readonly encoding?: string;
  /** What is done about missing values. */
  readonly missing?: Missing;
  /** Where named sets lie. */
  readonly dataDir?: string;
  /** What was asked for; absent: what the data call for. */
  readonly scale?: Scale;
  /** What the images of a folder are scaled to. */
  readonly size?: ImageSize;
  /** Whether the images of a folder are taken as grey or in colour. */
  readonly colour?: "grey" | "rgb";
  /** The first rows only. */
  readonly limit?: number;
  /** Whether rows are read from the file as they are needed. */
  readonly stream?: boolean;
}

/** What came out. Scores where classes are known. */
export interface RunResults extends Partial<Scores> {
  /** Rows of each cluster. */
  readonly clusterSizes: readonly number[];
  /** What the partition looks like, labels aside. */
  readonly diagnostics: Omit<Diagnostics, "sizes" | "stopReason"> & {
    /** See `startCutsOf`; absent where they were not measured. */
    readonly startCuts?: StartCuts;
    /** See `sampledCut`; null for fewer than three rows. */
    readonly normalizedCut: number | null;
    /** Of a mixture of the rows themselves. */
    readonly bic?: number;
  };
  /** What looks wrong, and what may help. */
  readonly warnings: readonly string[];
  /** Partitions that clustering could have begun with, and the normalised cuts by which one was taken. */
  readonly candidates?: readonly LogRow[];
  /** Scores or cluster sizes of other partitions of the same rows, by name. */
  readonly partitions: Readonly<Record<string, Partial<Scores>>>;
}

/** `run.json` */
export interface RunRecord {
  /** {@linkcode SCHEMA} */
  readonly schema: number;
  /** How far it is; a killed run stays `"running"`. */
  readonly status: "running" | "interrupted" | "failed" | "finished";
  /** What is trained. */
  readonly configuration: Configuration;
  /** Of all random numbers. */
  readonly seed: number;
  /** On what, and how to load it again. */
  readonly data: DataRecord & DataDigests & { readonly request: DataRequest };
  /** Where, with the choices of kernels that were made there. */
  readonly device: {
    /** Value of --device. */
    readonly requested: string;
    /** Value of --threads. */
    readonly threads?: number;
    /** What computed last; absent before the first step. */
    readonly used?: DeviceInfo;
  };
  /** False where k-means on the data is not computed for comparison. */
  readonly baseline?: boolean;
  /** False where no report is made in the end. */
  readonly report?: boolean;
  /** The folder of the run whose pre-trained network it starts from. */
  readonly from?: string;
  /** Digest of that network's checkpoint. */
  readonly pretrained?: string;
  /** Of program and runtime, as last started. */
  readonly versions: Readonly<Record<string, string>>;
  /** Seconds of training so far, resumed parts included. */
  readonly seconds: number;
  /** Where the time of steps went, of phases that have ended, where the device can tell. */
  readonly times?: readonly PhaseTimes[];
  /** Why training ended. */
  readonly stopReason?: string;
  /** Why it failed. */
  readonly failure?: string;
  /** Steps of the clustering phase. */
  readonly steps?: number;
  /** Of a finished run. */
  readonly results?: RunResults;
}

const COLUMN: Check = either(text, count);
const SCORES = { acc: number, nmi: number, ari: number };

/** {@linkcode DataRequest} */
export const DATA_REQUEST: Check = fields<DataRequest>({ data: text }, {
  classes: text,
  classColumn: COLUMN,
  idColumn: COLUMN,
  columns: listOf(COLUMN),
  ignore: listOf(COLUMN),
  oneHot: listOf(COLUMN),
  header: flag,
  separator: oneOf(",", ";", "\t", " "),
  decimal: oneOf(".", ","),
  encoding: text,
  size: listOf(count, 2),
  colour: oneOf("grey", "rgb"),
  missing: oneOf("error", "drop", "mean", "median"),
  dataDir: text,
  scale: either(number, oneOf("none", "unit", "standard", "auto")),
  limit: count,
  stream: flag,
});

const DIAGNOSTICS = fields<RunResults["diagnostics"]>({
  emptyClusters: count,
  effectiveClusters: number,
  largestShare: number,
  codeDeviation: either(nothing, number),
  nonFinite: count,
  distinctCodes: count,
  silhouette: either(nothing, number),
  comparedRows: count,
  inertia: number,
  calinskiHarabasz: either(nothing, number),
  daviesBouldin: either(nothing, number),
  startAgreement: either(nothing, number),
  normalizedCut: either(nothing, number),
}, { bic: number, startCuts: fields<StartCuts>({ start: number, end: number }, {}) });

const RESULT_FIELDS = fields<RunResults>({
  clusterSizes: listOf(count),
  diagnostics: DIAGNOSTICS,
  warnings: listOf(text),
  partitions: mapOf(fields<Scores>(SCORES, {})),
}, { ...SCORES, candidates: listOf(object) });

/** Scores come together. */
const RESULTS: Check = (value, place) => {
  RESULT_FIELDS(value, place);
  const { acc, nmi, ari } = value as RunResults;
  if ([acc, nmi, ari].some((score) => score !== undefined)) {
    fields<Scores>(SCORES, {})(value, place);
  }
};

const DEVICE = fields<Pick<DeviceInfo, "kind" | "description">>({
  kind: oneOf("cpu", "webgpu", "oracle"),
  description: text,
}, {});

const TIMES = fields<PhaseTimes>({
  phase: text,
  steps: count,
  kernels: listOf(fields<KernelTime>({ kernel: text, calls: number, milliseconds: number }, {})),
}, {});

const RECORD = fields<RunRecord>({
  schema: count,
  status: oneOf("running", "interrupted", "failed", "finished"),
  configuration: CONFIGURATION,
  seed: count,
  data: (value, place) => {
    DATA_RECORD(value, place);
    fields<Omit<RunRecord["data"], keyof DataRecord>>({ request: DATA_REQUEST }, {
      classDigest: digest,
    })(value, place);
  },
  device: fields<RunRecord["device"]>({ requested: text }, { threads: count, used: DEVICE }),
  versions: mapOf(text),
  seconds: number,
}, {
  baseline: flag,
  report: flag,
  from: text,
  pretrained: digest,
  times: listOf(TIMES),
  stopReason: text,
  failure: text,
  steps: count,
  results: RESULTS,
});

/** What a finished run has beside. */
const FINISHED = fields<Required<Pick<RunRecord, "stopReason" | "steps" | "results">>>(
  { stopReason: text, steps: count, results: RESULTS },
  {},
);

const SCHEMA_FIELD = fields<Pick<RunRecord, "schema">>({
  schema: such(`${SCHEMA}: that is what dynae ${VERSION} reads`, (value) => value === SCHEMA),
}, {});

/** The record that a text holds. @throws {SyntaxError} for a damaged one, or another layout. */
export function parseRecord(source: string, file: string): RunRecord {
  return parseJson<RunRecord>(source, file, (value, place) => {
    SCHEMA_FIELD(value, place);
    RECORD(value, place);
    const { status, device, seed, configuration: { options } } = value as RunRecord;
    if (options.seed !== undefined) oneOf(options.seed)(seed, "seed");
    if (status !== "finished") return;
    FINISHED(value, place);
    DEVICE(device.used, "device.used");
  });
}
