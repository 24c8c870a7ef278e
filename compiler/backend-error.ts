/** What back ends throw when they cannot run a graph, through no fault of the program's meaning. */

/**
 * A graph that a back end did not run: its device went away, or has not the memory. Becomes a diagnostic of the
 * statement that was running. Another back end may run the same graph.
 */
export class BackendError extends Error {
  override readonly name: string = "BackendError";
  readonly code: string;
  readonly help: string;

  constructor(code: string, message: string, help: string) {
    super(message);
    this.code = code;
    this.help = help;
  }
}
