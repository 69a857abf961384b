/** What a WebGPU device's limits are measured with: a loop of multiply-adds, and a copy. */
import type { AdapterClass } from "../../kernels/kernel.ts";
import type { Roofline } from "../backend/backend.ts";
import type { CommandQueue } from "./queue.ts";

const SIZE = 256;
/** Independent sums of four lanes. */
const SUMS = 8;
const TURNS = 256;
/** Workgroups of the multiply-adds: several for each core, and some tens of milliseconds at most. */
const WORKGROUPS: Readonly<Record<AdapterClass, number>> = { hardware: 4096, software: 64 };
/** Bytes that are read, and written: more than caches hold, and what one binding may have. */
const COPY_BYTES = 128 << 20;
const ROUNDS = 12;
const STAMP_BYTES = 8;

const sums = Array.from({ length: SUMS }, (_, i) => `s${i}`);

/** `x` holds zeros, which no compiler knows. */
const ARITHMETIC = `
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@compute @workgroup_size(${SIZE}) fn main(@builtin(global_invocation_id) id: vec3u) {
  let half = x[id.x] + 0.5;
  ${sums.map((sum, i) => `var ${sum} = half * ${i + 1}.0;`).join("\n  ")}
  for (var turn = 0u; turn < ${TURNS}u; turn++) {
    ${sums.map((sum) => `${sum} = ${sum} * half + half;`).join("\n    ")}
  }
  y[id.x] = ${sums.join(" + ")};
}`;

const COPY = `
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@compute @workgroup_size(${SIZE}) fn main(@builtin(global_invocation_id) id: vec3u) {
  y[id.x] = x[id.x];
}`;

/** Measures a device that has timestamps, after all work that is enqueued. */
export async function measureRoofline(
  gpu: GPUDevice,
  queue: CommandQueue,
  adapter: AdapterClass,
): Promise<Roofline> {
  const usage = GPUBufferUsage.STORAGE;
  const buffers = [0, 1].map(() => gpu.createBuffer({ size: COPY_BYTES, usage }));
  try {
    const groups = WORKGROUPS[adapter];
    const flops = groups * SIZE * TURNS * SUMS * 4 * 2;
    const copyGroups = COPY_BYTES / (16 * SIZE);
    return {
      flops: flops / await leastSeconds(gpu, queue, buffers, ARITHMETIC, groups),
      bytes: (2 * COPY_BYTES) / await leastSeconds(gpu, queue, buffers, COPY, copyGroups),
    };
  } finally {
    buffers.forEach((buffer) => buffer.destroy());
  }
}

/** The least that a shader takes, of several rounds in one submit. */
async function leastSeconds(
  gpu: GPUDevice,
  queue: CommandQueue,
  buffers: readonly GPUBuffer[],
  code: string,
  workgroups: number,
): Promise<number> {
  const module = gpu.createShaderModule({ code });
  const pipeline = await gpu.createComputePipelineAsync({ layout: "auto", compute: { module } });
  const bindGroup = gpu.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  const querySet = gpu.createQuerySet({ type: "timestamp", count: 2 * ROUNDS });
  const size = 2 * ROUNDS * STAMP_BYTES;
  const resolved = gpu.createBuffer({
    size,
    usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
  });
  const staging = gpu.createBuffer({
    size,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  queue.after(() => {
    const encoder = gpu.createCommandEncoder();
    for (let round = 0; round < ROUNDS; round++) {
      const [beginningOfPassWriteIndex, endOfPassWriteIndex] = [2 * round, 2 * round + 1];
      const pass = encoder.beginComputePass({
        timestampWrites: { querySet, beginningOfPassWriteIndex, endOfPassWriteIndex },
      });
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(workgroups);
      pass.end();
    }
    encoder.resolveQuerySet(querySet, 0, 2 * ROUNDS, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, size);
    queue.submit([encoder.finish()]);
    staging.mapAsync(GPUMapMode.READ).then(resolve, reject);
  }, () => reject(new Error("disposed before the device was measured")));
  try {
    await promise;
    const stamps = new BigUint64Array(staging.getMappedRange());
    const rounds = Array.from(
      { length: ROUNDS },
      (_, round) => Number(stamps[2 * round + 1] - stamps[2 * round]) / 1e9,
    );
    return Math.min(...rounds.filter((seconds) => seconds > 0));
  } finally {
    staging.destroy();
    resolved.destroy();
    querySet.destroy();
  }
}
