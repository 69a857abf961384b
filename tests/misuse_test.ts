/** What the command line says to what cannot work: before work, and by name. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { inFolder, run } from "./command_line.ts";

/** Fails with the usage code and these words, and leaves no folder of a run. */
async function assertRefused(folder: string, args: readonly string[], words: string) {
  const { code, err } = await run(args, folder);
  assertStringIncludes(err, words);
  assertEquals(code, 2, err);
  const made = Array.from(Deno.readDirSync(folder)).filter(({ name }) => name === "runs");
  assertEquals(made, []);
}

Deno.test("where results cannot go is said before there are any", async () => {
  await inFolder(async (folder) => {
    const kmeans = ["--model", "kmeans", "--data", "rows.csv", "--clusters", "3"];
    const train = ["train", ...kmeans, "--out"];
    await assertRefused(
      folder,
      [...train, "rows.csv"],
      "--out rows.csv: it is a file; name a folder",
    );
    await assertRefused(folder, [...train, "rows.csv/x"], "--out rows.csv/x: rows.csv is a file");
    await Deno.symlink("nowhere", `${folder}/link`);
    await assertRefused(folder, [...train, "link"], "--out link: it is a link to nothing");
    await assertRefused(folder, [...train, "link/x"], "--out link/x: link is a link to nothing");
    const compare = ["compare", "--models", "kmeans", "--data", "rows.csv", "--out", "rows.csv"];
    await assertRefused(folder, compare, "--out rows.csv: it is a file");
    assertEquals((await run([...train, "deep/er/run", "--threads", "1"], folder)).code, 0);
    const predict = ["predict", "--run", "deep/er/run", "--data", "rows.csv", "-o"];
    await assertRefused(folder, [...predict, "no/x.csv"], "-o no/x.csv: there is no folder no");
    await Deno.mkdir(`${folder}/x.csv`);
    await assertRefused(
      folder,
      [...predict, "x.csv"],
      "-o x.csv: it is a folder; name a file in it",
    );
    const embed = ["embed", ...predict.slice(1)];
    await assertRefused(folder, [...embed, "rows.csv/x.npy"], "there is no folder rows.csv");
    const classify = ["classify", "--data", "blobs.csv", "-o", "no/x.csv"];
    await assertRefused(folder, classify, "-o no/x.csv: there is no folder no");
    const array = ["classify", "--data", "blobs.csv", "-o", "x.npy"];
    await assertRefused(folder, array, "-o takes a file named *.csv, got x.npy");
    // What is read is not written over.
    const rows = await Deno.readTextFile(`${folder}/rows.csv`);
    const over = "-o ./rows.csv: it is the file that --data names";
    await assertRefused(folder, [...predict, "./rows.csv"], over);
    assertEquals(await Deno.readTextFile(`${folder}/rows.csv`), rows);
    const onto = "deep/er/run/labels.csv";
    const own = `-o ${onto}: it is a file of the run in that folder; name another`;
    await assertRefused(folder, [...predict, onto], own);
    const log = ["export", "deep/er/run", "--format", "csv", "-o", "deep/er/run/run.json"];
    await assertRefused(folder, log, "it is a file of the run in that folder");
    const read = "deep/er/run was trained on that file; name another";
    await assertRefused(folder, ["report", "deep/er/run", "-o", "rows.csv"], read);
    const csv = ["export", "deep/er/run", "--format", "csv", "-o"];
    await assertRefused(folder, [...csv, "rows.csv"], read);
    assertEquals(await Deno.readTextFile(`${folder}/rows.csv`), rows);
    await Deno.writeTextFile(`${folder}/deep/plan.json`, "{}");
    const plan = "it is the plan of the runs in that folder; name another";
    await assertRefused(folder, [...csv, "deep/plan.json"], plan);
    // Any other is.
    await Deno.writeTextFile(`${folder}/old.csv`, "old");
    await Deno.symlink("old.csv", `${folder}/link.csv`);
    assertEquals((await run([...predict, "link.csv"], folder)).code, 0);
    assertStringIncludes(await Deno.readTextFile(`${folder}/old.csv`), "row,");
    assertEquals((await Deno.lstat(`${folder}/link.csv`)).isSymlink, true);
  });
});

Deno.test("an empty path is refused wherever a path is taken", () =>
  inFolder(async (folder) => {
    // Where it is not, nothing shall be written but here.
    const inside = { write: `--allow-write=${folder}` };
    const data = ["--data", "rows.csv"];
    const kmeans = ["--model", "kmeans", ...data];
    await Deno.writeTextFile(`${folder}/empty.toml`, 'out = ""');
    const cases: [args: string[], words: string][] = [
      [["train", ...kmeans, "--out", ""], '--out takes a path, got ""'],
      [["train", ...kmeans, "--out="], '--out takes a path, got ""'],
      [["train", ...kmeans, "--config", "empty.toml"], '--out takes a path, got ""'],
      [["compare", "--models", "kmeans", ...data, "--out", ""], '--out takes a path, got ""'],
      [["train", "--data", ""], '--data takes a path, got ""'],
      [["reproduce", "codes", "--out", "x", "--data", ""], '--data takes a path, got ""'],
      [["train", ...data, "--classes", ""], '--classes takes a path, got ""'],
      [["train", "--config", ""], '--config takes a path, got ""'],
      [["train", "--resume", ""], 'the folder of a run has a name, got ""'],
      [["predict", "--run", "", ...data], '--run takes a path, got ""'],
      [["export", "run", "--format", "csv", "-o", ""], '--output takes a path, got ""'],
      [["report", "run", ""], '<run> takes a path, got ""'],
      [["runs", "rm", "", "--yes"], '<run> takes a path, got ""'],
      [["segment", ""], '<image.png> takes a path, got ""'],
    ];
    const outcomes = await Promise.all(cases.map(([args]) => run(args, folder, inside)));
    for (const [i, { code, err }] of outcomes.entries()) {
      assertStringIncludes(err, cases[i][1]);
      assertEquals(code, 2, err);
    }
    const compare = ["compare", "--models", "kmeans", ...data, "--out", "runs", "--seeds", "1"];
    const others = await run([...compare, "--sbatch-args", ""], folder, inside);
    assertStringIncludes(others.err, "--sbatch-args is for --launcher slurm");
  }));

Deno.test("an option of other models is told whose it is", async () => {
  await inFolder(async (folder) => {
    const of = (model: string, ...more: string[]) => ["train", "--model", model, ...more];
    const steps = await run(of("kmeans", "--steps", "5"), folder);
    assertEquals(steps.code, 2);
    assertStringIncludes(steps.err, "--steps is no option of kmeans; dynae, ");
    await assertRefused(
      folder,
      of("gmm", "--partition=graph"),
      "--partition is no option of gmm; ",
    );
    await assertRefused(folder, of("dynae", "--covariance", "full"), "gmm has it");
    await assertRefused(folder, of("kmeans", "--stepz", "5"), "unknown option '--stepz'");
    await assertRefused(
      folder,
      ["compare", "--models", "kmeans,gmm", "--out", "x", "--kappa", "1"],
      "--kappa is no option of kmeans, gmm; dynae has it",
    );
    const help = await run(of("kmeans", "--help-all"), folder);
    assert(!help.out.includes("--kappa"), help.out);
  });
});

const NETWORK = ["--hidden", "16", "--latent", "3", "--pretrain-steps", "5", "--n-init", "1"];
const SHORT = ["--steps", "4", "--no-baseline", "--threads", "1", "--clusters", "3"];

Deno.test("--from a network of other sizes or kind is refused before a folder is made", async () => {
  await inFolder(async (folder) => {
    const dec = ["train", "--model", "dec", "--data", "rows.csv", ...SHORT];
    assertEquals((await run([...dec, ...NETWORK, "--out", "first"], folder)).code, 0);
    const from = [...dec, "--from", "first"];
    await assertRefused(
      folder,
      [...from, "--latent", "3"],
      "--from: the network of first has --hidden 16, this run's 256,256,512; give --hidden 16",
    );
    await assertRefused(folder, [...from, "--hidden", "16"], "has --latent 3, this run's 10");
    const again = await run([...from, ...NETWORK, "--out", "second"], folder);
    assertEquals(again.code, 0, again.err);
    const digits = ["--limit", "60", "--threads", "1"];
    const dense = ["train", "--model", "dec", ...digits, ...SHORT, ...NETWORK, "--out", "dense"];
    assertEquals((await run(dense, folder)).code, 0);
    await assertRefused(
      folder,
      ["train", "--model", "depict", ...digits, "--from", "dense"],
      "dense is a run of dec, which pre-trains a dense network; depict needs a convolutional one",
    );
  });
});

Deno.test("an option that has no effect beside another is noted", async () => {
  await inFolder(async (folder) => {
    const args = ["train", "--data", "rows.csv", ...NETWORK, ...SHORT, "--partition", "kmeans"];
    const note = "note: --construction-steps has no effect where --partition is kmeans";
    const noted = await run([...args, "--out", "a", "--construction-steps", "7"], folder);
    assertEquals(noted.code, 0, noted.err);
    assertStringIncludes(noted.err, note);
    const quiet = await run([...args, "--out", "b"], folder);
    assert(!quiet.err.includes(note), quiet.err);
  });
});

Deno.test("evaluate finds the rows of runs that left some out", async () => {
  await inFolder(async (folder) => {
    // Of every third row a value is missing.
    const text = await Deno.readTextFile(`${folder}/blobs.csv`);
    const gaps = text.split("\n").map((line, i) => i % 3 === 2 ? line.replace(/^[^,]*/, "") : line);
    await Deno.writeTextFile(`${folder}/gaps.csv`, gaps.join("\n"));
    const kmeans = ["--model", "kmeans", "--class-column", "class", "--threads", "1", "--json"];
    const score = async (run_: string, ...data: string[]) => {
      const trained = await run(["train", "--out", run_, ...data, ...kmeans], folder);
      assertEquals(trained.code, 0, trained.err);
      const labels = ["evaluate", "--labels", `${run_}/labels.csv`, "--json"];
      const table = ["--truth", "blobs.csv", "--truth-column", "class"];
      const found = await run([...labels, ...table], folder);
      assertEquals(found.code, 0, found.err);
      const { acc, nmi, ari } = JSON.parse(trained.out).results;
      assertEquals(JSON.parse(found.out), { acc, nmi, ari });
      return found.err;
    };
    const dropped = await score("dropped", "--data", "gaps.csv", "--missing", "drop");
    assertStringIncludes(dropped, "labels 160 of the 240 rows of blobs.csv");
    const limited = await score("limited", "--data", "blobs.csv", "--limit", "100");
    assertStringIncludes(limited, "labels 100 of the 240 rows of blobs.csv");
    assertEquals(await score("whole", "--data", "blobs.csv"), "");
    await Deno.writeTextFile(`${folder}/few.txt`, "a\nb\na\n");
    const few = await run(
      ["evaluate", "--labels", "whole/labels.csv", "--truth", "few.txt"],
      folder,
    );
    assertEquals(few.code, 1);
    assertStringIncludes(few.err, "holds 240 labels, few.txt 3 classes, and none of row 3");
    // As classes of other rows, they are those of the wrong ones.
    const train = ["train", "--data", "rows.csv", "--model", "kmeans", "--clusters", "3"];
    const wrong = await run(
      [...train, "--limit", "160", "--classes", "dropped/labels.csv", "--out", "w"],
      folder,
    );
    assertEquals(wrong.code, 1, wrong.err);
  });
});

Deno.test("the formats that are read are the same in help and messages", async () => {
  const { ROW_FORMATS, CLASS_FORMATS } = await import("../datasets/formats.ts");
  const flat = (text: string) => text.replace(/\s+/g, " ");
  for (const name of ["train", "compare", "sweep", "classify", "predict", "embed"]) {
    const { out } = await run([name, "--help"]);
    assertStringIncludes(flat(out), ROW_FORMATS);
  }
  assertStringIncludes(flat((await run(["evaluate", "--help"])).out), CLASS_FORMATS);
  await inFolder(async (folder) => {
    await Deno.writeFile(`${folder}/x.h5`, Uint8Array.of(0x89, 0x48, 0x44, 0x46, 1, 2, 3));
    const { err } = await run(["data", "info", "x.h5"], folder);
    assertStringIncludes(err, `HDF5 is not supported; expected ${ROW_FORMATS}`);
  });
});

Deno.test("the guide says of every method which partition it starts from", async () => {
  const { METHODS } = await import("../models/registry.ts");
  const guide = (await Deno.readTextFile(new URL("../docs/guide.md", import.meta.url)))
    .replace(/\s+/g, " ");
  const startsFrom = (partition: string) =>
    Object.values(METHODS).filter(({ options }) =>
      options.some((option) => option.name === "partition" && option.default === partition)
    ).map(({ name }) => name);
  const quoted = startsFrom("kmeans").map((name) => `\`${name}\``);
  const list = `${quoted.slice(0, -1).join(", ")} and ${quoted.at(-1)}`;
  assert(guide.includes(`the default of ${list};`), list);
  assertEquals([startsFrom("mixture"), startsFrom("graph")], [["vade"], ["dynae"]]);
  assert(guide.includes("`vade` takes `mixture`, its default"));
  assert(guide.includes("`dynae` starts from `graph`"));
});

Deno.test("how to read a table is refused for a named set; a table without names says so", async () => {
  await inFolder(async (folder) => {
    const train = ["train", "--model", "kmeans", "--clusters", "3", "--threads", "1"];
    for (const [flag, value] of [["columns", "a"], ["missing", "mean"], ["header", "yes"]]) {
      const refused = await run([...train, `--${flag}`, value], folder);
      assertEquals(refused.code, 1);
      assertStringIncludes(refused.err, `${flag} is for files`);
    }
    await Deno.writeTextFile(`${folder}/named.csv`, "x,y\n1,10\n2,20\n3,30\n9,90\n");
    await Deno.writeTextFile(`${folder}/plain.csv`, "10,1\n20,2\n");
    const trained = await run([...train, "--data", "named.csv", "--out", "named"], folder);
    assertEquals(trained.code, 0, trained.err);
    const found = await run(["predict", "--run", "named", "--data", "plain.csv"], folder);
    assertStringIncludes(found.err, "no column names: its columns are taken in the order");
  });
});
