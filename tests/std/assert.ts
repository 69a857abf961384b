/** `@std/assert` from the npm package that carries Deno's standard library, with its types. */
// @ts-types="./assert.d.ts"
export * from "npm:deno-std@1.4.0/assert/mod.js";
