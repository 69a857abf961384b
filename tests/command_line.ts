/** Starts the command line in a folder with small data. */
import { fileURLToPath } from "node:url";

const ROOT = new URL("../", import.meta.url);
const CLI = fileURLToPath(new URL("cli.ts", ROOT));

/** What a process left. */
export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** `deno run -P cli.ts …`, or with another permission set; tests write to folders elsewhere. */
export function command(
  args: readonly string[],
  cwd: string | URL = ROOT,
  { env = {}, permissions = "-P", write = "--allow-write", input }: {
    env?: Record<string, string>;
    permissions?: string;
    write?: string;
    input?: Uint8Array;
  } = {},
): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", permissions, write, CLI, ...args],
    cwd,
    env: { XDG_RUNTIME_DIR: "/tmp", NO_COLOR: "1", ...env },
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  });
}

/** Runs a command to its end. */
export async function run(...args: Parameters<typeof command>): Promise<Outcome> {
  const child = command(...args).spawn();
  const input = args[2]?.input;
  if (input !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(input as Uint8Array<ArrayBuffer>);
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

/** Waits until the run has come to what `isReached` looks for, and ends it with a signal. */
export async function stop(
  args: readonly string[],
  folder: string,
  signal: Deno.Signal,
  isReached: (err: string) => boolean | Promise<boolean>,
): Promise<{ code: number; err: string }> {
  const child = command(args, folder).spawn();
  const decoder = new TextDecoder();
  let err = "";
  let sent = false;
  const out = child.stdout.cancel();
  for await (const chunk of child.stderr) {
    err += decoder.decode(chunk);
    if (sent || !await isReached(err)) continue;
    child.kill(signal);
    sent = true;
  }
  await out;
  return { code: (await child.status).code, err };
}

/** `blobs.csv`: three clusters of 4 columns, the last column names the class; `rows.csv`: without. */
export async function writeBlobs(folder: string): Promise<void> {
  const lines = ["a,b,c,d,class"];
  let state = 12345;
  const noise = () => (state = (state * 1103515245 + 12345) % 2 ** 31) / 2 ** 31 - 0.5;
  for (let i = 0; i < 240; i++) {
    const values = [0, 1, 2, 3].map((j) => ((j === i % 3 ? 3 : 0) + noise()).toFixed(4));
    lines.push(`${values.join(",")},c${i % 3}`);
  }
  await Deno.writeTextFile(`${folder}/blobs.csv`, `${lines.join("\n")}\n`);
  const rows = lines.map((line) => line.replace(/,[^,]*$/, ""));
  await Deno.writeTextFile(`${folder}/rows.csv`, `${rows.join("\n")}\n`);
}

/** Works in a folder that holds these files, and removes it. */
export async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await writeBlobs(folder);
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The columns `row` and `label` of a run's labels.csv, as predict writes them. */
export function rowsAndLabels(csv: string): string {
  const lines = csv.trim().split("\n").map((line) => line.split(","));
  const at = ["row", "label"].map((name) => lines[0].indexOf(name));
  return `${lines.map((cells) => at.map((i) => cells[i]).join(",")).join("\n")}\n`;
}
