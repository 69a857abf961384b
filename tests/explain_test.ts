/** What is said of each cluster of a run. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { ClusterColumns, exemplarsOf, lowestOf } from "../models/evaluation/explanation.ts";
import { inFolder, run } from "./command_line.ts";

Deno.test("exemplars are nearest to the mean of their cluster, ties to the lower number", () => {
  const labels = Uint32Array.of(0, 0, 0, 0, 2, 2);
  // The mean of the first four is 2.
  const codes = [0, 1, 3, 4, 10, 20];
  assertEquals(exemplarsOf(codes, 1, labels, 3, 3), [[1, 2, 0], [], [4, 5]]);
  assertEquals(lowestOf([3, 1, 1, 2, 0, -1], labels, 3, 2), [[1, 2], [], [5, 4]]);
});

Deno.test("columns differ by the difference of means in deviations of all rows", () => {
  // Far from 0, where squares would have no digits left in float32's range of integers.
  const rows = [[1, 5, 7], [3, 5, 7], [5, 5, 1], [7, 5, 3]].flat().map((x) => x + 1e7);
  const columns = new ClusterColumns(3, 3);
  columns.add(rows.slice(0, 3), [0]);
  columns.add(rows.slice(3), [0, 1, 1]);
  const [first, second, ...rest] = columns.differences(0, 9);
  // Column 2: 7 and 2, deviation √(6.75); column 0: 2 and 6, deviation √5; column 1 is constant.
  assertEquals([first.column, first.mean, first.others], [2, 1e7 + 7, 1e7 + 2]);
  assertAlmostEquals(first.difference, 5 / Math.sqrt(6.75), 1e-12);
  assertEquals([second.column, second.mean, second.others], [0, 1e7 + 2, 1e7 + 6]);
  assertAlmostEquals(second.difference, -4 / Math.sqrt(5), 1e-12);
  assertEquals(rest, []);
  assertEquals(columns.differences(1, 1).map(({ column }) => column), [2]);
  assertEquals(columns.differences(2, 9), []);
});

Deno.test("explain tells sizes, classes, exemplars, doubtful rows and raw columns, as text and JSON", () =>
  inFolder(async (folder) => {
    const [header, ...lines] = (await Deno.readTextFile(`${folder}/blobs.csv`)).trim().split("\n");
    const kind = (i: number) => i % 3 === 0 ? "red" : "blue";
    const table = [
      `id,hue,${header}`,
      ...lines.map((line, i) => `r${i},${kind(i)},${line.replace(/^[^,]*/, (a) => `${+a * 100}`)}`),
    ];
    await Deno.writeTextFile(`${folder}/t.csv`, table.join("\n"));
    const columns = ["--id-column", "id", "--one-hot", "hue", "--class-column", "class"];
    const device = ["--device", "cpu", "--threads", "1", "--no-baseline"];
    const args = ["train", "--model", "kmeans", "--data", "t.csv", "--scale", "standard"];
    const trained = await run([...args, ...columns, ...device, "--out", "r"], folder);
    assertEquals(trained.code, 0, trained.err);

    const json = await run(["explain", "r", "--json", "--count", "3"], folder);
    assertEquals([json.code, json.err], [0, ""]);
    const { clusters, certainty, model } = JSON.parse(json.out);
    assertEquals([certainty, model, clusters.length], ["margin", "kmeans", 3]);
    const own = clusters.find((
      { classes: [{ name }] }: { classes: { name: string }[] },
    ) => name === "c0");
    assertEquals([own.size, own.share, own.classes], [80, 1 / 3, [{ name: "c0", share: 1 }]]);
    assertEquals([own.exemplars.length, own.leastSure.length, own.columns.length], [3, 3, 3]);
    for (const name of own.exemplars) assertEquals(Number(name.slice(1)) % 3, 0, name);
    const margins = own.leastSure.map(({ value }: { value: number }) => value);
    assertEquals(margins.toSorted((a: number, b: number) => a - b), margins);
    // Raw units: 3 ± 0.5, a hundred times, against 0 ± 0.5; every red row is of the cluster.
    const found = Object.fromEntries(
      own.columns.map(({ name, ...rest }: { name: string }) => [name, rest]),
    );
    assertEquals(Object.keys(found).sort(), ["a", "hue=blue", "hue=red"]);
    assert(found.a.mean > 290 && found.a.mean < 310 && Math.abs(found.a.others) < 10, json.out);
    assertAlmostEquals(found["hue=red"].difference, 1 / Math.sqrt(2 / 9), 1e-5);
    assertAlmostEquals(found["hue=red"].mean, 1, 1e-5);

    const labels = await Deno.readTextFile(`${folder}/r/labels.csv`);
    const [head, ...rows] = labels.trim().split("\n");
    await Deno.writeTextFile(`${folder}/r/labels.csv`, [head, ...rows.reverse()].join("\n"));
    const text = await run(["explain", "r", "--count", "3"], folder);
    assertEquals(text.code, 0, text.err);
    assertStringIncludes(
      text.out,
      `cluster ${own.cluster}: 80 rows, 33.3 %; classes c0 (100.0 %)\n`,
    );
    assertStringIncludes(text.out, `  exemplars: ${own.exemplars.join(", ")}\n`);
    assertStringIncludes(
      text.out,
      `  least sure, by margin: ${own.leastSure[0].row} (${margins[0].toFixed(3)}), `,
    );

    await Deno.writeTextFile(`${folder}/t.csv`, table.slice(0, -1).join("\n"));
    const changed = await run(["explain", "r", "--json"], folder);
    assertEquals(changed.code, 0, changed.err);
    assertStringIncludes(changed.err, "t.csv has changed since the run; the columns are left out");
    const other = table.map((line) => line.replace(/,[^,]*$/, ""));
    await Deno.writeTextFile(`${folder}/t.csv`, other.join("\n"));
    for (const command of ["explain", "report"]) {
      const { code, err } = await run([command, "r"], folder);
      assertEquals(code, 0, err);
      assertMatch(err, /^note: .*class.*; the (images and )?columns are left out\n/);
    }
    await Deno.remove(`${folder}/t.csv`);
    const gone = await run(["explain", "r", "--json"], folder);
    assertStringIncludes(gone.err, "there is no such file");
    assertEquals(JSON.parse(gone.out).clusters[0].columns, undefined);
    await Deno.writeTextFile(`${folder}/r/labels.csv`, `${head}\n${rows[0]}\n`);
    const short = await run(["explain", "r"], folder);
    assertEquals(short.code, 1);
    assertStringIncludes(short.err, "r: labels.csv has 1 rows, embedding.npy 240; the run had 240");
    const none = await run(["explain", "nowhere"], folder);
    assertEquals(none.code, 2);
    assertStringIncludes(none.err, "nowhere is not the folder of a run");
  }));

Deno.test("a run on standard input is explained and reported without reading it again", () =>
  inFolder(async (folder) => {
    const input = await Deno.readFile(`${folder}/rows.csv`);
    const train = ["train", "--data", "-", "--model", "kmeans", "--clusters", "3", "--out", "r"];
    const trained = await run([...train, "--device", "cpu"], folder, { input });
    assertEquals(trained.code, 0, trained.err);
    for (const command of ["explain", "report"]) {
      // Whoever read these would find nothing changed.
      const { code, err } = await run([command, "r"], folder, { input });
      assertEquals(code, 0, err);
      assertStringIncludes(err, "note: the rows came from standard input, and are not kept; the ");
    }
  }));
