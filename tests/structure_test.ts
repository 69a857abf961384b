/** The arrows between the rooms, and where files are touched. */
import { assertEquals } from "@std/assert";

const ROOT = new URL("../", import.meta.url).pathname;

/** What the modules of a room may import from, next to their own room. */
const BELOW: Readonly<Record<string, readonly string[]>> = {
  kernels: [],
  engine: ["kernels"],
  models: ["engine", "kernels"],
  // The one file of storage/ that knows nobody.
  datasets: ["storage/atomic_file.ts"],
  storage: ["datasets", "models", "engine", "deno.json"],
  cli: ["storage", "datasets", "models", "engine", "kernels"],
  bench: ["storage", "datasets", "models", "engine", "kernels"],
};

/** The TypeScript files of a room, by their paths from the root. */
async function modulesOf(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(ROOT + folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) found.push(...await modulesOf(path));
    else if (name.endsWith(".ts")) found.push(path);
  }
  return found.sort();
}

/** What a module imports from this repository, by paths from the root. */
function importsOf(path: string, text: string): string[] {
  const specifiers = [
    ...text.matchAll(/^(?:import|export|\} from)\b[^"\n]*"(\.[^"]+)"|import\("(\.[^"]+)"\)/gm),
  ];
  return specifiers.map(([, fixed, lazy]) =>
    new URL(fixed ?? lazy, `file:///${path}`).pathname.slice(1)
  );
}

Deno.test("arrows between the rooms point down", async () => {
  const wrong: string[] = [];
  for (const [room, below] of Object.entries(BELOW)) {
    for (const path of await modulesOf(room)) {
      const text = await Deno.readTextFile(ROOT + path);
      for (const target of importsOf(path, text)) {
        const allowed = [room, ...below].some((place) =>
          target === place || target.startsWith(`${place}/`)
        );
        if (!allowed) wrong.push(`${path} imports ${target}`);
      }
    }
  }
  assertEquals(wrong, []);
});

Deno.test("kernels, engine, models and the encoding of checkpoints call no function of Deno's", async () => {
  const modules = (await Promise.all(["kernels", "engine", "models"].map(modulesOf))).flat();
  const mentions: string[] = [];
  for (
    const path of [
      ...modules,
      "storage/checkpoint.ts",
      "storage/model.ts",
      "storage/safetensors.ts",
    ]
  ) {
    const lines = (await Deno.readTextFile(ROOT + path)).split("\n");
    const found = lines.filter((line) => /\bDeno\./.test(line));
    mentions.push(...found.map((line) => `${path}: ${line.trim()}`));
  }
  // Asks for nothing: without permission to read the worker's file there are no workers.
  assertEquals(mentions, [
    'engine/cpu/crew.ts: return Deno.permissions.querySync({ name: "read", path }).state === "granted"',
  ]);
});
