/** Zstandard by fzstd, which is loaded when it is needed, with a limit. */

/**
 * What expands frames to `length` bytes, or to fewer where they hold no more.
 * @returns A function that throws {Error} where more comes out, and no more is expanded then.
 */
export async function zstdExpander(): Promise<(input: Uint8Array, length: number) => Uint8Array> {
  const { Decompress } = await import("fzstd");
  return (input, length) => {
    const result = new Uint8Array(length);
    let at = 0;
    const stream = new Decompress((chunk) => {
      if (chunk.length > length - at) throw new Error(`it expands to more than ${length} bytes`);
      result.set(chunk, at);
      at += chunk.length;
    });
    stream.push(input, true);
    return result.subarray(0, at);
  };
}
