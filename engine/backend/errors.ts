/** Errors that callers tell apart; everything else is a TypeError, RangeError or SyntaxError. */

/** No device of the kind that was asked for exists on this machine. */
export class NoDeviceError extends Error {
  /** `message` says what was looked for, and what there is instead. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "NoDeviceError";
  }
}

/**
 * What made a device unusable: `"lost"` (the driver or the operating system took it away),
 * `"out-of-memory"`, `"validation"` (a fault of this program: trying again gives the same), or
 * `"internal"` (a fault of the driver).
 */
export type LossReason = "lost" | "out-of-memory" | "validation" | "internal";

/**
 * Work that was enqueued on a device did not run. What the device's buffers hold is undefined from
 * then on: go on from a checkpoint on a newly opened device.
 */
export class DeviceLostError extends Error {
  /** What happened. */
  readonly reason: LossReason;

  /** `message` says what happened, and to which device. */
  constructor(message: string, reason: LossReason) {
    super(message);
    this.name = "DeviceLostError";
    this.reason = reason;
  }
}

/** A shader does not compile. The message begins with `FILE:LINE:COLUMN:`, where these are known. */
export class ShaderError extends SyntaxError {
  /** File name in `kernels/`; of a shader of several files all of them, where the place is unknown. */
  readonly file: string;
  /** 1-based line, 0 where unknown. */
  readonly line: number;
  /** 1-based column, 0 where unknown. */
  readonly column: number;

  /** `message` says what is wrong, without the place. */
  constructor(message: string, file: string, line = 0, column = 0) {
    super(line > 0 ? `${file}:${line}:${column}: ${message}` : `${file}: ${message}`);
    this.name = "ShaderError";
    this.file = file;
    this.line = line;
    this.column = column;
  }
}
