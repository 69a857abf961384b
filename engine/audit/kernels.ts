/**
 * The kernel audit: every case of every kernel, in every variant that a device has, against the
 * float64 reference. Outputs start poisoned and lie between sentinels, inputs are checked too.
 */
import type { Executable, Region } from "../backend/backend.ts";
import type { Kernel, KernelCase } from "../../kernels/kernel.ts";
import { DeviceLostError, ShaderError } from "../backend/errors.ts";
import type { Breach, WorstError } from "./compare.ts";
import { compareCase, worseOf } from "./compare.ts";
import type { AuditCase } from "./fill.ts";
import { makeCase, SENTINELS } from "./fill.ts";
import type { AuditTarget, AuditVariant } from "./targets.ts";

/** What to audit. */
export interface KernelAuditOptions {
  /** Fills the inputs; another seed, other values. 0 by default. */
  readonly seed?: number;
  /** Only the first cases of each kernel; all by default. */
  readonly cases?: number;
}

/** The audit of one variant of one kernel: a row of the table. */
export interface KernelAuditRow {
  /** The kernel's name. */
  readonly kernel: string;
  /** The device, as for `--device`. */
  readonly device: string;
  /** The variant's name. */
  readonly variant: string;
  /** Cases that were run. */
  readonly cases: number;
  /** The result farthest from the reference; none where no case has an output. */
  readonly worst: WorstError | undefined;
  /** All that is wrong. */
  readonly breaches: readonly Breach[];
  /** `"pass"` where nothing is wrong. */
  readonly verdict: "pass" | "breach";
  /** Time of compiling, running and comparing. */
  readonly milliseconds: number;
  /** The command that repeats it. */
  readonly replay: string;
}

/**
 * Audits kernels on a device, one row for each variant of each kernel.
 * @throws {RangeError} for a seed that is no u32 or a number of cases that is none.
 */
export async function* auditKernels(
  target: AuditTarget,
  kernels: Readonly<Record<string, Kernel>>,
  options: KernelAuditOptions = {},
): AsyncGenerator<KernelAuditRow> {
  const { seed = 0, cases: limit = Infinity } = options;
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
    throw new RangeError(`seed ${seed} is not an integer from 0 to ${2 ** 32 - 1}`);
  }
  if (limit !== Infinity && (!Number.isInteger(limit) || limit < 1)) {
    throw new RangeError(`cases ${limit} is not an integer from 1`);
  }
  for (const kernel of Object.values(kernels)) {
    const cases: AuditCase[] = [];
    const faults: Breach[] = [];
    for (const testCase of kernel.cases().slice(0, limit)) {
      try {
        cases.push(makeCase(kernel, testCase, seed));
      } catch (error) {
        faults.push({ kind: "failure", case: testCase.name, message: `reference: ${error}` });
      }
      const unlisted = unlistedShader(kernel, testCase);
      if (unlisted !== undefined) {
        const message = `choose() gives ${unlisted}, which is not among the kernel's shaders`;
        faults.push({ kind: "failure", case: testCase.name, message });
      }
    }
    for (const variant of target.variants(kernel)) {
      const start = performance.now();
      const { breaches, worst } = await auditVariant(target, variant, kernel, cases);
      const all = [...faults, ...breaches];
      const suffix = limit === Infinity ? "" : ` --cases ${limit}`;
      yield {
        kernel: kernel.name,
        device: target.device,
        variant: variant.name,
        cases: cases.length,
        worst,
        breaches: all,
        verdict: all.length === 0 ? "pass" : "breach",
        milliseconds: performance.now() - start,
        replay: `deno run -P cli.ts audit kernels --device ${target.device} --kernel ` +
          `${kernel.name} --seed ${seed}${suffix}`,
      };
    }
  }
}

interface Findings {
  readonly breaches: Breach[];
  readonly worst: WorstError | undefined;
}

/** A case on the device. */
interface LoadedCase {
  readonly auditCase: AuditCase;
  /** The windows that the kernel is bound to: the region and the sentinels after it. */
  readonly regions: readonly Region[];
  /** The whole buffers, as words. */
  readonly images: readonly Region[];
}

async function auditVariant(
  target: AuditTarget,
  variant: AuditVariant,
  kernel: Kernel,
  cases: readonly AuditCase[],
): Promise<Findings> {
  const loaded: LoadedCase[] = [];
  try {
    for (const auditCase of cases) loaded.push(load(variant, kernel, auditCase));
    return await runCases(variant, kernel, loaded);
  } catch (error) {
    if (error instanceof DeviceLostError) await target.reopen();
    return { breaches: [{ kind: "failure", case: "", message: String(error) }], worst: undefined };
  } finally {
    for (const { regions } of loaded) for (const { buffer } of regions) buffer.free();
  }
}

function load(variant: AuditVariant, kernel: Kernel, auditCase: AuditCase): LoadedCase {
  const backend = variant.backend();
  const regions: Region[] = [];
  const images: Region[] = [];
  for (const [i, { name, type }] of kernel.bindings.entries()) {
    const image = auditCase.images[i];
    const buffer = backend.allocate(image.byteLength, `${kernel.name}, ${name}`);
    images.push({ buffer, offset: 0, length: image.length, dtype: "u32" });
    backend.write(images[i], image);
    const length = image.length - SENTINELS;
    regions.push({ buffer, offset: SENTINELS, length, dtype: type === "f32" ? "f32" : "u32" });
  }
  return { auditCase, regions, images };
}

async function runCases(
  variant: AuditVariant,
  kernel: Kernel,
  loaded: readonly LoadedCase[],
): Promise<Findings> {
  const backend = variant.backend();
  const preparations = await Promise.allSettled(
    loaded.map(({ auditCase, regions }) => {
      const { name, params, constants } = auditCase.testCase;
      return backend.prepare([{ kernel, constants, params, regions }], `audit of ${name}`);
    }),
  );
  const breaches: Breach[] = [];
  const ran: LoadedCase[] = [];
  const executables: Executable[] = [];
  for (const [i, preparation] of preparations.entries()) {
    if (preparation.status === "fulfilled") {
      executables.push(preparation.value);
      ran.push(loaded[i]);
    } else {
      const { reason } = preparation;
      if (reason instanceof DeviceLostError) throw reason;
      const kind = reason instanceof ShaderError ? "compile" : "failure";
      const name = loaded[i].auditCase.testCase.name;
      breaches.push({ kind, case: name, message: String(reason) });
    }
  }
  for (const executable of executables) executable.run(1);
  const after = await backend.read(ran.flatMap(({ images }) => images));
  for (const executable of executables) executable.dispose();
  let worst: WorstError | undefined;
  const count = kernel.bindings.length;
  for (const [i, { auditCase }] of ran.entries()) {
    const words = after.slice(i * count, (i + 1) * count) as Uint32Array[];
    const found = compareCase(kernel, auditCase, words);
    breaches.push(...found.breaches);
    worst = worseOf(worst, found.worst);
  }
  return { breaches, worst };
}

/** The file of a variant that the kernel may choose but does not list, if there is one. */
function unlistedShader(kernel: Kernel, { params, constants }: KernelCase) {
  const sizes = [undefined, ...kernel.shaders.map(({ subgroupSize }) => subgroupSize)];
  const adapters = (["hardware", "software"] as const).flatMap((adapterClass) =>
    [...new Set(sizes)].map((size) => ({
      title: "",
      class: adapterClass,
      ...(size && { subgroupSize: size }),
    }))
  );
  for (const adapter of adapters) {
    const shader = kernel.choose?.(adapter, params, { ...kernel.constants, ...constants });
    if (shader !== undefined && !kernel.shaders.includes(shader)) return shader.file;
  }
}
