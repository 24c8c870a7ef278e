/**
 * Between which numbers the entries of an array of ints lie, as far as that follows from how they are computed: an
 * index that is sure to be inside needs no check when the program runs.
 */
import type { Builder } from "../core/builder.ts";
import { knownDim } from "../core/dimension.ts";
import type { Atom, Equation } from "../core/graph.ts";

interface Range {
  readonly least: number;
  readonly most: number;
}

/** What is said of an int that nothing is known of. */
const any: Range = { least: -(2 ** 31), most: 2 ** 31 - 1 };

/** How many equations to look at. */
const patience = 20;

/** Whether all entries are known to be at least 0 and below n. */
export function isKnownBelow(b: Builder, a: Atom, n: number): boolean {
  const { least, most } = rangeOf(a, { b, left: patience });
  return least >= 0 && most < n;
}

interface Search {
  readonly b: Builder;
  left: number;
}

function rangeOf(a: Atom, search: Search): Range {
  if (a.type.dtype === "bool") return { least: 0, most: 1 };
  if (a.type.dtype !== "int") return any;
  if (a.kind === "literal") return { least: a.value, most: a.value };
  if (search.left === 0) return any;
  search.left -= 1;
  const equation = search.b.producer(a);
  const range = equation ? rangeOfResult(equation, search) : any;
  // Ints wrap.
  return range.least >= any.least && range.most <= any.most ? range : any;
}

function rangeOfResult({ primitive, inputs, params }: Equation, search: Search): Range {
  const of = (i: number) => rangeOf(inputs[i]!, search);
  switch (primitive.name) {
    case "iota":
      return below(knownDim((params as { readonly n: number }).n));
    case "argsort":
      return below(knownDim(inputs[0]!.type.shape[params.axis as number]!));
    case "cumsum": {
      const [{ least, most }, n] = [of(0), knownDim(inputs[0]!.type.shape[params.axis as number]!)];
      return n === undefined ? any : { least: Math.min(least, least * n), most: Math.max(most, most * n) };
    }
    case "convert":
    case "broadcast":
    case "reshape":
    case "transpose":
    case "slice":
    case "reverse":
      return of(0);
    case "select":
      return either(of(1), of(2));
    case "concat":
      return inputs.map((_, i) => of(i)).reduce(either);
    // What is out of range reads 0, and writes nothing.
    case "gather":
      return either(of(0), { least: 0, most: 0 });
    case "scatterSet":
      return either(of(0), of(2));
    case "add":
      return corners(of(0), of(1), (x, y) => x + y);
    case "sub":
      return corners(of(0), of(1), (x, y) => x - y);
    case "mul":
      return corners(of(0), of(1), (x, y) => x * y);
    case "minimum":
      return corners(of(0), of(1), Math.min);
    case "maximum":
      return corners(of(0), of(1), Math.max);
    case "divFloor":
      return isPositive(inputs[1]!) ? corners(of(0), of(1), (x, y) => Math.floor(x / y)) : any;
    case "modFloor":
      return isPositive(inputs[1]!) ? { least: 0, most: of(1).most - 1 } : any;
    default:
      return any;
  }
}

const isPositive = (a: Atom): boolean => a.kind === "literal" && a.value > 0;

const below = (n: number | undefined): Range => (n === undefined ? any : { least: 0, most: n - 1 });

const either = (x: Range, y: Range): Range => ({
  least: Math.min(x.least, y.least),
  most: Math.max(x.most, y.most),
});

/** Of a function that rises or falls in each of its arguments. */
function corners(x: Range, y: Range, f: (x: number, y: number) => number): Range {
  const values = [f(x.least, y.least), f(x.least, y.most), f(x.most, y.least), f(x.most, y.most)];
  return { least: Math.min(...values), most: Math.max(...values) };
}
