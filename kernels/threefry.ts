/**
 * Threefry-2x32 with 20 rounds, the counter-based generator behind every random number (Salmon,
 * Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 3.2). It
 * needs adds, rotations and exclusive ors only, so that WGSL and TypeScript give the same bits.
 */
import type { ShaderFile } from "./kernel.ts";
import source from "./threefry.wgsl" with { type: "text" };

/** The same in WGSL: the head of shaders that draw random numbers. */
export const threefryShader: ShaderFile = { file: "threefry.wgsl", source };

/** The key schedule's parity constant of the 32-bit variants. */
export const PARITY = 0x1bd11bda;

/** Rotation distances of rounds 1 to 8; rounds 9 to 20 repeat them. */
export const ROTATIONS: Readonly<Uint8Array> = Uint8Array.of(13, 15, 26, 6, 17, 29, 16, 24);

/**
 * Two uniform random words for a key and a counter, each of two 32-bit words.
 *
 * @param k0 first word of the key
 * @param k1 second word of the key
 * @param c0 first word of the counter
 * @param c1 second word of the counter
 * @param out receives the two words at 0 and 1; an argument so that loops do not allocate
 */
export function threefry2x32(
  k0: number,
  k1: number,
  c0: number,
  c1: number,
  out: Uint32Array,
): void {
  const k2 = PARITY ^ k0 ^ k1;
  let x0 = (c0 + k0) | 0;
  let x1 = (c1 + k1) | 0;
  // Before the key word of injection i = 1..5 come four rounds; words rotate k1, k2, k0, k1, k2.
  let next = k1 | 0, second = k2 | 0, third = k0 | 0;
  for (let injection = 1; injection <= 5; injection++) {
    const first = (injection - 1) & 1 ? 4 : 0;
    for (let round = first; round < first + 4; round++) {
      const distance = ROTATIONS[round];
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << distance) | (x1 >>> (32 - distance))) ^ x0;
    }
    x0 = (x0 + next) | 0;
    x1 = (x1 + second + injection) | 0;
    const rotated = next;
    next = second;
    second = third;
    third = rotated;
  }
  out[0] = x0;
  out[1] = x1;
}
