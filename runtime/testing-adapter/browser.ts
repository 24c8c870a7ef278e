/**
 * A headless Chromium for tests, with WebGPU on SwiftShader. It is spoken to through pipes, by the DevTools protocol
 * (https://chromedevtools.github.io/devtools-protocol): null-terminated JSON, out on descriptor 3 and in on 4.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Readable, Writable } from "node:stream";
import { setTimeout } from "node:timers/promises";
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

/** Where the fonts are: the configuration that comes with them has other folders, and without a font a page crashes. */
const fontsIn = (folder: string, cache: string) => `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${path.join(folder, "fonts")}</dir>
  <cachedir>${path.join(cache, "fonts")}</cachedir>
</fontconfig>
`;

const emptyPage = "<!doctype html><title>Karush</title>";

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
  /** What is served, by path; `/script.js` is the module that `evaluate` loads. */
  #files: Readonly<Record<string, string>> = {};
  /** Settled when the page that is opened is there. */
  #whenLoaded: { readonly resolve: () => void; readonly reject: (e: Error) => void } | undefined;
  #lastId = 0;
  #received = "";
  #session: string | undefined;
  /** What the page wrote to its console, the last lines. */
  readonly console: string[] = [];

  private constructor() {
    const folder = chromiumFolder();
    this.#profile = mkdtempSync(path.join(tmpdir(), "karush-browser-"));
    writeFileSync(path.join(this.#profile, "fonts.conf"), fontsIn(folder, this.#profile));
    const environment = {
      ...process.env,
      LD_LIBRARY_PATH: `${folder}:${path.join(folder, "lib")}`,
      VK_ICD_FILENAMES: driverDescriptionIn(folder),
      FONTCONFIG_FILE: path.join(this.#profile, "fonts.conf"),
    };
    this.#process = spawn(path.join(folder, "chromium"), [...switches, `--user-data-dir=${this.#profile}`], {
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
      env: environment,
      detached: true, // the leader of a group, so that its children can be ended with it
    });
    this.#process.on("error", (error) => this.#fail(`does not start: ${error.message}`));
    this.#process.on("exit", (code, signal) => this.#fail(`ended (${signal ?? code})`));
    this.#output.setEncoding("utf8").on("data", (text: string) => this.#receive(text));
    this.#input.on("error", () => {}); // of a browser that ended, which `exit` tells
    // WebGPU is for secure contexts, and localhost is one.
    this.#server = createServer((request, response) => {
      const file = this.#files[request.url ?? ""];
      response.statusCode = file === undefined ? 404 : 200;
      // Pages below this path are isolated from other origins, and so have shared memory.
      if (request.url?.startsWith("/isolated/")) {
        response.setHeader("cross-origin-opener-policy", "same-origin");
        response.setHeader("cross-origin-embedder-policy", "require-corp");
      }
      response.setHeader("content-type", /\.m?js$/.test(request.url ?? "") ? "text/javascript" : "text/html");
      response.end(file);
    });
  }

  /** Nothing that is waited for comes any more. */
  #fail(why: string): void {
    const error = new Error(`the browser ${why}`);
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    this.#whenLoaded?.reject(error);
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
    await this.#send("Page.enable");
  }

  /**
   * Loads an empty page with an ES module as `script` and returns what an expression in it resolves to, as JSON. Throws
   * what the expression throws. The module may import `files`, by path.
   */
  evaluate(script: string, expression: string, files: Readonly<Record<string, string>> = {}): Promise<unknown> {
    return this.evaluateInPage(
      "/",
      { ...files, "/": emptyPage, "/script.js": script },
      `import("/script.js").then((script) => ${expression})`,
    );
  }

  /** Loads a page, one of the files by its path, and returns what an expression in it resolves to, in the same way. */
  async evaluateInPage(page: string, files: Readonly<Record<string, string>>, expression: string): Promise<unknown> {
    this.#files = files;
    const { port } = this.#server.address() as AddressInfo;
    const loaded = new Promise<void>((resolve, reject) => {
      this.#whenLoaded = { resolve, reject };
    });
    await Promise.all([loaded, this.#send("Page.navigate", { url: `http://localhost:${port}${page}` })]);
    const { result, exceptionDetails } = await this.#send("Runtime.evaluate", {
      expression,
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
      if (method === "Page.loadEventFired") this.#whenLoaded?.resolve();
      if (method === "Inspector.targetCrashed") this.#fail("has a page that crashed");
      const waiting = id === undefined ? undefined : this.#waiting.get(id);
      if (!waiting) continue;
      this.#waiting.delete(id!);
      if (error) waiting.reject(new Error(`the browser refuses: ${error.message}`));
      else waiting.resolve(result ?? {});
    }
  }

  /** Ends the browser and its children, also when they hang, and removes what they wrote. */
  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    const { pid } = this.#process;
    if (pid !== undefined) {
      if (this.#process.exitCode === null && this.#process.signalCode === null) {
        const ended = new Promise<void>((resolve) => {
          this.#process.once("exit", () => resolve());
        });
        signalGroup(pid, "SIGKILL");
        await ended;
      }
      // A child that outlives the browser for a moment writes into the folder that is about to be removed.
      // One that ended stays in the group until it is waited for, which in a container may be never.
      for (let waited = 0; waited < 1000 && signalGroup(pid, "SIGKILL"); waited += 10) await setTimeout(10);
    }
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** Sends a signal to all processes of a group, and returns whether there are any. */
function signalGroup(leader: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-leader, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}
