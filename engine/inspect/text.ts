/** Text for people: numbers and tables. */

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

/** A rough duration: 0.3 s, 18 s, 4 min 10 s, 2 h 5 min. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  if (seconds < 9.95) return `${Math.max(0, seconds).toFixed(1)} s`;
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor(whole % 3600 / 60)} min`;
}

/** Lines of cells under a header, columns aligned; those whose cells all look like numbers, right. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const [titles, ...lines] = [header, ...rows].map((cells) => cells.map(onOneLine));
  const columns = titles.map((title, i) => {
    const cells = lines.map((row) => row[i]);
    return {
      width: Math.max(title.length, ...cells.map((cell) => cell.length)),
      right: cells.length > 0 && cells.every((cell) => /^[-+]?[\d.,%\s×e–-]*$/.test(cell)),
    };
  });
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) =>
      columns[i].right ? cell.padStart(columns[i].width) : cell.padEnd(columns[i].width)
    ).join("  ").trimEnd();
  return [titles, ...lines].map(line).join("\n");
}

/** Text whose line breaks are written `\n`, so that what names hold looks like nothing else. */
export function onOneLine(text: string): string {
  return text.replaceAll("\n", "\\n");
}
