/** The figures that papers print, with where they stand: the one place for them. */

/** Figures of one source, by row and data set. */
export interface Published {
  /** Paper, and table or figure. */
  readonly source: string;
  /** By name of the row, then of the data set: as a table shows it. */
  readonly figures: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** ACC / NMI of MNIST, MNIST-test, USPS and Fashion-MNIST. */
function onFour(mnist: string, mnistTest: string, usps: string, fashion: string) {
  return { mnist, "mnist-test": mnistTest, usps, "fashion-mnist": fashion };
}

/** What DynAE is compared with. */
export const DYNAE_METHODS: Published = {
  source: "ACC / NMI in table 3 of DynAE (Mrabah et al., arXiv 1901.07752; the same in Neural " +
    "Networks 130, 2020): single values, whose number of runs is not given",
  figures: {
    kmeans: onFour(".532 / .500", ".546 / .501", ".668 / .627", ".474 / .512"),
    gmm: onFour(".433 / .366", ".540 / .493", ".551 / .530", ".556 / .557"),
    "ae-kmeans": onFour(".807 / .730", ".702 / .617", ".720 / .698", ".585 / .614"),
    dec: onFour(".863 / .834", ".856 / .830", ".762 / .767", ".518 / .546"),
    idec: onFour(".881 / .867", ".846 / .802", ".761 / .785", ".529 / .557"),
    dcn: onFour(".830 / .810", ".802 / .786", ".688 / .683", ".501 / .558"),
    vade: onFour(".945 / .876", ".287 / .287", ".566 / .512", ".578 / .630"),
    depict: onFour(".965 / .917", ".963 / .915", ".899 / .906", ".392 / .392"),
    dynae: onFour(".987 / .964", ".987 / .963", ".981 / .948", ".591 / .642"),
  },
};

/** Accuracy over the steps. */
export const DYNAE_CURVES: Published = {
  source:
    "ACC at the start → at the end, of DynAE's clustering: USPS and MNIST from the figures of " +
    "its repository, MNIST-test and Fashion-MNIST from the logs in it (one run each)",
  figures: {
    dynae: onFour(".974 → .987", ".957 → .983", ".934 → .981", ".557 → .565"),
  },
};

/** Conflicted samples over the steps. */
export const DYNAE_CONFLICTS: Published = {
  source:
    "conflicted samples at the start → at each drop of the thresholds → at the end (steps of " +
    "the drops), from the logs in DynAE's repository (one run each)",
  figures: {
    dynae: {
      "mnist-test": "6244 → 911 → 260 → 0 (5880, 6160)",
      "fashion-mnist": "34793 → 19866 → 8952 → 0 (5600, 7700)",
    },
  },
};

/** Feature randomness and drift, as DynAE's code has them. */
export const DYNAE_FEATURES: Published = {
  source: "own FR, own FD at the last check, from the logs in DynAE's repository (one run each)",
  figures: {
    dynae: { "mnist-test": ".962, .722", "fashion-mnist": ".704, .841" },
  },
};
