/** Formulas as text: in Unicode for terminals, in LaTeX for papers. */
import type { Formula } from "./formula.ts";

/** How a notation writes what the two write differently. */
export interface Style {
  name(text: string): string;
  /** `x` with an index below it. */
  below(base: string, index: string): string;
  above(base: string, exponent: string, simple: boolean): string;
  transposed(base: string): string;
  quotient(a: string, b: string): string;
  root(x: string): string;
  norm(x: string): string;
  functionName(f: string): string;
  source(text: string): string;
  gradient(variable: string): string;
  jacobian(of: string, by: string): string;
  readonly ones: string;
  readonly unit: string;
  readonly total: string;
  readonly times: string;
  readonly entrywise: string;
  readonly minus: string;
  readonly le: string;
  readonly ge: string;
  readonly reals: string;
  readonly element: string;
  readonly lagrangian: string;
  readonly nu: string;
  readonly lambda: string;
}

const digits = (table: string, text: string): string | undefined =>
  /^\d+$/.test(text) ? [...text].map((d) => table[Number(d)]).join("") : undefined;

export const unicode: Style = {
  name: (text) => text,
  below: (base, index) => (digits("₀₁₂₃₄₅₆₇₈₉", index) ? base + digits("₀₁₂₃₄₅₆₇₈₉", index) : `${base}[${index}]`),
  above: (base, exponent, simple) => {
    const raised = digits("⁰¹²³⁴⁵⁶⁷⁸⁹", exponent);
    return raised !== undefined ? base + raised : `${base}^${simple ? exponent : `(${exponent})`}`;
  },
  transposed: (base) => `${base}ᵀ`,
  quotient: (a, b) => `${a} / ${b}`,
  root: (x) => `√(${x})`,
  norm: (x) => `‖${x}‖`,
  functionName: (f) => f,
  source: (text) => text,
  gradient: (variable) => `∇[${variable}]`,
  jacobian: (of, by) => `(∂(${of})/∂${by})`,
  ones: "𝟏",
  unit: "e",
  total: "Σ ",
  times: "·",
  entrywise: "∘",
  minus: "−",
  le: "≤",
  ge: "≥",
  reals: "ℝ",
  element: "∈",
  lagrangian: "L",
  nu: "ν",
  lambda: "λ",
};

const greek =
  /^(alpha|beta|gamma|delta|epsilon|zeta|eta|theta|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|phi|chi|psi|omega)$/;

const latexName = (text: string): string => {
  const one = (t: string) =>
    greek.test(t) ? `\\${t}` : [...t].length === 1 ? t : `\\mathrm{${t.replaceAll("_", "\\_")}}`;
  const [head, ...rest] = text.split("_");
  // A single letter or a Greek one carries the rest as its index.
  const indexed = rest.length > 0 && one(head!) !== `\\mathrm{${head}}`;
  return indexed ? `${one(head!)}_{${rest.map(one).join(",")}}` : one(text);
};

export const latex: Style = {
  name: latexName,
  below: (base, index) => (base.includes("_") ? `{${base}}_{${index}}` : `${base}_{${index}}`),
  above: (base, exponent) => `{${base}}^{${exponent}}`,
  transposed: (base) => `{${base}}^{\\top}`,
  quotient: (a, b) => `\\frac{${a}}{${b}}`,
  root: (x) => `\\sqrt{${x}}`,
  norm: (x) => `\\lVert ${x} \\rVert`,
  functionName: (f) => (/^(exp|log|sin|cos|tan|tanh)$/.test(f) ? `\\${f}` : `\\operatorname{${f}}`),
  source: (text) =>
    `\\texttt{${text.replace(/[\\{}_^#&%$~]/g, (c) => (c === "\\" ? "\\textbackslash{}" : c === "^" || c === "~" ? `\\${c}{}` : `\\${c}`))}}`,
  gradient: (variable) => `\\nabla_{${variable}}`,
  jacobian: (of, by) => `\\frac{\\partial (${of})}{\\partial ${by}}`,
  ones: "\\mathbf{1}",
  unit: "e",
  total: "\\textstyle\\sum ",
  times: "\\,",
  entrywise: "\\circ",
  minus: "-",
  le: "\\le",
  ge: "\\ge",
  reals: "\\mathbb{R}",
  element: "\\in",
  lagrangian: "L",
  nu: "\\nu",
  lambda: "\\lambda",
};

/** How tightly a formula holds together: sums 1, products 2, what stands alone 4. */
type Strength = 1 | 2 | 3 | 4;

/** A formula as text; put in parentheses when its place holds tighter than it does. */
export function print(f: Formula, style: Style, place: Strength = 1): string {
  const [text, strength] = write(f, style);
  return strength >= place ? text : style === latex ? `\\left(${text}\\right)` : `(${text})`;
}

function write(f: Formula, s: Style): readonly [string, Strength] {
  switch (f.kind) {
    case "number":
      return f.value < 0 ? [s.minus + showNumber(-f.value), 2] : [showNumber(f.value), 4];
    case "name":
      return [s.name(f.name), 4];
    case "ones":
      return [s.ones, 4];
    case "unit":
      return [s.below(s.unit, print(f.index, s)), 4];
    case "add": {
      const terms = f.terms.map((t) => print(t, s, 2));
      // A sum does not start with a minus if it can help it.
      const lead = Math.max(
        0,
        terms.findIndex((t) => !t.startsWith(s.minus)),
      );
      return [joinTerms([terms[lead]!, ...terms.filter((_, i) => i !== lead)], s), 1];
    }
    case "multiply": {
      const size = Math.abs(f.coefficient);
      const sign = f.coefficient < 0 ? s.minus : "";
      const scalars = f.factors.filter((g) => g.rank === 0).map((g) => print(g, s, 3));
      const arrays = f.factors.filter((g) => g.rank !== 0).map((g) => print(g, s, 3));
      const front = [...(size === 1 ? [] : [showNumber(size)]), ...scalars];
      const parts = [...front, ...(arrays.length > 0 ? [arrays.join(` ${s.entrywise} `)] : [])];
      return [sign + parts.join(s === latex ? s.times : ` ${s.times} `), 2];
    }
    case "divide":
      return [s.quotient(print(f.numerator, s, s === latex ? 1 : 2), print(f.denominator, s, s === latex ? 1 : 3)), 2];
    case "power":
      return [s.above(print(f.base, s, 4), print(f.exponent, s), f.exponent.kind === "name"), 3];
    case "inner":
      return [`${s.transposed(print(f.left, s, 4))} ${print(f.right, s, 3)}`, 3];
    case "matrix":
      return [`${print(f.left, s, 3)} ${print(f.right, s, 4)}`, 3];
    case "transpose":
      return [s.transposed(print(f.of, s, 4)), 4];
    case "total":
      return [s.total + print(f.of, s, 3), 2];
    case "norm":
      return [s.norm(print(f.of, s)), 4];
    case "entry":
      return [s.below(print(f.of, s, 4), f.places.map((p) => print(p, s)).join(", ")), 4];
    case "apply":
      if (f.name === "sqrt") return [s.root(print(f.of, s)), 4];
      return [`${s.functionName(f.name)}(${print(f.of, s)})`, 4];
    case "source":
      return [s.source(f.text), /^[\w.]+(\(.*\)|\[.*\])?$|^\[.*\]$/.test(f.text) ? 4 : 1];
    case "pulled": {
      const row = s.transposed(s.jacobian(print(f.of, s), s.name(f.by)));
      return f.vector.kind === "number" && f.vector.value === 1 ? [row, 4] : [`${row} ${print(f.vector, s, 3)}`, 3];
    }
  }
}

/** Terms with their signs between them. */
export function joinTerms(terms: readonly string[], s: Style): string {
  return terms
    .map((t, i) => (i === 0 ? t : t.startsWith(s.minus) ? ` ${s.minus} ${t.slice(s.minus.length)}` : ` + ${t}`))
    .join("");
}

function showNumber(value: number): string {
  return String(Number(value.toPrecision(10)));
}
