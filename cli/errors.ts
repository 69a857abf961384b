/** Failures with an exit code of their own. */

/** What the process reports to the shell. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  audit: 3,
  noDevice: 4,
  interrupted: 130,
  /** What was asked for could not be written: nobody reads any more. As of a program that SIGPIPE ends. */
  unread: 141,
} as const;

/** Ends the program with a line on stderr and an exit code. */
export class Failure extends Error {
  /** Tells it from other errors. */
  override name = "Failure";

  /** `message` is for people, and empty where everything is said; `exitCode` is of {@linkcode EXIT}. */
  constructor(message: string, readonly exitCode: number, options?: ErrorOptions) {
    super(message, options);
  }
}

/** The command line is not right: exit code 2. */
export function usageError(message: string): Failure {
  return new Failure(message, EXIT.usage);
}
