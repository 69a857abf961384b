import type { Constants } from "../../kernels/kernel.ts";
import { KERNELS } from "../../kernels/registry.ts";
import type { Call } from "../backend.ts";
import { WASM_KERNELS } from "./wasm/table.ts";

/**
 * Checks a call against its kernel's descriptor, and the regions of a call that runs as WebAssembly
 * against the elements that it touches: nothing else keeps it inside of them.
 *
 * @throws {TypeError} for a wrong number of regions, a wrong element type or a missing parameter.
 * @throws {RangeError} for a region that is too short.
 */
export function checkCall(call: Call, constants: Constants, label: string): void {
  const { kernel, params, regions } = call;
  const where = `Cannot prepare ${label}: ${kernel.name}`;
  if (regions.length !== kernel.bindings.length) {
    throw new TypeError(
      `${where} binds ${kernel.bindings.length} regions, but ${regions.length} are given`,
    );
  }
  kernel.bindings.forEach(({ name, type }, i) => {
    if (type !== "word" && type !== regions[i].dtype) {
      throw new TypeError(`${where} binds ${name} as ${type}, but it is ${regions[i].dtype}`);
    }
  });
  for (const { name } of kernel.params) {
    if (typeof params[name] !== "number") throw new TypeError(`${where} needs parameter ${name}`);
  }
  const unknown = Object.keys(constants).find((name) => !(name in kernel.constants));
  if (unknown !== undefined) throw new TypeError(`${where} has no constant ${unknown}`);
  const wasm = KERNELS[kernel.name] === kernel ? WASM_KERNELS[kernel.name] : undefined;
  if (!wasm?.supports(params, constants)) return;
  wasm.lengths(params, constants).forEach((needed, i) => {
    if (regions[i].length >= needed) return;
    throw new RangeError(
      `${where} needs ${needed} elements of ${kernel.bindings[i].name}, ` +
        `but its region has ${regions[i].length}`,
    );
  });
}
