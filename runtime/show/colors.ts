/** The colours of the terminal output, by role. One place, so that all commands look alike. */
import picocolors from "picocolors";

type Paint = (text: string) => string;

export interface Palette {
  readonly strong: Paint;
  readonly faint: Paint;
  readonly name: Paint;
  readonly good: Paint;
  readonly warn: Paint;
  readonly bad: Paint;
  readonly plot: Paint;
}

/** A palette, or one that paints nothing. */
export function palette(color: boolean): Palette {
  const paints = picocolors.createColors(color);
  return {
    strong: paints.bold,
    faint: paints.dim,
    name: paints.cyan,
    good: paints.green,
    warn: paints.yellow,
    bad: paints.red,
    plot: paints.blue,
  };
}

/**
 * Whether to colour what goes to a stream: NO_COLOR and FORCE_COLOR are obeyed (https://no-color.org),
 * otherwise colours are for terminals only.
 */
export function wantsColor(stream: { readonly isTTY?: boolean }, environment: NodeJS.ProcessEnv): boolean {
  if (environment.NO_COLOR !== undefined && environment.NO_COLOR !== "") return false;
  const forced = environment.FORCE_COLOR;
  if (forced !== undefined && forced !== "") return forced !== "0" && forced !== "false";
  return stream.isTTY === true && environment.TERM !== "dumb";
}
