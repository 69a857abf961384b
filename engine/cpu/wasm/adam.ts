import { learningRateAt, oneMinusPower } from "../../../kernels/adam.ts";
import { f32x4, sequence } from "../assembler.ts";
import { elementwiseExtent, emitElementwise } from "./elementwise.ts";
import { NO_SCRATCH, type WasmKernel } from "./kernel.ts";

/** One step of Adam. What depends on the step number alone is computed once a call, in float64. */
export const adam: WasmKernel = {
  emit(module) {
    emitElementwise(module, "adam", {
      arrays: 4,
      outputs: [0, 2, 3],
      scalars: 7,
      compute([w, g, m, v], [beta1, rest1, beta2, rest2, epsilon, rate, scale]) {
        const { multiplyAdd } = module;
        const root = f32x4.sqrt(f32x4.mul(v.get, scale.get));
        return sequence(
          m.set(multiplyAdd(beta1.get, m.get, f32x4.mul(rest1.get, g.get))),
          v.set(multiplyAdd(beta2.get, v.get, f32x4.mul(f32x4.mul(rest2.get, g.get), g.get))),
          w.set(f32x4.sub(
            w.get,
            f32x4.div(f32x4.mul(rate.get, m.get), f32x4.add(root, epsilon.get)),
          )),
        );
      },
    });
  },
  supports: () => true,
  scratch: () => NO_SCRATCH,
  passes(params, _constants, { regions: [w, g, m, v, step] }) {
    const { n, beta1, beta2, epsilon } = params;
    return [{
      entry: "adam",
      extent: elementwiseExtent(n),
      parameters: [w, g, m, v, n, beta1, 1 - beta1, beta2, 1 - beta2, epsilon],
      current(memory) {
        const taken = new Uint32Array(memory, step, 1)[0];
        const rate = learningRateAt(taken, params);
        return [rate / oneMinusPower(beta1, taken + 1), 1 / oneMinusPower(beta2, taken + 1)];
      },
    }];
  },
};
