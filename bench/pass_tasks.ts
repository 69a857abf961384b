/** The passes over whole data sets that are timed: what each is, and how our engine does it. */
import type { Backend } from "../engine/backend/backend.ts";
import { advance } from "../engine/ops/counter.ts";
import { trace } from "../engine/planner/program.ts";
import { RandomStream } from "../engine/random.ts";
import { State } from "../engine/state/state.ts";
import { Table } from "../engine/state/table.ts";
import type { Edges } from "../models/graph/edges.ts";
import { fuzzyGraph } from "../models/graph/fuzzy_graph.ts";
import { layoutOf } from "../models/graph/layout.ts";
import { nearestNeighbours } from "../models/graph/nearest_neighbours.ts";
import { Autoencoder } from "../models/networks/autoencoder.ts";
import {
  kmeans,
  type KMeansOptions,
  meanVarianceOf,
  nearestRows,
} from "../models/shallow/kmeans.ts";
import { ExpectationMaximization, standardizationOf } from "../models/shallow/mixture.ts";
import { Augmentation } from "../models/training/batches.ts";
import { Rows } from "../models/training/rows.ts";
import { Assignment, Encoding } from "../models/training/whole_pass.ts";
import { makeCodes } from "./codes.ts";

const COLUMNS = 10;
const CLUSTERS = 10;
const THRESHOLDS = [0.3, 0.15];
/** Columns and layers of the embedding. */
const INPUTS = 784;
const HIDDEN = [500, 500, 2000];
const SIDE = 28;
/** Iterations of the task of that name, without a tolerance: as much work for everyone. */
const ITERATIONS = 20;

/** Of the mixture's task: columns as USPS has, and steps without a tolerance. */
const MIXTURE_COLUMNS = 256;
const EM_STEPS = 5;

/** The rows that a task works on. */
export interface PassData {
  readonly rows: number;
  /** Standard deviation of the blobs' centres. */
  readonly spread: number;
  readonly seed: number;
}

/** Of the tasks about neighbours: how many others, and epochs of a layout. */
const NEIGHBOURS = 14;
const EPOCHS = 200;
/** Clusters of the task in which seeding takes most of the time. */
const MANY_CLUSTERS = 500;

/** A pass, ready to run: what it comes to, for the `number`-th time. */
type Work = (number: number) => Promise<number>;

/** What can be timed. */
export interface PassTask {
  readonly title: string;
  /** Data sets by default. */
  readonly data: readonly PassData[];
  /** Floating-point operations a row, where the products are all that counts. */
  readonly flops?: number;
  /** Whether the peer multiplies with BLAS, whose threads may serve it better than its own. */
  readonly blas?: boolean;
  /** Ways in which the peer can do it, if there are several. */
  readonly ways?: readonly string[];
  prepare(backend: Backend, data: PassData): Work | Promise<Work>;
}

/** Blobs that overlap much, less and little. */
const BLOBS: readonly PassData[] = [1, 1.5, 2].map((spread, seed) => ({
  rows: 70_000,
  spread,
  seed,
}));

/** Blobs that overlap little, so many rows of them each. */
function sizes(rows: readonly number[]): PassData[] {
  return rows.map((rows) => ({ rows, spread: 2, seed: 0 }));
}

/** The passes, by name. */
export const TASKS: Readonly<Record<string, PassTask>> = {
  kmeans: {
    title:
      `k-means to convergence, d ${COLUMNS}, K ${CLUSTERS}, 10 restarts; the value is the inertia`,
    data: BLOBS,
    prepare: (backend, data) => clusterCodes(backend, data, {}),
  },
  iterations: {
    title: `k-means, ${ITERATIONS} iterations of each of 10 restarts; the value is the inertia`,
    data: BLOBS.slice(0, 1),
    prepare: (backend, data) =>
      clusterCodes(backend, data, { maxIterations: ITERATIONS, tolerance: 0 }),
  },
  seeding: {
    title: `k-means++ of ${MANY_CLUSTERS} centroids and one iteration; the value is the inertia`,
    data: sizes([10_000, 26_000, 70_000]),
    prepare: (backend, data) =>
      clusterCodes(backend, data, {
        clusters: Math.min(MANY_CLUSTERS, data.rows),
        nInit: 1,
        maxIterations: 1,
      }),
  },
  neighbours: {
    title: `${NEIGHBOURS} nearest neighbours of all rows, d ${COLUMNS}; the value is the sum of ` +
      "squared distances",
    data: sizes([10_000, 26_000, 70_000]),
    ways: ["brute", "kd_tree"],
    prepare(backend, data) {
      const { points } = upload(backend, data);
      const table = Table.of(points);
      return async () => {
        const { squaredDistances } = await nearestNeighbours(backend, table, NEIGHBOURS);
        return squaredDistances.reduce((sum, value) => sum + value, 0);
      };
    },
  },
  layout: {
    title: `${EPOCHS} epochs of UMAP's layout from a random start, ${NEIGHBOURS + 1} neighbours; ` +
      "the value is the mean over edges of 1/(1 + distance²)",
    data: sizes([10_000, 26_000, 70_000]),
    async prepare(backend, data) {
      const { points } = upload(backend, data);
      const found = await nearestNeighbours(backend, Table.of(points), NEIGHBOURS);
      const graph = await fuzzyGraph(backend, found, NEIGHBOURS + 1);
      const random = new RandomStream(0, 1);
      const start = Float32Array.from({ length: 2 * data.rows }, () => random.uniform(-10, 10));
      return async (seed) =>
        closeness(graph, await layoutOf(backend, graph, { seed, start, epochs: EPOCHS }));
    },
  },
  nearest: {
    title: `nearest row of each of ${CLUSTERS} centroids; the value is the sum of their numbers`,
    data: BLOBS.slice(0, 1),
    prepare(backend, data) {
      const { points, centres } = upload(backend, data);
      const table = Table.of(points);
      return async () => {
        const rows = await nearestRows(backend, table, centres);
        return rows.reduce((sum, row) => sum + row, 0);
      };
    },
  },
  assign: {
    title: `soft assignment, labels and mask; the value is the number of unconflicted rows`,
    data: BLOBS.slice(0, 1),
    async prepare(backend, data) {
      const { state, points, centres } = upload(backend, data);
      const thresholds = state.variable("thresholds", [2], { data: Float32Array.from(THRESHOLDS) });
      const labels = state.variable("labels", [data.rows], { dtype: "u32" });
      const assignment = await Assignment.create(points, centres, thresholds, labels);
      return async () => (await assignment.run()).unconflicted;
    },
  },
  encode: {
    title: `embedding through ${[INPUTS, ...HIDDEN, COLUMNS].join("–")}`,
    data: [{ rows: 10_000, spread: 1, seed: 0 }],
    flops: [INPUTS, ...HIDDEN].reduce(
      (sum, width, i) => sum + 2 * width * [...HIDDEN, COLUMNS][i],
      0,
    ),
    blas: true,
    async prepare(backend, { rows }) {
      const state = new State(backend);
      const random = new RandomStream(0, 1);
      const data = Float32Array.from({ length: rows * INPUTS }, () => random.uniform());
      const table = Table.upload(backend, "rows", data, rows, INPUTS);
      const sizes = { inputs: INPUTS, hidden: HIDDEN, latent: COLUMNS };
      const net = new Autoencoder(state, sizes, 0);
      const encoding = await Encoding.create(Rows.of(table), (x) => net.encode(x), COLUMNS);
      const oneCode = { ...encoding.codes.region, length: 1 };
      return async () => {
        await encoding.run();
        await backend.read([oneCode]);
        return rows;
      };
    },
  },
  mixture: {
    title:
      `${EM_STEPS} steps of EM, full covariances, d ${MIXTURE_COLUMNS}, K ${CLUSTERS}, from a partition; ` +
      "the value is the mean log-likelihood",
    // As many rows as USPS has.
    data: [{ rows: 9298, spread: 0.1, seed: 0 }],
    blas: true,
    async prepare(backend, { rows, ...data }) {
      const columns = MIXTURE_COLUMNS;
      const codes = makeCodes({ rows, columns, clusters: CLUSTERS, ...data });
      const labels = Uint32Array.from({ length: rows }, (_, row) => row % CLUSTERS);
      const em = await ExpectationMaximization.create(
        backend,
        codes.data,
        columns,
        standardizationOf(codes.data, columns),
        {
          clusters: CLUSTERS,
          covariance: "full",
          maxIterations: EM_STEPS,
          tolerance: 0,
          prior: 1,
          sigma2: 0,
          regCovar: 1e-3,
          seed: 0,
        },
      );
      return async () => (await em.fromPartition(labels)).objectives.at(-1)!;
    },
  },
  augment: {
    title: `rotation and shift of ${SIDE}×${SIDE} images, bilinear`,
    data: [{ rows: 256, spread: 1, seed: 0 }],
    async prepare(backend, { rows }) {
      const state = new State(backend);
      const random = new RandomStream(0, 1);
      const x = state.variable("images", [rows, SIDE * SIDE], {
        data: Float32Array.from({ length: rows * SIDE * SIDE }, () => random.uniform()),
      });
      const step = state.variable("step", [1], { dtype: "u32" });
      const options = { rotation: 10, shift: 0.1, height: SIDE, width: SIDE, seed: 0 };
      const augmentation = new Augmentation(state, options);
      const program = await trace(backend, () => {
        const moved = augmentation.apply(x, step);
        advance(step);
        return { moved };
      }, "augmentation");
      return async () => {
        program.run();
        await step.read();
        return rows;
      };
    },
  },
};

/** The codes of a data set and their centres, on the device. */
function upload(backend: Backend, { rows, spread, seed }: PassData) {
  const state = new State(backend);
  const options = { rows, columns: COLUMNS, clusters: CLUSTERS, spread, seed };
  const { data, centres } = makeCodes(options);
  return {
    state,
    data,
    points: state.variable("codes", [rows, COLUMNS], { data }),
    centres: state.variable("centres", [CLUSTERS, COLUMNS], { data: centres }),
  };
}

/** How near the ends of edges are in a layout [n, 2]. */
function closeness({ first, rows }: Edges, layout: Float32Array): number {
  let sum = 0;
  for (let i = 0; i + 1 < first.length; i++) {
    for (let e = first[i]; e < first[i + 1]; e++) {
      const j = rows[e];
      const [x, y] = [layout[2 * i] - layout[2 * j], layout[2 * i + 1] - layout[2 * j + 1]];
      sum += 1 / (1 + x * x + y * y);
    }
  }
  return sum / rows.length;
}

/** k-means from another seed each time. */
function clusterCodes(backend: Backend, data: PassData, options: Partial<KMeansOptions>): Work {
  const { points, data: values } = upload(backend, data);
  const table = Table.of(points);
  return async (seed) => {
    const variance = meanVarianceOf(values, COLUMNS);
    const result = await kmeans(backend, table, variance, { clusters: CLUSTERS, ...options, seed });
    return result.inertia;
  };
}
