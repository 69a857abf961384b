/** All methods, a row each: the CLI's names, options and help, and the generic checks, follow. */
import { AE_CM_METHOD } from "./ae_cm.ts";
import { AE_KMEANS_METHOD } from "./ae_kmeans.ts";
import { CM_METHOD } from "./cm.ts";
import { DCN_METHOD } from "./dcn.ts";
import { DEC_METHOD } from "./dec.ts";
import { DEPICT_METHOD } from "./depict.ts";
import { DKM_METHOD } from "./dkm.ts";
import { DYNAE_METHOD } from "./dynae.ts";
import { GMM_METHOD } from "./gmm.ts";
import { IDEC_METHOD } from "./idec.ts";
import { KMEANS_METHOD } from "./kmeans_estimator.ts";
import type { Method } from "./method.ts";
import { N2D_METHOD } from "./n2d.ts";
import { VADE_METHOD } from "./vade.ts";

const ALL: readonly Method[] = [
  DYNAE_METHOD,
  VADE_METHOD,
  DEC_METHOD,
  IDEC_METHOD,
  DCN_METHOD,
  DKM_METHOD,
  DEPICT_METHOD,
  N2D_METHOD,
  AE_KMEANS_METHOD,
  CM_METHOD,
  AE_CM_METHOD,
  GMM_METHOD,
  KMEANS_METHOD,
];

/** Methods by name. */
export const METHODS: Readonly<Record<string, Method>> = Object.fromEntries(
  ALL.map((method) => [method.name, method]),
);
