/** `deno task gpu`: its budget, and that a part that fails or hangs costs the others nothing. */
import { assert, assertEquals } from "@std/assert";
import { PARTS } from "../bench/gpu/parts.ts";
import {
  type Budgeted,
  FULL_SECONDS,
  GRACE_SECONDS,
  limitOf,
  OUT_OF_TIME,
  type Result,
  runSchedule,
} from "../bench/gpu/schedule.ts";
import { summarize } from "../bench/gpu/summary.ts";

/** What a part does, by its name. */
const PROGRAMS: Readonly<Record<string, string>> = {
  good: `console.log(JSON.stringify({ value: 1 })); console.log("a driver speaks");`,
  bad: `console.log(JSON.stringify({ value: 2 })); throw new Error("no such device");`,
  cut: `console.log(JSON.stringify({ value: 3 })); Deno.exit(${OUT_OF_TIME});`,
  crashed: `Deno.kill(Deno.pid, "SIGKILL");`,
  hanging: `console.log(JSON.stringify({ value: 4 })); setInterval(() => {}, 1000);`,
};

async function run(parts: readonly Budgeted[], seconds: number) {
  const results: Result[] = [];
  const ends = await runSchedule(parts, {
    seconds,
    command: (name) => ["eval", PROGRAMS[name]],
    record(result) {
      results.push(result);
      return Promise.resolve();
    },
  });
  return { results, ends: Object.fromEntries(ends) };
}

Deno.test("gpu bench: a part has its share of the budget, and of what is left but the grace", () => {
  const part = { name: "part", seconds: 60 };
  assertEquals(limitOf(part, FULL_SECONDS, FULL_SECONDS), 60);
  assertEquals(limitOf(part, FULL_SECONDS / 2, FULL_SECONDS / 2), 30);
  assertEquals(limitOf(part, FULL_SECONDS, 25 + GRACE_SECONDS), 25);
  assertEquals(limitOf({ ...part, seconds: Infinity }, FULL_SECONDS, 100), 100 - GRACE_SECONDS);
  assertEquals(limitOf(part, FULL_SECONDS, GRACE_SECONDS), 0);
});

Deno.test("gpu bench: what fails, crashes, is cut short or hangs leaves its rows, and the rest runs", async () => {
  const parts = ["bad", "crashed", "hanging", "cut", "good"].map((name) => ({
    name,
    seconds: name === "hanging" ? 1 : FULL_SECONDS,
  }));
  const { results, ends } = await run(parts, FULL_SECONDS);
  assertEquals(ends, {
    bad: "failed",
    crashed: "failed",
    hanging: "out of time",
    cut: "out of time",
    good: "done",
  });
  const rows = results.filter((row) => "value" in row || "output" in row);
  assertEquals(rows, [
    { part: "bad", value: 2 },
    { part: "hanging", value: 4 },
    { part: "cut", value: 3 },
    { part: "good", value: 1 },
    { part: "good", output: "a driver speaks" },
  ]);
  const reasonOf = (name: string) =>
    String(results.find((row) => row.part === name && "status" in row)!.reason);
  assert(reasonOf("bad").includes("no such device"), reasonOf("bad"));
  assert(reasonOf("hanging").startsWith("killed"), reasonOf("hanging"));
});

Deno.test("gpu bench: without time nothing is begun, and the results say so", async () => {
  const { results, ends } = await run([{ name: "good", seconds: 60 }], GRACE_SECONDS);
  assertEquals(ends, { good: "skipped" });
  assertEquals(results.map(({ status }) => status), ["skipped"]);
});

Deno.test("gpu bench: the summary shows the last run of a part, and one that never ended", () => {
  const [info, audit] = PARTS;
  const text = summarize("an adapter", PARTS, [
    { part: info.name, started: "then" },
    { part: info.name, commit: "1111111" },
    { part: info.name, status: "failed", seconds: 3, reason: "no driver" },
    { part: info.name, started: "now" },
    { part: info.name, commit: "2222222" },
    { part: info.name, status: "done", seconds: 4 },
    { part: audit.name, started: "now" },
    { part: audit.name, kernel: "dense", verdict: "pass" },
    { part: audit.name, kernel: "gather", verdict: "breach" },
  ]);
  assert(text.startsWith("an adapter\n\ninfo: "), text);
  assert(text.includes("done after 4 s") && text.includes("2222222"), text);
  assert(!text.includes("1111111") && !text.includes("no driver"), text);
  assert(text.includes("not ended") && text.includes("gather") && !text.includes("dense"), text);
});

Deno.test("gpu bench: parts have names of their own", () => {
  assertEquals(new Set(PARTS.map(({ name }) => name)).size, PARTS.length);
});
