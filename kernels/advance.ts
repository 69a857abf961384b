/** Counts steps on the device. */
import type { KernelCase } from "./kernel.ts";
import source from "./advance.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

/** counter[0] ← counter[0] + by, modulo 2³². Params: by. */
export const advance: RegisteredKernel = {
  name: "advance",
  bindings: [{ name: "counter", type: "u32", access: "update" }],
  params: [{ name: "by", type: "u32" }],
  constants: {},
  shaders: [{ file: "advance.wgsl", source, workgroups: () => 1 }],
  lengths: () => [1],
  extent: () => 1,
  reference([counter], { by }, _constants, begin, end) {
    if (begin < end) counter[0] = (counter[0] + by) >>> 0;
  },
  cases: () => [
    advanceCase(0, 1),
    advanceCase(41, 1),
    advanceCase(7, 0),
    advanceCase(1000, 234),
    advanceCase(0xffffffff, 1),
    advanceCase(0x80000000, 0x80000001),
  ],
  tolerance: () => ({ absolute: 0, relative: 0 }),
  cost: () => ({ flops: 1, bytes: 8 }),
};

function advanceCase(counter: number, by: number): KernelCase {
  return {
    name: `${counter} by ${by}`,
    params: { by },
    constants: {},
    buffers: [{ length: 1, fill: { kind: "values", values: [counter] } }],
  };
}
