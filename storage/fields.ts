/** What JSON that was read must be like, field by field: the one validator of stored metadata. */

/** A value that is not what it should be. */
class FieldError extends SyntaxError {}

/** Checks a value. @param place What it is called in messages. @throws {SyntaxError} naming both. */
export type Check = (value: unknown, place: string) => void;

/** The keys of T that may be absent. */
type OptionalKey<T> = { [K in keyof T]-?: object extends Pick<T, K> ? K : never }[keyof T];

/** A check of every field that T must have. */
type RequiredChecks<T> = { readonly [K in Exclude<keyof T, OptionalKey<T>>]: Check };
/** A check of every field that T may have. */
type OptionalChecks<T> = { readonly [K in OptionalKey<T>]-?: Check };

const describe = (value: unknown): string => {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  const text = JSON.stringify(value) ?? "absent";
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
};

function refuse(place: string, value: unknown, expected: string): never {
  throw new FieldError(`${place} is ${describe(value)}, expected ${expected}`);
}

/** A check by a predicate. @param expected In messages. */
export function such(expected: string, isSuch: (value: unknown) => boolean): Check {
  return (value, place) => {
    if (!isSuch(value)) refuse(place, value, expected);
  };
}

/** Any text. */
export const text: Check = such("text", (value) => typeof value === "string");
/** True or false. */
export const flag: Check = such("true or false", (value) => typeof value === "boolean");
/** Any number; JSON has no others than finite ones, but reads 1e999 as infinite. */
export const number: Check = such("a finite number", Number.isFinite);
/** A whole number from 0 up. */
export const count: Check = such(
  "a whole number from 0 up",
  (value) => Number.isSafeInteger(value) && value as number >= 0,
);
/** SHA-256 in hexadecimal. */
export const digest: Check = such(
  "a SHA-256",
  (value) => typeof value === "string" && /^[0-9a-f]{64}$/.test(value),
);
/** An object, whatever it holds. */
export const object: Check = such("an object", isObject);
/** Null: what numbers that are not finite become in JSON. */
export const nothing: Check = such("null", (value) => value === null);

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** One of these values. */
export function oneOf(...values: readonly unknown[]): Check {
  return such(values.map(describe).join(" or "), (value) => values.includes(value));
}

/** A list whose elements pass. @param length Of the list; absent: any. */
export function listOf(element: Check, length?: number): Check {
  return (value, place) => {
    if (!Array.isArray(value) || (length !== undefined && value.length !== length)) {
      refuse(place, value, length === undefined ? "a list" : `a list of ${length}`);
    }
    value.forEach((item, i) => element(item, `${place}[${i}]`));
  };
}

/** An object whose values pass, whatever its keys. */
export function mapOf(element: Check): Check {
  return (value, place) => {
    if (!isObject(value)) refuse(place, value, "an object");
    for (const [key, item] of Object.entries(value)) element(item, `${place}.${key}`);
  };
}

/** What passes one of the checks; the last one's reason is given where none is passed. */
export function either(...checks: readonly Check[]): Check {
  return (value, place) => {
    for (const check of checks.slice(0, -1)) {
      try {
        return check(value, place);
      } catch (error) {
        if (!(error instanceof FieldError)) throw error;
      }
    }
    checks.at(-1)!(value, place);
  };
}

/** An object with the fields of T, all checked; what else it holds is let be. */
export function fields<T>(
  required: RequiredChecks<T>,
  optional: OptionalChecks<T>,
): Check {
  return (value, place) => {
    if (!isObject(value)) refuse(place, value, "an object");
    const at = (key: string) => place === "" ? key : `${place}.${key}`;
    for (const [key, check] of Object.entries<Check>(required)) {
      check(Object.hasOwn(value, key) ? value[key] : undefined, at(key));
    }
    for (const [key, check] of Object.entries<Check>(optional)) {
      if (Object.hasOwn(value, key)) check(value[key], at(key));
    }
  };
}

/**
 * The value that a JSON text stands for.
 * @param file In messages. @param place What the whole is called in them; empty: nothing.
 * @throws {SyntaxError} for what is no JSON, or does not pass: `Cannot read FILE: FIELD is …`.
 */
export function parseJson<T>(source: string, file: string, check: Check, place = ""): T {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch {
    throw new SyntaxError(`Cannot read ${file}: ${place || "its content"} is not JSON`);
  }
  try {
    check(value, place);
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    throw new SyntaxError(`Cannot read ${file}: ${error.message.trimStart()}`);
  }
  return value as T;
}
