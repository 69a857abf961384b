/** The type that this folder's ops have. */
import type { Op } from "../tensor/tensor.ts";
import type { OpName } from "./registry.ts";

/** An op whose row is there. */
interface Registered {
  /** Its name in the registry. */
  readonly name: OpName;
}

/**
 * An op whose name is in the registry, so that one without its row does not compile. Ops of other
 * modules are plain {@linkcode Op}s.
 */
export type RegisteredOp<A> = Op<A> & Registered;
