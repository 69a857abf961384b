/**
 * Readers against hostile input: they either give back an array that agrees with its own shape, or
 * raise a documented error whose message names the file.
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { elementsOf, type NumericArray } from "../datasets/array.ts";
import { parseClassLines } from "../datasets/class_lines.ts";
import { parseTable } from "../datasets/csv.ts";
import { makeDataset } from "../datasets/dataset.ts";
import { gunzip, gzip } from "../datasets/gzip.ts";
import { decodeIdx, encodeIdx } from "../datasets/idx.ts";
import { decodeClasses, decodeRows } from "../datasets/decode.ts";
import { decodeNpy, encodeNpy } from "../datasets/npy.ts";

const FILE = "fuzzed.file";

/** Fails unless it is one of the errors that the readers document, in their grammar. */
function checkError(error: unknown): void {
  const documented = error instanceof SyntaxError || error instanceof TypeError ||
    error instanceof RangeError;
  assert(documented && error.message.startsWith(`Cannot read ${FILE}: `), `${error}`);
}

function checkArray(array: NumericArray): void {
  assertEquals(array.values.length, elementsOf(array.shape));
}

/** Reads bytes as whatever they are; true where they were accepted, consistently. */
async function accepts(bytes: Uint8Array): Promise<boolean> {
  try {
    const { array, classes } = await decodeRows(bytes, FILE);
    checkArray(array);
    const dataset = await makeDataset(array, { name: FILE, ...(classes ? { classes } : {}) });
    assert(dataset.data.every((value) => Number.isFinite(value)));
    assertEquals(dataset.data.length, dataset.n * dataset.d);
    return true;
  } catch (error) {
    checkError(error);
    return false;
  }
}

const VALID: Record<string, Uint8Array> = {
  idx: encodeIdx(Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2]),
  "idx of bytes": encodeIdx(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), [2, 2, 2]),
  npy: encodeNpy(Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2]),
};

const reals = fc.float({ noNaN: true, noDefaultInfinity: true });

/** A shape with its elements. */
const arrays = fc.array(fc.nat(5), { minLength: 1, maxLength: 3 }).chain((shape) => {
  const length = elementsOf(shape);
  return fc.tuple(
    fc.constant(shape),
    fc.array(fc.float(), { minLength: length, maxLength: length }),
  );
});

Deno.test("fuzz: random bytes are refused or read consistently", async () => {
  const prefixes = [[], [0, 0], [0, 0, 8], [0, 0, 13, 2], [0x1f, 0x8b, 8, 0], [
    ...VALID.npy.subarray(0, 8),
  ]];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...prefixes),
      fc.uint8Array({ maxLength: 200 }),
      async (prefix, tail) => {
        await accepts(new Uint8Array([...prefix, ...tail]));
      },
    ),
    { numRuns: 400 },
  );
});

Deno.test("fuzz: random text is refused or read consistently", async () => {
  const text = fc.array(
    fc.constantFrom(...'0123456789.,;-+eE \t\n\r"#xnaif'.split("")),
    { maxLength: 60 },
  ).map((characters) => new TextEncoder().encode(characters.join("")));
  await fc.assert(
    fc.asyncProperty(text, async (bytes) => {
      await accepts(bytes);
      for (const classColumn of ["first", "last"] as const) {
        try {
          const { array, classes } = parseTable(bytes, FILE, { classColumn });
          checkArray(array);
          assertEquals(classes!.length, array.shape[0]);
        } catch (error) {
          checkError(error);
        }
      }
      try {
        assert(parseClassLines(bytes, FILE).cells.length > 0);
        await decodeClasses(bytes, FILE);
      } catch (error) {
        checkError(error);
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("fuzz: flipping any one byte of a header is refused or read consistently", async () => {
  for (const bytes of Object.values(VALID)) {
    for (let at = 0; at < bytes.length; at++) {
      for (const mask of [0x01, 0x10, 0x80, 0xff]) {
        const flipped = bytes.slice();
        flipped[at] ^= mask;
        await accepts(flipped);
      }
    }
  }
});

Deno.test("fuzz: a binary file cut short anywhere is refused", async () => {
  for (const [name, bytes] of Object.entries(VALID)) {
    const decode = name === "npy" ? decodeNpy : decodeIdx;
    for (let length = 0; length < bytes.length; length++) {
      const error = assertThrows(() => decode(bytes.subarray(0, length), FILE), SyntaxError);
      checkError(error);
      assert(!await accepts(bytes.subarray(0, length)), `${name} cut to ${length} bytes`);
    }
    const longer = new Uint8Array([...bytes, 0]);
    assertThrows(() => decode(longer, FILE), SyntaxError, "bytes follow");
  }
});

Deno.test("fuzz: a gzip file cut short or flipped anywhere is refused or unharmed", async () => {
  const compressed = await gzip(VALID.npy);
  for (let length = 0; length < compressed.length; length++) {
    await assertRejects(() => gunzip(compressed.subarray(0, length), FILE), SyntaxError, "damaged");
    if (length >= 2) assert(!await accepts(compressed.subarray(0, length)));
  }
  for (let at = 0; at < compressed.length; at++) {
    const flipped = compressed.slice();
    flipped[at] ^= 0x04;
    try {
      assertEquals(await gunzip(flipped, FILE), VALID.npy);
    } catch (error) {
      checkError(error);
    }
  }
  await assertRejects(() => gunzip(compressed, FILE, 10), RangeError, "more than 10 bytes");
});

Deno.test("fuzz: a table whose last row lost cells is refused", () => {
  const rows = fc.integer({ min: 2, max: 5 }).chain((columns) =>
    fc.tuple(
      fc.array(fc.array(reals, { minLength: columns, maxLength: columns }), { minLength: 1 }),
      fc.integer({ min: 1, max: columns - 1 }),
    )
  );
  fc.assert(fc.property(rows, ([cells, kept]) => {
    const cut = [...cells, cells[0].slice(0, kept)];
    const text = cut.map((row) => row.join(",")).join("\n");
    assertThrows(() => parseTable(new TextEncoder().encode(text), FILE), SyntaxError, "columns");
  }));
});

Deno.test("round trip: IDX and NPY give back every bit", () => {
  fc.assert(fc.property(arrays, ([shape, list]) => {
    const values = Float32Array.from(list);
    const bits = new Uint32Array(values.buffer);
    for (
      const array of [
        decodeIdx(encodeIdx(values, shape), FILE),
        decodeNpy(encodeNpy(values, shape), FILE),
        decodeNpy(encodeNpy(bits, shape), FILE),
      ]
    ) {
      assertEquals([...array.shape], shape);
      assertEquals(new Uint32Array(array.values.buffer as ArrayBuffer), bits);
    }
    const bytes = new Uint8Array(bits).map((bit) => bit & 255);
    assertEquals(decodeIdx(encodeIdx(bytes, shape), FILE).values, bytes);
  }));
  assertThrows(() => encodeIdx(new Uint8Array(3), [2]), RangeError, "has 2 elements, found 3");
  assertThrows(() => encodeNpy(new Uint32Array(3), [2]), RangeError, "has 2 elements, found 3");
});

Deno.test("round trip: gzip", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), async (bytes) => {
      assertEquals(await gunzip(await gzip(bytes), FILE), bytes);
    }),
    { numRuns: 30 },
  );
});

Deno.test("round trip: text of shortest decimals gives back every float32, in every dialect", () => {
  const tables = fc.integer({ min: 1, max: 4 }).chain((columns) =>
    fc.array(fc.array(reals, { minLength: columns, maxLength: columns }), {
      minLength: 1,
      maxLength: 5,
    })
  );
  fc.assert(
    fc.property(
      tables,
      fc.constantFrom(",", ";", "\t", " ", "  ", " , "),
      fc.constantFrom("\n", "\r\n", "\r", "\n\n"),
      fc.boolean(),
      fc.boolean(),
      (cells, separator, newline, header, quoted) => {
        const lines = cells.map((row) =>
          row.map((value) => quoted ? `"${toText(value)}"` : toText(value)).join(separator)
        );
        if (header) lines.unshift(cells[0].map((_, i) => `x${i}`).join(separator));
        const { array, columns } = parseTable(new TextEncoder().encode(lines.join(newline)), FILE);
        assertEquals([...array.shape], [cells.length, cells[0].length]);
        assertEquals(columns !== undefined, header);
        assertEquals([...array.values], cells.flat());
      },
    ),
  );
});

/** −0 keeps its sign, which `String` drops. */
function toText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}
