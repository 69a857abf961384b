/**
 * How fast each kernel is on a device, on the case of its audit that moves or computes most: a row a
 * kernel of the registry, its arithmetic and traffic as its descriptor counts them.
 *
 * usage: deno task bench:kernels [--device cpu|webgpu] [--kernel NAME] [--rounds 5] [--seconds 0.1]
 */
import type { Call } from "../engine/backend/backend.ts";
import { fillCase, SENTINELS } from "../engine/audit/fill.ts";
import { openDevice } from "../engine/device.ts";
import { formatTable } from "../engine/inspect/text.ts";
import type { Kernel, KernelCase } from "../kernels/kernel.ts";
import { KERNELS } from "../kernels/registry.ts";
import { alternate, type Contender } from "./measure.ts";

function option(name: string): string | undefined {
  const place = Deno.args.indexOf(`--${name}`);
  return place < 0 ? undefined : Deno.args[place + 1];
}

const rounds = Number(option("rounds") ?? 5);
const seconds = Number(option("seconds") ?? 0.1);
const device = option("device") ?? "auto";
if (device !== "auto" && device !== "cpu" && device !== "webgpu") {
  throw new RangeError(`--device must be auto, cpu or webgpu, got ${device}`);
}
const backend = await openDevice({ device });

function costOf(kernel: Kernel, { params, constants }: KernelCase) {
  return kernel.cost(params, { ...kernel.constants, ...constants });
}

function largestCase(kernel: Kernel): KernelCase {
  const workOf = (testCase: KernelCase) => {
    const { flops, bytes } = costOf(kernel, testCase);
    return flops + bytes;
  };
  return kernel.cases().reduce((a, b) => (workOf(b) > workOf(a) ? b : a));
}

/** The row of a kernel. */
async function measure(kernel: Kernel): Promise<string[]> {
  const testCase = largestCase(kernel);
  const regions = fillCase(kernel, testCase, 0).map((image, i) => {
    const data = image.subarray(SENTINELS, image.length - SENTINELS);
    const { name, type } = kernel.bindings[i];
    const dtype = type === "f32" ? "f32" as const : "u32" as const;
    const buffer = backend.allocate(Math.max(4 * data.length, 4), name);
    const region = { buffer, offset: 0, length: data.length, dtype };
    if (data.length > 0) {
      backend.write(region, dtype === "f32" ? new Float32Array(data.slice().buffer) : data);
    }
    return region;
  });
  const { params } = testCase;
  const call: Call = { kernel, params, constants: { ...testCase.constants }, regions };
  const executable = await backend.prepare([call], kernel.name);
  const probe = regions.findLast(({ length }) => length > 0)!;
  const contender: Contender = {
    name: kernel.name,
    async run(count) {
      const started = performance.now();
      executable.run(count);
      await backend.read([{ ...probe, length: 1 }]);
      return { seconds: (performance.now() - started) / 1000 };
    },
    close: () => Promise.resolve(),
  };
  const [{ medianMs }] = await alternate([contender], { rounds, seconds });
  executable.dispose();
  for (const { buffer } of regions) buffer.free();
  const { flops, bytes } = costOf(kernel, testCase);
  const rate = (amount: number) => (amount / medianMs / 1e6).toFixed(2);
  const variants = [...new Set(executable.passes.map(({ variant }) => variant))];
  return [
    kernel.name,
    testCase.name,
    variants.join(", "),
    (1000 * medianMs).toFixed(1),
    rate(flops),
    rate(bytes),
  ];
}

const name = option("kernel");
const chosen = Object.values(KERNELS).filter((kernel) =>
  name === undefined || kernel.name === name
);
if (chosen.length === 0) throw new RangeError(`--kernel ${name} is no kernel of the registry`);
const rows: string[][] = [];
for (const kernel of chosen) rows.push(await measure(kernel));
console.log(`${backend.info.description}: median of ${rounds} rounds`);
console.log(formatTable(["kernel", "case", "run by", "µs", "GFLOP/s", "GB/s"], rows));
await backend.dispose();
