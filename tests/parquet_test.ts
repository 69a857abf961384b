/** Parquet tables, as PyArrow writes them (tests/golden/parquet.py). */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { TableOptions } from "../datasets/csv.ts";
import { decodeClasses, decodeRows } from "../datasets/decode.ts";
import { loadDataset } from "../datasets/load.ts";
import { RandomStream } from "../engine/random.ts";
import { inFolder, run } from "./command_line.ts";

const golden = (name: string) => new URL(`golden/${name}.parquet`, import.meta.url);
const TABLE = Deno.readFileSync(golden("table"));

const read = (options: TableOptions, bytes = TABLE) => decodeRows(bytes, "t.parquet", options);

/** The values of the columns, row by row. */
async function rows(options: TableOptions): Promise<number[][]> {
  const { array: { values, shape: [n, d] } } = await read(options);
  return Array.from({ length: n }, (_, i) => Array.from(values.subarray(i * d, (i + 1) * d)));
}

Deno.test("Parquet: numbers, booleans, and lists as vectors, over several row groups", async () => {
  const columns = ["length", "count", "small", "is big", "code"];
  const expected = Array.from({ length: 7 }, (_, i) => {
    const lists = [i, i + 0.5, -i];
    return [0.5 * i, 10 * i - 20, 0.25 * i, i > 3 ? 1 : 0, ...lists].map((x) => x + 0);
  });
  assertEquals((await rows({ columns })).map((row) => row.map((x) => x + 0)), expected);
  const { kinds } = await read({ columns });
  assertEquals(
    kinds?.map(({ name }) => name),
    ["length", "count", "small", "is big", "code.0", "code.1", "code.2"],
  );
});

Deno.test("Parquet: every compression that PyArrow writes", async () => {
  const [plain, ...others] = await Promise.all(
    ["none", "snappy", "gzip", "brotli", "lz4"].map(async (name) =>
      (await read({}, await Deno.readFile(golden(name)))).array
    ),
  );
  assertEquals(plain.shape, [7, 5]);
  for (const array of others) assertEquals(array, plain);
});

Deno.test("Parquet: classes, ids, categories and missing values by the options of tables", async () => {
  const { array, classes, ids, kinds } = await read({
    classColumn: "kind",
    idColumn: "id",
    columns: ["gap"],
    oneHot: ["colour"],
    missing: true,
  });
  assertEquals(array.shape, [7, 2]);
  assertEquals(Array.from(array.values), [
    ...[0, 0, 1, 1, NaN, 0, 3, NaN, 4, 1, 5, 0, 6, 2],
  ]);
  assertEquals(kinds, [{ name: "gap" }, { name: "colour", categories: ["red", "blue", "green"] }]);
  assertEquals(classes?.classNames, ["a", "b"]);
  assertEquals([...classes!.classes], [0, 1, 0, 1, 0, 1, 0]);
  assertEquals(ids, ["r0", "r1", "r2", "r3", "r4", "r5", "r6"]);
});

Deno.test("Parquet: a set of it is the set of the same table as text", async () => {
  const folder = await Deno.makeTempDir();
  const csv = `${folder}/t.csv`;
  const lines = Array.from({ length: 7 }, (_, i) => `${10 * i - 20},${0.5 * i}`);
  await Deno.writeTextFile(csv, `count,length\n${lines.join("\n")}\n`);
  const table = { columns: ["count", "length"] };
  const text = await loadDataset(csv, { scale: "standard" });
  const parquet = await loadDataset(golden("table").pathname, { scale: "standard", table });
  // As the file has them: length before count.
  assertEquals(parquet.schema.columns?.map(({ name }) => name), ["length", "count"]);
  // For a model of the text, put in its order by name.
  const { scaling, schema } = text;
  const again = await loadDataset(golden("table").pathname, {
    table: { ignore: ["ragged", "day", "id"] },
    trained: { scaling, schema },
  });
  assertEquals(again.data, text.data);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("Parquet: a column of classes for other rows", async () => {
  const { classes } = await decodeClasses(TABLE, "t.parquet", "kind");
  assertEquals([...classes], [0, 1, 0, 1, 0, 1, 0]);
  await assertRejects(
    () => decodeClasses(TABLE, "t.parquet"),
    SyntaxError,
    "Cannot read t.parquet: it has the columns id, length, count",
  );
});

Deno.test("Parquet: what is no number is named by its place, with what helps", async () => {
  const cases: [column: string, options: TableOptions, message: string][] = [
    ["id", {}, 'row 0, column 0 (id): "r0" is not a number; columns count from 0: --one-hot 0'],
    ["gap", {}, "row 2, column 5 (gap): the value is missing; --missing drop, mean or median"],
    ["day", {}, "row 0, column 9 (day): the time 1970-01-01T00:00:00.000Z is not a number"],
    [
      "ragged",
      {},
      "row 1, column 10 (ragged): a list of 2 values, expected a list of 1 as the first",
    ],
    ["large", {}, "row 0, column 11 (large): 9007199254740992 is past ±(2⁵³ − 1)"],
    ["colour", { classColumn: "colour" }, "row 3, column 6 (colour): the class is empty"],
  ];
  for (const [column, options, message] of cases) {
    const columns = column === "colour" ? ["length"] : [column];
    await assertRejects(
      () => read({ columns, ...options }),
      SyntaxError,
      `Cannot read t.parquet: ${message}`,
    );
  }
  await assertRejects(() => read({ columns: ["nothing"] }), RangeError, "no column nothing");
});

Deno.test("Parquet: a run on it, by the permissions of the project", async () => {
  await inFolder(async (folder) => {
    const table = ["--data", golden("table").pathname, "--columns", "code,length"];
    const options = [
      "--class-column",
      "kind",
      "--model",
      "kmeans",
      "--threads",
      "1",
      "--out",
      "run",
    ];
    const { code, out, err } = await run(["train", ...table, ...options, "--json"], folder);
    assertEquals(code, 0, err);
    const { data: { n, d, schema } } = JSON.parse(out);
    assertEquals([n, d], [7, 4]);
    const names = ["length", "code.0", "code.1", "code.2"];
    assertEquals(schema.columns.map(({ name }: { name: string }) => name), names);
    const predicted = await run(["predict", "--run", "run", ...table], folder);
    assertEquals([predicted.code, predicted.out.trim().split("\n").length], [0, 8], predicted.err);
    const truth = ["--truth", table[1], "--truth-column", "kind"];
    const scored = await run(["evaluate", "--labels", "run/labels.csv", ...truth], folder);
    assertEquals(scored.code, 0, scored.err);
  });
});

Deno.test("Parquet: damaged files are refused in our words, or read with the shape they say", async () => {
  const random = new RandomStream(5, 1);
  const columns = ["length", "count", "code"];
  let refused = 0;
  const attempts = 300;
  for (let i = 0; i < attempts; i++) {
    const bytes = TABLE.slice(0, i % 3 === 0 ? 4 + random.below(TABLE.length - 4) : undefined);
    for (let k = i % 4; k >= 0; k--) bytes[4 + random.below(bytes.length - 4)] = random.below(256);
    try {
      const { array } = await read({ columns }, bytes);
      assertEquals(array.values.length, array.shape[0] * array.shape[1]);
    } catch (error) {
      refused++;
      assert(error instanceof SyntaxError || error instanceof RangeError, `${error}`);
      assert(error.message.startsWith("Cannot read t.parquet: "), error.message);
    }
  }
  // Those that were cut off are, all of them.
  assert(refused >= attempts / 3, `${refused}`);
});
