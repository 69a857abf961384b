/** A copy of the tree in a temporary folder, to see what adding something takes. */

/** The root of the tree. */
export const ROOT = new URL("..", import.meta.url);

/** What is copied. */
const TREE = [
  ...["cli.ts", "mod.ts", "deno.json", "deno.lock"],
  ...["kernels", "engine", "models", "datasets", "storage", "export", "report", "cli", "bench"],
  "tests",
];

/** A copy, and what can be done with it. */
export interface TreeCopy extends Disposable {
  /** A file of the copy. */
  at(path: string): URL;
  /** Runs Deno in the copy. */
  deno(...args: string[]): Promise<{ code: number; out: string; error: string }>;
}

/** Makes a copy, which goes when it is disposed of. */
export function copyTree(): TreeCopy {
  const folder = Deno.makeTempDirSync({ prefix: "dynae_copy_" });
  const at = (path: string) => new URL(`file://${folder}/${path}`);
  for (const name of TREE) {
    const slash = Deno.statSync(new URL(name, ROOT)).isDirectory ? "/" : "";
    copy(new URL(name + slash, ROOT), at(name + slash));
  }
  return {
    at,
    async deno(...args) {
      const env = { NO_COLOR: "1", XDG_RUNTIME_DIR: "/tmp" };
      const command = new Deno.Command(Deno.execPath(), { args, cwd: folder, env });
      const { code, stdout, stderr } = await command.output();
      const decoder = new TextDecoder();
      return { code, out: decoder.decode(stdout), error: decoder.decode(stderr) };
    },
    [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }),
  };
}

function copy(from: URL, to: URL): void {
  if (Deno.statSync(from).isFile) return Deno.copyFileSync(from, to);
  Deno.mkdirSync(to);
  for (const { name, isDirectory } of Deno.readDirSync(from)) {
    if (name === "results" || name === "node_modules") continue;
    const slash = isDirectory ? "/" : "";
    copy(new URL(name + slash, from), new URL(name + slash, to));
  }
}
