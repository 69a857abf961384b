/** The counter-based generator for four counters at once. */
import { PARITY, ROTATIONS } from "../../../kernels/threefry.ts";
import { type Code, i32, i32x4, type Local, sequence, v128 } from "../assembler.ts";

/** Statements that set `key` to the two words and their parity word, in all lanes. */
export function setThreefryKey(key: readonly Local[], seed: Code, stream: Code): Code {
  return sequence(
    key[0].set(i32x4.splat(seed)),
    key[1].set(i32x4.splat(stream)),
    key[2].set(v128.xor(
      i32x4.splat(i32.const(PARITY)),
      v128.xor(key[0].get, key[1].get),
    )),
  );
}

/**
 * Statements that turn the counter (x0, x1) into the words of Threefry-2x32 with 20 rounds, for four
 * counters at once. `key` holds the two words of the key and their parity word, in all lanes.
 */
export function threefry(key: readonly Local[], x0: Local, x1: Local): Code {
  const round = (distance: number) =>
    sequence(
      x0.set(i32x4.add(x0.get, x1.get)),
      x1.set(v128.xor(
        v128.or(
          i32x4.shiftLeft(x1.get, i32.const(distance)),
          i32x4.shiftRight(x1.get, i32.const(32 - distance)),
        ),
        x0.get,
      )),
    );
  return sequence(
    x0.set(i32x4.add(x0.get, key[0].get)),
    x1.set(i32x4.add(x1.get, key[1].get)),
    ...[1, 2, 3, 4, 5].flatMap((injection) => [
      ...[0, 1, 2, 3].map((i) => round(ROTATIONS[4 * ((injection - 1) % 2) + i])),
      x0.set(i32x4.add(x0.get, key[injection % 3].get)),
      x1.set(i32x4.add(
        i32x4.add(x1.get, key[(injection + 1) % 3].get),
        i32x4.splat(i32.const(injection)),
      )),
    ]),
  );
}
