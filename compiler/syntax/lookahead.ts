/**
 * Which alternative the next token chooses, worked out beforehand. Chevrotain finds it out from the grammar whenever a
 * parser is made, which takes longer than most programs take to compile; a bundle carries the result.
 *
 * A decision of the grammar is a number (rule, kind of choice, occurrence). For one between alternatives the table
 * holds the token types that start each of them; for one whether to go on, there is a single alternative. Token types
 * are written as their places in `allTokens`.
 */
import { allTokens } from "./tokens.ts";

export type LookaheadTable = Readonly<Record<number, Decision>>;

interface Decision {
  readonly optional: boolean;
  readonly starts: readonly (readonly number[])[];
}

/** What chevrotain calls to decide; `this` is the parser. */
type Decide = (this: NextToken, alternatives?: readonly Alternative[]) => number | boolean | undefined;

interface NextToken {
  LA_FAST(distance: number): { readonly tokenTypeIdx: number };
}
interface Alternative {
  readonly GATE?: () => boolean;
}

declare const KARUSH_LOOKAHEAD: LookaheadTable;

/** The table of this bundle; undefined where the sources run as they are. */
export const preparedLookahead: LookaheadTable | undefined =
  typeof KARUSH_LOOKAHEAD === "undefined" ? undefined : KARUSH_LOOKAHEAD;

/** Bits 8 to 11 of a decision's number say what kind it is; this is the kind between alternatives (chevrotain's `OR`). */
const isAlternation = (key: number) => ((key >> 8) & 15) === 1;

/** More alternatives than any rule has. */
const mostAlternatives = 32;

/** Asks chevrotain's functions about every token type. To be called after its analysis of the grammar. */
export function tabulate(functions: ReadonlyMap<number, Decide>): LookaheadTable {
  const table: Record<number, Decision> = {};
  let open = 0;
  const gates = Array.from({ length: mostAlternatives }, (_, i): Alternative => ({ GATE: () => i === open }));
  for (const [key, decide] of functions) {
    const optional = !isAlternation(key);
    const starts: number[][] = optional ? [[]] : [];
    allTokens.forEach(({ tokenTypeIdx }, place) => {
      const parser: NextToken = { LA_FAST: () => ({ tokenTypeIdx: tokenTypeIdx as number }) };
      if (optional) {
        if (decide.call(parser)) starts[0]?.push(place);
        return;
      }
      // With the gates of all others closed, each alternative is seen, also one behind another that starts alike.
      for (open = 0; open < mostAlternatives; open++) {
        const chosen = decide.call(parser, gates);
        if (typeof chosen !== "number") continue;
        while (starts.length <= chosen) starts.push([]);
        if (!starts[chosen]?.includes(place)) starts[chosen]?.push(place);
      }
    });
    table[key] = { optional, starts };
  }
  return table;
}

/** The function chevrotain would have made for a decision. */
export function decideBy({ optional, starts }: Decision): Decide {
  const types = starts.map((places) => new Set(places.map((place) => allTokens[place]?.tokenTypeIdx)));
  const [only] = types;
  if (optional)
    return function () {
      return only?.has(this.LA_FAST(1).tokenTypeIdx) === true;
    };
  return function (alternatives = []) {
    const next = this.LA_FAST(1).tokenTypeIdx;
    for (let t = 0; t < types.length; t++) {
      const gate = alternatives[t]?.GATE;
      if (gate !== undefined && !gate.call(this)) continue;
      if (types[t]?.has(next)) return t;
    }
    return undefined;
  };
}
