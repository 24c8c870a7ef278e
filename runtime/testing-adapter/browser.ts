/**
 * A headless Chromium for tests, with WebGPU on SwiftShader. It is spoken to through pipes, by the DevTools protocol
 * (https://chromedevtools.github.io/devtools-protocol): null-terminated JSON, out on descriptor 3 and in on 4.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Readable, Writable } from "node:stream";
import { chromiumFolder, driverDescriptionIn } from "./unpack.ts";

const switches = [
  "--headless=shell",
  "--remote-debugging-pipe",
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--no-sandbox", // as root there is none
  "--no-first-run",
  "--no-default-browser-check",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-default-apps",
  "--disable-dev-shm-usage",
  "--disable-extensions",
  "--disable-sync",
];

interface Reply {
  readonly id?: number;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
  readonly method?: string;
  readonly params?: Record<string, unknown>;
}

type Waiting = { readonly resolve: (result: Record<string, unknown>) => void; readonly reject: (e: Error) => void };

export class Browser {
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #server: Server;
  readonly #waiting = new Map<number, Waiting>();
  /** Served as `/script.js`. */
  #script = "";
  #lastId = 0;
  #received = "";
  #session: string | undefined;
  /** What the page wrote to its console, the last lines. */
  readonly console: string[] = [];

  private constructor() {
    const folder = chromiumFolder();
    this.#profile = mkdtempSync(path.join(tmpdir(), "karush-browser-"));
    const environment = {
      ...process.env,
      LD_LIBRARY_PATH: `${folder}:${path.join(folder, "lib")}`,
      VK_ICD_FILENAMES: driverDescriptionIn(folder),
      FONTCONFIG_PATH: folder,
    };
    this.#process = spawn(path.join(folder, "chromium"), [...switches, `--user-data-dir=${this.#profile}`], {
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
      env: environment,
    });
    const fail = (why: string) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the browser ${why}`));
      this.#waiting.clear();
    };
    this.#process.on("error", (error) => fail(`does not start: ${error.message}`));
    this.#process.on("exit", (code, signal) => fail(`ended (${signal ?? code})`));
    this.#output.setEncoding("utf8").on("data", (text: string) => this.#receive(text));
    this.#input.on("error", () => {}); // of a browser that ended, which `exit` tells
    // WebGPU is for secure contexts, and localhost is one.
    this.#server = createServer((request, response) => {
      const isScript = request.url === "/script.js";
      response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
      response.end(isScript ? this.#script : "<!doctype html><title>Karush</title>");
    });
  }

  get #input(): Writable {
    return this.#process.stdio[3] as Writable;
  }

  get #output(): Readable {
    return this.#process.stdio[4] as Readable;
  }

  /** Starts the browser. Throws when it does not start. */
  static async open(): Promise<Browser> {
    const browser = new Browser();
    try {
      await browser.#start();
      return browser;
    } catch (error) {
      await browser.close();
      throw error;
    }
  }

  async #start(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, "127.0.0.1", resolve);
    });
    const { targetId } = await this.#send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.#send("Target.attachToTarget", { targetId, flatten: true });
    this.#session = sessionId as string;
    await this.#send("Runtime.enable");
  }

  /**
   * Loads a page with an ES module as `script` and returns what an expression in it resolves to, as JSON. Throws what
   * the expression throws.
   */
  async evaluate(script: string, expression: string): Promise<unknown> {
    this.#script = script;
    const { port } = this.#server.address() as AddressInfo;
    await this.#send("Page.navigate", { url: `http://localhost:${port}/` });
    const { result, exceptionDetails } = await this.#send("Runtime.evaluate", {
      expression: `import("/script.js").then((script) => ${expression})`,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) {
      const { text, exception } = exceptionDetails as { text: string; exception?: { description?: string } };
      throw new Error(`in the browser: ${exception?.description ?? text}`);
    }
    return (result as { value: unknown }).value;
  }

  #send(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    this.#lastId += 1;
    const id = this.#lastId;
    const message = { id, method, params, ...(this.#session === undefined ? {} : { sessionId: this.#session }) };
    return new Promise((resolve, reject) => {
      if (this.#process.exitCode !== null)
        return reject(new Error(`the browser has ended (${this.#process.exitCode})`));
      this.#waiting.set(id, { resolve, reject });
      this.#input.write(`${JSON.stringify(message)}\0`);
    });
  }

  #receive(text: string): void {
    const parts = (this.#received + text).split("\0");
    this.#received = parts.pop()!;
    for (const part of parts) {
      const { id, result, error, method, params } = JSON.parse(part) as Reply;
      if (method === "Runtime.consoleAPICalled") {
        const values = params!.args as readonly { readonly value?: unknown }[];
        this.console.push(values.map((v) => String(v.value)).join(" "));
      }
      const waiting = id === undefined ? undefined : this.#waiting.get(id);
      if (!waiting) continue;
      this.#waiting.delete(id!);
      if (error) waiting.reject(new Error(`the browser refuses: ${error.message}`));
      else waiting.resolve(result ?? {});
    }
  }

  /** Ends the browser, also one that hangs. */
  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    if (this.#process.exitCode === null && this.#process.signalCode === null && this.#process.pid !== undefined) {
      const ended = new Promise<void>((resolve) => {
        this.#process.once("exit", () => resolve());
      });
      this.#process.kill("SIGKILL");
      await ended;
    }
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
