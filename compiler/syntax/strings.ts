/** Strings between their text and their value. */
import { fail } from "./diagnostic.ts";
import type { Span } from "./tree.ts";

const escapes: Readonly<Record<string, string>> = { '"': '"', "\\": "\\", n: "\n", t: "\t" };

/** The value of a string token, quotes included. The closing quote may be missing: that was reported before. */
export function stringValue(image: string, span: Span): string {
  const closed = image.length > 1 && /(?:^|[^\\])(?:\\\\)*"$/.test(image.slice(1));
  const inner = image.slice(1, closed ? -1 : undefined);
  if (!inner.includes("\\")) return inner;
  let value = "";
  for (let index = 0; index < inner.length; index++) {
    const character = inner[index] as string;
    if (character !== "\\") {
      value += character;
      continue;
    }
    index++;
    const letter = inner[index];
    if (letter === undefined) break;
    const meant = escapes[letter];
    if (meant === undefined) {
      const start = span.start + index;
      fail("K0106", { file: span.file, start, end: start + 2 }, `\`\\${letter}\` means nothing in a string.`, {
        help: 'The escapes are `\\"`, `\\\\`, `\\n` and `\\t`. A backslash itself is written `\\\\`.',
      });
    }
    value += meant;
  }
  return value;
}

/** A string as it is written in a program. */
export function stringText(value: string): string {
  const escaped = value.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\t", "\\t");
  return `"${escaped}"`;
}
