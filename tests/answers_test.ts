/** What a run says of each row: labels with names and confidence, and soft assignments. */
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { decodeNpy } from "../datasets/npy.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { confidenceOf, marginsOf } from "../models/evaluation/certainty.ts";
import { inFolder, rowsAndLabels, run } from "./command_line.ts";

const DEVICE = ["--device", "cpu", "--threads", "1"];

/** The cells of a CSV without quotes. */
function cellsOf(csv: string): string[][] {
  return csv.trim().split("\n").map((line) => line.split(","));
}

/** blobs.csv with a column of names, `id` first. */
async function writeNamed(folder: string): Promise<void> {
  const [header, ...lines] = (await Deno.readTextFile(`${folder}/blobs.csv`)).trim().split("\n");
  const named = [`id,${header}`, ...lines.map((line, i) => `r${1000 + i},${line}`)];
  await Deno.writeTextFile(`${folder}/named.csv`, `${named.join("\n")}\n`);
}

const NAMED = ["--data", "named.csv", "--id-column", "id"];

Deno.test("confidence is the label's share, the margin that of the distances to the centres", async () => {
  const shares = Float32Array.of(0.25, 0.75, 0.5, 0.5);
  assertEquals([...confidenceOf(shares, Uint32Array.of(1, 0))], [0.75, 0.5]);
  const backend = await openCpuBackend({ threads: 1 });
  // Far from the origin, where float32 has lost the differences of squares.
  const rows = Float32Array.of(0, 1, 2, 3, 4).map((x) => 4096 + x);
  const centres = Float32Array.of(4096, 4100);
  const margins = await marginsOf(backend, rows, 1, centres, Uint32Array.of(0, 0, 0, 1, 0));
  assertEquals([...margins], [1, Math.fround(2 / 3), 0, Math.fround(2 / 3), -1]);
  const one = await marginsOf(backend, rows, 1, centres.subarray(0, 1), new Uint32Array(5));
  assertEquals([...one], [1, 1, 1, 1, 1]);
  assertEquals(backend.memory().bytes, 0);
  await backend.dispose();
});

Deno.test("labels.csv names rows and classes; predict gives probabilities, of hard labels none", () =>
  inFolder(async (folder) => {
    await writeNamed(folder);
    const data = [...NAMED, "--class-column", "class", ...DEVICE];
    const [gmm, kmeans] = await Promise.all(
      ["gmm", "kmeans"].map((model) =>
        run(["train", "--model", model, ...data, "--no-baseline", "--out", model], folder)
      ),
    );
    assertEquals([gmm.code, kmeans.code], [0, 0], gmm.err + kmeans.err);
    const read = (model: string) => Deno.readTextFile(`${folder}/${model}/labels.csv`);
    const [soft, hard] = [await read("gmm"), await read("kmeans")].map(cellsOf);
    assertEquals(soft[0], ["row", "id", "label", "class", "confidence"]);
    assertEquals(hard[0], ["row", "id", "label", "class", "margin"]);
    assertEquals(soft[4].slice(0, 2), ["3", "r1003"]);
    assertEquals(soft.slice(1, 5).map((cells) => cells[3]), ["c0", "c1", "c2", "c0"]);
    for (const [i, cells] of [...soft.slice(1), ...hard.slice(1)].entries()) {
      assert(Number(cells[4]) > 0.3 && Number(cells[4]) <= 1, `${i}: ${cells}`);
    }

    const predict = ["predict", "--run", "gmm", ...NAMED, "--ignore", "class", ...DEVICE];
    const [csv, npy, none] = await Promise.all([
      run([...predict, "--probabilities"], folder),
      run([...predict, "--probabilities", "-o", "p.npy"], folder),
      run([...predict, "--run", "kmeans", "--probabilities"], folder),
    ]);
    assertEquals([csv.code, npy.code], [0, 0], csv.err + npy.err);
    const cells = cellsOf(csv.out);
    assertEquals(cells[0], ["row", "id", "label", "confidence", "p0", "p1", "p2"]);
    assertEquals(rowsAndLabels(csv.out), rowsAndLabels(await read("gmm")));
    const { shape, values } = decodeNpy(await Deno.readFile(`${folder}/p.npy`), "p.npy");
    assertEquals(shape, [240, 3]);
    for (const [i, row] of cells.slice(1).entries()) {
      const numbers = row.slice(4).map(Number);
      assertAlmostEquals(numbers.reduce((a, b) => a + b), 1, 1e-5);
      assertEquals(row[3], row[4 + Number(row[2])]);
      assertEquals(row[3], soft[i + 1][4]);
      numbers.forEach((value, c) => assertAlmostEquals(value, values[3 * i + c], 1e-6));
    }
    assertEquals(none.code, 2);
    assertStringIncludes(none.err, "kmeans has no soft assignments");
    assertStringIncludes(none.err, "these have: dynae, vade, dec");
  }));

Deno.test("rows that are left out keep the others' numbers and names", () =>
  inFolder(async (folder) => {
    const lines = ["who,x,y", "ann,1,2", "bob,,3", '"carl, jr",1,2', "dora,9,9", "eve,9,8"];
    await Deno.writeTextFile(`${folder}/t.csv`, `${lines.join("\n")}\n`);
    const data = ["--data", "t.csv", "--id-column", "who", "--missing", "drop", "--clusters", "2"];
    const args = ["train", "--model", "kmeans", ...data, ...DEVICE, "--out", "r"];
    const { code, err } = await run(args, folder);
    assertEquals(code, 0, err);
    const labels = (await Deno.readTextFile(`${folder}/r/labels.csv`)).trim().split("\n");
    assertEquals(labels[0], "row,id,label,margin");
    assertEquals(labels.slice(1).map((line) => line.replace(/,[01],[\d.]+$/, "")), [
      "0,ann",
      '2,"carl, jr"',
      "3,dora",
      "4,eve",
    ]);
    const scored = await run(
      ["evaluate", "--labels", "r/labels.csv", "--truth", "r/labels.csv", "--json"],
      folder,
    );
    assertEquals(JSON.parse(scored.out).acc, 1, scored.err);
  }));

Deno.test("classify: rows of no known class are predicted, not learnt; numbers of classes are kept", () =>
  inFolder(async (folder) => {
    const lines = (await Deno.readTextFile(`${folder}/blobs.csv`)).trim().split("\n");
    const marked = (mark: string) =>
      lines.map((line, i) => i > 0 && i % 4 === 0 ? line.replace(/c[012]$/, mark) : line)
        .map((line) => line.replace(/c([012])$/, "10$1")).join("\n");
    await Deno.writeTextFile(`${folder}/marked.csv`, marked("?"));
    await Deno.writeTextFile(`${folder}/minus.csv`, marked("-1"));
    const small = ["--hidden", "8", "--latent", "2", "--pretrain-steps", "50", "--steps", "50"];
    const classify = (file: string, ...more: string[]) =>
      run(
        ["classify", "--data", file, "--class-column", "class", ...DEVICE, ...small, ...more],
        folder,
      );
    const { code, err } = await classify("marked.csv", "-o", "found.csv");
    assertEquals(code, 0, err);
    assertStringIncludes(err, "rows is ?: taken as not known");
    const [, ...rows] = cellsOf(await Deno.readTextFile(`${folder}/found.csv`));
    assertEquals(rows.length, lines.length - 1);
    for (const [row, , predicted, given] of rows) {
      assert(/^10[012]$/.test(predicted), predicted);
      assertEquals(given === "?", (Number(row) + 1) % 4 === 0);
    }
    const minus = await classify("minus.csv", "--unlabelled", "-1", "-o", "minus-found.csv");
    assertEquals(minus.code, 0, minus.err);
    assertEquals(
      (await Deno.readTextFile(`${folder}/minus-found.csv`)).replaceAll(",-1,", ",?,"),
      await Deno.readTextFile(`${folder}/found.csv`),
    );
    const none = await classify("marked.csv", "--unlabelled", "unknown");
    assertEquals(none.code, 2);
    assertStringIncludes(none.err, "--unlabelled unknown: marked.csv has no such class; it has");
    const over = await classify("minus.csv", "--classes", "marked.csv", "-o", "marked.csv");
    assertEquals(over.code, 2);
    assertStringIncludes(over.err, "marked.csv");
  }));

Deno.test("classify writes the names of classes, and how probable they are", () =>
  inFolder(async (folder) => {
    const small = ["--hidden", "8", "--latent", "2", "--pretrain-steps", "50", "--steps", "50"];
    const data = ["--data", "blobs.csv", "--class-column", "class", ...DEVICE];
    const args = ["classify", ...data, ...small, "--labels-per-class", "10", "-o", "found.csv"];
    const { code, err } = await run(args, folder);
    assertEquals(code, 0, err);
    const cells = cellsOf(await Deno.readTextFile(`${folder}/found.csv`));
    assertEquals(cells[0], ["row", "label", "predicted", "class", "confidence"]);
    for (const [_, label, predicted, given, confidence] of cells.slice(1)) {
      assertEquals(predicted, `c${label}`);
      assert(/^c[012]$/.test(given), given);
      assert(Number(confidence) >= 1 / 3 && Number(confidence) <= 1, confidence);
    }
  }));
