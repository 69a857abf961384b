/**
 * A small WebAssembly assembler: code is built as byte sequences by functions named like the
 * instructions of the specification (WebAssembly 3.0 with relaxed SIMD), operands first, so that
 * `f32x4.add(a, b)` is the code of `a`, of `b` and of the addition.
 */

/** The code of an expression or of statements. */
export type Code = readonly number[];

/** Types of values. */
export type ValueType = "i32" | "f32" | "f64" | "v128";

/** Codes of the value types. */
const TYPES: Readonly<Record<ValueType, number>> = {
  i32: 0x7f,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
};

/** A whole number ≥ 0 as unsigned LEB128. */
export function unsigned(value: number): Code {
  const bytes: number[] = [];
  do {
    const low = value % 128;
    value = Math.floor(value / 128);
    bytes.push(value > 0 ? low | 128 : low);
  } while (value > 0);
  return bytes;
}

/** A 32-bit integer as signed LEB128. */
export function signed(value: number): Code {
  const bytes: number[] = [];
  while (true) {
    const low = value & 127;
    value >>= 7;
    const last = (value === 0 && (low & 64) === 0) || (value === -1 && (low & 64) !== 0);
    bytes.push(last ? low : low | 128);
    if (last) return bytes;
  }
}

/** Bytes of a number, as all machines that run JavaScript today order them. */
function littleEndian(value: Float32Array | Float64Array): Code {
  return [...new Uint8Array(value.buffer)];
}

/** Joins pieces of code. `push(...array)` would put every byte on the stack. */
function join(...parts: Code[]): Code {
  return parts.flat();
}

/** An instruction with one operand. */
type Unary = (x: Code) => Code;
/** An instruction with two operands. */
type Binary = (a: Code, b: Code) => Code;

const unary = (...opcode: number[]): Unary => (x) => join(x, opcode);
const binary = (...opcode: number[]): Binary => (a, b) => join(a, b, opcode);
const ternary = (...opcode: number[]) => (a: Code, b: Code, c: Code): Code => join(a, b, c, opcode);

/** A SIMD instruction's code. */
const simd = (opcode: number): number[] => [0xfd, ...unsigned(opcode)];

/** Where an access goes: a constant number of bytes behind its address, in one of the memories. */
const place = (offset: number, memory: number): Code =>
  join(memory === 0 ? [0] : join([0x40], unsigned(memory)), unsigned(offset));

/** An instruction that reads memory at `address + offset`. */
const load = (...opcode: number[]) => (address: Code, offset = 0, memory = 0): Code =>
  join(address, opcode, place(offset, memory));

/** An instruction that writes `value` at `address + offset`. */
const store = (...opcode: number[]) => (address: Code, value: Code, offset = 0, memory = 0): Code =>
  join(address, value, opcode, place(offset, memory));

/** 32-bit integers. Comparisons and divisions are unsigned, as addresses and sizes are. */
export const i32 = {
  const: (value: number): Code => join([0x41], signed(value)),
  load: load(0x28),
  store: store(0x36),
  eqz: unary(0x45),
  eq: binary(0x46),
  ltU: binary(0x49),
  gtU: binary(0x4b),
  leU: binary(0x4d),
  geU: binary(0x4f),
  add: binary(0x6a),
  sub: binary(0x6b),
  mul: binary(0x6c),
  divU: binary(0x6e),
  remainderU: binary(0x70),
  and: binary(0x71),
  or: binary(0x72),
  /** Of a float64, towards zero, as far as the range goes. */
  truncate: unary(0xfc, 0x02),
};

/** 32-bit floats. */
export const f32 = {
  const: (value: number): Code => join([0x43], littleEndian(new Float32Array([value]))),
  load: load(0x2a),
  store: store(0x38),
  eq: binary(0x5b),
  lt: binary(0x5d),
  gt: binary(0x5e),
  sqrt: unary(0x91),
  add: binary(0x92),
  sub: binary(0x93),
  mul: binary(0x94),
  div: binary(0x95),
  max: binary(0x97),
  /** The nearest float32 of a float64. */
  demote: unary(0xb6),
  /** Of a signed integer. */
  convert: unary(0xb2),
};

/** 64-bit floats, for sums and for what must be exact. */
export const f64 = {
  const: (value: number): Code => join([0x44], littleEndian(new Float64Array([value]))),
  load: load(0x2b),
  store: store(0x39),
  nearest: unary(0x9e),
  sqrt: unary(0x9f),
  add: binary(0xa0),
  sub: binary(0xa1),
  mul: binary(0xa2),
  div: binary(0xa3),
  promote: unary(0xbb),
};

/** 128-bit vectors of any lanes. */
export const v128 = {
  load: load(...simd(0)),
  load32Splat: load(...simd(9)),
  load64Splat: load(...simd(10)),
  store: store(...simd(11)),
  /** Writes lane 0 alone. */
  storeLane0: (address: Code, value: Code, offset = 0): Code =>
    join(address, value, simd(90), [0], unsigned(offset), [0]),
  /** Writes one 32-bit lane. */
  storeLane: (address: Code, value: Code, lane: number, offset = 0): Code =>
    join(address, value, simd(90), [0], unsigned(offset), [lane]),
  zero: [...simd(12), ...new Array<number>(16).fill(0)] as Code,
  /** Lane 0, 1 or both from memory, zeros in the others. */
  load32Zero: load(...simd(92)),
  load64Zero: load(...simd(93)),
  /** `value` with one 32-bit lane from memory. */
  load32Lane: (address: Code, value: Code, lane: number, offset = 0): Code =>
    join(address, value, simd(86), [0], unsigned(offset), [lane]),
  /** `value` with one half, 64 bits, from memory. */
  load64Lane: (address: Code, value: Code, lane: number, offset = 0): Code =>
    join(address, value, simd(87), [0], unsigned(offset), [lane]),
  and: binary(...simd(78)),
  andNot: binary(...simd(79)),
  or: binary(...simd(80)),
  xor: binary(...simd(81)),
  not: unary(...simd(77)),
  /** Whether any bit is set, as an i32. */
  any: unary(...simd(83)),
  /** The bits of `a` where those of `mask` are set, else of `b`. */
  bitselect: (a: Code, b: Code, mask: Code): Code => join(a, b, mask, simd(82)),
};

/** Four 32-bit integers. */
export const i32x4 = {
  const: (...lanes: readonly [number, number, number, number]): Code =>
    join(simd(12), [...new Uint8Array(Int32Array.from(lanes).buffer)]),
  splat: unary(...simd(17)),
  extractLane: (x: Code, lane: number): Code => join(x, simd(27), [lane]),
  eq: binary(...simd(55)),
  ltU: binary(...simd(58)),
  add: binary(...simd(174)),
  sub: binary(...simd(177)),
  shiftLeft: binary(...simd(171)),
  /** Filling with zeros. */
  shiftRight: binary(...simd(173)),
};

/** The lanes of an i8x16.shuffle that takes these four 32-bit lanes of `a` (0-3) and `b` (4-7). */
export function shuffle32(a: Code, b: Code, lanes: readonly number[]): Code {
  const bytes = lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => lane * 4 + byte));
  return join(a, b, simd(13), bytes);
}

/** Four 32-bit floats. */
export const f32x4 = {
  const: (...lanes: readonly [number, number, number, number]): Code =>
    join(simd(12), littleEndian(Float32Array.from(lanes))),
  splat: unary(...simd(19)),
  extractLane: (x: Code, lane: number): Code => join(x, simd(31), [lane]),
  eq: binary(...simd(65)),
  lt: binary(...simd(67)),
  gt: binary(...simd(68)),
  sqrt: unary(...simd(227)),
  add: binary(...simd(228)),
  sub: binary(...simd(229)),
  mul: binary(...simd(230)),
  div: binary(...simd(231)),
  min: binary(...simd(232)),
  max: binary(...simd(233)),
  /** b where it is less than a, else a: NaN in `b` never wins. */
  lesser: binary(...simd(234)),
  /** b where it is greater than a, else a. */
  greater: binary(...simd(235)),
  floor: unary(...simd(104)),
  /** From unsigned integers. */
  convert: unary(...simd(251)),
  /** Of two float64, and two zeros. */
  demote: unary(...simd(94)),
  /** a·b + c, rounded once or twice, whichever the machine does faster (relaxed SIMD). */
  relaxedMadd: ternary(...simd(0x105)),
};

/** Two 64-bit floats. */
export const f64x2 = {
  splat: unary(...simd(20)),
  /** Of the first two float32. */
  promote: unary(...simd(95)),
  add: binary(...simd(240)),
  sub: binary(...simd(241)),
  mul: binary(...simd(242)),
  div: binary(...simd(243)),
  extractLane: (x: Code, lane: number): Code => join(x, simd(33), [lane]),
  replaceLane: (x: Code, value: Code, lane: number): Code => join(x, value, simd(34), [lane]),
};

/** Computes a value and forgets it. */
export function drop(value: Code): Code {
  return join(value, [0x1a]);
}

/** A parameter or local variable of a function. */
export class Local {
  /** Its value. */
  readonly get: Code;

  /** A variable by its place among the function's parameters and locals. */
  constructor(readonly index: number, readonly type: ValueType) {
    this.get = join([0x20], unsigned(index));
  }

  /** Assigns. */
  set(value: Code): Code {
    return join(value, [0x21], unsigned(this.index));
  }

  /** Adds to an i32. */
  increase(by: Code | number): Code {
    return this.set(i32.add(this.get, typeof by === "number" ? i32.const(by) : by));
  }
}

/** Statements one after the other. */
export function sequence(...statements: Code[]): Code {
  return join(...statements);
}

/** `if (condition) { … } else { … }` */
export function when(condition: Code, then: Code, otherwise?: Code): Code {
  const tail = otherwise === undefined ? [] : join([0x05], otherwise);
  return join(condition, [0x04, 0x40], then, tail, [0x0b]);
}

/** `condition ? then : otherwise`; both are evaluated. */
export function select(condition: Code, then: Code, otherwise: Code): Code {
  return join(then, otherwise, condition, [0x1b]);
}

/** The smaller of two unsigned integers. */
export function minimum(a: Code, b: Code): Code {
  return select(i32.ltU(a, b), a, b);
}

/** Bytes of so many 4-byte numbers. */
export function bytes(numbers: Code): Code {
  return i32.mul(numbers, i32.const(4));
}

/** `while (condition) { … }` */
export function whileLoop(condition: Code, body: Code): Code {
  // One test before the loop and one at its end, so that a turn takes a single branch.
  return when(condition, join([0x03, 0x40], body, condition, [0x0d, 0], [0x0b]));
}

/** Code that {@linkcode leaveWhen} may leave. */
export function block(body: Code): Code {
  return join([0x02, 0x40], body, [0x0b]);
}

/** Leaves the innermost block, loop turn or branch of a condition that it stands in. */
export function leaveWhen(condition: Code): Code {
  return join(condition, [0x0d, 0]);
}

/** `for (; counter < end; counter += step) { … }`, unsigned. */
export function forLoop(counter: Local, end: Code, step: number, body: Code): Code {
  return whileLoop(i32.ltU(counter.get, end), join(body, counter.increase(step)));
}

/** A function that other functions can call. */
export interface FunctionHandle {
  /** The code that calls it. */
  readonly call: (...args: Code[]) => Code;
}

/** Declares a function's parameters and locals. */
export class FunctionBuilder {
  /** Types of the parameters. */
  readonly params: ValueType[] = [];
  /** Types of the locals. */
  readonly locals: ValueType[] = [];

  /** Parameters of one type, by position. All are declared before the first local. */
  parameters<const N extends readonly string[]>(
    type: ValueType,
    ...names: N
  ): Record<N[number], Local> {
    if (this.locals.length > 0) throw new TypeError("Parameters must be declared before locals");
    const entries = names.map((name) => {
      this.params.push(type);
      return [name, new Local(this.params.length - 1, type)] as const;
    });
    return Object.fromEntries(entries) as Record<N[number], Local>;
  }

  /** A local variable, zero at the start. */
  local(type: ValueType): Local {
    this.locals.push(type);
    return new Local(this.params.length + this.locals.length - 1, type);
  }

  /** Several local variables of one type. */
  localArray(type: ValueType, length: number): Local[] {
    return Array.from({ length }, () => this.local(type));
  }
}

/** A function's name and parameters. */
interface Signature {
  readonly name: string | undefined;
  readonly params: readonly ValueType[];
}

/** A finished function. */
interface FunctionEntry extends Signature {
  readonly locals: readonly ValueType[];
  readonly body: Code;
}

/** What a module is built for. */
export interface ModuleOptions {
  /** Whether the imported memory is shared. */
  readonly shared: boolean;
  /** Whether {@linkcode ModuleBuilder.multiplyAdd} may use relaxed SIMD. */
  readonly relaxed: boolean;
  /** Whether memory 0 is a page of its own, `env.page`, which never grows; `env.memory` is memory 1 then. */
  readonly page?: boolean;
}

/**
 * Pages of 64 KiB that the imported memory has at least. That there is one spares every access with
 * a smaller constant offset a comparison of the offset with the memory's size.
 */
export const MINIMUM_PAGES = 1;

/** Pages that it may have: the 4 GiB that an address reaches. */
export const MAXIMUM_PAGES = 65536;

/**
 * Builds a module that imports the memory `env.memory` and exports functions without results.
 */
export class ModuleBuilder {
  /** a·b + c over four floats: fused where the module may be relaxed, else two roundings. */
  readonly multiplyAdd: (a: Code, b: Code, c: Code) => Code;
  private readonly memories: Code[];
  private readonly imports: Signature[] = [];
  private readonly functions: FunctionEntry[] = [];
  private readonly made = new Map<string, unknown>();

  /** Starts an empty module. */
  constructor({ shared, relaxed, page }: ModuleOptions) {
    const own = memoryImport("page", 0x01, 1, 1);
    const common = memoryImport("memory", shared ? 0x03 : 0x01, MINIMUM_PAGES, MAXIMUM_PAGES);
    this.memories = page ? [own, common] : [common];
    this.multiplyAdd = relaxed ? f32x4.relaxedMadd : (a, b, c) => f32x4.add(f32x4.mul(a, b), c);
  }

  /** What `make` adds under `key`, added only the first time: functions that kernels share. */
  once<T>(key: string, make: () => T): T {
    if (!this.made.has(key)) this.made.set(key, make());
    return this.made.get(key) as T;
  }

  /**
   * Adds a function; with a name it is exported. `define` declares parameters and locals and returns
   * the body.
   */
  function(name: string | undefined, define: (f: FunctionBuilder) => Code): FunctionHandle {
    const builder = new FunctionBuilder();
    const body = define(builder);
    this.functions.push({ name, params: builder.params, locals: builder.locals, body });
    return handle(
      { name, params: builder.params },
      this.imports.length + this.functions.length - 1,
    );
  }

  /** Imports the function `env.NAME`. All imports stand before the first function. */
  import(name: string, ...params: ValueType[]): FunctionHandle {
    if (this.functions.length > 0) throw new TypeError(`Import of ${name} after a function`);
    const signature = { name, params };
    this.imports.push(signature);
    return handle(signature, this.imports.length - 1);
  }

  /** The module's bytes. */
  build(): Uint8Array<ArrayBuffer> {
    const { imports, functions } = this;
    const exported = functions.flatMap((entry, index) =>
      entry.name === undefined
        ? []
        : [join(text(entry.name), [0x00], unsigned(imports.length + index))]
    );
    const signatures = [...imports, ...functions];
    return new Uint8Array(join(
      [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      section(1, signatures.map(({ params }) => join([0x60], vector(params.map(typeCode)), [0]))),
      section(2, [
        ...this.memories,
        ...imports.map(({ name }, type) => join(text("env"), text(name!), [0x00], unsigned(type))),
      ]),
      section(3, functions.map((_, index) => unsigned(imports.length + index))),
      section(7, exported),
      section(10, functions.map(functionBody)),
    ));
  }
}

/** What calls the function of this index. */
function handle({ name, params }: Signature, index: number): FunctionHandle {
  return {
    call: (...args) => {
      if (args.length !== params.length) {
        throw new TypeError(
          `Function ${name ?? index} takes ${params.length} arguments, not ${args.length}`,
        );
      }
      return join(...args, [0x10], unsigned(index));
    },
  };
}

/** The import of a memory of these pages. */
function memoryImport(name: string, limits: number, least: number, most: number): Code {
  return join(text("env"), text(name), [0x02, limits], unsigned(least), unsigned(most));
}

function typeCode(type: ValueType): Code {
  return [TYPES[type]];
}

/** A vector: its length and its elements. */
function vector(elements: Code[]): Code {
  return join(unsigned(elements.length), ...elements);
}

/** A name: its length in bytes and its UTF-8. */
function text(name: string): Code {
  const bytes = new TextEncoder().encode(name);
  return join(unsigned(bytes.length), [...bytes]);
}

/** A section whose content is a vector. */
function section(id: number, elements: Code[]): Code {
  const content = vector(elements);
  return join([id], unsigned(content.length), content);
}

/** A function's entry of the code section; locals are declared one by one. */
function functionBody({ locals, body }: FunctionEntry): Code {
  const declarations = vector(locals.map((type) => join([1], typeCode(type))));
  const code = join(declarations, body, [0x0b]);
  return join(unsigned(code.length), code);
}
