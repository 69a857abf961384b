/** Exponentials and logarithms, and what follows from them, four numbers at a time. */
import {
  type Code,
  f32x4,
  type FunctionBuilder,
  i32,
  i32x4,
  type ModuleBuilder,
  sequence,
  v128,
} from "../assembler.ts";

const splat = (value: number) => f32x4.const(value, value, value, value);

/** Σ aᵢ·xⁱ by Horner's rule. */
const polynomial = (x: Code, ...a: number[]) =>
  a.map(splat).reduceRight((sum, coefficient) => f32x4.add(coefficient, f32x4.mul(x, sum)));

/** 1.5·2²³: added to a number of magnitude below 2²², it rounds that to the nearest integer. */
const ROUNDING = 1.5 * 2 ** 23;
/** log 2 in two parts; the first has so few bits that its products with |n| ≤ 126 are exact. */
const LOG2_HIGH = 0.693359375;
const LOG2_LOW = Math.LN2 - LOG2_HIGH;
/** Beyond it e^−|x| is no normal float32, and counts as 0. */
const RANGE = 126 * Math.LN2;

/**
 * e^−|x| as 2ⁿ·eʳ, |r| ≤ log 2 / 2, with Taylor's polynomial of degree 7, whose remainder is below
 * 6·10⁻⁹ there. Relative error 2 ULP; 0 beyond the range of normal numbers; NaN for NaN.
 */
export function expOfMinusMagnitude(f: FunctionBuilder, x: Code): Code {
  const [v, shifted, n, r] = f.localArray("v128", 4);
  const sign = i32x4.splat(i32.const(-(2 ** 31)));
  const biased = i32x4.add(shifted.get, i32x4.splat(i32.const(127)));
  return sequence(
    v.set(v128.or(x, sign)),
    shifted.set(f32x4.add(f32x4.mul(v.get, splat(Math.LOG2E)), splat(ROUNDING))),
    n.set(f32x4.sub(shifted.get, splat(ROUNDING))),
    r.set(f32x4.sub(v.get, f32x4.mul(n.get, splat(LOG2_HIGH)))),
    r.set(f32x4.sub(r.get, f32x4.mul(n.get, splat(LOG2_LOW)))),
    v128.andNot(
      f32x4.mul(
        polynomial(r.get, 1, 1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040),
        // 2ⁿ: the low bits of `shifted` are n, which becomes the exponent.
        i32x4.shiftLeft(biased, i32.const(23)),
      ),
      f32x4.lt(v.get, splat(-RANGE)),
    ),
  );
}

/** 1/(1 + e⁻ˣ). */
export function sigmoid(f: FunctionBuilder, x: Code): Code {
  const e = f.local("v128");
  return sequence(
    e.set(expOfMinusMagnitude(f, x)),
    f32x4.div(
      v128.bitselect(e.get, splat(1), f32x4.lt(x, v128.zero)),
      f32x4.add(splat(1), e.get),
    ),
  );
}

/**
 * log(1 + e^−|x|) as 2 artanh(e / (2 + e)): e / (2 + e) ≤ 1/3, and the series' first term left out is
 * below 2·10⁻⁹ of the result.
 */
export function logOnePlusExpOfMinusMagnitude(f: FunctionBuilder, x: Code): Code {
  const [e, s, t] = f.localArray("v128", 3);
  const odd = Array.from({ length: 8 }, (_, i) => 1 / (2 * i + 1));
  return sequence(
    e.set(expOfMinusMagnitude(f, x)),
    s.set(f32x4.div(e.get, f32x4.add(splat(2), e.get))),
    t.set(f32x4.mul(s.get, s.get)),
    f32x4.mul(f32x4.add(s.get, s.get), polynomial(t.get, ...odd)),
  );
}

/** The bits of √½, and of 1, as float32. */
const ROOT_HALF_BITS = 0x3f3504f3;
const ONE_BITS = 0x3f800000;

/**
 * x^b for normal x > 0 as 2^(b·log₂x), clamped to the range of normal numbers. With x = 2ⁿ·m and m in
 * [√½, √2), log m is 2 artanh((m − 1)/(m + 1)): |(m − 1)/(m + 1)| < 0.172, and the series' first term
 * left out is below 3·10⁻⁹ of the result. Relative error 3 + |b·log₂x| ULP.
 */
export function power(module: ModuleBuilder, f: FunctionBuilder, x: Code, b: Code): Code {
  const fused = (x: Code, ...a: number[]) =>
    a.map(splat).reduceRight((sum, coefficient) => module.multiplyAdd(x, sum, coefficient));
  const [bits, shifted, m, s, t, z] = f.localArray("v128", 6);
  const integers = (value: number) => i32x4.splat(i32.const(value));
  const odd = Array.from({ length: 5 }, (_, i) => 1 / (2 * i + 1));
  const exponent = f32x4.sub(f32x4.convert(shifted.get), splat(127));
  const logarithm = f32x4.mul(
    f32x4.mul(f32x4.add(s.get, s.get), fused(t.get, ...odd)),
    splat(Math.LOG2E),
  );
  const fraction = f32x4.mul(
    f32x4.sub(z.get, f32x4.sub(bits.get, splat(ROUNDING))),
    splat(Math.LN2),
  );
  return sequence(
    bits.set(x),
    // n + 127
    shifted.set(i32x4.shiftRight(
      i32x4.add(bits.get, integers(ONE_BITS - ROOT_HALF_BITS)),
      i32.const(23),
    )),
    m.set(i32x4.add(
      i32x4.sub(bits.get, i32x4.shiftLeft(shifted.get, i32.const(23))),
      integers(ONE_BITS),
    )),
    s.set(f32x4.div(f32x4.sub(m.get, splat(1)), f32x4.add(m.get, splat(1)))),
    t.set(f32x4.mul(s.get, s.get)),
    z.set(f32x4.mul(f32x4.add(exponent, logarithm), b)),
    z.set(f32x4.lesser(f32x4.greater(z.get, splat(-126)), splat(126))),
    bits.set(f32x4.add(z.get, splat(ROUNDING))),
    t.set(fraction),
    f32x4.mul(
      fused(t.get, 1, 1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040),
      // The low bits are the nearest integer, which becomes the exponent.
      i32x4.shiftLeft(i32x4.add(bits.get, integers(127)), i32.const(23)),
    ),
  );
}
