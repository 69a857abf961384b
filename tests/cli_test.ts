import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { centroidStrip } from "../report/image_grid.ts";
import { OFTEN } from "../cli/help.ts";
import { main } from "../cli/main.ts";
import { kebabCase } from "../cli/method_options.ts";
import { SCHEMA } from "../storage/manifest.ts";
import { RunFolder } from "../cli/run_folder.ts";
import type { RunRecord } from "../cli/run_record.ts";
import { editDistance, nearest } from "../cli/suggest.ts";
import { formatBytes, formatDuration, formatNumber, formatTable } from "../cli/terminal.ts";
import { runTraining } from "../cli/training_run.ts";
import { loadDataset } from "../datasets/load.ts";
import { encodeNpy } from "../datasets/npy.ts";
import { decodeSafetensors } from "../storage/safetensors.ts";
import { decodeNpy } from "../datasets/npy.ts";
import { openDevice } from "../engine/device.ts";
import { DeviceLostError } from "../engine/backend/errors.ts";
import type { GradientRule } from "../engine/tensor/tensor.ts";
import { add } from "../engine/ops/binary.ts";
import { OPS } from "../engine/ops/registry.ts";
import { UNARY_OPS } from "../engine/ops/unary.ts";
import { joinedSource, variantName } from "../kernels/kernel.ts";
import { KERNELS } from "../kernels/registry.ts";
import type { Checkpoint, Estimator, FitContext } from "../models/estimator.ts";
import { METHODS } from "../models/registry.ts";
import { inFolder, rowsAndLabels, run, stop } from "./command_line.ts";

const ROOT = new URL("../", import.meta.url);

const BLOBS = ["--data", "blobs.csv", "--class-column", "last", "--device", "cpu"];
const SMALL = ["--hidden", "8,8", "--latent", "2"];

Deno.test("every command has help with an example", async () => {
  const commands = [
    [],
    ["train"],
    ["predict"],
    ["embed"],
    ["generate"],
    ["evaluate"],
    ["explain"],
    ["compare"],
    ["sweep"],
    ["audit"],
    ["audit", "gradients"],
    ["audit", "kernels"],
    ["data"],
    ["data", "list"],
    ["data", "info"],
    ["data", "fetch"],
    ["runs"],
    ["runs", "list"],
    ["runs", "show"],
    ["runs", "rm"],
    ["completions"],
    ["info"],
  ];
  const outcomes = await Promise.all(commands.map((words) => run([...words, "--help"])));
  for (const [i, { code, out, err }] of outcomes.entries()) {
    assertEquals([code, err], [0, ""], commands[i].join(" "));
    assertStringIncludes(out, "Example");
    assertStringIncludes(out, "deno run -P cli.ts");
  }
  for (const model of Object.keys(METHODS)) assertStringIncludes(outcomes[1].out, model);
});

/** The long flags of the options that a help lists. */
function flagsIn(help: string): string[] {
  return [...help.matchAll(/^ {2}(?:-\w, )?--([a-z0-9-]+)/gm)].map(([, name]) => name);
}

Deno.test("every model's short help fits a screen, and --help-all lists all its options", async () => {
  const forms = ["--help", "--help-all"];
  const commands = [
    ...Object.keys(METHODS).map((model) => ["train", "--model", model]),
    ["compare", "--models", "dynae,ae-kmeans"],
    ["sweep"],
    ["classify"],
    ["segment"],
  ];
  const outcomes = await Promise.all(
    commands.map((words) => Promise.all(forms.map((form) => run([...words, form])))),
  );
  const seen = new Set<string>();
  for (const [i, [short, all]] of outcomes.entries()) {
    const words = commands[i].join(" ");
    assertEquals([short.code, short.err, all.code, all.err], [0, "", 0, ""], words);
    const lines = short.out.split("\n");
    assert(lines.length <= 42, `${words}: ${lines.length} lines`);
    assertEquals(lines.filter((line) => line.length > 80), [], words);
    const [few, every] = [flagsIn(short.out), flagsIn(all.out)];
    assert(few.length <= 16 && few.includes("help-all"), `${words}: ${few}`);
    assertEquals(every.slice(0, few.length), few, "both begin alike");
    assertStringIncludes(short.out, `\n--help-all: ${every.length - few.length} more options`);
    for (const name of few) seen.add(name);
    const [command, , model] = commands[i];
    if (command !== "train") continue;
    for (const { name } of METHODS[model].options) assert(every.includes(kebabCase(name)), name);
    for (const profile of Object.keys(METHODS[model].profiles)) {
      assertStringIncludes(short.out, profile);
      assertStringIncludes(all.out, `\n  ${profile} `);
    }
  }
  // No name in the list has gone stale.
  assertEquals(OFTEN.filter((name) => !seen.has(name)), []);
});

Deno.test("of an option that is given twice the last value counts, in what is looked up first too", () =>
  inFolder(async (folder) => {
    const train = ["train", "--model", "kmeans", "--model=gmm", "--print-config"];
    assertMatch((await run(train)).out, /^model = "gmm"[^]*^covariance = /m);
    const rows = ["--data", "rows.csv", "--clusters", "3", "--seeds", "1", "--device", "cpu"];
    const first = await run(["compare", "--models", "gmm", ...rows, "--out", "a"], folder);
    assertEquals(first.code, 0, first.err);
    const second = ["compare", "--models", "kmeans", ...rows, "--out", "a", "--out", "b"];
    assertEquals((await run(second, folder)).code, 0);
    const runs = Array.from(Deno.readDirSync(`${folder}/b`), ({ name }) => name);
    assert(runs.includes("kmeans-seed0") && !runs.includes("gmm-seed0"), runs.join());
  }));

Deno.test("a wrong flag is guessed from all options, not only from those of the short help", async () => {
  const { code, err } = await run(["train", "--kapa", "0.2"]);
  assertEquals(code, 2);
  assertStringIncludes(err, "did you mean --kappa?");
});

Deno.test("what is wrong with the command line is said on one line, with exit code 2", async () => {
  const cases: [args: string[], message: string][] = [
    [["trian"], "did you mean train?"],
    [["train", "--modle", "dynae"], "did you mean --model?"],
    [["train", "--model", "dynea"], 'unknown model "dynea" (did you mean dynae?)'],
    [["train", "--profile", "offical"], "(did you mean official?)"],
    [["train", "--data", "optdigit"], "(did you mean optdigits?)"],
    [["train", "--steps", "many"], '--steps takes an integer, got "many"'],
    [["train", "--latent", "0"], "--latent must be an integer ≥ 1, got 0"],
    [["train", "--gamma", "sum"], '--gamma takes a number or auto or sums, got "sum"'],
    [["train", "--gamma", "-1"], "--gamma must be a number ≥ 0, or auto or sums, got -1"],
    [["train", "--hidden", "5,x"], "--hidden takes a list such as 500,500,2000"],
    [["train", "--critic", "onn"], "unknown value of --critic"],
    [["train", "--device", "gpu"], 'unknown device "gpu" (did you mean webgpu?)'],
    [["train", "--scale", "huge"], "--scale takes none, unit, standard, auto or a divisor"],
    [
      ["train", "--scale", "-1"],
      "--scale takes none, unit, standard, auto or a divisor above 0, got",
    ],
    [["train", "--scale", "1e400"], 'a divisor above 0, got "1e400"'],
    [["train", "--limit", "5"], "--clusters is 10"],
    [["train", "--resume", "/nowhere"], "there is no /nowhere/run.json"],
    [["train", "extra"], "too many arguments"],
    [["train", "--debug", "plan,tiem"], 'unknown --debug topic "tiem" (did you mean time?)'],
    [["info", "--debug", "plan"], 'unknown --debug topic "plan"'],
    [["predict", "--data", "optdigits"], "required option '--run <dir>' not specified"],
    [["data", "fetch", "mnits"], "did you mean mnist?"],
    [["audit", "kernels", "--kernel", "dnese"], "did you mean dense?"],
    [["audit", "kernels", "--show", "dens"], 'unknown kernel "dens" (did you mean dense?)'],
    [["audit", "gradients", "--only", "nothing"], 'no check\'s name contains "nothing"'],
  ];
  const outcomes = await Promise.all(cases.map(([args]) => run(args)));
  for (const [i, { code, err }] of outcomes.entries()) {
    assertStringIncludes(err, cases[i][1]);
    assertEquals([code, err.trim().split("\n").length], [2, 1], err);
  }
  const { code, err } = await run(["train", "--data", "no.csv"]);
  assertEquals(code, 1);
  assertStringIncludes(err, "no.csv: there is no such file");
});

Deno.test("--labels and --label-column are known for --classes and --class-column, not shown", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/classes.txt`, "0\n1\n".repeat(120));
    const info = (...args: string[]) => run(["data", "info", "--json", ...args], folder);
    const column = await info("blobs.csv", "--class-column", "last");
    assertEquals(column.code, 0, column.err);
    assertEquals(JSON.parse(column.out).classes, 3);
    assertEquals(await info("blobs.csv", "--label-column", "last"), column);
    const file = await info("rows.csv", "--classes", "classes.txt");
    assertEquals(JSON.parse(file.out).classes, 2);
    assertEquals(await info("rows.csv", "--labels", "classes.txt"), file);

    const trained = await run(
      ["train", "--data", "blobs.csv", "--label-column", "last", "--model", "kmeans", "--json"],
      folder,
    );
    assertEquals(trained.code, 0, trained.err);
    const { data, results } = JSON.parse(trained.out);
    assertEquals([data.request.classColumn, data.request.labelColumn, results.acc], [
      "last",
      undefined,
      1,
    ]);

    const both = await info("rows.csv", "--labels", "a", "--classes", "b");
    assertEquals(both.code, 2);
    assertStringIncludes(
      both.err,
      "'--labels <path>' cannot be used with option '--classes <path>'",
    );
    const help = await run(["train", "--help"]);
    assertStringIncludes(help.out, "--classes <path>");
    assertStringIncludes(help.out, "--class-column <column>");
    assertEquals(/--label/.test(help.out), false);
  }));

Deno.test("no adapter is exit code 4, and leaves nothing", () =>
  inFolder(async (folder) => {
    // A backend that this system cannot have.
    const backend = Deno.build.os === "windows" ? "metal" : "dx12";
    const env = { DENO_WEBGPU_BACKEND: backend };
    const train = ["train", "--data", "rows.csv", "--device", "webgpu"];
    const { code, err } = await run(train, folder, { env });
    assertEquals([code, err], [4, "error: WebGPU finds no adapter on this machine\n"]);
    await assertRejects(() => Deno.stat(`${folder}/runs`), Deno.errors.NotFound);
  }));

Deno.test("no library writes on stderr where XDG_RUNTIME_DIR is not set", async () => {
  const env = { XDG_RUNTIME_DIR: "" };
  const [info, audit] = await Promise.all([
    run(["info"], ROOT, { env }),
    run(["audit", "kernels", "--kernel", "gather", "--device", "auto"], ROOT, { env }),
  ]);
  assertEquals([info.code, info.err], [0, ""]);
  assertEquals([audit.code, audit.err.includes("XDG_RUNTIME_DIR")], [0, false]);
});

Deno.test("evaluate scores labels of any supported form", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/labels.csv`, "row,label\n0,2\n1,2\n2,0\n3,1\n");
    await Deno.writeTextFile(`${folder}/truth.txt`, "0\n0\n1\n1\n");
    await Deno.writeTextFile(`${folder}/short.txt`, "0\n0\n1\n");
    const args = ["evaluate", "--labels", "labels.csv", "--truth"];
    const json = await run([...args, "truth.txt", "--json"], folder);
    const { acc, nmi, ari } = JSON.parse(json.out);
    assertAlmostEquals(acc, 0.75);
    assertAlmostEquals(nmi, 0.8);
    assertAlmostEquals(ari, 4 / 7);
    assertEquals(json.code, 0);
    const table = await run([...args, "truth.txt"], folder);
    assertStringIncludes(table.out, "labels.csv  0.7500  0.8000  0.5714");
    const short = await run([...args, "short.txt"], folder);
    assertEquals(short.code, 1);
    assertStringIncludes(short.err, "labels.csv holds 4 labels, short.txt 3");
    const named = await run([...args, "truth.txt", "--truth-column", "nosuch"], folder);
    assertEquals([named.code, named.out], [1, ""]);
    assertStringIncludes(
      named.err,
      'truth.txt: it has one column, and that is not called "nosuch"; --truth-column is',
    );
    const set = await run([...args, "optdigits", "--truth-column", "nosuch"], folder);
    assertEquals(set.code, 2);
    assertStringIncludes(set.err, "--truth-column is for a table, and optdigits is a named set");
  }));

Deno.test("evaluate reads tables of text alone with or without names, as it is told", () =>
  inFolder(async (folder) => {
    const write = (name: string, text: string) => Deno.writeTextFile(`${folder}/${name}`, text);
    // The first row's cluster has no other row: without it, the score is another.
    await write("at.csv", "r0,c\nr1,a\nr2,b\nr3,a\n");
    await write("al.csv", "r0,z\nr1,x\nr2,y\nr3,x\n");
    await write("bare.txt", "z\nx\ny\nx\n");
    const columns = ["--labels-column", "1", "--truth-column", "1"];
    const evaluate = (...args: string[]) =>
      run(["evaluate", "--truth", "at.csv", ...args, "--json"], folder);
    const guessed = await evaluate("--labels", "al.csv", ...columns);
    assertStringIncludes(
      guessed.err,
      'note: at.csv: its first line, "r0,c", is taken for names; --truth-header no reads it as',
    );
    assertStringIncludes(guessed.err, "--labels-header no reads it as a row");
    const no = ["--truth-header", "no"];
    const told = await evaluate("--labels", "al.csv", ...columns, ...no, "--labels-header", "no");
    assertEquals([told.err, JSON.parse(told.out).acc], ["", 1]);
    const bare = await evaluate("--labels", "bare.txt", "--truth-column", "1", ...no);
    assertEquals(JSON.parse(bare.out).acc, 1);
    assertStringIncludes(bare.err, 'first line, "z", is taken for a class; --labels-header yes');
    await write("named.txt", "label\nz\nx\ny\nx\n");
    const yes = ["--labels-header", "yes"];
    const named = await evaluate("--labels", "named.txt", ...yes, "--truth-column", "1", ...no);
    assertEquals([named.err, JSON.parse(named.out).acc], ["", 1]);
    const wide = await evaluate("--labels", "al.csv");
    assertStringIncludes(wide.err, "--labels-column takes a column of a table");
  }));

Deno.test("a name above one class a line is no class", () =>
  inFolder(async (folder) => {
    const write = (name: string, text: string) => Deno.writeTextFile(`${folder}/${name}`, text);
    await write("run.csv", "row,label\n0,0\n1,0\n2,1\n3,1\n");
    await write("kind.txt", "kind\na\na\nb\nb\n");
    await write("words.txt", "my kind\na b\na b\nb\nb\n");
    await write("alone.txt", "a\nb\nb\nb\n");
    const evaluate = (labels: string, truth: string, ...args: string[]) =>
      run(["evaluate", "--labels", labels, "--truth", truth, "--json", ...args], folder);
    for (const truth of ["kind.txt", "words.txt"]) {
      const { out, err } = await evaluate("run.csv", truth);
      assertEquals(JSON.parse(out).acc, 1);
      assertStringIncludes(err, "is taken for a name; --truth-header no takes it for a class");
    }
    await write("unknown.csv", "a,b,kind\n0,1,x\n0,2,?\n9,1,x\n9,2,?\n");
    const counted = await run(["data", "info", "unknown.csv", "--class-column", "kind"], folder);
    assertStringIncludes(counted.err, "the class of 2 rows is ?, which counts as a class");
    await write("known.txt", "?\n?\nb\nb\n");
    const scored = await evaluate("known.txt", "run.csv", "--truth-column", "label");
    assertStringIncludes(scored.err, "known.txt: the class of 2 rows is ?, which counts");
    const both = await evaluate("kind.txt", "kind.txt", "--truth-header", "yes");
    assertEquals([JSON.parse(both.out).acc, both.err.match(/note/g)?.length], [1, 1], both.err);
    const told = await evaluate(
      "alone.txt",
      "run.csv",
      "--labels-header",
      "no",
      "--truth-column",
      "1",
    );
    assertEquals([told.err, JSON.parse(told.out).acc], ["", 0.75]);
    const twice = await run(["evaluate", "--labels", "-", "--truth", "-"], folder, {
      input: new TextEncoder().encode("0\n1\n"),
    });
    assertEquals(twice.code, 1);
    assertStringIncludes(twice.err, "standard input is read already");
  }));

Deno.test("data and info print tables and JSON", async () => {
  const [list, optdigits, unfetched, ships, info] = await Promise.all([
    run(["data", "list", "--json"]),
    run(["data", "info", "optdigits", "--json"]),
    run(["data", "info", "usps"], ROOT, { env: { HOME: "/nonexistent", XDG_CACHE_HOME: "" } }),
    run(["data", "fetch", "optdigits"]),
    run(["info", "--json"]),
  ]);
  const names = JSON.parse(list.out).map(({ name }: { name: string }) => name);
  assertEquals(names.slice(0, 2), ["optdigits", "mnist"]);
  const facts = JSON.parse(optdigits.out);
  assertEquals([facts.n, facts.d, facts.classes, facts.scaling], [
    5620,
    64,
    10,
    { kind: "divisor", divisor: 16 },
  ]);
  assertEquals(facts.counts.length, 10);
  assertStringIncludes(unfetched.out, "not here yet");
  assertStringIncludes(ships.out, "ships with this package");
  assertEquals(JSON.parse(info.out).cpu.kind, "cpu");
  assertEquals([list, optdigits, unfetched, ships, info].map(({ code }) => code), [0, 0, 0, 0, 0]);
});

Deno.test("data info counts columns as options do", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/t.csv`, "x,1,2,a\ny,3,4,b\nx,5,6,a\n");
    const columns = ["--class-column", "first", "--one-hot", "3"];
    const { out, err } = await run(["data", "info", "t.csv", ...columns], folder);
    assertEquals(err, "");
    for (const line of [/^ *1 +1 +5 *$/m, /^ *2 +2 +6 *$/m, /^ *3 +a b *$/m]) {
      assertMatch(out, line);
    }
  }));

Deno.test("a run leaves all its files, which predict, embed and evaluate read", () =>
  inFolder(async (folder) => {
    const args = [
      "train",
      ...BLOBS,
      ...SMALL,
      "--pretrain-steps",
      "20",
      "--construction-steps",
      "20",
      "--steps",
      "20",
    ];
    const trained = await run([...args, "--no-pretrain-decay", "--seed", "3"], folder);
    assertEquals(trained.code, 0, trained.err);
    for (
      const name of ["k-means on the data", "graph partition of the pre-trained code", "dynae"]
    ) {
      assertMatch(trained.out, new RegExp(`^${name} +[01]\\.\\d{4} `, "m"));
    }
    assertStringIncludes(trained.err, "pre-training 20/20");
    assertStringIncludes(trained.err, "layouts of the neighbour graph 1,500/1,500");
    const path = "runs/dynae-blobs-seed3";
    const file = (name: string) => `${folder}/${path}/${name}`;
    const record: RunRecord = JSON.parse(await Deno.readTextFile(file("run.json")));
    const { configuration: { options }, results, data, status, versions, device } = record;
    assertEquals([status, record.seed, record.stopReason], ["finished", 3, "20 steps"]);
    assertEquals([options.clusters, options.hidden, options.pretrainDecay], [3, [8, 8], false]);
    assertEquals([data.name, data.n, data.d, data.scaling.kind], ["blobs.csv", 240, 4, "none"]);
    assertEquals(versions.deno, Deno.version.deno);
    assertEquals([device.requested, device.used?.kind], ["cpu", "cpu"]);
    assertEquals(results?.partitions["k-means on the data"].acc, 1);
    assertEquals(results?.clusterSizes.reduce((sum, size) => sum + size), 240);
    const codes = decodeNpy(await Deno.readFile(file("embedding.npy")), "embedding.npy");
    assertEquals(codes.shape, [240, 2]);
    const rows = (await Deno.readTextFile(file("metrics.jsonl"))).trim().split("\n");
    assert(rows.map((row) => JSON.parse(row)).some(({ phase }) => phase === "clustering"));

    const model = ["--run", path, "--data", "rows.csv", "--device", "cpu"];
    const [labels, csv, npy, scores, again] = await Promise.all([
      run(["predict", ...model], folder),
      run(["embed", ...model], folder),
      run(["embed", ...model, "-o", "codes.npy"], folder),
      run(["evaluate", "--labels", `${path}/labels.csv`, "--truth", "t.npy", "--json"], folder),
      run(["train", "--resume", path], folder),
    ]);
    assertMatch(labels.out, /^row,label\n0,[012]\n/);
    assertEquals(labels.out.trim().split("\n").length, 241);
    assertMatch(csv.out, /^z0,z1\n/);
    assertEquals(npy.code, 0, npy.err);
    const again2 = decodeNpy(await Deno.readFile(`${folder}/codes.npy`), "codes.npy");
    assertEquals(again2.values, codes.values);
    assertEquals([scores.code, scores.err], [
      1,
      "error: Cannot read t.npy: there is no such file\n",
    ]);
    assertEquals(again.code, 0);
    assertStringIncludes(again.err, "is finished already: 20 steps");
    assertEquals(again.out, trained.out);

    const [taken, conflict, wrong, format] = await Promise.all([
      run([...args, "--out", path], folder),
      run(["train", "--resume", path, "--steps", "30"], folder),
      run(["predict", "--run", path, "--data", "optdigits"], folder),
      run(["predict", ...model, "-o", "labels.png"], folder),
    ]);
    assertEquals(taken.code, 2);
    assertStringIncludes(taken.err, "exists already");
    assertEquals(conflict.code, 2);
    assertStringIncludes(conflict.err, "--steps 30 conflicts with the run");
    assertEquals(wrong.code, 1);
    assertStringIncludes(wrong.err, "its rows have 64 values, expected 4");
    assertEquals(format.code, 2);
  }));

Deno.test("--debug shows plans and times, and changes no byte of the results", () =>
  inFolder(async (folder) => {
    const train = [
      "train",
      ...BLOBS,
      ...SMALL,
      "--pretrain-steps",
      "30",
      "--construction-steps",
      "20",
      "--steps",
      "40",
    ];
    const [plain, shown] = await Promise.all([
      run([...train, "--out", "plain"], folder),
      run([...train, "--out", "shown", "--debug", "plan,time"], folder),
    ]);
    assertEquals([plain.code, shown.code], [0, 0], shown.err);
    assertEquals(shown.out, plain.out);
    for (const file of ["checkpoint.safetensors", "metrics.jsonl", "labels.csv", "embedding.npy"]) {
      const bytes = (name: string) => Deno.readFile(`${folder}/${name}/${file}`);
      assertEquals(await bytes("shown"), await bytes("plain"), file);
    }
    assertMatch(shown.err, /\npre-training, a step on WebAssembly SIMD/);
    assertMatch(shown.err, /dense \+ relu +dense +dense +.*encoder\.0\.weight/);
    assertMatch(shown.err, /\npre-training: 30 steps in .* ms a step\n/);
    assertMatch(shown.err, /\nlimit, measured on this device now: \d/);
    assertEquals(plain.err.includes("a step on"), false);
  }));

Deno.test("--debug shows the stack of an error, alone or asked for by name", async () => {
  const train = ["train", "--data", "no.csv"];
  const options = [[], ["--debug"], ["--debug", "stack"], ["--debug=plan,stack"], ["--debug=plan"]];
  const outcomes = await Promise.all(options.map((debug) => run([...train, ...debug])));
  const stacks = outcomes.map(({ err }) => /\n +at /.test(err));
  assertEquals(stacks, [false, true, true, true, false]);
});

Deno.test("without classes there are cluster sizes; new rows are standardised like the old", () =>
  inFolder(async (folder) => {
    const args = ["train", "--model", "kmeans", "--data", "rows.csv", "--scale", "standard"];
    const trained = await run([...args, "--clusters", "3", "--json", "--device", "cpu"], folder);
    assertEquals(trained.code, 0, trained.err);
    const { folder: path, results, data } = JSON.parse(trained.out);
    assertEquals(path, "runs/kmeans-rows-seed0");
    const { diagnostics, ...rest } = results;
    assertEquals(diagnostics.comparedRows, 240);
    assertGreater(diagnostics.silhouette, 0.5);
    assertEquals(diagnostics.normalizedCut, 0);
    const resumed = await run(["train", "--resume", path], folder);
    assertMatch(resumed.out, /\n\nsilhouette +Calinski–Harabasz +Davies–Bouldin +inertia +norm/);
    assertEquals(rest, { clusterSizes: [80, 80, 80], partitions: {}, warnings: [] });
    assertEquals([data.scaling.kind, data.scaling.mean.length], ["standard", data.d]);
    const expected = rowsAndLabels(await Deno.readTextFile(`${folder}/${path}/labels.csv`));
    const predict = ["predict", "--run", path, "--device", "cpu", "--data"];
    assertEquals((await run([...predict, "rows.csv"], folder)).out, expected);
    const first = (await Deno.readTextFile(`${folder}/rows.csv`)).split("\n").slice(0, 3);
    await Deno.writeTextFile(`${folder}/two.csv`, `${first.join("\n")}\n`);
    const { out } = await run([...predict, "two.csv"], folder);
    assertEquals(out, expected.split("\n").slice(0, 3).join("\n") + "\n");
  }));

Deno.test({
  name: "a classification that is interrupted says so and keeps nothing",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      const args = ["classify", ...BLOBS, ...SMALL, "--pretrain-steps", "1000000"];
      const { code, err } = await stop(
        [...args, "--out", "labels.csv"],
        folder,
        "SIGTERM",
        (err) => err.includes("pre-training 1/1,000,000"),
      );
      assertEquals(code, 130, err);
      assertStringIncludes(err, "stopping at the next step; again to stop at once");
      assertStringIncludes(err, "error: interrupted");
      await assertRejects(() => Deno.stat(`${folder}/labels.csv`), Deno.errors.NotFound);
    }),
});

Deno.test({
  name: "an interrupted or killed run goes on to the same bytes",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      const steps = [
        "--pretrain-steps",
        "600",
        "--construction-steps",
        "9",
        "--steps",
        "600",
        "--tol",
        "0",
        "--gamma",
        "1",
      ];
      const args = ["train", ...BLOBS, ...SMALL, ...steps, "--no-baseline", "--save-steps", "100"];
      const whole = await run([...args, "--out", "whole"], folder);
      assertEquals(whole.code, 0, whole.err);

      const interrupted = await stop([...args, "--out", "interrupted"], folder, "SIGINT", (err) =>
        err.includes("pre-training 1/600"));
      assertEquals(interrupted.code, 130, interrupted.err);
      const early = await run(["predict", "--run", "interrupted", "--data", "rows.csv"], folder);
      assertEquals([early.code, early.out], [1, ""], early.err);
      assertStringIncludes(early.err, "written before there were clusters; finish the run first");
      assertStringIncludes(interrupted.err, "train --resume interrupted");
      const killed = await stop([...args, "--out", "killed"], folder, "SIGKILL", (err) =>
        err.includes("clustering 1/600"));
      assertEquals(killed.code, 137);

      const data = await Deno.readTextFile(`${folder}/blobs.csv`);
      await Deno.writeTextFile(`${folder}/blobs.csv`, data.replace("3.", "4."));
      const changed = await run(["train", "--resume", "interrupted"], folder);
      assertEquals(changed.code, 2);
      assertStringIncludes(changed.err, "the data have changed");
      await Deno.writeTextFile(`${folder}/blobs.csv`, data);

      for (const path of ["interrupted", "killed"]) {
        const { status } = JSON.parse(await Deno.readTextFile(`${folder}/${path}/run.json`));
        assertEquals(status, path === "killed" ? "running" : path);
        // It has no baseline either, for which nobody needs to ask again.
        const resumed = await run(["train", "--resume", path], folder);
        assertEquals(resumed.code, 0, resumed.err);
        assertEquals(resumed.out, whole.out);
        for (const name of ["labels.csv", "embedding.npy", "metrics.jsonl"]) {
          const [a, b] = await Promise.all([
            Deno.readFile(`${folder}/whole/${name}`),
            Deno.readFile(`${folder}/${path}/${name}`),
          ]);
          assertEquals(a, b, `${path}/${name}`);
        }
      }
    }),
});

Deno.test("audits print JSON that a program reads", async () => {
  const [kernels, gradients] = await Promise.all([
    run(["audit", "kernels", "--device", "cpu", "--kernel", "advance", "--json"]),
    run(["audit", "gradients", "--only", "3×4", "--json"]),
  ]);
  assertEquals([kernels.code, gradients.code], [0, 0], kernels.err + gradients.err);
  const audit = JSON.parse(kernels.out);
  assertEquals([audit.passed, audit.rows[0].kernel], [true, "advance"]);
  const { passed, checks } = JSON.parse(gradients.out);
  assert(passed && checks.length > 10);
  const table = await run(["audit", "gradients", "--only", "exp: matrix"]);
  assertMatch(table.out, /^exp: matrix .* pass/m);
});

Deno.test("audit kernels --show prints every shader of a kernel whole", async () => {
  for (const name of ["dense", "adam"]) {
    const { code, out, err } = await run(["audit", "kernels", "--show", name]);
    assertEquals(code, 0, err);
    const programs = Map.groupBy(KERNELS[name].shaders, joinedSource);
    for (const [source, variants] of programs) {
      const heading = `// ${name}, ${variants.map(variantName).join(", ")} (`;
      assertEquals(out.split(heading).length, 2, heading);
      assertStringIncludes(out.slice(out.indexOf(heading)), `)\n\n${source}\n`);
    }
    assertEquals(out.match(/^fn main/gm)?.length, programs.size);
  }
});

Deno.test("a wrong gradient rule is exit code 3, with the line that repeats it", async () => {
  const wrong = { ...UNARY_OPS.copy, name: "wrong" };
  const rule = wrong.gradient as GradientRule<unknown>;
  const ops = OPS as unknown[];
  let out = "";
  const capture = (bytes: Uint8Array) => {
    out += new TextDecoder().decode(bytes);
    return bytes.length;
  };
  const { stdout, stderr } = Deno;
  const [writeOut, writeError] = [stdout.writeSync, stderr.writeSync];
  ops.push({
    ...wrong,
    gradient: (...args: Parameters<typeof rule>) => rule(...args).map((g) => g && add(g, g)),
  }, { ...wrong, name: "wrongly unchecked", examples: [] });
  Object.assign(stdout, { writeSync: capture });
  Object.assign(stderr, { writeSync: capture });
  try {
    assertEquals(await main(["audit", "gradients", "--only", "wrong", "--seed", "5"]), 3);
  } finally {
    Object.assign(stdout, { writeSync: writeOut });
    Object.assign(stderr, { writeSync: writeError });
    ops.length -= 2;
  }
  assertMatch(out, /^wrong: matrix .* BREACH\n {2}target 0 .* rule .*, difference /m);
  assertMatch(out, /again: deno run -P cli.ts audit gradients --seed 5 --only "wrong: matrix"$/m);
  assertStringIncludes(out, "no example to check it on");
  assertStringIncludes(out, "error: 2 of 2 checks failed");
});

/** An estimator whose device is lost `losses` times, each time after a checkpoint. */
function fragileEstimator(losses: number, resumes: (Checkpoint | undefined)[]) {
  return {
    async fit({ n }: { n: number }, { resume, save }: FitContext) {
      resumes.push(resume);
      await save?.({ variables: new Map(), host: { history: [{ step: resumes.length }] } });
      if (resumes.length <= losses) throw new DeviceLostError("the device was lost", "lost");
      return {
        labels: new Uint32Array(n),
        clusterCenters: new Float32Array(1),
        embedding: new Float32Array(n),
        embeddingSize: 1,
        nIter: 1,
        stopReason: "done",
        history: [],
        partitions: {},
      };
    },
    predictProba: ({ n }: { n: number }) => Promise.resolve(new Float32Array(n).fill(1)),
    dispose: () => Promise.resolve(),
  } as unknown as Estimator;
}

Deno.test("a lost device is opened again three times, each from the last checkpoint", () =>
  inFolder(async (folder) => {
    const dataset = await loadDataset(`${folder}/rows.csv`);
    const train = async (losses: number, resumes: (Checkpoint | undefined)[]) =>
      await runTraining({
        estimator: fragileEstimator(losses, resumes),
        dataset,
        folder: await RunFolder.create("", `${folder}/lost${losses}`),
        record: {
          schema: SCHEMA,
          status: "running",
          configuration: { model: "dynae", profile: "default", options: { clusters: 1 } },
          seed: 0,
          data: { ...dataset, request: { data: "rows.csv" } },
          device: { requested: "cpu" },
          baseline: false,
          versions: {},
          seconds: 0,
        },
        device: { device: "cpu", threads: 1 },
        backend: await openDevice({ device: "cpu", threads: 1 }),
      });
    const resumes: (Checkpoint | undefined)[] = [];
    const record = await train(3, resumes);
    assertEquals([record.status, record.results?.clusterSizes], ["finished", [240]]);
    assertEquals(resumes.map((resume) => resume?.host.history), [
      undefined,
      [{ step: 1 }],
      [{ step: 2 }],
      [{ step: 3 }],
    ]);
    await assertRejects(() => train(4, []), DeviceLostError);
    const { record: failed } = await RunFolder.open(`${folder}/lost4`);
    assertEquals(failed.status, "failed");
  }));

Deno.test("--stream trains on the file as loading it does, predicts, and resumes only as started", () =>
  inFolder(async (folder) => {
    const { data, n, d } = await loadDataset(`${folder}/rows.csv`);
    await Deno.writeFile(`${folder}/rows.npy`, encodeNpy(data, [n, d]));
    const steps = [
      "--pretrain-steps",
      "30",
      "--construction-steps",
      "20",
      "--steps",
      "20",
      "--clusters",
      "3",
      "--device",
      "cpu",
    ];
    const train = async (out: string, ...extra: string[]) => {
      const args = ["train", "--data", "rows.npy", ...SMALL, ...steps, "--out", out, ...extra];
      const { code, err } = await run(args, folder);
      assertEquals(code, 0, err);
      return await Deno.readTextFile(`${folder}/${out}/labels.csv`);
    };
    const expected = await train("resident", "--no-baseline");
    assertEquals(await train("streamed", "--stream"), expected);
    const predict = ["predict", "--run", "streamed", "--data", "rows.npy", "--stream"];
    assertEquals((await run(predict, folder)).out, rowsAndLabels(expected));
    const resume = await run(["train", "--resume", "resident", "--stream"], folder);
    assertStringIncludes(resume.err, "--stream true conflicts");
    for (const model of ["kmeans", "gmm"]) {
      const args = ["train", "--model", model, "--data", "rows.npy", "--stream", "--clusters", "3"];
      const refused = await run([...args, "--out", "none"], folder);
      assertEquals(refused.code, 2);
      assertStringIncludes(refused.err, `${model} needs all rows in memory; leave --stream out`);
      await assertRejects(() => Deno.stat(`${folder}/none`), Deno.errors.NotFound);
    }
    const named = await run(["train", "--data", "optdigits", "--stream"], folder);
    assertStringIncludes(named.err, "named set");
  }));

Deno.test("--from starts from another run's pre-trained network, and resumes by its own copy", () =>
  inFolder(async (folder) => {
    const steps = [
      ...BLOBS,
      ...SMALL,
      "--pretrain-steps",
      "60",
      "--no-baseline",
    ];
    const train = async (out: string, ...extra: string[]) => {
      const { code, err } = await run(["train", "--out", out, ...extra], folder);
      assertEquals(code, 0, err);
      const note = "note: --pretrain-steps has no effect: the network of --from is trained already";
      assertEquals(err.includes(note), extra.includes("--from"));
      return await Deno.readTextFile(`${folder}/${out}/labels.csv`);
    };
    await train("first", "--model", "ae-kmeans", ...steps);
    const short = [...steps, "--construction-steps", "40", "--steps", "40"];
    const whole = await train("whole", ...short);
    const later = [...short, "--from", "first"];
    assertEquals(await train("later", ...later), whole);
    const [a, b] = await Promise.all(
      ["first", "later"].map((name) => Deno.readFile(`${folder}/${name}/pretrained.safetensors`)),
    );
    assertEquals(readTensors(a), readTensors(b));
    await Deno.mkdir(`${folder}/deeper`);
    const config = ["train", "--config", "../later/run.json", "--out", "../again"];
    const again = await run(config, `${folder}/deeper`);
    assertEquals(again.code, 0, again.err);
    assertEquals(await Deno.readTextFile(`${folder}/again/labels.csv`), whole);
    const log = await Deno.readTextFile(`${folder}/later/metrics.jsonl`);
    assert(!log.includes('"pre-training"'), log);

    await run(["train", "--model", "kmeans", ...BLOBS, "--out", "k"], folder);
    const failures: [args: string[], message: string][] = [
      [["--model", "kmeans", ...BLOBS, "--from", "first"], "kmeans has none"],
      [[...steps, "--from", "nowhere"], "is not the folder of a run"],
      [[...steps, "--from", "k"], "k is a run of kmeans, which pre-trained no network"],
      [
        [...steps, "--hidden", "9,9", "--from", "first"],
        "the network of first has --hidden 8,8, this run's 9,9",
      ],
      [["--data", "optdigits", "--from", "first"], "was trained on 4 columns, the data have 64"],
    ];
    for (const [args, message] of failures) {
      const { code, err } = await run(["train", ...args], folder);
      assert(code !== 0);
      assertStringIncludes(err, message);
    }
  }));

/** The tensors of a safetensors file. */
function readTensors(bytes: Uint8Array) {
  return decodeSafetensors(bytes, "file").tensors;
}

Deno.test("the folder of a run of another layout is refused, in words", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/run.json`, JSON.stringify({ schema: 1 }));
    const { code, err } = await run(["predict", "--run", ".", "--data", "rows.csv"], folder);
    assertEquals(code, 1);
    assertStringIncludes(err, "run.json: schema is 1, expected 4: that is what dynae");
  }));

Deno.test("a folder that is somebody's is left as it is, and no run to go on with", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/pics`);
    await Deno.writeTextFile(`${folder}/pics/a.png`, "");
    const train = ["train", "--model", "kmeans", ...BLOBS, "--out"];
    const refused = await run([...train, "pics"], folder);
    assertEquals([refused.code, refused.err], [
      2,
      "error: pics exists already and holds a.png; name another folder\n",
    ]);
    assertEquals(Array.from(Deno.readDirSync(`${folder}/pics`), ({ name }) => name), ["a.png"]);
    assertEquals((await run([...train, "k"], folder)).code, 0);
    const taken = await run([...train, "k"], folder);
    assertStringIncludes(
      taken.err,
      "k exists already and holds a run; go on with it by --resume k,",
    );
  }));

Deno.test("folders of runs are counted, never overwritten", async () => {
  const folder = await Deno.makeTempDir();
  const here = Deno.cwd();
  try {
    Deno.chdir(folder);
    const names = [];
    for (let i = 0; i < 3; i++) names.push((await RunFolder.create("a")).path);
    assertEquals(names, ["runs/a", "runs/a-2", "runs/a-3"]);
  } finally {
    Deno.chdir(here);
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the folder of a run keeps the letters of the data's name, of every script", () =>
  inFolder(async (folder) => {
    await Deno.rename(`${folder}/rows.csv`, `${folder}/données 1 日本;.csv`);
    const train = [
      "train",
      "--data",
      "données 1 日本;.csv",
      "--model",
      "kmeans",
      "--clusters",
      "3",
    ];
    const { code, err } = await run([...train, "--device", "cpu", "--no-report"], folder);
    assertEquals(code, 0, err);
    assertStringIncludes(err, "The run is in runs/kmeans-données_1_日本_-seed0\n");
    await Deno.stat(`${folder}/runs/kmeans-données_1_日本_-seed0/run.json`);
  }));

Deno.test("a strip of centroids is a PNG", async () => {
  const png = await centroidStrip(Float32Array.from({ length: 12 }, (_, i) => i), {
    height: 2,
    width: 3,
    range: [0, 11],
  });
  assertEquals([...png.subarray(1, 4)], [0x50, 0x4e, 0x47]);
  const view = new DataView(png.buffer, png.byteOffset);
  // Both images three wide, scaled by 22, with a gap of 4 between.
  assertEquals([view.getUint32(16), view.getUint32(20)], [2 * 66 + 4, 44]);
});

Deno.test("suggestions are close, and only then made", () => {
  assertEquals(editDistance("", "abc"), 3);
  assertEquals(editDistance("dynea", "dynae"), 1);
  assertEquals(editDistance("kitten", "sitting"), 3);
  const names = ["dynae", "ae-kmeans", "kmeans"];
  assertEquals(nearest("kmaens", names), "kmeans");
  assertEquals(nearest("DYNAE", names), "dynae");
  assertEquals(nearest("ae-km", names), "ae-kmeans");
  assertEquals(nearest("gpu", ["auto", "cpu", "webgpu"]), "webgpu");
  assertEquals(nearest("transformer", names), undefined);
});

Deno.test("numbers are written for people", () => {
  assertEquals([0, 0.01234, 4.5678, 123456, 1e-7].map(formatNumber), [
    "0",
    "0.0123",
    "4.57",
    "1.23e+5",
    "1.00e-7",
  ]);
  assertEquals([0.26, 59, 250, 7500, NaN].map(formatDuration), [
    "0.3 s",
    "59 s",
    "4 min 10 s",
    "2 h 5 min",
    "?",
  ]);
  assertEquals([0, 999, 9_912_422].map(formatBytes), ["0 B", "999 B", "9.9 MB"]);
  assertEquals(
    formatTable(["a", "n"], [["x", "10"], ["longer", "2"]]),
    [
      "a        n",
      "x       10",
      "longer   2",
    ].join("\n"),
  );
  assertGreater(formatTable(["a"], []).length, 0);
});
