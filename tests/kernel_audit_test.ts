import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { NoDeviceError } from "../engine/backend/errors.ts";
import { compareCase } from "../engine/audit/compare.ts";
import { compileKernels, openRuntimeCompiler, openTintCompiler } from "../engine/audit/compile.ts";
import { makeCase, SENTINELS } from "../engine/audit/fill.ts";
import type { AuditCase } from "../engine/audit/fill.ts";
import { auditKernels } from "../engine/audit/kernels.ts";
import type { KernelAuditOptions, KernelAuditRow } from "../engine/audit/kernels.ts";
import { openCpuTarget, openWebGpuTarget } from "../engine/audit/targets.ts";
import type { AuditTarget } from "../engine/audit/targets.ts";
import type { Kernel } from "../kernels/kernel.ts";
import { KERNELS } from "../kernels/registry.ts";
import { gpuTest } from "./gpu.ts";
import { scale, withDefect } from "./kernel_fixture.ts";

async function audit(
  open: () => Promise<AuditTarget>,
  kernels: Kernel[],
  options?: KernelAuditOptions,
): Promise<KernelAuditRow[]> {
  const target = await open();
  try {
    const named = Object.fromEntries(kernels.map((kernel) => [kernel.name, kernel]));
    return await Array.fromAsync(auditKernels(target, named, options));
  } finally {
    await target.dispose();
  }
}

/** The breaches of one kernel as "KIND in CASE", and the first message. */
async function breachesOf(kernel: Kernel): Promise<{ places: string[]; message: string }> {
  const [row] = await audit(openWebGpuTarget, [kernel]);
  assertEquals(row.verdict, row.breaches.length === 0 ? "pass" : "breach");
  return {
    places: row.breaches.map((breach) => `${breach.kind} in ${breach.case}`),
    message: row.breaches[0]?.message ?? "",
  };
}

/** One short line for each breach. */
function linesOf({ kernel, variant, breaches }: KernelAuditRow): string[] {
  return breaches.map((breach) =>
    `${kernel}, ${variant}: ${breach.kind} in ${breach.case}: ${breach.message.split("\n")[0]}`
  );
}

const sizes = [1, 64, 65, 1009].flatMap((n) => [`${n}`, `${n}, square`]);

gpuTest("a clean kernel passes", async () => {
  const [row] = await audit(openWebGpuTarget, [scale], { seed: 7 });
  assertEquals(row.breaches, []);
  assertEquals(row.verdict, "pass");
  assertEquals([row.kernel, row.variant, row.cases], ["scale", "scale.wgsl", 10]);
  assert(row.worst !== undefined && row.worst.fraction <= 1);
  assertEquals(
    row.replay,
    "deno run -P cli.ts audit kernels --device webgpu --kernel scale --seed 7",
  );
});

gpuTest("a wrong sign is caught", async () => {
  const broken = withDefect(scale, "= params.factor *", "= -params.factor *");
  const { places, message } = await breachesOf(broken);
  assertEquals(places, sizes.map((name) => `value in ${name}`));
  assertStringIncludes(message, "y[0]: ");
});

gpuTest("an error at the last element is caught", async () => {
  const { places, message } = await breachesOf(withDefect(scale, "i >=", "i + 1u >="));
  assertEquals(places, sizes.map((name) => `unwritten in ${name}`));
  assertEquals(message, "y[0]: not written");
  const short = { ...scale.shaders[0], workgroups: () => 1 };
  const { places: missing } = await breachesOf({ ...scale, shaders: [short] });
  assertEquals(missing, sizes.slice(4).map((name) => `unwritten in ${name}`));
});

gpuTest("an error in one branch at one edge is caught", async () => {
  const broken = withDefect(scale, "SQUARE == 1u", "SQUARE == 1u && i != 64u");
  const { places, message } = await breachesOf(broken);
  assertEquals(places, ["value in 65, square", "value in 1009, square"]);
  assertStringIncludes(message, "y[64]: ");
});

gpuTest("a write past the end is caught", async () => {
  const { places, message } = await breachesOf(withDefect(scale, "i >=", "i >"));
  // Where n is 64 the only workgroup ends with the array.
  assertEquals(places, sizes.filter((_, i) => i < 2 || i > 3).map((name) => `sentinel in ${name}`));
  assertStringIncludes(message, "written outside");
});

gpuTest("reading past the end is caught", async () => {
  const broken = withDefect(scale, "select(x[i],", "select(x[i + 1u],");
  const { places } = await breachesOf(broken);
  assert(places.includes("value in 1") && places.includes("value in 65"));
});

gpuTest("a shader that does not compile is caught, with its place", async () => {
  const { places, message } = await breachesOf(withDefect(scale, "let i =", "let j ="));
  assertEquals(places.length, 8);
  assert(places.every((place) => place.startsWith("compile in ")));
  assertStringIncludes(message, "scale.wgsl:16:6");
});

gpuTest("every variant is audited, and only listed ones may be chosen", async () => {
  const second = {
    ...withDefect(scale, "= params.factor *", "= -params.factor *").shaders[0],
    constants: { SQUARE: 0 },
  };
  const rows = await audit(openWebGpuTarget, [{ ...scale, shaders: [scale.shaders[0], second] }]);
  assertEquals(rows.map((row) => [row.variant, row.verdict]), [
    ["scale.wgsl", "pass"],
    ["scale.wgsl SQUARE 0", "breach"],
  ]);
  const [row] = await audit(openWebGpuTarget, [{ ...scale, choose: () => second }], { cases: 2 });
  assertEquals(row.breaches.map((breach) => breach.kind), ["failure", "failure"]);
});

gpuTest("a variant for subgroups that the adapter does not have is left out by name", async () => {
  const [shader] = scale.shaders;
  const kernel: Kernel = { ...scale, shaders: [shader, { ...shader, subgroupSize: 3 }] };
  const target = await openWebGpuTarget();
  try {
    assertEquals(target.variants(kernel).length, 1);
    assertEquals(target.leftOut(kernel), ["scale.wgsl"]);
  } finally {
    await target.dispose();
  }
});

Deno.test("a result that is off at the last element is caught on the CPU", async () => {
  const { unary } = KERNELS;
  const shifted: Kernel = {
    ...unary,
    reference(buffers, params, constants, begin, end) {
      unary.reference(buffers, params, constants, begin, end);
      const y = buffers[1];
      if (y.length > 0) y[y.length - 1] += 1;
    },
  };
  const rows = await audit(() => openCpuTarget(2), [shifted]);
  assertEquals(rows.map((row) => row.variant), [
    "relaxed, 1 thread",
    "relaxed, 2 threads",
    "strict, 1 thread",
    "strict, 2 threads",
  ]);
  for (const { breaches } of rows) {
    assert(breaches.length > 10 && breaches.every(({ kind }) => kind === "value"));
  }
});

/** What a perfect device leaves. */
function perfect({ images, expected }: AuditCase): Uint32Array<ArrayBuffer>[] {
  return images.map((image, i) => {
    const after = image.slice();
    const values = expected[i];
    const length = values.length;
    if (values instanceof Uint32Array) after.set(values, SENTINELS);
    else new Float32Array(after.buffer, 4 * SENTINELS, length).set(values);
    return after;
  });
}

Deno.test("comparison tells the kinds of breach", () => {
  const auditCase = makeCase(scale, scale.cases()[6], 1);
  const kinds = (change: (x: Uint32Array, y: Uint32Array) => void) => {
    const after = perfect(auditCase);
    change(after[0], after[1]);
    return compareCase(scale, auditCase, after).breaches.map(({ kind, message }) =>
      `${kind} ${message.split(":")[0]}`
    );
  };
  assertEquals(kinds(() => {}), []);
  assertEquals(kinds((x) => x[SENTINELS + 3] ^= 1), ["input-overwritten x[3]"]);
  assertEquals(kinds((x) => x[3] ^= 1), ["sentinel x[-61]"]);
  assertEquals(kinds((_, y) => y[SENTINELS - 1] = 0), ["sentinel y[-1]"]);
  assertEquals(kinds((_, y) => y[y.length - SENTINELS] = 0), ["sentinel y[65]"]);
  assertEquals(kinds((_, y) => y[y.length - 1] = 0), ["sentinel y[128]"]);
  assertEquals(kinds((_, y) => y[SENTINELS + 5] = auditCase.images[1][0]), ["unwritten y[5]"]);
  assertEquals(kinds((_, y) => y[SENTINELS + 7] ^= 2 ** 20), ["value y[7]"]);
  assertEquals(kinds((_, y) => y[SENTINELS] = 0x7fc00000), ["value y[0]"]);
  assertEquals(kinds((_, y) => y[SENTINELS] = 0x7f800000), ["value y[0]"]);
});

Deno.test("an output that the reference leaves alone must stay as it is", () => {
  const half: Kernel = {
    ...scale,
    reference: (buffers, params, constants, begin) =>
      scale.reference(buffers, params, constants, begin, Math.floor(params.n / 2)),
  };
  const auditCase = makeCase(half, scale.cases()[6], 1);
  const messages = compareCase(half, auditCase, perfect(makeCase(scale, scale.cases()[6], 1)))
    .breaches.map((breach) => breach.message);
  assertEquals(messages, ["y[32]: written, which the reference leaves as it is (and 32 more)"]);
});

Deno.test("fills depend on the seed and nothing else", () => {
  const fill = (seed: number) => makeCase(scale, scale.cases()[8], seed).images;
  assertEquals(fill(3), fill(3));
  assert(fill(3)[0].some((word, i) => word !== fill(4)[0][i]));
  const values = new Float32Array(fill(3)[0].buffer, 4 * SENTINELS, 1009);
  assert(values.every((value) => value >= -2 && value < 2));
  const mean = values.reduce((sum, value) => sum + value / 1009, 0);
  assert(Math.abs(mean) < 0.15);
});

Deno.test("options out of range are refused", async () => {
  const target = await openCpuTarget(1);
  const rows = (options: KernelAuditOptions) =>
    Array.fromAsync(auditKernels(target, { scale }, options));
  await assertRejects(() => rows({ seed: -1 }), RangeError, "seed -1");
  await assertRejects(() => rows({ cases: 0 }), RangeError, "cases 0");
  await target.dispose();
});

/** Tint, or a loud line: it is a development dependency with native code. */
async function openTint() {
  try {
    return await openTintCompiler();
  } catch (error) {
    if (!(error instanceof NoDeviceError) || Deno.env.get("REQUIRE_GPU") === "1") throw error;
    console.warn(`NOT TESTED: ${error.message}`);
  }
}

gpuTest("Tint refuses what naga lets pass", async () => {
  const divergent = withDefect(
    scale,
    "{ return; }",
    "{ workgroupBarrier(); return; }",
  );
  const runtime = await openRuntimeCompiler();
  const [row] = await Array.fromAsync(compileKernels(runtime, { scale }));
  assertEquals([row.combinations, row.errors], [2, []]);
  runtime.dispose();
  const tint = await openTint();
  if (tint === undefined) return;
  const rows = await Array.fromAsync(compileKernels(tint, { scale, divergent }));
  assertEquals(rows.map((row) => row.errors.length), [0, 2]);
  assertStringIncludes(rows[1].errors[0], "scale.wgsl:16:22: ");
  assertStringIncludes(rows[1].errors[0], "uniform control flow");
  tint.dispose();
});

Deno.test("every kernel passes on the CPU", async () => {
  const rows = await audit(() => openCpuTarget(2), Object.values(KERNELS));
  assertEquals(rows.flatMap(linesOf), []);
  assertEquals(rows.length, 4 * Object.keys(KERNELS).length);
});

gpuTest("every variant of every kernel passes on WebGPU", async () => {
  const rows = await audit(openWebGpuTarget, Object.values(KERNELS));
  assertEquals(rows.flatMap(linesOf), []);
});

gpuTest("every shader compiles, under Tint too", async () => {
  for (const compiler of [await openRuntimeCompiler(), await openTint()]) {
    if (compiler === undefined) continue;
    for await (const { errors } of compileKernels(compiler, KERNELS)) assertEquals(errors, []);
    compiler.dispose();
  }
});

Deno.test("where Tint is not installed, the audit says so and goes on", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const root = new URL("../", import.meta.url);
    const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
    delete config.imports.webgpu;
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify(config));
    await Deno.copyFile(new URL("deno.lock", root), `${folder}/deno.lock`);
    const cli = fileURLToPath(new URL("cli.ts", root));
    const audit = ["audit", "kernels", "--kernel", "fold", "--cases", "1"];
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", "--config", `${folder}/deno.json`, cli, ...audit],
      env: { XDG_RUNTIME_DIR: "/tmp", NO_COLOR: "1" },
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertEquals(code, 0, err);
    assertStringIncludes(out, "Tint was not asked: the npm package webgpu does not load: ");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
