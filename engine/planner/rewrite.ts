/** Nodes under rewriting: who makes and who reads what, and an order that stays right. */
import type { DeviceBuffer } from "../backend/backend.ts";
import { type Node, type Tensor, Variable } from "../tensor/tensor.ts";

/** The nodes of a step, which rules replace by others. */
export class Rewriting {
  private current: readonly Node[];
  private makers = new Map<Tensor, Node>();
  private users = new Map<Tensor, Node[]>();
  /** Of a traced node: the earlier ones whose effects it must not overtake. */
  private readonly effects: ReadonlyMap<Node, readonly Node[]>;
  /** What stands in the place of a node that is gone. */
  private readonly heirs = new Map<Node, Node>();

  /** @param nodes In order. @param outputs What must stay readable. */
  constructor(nodes: readonly Node[], private readonly outputs: ReadonlySet<Tensor>) {
    this.current = nodes;
    this.effects = effectOrder(nodes);
    this.index();
  }

  /** The nodes, in an order that data and effects allow. */
  get nodes(): readonly Node[] {
    return this.current;
  }

  /** The node that makes `tensor`; undefined for variables. */
  maker(tensor: Tensor): Node | undefined {
    return this.makers.get(tensor);
  }

  /** The nodes that read `tensor`. */
  readers(tensor: Tensor): readonly Node[] {
    return this.users.get(tensor) ?? [];
  }

  /** Whether `reader` is the only reader of `tensor`, and it is no output of the program. */
  onlyReader(tensor: Tensor, reader: Node): boolean {
    return !this.outputs.has(tensor) && this.readers(tensor).every((node) => node === reader);
  }

  /**
   * Replaces nodes.
   * @param heirs Of every node that goes, the one that takes its place in the order of effects.
   * @param others Nodes that come in besides.
   * @returns Whether it was done: not where data and effects would leave no order.
   */
  replace(heirs: ReadonlyMap<Node, Node>, others: readonly Node[] = []): boolean {
    const before = this.current;
    this.current = [
      ...before.filter((node) => !heirs.has(node)),
      ...new Set([...heirs.values(), ...others]),
    ];
    for (const [node, heir] of heirs) this.heirs.set(node, heir);
    this.index();
    const sorted = this.sorted();
    this.current = sorted ?? before;
    if (!sorted) {
      for (const node of heirs.keys()) this.heirs.delete(node);
      this.index();
    }
    return sorted !== undefined;
  }

  private index(): void {
    this.makers = new Map();
    this.users = new Map();
    for (const node of this.current) {
      for (const output of node.outputs) this.makers.set(output, node);
      for (const input of new Set(node.inputs)) {
        const list = this.users.get(input);
        if (list) list.push(node);
        else this.users.set(input, [node]);
      }
    }
  }

  /** The nodes, small ids first where there is a choice; undefined where there is no order. */
  private sorted(): Node[] | undefined {
    const missing = new Map(this.current.map((node) => [node, 0]));
    const followers = new Map<Node, Node[]>(this.current.map((node) => [node, []]));
    const precede = (first: Node | undefined, node: Node) => {
      if (!first || first === node || !missing.has(first) || !missing.has(node)) return;
      followers.get(first)!.push(node);
      missing.set(node, missing.get(node)! + 1);
    };
    for (const node of this.current) {
      for (const input of node.inputs) precede(this.maker(input), node);
    }
    for (const [node, others] of this.effects) {
      for (const other of others) precede(this.heir(other), this.heir(node));
    }
    const sorted: Node[] = [];
    const ready = this.current.filter((node) => missing.get(node) === 0);
    while (ready.length > 0) {
      const least = ready.reduce((best, { id }, i) => (id < ready[best].id ? i : best), 0);
      const [node] = ready.splice(least, 1);
      sorted.push(node);
      for (const follower of followers.get(node)!) {
        missing.set(follower, missing.get(follower)! - 1);
        if (missing.get(follower) === 0) ready.push(follower);
      }
    }
    return sorted.length === this.current.length ? sorted : undefined;
  }

  private heir(node: Node): Node {
    const heir = this.heirs.get(node);
    return heir ? this.heir(heir) : node;
  }
}

/** The nodes that fusion made `nodes` of. */
export function partsOf(...nodes: readonly Node[]): Node[] {
  return nodes.flatMap((node) => node.parts ?? [node]);
}

/** Of every node: the earlier ones that change what it reads, or touch what it changes. */
function effectOrder(nodes: readonly Node[]): Map<Node, readonly Node[]> {
  const accesses = new Map<DeviceBuffer, { node: Node; changes: boolean }[]>();
  return new Map(nodes.map((node) => {
    const before = new Set<Node>();
    const updated = updatedInputs(node);
    node.inputs.forEach((input, i) => {
      const buffer = variableBuffer(input);
      if (!buffer) return;
      const changes = updated.includes(i);
      const others = accesses.get(buffer) ?? [];
      for (const other of others) if (changes || other.changes) before.add(other.node);
      others.push({ node, changes });
      accesses.set(buffer, others);
    });
    before.delete(node);
    return [node, [...before]];
  }));
}

/** Numbers of the inputs that a node changes. */
function updatedInputs({ op, attributes }: Node): readonly number[] {
  return op.memory === "update" ? op.updates(attributes) : [];
}

/** The memory of variables that the nodes change. */
export function updatedBuffers(nodes: readonly Node[]): ReadonlySet<DeviceBuffer> {
  const buffers = nodes.flatMap((node) =>
    updatedInputs(node).map((i) => variableBuffer(node.inputs[i]))
  );
  return new Set(buffers.filter((buffer) => buffer !== undefined));
}

/** The memory of a variable, or of an alias of one. */
export function variableBuffer(tensor: Tensor): DeviceBuffer | undefined {
  if (tensor instanceof Variable) return tensor.region.buffer;
  const { node } = tensor;
  return node?.op.memory === "alias" ? variableBuffer(node.inputs[0]) : undefined;
}
