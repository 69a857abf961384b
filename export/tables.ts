/** Columns of equal length, as CSV and as Parquet. */

/** A column of a table. */
export interface TableColumn {
  /** Its name. */
  readonly name: string;
  /** A value a row: 32-bit numbers, or numbers, texts and nothing. */
  readonly values:
    | Float32Array
    | Uint32Array
    | readonly (number | string | boolean | undefined)[];
}

/** @throws {RangeError} where columns differ in length. */
function rowsOf(columns: readonly TableColumn[]): number {
  const lengths = columns.map(({ values }) => values.length);
  if (new Set(lengths).size <= 1) return lengths[0] ?? 0;
  throw new RangeError(`a table's columns must be of one length, they have ${lengths.join(", ")}`);
}

/**
 * A line of names and a line of values for each row; nothing becomes an empty cell.
 * @throws {RangeError} where columns differ in length.
 */
export function encodeCsv(columns: readonly TableColumn[]): string {
  const lines = [columns.map(({ name }) => quoteCell(name)).join(",")];
  for (let row = 0; row < rowsOf(columns); row++) {
    lines.push(
      columns.map(({ values }) => {
        const value = values[row];
        // Nine digits give every float32 back.
        if (values instanceof Float32Array) return Number((value as number).toPrecision(9));
        return value === undefined ? "" : quoteCell(String(value));
      }).join(","),
    );
  }
  return `${lines.join("\n")}\n`;
}

/** A cell, quoted where its text would be taken for more than one. */
export function quoteCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * A Parquet file, compressed by Snappy: Float32Array is FLOAT, Uint32Array INT64, numbers DOUBLE, true and
 * false BOOLEAN; texts, and values of several kinds as {@linkcode encodeCsv} writes them, STRING.
 * @throws {RangeError} where columns differ in length.
 */
export async function encodeParquet(columns: readonly TableColumn[]): Promise<Uint8Array> {
  rowsOf(columns);
  const { parquetWriteBuffer } = await import("hyparquet-writer");
  const columnData = columns.map(({ name, values }) => {
    if (values instanceof Float32Array) return { name, data: values, type: "FLOAT" } as const;
    if (values instanceof Uint32Array) {
      return { name, data: BigInt64Array.from(values, BigInt), type: "INT64" } as const;
    }
    const type = typeOf(values);
    const plain = (value: number | string | boolean) => type === "STRING" ? String(value) : value;
    const data = values.map((value) => value === undefined ? null : plain(value));
    return { name, data, type } as const;
  });
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}

/** What Parquet calls the values of a column. */
function typeOf(
  values: readonly (number | string | boolean | undefined)[],
): "BOOLEAN" | "DOUBLE" | "STRING" {
  const kinds = new Set(values.filter((value) => value !== undefined).map((value) => typeof value));
  if (kinds.size > 1 || kinds.has("string")) return "STRING";
  return kinds.has("boolean") ? "BOOLEAN" : "DOUBLE";
}
