/** How a command can end. The numbers are a contract with shells and continuous integration. */

export const exitCodes = {
  done: 0,
  /** An assert or a property failed. */
  failedCheck: 1,
  usage: 2,
  /** The program does not parse, check or bind. */
  wrongProgram: 3,
  failedRun: 4,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The command was called wrongly: no fault of the program. */
export class UsageError extends Error {
  readonly help: string | undefined;
  constructor(message: string, help?: string) {
    super(message);
    this.name = "UsageError";
    this.help = help;
  }
}

/** Thrown through the evaluator to stop it at the current step. */
export class Interrupted extends Error {
  constructor() {
    super("interrupted");
    this.name = "Interrupted";
  }
}
