/** Types of the functions of `@std/assert` that the tests use; the npm package ships none. */
// deno-lint-ignore-file no-explicit-any
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;
export function assert(value: unknown, message?: string): asserts value;
export function assertEquals<T>(actual: T, expected: T, message?: string): void;
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void;
export function assertStrictEquals<T>(actual: unknown, expected: T, message?: string): void;
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  message?: string,
): void;
export function assertGreater<T>(actual: T, expected: T, message?: string): void;
export function assertGreaterOrEqual<T>(actual: T, expected: T, message?: string): void;
export function assertLess<T>(actual: T, expected: T, message?: string): void;
export function assertLessOrEqual<T>(actual: T, expected: T, message?: string): void;
export function assertStringIncludes(actual: string, expected: string, message?: string): void;
export function assertMatch(actual: string, expected: RegExp, message?: string): void;
export function assertInstanceOf<E>(
  actual: unknown,
  type: abstract new (...args: any[]) => E,
  message?: string,
): asserts actual is E;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  errorClass?: ErrorClass<E>,
  includes?: string,
  message?: string,
): E;
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  errorClass?: ErrorClass<E>,
  includes?: string,
  message?: string,
): Promise<E>;
export function fail(message?: string): never;
