/** Augmentation: what known rotations, shifts and linear maps must do to an image. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import { augment } from "../kernels/augment.ts";
import { augment as augmentOp } from "../engine/ops/augment.ts";
import { openDevice } from "../engine/device.ts";
import { RandomStream } from "../engine/random.ts";
import { State } from "../engine/state/state.ts";
import { trace } from "../engine/planner/program.ts";

/** One image under one transform (angle, row shift, column shift, and E), by the kernel's reference. */
function transform(
  image: Float64Array,
  height: number,
  width: number,
  by: readonly number[],
): Float64Array {
  const result = new Float64Array(image.length).fill(NaN);
  augment.reference(
    [image, Float64Array.from(by), result],
    { n: 1, height, width, channels: 1, columns: by.length },
    {},
    0,
    1,
  );
  return result;
}

function assertClose(actual: Float64Array, expected: Float64Array, tolerance: number): void {
  assertEquals(actual.length, expected.length);
  actual.forEach((value, i) => assertAlmostEquals(value, expected[i], tolerance));
}

const clamp = (value: number, last: number): number => Math.max(0, Math.min(last, value));

const imageOf = (height: number, width: number) =>
  fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
    minLength: height * width,
    maxLength: height * width,
  }).map((pixels) => ({ image: Float64Array.from(pixels), height, width }));
const side = fc.integer({ min: 1, max: 9 });
const rectangle = fc.tuple(side, side).chain(([height, width]) => imageOf(height, width));
const square = side.chain((size) => imageOf(size, size));
const shift = fc.integer({ min: -12, max: 12 });

Deno.test("augment: no rotation and no shift is the identity", () => {
  fc.assert(fc.property(rectangle, ({ image, height, width }) => {
    assertEquals(transform(image, height, width, [0, 0, 0]), image);
  }));
});

Deno.test("augment: whole shifts move pixels and repeat the edge", () => {
  fc.assert(fc.property(rectangle, shift, shift, ({ image, height, width }, down, across) => {
    const expected = image.map((_, i) => {
      const row = clamp(Math.floor(i / width) + down, height - 1);
      const column = clamp(i % width + across, width - 1);
      return image[row * width + column];
    });
    assertEquals(transform(image, height, width, [0, down, across]), expected);
  }));
});

Deno.test("augment: a half-pixel shift averages neighbours", () => {
  const result = transform(Float64Array.of(0, 1, 4, 9), 1, 4, [0, 0, 0.5]);
  assertEquals(result, Float64Array.of(0.5, 2.5, 6.5, 9));
});

Deno.test("augment: a quarter turn of a square permutes its pixels", () => {
  fc.assert(fc.property(square, ({ image, height: size }) => {
    const expected = image.map((_, i) => {
      const row = Math.floor(i / size), column = i % size;
      return image[(size - 1 - column) * size + row];
    });
    const angle = Math.fround(Math.PI / 2);
    assertClose(transform(image, size, size, [angle, 0, 0]), expected, 1e-5);
  }));
});

Deno.test("augment: a linear map of zeros changes no bit", () => {
  fc.assert(fc.property(rectangle, ({ image, height, width }) => {
    const rigid = [0.3, 1.25, -0.5];
    const linear = [...rigid, 0, 0, 0, 0];
    const expected = transform(image, height, width, rigid);
    assertEquals(transform(image, height, width, linear), expected);
  }));
});

Deno.test("augment: twice the coordinates is every other pixel, about the centre", () => {
  const result = transform(Float64Array.of(1, 2, 3, 4, 5), 1, 5, [0, 0, 0, 0, 0, 0, 1]);
  assertEquals(result, Float64Array.of(1, 1, 3, 5, 5));
});

Deno.test("augment: a ramp is sampled at the transformed coordinates", () => {
  const entry = fc.double({ min: -1, max: 1, noNaN: true });
  fc.assert(fc.property(
    fc.double({ min: -Math.PI, max: Math.PI, noNaN: true }),
    fc.double({ min: -3, max: 3, noNaN: true }),
    fc.double({ min: -3, max: 3, noNaN: true }),
    fc.tuple(entry, entry, entry, entry),
    (angle, down, across, [e00, e01, e10, e11]) => {
      const height = 11, width = 8;
      const ramp = (row: number, column: number) => 3 * row - 5 * column;
      const image = Float64Array.from(
        { length: height * width },
        (_, i) => ramp(Math.floor(i / width), i % width),
      );
      const cos = Math.cos(angle), sin = Math.sin(angle);
      const expected = image.map((_, i) => {
        const row = Math.floor(i / width) - 5 + down, column = i % width - 3.5 + across;
        const u = (1 + e00) * row + e01 * column, v = e10 * row + (1 + e11) * column;
        return ramp(
          clamp(cos * u - sin * v + 5, height - 1),
          clamp(sin * u + cos * v + 3.5, width - 1),
        );
      });
      const by = [angle, down, across, e00, e01, e10, e11];
      assertClose(transform(image, height, width, by), expected, 1e-9);
    },
  ));
});

Deno.test("augment: images of a batch have their own transforms", () => {
  const images = Float32Array.of(1, 2, 3, 4, 1, 2, 3, 4);
  const result = new Float32Array(8);
  augment.reference(
    [images, Float32Array.of(0, 0, 1, 0, 1, 0), result],
    { n: 2, height: 2, width: 2, channels: 1, columns: 3 },
    {},
    0,
    2,
  );
  assertEquals(result, Float32Array.of(2, 2, 4, 4, 3, 4, 3, 4));
});

Deno.test("augment: every channel of a colour image moves as a grey image does, bit for bit", async () => {
  const columns = 7;
  const [n, height, width, channels] = [5, 7, 9, 3];
  const random = new RandomStream(3, 1);
  const draw = (length: number, scale: number) =>
    Float32Array.from({ length }, () => scale * (random.uniform() - 0.5));
  const colour = draw(n * height * width * channels, 1);
  const by = draw(columns * n, 2);
  const backend = await openDevice({ device: "cpu", threads: 1 });
  const moved = async (pixels: Float32Array, channels: number) => {
    const state = new State(backend);
    const x = state.variable("x", [n, pixels.length / n], { data: pixels });
    const transforms = state.variable("t", [n, columns], { data: by });
    const program = await trace(
      backend,
      () => ({ y: augmentOp(x, transforms, height, width, channels) }),
      "augment",
    );
    program.run();
    const { y } = await program.read();
    program.dispose();
    state.dispose();
    return Float32Array.from(y);
  };
  const found = await moved(colour, channels);
  for (let channel = 0; channel < channels; channel++) {
    const of = (values: Float32Array) => values.filter((_, i) => i % channels === channel);
    assertEquals(of(found), await moved(of(colour), 1));
  }
  await backend.dispose();
});
