/** Mathematics as people write it: formulas over scalars, vectors and matrices, kept simple as they are made. */

export type Formula =
  | { readonly kind: "number"; readonly value: number; readonly rank: 0 }
  | { readonly kind: "name"; readonly name: string; readonly rank: Rank }
  /** The vector or matrix of ones, as large as its place asks for. */
  | { readonly kind: "ones"; readonly rank: Rank }
  /** The i-th unit vector. */
  | { readonly kind: "unit"; readonly index: Formula; readonly rank: 1 }
  | { readonly kind: "add"; readonly terms: readonly Formula[]; readonly rank: Rank }
  /** Entry by entry where several factors are arrays. */
  | {
      readonly kind: "multiply";
      readonly coefficient: number;
      readonly factors: readonly Formula[];
      readonly rank: Rank;
    }
  | { readonly kind: "divide"; readonly numerator: Formula; readonly denominator: Formula; readonly rank: Rank }
  | { readonly kind: "power"; readonly base: Formula; readonly exponent: Formula; readonly rank: Rank }
  | { readonly kind: "inner"; readonly left: Formula; readonly right: Formula; readonly rank: 0 }
  | { readonly kind: "matrix"; readonly left: Formula; readonly right: Formula; readonly rank: Rank }
  | { readonly kind: "transpose"; readonly of: Formula; readonly rank: Rank }
  /** The sum of all entries. */
  | { readonly kind: "total"; readonly of: Formula; readonly rank: 0 }
  | { readonly kind: "norm"; readonly of: Formula; readonly rank: 0 }
  | { readonly kind: "entry"; readonly of: Formula; readonly places: readonly Formula[]; readonly rank: Rank }
  /** A function applied entry by entry. */
  | { readonly kind: "apply"; readonly name: string; readonly of: Formula; readonly rank: Rank }
  /** What is shown as it was written; `mentions` are the names in it. */
  | { readonly kind: "source"; readonly text: string; readonly mentions: readonly string[]; readonly rank: Rank }
  /** The transposed Jacobian of what can not be differentiated by rule, applied to a vector. */
  | {
      readonly kind: "pulled";
      readonly of: Formula;
      readonly by: string;
      readonly vector: Formula;
      readonly rank: Rank;
    };

/** 0 for numbers, 1 for vectors, 2 for matrices; undefined where the text does not tell. */
export type Rank = number | undefined;

export const number = (value: number): Formula => ({ kind: "number", value, rank: 0 });
export const name = (text: string, rank: Rank): Formula => ({ kind: "name", name: text, rank });
export const ones = (rank: Rank): Formula => (rank === 0 ? number(1) : { kind: "ones", rank });

export function isNumber(f: Formula, value?: number): f is Formula & { kind: "number" } {
  return f.kind === "number" && (value === undefined || f.value === value);
}

/** The rank of several formulas combined entry by entry. */
function commonRank(formulas: readonly Formula[]): Rank {
  const ranks = formulas.map((f) => f.rank);
  return ranks.includes(undefined) ? undefined : Math.max(0, ...(ranks as number[]));
}

/** Same formula, same key. */
function keyOf(f: Formula): string {
  return JSON.stringify(f);
}

/** A sum: nested sums are one, equal terms are counted, zeros vanish. */
export function add(...parts: readonly Formula[]): Formula {
  const rank = commonRank(parts);
  const counts = new Map<string, { term: Formula; count: number }>();
  let constant = 0;
  const take = (f: Formula): void => {
    if (f.kind === "add") {
      f.terms.forEach(take);
      return;
    }
    if (f.kind === "number") {
      constant += f.value;
      return;
    }
    const [count, term] = f.kind === "multiply" ? [f.coefficient, scale(1 / f.coefficient, f)] : [1, f];
    const key = keyOf(term);
    const known = counts.get(key);
    if (known) known.count += count;
    else counts.set(key, { term, count });
  };
  parts.forEach(take);
  const terms = [...counts.values()].filter(({ count }) => count !== 0).map(({ term, count }) => scale(count, term));
  if (constant !== 0) terms.push(number(constant));
  if (terms.length === 0) return number(0);
  return terms.length === 1 ? terms[0]! : { kind: "add", terms, rank };
}

export function scale(by: number, f: Formula): Formula {
  if (by === 0) return number(0);
  if (f.kind === "number") return number(by * f.value);
  if (f.kind === "multiply") {
    const coefficient = by * f.coefficient;
    return coefficient === 1 && f.factors.length === 1 ? f.factors[0]! : { ...f, coefficient };
  }
  if (f.kind === "add") return add(...f.terms.map((t) => scale(by, t)));
  return by === 1 ? f : { kind: "multiply", coefficient: by, factors: [f], rank: f.rank };
}

export const negative = (f: Formula): Formula => scale(-1, f);
export const subtract = (a: Formula, b: Formula): Formula => add(a, negative(b));

/** A product entry by entry: numbers are gathered in front, ones beside other arrays vanish. */
export function multiply(...parts: readonly Formula[]): Formula {
  const rank = commonRank(parts);
  let coefficient = 1;
  const factors: Formula[] = [];
  for (const p of parts) {
    if (p.kind === "number") coefficient *= p.value;
    else if (p.kind === "multiply") {
      coefficient *= p.coefficient;
      factors.push(...p.factors);
    } else factors.push(p);
  }
  if (coefficient === 0) return number(0);
  const arrays = factors.filter((f) => f.kind !== "ones" && f.rank !== 0);
  const kept = arrays.length > 0 ? factors.filter((f) => f.kind !== "ones") : factors;
  // Numbers before vectors, the vector of ones last.
  const order = (f: Formula): number => (f.kind === "ones" ? 2 : f.rank === 0 ? 0 : 1);
  const sorted = [...kept].sort((a, b) => order(a) - order(b));
  if (sorted.length === 0) return number(coefficient);
  if (coefficient === 1 && sorted.length === 1) return sorted[0]!;
  if (sorted.length === 1 && sorted[0]!.kind === "add") return scale(coefficient, sorted[0]!);
  return { kind: "multiply", coefficient, factors: sorted, rank };
}

export function divide(numerator: Formula, denominator: Formula): Formula {
  if (isNumber(numerator, 0)) return numerator;
  if (isNumber(denominator)) {
    if (isNumber(numerator)) return number(numerator.value / denominator.value);
    if (Number.isInteger(1 / denominator.value)) return scale(1 / denominator.value, numerator);
    if (isNumber(denominator, 1)) return numerator;
  }
  return { kind: "divide", numerator, denominator, rank: commonRank([numerator, denominator]) };
}

export function power(base: Formula, exponent: Formula): Formula {
  if (isNumber(exponent, 1)) return base;
  if (isNumber(exponent, 0)) return ones(base.rank);
  if (isNumber(base) && isNumber(exponent)) return number(base.value ** exponent.value);
  return { kind: "power", base, exponent, rank: commonRank([base, exponent]) };
}

/** The inner product; of numbers the product, with ones the total. */
export function inner(left: Formula, right: Formula): Formula {
  if (left.rank === 0 && right.rank === 0) return multiply(left, right);
  for (const [a, b] of [
    [left, right],
    [right, left],
  ] as const) {
    if (isNumber(a)) return scale(a.value, total(b));
    if (a.kind === "ones") return total(b);
    if (a.kind === "multiply" && a.coefficient !== 1) {
      const bare = scale(1 / a.coefficient, a);
      return scale(a.coefficient, a === left ? inner(bare, b) : inner(b, bare));
    }
  }
  return { kind: "inner", left, right, rank: 0 };
}

export function total(of: Formula): Formula {
  if (of.rank === 0) return of;
  if (of.kind === "multiply" && of.coefficient !== 1)
    return scale(of.coefficient, total(scale(1 / of.coefficient, of)));
  return { kind: "total", of, rank: 0 };
}

export function matrix(left: Formula, right: Formula): Formula {
  if (left.rank === 1 && right.rank === 1) return inner(left, right);
  if (isNumber(right, 0) || isNumber(left, 0)) return number(0);
  if (right.kind === "multiply") {
    // Numbers stand in front of the product.
    const scalars = right.factors.filter((f) => f.rank === 0);
    const rest = right.factors.filter((f) => f.rank !== 0);
    if (rest.length > 0 && (scalars.length > 0 || right.coefficient !== 1))
      return multiply(number(right.coefficient), ...scalars, matrix(left, multiply(...rest)));
  }
  const rank = left.rank === undefined || right.rank === undefined ? undefined : left.rank + right.rank - 2;
  return { kind: "matrix", left, right, rank };
}

export function transpose(of: Formula): Formula {
  if (of.kind === "transpose") return of.of;
  return of.rank === 0 ? of : { kind: "transpose", of, rank: of.rank };
}

/** An entry; it goes inside what is made entry by entry. */
export function entry(of: Formula, places: readonly Formula[]): Formula {
  const at = (f: Formula): Formula => (f.rank === 0 ? f : entry(f, places));
  switch (of.kind) {
    case "number":
      return of;
    case "ones":
      return number(1);
    case "unit":
      return number(keyOf(of.index) === keyOf(places[0]!) ? 1 : 0);
    case "add":
      return add(...of.terms.map(at));
    case "multiply":
      return multiply(number(of.coefficient), ...of.factors.map(at));
    case "power":
      return power(at(of.base), at(of.exponent));
    case "divide":
      return divide(at(of.numerator), at(of.denominator));
    case "apply":
      return apply(of.name, at(of.of));
    default:
      return { kind: "entry", of, places, rank: of.rank === undefined ? undefined : of.rank - places.length };
  }
}

export function apply(f: string, of: Formula): Formula {
  return { kind: "apply", name: f, of, rank: of.rank };
}

/** Whether a name occurs in a formula. */
export function mentions(f: Formula, wanted: string): boolean {
  switch (f.kind) {
    case "number":
    case "ones":
      return false;
    case "name":
      return f.name === wanted;
    case "unit":
      return mentions(f.index, wanted);
    case "add":
      return f.terms.some((t) => mentions(t, wanted));
    case "multiply":
      return f.factors.some((t) => mentions(t, wanted));
    case "divide":
      return mentions(f.numerator, wanted) || mentions(f.denominator, wanted);
    case "power":
      return mentions(f.base, wanted) || mentions(f.exponent, wanted);
    case "inner":
    case "matrix":
      return mentions(f.left, wanted) || mentions(f.right, wanted);
    case "transpose":
    case "total":
    case "norm":
    case "apply":
      return mentions(f.of, wanted);
    case "entry":
      return mentions(f.of, wanted) || f.places.some((p) => mentions(p, wanted));
    case "source":
      return f.mentions.includes(wanted);
    case "pulled":
      return f.by === wanted || mentions(f.of, wanted) || mentions(f.vector, wanted);
  }
}
