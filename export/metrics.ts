/** The log of a training as a table. */
import type { Json, LogRow } from "../models/estimator.ts";
import type { TableColumn } from "./tables.ts";

/** A column for every name that a row has, in the order of their first rows; lists and objects as JSON. */
export function metricsTable(rows: readonly LogRow[]): TableColumn[] {
  const names = new Set(rows.flatMap((row) => Object.keys(row)));
  return Array.from(names, (name) => ({ name, values: rows.map((row) => plain(row[name])) }));
}

function plain(value: Json | undefined): number | string | boolean | undefined {
  if (value === null) return undefined;
  return typeof value === "object" ? JSON.stringify(value) : value;
}
