/** What the results of `deno task gpu` come to, for people. */
import { formatNumber, formatTable } from "../../engine/inspect/text.ts";
import type { Part } from "./parts.ts";
import type { Result } from "./schedule.ts";

/** The results of a part's last run. */
interface Collected {
  readonly rows: Result[];
  end?: Result;
}

/** Tables of all parts that were begun; of one that ran more than once, its last run. */
export function summarize(
  title: string,
  parts: readonly Part[],
  results: readonly Result[],
): string {
  const collected = new Map<string, Collected>();
  for (const result of results) {
    if ("started" in result || !collected.has(result.part)) {
      collected.set(result.part, { rows: [] });
    }
    const found = collected.get(result.part)!;
    if ("status" in result) found.end = result;
    else if (!("started" in result)) found.rows.push(result);
  }
  const sections = parts.flatMap((part) => {
    const found = collected.get(part.name);
    return found === undefined ? [] : [section(part, found)];
  });
  return `${title}\n\n${sections.join("\n")}`;
}

function section({ name, title, columns, isShown }: Part, { rows, end }: Collected): string {
  const { status = "not ended", seconds, reason }: Partial<Result> = end ?? {};
  const time = typeof seconds === "number" ? ` after ${seconds.toFixed(0)} s` : "";
  const why = reason === undefined ? "" : `: ${reason}`;
  const shown = rows.filter((row) => isShown?.(row) ?? true);
  const used = columns.filter((column) => shown.some((row) => cell(row[column]) !== ""));
  const table = used.length === 0
    ? ""
    : `${formatTable(used, shown.map((row) => used.map((column) => cell(row[column]))))}\n`;
  return `${name}: ${title}\n${status}${time}${why}\n${table}`;
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return Number.isInteger(value) ? `${value}` : formatNumber(value);
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}
