/** Array jobs on a real Slurm, which `cluster.sh` starts: `deno task test:slurm`. */
import { fileURLToPath } from "node:url";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { inFolder, run } from "../command_line.ts";

const SCRIPT = fileURLToPath(new URL("cluster.sh", import.meta.url));

/** What is missing for a Slurm of its own; empty where nothing is. */
async function missing(): Promise<string> {
  const programs = ["slurmctld", "slurmd", "munged", "sbatch", "squeue", "scancel"];
  const paths = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];
  const absent = programs.filter((name) => !paths.some((path) => exists(`${path}/${name}`)));
  if (absent.length > 0) return `there is no ${absent.join(", ")} (Debian: slurm-wlm, munge)`;
  return (await call("id", ["-u"])).trim() === "0" ? "" : "it needs root";
}

/** Why these tests are left out. */
const REASON = await missing();

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Registers a test that gets an environment with Slurm, or says loudly that it is left out. */
function slurmTest(
  name: string,
  fn: (folder: string, env: Record<string, string>) => Promise<void>,
): void {
  if (REASON !== "") {
    console.warn(`NOT TESTED, no Slurm can be started here: ${REASON}: ${name}`);
    Deno.test({ name, ignore: true, fn: () => {} });
    return;
  }
  Deno.test(name, () =>
    inFolder(async (folder) => {
      const cluster = await Deno.makeTempDir({ prefix: "slurm-" });
      try {
        await call(SCRIPT, ["start", cluster]);
        await fn(folder, { SLURM_CONF: `${cluster}/slurm.conf` });
      } finally {
        await call(SCRIPT, ["stop", cluster]);
        await Deno.remove(cluster, { recursive: true });
      }
    }));
}

/** A program's standard output; its stderr is the message where it fails. */
async function call(
  program: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args, env }).output();
  if (!success) throw new Error(`${program} ${args[0]}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

const COMPARE = [
  ...["compare", "--data", "blobs.csv", "--class-column", "last", "--device", "cpu"],
  ...["--threads", "1", "--hidden", "8,8", "--latent", "2", "--pretrain-steps", "100"],
  ...["--construction-steps", "20"],
  ...["--models", "dynae,kmeans", "--seeds", "2", "--tol", "0", "--from-same-pretraining"],
];

/** The rows of a table without what depends on time. */
function rowsOf(json: string) {
  return JSON.parse(json).rows.map(
    (
      { setting, finished, statistics: { acc, nmi, ari, steps } }: {
        setting: unknown;
        finished: number;
        statistics: Record<string, unknown>;
      },
    ) => ({ setting, finished, acc, nmi, ari, steps }),
  );
}

slurmTest("an array job makes the table that the same runs make here", async (folder, env) => {
  const args = [...COMPARE, "--steps", "100"];
  const here = await run([...args, "--out", "here", "--json"], folder);
  assertEquals(here.code, 0, here.err);
  const permissions = "-P=slurm";
  // A name that is neither an option of sbatch nor filled in by it.
  const out = "-there 50%A";
  const submit = ["--out", out, "--launcher", "slurm", "--sbatch-args", "--wait --time=5"];
  const submitted = await run([...args, ...submit], folder, { env, permissions });
  assertEquals(submitted.code, 0, submitted.err);
  assertMatch(
    submitted.err,
    /^submitted 6 runs as jobs \d+, \d+; they write to \.\/-there 50%A\/slurm/,
  );
  const there = await run(["compare", "--out", out, "--gather", "--json"], folder);
  assertEquals(rowsOf(there.out), rowsOf(here.out), there.err);
  const again = await run(["compare", ...submit], folder, { env, permissions });
  assertEquals([again.code, again.err], [0, `${out}: all runs are finished\n`]);
});

slurmTest(
  "tasks that fail or are cancelled are told of, and submitted again",
  async (folder, env) => {
    const options = { env, permissions: "-P=slurm" };
    const submit = ["compare", "--out", "runs", "--launcher", "slurm", "--sbatch-args"];
    const long = ["--steps", "1000000", "--set", "kmeans.clusters=3"];
    const refused = await run(
      [...COMPARE, ...long, ...submit.slice(1), "--bad-option"],
      folder,
      options,
    );
    assertEquals(refused.code, 1);
    assertStringIncludes(refused.err, "error: sbatch: ");
    const submitted = await run([...submit, "--time=5"], folder, options);
    assertEquals(submitted.code, 0, submitted.err);
    const jobs: string[] = JSON.parse(await Deno.readTextFile(`${folder}/runs/slurm/jobs.json`));
    const busy = await run([...submit, "--time=5"], folder, options);
    assertEquals(busy.code, 1);
    assertMatch(busy.err, /^error: Slurm still has .* of this plan; wait, or end it by scancel\n$/);

    const gather = async () => (await run(["compare", "--out", "runs", "--gather"], folder)).out;
    await until(async () => /^- dynae-seed0: running$/m.test(await gather()));
    await call("scancel", jobs, env);
    await until(async () => (await call("squeue", ["--noheader"], env)).trim() === "");
    const left = await gather();
    assertMatch(left, /^- dynae-seed0: (interrupted|stopped): after /m);
    assertMatch(left, /^\| kmeans .* 2 of 2 \|/m);

    const rest = await run([...submit, "--time=5"], folder, options);
    assertMatch(rest.err, /^submitted 2 runs as job \d+;/);
    await call(
      "scancel",
      JSON.parse(await Deno.readTextFile(`${folder}/runs/slurm/jobs.json`)),
      env,
    );
    await until(async () => (await call("squeue", ["--noheader"], env)).trim() === "");
  },
);

async function until(isReached: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 60_000;
  while (!await isReached()) {
    if (performance.now() > end) throw new Error("waited for 60 s in vain");
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
