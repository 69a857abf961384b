import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { inFolder, run } from "./command_line.ts";

Deno.test("runs are listed, shown and removed, and nothing else is", () =>
  inFolder(async (folder) => {
    const kmeans = ["--data", "rows.csv", "--device", "cpu"];
    const trained = await run(["train", "--model", "kmeans", ...kmeans], folder);
    assertEquals(trained.code, 0, trained.err);
    const compared = await run(
      ["compare", "--models", "kmeans", "--seeds", "2", "--out", "runs/two", ...kmeans],
      folder,
    );
    assertEquals(compared.code, 0, compared.err);
    assertMatch(compared.err, /\n1 of 2: kmeans-seed0\n/);
    assertMatch(compared.err, /\n2 of 2: kmeans-seed1, about \d.* left\n/);

    // To look needs no leave to write.
    const list = await run(["runs", "list"], folder, { write: "--deny-write" });
    assertEquals([list.code, list.err], [0, ""]);
    const paths = ["runs/kmeans-rows-seed0", "runs/two/kmeans-seed0", "runs/two/kmeans-seed1"];
    const lines = list.out.trim().split("\n").slice(1);
    assertEquals(lines.map((line) => line.split(/ {2,}/)[0]), paths);
    assertMatch(lines[2], /kmeans +rows\.csv +10 +1 +finished/);
    const json = JSON.parse((await run(["runs", "list", "--json"], folder)).out);
    assertEquals(json.map((run: { folder: string }) => run.folder), paths);

    const show = await run(["runs", "show", paths[0]], folder, { write: "--deny-write" });
    assertMatch(show.out, /^model +kmeans, profile default\nclusters +10\n/);
    assertStringIncludes(show.out, "rows.csv, 240 × 4");
    assertStringIncludes(show.err, `train --config ${paths[0]}/run.json`);

    const refused = await Promise.all([
      run(["runs", "rm", "runs", "--yes"], folder),
      run(["runs", "rm", paths[0], "nowhere", "--yes"], folder),
      run(["runs", "rm", paths[0]], folder),
      run(["runs", "list", "blobs.csv"], folder),
    ]);
    const messages = [
      "runs is not the folder of a run",
      "nowhere is not the folder of a run",
      "there is none: give --yes",
      "blobs.csv is not a folder",
    ];
    refused.forEach(({ code, err }, i) => {
      assertStringIncludes(err, messages[i]);
      assertEquals(code, 2, err);
    });
    assertEquals((await run(["runs", "list"], folder)).out, list.out);

    await Deno.writeTextFile(`${folder}/${paths[2]}/run.json`, "{");
    const damaged = await run(["runs", "list"], folder);
    assertMatch(damaged.err, /^note: .*run\.json/);
    // What is not a run's is never removed with it, nor a link in its stead.
    await Deno.writeTextFile(`${folder}/${paths[0]}/thesis.tex`, "");
    const kept = await run(["runs", "rm", paths[0], "--yes"], folder);
    assertEquals(kept.code, 2);
    assertStringIncludes(kept.err, `${paths[0]} holds thesis.tex, which is no part of a run`);
    await Deno.remove(`${folder}/${paths[0]}/thesis.tex`);
    await Deno.symlink(`${folder}/${paths[0]}`, `${folder}/link`);
    assertStringIncludes(
      (await run(["runs", "rm", "link", "--yes"], folder)).err,
      "link is a link",
    );
    const removed = await run(["runs", "rm", paths[0], paths[2], "--yes"], folder);
    assertEquals([removed.code, removed.out], [0, ""], removed.err);
    assertMatch(removed.err, /^removed runs\/kmeans-rows-seed0 \(\d+ files, .*\)\nremoved/);
    for (const path of [paths[0], paths[2]]) {
      await assertRejects(() => Deno.stat(`${folder}/${path}`), Deno.errors.NotFound);
    }
    assertEquals((await Deno.stat(`${folder}/${paths[1]}`)).isDirectory, true);
  }));

Deno.test("a run is removed with what export and generate have written into it, from within too", () =>
  inFolder(async (folder) => {
    const train = async (out: string) => {
      const args = [
        "train",
        "--limit",
        "60",
        "--model",
        "ae-kmeans",
        "--hidden",
        "8",
        "--latent",
        "2",
      ];
      const { code, err } = await run(
        [...args, "--pretrain-steps", "5", "--clusters", "3", "--device", "cpu", "--out", out],
        folder,
      );
      assertEquals(code, 0, err);
    };
    await train("r");
    const parts = ["clusters", "encoder", "autoencoder"].map((part) => ["onnx", "--part", part]);
    const formats = [...parts, ["safetensors"], ["jsonl"], ["csv"], ["tensorboard"]];
    const made = await Promise.all([
      run(["generate", "--run", "r", "--device", "cpu"], folder),
      ...formats.map((format) => run(["export", "r", "--format", ...format], folder)),
    ]);
    for (const { code, err } of made) assertEquals(code, 0, err);

    const file = await run(["runs", "rm", "rows.csv", "--yes"], folder);
    assertEquals(file.code, 2);
    assertStringIncludes(file.err, "rows.csv is not the folder of a run");
    const twice = await run(["runs", "rm", "r", "r/", "./r", "--yes"], folder);
    assertEquals(twice.code, 0, twice.err);
    assertMatch(twice.err, /^removed r \(1[5-9] files, [^\n]*\)\n$/);
    await train("r");
    const within = await run(["runs", "rm", ".", "--yes"], `${folder}/r`);
    assertEquals(within.code, 0, within.err);
    await assertRejects(() => Deno.stat(`${folder}/r`), Deno.errors.NotFound);
  }));
