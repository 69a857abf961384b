/** The arrows of CONTRIBUTING's picture: which module may know which. */
import { assertEquals } from "@std/assert";
import { OPS } from "../engine/ops/registry.ts";
import { KERNELS } from "../kernels/registry.ts";

const ROOT = new URL("..", import.meta.url);

/** Types that modules take from above: only the names that a registry has. */
const UPWARD = new Set([
  "engine/ops/registered.ts → engine/ops/registry.ts",
  "kernels/registered.ts → kernels/registry.ts",
]);

/** Paths of a folder's modules. */
function modulesOf(folder: string): string[] {
  return Array.from(Deno.readDirSync(new URL(folder, ROOT))).flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    if (isDirectory) return modulesOf(path);
    return name.endsWith(".ts") ? [path] : [];
  });
}

/** What a module imports of the tree, types included. */
function importsOf(path: string): string[] {
  const source = Deno.readTextFileSync(new URL(path, ROOT));
  return Array.from(source.matchAll(/^(?:import|export|\}) ?.*?from "(\.[^"]*\.ts)";$/gm))
    .map(([, specifier]) => new URL(specifier, new URL(path, ROOT)).href.slice(ROOT.href.length))
    .filter((imported) => !UPWARD.has(`${path} → ${imported}`));
}

/** Of each folder, whom its modules may know. */
const BELOW: Readonly<Record<string, readonly string[]>> = {
  kernels: ["kernels"],
  engine: ["engine", "kernels"],
  models: ["models", "engine", "kernels"],
  datasets: ["datasets", "storage/atomic_file.ts"],
  storage: ["storage", "datasets", "models", "engine", "deno.json"],
  export: ["export", "datasets", "models", "engine", "kernels"],
  report: ["report", "storage", "datasets", "models", "engine", "kernels"],
  web: ["web", "report", "export", "storage", "datasets", "models", "engine", "kernels"],
  cli: ["cli", "report", "web", "export", "storage", "datasets", "models", "engine", "kernels"],
  bench: ["bench", "storage", "datasets", "models", "engine", "kernels"],
};

const MODULES = new Map(
  Object.keys(BELOW).flatMap(modulesOf).map((path) => [path, importsOf(path)]),
);

Deno.test("arrows point down only", () => {
  const upward = Array.from(MODULES).flatMap(([path, imports]) =>
    imports.filter((imported) =>
      !BELOW[path.split("/")[0]].some((place) =>
        imported === place || imported.startsWith(`${place}/`)
      )
    )
      .map((imported) => `${path} → ${imported}`)
  );
  assertEquals(upward, []);
});

/** The ways that lead from something back to itself. */
function circlesOf(graph: ReadonlyMap<string, Iterable<string>>): string[] {
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (place: string, way: readonly string[]) => {
    const start = way.indexOf(place);
    if (start >= 0) circles.push([...way.slice(start), place].join(" → "));
    if (start >= 0 || done.has(place)) return;
    for (const next of graph.get(place) ?? []) visit(next, [...way, place]);
    done.add(place);
  };
  for (const place of graph.keys()) visit(place, []);
  return circles;
}

Deno.test("no module knows itself by way of others, in types either", () => {
  assertEquals(circlesOf(MODULES), []);
});

Deno.test("no room of the engine knows itself by way of others", () => {
  const roomOf = (path: string) => path.split("/").slice(0, 2).join("/");
  const rooms = new Map<string, Set<string>>();
  for (const [path, imports] of MODULES) {
    if (!path.startsWith("engine/")) continue;
    const known = rooms.get(roomOf(path)) ?? new Set();
    imports.map(roomOf).filter((room) => room !== roomOf(path)).forEach((room) => known.add(room));
    rooms.set(roomOf(path), known);
  }
  assertEquals(circlesOf(rooms), []);
});

Deno.test("kernels, engine, models, exports, reports and the encoding of checkpoints call no function of Deno's", () => {
  const pure = ["storage/checkpoint.ts", "storage/model.ts", "storage/safetensors.ts"];
  const mentions = [
    ...["kernels", "engine", "models", "export", "report"].flatMap(modulesOf),
    ...pure,
  ]
    .flatMap(
      (path) =>
        Deno.readTextFileSync(new URL(path, ROOT)).split("\n")
          .filter((line) => /\bDeno\./.test(line))
          .map((line) => `${path}: ${line.trim()}`),
    );
  // Asks for nothing: without permission to read the worker's file there are no workers.
  assertEquals(mentions, [
    'engine/cpu/crew.ts: return Deno.permissions.querySync({ name: "read", path }).state === "granted"',
  ]);
});

/** What a folder's modules export that has all of these fields, lists of such things included. */
async function exportsOf(folder: string, ...fields: string[]): Promise<Set<unknown>> {
  const isOne = (value: unknown) =>
    typeof value === "object" && value !== null && fields.every((field) => field in value);
  const found = new Set<unknown>();
  for (const path of modulesOf(folder)) {
    for (const value of Object.values(await import(new URL(path, ROOT).href))) {
      if (isOne(value)) found.add(value);
      else if (typeof value !== "object" || value === null) continue;
      else for (const part of Object.values(value)) if (isOne(part)) found.add(part);
    }
  }
  return found;
}

Deno.test("paths of the tree's files are not taken of URLs as they are, where blanks are %20", () => {
  const escaped = ["bench", "cli", "npm", "tests", "web"].flatMap(modulesOf).filter((path) => {
    const source = Deno.readTextFileSync(new URL(path, ROOT));
    return /(import\.meta\.(url|resolve\(\w*)|ROOT|root)\)+\.pathname/.test(source);
  });
  assertEquals(escaped, []);
});

Deno.test("every kernel and op of the folders is in its registry", async () => {
  assertEquals(
    await exportsOf("kernels", "bindings", "reference"),
    new Set(Object.values(KERNELS)),
  );
  assertEquals(await exportsOf("engine/ops", "memory", "infer"), new Set<unknown>(OPS));
});
