/** `data`: list, describe and fetch data sets. */
import type { Command } from "commander";
import { fetchDataset, type FetchProgress } from "../datasets/fetch.ts";
import { classCounts } from "../datasets/classes.ts";
import { describeScaling, type Scaling } from "../datasets/scaling.ts";
import type { ColumnRecord, Schema } from "../datasets/schema.ts";
import { cacheDir, listDatasets } from "../datasets/load.ts";
import { findNamedSet, NAMED_SETS, type NamedSet } from "../datasets/named.ts";
import {
  addClassesOption,
  addDataOptions,
  classCountOf,
  type DataValues,
  loadOrOpen,
  requestOf,
} from "./data_options.ts";
import { usageError } from "./errors.ts";
import { unknownName } from "./suggest.ts";
import {
  formatBytes,
  formatCount,
  formatTable,
  isLive,
  shellWord,
  StatusLine,
  writeError,
  writeJson,
  writeOut,
} from "./terminal.ts";
import { FETCHER, PROGRAM } from "./version.ts";

interface JsonValue {
  readonly json?: boolean;
}

/** See {@linkcode CommandModule}. */
export function define(command: Command): void {
  command
    .command("list")
    .description("the named data sets, and where they are on this machine")
    .option("--data-dir <dir>", "look here too")
    .option("--json", "print a JSON array")
    .addHelpText("after", `\nExample:\n  ${PROGRAM} data list\n`)
    .action(list);
  const info = command
    .command("info <name|path>")
    .description("shape, classes, scaling and digest of a named set or a file");
  addClassesOption(info, "true classes of the rows");
  addDataOptions(info);
  info
    .option("--json", "print one JSON object")
    .addHelpText("after", `\nExample:\n  ${PROGRAM} data info optdigits\n`)
    .action(describe);
  command
    .command("fetch <name>")
    .description("bring a named set to this machine, verified by SHA-256")
    .option("--data-dir <dir>", "write to DIR/NAME (default: the cache)")
    .option("--json", "print one JSON object")
    .addHelpText("after", `\nExample:\n  ${FETCHER} data fetch mnist\n`)
    .action(fetchSet);
  command.addHelpText("after", `\nExample:\n  ${PROGRAM} data list\n`);
}

async function list({ dataDir, json }: { readonly dataDir?: string } & JsonValue): Promise<void> {
  const found = await listDatasets(dataDir === undefined ? {} : { dataDir });
  if (json) {
    return writeJson(found.map(({ set, location }) => ({
      ...summaryOf(set),
      location: location ?? null,
    })));
  }
  writeOut(`${
    formatTable(
      ["name", "rows", "shape", "classes", "where", ""],
      found.map(({ set, location }) => [
        set.name,
        formatCount(set.n),
        `${set.height}×${set.width}`,
        String(set.classCount),
        location ?? `data fetch ${set.name}`,
        set.title,
      ]),
    )
  }\n`);
}

function summaryOf({ name, title, n, height, width, classCount, source, licence }: NamedSet) {
  const d = height * width;
  return { name, title, n, d, height, width, classes: classCount, source, licence };
}

/** A named set that is not here is described by what is known of it. */
async function describe(name: string, values: DataValues & JsonValue): Promise<void> {
  const set = findNamedSet(name);
  const facts: Record<string, unknown> = set === undefined ? {} : { ...summaryOf(set) };
  const { dataDir } = values;
  const location = set && (await listDatasets(dataDir === undefined ? {} : { dataDir }))
    .find((info) => info.set === set)?.location;
  if (set === undefined || location !== undefined) {
    const dataset = await loadOrOpen(requestOf({ ...values, data: name }));
    if (!(dataset.data instanceof Float32Array)) dataset.data.close();
    const { n, d, height, width, channels, scaling, schema, digest, source } = dataset;
    const { licence, classNames } = dataset;
    const image = height === undefined ? {} : { height, width, ...channels && { channels } };
    const counts = dataset.classes && [...classCounts(dataset.classes)].map(([number, rows]) => ({
      class: classNames?.[number] ?? String(number),
      rows,
    }));
    Object.assign(facts, { name: dataset.name, n, d, ...image, scaling, digest, source, licence });
    Object.assign(facts, {
      classes: classCountOf(dataset) ?? null,
      counts: counts ?? null,
      schema,
    });
  }
  if (set !== undefined) facts.location = location ?? null;
  if (values.json) return writeJson(facts);
  const { counts, scaling, schema, ...rest } = facts;
  if (scaling) rest.scaling = describeScaling(scaling as Scaling);
  const lines = Object.entries(rest).filter(([, value]) => value !== null && value !== "");
  writeOut(lines.map(([key, value]) => `${key.padEnd(9)} ${value}\n`).join(""));
  if (set !== undefined && location === undefined) {
    writeOut(`location  not here yet: ${FETCHER} data fetch ${name}\n`);
  }
  if (counts) {
    const rows = (counts as { class: string; rows: number }[])
      .map((entry) => [entry.class, formatCount(entry.rows)]);
    writeOut(`\n${formatTable(["class", "rows"], rows)}\n`);
  }
  const { columns } = (schema ?? {}) as Partial<Schema>;
  if (columns && columns.length <= SHOWN_COLUMNS) writeOut(`\n${formatColumns(columns)}\n`);
}

/** Most columns that are shown as text. */
const SHOWN_COLUMNS = 40;

function formatColumns(columns: readonly ColumnRecord[]): string {
  return formatTable(
    ["column", "from", "to"],
    columns.map(({ name, number, categories, min, max }, slot) => [
      name || String(number ?? slot),
      ...categories === undefined ? [String(min), String(max)] : [categories.join(" "), ""],
    ]),
  );
}

async function fetchSet(
  name: string,
  { dataDir, json }: { readonly dataDir?: string } & JsonValue,
): Promise<void> {
  if (!findNamedSet(name)) {
    throw usageError(unknownName("data set", name, NAMED_SETS.map((set) => set.name)));
  }
  const line = new StatusLine(0.1, 10);
  const { folder, files } = await fetchDataset(name, {
    ...(dataDir === undefined ? {} : { dir: dataDir }),
    onProgress: (progress) => line.update(formatDownload(progress)),
  }).finally(() => line.end());
  const fetched = files.filter(({ source }) => source !== undefined);
  if (json) return writeJson({ name, folder, files });
  if (findNamedSet(name)!.ships) writeOut(`${name} ships with this package\n`);
  else {
    fetched.forEach(({ path, source }) => writeError(`${path} from ${source}\n`));
    const how = fetched.length === 0 ? "was there and is intact" : "is there, verified";
    writeOut(`${name} ${how}: ${folder}\n`);
  }
  if (dataDir !== undefined && dataDir !== cacheDir()) {
    writeError(`train with --data ${name} --data-dir ${shellWord(dataDir)}\n`);
  }
}

function formatDownload({ file, source, received, total }: FetchProgress): string {
  const amount = total === undefined
    ? formatBytes(received)
    : `${formatBytes(received)} of ${formatBytes(total)}`;
  const bar = total === undefined || !isLive() ? "" : `${barOf(received / total)} `;
  return `${file} ${bar}${amount} from ${source}`;
}

function barOf(share: number): string {
  const filled = Math.round(20 * Math.min(1, share));
  return `[${"=".repeat(filled)}${" ".repeat(20 - filled)}]`;
}
