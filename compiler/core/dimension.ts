/**
 * Dimensions: integers, or polynomials with integer coefficients over named sizes.
 *
 * While a program is checked its sizes are symbols (`n`, `d`, `div(4 * n, 5)`); once data are bound
 * the same code runs on plain numbers. An atom is *rigid* (a size the script declares: never equal to
 * another), *flexible* (a signature's own size: a body may still fix it), or *opaque* (the result of
 * `div`, `mod`, `min`, `max` or an integer computed later: nothing is known but that equal text is equal).
 */

export type Dim = number | Polynomial;

export interface DimensionAtom {
  readonly key: string;
  readonly kind: "rigid" | "flexible" | "opaque";
  /** What a message calls it. */
  readonly name: string;
  /** What a flexible atom was found to be. */
  binding?: Dim;
  /** For opaque atoms made by an operation: so that substitution can redo it. */
  readonly operation?: { readonly name: "div" | "mod" | "min" | "max"; readonly operands: readonly [Dim, Dim] };
}

interface Term {
  readonly coefficient: number;
  /** Sorted by key; powers are positive. */
  readonly factors: readonly { readonly atom: DimensionAtom; readonly power: number }[];
}

/** A sum of terms in canonical order; never a constant (that is a number). */
class Polynomial {
  readonly terms: ReadonlyMap<string, Term>;
  constructor(terms: ReadonlyMap<string, Term>) {
    this.terms = terms;
  }
}

let counter = 0;

/** A size the script declares. */
export function rigidDimension(name: string): Dim {
  return atomDimension({ key: `r:${name}`, kind: "rigid", name });
}

/** A size of a signature: fresh at each call of this function. */
export function flexibleDimension(name: string): Dim {
  counter += 1;
  return atomDimension({ key: `f:${counter}`, kind: "flexible", name });
}

/** A size that is known only when data are bound; `name` is how messages show it. */
export function opaqueDimension(name: string, key = name): Dim {
  return atomDimension({ key: `o:${key}`, kind: "opaque", name });
}

function atomDimension(atom: DimensionAtom): Polynomial {
  const term = { coefficient: 1, factors: [{ atom, power: 1 }] };
  return new Polynomial(new Map([[termKey(term.factors), term]]));
}

function termKey(factors: Term["factors"]): string {
  return factors.map((f) => `${f.atom.key}^${f.power}`).join("*");
}

function fromTerms(terms: Map<string, Term>): Dim {
  for (const [key, term] of terms) if (term.coefficient === 0) terms.delete(key);
  if (terms.size === 0) return 0;
  const constant = terms.get("");
  if (terms.size === 1 && constant) return constant.coefficient;
  return new Polynomial(terms);
}

function termsOf(dim: Dim): ReadonlyMap<string, Term> {
  if (typeof dim !== "number") return dim.terms;
  return dim === 0 ? new Map() : new Map([["", { coefficient: dim, factors: [] }]]);
}

/** The dimension with all bound flexible atoms replaced by what they stand for. */
export function resolve(dim: Dim): Dim {
  if (typeof dim === "number") return dim;
  let bound = false;
  for (const term of dim.terms.values())
    for (const { atom } of term.factors) {
      if (atom.binding !== undefined) bound = true;
      else if (atom.operation?.operands.some((o) => resolve(o) !== o)) bound = true;
    }
  if (!bound) return dim;
  let total: Dim = 0;
  for (const term of dim.terms.values()) {
    let product: Dim = term.coefficient;
    for (const { atom, power } of term.factors) {
      let base: Dim;
      if (atom.binding !== undefined) base = resolve(atom.binding);
      else if (atom.operation) base = applyOperation(atom.operation.name, ...atom.operation.operands);
      else base = atomDimension(atom);
      product = multiplyDims(product, powerDim(base, power));
    }
    total = addDims(total, product);
  }
  return total;
}

export function addDims(a: Dim, b: Dim): Dim {
  if (typeof a === "number" && typeof b === "number") return a + b;
  const terms = new Map(termsOf(resolve(a)));
  for (const [key, term] of termsOf(resolve(b))) {
    const old = terms.get(key);
    terms.set(key, old ? { ...old, coefficient: old.coefficient + term.coefficient } : term);
  }
  return fromTerms(terms);
}

export function subtractDims(a: Dim, b: Dim): Dim {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return addDims(a, multiplyDims(-1, b));
}

export function multiplyDims(a: Dim, b: Dim): Dim {
  if (typeof a === "number" && typeof b === "number") return a * b + 0; // never -0
  const terms = new Map<string, Term>();
  for (const s of termsOf(resolve(a)).values())
    for (const t of termsOf(resolve(b)).values()) {
      const powers = new Map<string, { atom: DimensionAtom; power: number }>();
      for (const f of [...s.factors, ...t.factors])
        powers.set(f.atom.key, { atom: f.atom, power: (powers.get(f.atom.key)?.power ?? 0) + f.power });
      const factors = [...powers.values()].sort((x, y) => (x.atom.key < y.atom.key ? -1 : 1));
      const key = termKey(factors);
      const coefficient = s.coefficient * t.coefficient + (terms.get(key)?.coefficient ?? 0);
      terms.set(key, { coefficient, factors });
    }
  return fromTerms(terms);
}

export function powerDim(a: Dim, power: number): Dim {
  if (typeof a === "number") return a ** power;
  let result: Dim = 1;
  for (let i = 0; i < power; i++) result = multiplyDims(result, a);
  return result;
}

export function productOfDims(dims: readonly Dim[]): Dim {
  return dims.reduce<Dim>(multiplyDims, 1);
}

const numericOperations = {
  div: (a: number, b: number) => Math.floor(a / b),
  mod: (a: number, b: number) => a - b * Math.floor(a / b),
  min: Math.min,
  max: Math.max,
} as const;

/** `div`, `mod` (rounding down), `min`, `max` of dimensions. The caller refuses a zero divisor. */
export function applyOperation(name: "div" | "mod" | "min" | "max", a: Dim, b: Dim): Dim {
  const [x, y] = [resolve(a), resolve(b)];
  if (typeof x === "number" && typeof y === "number") return numericOperations[name](x, y);
  if (typeof y === "number" && (name === "div" || name === "mod") && y !== 0) {
    // (k * y * stuff) div y is exact: keeps `div(4 * n, 2)` a polynomial.
    const terms = [...termsOf(x).values()];
    if (terms.every((t) => t.coefficient % y === 0)) {
      if (name === "mod") return 0;
      return fromTerms(new Map([...termsOf(x)].map(([k, t]) => [k, { ...t, coefficient: t.coefficient / y }])));
    }
  }
  if ((name === "min" || name === "max") && equalDims(x, y)) return x;
  const text = `${name}(${showDim(x)}, ${showDim(y)})`;
  return atomDimension({
    key: `${name}(${dimKey(x)},${dimKey(y)})`,
    kind: "opaque",
    name: text,
    operation: { name, operands: [x, y] },
  });
}

/** A canonical text: equal texts, equal dimensions. */
export function dimKey(dim: Dim): string {
  const d = resolve(dim);
  if (typeof d === "number") return String(d);
  return [...d.terms]
    .map(([key, term]) => `${term.coefficient}*${key}`)
    .sort()
    .join("+");
}

/** True when the two are the same for all values of their symbols. */
export function equalDims(a: Dim, b: Dim): boolean {
  if (typeof a === "number" && typeof b === "number") return a === b;
  return dimKey(a) === dimKey(b);
}

/**
 * Compares two dimensions as far as can be known: `different` means the script's sizes would have to
 * coincide by accident (`n` and `d`, `n` and `n + 1`), `unknown` that an opaque size is involved.
 */
export function compareDims(a: Dim, b: Dim): "equal" | "different" | "unknown" {
  const difference = resolve(subtractDims(resolve(a), resolve(b)));
  if (difference === 0) return "equal";
  if (typeof difference === "number") return "different";
  for (const term of difference.terms.values())
    if (term.factors.some((f) => f.atom.kind === "opaque")) return "unknown";
  return "different";
}

/**
 * Makes the two equal if a flexible size can be chosen so. Returns what `compareDims` would say after
 * that; `equal` includes the case where a flexible size was bound.
 */
export function unifyDims(a: Dim, b: Dim): "equal" | "different" | "unknown" {
  const difference = resolve(subtractDims(resolve(a), resolve(b)));
  if (difference === 0) return "equal";
  if (typeof difference === "number") return "different";
  for (const term of difference.terms.values()) {
    const [factor] = term.factors;
    if (term.factors.length !== 1 || !factor || factor.power !== 1 || factor.atom.kind !== "flexible") continue;
    const atom = factor.atom;
    const elsewhere = [...difference.terms.values()].some((t) => t !== term && mentions(t, atom));
    if (elsewhere) continue;
    const rest = subtractDims(difference, new Polynomial(new Map([[termKey(term.factors), term]])));
    const value = divideExactly(multiplyDims(-1, rest), term.coefficient);
    if (value === undefined || (typeof value === "number" && value < 0)) continue;
    atom.binding = value;
    return "equal";
  }
  return compareDims(a, b);
}

function mentions(term: Term, atom: DimensionAtom): boolean {
  return term.factors.some(
    (f) => f.atom === atom || f.atom.operation?.operands.some((o) => atomsOf(o).some((x) => x === atom)),
  );
}

/** All atoms a dimension mentions, those inside `div` and its kin included. */
function atomsOf(dim: Dim): DimensionAtom[] {
  const d = resolve(dim);
  if (typeof d === "number") return [];
  const atoms: DimensionAtom[] = [];
  for (const term of d.terms.values())
    for (const { atom } of term.factors) {
      atoms.push(atom);
      for (const operand of atom.operation?.operands ?? []) atoms.push(...atomsOf(operand));
    }
  return atoms;
}

function divideExactly(dim: Dim, by: number): Dim | undefined {
  if (typeof dim === "number") return dim % by === 0 ? dim / by : undefined;
  const terms = new Map<string, Term>();
  for (const [key, term] of dim.terms) {
    if (term.coefficient % by !== 0) return undefined;
    terms.set(key, { ...term, coefficient: term.coefficient / by });
  }
  return fromTerms(terms);
}

/** The text a user would write: `n + 1`, `2 * n`, `div(4 * n, 5)`. */
export function showDim(dim: Dim): string {
  const d = resolve(dim);
  if (typeof d === "number") return String(d);
  const terms = [...d.terms.values()].sort((a, b) => b.factors.length - a.factors.length);
  let text = "";
  for (const term of terms) {
    const factors = term.factors.map((f) => (f.power === 1 ? f.atom.name : `${f.atom.name}^${f.power}`));
    const size = Math.abs(term.coefficient);
    const body = [...(size === 1 && factors.length > 0 ? [] : [String(size)]), ...factors].join(" * ");
    if (text === "") text = term.coefficient < 0 ? `-${body}` : body;
    else text += term.coefficient < 0 ? ` - ${body}` : ` + ${body}`;
  }
  return text;
}

/** The number, when every symbol is known. */
export function knownDim(dim: Dim): number | undefined {
  const d = resolve(dim);
  return typeof d === "number" ? d : undefined;
}

/** Whether it is below zero for all sizes but zero: `-n`, `-2 * d - 1`. */
export function isNegative(dim: Dim): boolean {
  const d = resolve(dim);
  return typeof d === "number" ? d < 0 : [...d.terms.values()].every((term) => term.coefficient < 0);
}

/** A shape as users write it: `[n, d]`. */
export function showShape(shape: readonly Dim[]): string {
  return `[${shape.map(showDim).join(", ")}]`;
}

export function equalShapes(a: readonly Dim[], b: readonly Dim[]): boolean {
  return a.length === b.length && a.every((d, i) => equalDims(d, b[i]!));
}
