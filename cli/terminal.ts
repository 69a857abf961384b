/** The terminal: tables that grow, a line that is rewritten, and writing itself. */

export {
  formatBytes,
  formatCount,
  formatDuration,
  formatNumber,
  formatTable,
  onOneLine,
} from "../engine/inspect/text.ts";

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
    tryWriting(Deno.stderr, `\r\x1b[2K${harmless(text).slice(0, terminalWidth() - 1)}`);
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

interface Stream {
  writeSync(bytes: Uint8Array): number;
}

function writeAll(stream: Stream, text: string): void {
  const bytes = encoder.encode(text);
  for (let written = 0; written < bytes.length;) {
    written += stream.writeSync(bytes.subarray(written));
  }
}

/** Writes where nobody may read any more: what is lost is no reason to stop. */
function tryWriting(stream: Stream, text: string): void {
  try {
    writeAll(stream, text);
  } catch {
    // A closed pipe or a full disk behind it.
  }
}

/** Control characters but tab and line feed, and those that turn the direction of writing. */
// deno-lint-ignore no-control-regex
const COMMANDS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Text that a terminal shows and does not obey, whatever names and headers hold: its commands are written
 * as JSON writes them, `\u001b`, so that JSON stays the same JSON.
 */
export function harmless(text: string): string {
  return text.replace(
    COMMANDS,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * Writes to stdout: what was asked for.
 * @throws {Deno.errors.BrokenPipe} where nobody reads any more.
 */
export function writeOut(text: string): void {
  writeAll(Deno.stdout, harmless(text));
}

/** Writes the content of a file to stdout, byte for byte where that is no terminal. @throws As above. */
export function writeData(text: string): void {
  writeAll(Deno.stdout, Deno.stdout.isTerminal() ? harmless(text) : text);
}

/** Writes to stdout what files hold too: nobody needs to read it. */
export function writeSummary(text: string): void {
  tryWriting(Deno.stdout, harmless(text));
}

/** Writes to stderr: everything else. */
export function writeError(text: string): void {
  tryWriting(Deno.stderr, harmless(text));
}

/** One JSON value on stdout. */
export function writeJson(value: unknown): void {
  writeOut(`${JSON.stringify(value, null, 2)}\n`);
}

/** A word of a command line to copy, quoted for POSIX shells where it needs to be. */
export function shellWord(text: string): string {
  return /^[\w./:=,@+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
