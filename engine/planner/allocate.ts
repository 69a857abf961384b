/** Memory for the values of a step: those that do not live together share it. */
import { type Backend, type DeviceBuffer, REGION_ALIGNMENT } from "../backend/backend.ts";
import type { LoweredCall } from "./lower.ts";
import { rootOf, type Storage } from "./storage.ts";

/** Notes the first and the last call that touch each storage. */
export function markLifetimes(calls: readonly LoweredCall[]): void {
  calls.forEach(({ storages }, index) => {
    for (const storage of storages) {
      const root = rootOf(storage);
      root.first = Math.min(root.first, index);
      root.last = Math.max(root.last, index);
    }
  });
}

/** A buffer that values use one after another. */
interface Slot {
  length: number;
  /** Last call of the value that holds it. */
  busyUntil: number;
  readonly users: Storage[];
}

/**
 * Linear scan over lifetimes: a value takes the free slot that fits best, grows the largest free one
 * where none fits, or opens a new one. Slots are buffers of their own, because WebGPU forbids one
 * buffer to be read and written in one dispatch.
 */
export function allocate(
  backend: Backend,
  storages: readonly Storage[],
  label: string,
): DeviceBuffer[] {
  const slots: Slot[] = [];
  for (const storage of storages.toSorted((a, b) => a.first - b.first)) {
    const free = storage.pinned ? [] : slots.filter((slot) => slot.busyUntil < storage.first);
    const fitting = free.filter((slot) => slot.length >= storage.length);
    const slot = fitting.sort((a, b) => a.length - b.length)[0] ??
      free.sort((a, b) => b.length - a.length)[0];
    const busyUntil = storage.pinned ? Infinity : storage.last;
    if (slot) {
      slot.length = Math.max(slot.length, storage.length);
      slot.busyUntil = busyUntil;
      slot.users.push(storage);
    } else {
      slots.push({ length: storage.length, busyUntil, users: [storage] });
    }
  }
  return slots.map((slot, i) => {
    const elements = Math.ceil(Math.max(slot.length, 1) / REGION_ALIGNMENT) * REGION_ALIGNMENT;
    const name = slot.users.length === 1 ? slot.users[0].label : `${label}: shared ${i}`;
    const buffer = backend.allocate(4 * elements, name);
    for (const user of slot.users) {
      user.region = { buffer, offset: 0, length: user.length, dtype: user.dtype };
    }
    return buffer;
  });
}
