/** Byte alignment of every block: WebGPU's binding alignment, and whole cache lines. */
export const BLOCK_ALIGNMENT = 256;

/** A run of free bytes, `[offset, offset + length)`. */
interface Gap {
  offset: number;
  length: number;
}

/** Bytes rounded up to {@linkcode BLOCK_ALIGNMENT}. */
function rounded(byteLength: number): number {
  return Math.ceil(byteLength / BLOCK_ALIGNMENT) * BLOCK_ALIGNMENT;
}

/**
 * First-fit allocator over the address range [0, capacity): a list of gaps sorted by offset, merged
 * when blocks come back. It hands out offsets and owns no memory. Few, large and long-lived blocks
 * are what plans make, so a linear scan is enough.
 */
export class BlockAllocator {
  private readonly gaps: Gap[];

  /** `begin` and `capacity` in bytes; blocks lie in [begin, capacity). */
  constructor(begin: number, capacity: number) {
    const first = rounded(begin);
    this.gaps = [{ offset: first, length: capacity - first }];
  }

  /**
   * The offset of a free block, 256-byte aligned, or `undefined` where no gap is large enough.
   * A block of 0 bytes still takes one unit, so that offsets are distinct.
   */
  allocate(byteLength: number): number | undefined {
    const length = Math.max(rounded(byteLength), BLOCK_ALIGNMENT);
    const at = this.gaps.findIndex((gap) => gap.length >= length);
    if (at < 0) return undefined;
    const gap = this.gaps[at];
    const offset = gap.offset;
    gap.offset += length;
    gap.length -= length;
    if (gap.length === 0) this.gaps.splice(at, 1);
    return offset;
  }

  /** Gives back the block that `allocate(byteLength)` returned as `offset`. */
  free(offset: number, byteLength: number): void {
    const length = Math.max(rounded(byteLength), BLOCK_ALIGNMENT);
    let next = this.gaps.findIndex((gap) => gap.offset > offset);
    if (next < 0) next = this.gaps.length;
    const before = this.gaps[next - 1];
    const after = this.gaps[next];
    const joinsBefore = before !== undefined && before.offset + before.length === offset;
    const joinsAfter = after !== undefined && offset + length === after.offset;
    if (joinsBefore && joinsAfter) {
      before.length += length + after.length;
      this.gaps.splice(next, 1);
    } else if (joinsBefore) {
      before.length += length;
    } else if (joinsAfter) {
      after.offset = offset;
      after.length += length;
    } else {
      this.gaps.splice(next, 0, { offset, length });
    }
  }
}
