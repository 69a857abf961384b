/** What is said of a table's columns: counted as options count them, and with the option that helps. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { parseClassLines } from "../datasets/class_lines.ts";
import type { TableOptions } from "../datasets/csv.ts";
import { type Dataset, type DatasetOptions, makeDataset } from "../datasets/dataset.ts";
import { decodeRows } from "../datasets/decode.ts";
import { encodeNpy } from "../datasets/npy.ts";
import { openDataset } from "../datasets/row_file.ts";
import { encodeParquet } from "../export/tables.ts";
import { columnNames } from "../report/clusters.ts";
import { inFolder, run } from "./command_line.ts";

const CENTROIDS = new URL("../docs/centroids.png", import.meta.url);

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
  const text = "a,last,first\n1,2,3\n4,5,6\n";
  assertNoted(
    await read(text, { classColumn: "first" }),
    'the first column is taken, which is called "a"; the one called "first" is 2',
  );
  assertNoted(await read(text, { classColumn: "last" }), 'the one called "last" is 1');
  assertEquals((await read(text, { classColumn: 2 })).notes, []);
  assertEquals((await read("first,a\n1,2\n4,5\n", { classColumn: "first" })).notes, []);
  const classes = parseClassLines(new TextEncoder().encode("a,first\n1,2\n4,5\n"), "t.csv", {
    column: "first",
  });
  assertEquals(classes.cells, ["1", "4"]);
  assert(classes.notes[0].includes('the one called "first" is 1'), classes.notes[0]);
});

Deno.test("the names that a training knows decide whether a first line is of names", async () => {
  const years = "2019,2020,2021\n1,2,3\n4,5,6\n";
  const trained = await read(years, { header: true });
  const kinds = { trained: trained.schema.columns! };
  const later = await read("2021,2019,2020\n6,4,5\n", kinds, { trained });
  assertEquals([later.n, [...later.data]], [1, [4, 5, 6]]);
  const bare = await read("1,2,3\n4,5,6\n", kinds, { trained });
  assertEquals(bare.n, 2);
  assertNoted(bare, "no column names");
  const counted = "0,1,2\n5,3,8\n7,7,1\n";
  const numbers = await read(counted, { header: false });
  const remembered = { trained: numbers.schema.columns!, remembered: { header: false } };
  assertEquals((await read(counted, remembered, { trained: numbers })).n, 3);
  const told = await read(counted, { ...remembered, header: true }, { trained: numbers });
  assertEquals(told.n, 2);
  await assertRefused(read("a,b,c\n1,2,3\n", remembered), "--header yes takes the line for names");
});

Deno.test("predict reads as the training did where that has a place, and else as it is", () =>
  inFolder(async (folder) => {
    const write = (name: string, text: string) => Deno.writeTextFile(`${folder}/${name}`, text);
    const names = Array.from({ length: 64 }, (_, i) => 1900 + i).join(",");
    const rows = lines(12, (i) => Array.from({ length: 64 }, (_, j) => (i * j) % 17).join(","));
    await write("years.csv", `${names}\n${rows}\n`);
    const counted = Array.from({ length: 64 }, (_, i) => i).join(",");
    await write("count.csv", `${counted}\n${rows}\n`);
    const train = async (data: string, out: string, ...more: string[]) => {
      const network = ["--hidden", "8", "--latent", "2", "--pretrain-steps", "3"];
      const model = ["--model", "ae-kmeans", "--clusters", "2", "--no-report", ...network];
      const args = ["train", "--data", data, "--out", out, ...model, "--threads", "1", ...more];
      const { code, err } = await run(args, folder);
      assertEquals(code, 0, err);
    };
    const labels = async (...args: string[]) => {
      const { code, out, err } = await run(["predict", "--threads", "1", ...args], folder);
      assertEquals(code, 0, err);
      return out.trim().split("\n").length - 1;
    };
    await train("years.csv", "y", "--header", "yes", "--missing", "mean", "--separator", ",");
    assertEquals(await labels("--run", "y", "--data", "years.csv"), 12);
    await train("count.csv", "c", "--header", "no");
    assertEquals(await labels("--run", "c", "--data", "count.csv"), 13);
    // What was said of a table is nothing to a named set, or to rows that stay in their file.
    assertEquals(await labels("--run", "y", "--data", "optdigits", "--limit", "9"), 9);
    const array = new Float32Array(5 * 64);
    await Deno.writeFile(`${folder}/x.npy`, encodeNpy(array, [5, 64]));
    assertEquals(await labels("--run", "y", "--data", "x.npy"), 5);
    assertEquals(await labels("--run", "y", "--data", "x.npy", "--stream"), 5);
    await Deno.writeFile(`${folder}/x.npy`, encodeNpy(array.fill(NaN, 7, 8), [5, 64]));
    assertEquals(await labels("--run", "y", "--data", "x.npy"), 5);
    const streamed = ["predict", "--run", "y", "--data", "x.npy", "--stream"];
    const { err } = await run(streamed, folder);
    assert(err.includes("without --stream, missing values are what they were in the"), err);
  }));

Deno.test("how a table is written down is refused where there is no text", () =>
  inFolder(async (folder) => {
    const info = (...args: string[]) => run(["data", "info", ...args], folder);
    await Deno.writeFile(`${folder}/x.npy`, encodeNpy(Float32Array.of(1, 2, 3, 4), [2, 2]));
    const values = Float32Array.of(1, 2);
    await Deno.writeFile(`${folder}/x.parquet`, await encodeParquet([{ name: "a", values }]));
    await Deno.mkdir(`${folder}/images`);
    await Deno.copyFile(CENTROIDS, `${folder}/images/a.png`);
    const flags = [["--header", "no"], ["--separator", ";"], ["--decimal", ","], [
      "--encoding",
      "latin1",
    ]];
    for (const data of ["x.npy", "x.parquet", "images"]) {
      for (const flag of data === "x.npy" ? flags : flags.slice(0, 1)) {
        const { code, err } = await info(data, ...flag);
        assertEquals(code, 1);
        assert(err.includes(`${data}: ${flag[0]} is for tables of text, which it is not`), err);
      }
    }
    const streamed = await info("x.npy", "--stream", "--header", "no");
    assertEquals(streamed.code, 2);
    assert(streamed.err.includes("which have no --header"), streamed.err);
    const table = await info("rows.csv", "--stream");
    assert(table.err.includes("of IDX and NPY files alone"), table.err);
    const digest = async (...args: string[]) =>
      JSON.parse((await info("x.npy", "--json", ...args)).out).digest;
    const { data, digest: expected } = await openDataset(`${folder}/x.npy`);
    data.close();
    assertEquals(await digest("--stream"), expected);
    assert(expected !== await digest());
  }));

Deno.test("a file of classes is read in the encoding and by the separator that are said", () =>
  inFolder(async (folder) => {
    await Deno.writeFile(`${folder}/x.npy`, encodeNpy(Float32Array.of(1, 2, 3, 4), [2, 2]));
    await Deno.writeTextFile(`${folder}/x.csv`, "1;2\n3;4\n");
    // 猫 and 犬.
    await Deno.writeFile(`${folder}/c.txt`, Uint8Array.of(0x94, 0x4c, 10, 0x8c, 0xa2, 10));
    await Deno.writeTextFile(`${folder}/c.csv`, "a,x;b\n0;u,v\n1;w\n");
    const namesOf = async (data: string, ...args: string[]) => {
      const { code, out, err } = await run(["data", "info", data, "--json", ...args], folder);
      assertEquals(code, 0, err);
      const { counts } = JSON.parse(out) as { counts: { class: string }[] };
      return [counts.map(({ class: name }) => name), err] as const;
    };
    for (const data of ["x.npy", "x.csv"]) {
      const encoded = ["--classes", "c.txt", "--encoding", "shift_jis"];
      assertEquals(await namesOf(data, ...encoded), [["猫", "犬"], ""]);
      const [, err] = await namesOf(data, "--classes", "c.txt");
      assert(err.includes("classes of c.txt: its bytes are no UTF-8"), err);
      const separated = ["--classes", "c.csv", "--class-column", "b", "--separator", ";"];
      assertEquals(await namesOf(data, ...separated), [["u,v", "w"], ""]);
    }
    const streamed = ["--classes", "c.txt", "--encoding", "shift_jis", "--stream"];
    assertEquals(await namesOf("x.npy", ...streamed), [["猫", "犬"], ""]);
    const bare = ["--classes", "c.csv", "--class-column", "0", "--header", "no"];
    const { err } = await run(["data", "info", "x.npy", ...bare], folder);
    assert(err.includes("expected 2 classes, one a row, found 3"), err);
  }));

Deno.test("a column of which two options say different things is refused", async () => {
  const text = "a,b,c\n1,2,x\n3,4,y\n";
  const cases: [options: TableOptions, message: string][] = [
    [{ oneHot: ["c"], ignore: ["c"] }, "column 2 (c) is named by --ignore and by --one-hot"],
    [{ oneHot: ["c"], classColumn: "last" }, "column 2 (c) is named by --one-hot and by --class-"],
    [{ oneHot: [2], idColumn: "c" }, "column 2 (c) is named by --one-hot and by --id-column"],
    [{ columns: ["a", "b"], oneHot: ["c"] }, "column 2 (c) is named by --one-hot and not by --col"],
    [{ columns: ["a"], ignore: ["a"] }, "column 0 (a) is named by --columns and by --ignore"],
    [{ classColumn: "c", idColumn: 2 }, "column 2 (c) is named by --id-column and by --class-col"],
    [{ classColumn: "c", ignore: ["c"] }, "column 2 (c) is named by --ignore and by --class-col"],
  ];
  for (const [options, message] of cases) await assertRefused(read(text, options), message);
  const bare = read("1,2\n3,4\n", { ignore: [1], idColumn: 1 });
  await assertRefused(bare, "column 1 is named by --ignore and by --id-column; it can be one");
  // What is chosen may be learned as text, or have another part.
  assertEquals((await read(text, { columns: ["a", "c"], oneHot: ["c"] })).d, 3);
  const all = await read(text, { columns: ["a", "b", "c"], classColumn: "c" });
  assertEquals([all.d, all.classNames], [2, ["x", "y"]]);
  assertEquals((await read(text, { ignore: ["c", 2] })).d, 2);
});

Deno.test("a column of more categories than fit is named, with what helps", async () => {
  const text = `x,key\n${lines(40_000, (i) => `${i % 7},k${i}`)}\n`;
  await assertRefused(
    read(text, { oneHot: ["key"] }),
    "t.csv: column 1 (key) has 40000 categories, each a column: 40000 rows of 40001 values do not",
    "--ignore 1 leaves it out, --id-column 1",
  );
  assertEquals((await read(text, { idColumn: "key" })).d, 1);
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
  // Above the separator that is recognised, too.
  const first = await read('"x\n""a;b""",y\n1,2\n3,4\n');
  assertEquals([first.schema.columns?.[0].name, ...first.data], ['x\n"a;b"', 1, 2, 3, 4]);
  const inch = await read('5" x;y\n1;2\n3;4\n');
  assertEquals([inch.schema.columns?.[0].name, ...inch.data], ['5" x', 1, 2, 3, 4]);
});

Deno.test("a class column that is alone is told of with the separator", () =>
  assertRefused(
    read("1,5\n2,6\n", { classColumn: "last", decimal: "," }),
    "no values are left; cells are taken to be separated by spaces, --separator says otherwise",
  ));

Deno.test("one class too many may be the name of their column", async () => {
  const classes = { classes: Uint32Array.of(0, 1, 2) };
  await assertRefused(read("1,2\n3,4\n", {}, { classes }), "found 3; is the first one the name");
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

Deno.test("values whose squares are past float64 are standardised by nobody", async () => {
  const text = `a,b\n${lines(12, (i) => `${i % 5},${i}e200`)}\n`;
  for (const scale of ["standard", "auto"] as const) {
    await assertRefused(read(text, {}, { scale }), "column 1 (b) are so large that their variance");
  }
  assertEquals([...(await read(text, {}, { scale: 1e200 })).data].at(-1), 11);
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
