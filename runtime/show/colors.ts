/** The colours of the terminal output, by role. One place, so that all commands look alike. */

/** Text to what shows it in a colour. */
export type Paint = (text: string) => string;

export interface Palette {
  readonly strong: Paint;
  readonly faint: Paint;
  readonly name: Paint;
  readonly good: Paint;
  readonly warn: Paint;
  readonly bad: Paint;
  readonly plot: Paint;
}

/**
 * Puts text between two of the terminal's codes (ECMA-48, SGR). Where a colour inside the text ends with the same code,
 * ours goes on. (The usual packages ask the process for its streams when they load, which costs a library's start 3 ms.)
 */
function paint(on: number, off: number): Paint {
  const [start, end] = [`\u001B[${on}m`, `\u001B[${off}m`];
  const resumed = off === 22 ? `${end}${start}` : start; // bold and faint have one end
  return (text) => `${start}${text.replaceAll(end, resumed)}${end}`;
}

const plain: Paint = (text) => text;
const [red, green, yellow] = [paint(31, 39), paint(32, 39), paint(33, 39)];
const [blue, magenta, cyan] = [paint(34, 39), paint(35, 39), paint(36, 39)];
const painted: Palette = {
  strong: paint(1, 22),
  faint: paint(2, 22),
  name: cyan,
  good: green,
  warn: yellow,
  bad: red,
  plot: blue,
};
const unpainted: Palette = {
  strong: plain,
  faint: plain,
  name: plain,
  good: plain,
  warn: plain,
  bad: plain,
  plot: plain,
};

/** A palette, or one that paints nothing. */
export function palette(color: boolean): Palette {
  return color ? painted : unpainted;
}

const inPlots = [blue, yellow, green, magenta, cyan, red];

/** The colour of the n-th series of a plot. */
export function seriesPaint(index: number, color: boolean): Paint {
  return color ? inPlots[index % inPlots.length]! : plain;
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
