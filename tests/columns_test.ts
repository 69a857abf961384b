/** What is said of a table's columns: counted as options count them, and with the option that helps. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { TableOptions } from "../datasets/csv.ts";
import { type Dataset, type DatasetOptions, makeDataset } from "../datasets/dataset.ts";
import { decodeRows } from "../datasets/decode.ts";
import { columnNames } from "../report/clusters.ts";
import { inFolder, run } from "./command_line.ts";

/** Reads a table of text. */
async function read(
  text: string,
  table: TableOptions = {},
  options: Omit<DatasetOptions, "name"> = {},
): Promise<Dataset> {
  const { array, ...content } = await decodeRows(new TextEncoder().encode(text), "t.csv", table);
  return await makeDataset(array, { name: "t.csv", ...content, ...options });
}

/** `n` lines of cells. */
const lines = (n: number, line: (i: number) => string) =>
  Array.from({ length: n }, (_, i) => line(i)).join("\n");

async function assertRefused(reading: Promise<Dataset>, ...parts: readonly string[]) {
  const { message } = await assertRejects(() => reading, Error);
  for (const part of parts) assert(message.includes(part), `${part} is not in ${message}`);
}

function assertNoted({ notes }: Dataset, ...parts: readonly string[]) {
  const all = notes.join("\n");
  for (const part of parts) assert(all.includes(part), `${part} is not in ${all}`);
}

Deno.test("columns behind one that is left out keep their numbers", async () => {
  const table = { classColumn: "first" } as const;
  const text = lines(20, (i) => `${"xy"[i % 2]},${i},${1e6 + (i * i) % 7}`);
  const rows = await read(text, table);
  assertNoted(rows, "column 1 counts the rows", "--id-column 1", "column 2 ranges from");
  assertEquals(columnNames(rows), ["column 1", "column 2"]);
  await assertRefused(read("x,1,2\ny,1,nan\n", table), "row 1, column 2 (from 0) is NaN");
  const named = read("c,a,b\nx,1,2\ny,1,inf\n", table);
  await assertRefused(named, "row 1, column 2 (b, from 0) is Infinity");
  const filled = read("x,1,NA\ny,2,\n", { ...table, missing: true }, { missing: "mean" });
  await assertRefused(filled, "column 2: all its values are missing; --ignore 2 leaves it out");
});

Deno.test("columns behind one of text keep their numbers", async () => {
  const text = lines(20, (i) => `${"abc"[i % 3]},${i},${i === 4 ? "nan" : (i * i) % 7}`);
  await assertRefused(read(text, { oneHot: [0] }), "row 4, column 2 (from 0) is NaN");
  const rows = await read(text.replace("nan", "1"), { oneHot: [0] });
  assertNoted(rows, "column 1 counts the rows", "--id-column 1");
  assertEquals(columnNames(rows).slice(2), ["column 0=c", "column 1", "column 2"]);
});

Deno.test("a column of text does not move the means that later rows are compared by", async () => {
  const rows = (from: number) => `k,x\n${lines(6, (i) => `${"abc"[i % 3]},${from + i}`)}\n`;
  const trained = await read(rows(1000), { oneHot: ["k"] });
  const table = { trained: trained.schema.columns! };
  assertEquals((await read(rows(1000), table, { trained })).notes, []);
  assertNoted(await read(rows(0), table, { trained }), "column x holds 0 to 5");
});

Deno.test("an empty last column is named by the number that leaves it out", async () => {
  const text = "a,b,\n1,2,\n4,5,\n";
  const dropped = read(text, { missing: true }, { missing: "drop" });
  await assertRefused(dropped, "column 2: all its values are missing; --ignore 2");
  assertEquals((await read(text, { ignore: [2] })).d, 2);
});

Deno.test("row numbers are noticed from any start, and under no name in any order", async () => {
  const from7 = await read(`a,b\n${lines(12, (i) => `${7 + i},${(i * i) % 5}`)}\n`);
  assertNoted(from7, "column 0 (a) counts the rows");
  const some = (name: string) => read(`${name},b\n${lines(12, (i) => `${i * i},${i % 5}`)}\n`);
  for (const name of ["", "Unnamed: 0", "index"]) {
    assertNoted(await some(name), "counts the rows", "--id-column 0");
  }
  assert(!(await some("squares")).notes.some((note) => note.includes("counts the rows")));
});

Deno.test("a column that is meant by a name makes the first line names", async () => {
  const text = "0,1,label\n5,2,a\n6,3,b\n";
  const { n, classNames, notes } = await read(text, { classColumn: "label" });
  assertEquals([n, classNames, notes], [2, ["a", "b"], []]);
  assertNoted(await read(text, { classColumn: "last" }), "--header yes takes it for names");
  const without = read("5,2,a\n6,3,b\n", { header: false, classColumn: "a" });
  await assertRefused(without, "there is no class column a, the columns are 0 to 2");
  await assertRefused(read("x,2020\n1,2\n"), "line 1, column 0", "--header yes");
});

Deno.test("a first line that is taken for names among lines like it is told of", async () => {
  const text = "red,small\nblue,large\nred,large\n";
  const guessed = await read(text, { oneHot: [0, 1] });
  assertEquals(guessed.n, 2);
  assertNoted(guessed, 'its first line, "red,small", is taken for names; --header no reads it');
  const told = await read(text, { oneHot: [0, 1], header: false });
  assertEquals([told.n, told.notes], [3, []]);
  assertEquals((await read(text, { oneHot: ["red", "small"] })).notes, []);
  assertEquals((await read("size,kind\n1,a\n2,b\n", { oneHot: [1] })).notes, []);
});

Deno.test("a number that is another column's name is said to be a number", async () => {
  const rows = await read("1,2,3\n5,6,7\n8,9,0\n", { header: true, ignore: [1] });
  assertEquals([...rows.data], [5, 7, 8, 0]);
  assertNoted(
    rows,
    'column 1, counted from 0, is taken, which is called "2"; the one called "1" is 0',
  );
  assertEquals((await read("0,1,2\n5,6,7\n8,9,0\n", { header: true, ignore: [1] })).notes, []);
});

Deno.test("lines that are left out as comments are shown", async () => {
  assertNoted(await read("# x y\n1 2\n3 4\n"), 'its first line, "# x y", begins with #');
  assertNoted(
    await read("#a,1\n#b,2\nc,3\n", { oneHot: [0] }),
    "2 lines above the table",
    '"#a,1"',
  );
  await assertRefused(read("#a,1\n#b,2\n"), "all its lines begin with #");
});

Deno.test("the separator is the one that splits names and the next line alike", async () => {
  const comma = await read("size,w;x\n1.5,2\n3,4\n");
  assertEquals([comma.d, columnNames(comma)], [2, ["size", "w;x"]]);
  const semicolon = await read("a,b;c\n1;2\n3;4\n");
  assertEquals([...semicolon.data], [1, 2, 3, 4]);
  await assertRefused(
    read('a,b\n"1,5",2\n', { decimal: "," }),
    "cells are taken to be separated by spaces, --separator says otherwise",
  );
});

Deno.test("a comma in a number may separate thousands, and then is no decimal comma", async () => {
  await assertRefused(read('a\n"1,000"\n'), "thousands separators are not read");
  await assertRefused(read("a;b\n1,25;3\n"), "--decimal , reads decimal commas");
  const trained = await read("a;b\n1.25;3\n2;4\n");
  const later = read("a;b\n1,25;3\n", { trained: trained.schema.columns! }, { trained });
  await assertRefused(later, "--decimal , reads decimal commas");
});

Deno.test("--scale auto says what became of bytes and of images", async () => {
  const values = Uint8Array.of(0, 50, 255, 3, 4, 7);
  const auto = (shape: number[]) =>
    makeDataset({ type: "|u1", shape, values, typeMax: 255 }, { name: "x", scale: "auto" });
  for (const shape of [[3, 2], [3, 1, 2]]) {
    assertNoted(await auto(shape), "--scale auto: values of type |u1 are divided by 255");
  }
  const wide = await read("t,x\n1700000001,0.5\n1700000098,0.25\n");
  assertNoted(wide, "column 0 (t) ranges from 1700000001 to 1700000098");
});

Deno.test("rows that were scaled before are noticed, whatever scaling the run has", async () => {
  const raw = Float32Array.from({ length: 60 }, (_, i) => (i * 37) % 101);
  const make = (values: Float32Array, options: Omit<DatasetOptions, "name">) =>
    makeDataset({ type: "<f4", shape: [20, 3], values }, { name: "x.npy", ...options });
  for (const scale of ["none", 255, "standard"] as const) {
    const trained = await make(raw, { scale });
    assertEquals((await make(raw, { trained })).notes, []);
    const unit = await make(raw.map((x) => x / 100), { trained });
    assertNoted(unit, "as if they were scaled already");
    assertEquals((await make(raw.slice(0, 3 * 20), { trained, limit: 1 })).notes, []);
  }
  const trained = await make(raw, { scale: "standard" });
  assertNoted(await make(trained.data, { trained }), "as if they were scaled already");
  const narrow = await make(trained.data, { scale: "standard" });
  assertEquals((await make(trained.data, { trained: narrow })).notes, []);
});

Deno.test("cells in quotes hold line breaks, and lines are counted on", async () => {
  const text = 'note,x,y\r\n"two\r\nlines, ""quoted""" ,1,2\r\nplain,3,4\r\n"a\n\n",5,6\r\n';
  const table = await read(text, { idColumn: "note" });
  assertEquals([...table.data], [1, 2, 3, 4, 5, 6]);
  assertEquals(table.ids, ['two\r\nlines, "quoted"', "plain", "a\n\n"]);
  await assertRefused(read(`${text}z,7\r\n`, { ignore: [0] }), "line 8 has 2 columns");
  await assertRefused(read(`${text}"z,7\n8`, { ignore: [0] }), "line 8: a quote is not closed");
});

Deno.test("a run whose names hold line breaks and commands can be read again", async () => {
  await inFolder(async (folder) => {
    const rows = lines(
      12,
      (i) => `"r\n${i}\u001b[2J",${i % 2 === 0 ? '"lo,\nerror: x"' : "hi"},${i % 2 * 9},${i % 3}`,
    );
    await Deno.writeTextFile(`${folder}/t.csv`, `id,kind,"x\nerror: y",z\n${rows}\n`);
    const columns = ["--class-column", "kind", "--id-column", "id"];
    const model = ["--model", "kmeans", "--clusters", "2", "--out", "a b"];
    const trained = await run(["train", "--data", "t.csv", ...columns, ...model], folder);
    assertEquals([trained.code, trained.err.includes("warning")], [0, false], trained.err);
    const truth = ["--truth", "t.csv", "--truth-column", "kind"];
    const scored = await run(["evaluate", "--labels", "a b/labels.csv", ...truth], folder);
    assert(scored.out.includes("1.0000"), scored.err);
    const { out } = await run(["explain", "a b"], folder);
    for (const part of ["lo,\\nerror: x (100.0 %)", "r\\n0\\u001b[2J", "x\\nerror: y"]) {
      assert(out.includes(part), out);
    }
    const shown = await run(["runs", "show", "a b"], folder);
    assert(shown.err.includes("train --config 'a b/run.json'"), shown.err);
    await Deno.mkdir(`${folder}/runs/c/run.json`, { recursive: true });
    await Deno.rename(`${folder}/a b`, `${folder}/runs/a b`);
    const list = await run(["runs", "list"], folder);
    assert(
      list.out.includes("runs/a b") && list.err.includes("runs/c/run.json: it is a folder"),
      list.err,
    );
  });
});

Deno.test("values whose squares vanish are told of, whatever the scaling", async () => {
  const text = lines(12, (i) => `${i}e-300,${i % 5}`);
  for (const options of [{}, { scale: "standard" } as const]) {
    assertNoted(await read(text, {}, options), "column 0 are so small that they count as equal");
  }
  assertEquals((await read(lines(12, (i) => `7e-300,${i % 5}`))).notes, []);
});

Deno.test("columns are named together or one after the other", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(
      `${folder}/t.csv`,
      `a,b,x\n${lines(6, (i) => `u${i % 2},v${i % 3},${i}`)}\n`,
    );
    const columnsOf = async (...flags: readonly string[]) => {
      const { code, out, err } = await run(["data", "info", "t.csv", "--json", ...flags], folder);
      assertEquals(code, 0, err);
      return JSON.parse(out).d;
    };
    assertEquals(await columnsOf("--one-hot", "a,b"), 6);
    assertEquals(await columnsOf("--one-hot", "a", "--one-hot", "b"), 6);
    assertEquals(await columnsOf("--ignore", "a", "--ignore=b"), 1);
  }));
