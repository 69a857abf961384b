/** What page and engine say to each other; all of it can be cloned. */
import type { Column } from "../../datasets/columns.ts";
import type { ImageSize } from "../../datasets/image_pixels.ts";
import type { Scale } from "../../datasets/scaling.ts";
import type { DeviceName } from "../../engine/device.ts";
import type { LogRow, Scores, TrainingEvent } from "../../models/estimator.ts";
import type { OptionSpec, OptionValues, Profile } from "../../models/options.ts";

/** Where the rows come from. */
export type Source =
  | { readonly kind: "optdigits" }
  | {
    readonly kind: "files";
    /** One file of rows, or images; with the folders that they lie in, if any. */
    readonly files: readonly { readonly path: string; readonly file: File }[];
    /** Of a table. */
    readonly classColumn?: Column | "first" | "last";
    /** Absent: as the file's type has it. */
    readonly scale?: Scale;
    /** Of images: what they are scaled to. */
    readonly size?: ImageSize;
  };

/** What is to be trained. */
export interface TrainRequest {
  /** Name of the method. */
  readonly model: string;
  /** One of its profiles. */
  readonly profile: string;
  /** The options that were given. */
  readonly options: OptionValues;
  /** Where. */
  readonly device: DeviceName;
}

/** Files that a finished run offers. */
export type Download = "report" | "model" | "labels" | "summary";

/** To the engine. */
export type Command =
  | { readonly kind: "load"; readonly source: Source }
  | { readonly kind: "train"; readonly request: TrainRequest }
  | { readonly kind: "pause" }
  | {
    readonly kind: "resume";
    /** Another κ, where the run is not yet bound to one. */
    readonly kappa?: number;
    /** Whether to pause at the next row of the log. */
    readonly step: boolean;
  }
  | { readonly kind: "stop" }
  | { readonly kind: "download"; readonly file: Download };

/** A method as the form needs it. */
export interface MethodInfo {
  /** In the registry. */
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** The paper. */
  readonly citation: string;
  /** Every option. */
  readonly options: readonly OptionSpec[];
  /** By name. */
  readonly profiles: Readonly<Record<string, Profile>>;
  /** Whether it takes images alone. */
  readonly needsImages: boolean;
}

/** The rows that are loaded. */
export interface DataInfo {
  /** Of the set or file. */
  readonly name: string;
  /** Rows. */
  readonly n: number;
  /** Columns. */
  readonly d: number;
  /** Of images: how they are drawn. */
  readonly picture?: Picture;
  /** [n], where they are known. */
  readonly classes?: Uint32Array;
  /** How many classes there are. */
  readonly classCount?: number;
  /** The name of class i. */
  readonly classNames?: readonly string[];
  /** What was supposed or looks wrong, for people. */
  readonly notes: readonly string[];
}

/** How rows of pixels are drawn. */
export interface Picture {
  /** Rows of pixels. */
  readonly height: number;
  /** Columns of pixels. */
  readonly width: number;
  /** Values of a pixel, 1 or 3. */
  readonly channels: number;
  /** Black and white. */
  readonly range: readonly [number, number];
}

/** All rows at a moment. */
export interface View {
  /** Phase and step, for people. */
  readonly moment: string;
  /** [n, 2]: the codes on their two principal axes. */
  readonly points: Float32Array;
  /** [n]; absent while there are no clusters yet. */
  readonly labels?: Uint32Array;
  /** [K, d]: an image a cluster; absent without clusters, and of rows that are no images. */
  readonly images?: Float32Array;
  /** Whether the decoder has drawn them; else they are means of the clusters' rows. */
  readonly isDecoded: boolean;
}

/** What a run has come to. */
export interface Outcome {
  /** Why it ended. */
  readonly stopReason: string;
  /** Of each partition, the method's own last; none where classes are not known. */
  readonly scores: readonly (readonly [name: string, scores: Scores])[];
  /** With remedies. */
  readonly warnings: readonly string[];
  /** The command that repeats it in a terminal. */
  readonly command: string;
}

/** From the engine. */
export type Answer =
  | { readonly kind: "ready"; readonly methods: readonly MethodInfo[]; readonly program: string }
  | { readonly kind: "data"; readonly data: DataInfo }
  | { readonly kind: "started"; readonly device: string; readonly history: readonly LogRow[] }
  | { readonly kind: "event"; readonly event: TrainingEvent }
  | { readonly kind: "view"; readonly view: View }
  | {
    readonly kind: "paused";
    /** κ, where it can still be changed. */
    readonly kappa?: number;
    /** What happened, where it was not asked for. */
    readonly reason?: string;
  }
  | { readonly kind: "stopped" }
  | { readonly kind: "finished"; readonly outcome: Outcome }
  | {
    readonly kind: "failed";
    readonly about: "data" | "training" | "download";
    readonly message: string;
    /** The option that is wrong, if one is. */
    readonly option?: string;
  }
  | {
    readonly kind: "file";
    readonly name: string;
    readonly type: string;
    readonly bytes: Uint8Array;
  };

/** What is to be audited. */
export type AuditSubject = "gradients" | "kernels-cpu" | "kernels-webgpu";

/** A row of an audit's table. */
export interface AuditRow {
  /** The check's or the kernel's name. */
  readonly name: string;
  /** Of a kernel: which of its shaders, or how many threads. */
  readonly variant: string;
  /** Elements compared, or cases run. */
  readonly count: number;
  /** The largest error as a share of what is allowed. */
  readonly share: number;
  /** Whether it holds. */
  readonly passed: boolean;
  /** Where the largest error is, or what is wrong. */
  readonly place: string;
}

/** From the worker that audits. */
export type AuditAnswer =
  | { readonly kind: "device"; readonly description: string }
  | { readonly kind: "row"; readonly row: AuditRow }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly message: string };
