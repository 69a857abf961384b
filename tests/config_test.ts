import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { repeatCommand } from "../cli/repeat_command.ts";
import type { RunRecord } from "../cli/run_record.ts";
import { inFolder, run } from "./command_line.ts";

const SMALL = `data = "blobs.csv"
class-column = "last"
model = "ae-kmeans"
device = "cpu"
threads = 1
hidden = [8, 8]
latent = 2
pretrain-steps = 20
pretrain-decay = false
header = true
ignore = ["a", "b"]
baseline = false
report = false
`;

Deno.test("--config gives options from TOML, JSON and run.json; the command line wins", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/small.toml`, SMALL);
    const train = async (...args: string[]) => {
      const { code, out, err } = await run(["train", "--json", ...args], folder);
      assertEquals(code, 0, err);
      return JSON.parse(out);
    };
    const first = await train("--config", "small.toml", "--latent", "3");
    const { options } = first.configuration;
    assertEquals(
      [options.hidden, options.latent, options.pretrainSteps, options.pretrainDecay],
      [[8, 8], 3, 20, false],
    );
    assertEquals([first.data.d, first.results.partitions], [2, {}]);

    const again = await train("--config", `${first.folder}/run.json`);
    assertEquals(again.folder, `${first.folder}-2`);
    const kept = ({ configuration, data, results, seed, baseline, report }: RunRecord) => {
      return { configuration, data, results, seed, baseline, report };
    };
    assertEquals(kept(again), kept(first));
    assertEquals([again.baseline, again.report], [false, false]);
    await assertRejects(() => Deno.stat(`${folder}/${again.folder}/report.html`));
    assertStringIncludes(repeatCommand(again), " --no-baseline --no-report");

    const printed = await run(["train", "--config", "small.toml", "--print-config"], folder);
    assertEquals([printed.code, printed.err], [0, ""]);
    await Deno.writeTextFile(`${folder}/printed.toml`, printed.out);
    const from = ["train", "--config", "printed.toml", "--print-config"];
    assertEquals(await run(from, folder), printed);
    assertStringIncludes(printed.out, 'batch-order = "shuffled"');
    await Deno.writeTextFile(`${folder}/small.json`, '{ "model": "kmeans", "nInit": 2 }');
    const json = await run(["train", "--config", "small.json", "--print-config"], folder);
    assertStringIncludes(json.out, "n-init = 2\n");
  }));

Deno.test("the command line goes before the file by whichever name an option has", () =>
  inFolder(async (folder) => {
    const write = (name: string, text: string) => Deno.writeTextFile(`${folder}/${name}`, text);
    await write("two.txt", "0\n1\n".repeat(120));
    const model = 'model = "kmeans"\ndevice = "cpu"\nreport = false\n';
    await write("file.toml", `${model}data = "rows.csv"\nclasses = "none.txt"\n`);
    await write("column.toml", `${model}data = "blobs.csv"\nlabel-column = "none"\n`);
    const given = [
      ["--config", "file.toml", "--labels", "two.txt"],
      ["--config", "file.toml", "--classes=two.txt"],
      ["--config", "column.toml", "--class-column", "last"],
      ["--config", "column.toml", "--label-column", "last"],
    ];
    const outcomes = await Promise.all(
      given.map((args) => run(["train", ...args, "--json"], folder)),
    );
    const clusters = outcomes.map(({ code, out, err }) => {
      assertEquals(code, 0, err);
      return JSON.parse(out).configuration.options.clusters;
    });
    assertEquals(clusters, [2, 2, 3, 3]);
  }));

Deno.test("a list in --config gives an option as often as it has entries", () =>
  inFolder(async (folder) => {
    const over = 'over = ["clusters=2,3", "n-init=1,2"]\nout = "grid"\nmodel = "kmeans"\n';
    await Deno.writeTextFile(`${folder}/grid.toml`, over);
    const { code, out, err } = await run(
      ["sweep", "--config", "grid.toml", "--data", "rows.csv", "--seeds", "1", "--device", "cpu"],
      folder,
    );
    assertEquals(code, 0, err);
    assertEquals(out.match(/^\| +[23] +\| +[12] +\|/gm)?.length, 4, out);
  }));

Deno.test("what is wrong in --config is said with the file, the key and what would be right", () =>
  inFolder(async (folder) => {
    const cases: [name: string, text: string, message: string][] = [
      ["a.toml", "kapa = 1", 'a.toml: unknown key "kapa" (did you mean kappa?)'],
      ["b.toml", "zzzzz = 1", 'b.toml: unknown key "zzzzz" (train --help-all shows what there is)'],
      ["c.toml", 'model = "kmeans"\nkappa = 1', "--kappa is no option of kmeans"],
      ["d.toml", 'steps = "many"', 'd.toml: --steps takes an integer, got "many"'],
      ["e.toml", "[data]\nx = 1", "e.toml: data must be a text, a number, true, false or a list"],
      ["f.toml", "stream = 3", "f.toml: stream must be true or false, got 3"],
      ["g.toml", "a = 1\nmodel =", "--config g.toml: Invalid TOML document: "],
      ["h.json", "[1]", '--config h.json: it must hold options and their values, { "seed": 1 }'],
      ["i.toml", 'missing = "maybe"', "i.toml: --missing: Allowed choices are error, drop"],
      ["j.toml", 'config = "a.toml"', 'j.toml: unknown key "config"'],
    ];
    for (const [name, text] of cases) await Deno.writeTextFile(`${folder}/${name}`, text);
    const outcomes = await Promise.all(
      [...cases.map(([name]) => name), "none.toml", "."].map((name) =>
        run(["train", "--config", name], folder)
      ),
    );
    const messages = [
      ...cases.map(([, , message]) => message),
      "there is no such file",
      "--config .: it is a folder; name a file in it",
    ];
    for (const [i, { code, err }] of outcomes.entries()) {
      assertStringIncludes(err, messages[i]);
      assertEquals([code, err.trim().split("\n").length], [2, 1], err);
    }
  }));

Deno.test("a run's run.json is for train; other commands say so", () =>
  inFolder(async (folder) => {
    const small = ["--data", "blobs.csv", "--class-column", "last", "--model", "kmeans"];
    const { code, err } = await run(
      ["train", ...small, "--device", "cpu", "--no-report", "--out", "first"],
      folder,
    );
    assertEquals(code, 0, err);
    const commands = [["compare"], ["sweep", "--over", "n-init=1,2"], ["reproduce", "curves"]];
    for (const words of commands) {
      const [name] = words;
      const asked = [...words, "--out", "x", "--config", "first/run.json"];
      const refused = await run(asked, folder);
      assertEquals(refused.code, 2, refused.err);
      assertStringIncludes(
        refused.err,
        `it is the run.json of a run, which train takes; ${name} takes TOML or JSON`,
      );
      const help = await run([name, "--help-all"], folder);
      assertEquals(help.out.includes("run.json; given"), false, help.out);
    }
  }));
