/** `karush repl`: entries are read here and computed in a worker; brackets that are open go on on the next line. */
import { createInterface, type Interface } from "node:readline";
import { Worker } from "node:worker_threads";
import { isComplete } from "../../repl/is-complete.ts";
import { type ExitCode, exitCodes } from "../../script/outcome.ts";
import { version } from "../main.ts";
import type { ReplAnswer, ReplInput, ReplRequest } from "../run-repl.ts";
import type { Terminal } from "../terminal.ts";

const help = `Type a declaration, a statement, or an expression to see its value.
  :list   what is declared so far     :reset  forget it
  :help   this text                   :quit   or Ctrl-D: leave
Ctrl-C stops a computation. A name that is declared again replaces the old one.`;

export async function repl(
  options: { readonly precision: "f64" | "f32"; readonly seed: number },
  terminal: Terminal,
): Promise<ExitCode> {
  const interactive = process.stdin.isTTY === true;
  const interrupt = new SharedArrayBuffer(4);
  const workerData: ReplInput = {
    interrupt,
    options: { ...options, access: { folder: process.cwd() }, color: terminal.color, width: terminal.width },
  };
  const worker = new Worker(new URL("../repl-worker.mjs", import.meta.url), { workerData });
  const reader = createInterface({
    input: process.stdin,
    output: interactive ? process.stdout : undefined,
    terminal: interactive,
  });
  if (interactive) terminal.print(`karush ${version()}, :help for help`);
  const conversation = new Conversation(worker, reader, new Int32Array(interrupt), terminal, interactive);
  const code = await conversation.finished;
  await worker.terminate();
  return code;
}

class Conversation {
  readonly finished: Promise<ExitCode>;
  readonly #worker: Worker;
  readonly #reader: Interface;
  readonly #flag: Int32Array;
  readonly #terminal: Terminal;
  readonly #interactive: boolean;
  /** Lines that wait, since the last one is still computed. */
  readonly #waiting: string[] = [];
  #typed = "";
  #busy = false;
  #closed = false;
  #finish: (code: ExitCode) => void = () => {};

  constructor(worker: Worker, reader: Interface, flag: Int32Array, terminal: Terminal, interactive: boolean) {
    this.#worker = worker;
    this.#reader = reader;
    this.#flag = flag;
    this.#terminal = terminal;
    this.#interactive = interactive;
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
    worker.on("message", (answer: ReplAnswer) => this.#hear(answer));
    worker.on("error", (error) => {
      terminal.printError(error.stack ?? error.message);
      this.#leave(exitCodes.failedRun);
    });
    reader.on("line", (line) => {
      this.#waiting.push(line);
      this.#next();
    });
    reader.on("SIGINT", () => this.#interrupted());
    reader.on("close", () => {
      this.#closed = true;
      this.#next();
    });
    this.#prompt();
  }

  #hear(answer: ReplAnswer): void {
    if (answer.kind === "print") this.#terminal.print(answer.text);
    else if (answer.kind === "error") this.#terminal.printError(answer.text);
    else {
      this.#busy = false;
      this.#next();
    }
  }

  /** Takes the next waiting line, if nothing is being computed. */
  #next(): void {
    while (!this.#busy) {
      const line = this.#waiting.shift();
      if (line === undefined) {
        if (this.#closed) this.#end();
        else this.#prompt();
        return;
      }
      this.#take(line);
    }
  }

  /** The input is at its end: what is still open is taken as it is. */
  #end(): void {
    const text = this.#typed;
    this.#typed = "";
    if (text.trim() === "") this.#leave(exitCodes.done);
    else this.#ask({ kind: "entry", text });
  }

  #take(line: string): void {
    if (this.#typed === "" && line.trim().startsWith(":")) this.#command(line.trim());
    else this.#add(line);
  }

  #command(command: string): void {
    if (command === ":quit" || command === ":q") this.#leave(exitCodes.done);
    else if (command === ":help") this.#terminal.print(help);
    else if (command === ":list") this.#ask({ kind: "list" });
    else if (command === ":reset") this.#ask({ kind: "reset" });
    else this.#terminal.printError(`There is no command ${command}; :help lists them.`);
  }

  #add(line: string): void {
    this.#typed += `${line}\n`;
    // An empty line ends an entry that waits in vain, so that its error can be seen.
    if (!isComplete(this.#typed) && line.trim() !== "") return;
    const text = this.#typed;
    this.#typed = "";
    if (text.trim() !== "") this.#ask({ kind: "entry", text });
  }

  #ask(request: ReplRequest): void {
    this.#busy = true;
    Atomics.store(this.#flag, 0, 0);
    this.#worker.postMessage(request);
  }

  #interrupted(): void {
    if (this.#busy) {
      Atomics.store(this.#flag, 0, 1);
      return;
    }
    this.#typed = "";
    this.#terminal.print("");
    this.#prompt();
  }

  #prompt(): void {
    if (!this.#interactive || this.#busy) return;
    this.#reader.setPrompt(this.#typed === "" ? "> " : "  ");
    this.#reader.prompt();
  }

  #leave(code: ExitCode): void {
    this.#busy = true;
    this.#waiting.length = 0;
    this.#reader.close();
    this.#finish(code);
  }
}
