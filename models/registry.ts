/** All methods, a row each: the CLI's names, options and help, and the generic checks, follow. */
import { AE_KMEANS } from "./ae_kmeans.ts";
import { DYNAE } from "./dynae.ts";
import { KMEANS } from "./kmeans_estimator.ts";
import type { Method } from "./method.ts";

/** Methods by name. */
export const METHODS: Readonly<Record<string, Method>> = Object.fromEntries(
  [DYNAE, AE_KMEANS, KMEANS].map((method) => [method.name, method]),
);
