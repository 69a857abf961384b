/** What a page gets where the sources say `Deno`: word of why files cannot be had. */
export const Deno: unknown = new Proxy({}, {
  get() {
    throw new TypeError("dynae: a page cannot read or write files; hand over bytes or values");
  },
});
