/**
 * The data sets that are known by name: their files, verified by digest, and how papers prepare
 * them. All are the union of the official parts, training part first, as deep clustering uses them.
 */
import { cannotRead, type NumericArray } from "./array.ts";
import { type Dataset, makeDataset, sha256 } from "./dataset.ts";
import { gunzip, isGzip } from "./gzip.ts";
import { decodeIdx } from "./idx.ts";
import { classesOfArray } from "./classes.ts";
import type { Scale } from "./scaling.ts";

/** One IDX file of a named set. */
export interface NamedFile {
  /** Name without `.gz`; the file may be there with it or without. */
  readonly name: string;
  /** Size of the uncompressed file. */
  readonly bytes: number;
  /** SHA-256 of the uncompressed file, so that any compression of it passes. */
  readonly sha256: string;
}

/** One official part: images and their classes, row by row. */
export interface NamedPart {
  /** [n, height, width] */
  readonly images: NamedFile;
  /** [n] */
  readonly classes: NamedFile;
}

/** A data set known by name. */
export interface NamedSet {
  /** What {@linkcode loadDataset} takes. */
  readonly name: string;
  /** What papers and pictures call it. */
  readonly properName: string;
  /** One line for people. */
  readonly title: string;
  /** Images of all parts together. */
  readonly n: number;
  /** Rows of pixels. */
  readonly height: number;
  /** Columns of pixels. */
  readonly width: number;
  /** Number of classes, which are 0 to classCount − 1. */
  readonly classCount: number;
  /** Divisor that scales the stored values to [0, 1]. */
  readonly unit: number;
  /** Names of the classes, where they are not the digits. */
  readonly classNames?: readonly string[];
  /** The folder that holds the files, under the data folder. */
  readonly folder: string;
  /** The parts, in the order in which they are stacked. */
  readonly parts: readonly NamedPart[];
  /** Authors and where the set was published. */
  readonly source: string;
  /** Terms of use. */
  readonly licence: string;
  /** Whether the files ship with this package. */
  readonly ships: boolean;
}

function file(name: string, bytes: number, sha256: string): NamedFile {
  return { name, bytes, sha256 };
}

const MNIST_TRAIN: NamedPart = {
  images: file(
    "train-images-idx3-ubyte",
    47040016,
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
  ),
  classes: file(
    "train-labels-idx1-ubyte",
    60008,
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
  ),
};

const MNIST_TEST: NamedPart = {
  images: file(
    "t10k-images-idx3-ubyte",
    7840016,
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
  ),
  classes: file(
    "t10k-labels-idx1-ubyte",
    10008,
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
  ),
};

const MNIST = {
  height: 28,
  width: 28,
  classCount: 10,
  unit: 255,
  folder: "mnist",
  source: "Y. LeCun, C. Cortes, C. J. C. Burges, The MNIST database of handwritten digits, 1998",
  licence: "CC BY-SA 3.0",
  ships: false,
} as const;

/** The named sets, in the order in which they are listed. */
export const NAMED_SETS: readonly NamedSet[] = [
  {
    name: "optdigits",
    properName: "Optdigits",
    title: "handwritten digits, 8×8 (ships with this package)",
    n: 5620,
    height: 8,
    width: 8,
    classCount: 10,
    unit: 16,
    folder: "optdigits",
    parts: [
      {
        images: file(
          "train-images-idx3-ubyte",
          244688,
          "4c1b3e001c617c49df662e212afe65f228fbfbe6197a817adc776ec71de11707",
        ),
        classes: file(
          "train-labels-idx1-ubyte",
          3831,
          "8efd46ba523e1ce034de771c7712183a9dab51767844532c1e8d194f48bd300c",
        ),
      },
      {
        images: file(
          "test-images-idx3-ubyte",
          115024,
          "359cd13f0f514122884198b78a131df597421cbf5e93a76678fa96fc548f0d96",
        ),
        classes: file(
          "test-labels-idx1-ubyte",
          1805,
          "ce71631c1f31ce56fa54f31d1d498fafacff59b001e6c30c4a5e29508aa277ad",
        ),
      },
    ],
    source: "E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine " +
      "Learning Repository, 1998, doi:10.24432/C50P49",
    licence: "CC BY 4.0",
    ships: true,
  },
  {
    ...MNIST,
    name: "mnist",
    properName: "MNIST",
    title: "handwritten digits, 28×28, training and test part",
    n: 70000,
    parts: [MNIST_TRAIN, MNIST_TEST],
  },
  {
    ...MNIST,
    name: "mnist-test",
    properName: "MNIST-test",
    title: "handwritten digits, 28×28, test part alone",
    n: 10000,
    parts: [MNIST_TEST],
  },
  {
    name: "usps",
    properName: "USPS",
    title: "handwritten digits of envelopes, 16×16",
    n: 9298,
    height: 16,
    width: 16,
    classCount: 10,
    unit: 1,
    folder: "usps",
    parts: [
      {
        images: file(
          "train-images-idx3-float",
          7466000,
          "01a16091bb987ce9ab6cdb45538198cb97e12aee18cd6ea48a975808de2e596c",
        ),
        classes: file(
          "train-labels-idx1-ubyte",
          7299,
          "ca21dd4e5a91233d38069e4f468988d3b56f6ce37e1a579a5ad1bd02395488c6",
        ),
      },
      {
        images: file(
          "test-images-idx3-float",
          2055184,
          "6b77ae41fe6bc099b6b2660b80642f4715627f3ed5de44192036a11e045cd961",
        ),
        classes: file(
          "test-labels-idx1-ubyte",
          2015,
          "9d60836db74a1ffe67829f9a2546bd594d5d321f778dbca1578c041da94483a2",
        ),
      },
    ],
    source: "J. J. Hull, A database for handwritten text recognition research, IEEE PAMI 16(5), " +
      "1994; in the preparation of T. Hastie, R. Tibshirani, J. Friedman, The Elements of " +
      "Statistical Learning",
    licence: "none stated",
    ships: false,
  },
  {
    name: "fashion-mnist",
    properName: "Fashion-MNIST",
    title: "articles of clothing, 28×28, training and test part",
    n: 70000,
    height: 28,
    width: 28,
    classCount: 10,
    unit: 255,
    classNames: [
      "T-shirt/top",
      "Trouser",
      "Pullover",
      "Dress",
      "Coat",
      "Sandal",
      "Shirt",
      "Sneaker",
      "Bag",
      "Ankle boot",
    ],
    folder: "fashion-mnist",
    parts: [
      {
        images: file(
          "train-images-idx3-ubyte",
          47040016,
          "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        ),
        classes: file(
          "train-labels-idx1-ubyte",
          60008,
          "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        ),
      },
      {
        images: file(
          "t10k-images-idx3-ubyte",
          7840016,
          "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        ),
        classes: file(
          "t10k-labels-idx1-ubyte",
          10008,
          "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
      },
    ],
    source: "H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST, 2017, arXiv:1708.07747",
    licence: "MIT",
    ships: false,
  },
];

/** The named set of that name, or undefined. */
export function findNamedSet(name: string): NamedSet | undefined {
  return NAMED_SETS.find((set) => set.name === name);
}

/**
 * Expands a file of a named set if it is compressed, and verifies it.
 * @param bytes The file as found, gzipped or not.
 * @param where Its path or address, for messages.
 * @returns The uncompressed bytes.
 * @throws {SyntaxError} for a damaged gzip stream.
 * @throws {RangeError} for other content than the published.
 */
export async function verifyNamedFile(
  file: NamedFile,
  bytes: Uint8Array,
  where: string,
): Promise<Uint8Array> {
  const content = isGzip(bytes) ? await gunzip(bytes, where, file.bytes) : bytes;
  if (content.length !== file.bytes) {
    throw new RangeError(
      cannotRead(where, `expected ${file.bytes} uncompressed bytes, found ${content.length}`),
    );
  }
  const found = await sha256(content);
  if (found !== file.sha256) {
    throw new RangeError(
      cannotRead(where, `its content has SHA-256 ${found}, expected ${file.sha256}`),
    );
  }
  return content;
}

/** What {@linkcode assembleNamedSet} may be told. */
export interface AssembleOptions {
  /** Absent: to [0, 1]. */
  readonly scale?: Scale;
  /** The first rows only. */
  readonly limit?: number;
}

/**
 * Puts a named set together from its files, each verified.
 * @param read Gives the bytes of a file (gzipped or not) and where they were found; it is also the
 * way in for a page, which has no folders.
 * @throws what {@linkcode verifyNamedFile} and `read` throw.
 */
export async function assembleNamedSet(
  set: NamedSet,
  read: (file: NamedFile) => Promise<{ bytes: Uint8Array; where: string }>,
  options: AssembleOptions = {},
): Promise<Dataset> {
  const images: NumericArray[] = [];
  const classes: Uint32Array[] = [];
  for (const part of set.parts) {
    images.push(await decode(part.images));
    classes.push(classesOfArray(await decode(part.classes), part.classes.name).classes);
  }
  return makeDataset(concatenate(images), {
    name: set.name,
    classes: {
      classes: Uint32Array.from(classes.flatMap((part) => [...part])),
      ...(set.classNames === undefined ? {} : { classNames: set.classNames }),
    },
    unit: set.unit,
    source: set.source,
    licence: set.licence,
    ...options,
  });

  async function decode(file: NamedFile): Promise<NumericArray> {
    const { bytes, where } = await read(file);
    return decodeIdx(await verifyNamedFile(file, bytes, where), where);
  }
}

/** Stacks parts of equal type and trailing shape along the first axis. */
function concatenate(parts: readonly NumericArray[]): NumericArray {
  if (parts.length === 1) return parts[0];
  const total = parts.reduce((sum, part) => sum + part.values.length, 0);
  const values = parts[0].values instanceof Float32Array
    ? new Float32Array(total)
    : new Uint8Array(total);
  let offset = 0;
  for (const part of parts) {
    values.set(part.values, offset);
    offset += part.values.length;
  }
  const rows = parts.reduce((sum, part) => sum + part.shape[0], 0);
  return { ...parts[0], shape: [rows, ...parts[0].shape.slice(1)], values };
}
