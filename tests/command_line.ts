/** Starts the command line in a folder with small data. */

const ROOT = new URL("../", import.meta.url);
const CLI = new URL("cli.ts", ROOT).pathname;

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
  { env = {}, permissions = "-P", write = "--allow-write" }: {
    env?: Record<string, string>;
    permissions?: string;
    write?: string;
  } = {},
): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", permissions, write, CLI, ...args],
    cwd,
    env: { XDG_RUNTIME_DIR: "/tmp", NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

/** Runs a command to its end. */
export async function run(...args: Parameters<typeof command>): Promise<Outcome> {
  const { code, stdout, stderr } = await command(...args).output();
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
