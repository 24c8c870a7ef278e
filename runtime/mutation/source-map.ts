/** The lines of a source that places in its compiled text come from: the mappings of source maps, version 3 (ECMA-426). */

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The numbers of one segment: base 64, five bits a digit, the lowest first and the sign lowest of all. */
function decode(segment: string): number[] {
  const numbers: number[] = [];
  let [value, shift] = [0, 0];
  for (const c of segment) {
    const digit = digits.indexOf(c);
    value += (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    numbers.push(value & 1 ? -(value >> 1) : value >> 1);
    [value, shift] = [0, 0];
  }
  return numbers;
}

/** A function from places in `text`, in characters, to lines of its one source, from 1. */
export function lineTable(text: string, mappings: string): (place: number) => number {
  const segments: { readonly place: number; readonly line: number }[] = [];
  let source = 0;
  let start = 0;
  const lines = text.split("\n");
  for (const [i, group] of mappings.split(";").entries()) {
    let column = 0;
    for (const segment of group === "" ? [] : group.split(",")) {
      const [columns = 0, , sourceLines] = decode(segment);
      column += columns;
      if (sourceLines === undefined) continue;
      source += sourceLines;
      segments.push({ place: start + column, line: source + 1 });
    }
    start += (lines[i]?.length ?? 0) + 1;
  }
  return (place) => segments.findLast((s) => s.place <= place)?.line ?? 1;
}
