/** Cells of text as numbers. */
import { MISSING } from "./columns.ts";

/** The categories of a column of text, numbered as they come. */
export class Categories {
  private readonly numbers = new Map<string, number>();

  /** @param known Those of the rows that a model was trained on; no others are taken then. */
  constructor(private readonly known?: readonly string[]) {
    known?.forEach((cell) => this.numbers.set(cell, this.numbers.size));
  }

  /** Undefined for a missing or unknown cell. */
  numberOf(cell: string): number | undefined {
    const found = this.numbers.get(cell);
    if (found !== undefined || this.known !== undefined || MISSING.test(cell)) return found;
    this.numbers.set(cell, this.numbers.size);
    return this.numbers.size - 1;
  }

  /** The categories, by their numbers. */
  cells(): string[] {
    return [...this.numbers.keys()];
  }
}
