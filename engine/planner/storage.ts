/** Where the values of a step lie, before they have addresses. */
import type { Backend, DType, Region } from "../backend/backend.ts";
import { formatShape } from "../tensor/shape.ts";
import { type Tensor, Variable } from "../tensor/tensor.ts";

/** A value's memory. */
export interface Storage {
  /** Its element type. */
  readonly dtype: DType;
  /** Its elements. */
  readonly length: number;
  /** What it holds, for messages. */
  readonly label: string;
  /** Never shared: outputs, constants, packed arrays with their zero gaps. */
  pinned: boolean;
  /** Index of the first call that touches it; Infinity where none does. */
  first: number;
  /** Index of the last call that touches it. */
  last: number;
  /** Set when it lies inside another. */
  parent?: { readonly storage: Storage; readonly offset: number };
  /** Set for variables at once, for the rest by the allocation. */
  region?: Region;
}

/** The storages of a step's tensors. */
export class Storages {
  private readonly storages = new Map<Tensor, Storage>();

  /** @param backend The device that variables must live on. @param label Names the step. */
  constructor(private readonly backend: Backend, private readonly label: string) {}

  /** @throws {TypeError} for a variable that lives elsewhere. */
  of(tensor: Tensor): Storage {
    let storage = this.storages.get(tensor);
    if (!storage) this.storages.set(tensor, storage = this.make(tensor));
    return storage;
  }

  /** Lets `alias` be the memory of `tensor`. */
  share(alias: Tensor, tensor: Tensor): void {
    this.storages.set(alias, this.of(tensor));
  }

  /** The storages that memory must be found for. */
  roots(): Storage[] {
    const roots = new Set([...this.storages.values()].map(rootOf));
    return [...roots].filter(({ region }) => region === undefined);
  }

  private make(tensor: Tensor): Storage {
    const storage: Storage = {
      dtype: tensor.dtype,
      length: tensor.size,
      label: `${this.label}: ${tensor.node?.op.name ?? "scratch"} ${formatShape(tensor.shape)}`,
      pinned: false,
      first: Infinity,
      last: -1,
    };
    if (tensor instanceof Variable) {
      if (tensor.backend !== this.backend) {
        throw new TypeError(`variable ${tensor.name} lives on another device than this program`);
      }
      storage.region = tensor.region;
    }
    return storage;
  }
}

/** The memory that a value lies in. */
export function rootOf(storage: Storage): Storage {
  return storage.parent ? rootOf(storage.parent.storage) : storage;
}

/** Where a value lies, once its root has a region. */
export function regionOf({ region, parent, label, length, dtype }: Storage): Region {
  if (region) return region;
  if (!parent) throw new TypeError(`${label}: no memory is assigned to it`);
  const whole = regionOf(parent.storage);
  return { buffer: whole.buffer, offset: whole.offset + parent.offset, length, dtype };
}
