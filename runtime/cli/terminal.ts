/** The two streams of the command, and the line of progress that comes and goes below what stays. */
import type { Progress } from "../script/progress.ts";
import { type Palette, palette, wantsColor } from "../show/colors.ts";
import { formatNumber } from "../show/numbers.ts";
import { harmless } from "../show/text.ts";

const narrowest = 40;
const widest = 160;

export class Terminal {
  readonly color: boolean;
  readonly errorColor: boolean;
  readonly width: number;
  readonly #paint: Palette;
  #progressShown = false;

  constructor() {
    this.color = wantsColor(process.stdout, process.env);
    this.errorColor = wantsColor(process.stderr, process.env);
    this.#paint = palette(this.errorColor);
    // Not a terminal: a width of its own, so that what is piped or pinned does not depend on a window.
    this.width = Math.max(narrowest, Math.min(process.stdout.columns ?? 80, widest));
    // A reader that has seen enough, such as `head`, is no failure.
    for (const stream of [process.stdout, process.stderr])
      stream.on("error", (error: NodeJS.ErrnoException) => {
        if (error.code === "EPIPE") process.exit(process.exitCode ?? 0);
        throw error;
      });
  }

  print(text: string): void {
    this.clearProgress();
    process.stdout.write(`${text}\n`);
  }

  printError(text: string): void {
    this.clearProgress();
    process.stderr.write(`${text}\n`);
  }

  /** What a user did wrong on the command line. */
  printUsage(message: string, help?: string): void {
    this.printError(
      `${this.#paint.bad("karush:")} ${harmless(message)}${help === undefined ? "" : `\n        ${harmless(help)}`}`,
    );
  }

  /** Shows how far a solver is; only where a line can be taken back. */
  showProgress({ expression, iteration, value, error, rate }: Progress): void {
    const facts = [
      `iteration ${iteration}`,
      ...(Number.isFinite(value) ? [`value ${formatNumber(value)}`] : []),
      ...(Number.isFinite(error) ? [`error ${formatNumber(error, 3)}`] : []),
      `${formatNumber(rate, 3)}/s`,
    ].join("  ");
    this.showActivity(expression, facts);
  }

  /** Shows what is at work, and how far it is, in a line that goes again. */
  showActivity(activity: string, facts: string): void {
    if (process.stderr.isTTY !== true) return;
    const room = Math.max(0, (process.stderr.columns ?? 80) - facts.length - 4);
    const name = harmless(activity.replace(/\s+/g, " "));
    const shown = name.length > room ? `${name.slice(0, Math.max(0, room - 3))}...` : name;
    process.stderr.write(`\r\u001b[K${this.#paint.faint(shown)}  ${facts}`);
    this.#progressShown = true;
  }

  clearProgress(): void {
    if (!this.#progressShown) return;
    process.stderr.write("\r\u001b[K");
    this.#progressShown = false;
  }
}
