import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { writeFileAtomic } from "../storage/atomic_file.ts";
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from "../storage/safetensors.ts";

const SMALL = encodeSafetensors(
  new Map<string, StoredTensor>([
    ["b", { shape: [2, 3], data: new Float32Array([1, -0, NaN, Infinity, 5, 1e-45]) }],
    ["a", { shape: [], data: new Uint32Array([4294967295]) }],
    ["c/double", { shape: [1], data: new Float64Array([Math.PI]) }],
    ["empty", { shape: [0, 4], data: new Float32Array(0) }],
  ]),
  { version: "1", note: "é\n" },
);

/** A file with this header and so many bytes of data. */
function handMade(header: unknown, dataBytes: number): Uint8Array {
  const text = new TextEncoder().encode(
    typeof header === "string" ? header : JSON.stringify(header),
  );
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

Deno.test("safetensors: a file by another writer, unaligned and in another order", () => {
  const file = handMade({
    x: { dtype: "F32", shape: [1, 2], data_offsets: [4, 12] },
    n: { shape: [1], data_offsets: [0, 4], dtype: "U32" },
  }, 12);
  const data = new DataView(file.buffer, file.length - 12);
  data.setUint32(0, 7, true);
  data.setFloat32(4, 1.5, true);
  data.setFloat32(8, -2, true);
  const { tensors, metadata } = decodeSafetensors(file, "other.safetensors");
  assertEquals([...tensors.keys()], ["n", "x"]);
  assertEquals(tensors.get("n"), { shape: [1], data: new Uint32Array([7]) });
  assertEquals(tensors.get("x"), { shape: [1, 2], data: new Float32Array([1.5, -2]) });
  assertEquals(metadata, {});
});

Deno.test("safetensors: every array is aligned, the bytes depend on the content alone", () => {
  const { tensors, metadata } = decodeSafetensors(SMALL, "small");
  assertEquals([...tensors.keys()], ["c/double", "a", "b", "empty"]);
  assertEquals(metadata, { version: "1", note: "é\n" });
  assertEquals(Number(new DataView(SMALL.buffer).getBigUint64(0, true)) % 8, 0);
  const reversed = new Map([...tensors].reverse());
  assertEquals(encodeSafetensors(reversed, { note: "é\n", version: "1" }), SMALL);
});

Deno.test("safetensors: write and read give back every bit", () => {
  const shapes = fc.array(fc.nat(4), { maxLength: 3 });
  const tensor = fc.tuple(shapes, fc.constantFrom("F32", "F64", "U32"), fc.infiniteStream(fc.nat()))
    .map(([shape, type, words]): StoredTensor => {
      const length = shape.reduce((product, extent) => product * extent, 1);
      const bits = Uint32Array.from([...words.take(type === "F64" ? 2 * length : length)]);
      const array = { F32: Float32Array, F64: Float64Array, U32: Uint32Array }[type]!;
      return { shape, data: new array(bits.buffer) };
    });
  const names = fc.string({ unit: "binary", maxLength: 8 }).filter((name) =>
    name !== "__metadata__"
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.oneof(names, fc.constantFrom("__proto__", "7")), tensor)),
      fc.dictionary(fc.string(), fc.string()),
      (entries, metadata) => {
        const tensors = new Map(entries);
        const file = decodeSafetensors(encodeSafetensors(tensors, metadata), "x");
        assertEquals(Object.entries(file.metadata).sort(), Object.entries(metadata).sort());
        assertEquals(file.tensors.size, tensors.size);
        for (const [name, { shape, data }] of tensors) {
          const read = file.tensors.get(name)!;
          assertEquals([...read.shape], [...shape]);
          assertEquals(read.data.constructor, data.constructor);
          assertEquals(new Uint8Array(read.data.buffer), new Uint8Array(data.buffer));
        }
      },
    ),
    { numRuns: 50 },
  );
});

Deno.test("safetensors: cut short anywhere, or with bytes behind, it is refused", () => {
  for (let length = 0; length < SMALL.length; length++) {
    assertThrows(() => decodeSafetensors(SMALL.subarray(0, length), "cut"), SyntaxError, "cut");
  }
  const longer = new Uint8Array(SMALL.length + 1);
  longer.set(SMALL);
  assertThrows(() => decodeSafetensors(longer, "long"), SyntaxError, "bytes follow");
});

Deno.test("safetensors: what is wrong with a header is said", () => {
  const entry = { dtype: "F32", shape: [2], data_offsets: [0, 8] };
  const cases: [unknown, number, string][] = [
    ["[1]", 0, "not a JSON object"],
    ["{", 0, "not JSON"],
    ["\ufeff{}", 0, "not JSON"],
    [{ x: 3 }, 0, "entry x is not an object"],
    [{ x: { ...entry, dtype: undefined } }, 8, "x has no dtype"],
    [{ x: { ...entry, shape: [-2] } }, 8, "shape [-2]"],
    [{ x: { ...entry, shape: [1.5] } }, 8, "shape [1.5]"],
    [{ x: { ...entry, shape: "2" } }, 8, 'shape "2"'],
    [{ x: { ...entry, data_offsets: [0] } }, 8, "data_offsets [0]"],
    [{ x: { ...entry, data_offsets: [8, 0] } }, 8, "spans bytes 8 to 0, expected 8"],
    [{ x: { ...entry, shape: [3] } }, 8, "spans bytes 0 to 8, expected 12"],
    [{ x: { ...entry, data_offsets: [4, 12] } }, 12, "begins at byte 4"],
    [{ x: entry, y: entry }, 8, "tensor y begins at byte 0 of the data, expected 8"],
    [{ x: entry }, 4, "cut short"],
    [{ x: entry }, 9, "bytes follow"],
    [{ __metadata__: 1 }, 0, "not an object of strings"],
    [{ __metadata__: { a: 1 } }, 0, "__metadata__.a is not a string"],
  ];
  for (const [header, bytes, message] of cases) {
    assertThrows(() => decodeSafetensors(handMade(header, bytes), "f"), SyntaxError, message);
  }
  const half = { x: { dtype: "F16", shape: [1], data_offsets: [0, 2] } };
  assertThrows(
    () => decodeSafetensors(handMade(half, 2), "f"),
    TypeError,
    "tensor x is of type F16, expected F32, F64 or U32",
  );
  const huge = handMade("{}", 0);
  new DataView(huge.buffer).setBigUint64(0, 2n ** 60n, true);
  assertThrows(() => decodeSafetensors(huge, "f"), SyntaxError, "past the 100000000");
});

Deno.test("safetensors: random bytes and flipped bytes raise the documented errors alone", () => {
  const refused = (bytes: Uint8Array) => {
    try {
      decodeSafetensors(bytes, "fuzz");
      return false;
    } catch (error) {
      assert(error instanceof SyntaxError || error instanceof TypeError, `${error}`);
      return true;
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
    // The shortest valid file has ten bytes of a kind that chance does not hit.
    assert(refused(bytes));
  }));
  fc.assert(fc.property(fc.nat(SMALL.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
    const bytes = SMALL.slice();
    bytes[at] ^= mask;
    refused(bytes);
  }));
});

Deno.test("safetensors: the writer refuses what it could not read back", () => {
  const data = new Float32Array(3);
  const write = (name: string, shape: number[]) =>
    encodeSafetensors(new Map([[name, { shape, data }]]));
  assertThrows(() => write("x", [2]), RangeError, "x has shape [2] and 3 elements");
  assertThrows(() => write("x", [-1, -3]), RangeError, "shape [-1, -3]");
  assertThrows(() => write("__metadata__", [3]), RangeError, "no tensor may be called");
});

Deno.test("writeFileAtomic: replaces whole, leaves nothing behind on failure", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/state.bin`;
    await writeFileAtomic(path, new Uint8Array([1, 2, 3]));
    await writeFileAtomic(path, SMALL);
    assertEquals(await Deno.readFile(path), SMALL);
    await writeFileAtomic(path, new Uint8Array(0));
    assertEquals((await Deno.readFile(path)).length, 0);
    await Deno.mkdir(`${folder}/taken/full`, { recursive: true });
    await assertRejects(() => writeFileAtomic(`${folder}/taken`, SMALL));
    await assertRejects(
      () => writeFileAtomic(`${folder}/absent/x`, SMALL),
      Deno.errors.NotFound,
    );
    await assertRejects(() => writeFileAtomic(`${folder}/`, SMALL), TypeError, "names no file");
    const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
    assertEquals(names, ["state.bin", "taken"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
