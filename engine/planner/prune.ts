/** Which nodes a step needs. */
import type { Node, Tensor } from "../tensor/tensor.ts";

/** The nodes that outputs or effects need, in the order of creation. */
export function collect(outputs: Iterable<Tensor>, effects: readonly Node[]): readonly Node[] {
  const found = new Set<Node>();
  const pending: Node[] = [...effects];
  for (const output of outputs) if (output.node) pending.push(output.node);
  while (pending.length > 0) {
    const node = pending.pop()!;
    if (found.has(node)) continue;
    found.add(node);
    for (const input of node.inputs) if (input.node) pending.push(input.node);
  }
  return [...found].sort((a, b) => a.id - b.id);
}

/** The nodes without those that a rewriting has left behind, which nothing needs any more. */
export function prune(nodes: readonly Node[], outputs: ReadonlySet<Tensor>): readonly Node[] {
  const needed = new Set(outputs);
  return nodes.toReversed().filter((node) => {
    const isNeeded = node.op.memory === "update" ||
      node.outputs.some((output) => needed.has(output));
    if (isNeeded) { for (const input of node.inputs) needed.add(input); }
    return isNeeded;
  }).reverse();
}
