/** What the buffers of an audit case hold before the kernel runs. */
import type { Binding, CaseBuffer, Kernel, KernelCase, NumberArray } from "../../kernels/kernel.ts";
import { threefry2x32 } from "../../kernels/threefry.ts";

/**
 * Elements before and after every region that must stay as they are. Those after it are inside the
 * window that the kernel is bound to, so that no bounds check of the device hides a write past the
 * end, and what is read there spoils the result.
 */
export const SENTINELS = 64;

/** A quiet NaN with a payload that no arithmetic makes: fills f32 outputs and the zones around. */
const POISON_F32 = 0x7fc0dead;

/** Fills outputs of words and the zones around. */
const POISON_WORD = 0xdeadbeef;

/**
 * Fill the zones around inputs: other values than around outputs, which a copy of them would leave
 * as they are.
 */
const INPUT_ZONE_F32 = 0x7fc0beef;
const INPUT_ZONE_WORD = 0xfeedface;

/**
 * Stands in the reference's f32 outputs before it runs; no float32, so that what still holds it
 * afterwards was not written.
 */
export const UNTOUCHED = 1.2345678901234567e300;

/** A case ready to run, and what must come out. */
export interface AuditCase {
  /** The case as the kernel gives it. */
  readonly testCase: KernelCase;
  /** The words of each binding's buffer, with {@linkcode SENTINELS} around the region. */
  readonly images: readonly Uint32Array<ArrayBuffer>[];
  /** Each binding after the reference: Float64Array for f32, else Uint32Array. */
  readonly expected: readonly NumberArray[];
}

/**
 * Fills the buffers of a case from a seed and runs the reference on them, in float64.
 * @throws {TypeError} where the case does not have one buffer a binding.
 */
export function makeCase(kernel: Kernel, testCase: KernelCase, seed: number): AuditCase {
  const { params, buffers } = testCase;
  const images = fillCase(kernel, testCase, seed);
  const expected = kernel.bindings.map((binding, i) => initialOf(binding, buffers[i], images[i]));
  const constants = { ...kernel.constants, ...testCase.constants };
  kernel.reference(expected, params, constants, 0, kernel.extent(params, constants));
  return { testCase, images, expected };
}

/**
 * The words of each binding's buffer, with {@linkcode SENTINELS} around the region.
 * @throws {TypeError} where the case does not have one buffer a binding.
 */
export function fillCase(
  kernel: Kernel,
  testCase: KernelCase,
  seed: number,
): Uint32Array<ArrayBuffer>[] {
  const { bindings } = kernel;
  const { buffers } = testCase;
  if (buffers.length !== bindings.length) {
    throw new TypeError(
      `${kernel.name}, case ${testCase.name}: ${buffers.length} buffers for ${bindings.length} ` +
        "bindings",
    );
  }
  const key = hash(`${kernel.name}/${testCase.name}`);
  return bindings.map((binding, i) => imageOf(binding, buffers[i], (n) => words(seed, key, i, n)));
}

function imageOf(
  binding: Binding,
  { length, fill }: CaseBuffer,
  random: (count: number) => Uint32Array,
): Uint32Array<ArrayBuffer> {
  const image = new Uint32Array(length + 2 * SENTINELS).fill(zoneOf(binding));
  if (fill === undefined) return image;
  const region = image.subarray(SENTINELS, SENTINELS + length);
  const isReal = binding.type === "f32" || (binding.type === "word" && fill.kind === "uniform");
  const typed = isReal ? new Float32Array(image.buffer, 4 * SENTINELS, length) : region;
  if (fill.kind === "values") {
    typed.set(fill.values);
    return image;
  }
  const bits = random(length);
  const { low, high } = fill;
  for (let i = 0; i < length; i++) {
    const unit = bits[i] * 2 ** -32;
    typed[i] = fill.kind === "uniform"
      ? low + (high - low) * unit
      : low + Math.floor((high - low + 1) * unit);
  }
  return image;
}

/**
 * What surrounds a region. Around updated reals it is a number and no NaN, because arithmetic on a
 * NaN gives the same NaN.
 */
function zoneOf({ type, access }: Binding): number {
  if (access === "read") return type === "f32" ? INPUT_ZONE_F32 : INPUT_ZONE_WORD;
  return type === "f32" && access === "write" ? POISON_F32 : POISON_WORD;
}

function initialOf(
  binding: Binding,
  { length, fill }: CaseBuffer,
  image: Uint32Array<ArrayBuffer>,
): NumberArray {
  if (binding.type !== "f32") return image.slice(SENTINELS, SENTINELS + length);
  if (fill === undefined) return new Float64Array(length).fill(UNTOUCHED);
  return Float64Array.from(new Float32Array(image.buffer, 4 * SENTINELS, length));
}

/** `count` random words, the same for the same arguments. */
function words(seed: number, key: number, stream: number, count: number): Uint32Array {
  const result = new Uint32Array(count + 1);
  for (let i = 0; i < count; i += 2) {
    threefry2x32(seed, key, i, stream, result.subarray(i, i + 2));
  }
  return result.subarray(0, count);
}

/** FNV-1a of the UTF-16 units. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  }
  return value >>> 0;
}
