/** The terminal: tables that grow, a line that is rewritten, and writing itself. */

export { formatBytes, formatCount, formatNumber, formatTable } from "../engine/inspect/text.ts";

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

/** A rough duration: 0.3 s, 18 s, 4 min 10 s, 2 h 5 min. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  if (seconds < 9.95) return `${Math.max(0, seconds).toFixed(1)} s`;
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor(whole % 3600 / 60)} min`;
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
