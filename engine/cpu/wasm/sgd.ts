import { f32x4, sequence } from "../assembler.ts";
import { elementwiseExtent, emitElementwise } from "./elementwise.ts";
import { NO_SCRATCH, type WasmKernel } from "./kernel.ts";

/** One step of gradient descent with momentum. */
export const sgd: WasmKernel = {
  emit(module) {
    emitElementwise(module, "sgd", {
      arrays: 3,
      outputs: [0, 2],
      scalars: 2,
      compute: ([w, g, v], [learningRate, momentum]) =>
        sequence(
          v.set(f32x4.sub(f32x4.mul(momentum.get, v.get), f32x4.mul(learningRate.get, g.get))),
          w.set(f32x4.add(w.get, v.get)),
        ),
    });
  },
  supports: () => true,
  scratch: () => NO_SCRATCH,
  passes: ({ n, learningRate, momentum }, _constants, { regions }) => [{
    entry: "sgd",
    extent: elementwiseExtent(n),
    parameters: [...regions, n, learningRate, momentum],
  }],
};
