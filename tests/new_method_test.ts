/** What CONTRIBUTING says that a new method costs, counted on one; and what the types refuse. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { copyTree, ROOT } from "./tree_copy.ts";

/** An autoencoder whose code is pulled to the centroids of k-means, which stay where they are. */
const METHOD = `
import { stopGradient } from "../engine/ops/reshape.ts";
import { gather } from "../engine/ops/rows.ts";
import { meanSquaredError } from "../engine/ops/squared_error.ts";
import type { Optimizer } from "../engine/network/optim.ts";
import { Table } from "../engine/state/table.ts";
import type { Tensor, Variable } from "../engine/tensor/tensor.ts";
import { argmax, softAssign } from "../engine/ops/assignment.ts";
import type { ComparedLosses, SampledRows } from "./evaluation/feature_diagnostics.ts";
import { defineMethod, type Method } from "./method.ts";
import type { Autoencoder } from "./networks/autoencoder.ts";
import { resolveOptions, type Specs } from "./options.ts";
import { CENTROID_OPTIONS, type CentroidOptions, optimizersOf } from "./training/centroid_options.ts";
import type { Fitting } from "./training/deep_estimator.ts";
import { type Clustering, JointEstimator } from "./training/joint_estimator.ts";
import type { Batch } from "./training/phase.ts";
import { DENSE_PRETRAINING } from "./training/pretraining_options.ts";
import { PARTITIONS, startPartition } from "./training/start.ts";
import type { Report } from "./training/reporting.ts";
import type { Encoding } from "./training/whole_pass.ts";

const OPTIONS: Specs<CentroidOptions> = {
  ...CENTROID_OPTIONS,
  checkInterval: { type: "integer", default: 50, min: 1, description: "steps between two checks" },
};

/** mean (f(x) − own)²: x [n, d], own [n, p]. */
export function pullLoss(net: Pick<Autoencoder, "encode">, x: Tensor, own: Tensor): Tensor {
  return meanSquaredError(net.encode(x), own);
}

class Pull implements Clustering<"pull"> {
  readonly terms = ["pull"] as const;
  readonly batchOrder = "shuffled";
  readonly start = PARTITIONS.kmeans;

  constructor(private readonly fitting: Fitting, private readonly options: CentroidOptions) {}

  optimizers(step: Variable): Optimizer[] {
    const { training: { state }, net } = this.fitting;
    return optimizersOf(state, { network: net.encoderParameters }, this.options, step);
  }

  begin(encoding: Encoding) {
    return startPartition(this.fitting, encoding, this.options);
  }

  losses({ x }: Batch) {
    const { net, centroids } = this.fitting;
    const labels = argmax(softAssign(net.encode(x), centroids));
    const pull = pullLoss(net, x, stopGradient(gather(Table.of(centroids), labels)));
    return { pull, total: pull };
  }

  async check(_step: number, report?: Report) {
    return { row: { ...report && await report(await this.fitting.label()) } };
  }

  compared({ x, clusters }: SampledRows): ComparedLosses {
    const { net, centroids } = this.fitting;
    const supervised = pullLoss(net, x, gather(Table.of(centroids), clusters));
    return {
      pseudo: this.losses({ x } as Batch).pull,
      supervised,
      reconstruction: meanSquaredError(net.decode(net.encode(x)), x),
    };
  }
}

export class Toy extends JointEstimator<CentroidOptions, "pull"> {
  override readonly name = "toy";

  constructor(options: Partial<CentroidOptions> = {}) {
    super(resolveOptions("toy", OPTIONS, options));
  }

  protected override clustering(fitting: Fitting) {
    return new Pull(fitting, this.options);
  }
}

export const TOY_METHOD: Method = defineMethod<CentroidOptions>({
  name: "toy",
  summary: "An autoencoder whose code is pulled to centroids",
  citation: "nobody",
  options: OPTIONS,
  pretraining: DENSE_PRETRAINING,
  profiles: { default: { description: "the only one", values: {} } },
  losses: {
    pull: (scene) => {
      const { net, x } = scene;
      const own = scene.drawn("own", [8, 3], -0.5, 0.5);
      return { targets: net.encoderParameters.variables, loss: () => pullLoss(net, x, own) };
    },
  },
  create: (options) => new Toy(options),
});
`;

/** What the types of options refuse, and what the compiler says of it. */
const WRONG: readonly (readonly [title: string, code: string, message: RegExp])[] = [
  [
    "an option without a spec",
    `interface Options { readonly clusters: number; readonly gamma: number }
     export const OPTIONS: Specs<Options> = {
       clusters: { type: "integer", default: 10, description: "K" },
     };`,
    /Property 'gamma' is missing/,
  ],
  [
    "a spec of another type",
    `interface Options { readonly order: "up" | "down" }
     export const OPTIONS: Specs<Options> = {
       order: { type: "integer", default: 1, description: "which way" },
     };`,
    /Type '"integer"' is not assignable to type '"choice"'/,
  ],
  [
    "a default that is no choice",
    `interface Options { readonly order: "up" | "down" }
     export const OPTIONS: Specs<Options> = {
       order: { type: "choice", choices: ["up", "down"], default: "left", description: "which way" },
     };`,
    /Type '"left"' is not assignable/,
  ],
  [
    "a profile of an option that there is not",
    `interface Options { readonly clusters: number }
     export const PROFILE: Profile<Options> = { description: "wrong", values: { cluster: 3 } };`,
    /'cluster' does not exist/,
  ],
];

Deno.test("a new method is one file and one row, and nothing else", async () => {
  const contributing = Deno.readTextFileSync(new URL("CONTRIBUTING.md", ROOT));
  assertStringIncludes(contributing, "one file and one row: the command");
  using tree = copyTree();
  const { at, deno } = tree;
  Deno.writeTextFileSync(at("models/toy.ts"), METHOD);
  const registry = Deno.readTextFileSync(at("models/registry.ts"));
  const withRow = registry.replace("  KMEANS_METHOD,\n", "  KMEANS_METHOD,\n  TOY_METHOD,\n");
  Deno.writeTextFileSync(
    at("models/registry.ts"),
    `import { TOY_METHOD } from "./toy.ts";\n${withRow}`,
  );
  for (const [i, [, code]] of WRONG.entries()) {
    const imports = `import type { Profile, Specs } from "./options.ts";\n`;
    Deno.writeTextFileSync(at(`models/wrong${i}.ts`), imports + code);
  }
  const short = ["--pretrain-steps", "20", "--steps", "60", "--hidden", "16", "--limit", "300"];
  const [check, help, train, gradients, contract, ...wrong] = await Promise.all([
    deno("check", "models/registry.ts"),
    deno("run", "-P", "cli.ts", "train", "--model", "toy", "--help-all"),
    deno("run", "-P", "cli.ts", "train", "--model", "toy", ...short, "--out", "run", "--json"),
    deno("run", "-P", "cli.ts", "audit", "gradients", "--only", "toy"),
    deno("test", "-P=test", "--no-check", "tests/estimator_test.ts", "--filter", "toy:"),
    ...WRONG.map((_, i) => deno("check", `models/wrong${i}.ts`)),
  ]);
  for (const { code, error } of [check, help, train, gradients]) assertEquals(code, 0, error);
  assertMatch(help.out, /--check-interval <n> +steps between two checks \(default: 50\)/);
  assertEquals(JSON.parse(train.out).status, "finished");
  assertMatch(gradients.out, /^toy: pull .* pass$/m);
  assertEquals(contract.code, 0, contract.out + contract.error);
  assertMatch(contract.out, /ok \| \d\d+ passed/);
  for (const [i, { code, error }] of wrong.entries()) {
    const [title, , message] = WRONG[i];
    assertEquals(code, 1, title);
    assertMatch(error, message, title);
  }
});
