/**
 * Whether this process merges pairs of vectors into 256-bit registers, see wasm/pairs.ts. No API shows
 * it, so that it is timed: the same sums in three forms, of which one can never be merged.
 */
import { f32x4, forLoop, ModuleBuilder, sequence, v128 } from "./assembler.ts";
import { loadPairs, packPairs } from "./wasm/pairs.ts";

/**
 * Which pairs are merged: none; those of the forms of wasm/pairs.ts; or plain loads and stores too, as
 * without bounds checks.
 */
export type MergedPairs = "none" | "checked" | "plain";

/** Pairs of sums: enough that their number limits the loop, few enough for the registers. */
const PAIRS = 6;
/** Turns of the loop: about 20 µs. */
const TURNS = 8000;
/** Runs of each form once all are compiled for speed, and none has become faster. */
const ROUNDS = 12;
/** Naps of a millisecond or more, after which nothing is merged: the engine has but one compiler. */
const PATIENCE = 100;
/** Code is compiled for speed once it takes this part of what it took at first; it takes a fifth. */
const COMPILED = 0.5;
/** On a machine that was busy at first it seems to be long before: what then falls below this is. */
const FASTER = 0.75;
/** Merged code takes less than this part of the time; half, where 256 bits are added at once. */
const MERGED = 0.75;

const FORMS = ["apart", "checked", "plain"] as const;

let found: Promise<MergedPairs> | undefined;

/** Measures, the first time that it is asked: some milliseconds. */
export function probePairs(): Promise<MergedPairs> {
  return found ??= measure();
}

async function measure(): Promise<MergedPairs> {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(buildForms()), {
    env: { memory },
  });
  const time = (form: typeof FORMS[number]) => {
    const started = performance.now();
    (exports[form] as (address: number, turns: number) => void)(0, TURNS);
    return performance.now() - started;
  };
  FORMS.forEach(time); // compiles them
  const atFirst = Math.min(...FORMS.flatMap((form) => [time(form), time(form)]));
  const least = { apart: Infinity, checked: Infinity, plain: Infinity };
  for (let naps = 0, rounds = 0; rounds < ROUNDS; naps++) {
    if (naps === PATIENCE) return "none";
    // The compiler may need this core.
    await new Promise((resolve) => setTimeout(resolve, 1));
    const before = { ...least };
    FORMS.forEach((form) => least[form] = Math.min(least[form], time(form)));
    const isSettled = FORMS.every((form) =>
      least[form] <= COMPILED * atFirst && least[form] >= FASTER * before[form]
    );
    rounds = isSettled ? rounds + 1 : 0;
  }
  const isMerged = (form: "checked" | "plain") => least[form] < MERGED * least.apart;
  return isMerged("plain") ? "plain" : isMerged("checked") ? "checked" : "none";
}

/** A module with a function `FORM(address, turns)` for each form. */
function buildForms(): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder({ shared: false, relaxed: false });
  for (const form of FORMS) {
    module.function(form, (f) => {
      const { address, turns } = f.parameters("i32", "address", "turns");
      const turn = f.local("i32");
      const pair = f.localArray("v128", 2);
      const sums = Array.from({ length: PAIRS }, () => f.localArray("v128", 2));
      // What is stored far from its neighbour forms no pair.
      const halfBytes = form === "apart" ? 256 : 16;
      return sequence(
        forLoop(
          turn,
          turns.get,
          1,
          sequence(
            loadPairs(pair, address.get, 0, form === "checked"),
            ...sums.flatMap((row) =>
              row.map((sum, half) => sum.set(f32x4.add(sum.get, pair[half].get)))
            ),
          ),
        ),
        ...(form === "checked" ? sums.map(packPairs) : []),
        ...sums.flatMap((row, r) =>
          row.map((sum, half) => v128.store(address.get, sum.get, 32 + r * 32 + half * halfBytes))
        ),
      );
    });
  }
  return module.build();
}
