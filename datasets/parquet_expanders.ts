/** What expands the pages of Parquet columns, loaded when it is needed, each with its checks. */
import type { Compressors } from "hyparquet";
import { crc32 } from "./crc32.ts";
import { expandBlock, expandHadoopBlocks } from "./lz4.ts";

type Expander = (input: Uint8Array, length: number) => Uint8Array;

/**
 * By the name of the compression. Each expands to `length` bytes, or to fewer where there are no more.
 * @returns Functions that throw {Error} where more comes out, and where a checksum is wrong.
 */
export async function expanders(): Promise<Record<string, Expander>> {
  const [{ compressors }, zstd] = await Promise.all([
    import("hyparquet-compressors"),
    zstdExpander(),
  ]);
  const { GZIP: gunzip, ...others } = compressors as Required<Compressors>;
  return {
    ...others,
    BROTLI: brotli,
    LZ4: expandHadoopBlocks,
    LZ4_RAW: expandBlock,
    GZIP: (input, length) => withChecksum(gunzip(input, length), input),
    ZSTD: zstd,
  };
}

/**
 * Brotli by the runtime, which stops past `length`: the package gives zeros for a stream of another
 * length, and takes the memory for all of it.
 */
function brotli(input: Uint8Array, length: number): Uint8Array {
  const zlib = (globalThis as Runtime).process?.getBuiltinModule?.("node:zlib");
  if (zlib === undefined) throw new Error("Brotli is read by Deno and Node, in no browser");
  return zlib.brotliDecompressSync(input, { maxOutputLength: Math.max(1, length) });
}

/** What Deno and Node have, looked up without an import that would stop a page from being bundled. */
interface Runtime {
  readonly process?: {
    getBuiltinModule?(name: "node:zlib"): {
      brotliDecompressSync(
        input: Uint8Array,
        options: { readonly maxOutputLength: number },
      ): Uint8Array;
    } | undefined;
  };
}

/**
 * The package gives as many bytes as were asked for, zeros where a stream has fewer: what a member says
 * at its end of its content (RFC 1952: CRC32, ISIZE) decides.
 */
function withChecksum(content: Uint8Array, member: Uint8Array): Uint8Array {
  const end = new DataView(member.buffer, member.byteOffset + member.length - 8, 8);
  if (end.getUint32(4, true) !== content.length) {
    throw new Error(`a page of ${content.length} bytes, its gzip stream has another number`);
  }
  if (end.getUint32(0, true) !== crc32(content)) throw new Error("a gzip checksum is wrong");
  return content;
}

/** Zstandard by fzstd, which is stopped where more comes out. */
async function zstdExpander(): Promise<Expander> {
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
