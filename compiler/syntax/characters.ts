/** What to say about characters that cannot stand in a program outside strings and comments. */
import { type Diagnostic, errorAt } from "./diagnostic.ts";

/** Characters people type or paste by accident, and what was probably meant. */
const meantInstead: Readonly<Record<string, string>> = {
  "\u2264": "Write `<=`.",
  "\u2265": "Write `>=`.",
  "\u2260": "Write `!=`.",
  "\u2248": "Write `~=`.",
  "\u00D7": "Write `*` for a product, `@` for a product of matrices.",
  "\u00B7": "Write `*` for a product, `dot(a, b)` for an inner product.",
  "\u22C5": "Write `*` for a product, `dot(a, b)` for an inner product.",
  "\u00F7": "Write `/`.",
  "\u2212": "This looks like a minus sign but is another character: write `-`.",
  "\u2013": "This is a dash, perhaps from a word processor: write `-`.",
  "\u2014": "This is a dash, perhaps from a word processor: write `-`.",
  "\u2192": "Write `->` in a type, `=>` in a function.",
  "\u21D2": "Write `=>`.",
  "\u221A": "Write `sqrt(x)`.",
  "\u2211": "Write `sum(x)`, or `sum([f(v) for v in x])`.",
  "\u220F": "Write `prod(x)`.",
  "\u2207": "Write `grad(f)`.",
  "\u2202": "Write `grad(f)`, or `jvp(f)(x, v)` for one direction.",
  "\u221E": "Write `inf`.",
  "\u2208": "Write `in`.",
  "\u2200": "Write `for all`.",
  "\u00B2": "Write `^2`.",
  "\u00B3": "Write `^3`.",
  "\u22A4": "A transpose is written with `'`: `A'`.",
  "\u1D40": "A transpose is written with `'`: `A'`.",
  "\u201C": 'This is a typographic quote, perhaps from a word processor: write `"`.',
  "\u201D": 'This is a typographic quote, perhaps from a word processor: write `"`.',
  "\u2018": "This is a typographic quote: write `\"` around a string, `'` for a transpose.",
  "\u2019": "This is a typographic quote: write `\"` around a string, `'` for a transpose.",
  "\u00A0": "This is a no-break space, perhaps pasted from a web page: replace it by a plain space.",
  "\u2009": "This is a thin space, perhaps pasted from a web page: replace it by a plain space.",
  "\u200B": "This is an invisible space, perhaps pasted from a web page: delete it.",
  "\uFEFF": "This is a byte order mark in the middle of the file: delete it.",
  "\u00B5": "This is the micro sign, which only looks like the Greek letter: type \u03BC (U+03BC), or write `mu`.",
  "#": "A comment starts with `//`.",
  "%": "Write `mod(a, b)` for a remainder.",
  "?": "A choice is written `if c then a else b`.",
  "&": "Write `and`; for the bits of integers, `bit_and(a, b)`.",
  "|": "Write `or`; for the bits of integers, `bit_or(a, b)`; for an absolute value, `abs(x)`.",
  "~": "Write `not`; a comparison up to rounding is `a ~= b`.",
  "\\": "Nothing is needed to continue a line that ends in an operator or has an open `(` or `[`.",
  $: "Names are made of letters, digits and `_`.",
  "`": 'Strings are written with `"`.',
  "\0": "The file seems to be damaged, or is no text file: delete the character.",
};

function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

function isInvisible(character: string): boolean {
  return /[\p{C}\p{Z}]/u.test(character);
}

function helpFor(character: string, text: string, offset: number): string | undefined {
  const line = text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset);
  if (character === "%" && line.trim() === "") return "A comment starts with `//`.";
  if (character === "\\" && !/^\\[ \t]*(?:\r?\n|$)/.test(text.slice(offset, offset + 80)))
    return "A system of linear equations is solved by `linear_solve(A, b)`.";
  return meantInstead[character];
}

/** The diagnostic for the characters at `offset` that no token can start with. */
export function badCharacter(text: string, file: string, offset: number, length: number): Diagnostic {
  const character = String.fromCodePoint(text.codePointAt(offset) ?? 0);
  const shown = isInvisible(character) ? codePoint(character) : `\`${character}\` (${codePoint(character)})`;
  const printable = /^[\x21-\x7E]$/.test(character) ? `\`${character}\`` : shown;
  const help = helpFor(character, text, offset);
  if (help === undefined && /[\p{L}\p{M}]/u.test(character)) {
    let end = offset;
    while (end < offset + length && /[\p{L}\p{M}\uD800-\uDFFF]/u.test(text[end] ?? "")) end++;
    return errorAt(
      "K0108",
      { file, start: offset, end: Math.max(end, offset + character.length) },
      `The letter ${printable} cannot stand in a name.`,
      {
        help: "Names are made of the letters a to z and A to Z, Greek letters, digits and `_`.",
      },
    );
  }
  return errorAt(
    "K0107",
    { file, start: offset, end: offset + character.length },
    `The character ${printable} means nothing here.`,
    { help: help ?? "Delete it. Any character may stand in comments and strings." },
  );
}
