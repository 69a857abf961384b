import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { inFolder, run } from "./command_line.ts";
import { gpuTest } from "./gpu.ts";

const ROOT = new URL("../", import.meta.url);

/** A run of a second or two. */
const TINY = [
  ...["--data", "optdigits", "--limit", "300", "--model", "dynae", "--seed", "3"],
  ...["--hidden", "16", "--latent", "2", "--batch-size", "32", "--n-init", "2"],
  ...["--critic", "trained", "--log-interval", "20", "--check-interval", "10", "--tol", "0"],
];

/** Steps of each phase. */
function steps(count: number): string[] {
  const options = ["--pretrain-steps", "--construction-steps", "--steps"];
  return options.flatMap((option) => [option, `${count}`]);
}

/** What must not depend on how often a run died. */
const FILES = ["labels.csv", "embedding.npy", "checkpoint.safetensors", "metrics.jsonl"];

function train(...args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-P", "--allow-write", "cli.ts", "train", ...args],
    cwd: ROOT,
    stdout: "null",
    stderr: "piped",
    env: { XDG_RUNTIME_DIR: "/tmp" },
  }).spawn();
}

/** Waits for the end; the text of stderr is the message where the exit code is another. */
async function finish(process: Deno.ChildProcess, code = 0): Promise<string> {
  const { code: actual, stderr } = await process.output();
  const text = new TextDecoder().decode(stderr);
  assertEquals(actual, code, text);
  return text;
}

/** Kills the process as soon as `due` says so; false where it ended before. */
async function killWhen(process: Deno.ChildProcess, due: () => boolean): Promise<boolean> {
  const output = process.output();
  let ended = false;
  output.then(() => ended = true);
  while (!ended && !due()) await new Promise((resolve) => setTimeout(resolve, 3));
  const killed = !ended;
  if (killed) process.kill("SIGKILL");
  const { signal, stderr, success } = await output;
  // It may end by itself between the look and the signal.
  assert(signal === "SIGKILL" || success, new TextDecoder().decode(stderr));
  return killed && signal === "SIGKILL";
}

function modified(path: string): number {
  try {
    return Deno.statSync(path).mtime!.getTime();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

/** True after `count` more versions of the file were seen, and `delay` ms have passed since. */
function afterVersions(path: string, count: number, delay: number): () => boolean {
  let last = modified(path);
  let seen = 0;
  let reached = Infinity;
  return () => {
    const now = modified(path);
    if (now !== last) {
      last = now;
      if (++seen === count) reached = performance.now();
    }
    return performance.now() >= reached + delay;
  };
}

function filesOf(folder: string): Record<string, Uint8Array> {
  return Object.fromEntries(FILES.map((name) => [name, Deno.readFileSync(`${folder}/${name}`)]));
}

/** Kills a run `kills` times at random points, goes on each time, and compares what is left. */
async function checkKills(run: string[], device: string[], kills: number): Promise<void> {
  const folder = await Deno.makeTempDir();
  const [whole, broken] = [`${folder}/whole`, `${folder}/broken`];
  const always = [...device, "--save-steps", "4", "--no-baseline"];
  try {
    await finish(train(...run, ...always, "--out", whole));
    const points: string[] = [];
    for (let i = 0; i < kills; i++) {
      // The first kill comes before or just after the first checkpoint, the others later.
      const versions = i === 0 ? 1 : 1 + Math.floor(Math.random() * 8);
      const delay = Math.floor(Math.random() * 40);
      const started = modified(`${broken}/run.json`) > 0;
      const process = started
        ? train("--resume", broken, ...always)
        : train(...run, ...always, "--out", broken);
      const due = afterVersions(`${broken}/checkpoint.safetensors`, versions, delay);
      const killed = await killWhen(process, due);
      points.push(`${versions} checkpoints + ${delay} ms${killed ? "" : " (ended before)"}`);
      if (!killed) break;
    }
    assertGreater(points.filter((point) => !point.endsWith(")")).length, 0, "no kill came in time");
    await finish(train("--resume", broken, ...always));
    const [expected, actual] = [filesOf(whole), filesOf(broken)];
    for (const name of FILES) {
      assertEquals(actual[name], expected[name], `${name}, killed after ${points.join(", ")}`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a run that is killed several times ends with the bytes of an unbroken one", async () => {
  await checkKills([...TINY, ...steps(150)], ["--device", "cpu", "--threads", "2"], 4);
});

gpuTest("a run on WebGPU that is killed ends with the bytes of an unbroken one", async () => {
  await checkKills([...TINY, ...steps(50)], ["--device", "webgpu"], 2);
});

Deno.test("a run that is killed before its first checkpoint starts anew", async () => {
  const folder = await Deno.makeTempDir();
  const args = ["--device", "cpu", "--threads", "1", "--no-baseline"];
  try {
    const path = `${folder}/run`;
    const process = train(...TINY, ...steps(100), ...args, "--out", path);
    assert(await killWhen(process, () => modified(`${path}/metrics.jsonl`) > 0));
    assertEquals(modified(`${path}/checkpoint.safetensors`), 0);
    const text = await finish(train("--resume", path, ...args));
    assertStringIncludes(text, "from the beginning");
    assertGreater(modified(`${path}/labels.csv`), 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("an interrupted run saves, ends with 130, and goes on to the same bytes", async () => {
  const folder = await Deno.makeTempDir();
  const args = ["--device", "cpu", "--threads", "1", "--no-baseline"];
  try {
    const [whole, broken] = [`${folder}/whole`, `${folder}/broken`];
    await finish(train(...TINY, ...steps(100), ...args, "--out", whole));
    const process = train(...TINY, ...steps(100), ...args, "--out", broken);
    while (modified(`${broken}/metrics.jsonl`) === 0) {
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    process.kill("SIGINT");
    const text = await finish(process, 130);
    assertStringIncludes(text, `train --resume ${broken}`);
    await finish(train("--resume", broken, ...args));
    assertEquals(filesOf(broken), filesOf(whole));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("classes that have changed are refused, as rows are, where they are recorded", () =>
  inFolder(async (folder) => {
    const write = (name: string, text: string) => Deno.writeTextFile(`${folder}/${name}`, text);
    const record = async (changes: object, dataChanges: object = {}) => {
      const path = "runs/kmeans-rows-seed0/run.json";
      const { data, ...rest } = JSON.parse(await Deno.readTextFile(`${folder}/${path}`));
      const changed = { ...rest, ...changes, data: { ...data, ...dataChanges } };
      await write(path, JSON.stringify(changed));
    };
    await write("classes.txt", "0\n1\n2\n".repeat(80));
    const data = ["--data", "rows.csv", "--classes", "classes.txt", "--device", "cpu"];
    const trained = await run(["train", "--model", "kmeans", ...data], folder);
    assertEquals(trained.code, 0, trained.err);
    const seeds = ["compare", "--models", "kmeans", ...data, "--seeds", "2", "--out", "two"];
    assertEquals((await run(seeds, folder)).code, 0);

    await record({ status: "interrupted" });
    await Deno.remove(`${folder}/two/kmeans-seed1`, { recursive: true });
    await write("classes.txt", "0\n1\n1\n".repeat(80));
    const resume = ["train", "--resume", "runs/kmeans-rows-seed0"];
    const refused = await run(resume, folder);
    assertStringIncludes(refused.err, "the data have changed since runs/kmeans-rows-seed0 was");
    assertStringIncludes(refused.err, "the digest of the classes is ");
    assertEquals(refused.code, 2);
    const planned = await run(["compare", "--out", "two"], folder);
    assertStringIncludes(planned.err, "the plan was made: the digest of the classes is ");
    assertEquals(planned.code, 1);
    // As runs of before are.
    await record({}, { classDigest: undefined });
    const old = await run(resume, folder);
    assertEquals(old.code, 0, old.err);
    const rows = await Deno.readTextFile(`${folder}/rows.csv`);
    await write(
      "other.csv",
      rows.replace(/\d(?=\n$)/, (digit) => String((Number(digit) + 1) % 10)),
    );
    const finished = await run([...resume, "--data", "other.csv"], folder);
    assertStringIncludes(finished.err, "the data have changed since runs/kmeans-rows-seed0 was");
    assertEquals([finished.code, finished.out], [2, ""]);
    await write("moved.csv", rows);
    const moved = await run([...resume, "--data", "moved.csv"], folder);
    assertStringIncludes(moved.err, "is finished already");

    await write("classes.txt", "0\n1\n2\n".repeat(80));
    const again = await run(["compare", "--out", "two"], folder);
    assertEquals(again.code, 0, again.err);
  }));
