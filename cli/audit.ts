/** `audit`: proves kernels and gradients on the user's own machine. */
import type { Command } from "commander";
import { openRuntimeCompiler, openTintCompiler } from "../engine/audit/compile.ts";
import { compileKernels, type CompileRow, type ShaderCompiler } from "../engine/audit/compile.ts";
import { auditKernels, type KernelAuditRow } from "../engine/audit/kernels.ts";
import { type AuditTarget, openCpuTarget, openWebGpuTarget } from "../engine/audit/targets.ts";
import type { DeviceName } from "../engine/device.ts";
import { NoDeviceError } from "../engine/backend/errors.ts";
import { ATOL, EPSILON, type GradientCheck, RTOL } from "../engine/gradient/gradcheck.ts";
import { joinedName, joinedSource, type Kernel, variantName } from "../kernels/kernel.ts";
import { KERNELS } from "../kernels/registry.ts";
import { auditGradients } from "../models/audit.ts";
import { parseDevice } from "./device_options.ts";
import { EXIT, Failure, usageError } from "./errors.ts";
import { integerOption } from "./method_options.ts";
import { unknownName } from "./suggest.ts";
import { TableStream, writeError, writeJson, writeOut } from "./terminal.ts";
import { PROGRAM } from "./version.ts";
import { quietWayland } from "./wayland.ts";

/** See {@linkcode CommandModule}. */
export function define(command: Command): void {
  command
    .command("gradients")
    .description("every gradient rule against differences in float64, and the adjoint identity")
    .option("--seed <n>", "of the inputs (default: 0)", integerOption("--seed", 0))
    .option("--only <text>", "checks whose name contains it")
    .option("--json", "print one JSON object")
    .addHelpText("after", `\nExample:\n  ${PROGRAM} audit gradients --only dense\n`)
    .action(gradients);
  command
    .command("kernels")
    .description("every kernel against its float64 reference, and its shaders against compilers")
    .option("--device <auto|cpu|webgpu>", "auto: all that this machine has", parseDevice)
    .option("--kernel <name>", "one kernel only")
    .option("--show <name>", "print the shaders of a kernel, each whole, and audit nothing")
    .option("--cases <n>", "the first cases of each kernel only", integerOption("--cases", 1))
    .option("--seed <n>", "of the inputs (default: 0)", integerOption("--seed", 0))
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      `\nTint, Chrome's shader compiler, is a native library; it is asked where that is allowed:\n` +
        `  deno run -P=tint cli.ts audit kernels\n\n` +
        `Example:\n  ${PROGRAM} audit kernels --device cpu --kernel dense\n`,
    )
    .action(kernels);
  command.addHelpText("after", `\nExample:\n  ${PROGRAM} audit kernels\n`);
}

interface GradientValues {
  readonly seed?: number;
  readonly only?: string;
  readonly json?: boolean;
}

async function gradients({ seed = 0, only = "", json }: GradientValues): Promise<void> {
  const table = new TableStream([
    ["check", 52],
    ["elements", -8],
    ["worst", -9],
    ["adjoint", -9],
    ["kinks", -5],
    ["verdict", 7],
  ]);
  const rows: (GradientCheck & { replay: string })[] = [];
  if (!json) writeOut(`${table.header()}\n`);
  for await (const check of auditGradients(seed, only)) {
    const { name, elements, worst, place, adjoint, kinks, passed } = check;
    const replay = `${PROGRAM} audit gradients --seed ${seed} --only ${JSON.stringify(name)}`;
    rows.push({ ...check, replay });
    if (json) continue;
    const cells = [elements, worst.toExponential(1), adjoint.toExponential(1), kinks].map(String);
    writeOut(`${table.row([name, ...cells, passed ? "pass" : "BREACH"])}\n`);
    if (!passed) writeOut(`  ${place}\n  again: ${replay}\n`);
  }
  if (rows.length === 0) throw usageError(`no check's name contains ${JSON.stringify(only)}`);
  const failed = rows.filter(({ passed }) => !passed).length;
  if (json) writeJson({ passed: failed === 0, seed, checks: rows });
  else {
    writeOut(
      `\n${rows.length} checks in float64: central differences of ${EPSILON}, errors as a share ` +
        `of ${ATOL} + ${RTOL} · |difference|\n`,
    );
  }
  if (failed > 0) throw new Failure(`${failed} of ${rows.length} checks failed`, EXIT.audit);
}

interface KernelValues {
  readonly device?: DeviceName;
  readonly kernel?: string;
  readonly show?: string;
  readonly cases?: number;
  readonly seed?: number;
  readonly json?: boolean;
}

async function kernels(values: KernelValues): Promise<void> {
  const { device = "auto", kernel, show, cases, seed = 0, json = false } = values;
  if (show !== undefined) return showShaders(kernelOf(show));
  const chosen = kernel === undefined ? KERNELS : { [kernel]: kernelOf(kernel) };
  const rows: KernelAuditRow[] = [];
  const leftOut: string[] = [];
  const targets = await openTargets(device);
  try {
    for (const target of targets) {
      if (!json) writeOut(`${target.device}: ${target.description}\n${ROWS.header()}\n`);
      const options = { seed, ...(cases === undefined ? {} : { cases }) };
      for await (const row of auditKernels(target, chosen, options)) {
        rows.push(row);
        if (!json) writeOut(formatRow(row));
      }
      const names = Object.values(chosen).flatMap((kernel) =>
        target.leftOut(kernel).map((variant) => `${kernel.name}, ${variant}`)
      );
      leftOut.push(...names.map((name) =>
        `${name} was not audited: ${target.description} has no ` +
        "subgroups of its size"
      ));
      if (!json) writeOut("\n");
    }
  } finally {
    for (const target of targets) await target.dispose();
  }
  const compilation = device === "cpu"
    ? { compiled: [], notes: [] }
    : await compileAll(chosen, json);
  const { compiled } = compilation;
  const notes = [...leftOut, ...compilation.notes];
  if (!json) leftOut.forEach((note) => writeOut(`${note}\n`));
  const failed = rows.filter((row) => row.verdict === "breach").length;
  const broken = compiled.filter((row) => row.errors.length > 0).length;
  if (json) writeJson({ passed: failed + broken === 0, seed, rows, compiled, notes });
  else {
    writeOut(
      `${rows.length} rows: the largest error, the limit that the arithmetic allows there, its share; ` +
        "outputs poisoned, sentinels around every buffer\n",
    );
  }
  if (failed + broken === 0) return;
  throw new Failure(
    `${failed} of ${rows.length} rows and ${broken} of ${compiled.length} compilations failed`,
    EXIT.audit,
  );
}

function kernelOf(name: string): Kernel {
  if (Object.hasOwn(KERNELS, name)) return KERNELS[name];
  throw usageError(unknownName("kernel", name, Object.keys(KERNELS)));
}

/** Each program under the names of the variants that run it, which differ by constants alone. */
function showShaders({ name, shaders }: Kernel): void {
  for (const [source, variants] of Map.groupBy(shaders, joinedSource)) {
    const names = variants.map(variantName).join(", ");
    writeOut(`// ${name}, ${names} (${joinedName(variants[0])})\n\n${source}\n`);
  }
}

/** All devices for `auto`: the CPU, and WebGPU where there is an adapter. */
async function openTargets(device: DeviceName): Promise<AuditTarget[]> {
  if (device === "cpu") return [await openCpuTarget()];
  quietWayland();
  if (device === "webgpu") return [await openWebGpuTarget()];
  const targets = [await openCpuTarget()];
  try {
    targets.push(await openWebGpuTarget());
  } catch (error) {
    if (!(error instanceof NoDeviceError)) throw error;
    writeError(`note: ${error.message}: WebGPU is not audited\n`);
  }
  return targets;
}

const ROWS = new TableStream([
  ["kernel", 22],
  ["variant", 40],
  ["cases", -5],
  ["error", -8],
  ["limit", -8],
  ["share", -6],
  ["verdict", 7],
  ["place", 0],
]);

function formatRow(row: KernelAuditRow): string {
  const { kernel, variant, cases, worst, verdict, breaches, replay } = row;
  const measured = worst === undefined ? ["-", "-", "-"] : [
    worst.error.toExponential(1),
    worst.limit.toExponential(1),
    worst.fraction.toFixed(3),
  ];
  const place = worst === undefined ? "" : `${worst.binding}[${worst.index}] of ${worst.case}`;
  const cells = [kernel, variant, String(cases), ...measured];
  const line = `${ROWS.row([...cells, verdict === "pass" ? "pass" : "BREACH", place])}\n`;
  if (verdict === "pass") return line;
  const reasons = breaches.slice(0, 5).map((breach) =>
    `  ${breach.kind}${breach.case === "" ? "" : ` in case ${breach.case}`}: ${breach.message}\n`
  );
  const more = breaches.length > 5 ? `  … and ${breaches.length - 5} more\n` : "";
  return `${line}${reasons.join("")}${more}  again: ${replay}\n`;
}

interface Compilation {
  readonly compiled: readonly CompileRow[];
  /** What was not compiled, and why. */
  readonly notes: readonly string[];
}

/** Compiles the shaders with every compiler that there is. */
async function compileAll(chosen: typeof KERNELS, json: boolean): Promise<Compilation> {
  const compiled: CompileRow[] = [];
  const notes: string[] = [];
  for (const open of [runtimeCompiler, tintCompiler]) {
    const compiler = await open();
    if (typeof compiler === "string") {
      notes.push(compiler);
      if (!json) writeOut(`${compiler}\n`);
      continue;
    }
    const rows = await Array.fromAsync(compileKernels(compiler, chosen));
    compiler.dispose();
    compiled.push(...rows);
    if (!json) writeOut(formatCompilation(compiler.name, rows));
    if (compiler.hasSubgroups) continue;
    const note =
      `${compiler.name} was not asked for shaders that use subgroups: its device has none`;
    notes.push(note);
    if (!json) writeOut(`${note}\n`);
  }
  if (!json) writeOut("\n");
  return { compiled, notes };
}

function runtimeCompiler(): Promise<ShaderCompiler | string> {
  return openedBy(openRuntimeCompiler, "naga");
}

/** Tint needs foreign functions, which must not be prompted for. */
async function tintCompiler(): Promise<ShaderCompiler | string> {
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") {
    return "Tint was not asked: it is a native library; allow it by deno run -P=tint cli.ts …";
  }
  return await openedBy(openTintCompiler, "Tint");
}

/** A compiler, or why there is none. */
async function openedBy(
  open: () => Promise<ShaderCompiler>,
  name: string,
): Promise<ShaderCompiler | string> {
  try {
    return await open();
  } catch (error) {
    if (error instanceof NoDeviceError) return `${name} was not asked: ${error.message}`;
    throw error;
  }
}

function formatCompilation(compiler: string, rows: readonly CompileRow[]): string {
  const combinations = rows.reduce((sum, row) => sum + row.combinations, 0);
  const broken = rows.filter((row) => row.errors.length > 0);
  const verdict = broken.length === 0 ? "all compile" : `${broken.length} DO NOT COMPILE`;
  const errors = broken.flatMap(({ kernel, shader, errors }) => [
    `  ${kernel}, ${shader}: ${errors[0]}${
      errors.length > 1 ? ` (and ${errors.length - 1} more)` : ""
    }\n`,
  ]);
  return `${compiler}: ${rows.length} shaders, ${combinations} sets of constants: ${verdict}\n` +
    errors.join("");
}
