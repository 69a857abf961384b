/** Text for people: numbers, tables, and a line that is rewritten. */

/** Whether stderr is a terminal, which can rewrite a line. */
export function isLive(): boolean {
  return Deno.stderr.isTerminal();
}

/** Columns of the terminal. */
export function terminalWidth(): number {
  try {
    return Deno.consoleSize().columns;
  } catch {
    return 80;
  }
}

/** A count with separators: 12,345. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** About three digits: 0.0123, 4.57, 1.2e-7. */
export function formatNumber(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e5) return value.toExponential(2);
  return size >= 100 ? formatCount(value) : value.toPrecision(3);
}

/** A rough duration: 0.3 s, 18 s, 4 min 10 s, 2 h 5 min. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  if (seconds < 9.95) return `${Math.max(0, seconds).toFixed(1)} s`;
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor(whole % 3600 / 60)} min`;
}

/** A size: 512 B, 9.9 MB. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(
    units.length - 1,
    bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3),
  );
  const value = bytes / 1000 ** power;
  return `${power === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

/** Lines of cells under a header, columns aligned; those whose cells all look like numbers, right. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const columns = header.map((title, i) => {
    const cells = rows.map((row) => row[i]);
    return {
      width: Math.max(title.length, ...cells.map((cell) => cell.length)),
      right: cells.length > 0 && cells.every((cell) => /^[-+]?[\d.,%\s×e–-]*$/.test(cell)),
    };
  });
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) =>
      columns[i].right ? cell.padStart(columns[i].width) : cell.padEnd(columns[i].width)
    ).join("  ").trimEnd();
  return [header, ...rows].map(line).join("\n");
}

/** A table of rows that come one at a time, for which the widths are given. */
export class TableStream {
  /** `columns` have a title and a width; a negative width aligns to the right. */
  constructor(private readonly columns: readonly (readonly [title: string, width: number])[]) {}

  /** The line of titles. */
  header(): string {
    return this.row(this.columns.map(([title]) => title));
  }

  /** One line. */
  row(cells: readonly string[]): string {
    return cells.map((cell, i) => {
      const width = this.columns[i][1];
      return width < 0 ? cell.padStart(-width) : cell.padEnd(width);
    }).join("  ").trimEnd();
  }
}

/** A line on stderr that is rewritten on a terminal, and repeated sparsely elsewhere. */
export class StatusLine {
  private shown = false;
  private writtenAt = -Infinity;

  /** Least seconds between two writes: on a terminal, and where there is none. */
  constructor(private readonly liveSeconds = 0.1, private readonly plainSeconds = 30) {}

  /** Shows the text, if it is time or `force` says so. */
  update(text: string, force = false): void {
    const live = isLive();
    const wait = 1000 * (live ? this.liveSeconds : this.plainSeconds);
    if (!force && performance.now() - this.writtenAt < wait) return;
    this.writtenAt = performance.now();
    if (!live) return writeError(`${text}\n`);
    writeError(`\r\x1b[2K${text.slice(0, terminalWidth() - 1)}`);
    this.shown = true;
  }

  /** Leaves the line as it stands, and goes on below it. */
  end(): void {
    if (this.shown) writeError("\n");
    this.shown = false;
    this.writtenAt = -Infinity;
  }
}

const encoder = new TextEncoder();

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = encoder.encode(text);
  for (let written = 0; written < bytes.length;) {
    written += stream.writeSync(bytes.subarray(written));
  }
}

/** Writes to stdout: results. @throws {Deno.errors.BrokenPipe} where nobody reads any more. */
export function writeOut(text: string): void {
  writeAll(Deno.stdout, text);
}

/** Writes to stderr: everything else. */
export function writeError(text: string): void {
  writeAll(Deno.stderr, text);
}

/** One JSON value on stdout. */
export function writeJson(value: unknown): void {
  writeOut(`${JSON.stringify(value, null, 2)}\n`);
}
