/** From the tree of an expression to a formula; what has no notation of its own stays as it was written. */
import type { Expression, Let, Parameter, Place, TypeExpression } from "../syntax/tree.ts";
import {
  add,
  apply,
  divide,
  entry,
  type Formula,
  inner,
  matrix,
  multiply,
  name,
  negative,
  number,
  ones,
  power,
  type Rank,
  subtract,
  total,
  transpose,
} from "./formula.ts";

/** What the names in sight stand for. */
export class Names {
  readonly known = new Map<string, Formula>();
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }

  declare(parameter: Pick<Parameter, "name" | "type">): void {
    const text = parameter.name.name;
    if (parameter.type?.kind === "array-of-type")
      for (const { dimension } of parameter.type.places)
        if (dimension.kind === "name" && !this.known.has(dimension.name))
          this.known.set(dimension.name, name(dimension.name, 0));
    this.known.set(text, name(text, parameter.type ? rankOfType(parameter.type) : undefined));
  }

  /** A `let` of one name stands for its value. */
  define(line: Let): void {
    if (line.pattern.kind === "name-pattern") this.known.set(line.pattern.name, translate(line.value, this));
  }
}

export function rankOfType(type: TypeExpression): Rank {
  if (type.kind === "named-type") return type.name === "real" || type.name === "int" ? 0 : undefined;
  return type.kind === "array-of-type" && type.element.kind === "named-type" ? type.places.length : undefined;
}

const elementwise = new Set(["exp", "log", "sin", "cos", "tan", "tanh", "sqrt", "abs", "sign"]);

export function translate(x: Expression, names: Names): Formula {
  switch (x.kind) {
    case "number":
      return number(x.value);
    case "name":
      return names.known.get(x.name) ?? name(x.name, undefined);
    case "unary":
      return x.operator === "-" ? negative(translate(x.operand, names)) : asWritten(x, names);
    case "binary": {
      const [left, right] = [translate(x.left, names), translate(x.right, names)];
      if (x.operator === "+") return add(left, right);
      if (x.operator === "-") return subtract(left, right);
      if (x.operator === "*") return multiply(left, right);
      if (x.operator === "/") return divide(left, right);
      if (x.operator === "^") return power(left, right);
      return x.operator === "@" ? matrix(left, right) : asWritten(x, names);
    }
    case "transpose":
      return transpose(translate(x.base, names));
    case "index":
      return translateIndex(x.base, x.places, x, names);
    case "call":
      return translateCall(x, names);
    default:
      return asWritten(x, names);
  }
}

function translateIndex(base: Expression, places: readonly Place[], x: Expression, names: Names): Formula {
  const at = places.flatMap((p) => (p.kind === "at" ? [translate(p.value, names)] : []));
  if (at.length !== places.length) return asWritten(x, names);
  if (base.kind === "name" && base.name === "ones" && !names.known.has("ones")) return ones(places.length);
  const of = translate(base, names);
  return of.kind === "name" && of.rank === undefined ? asWritten(x, names) : entry(of, at);
}

function translateCall(x: Expression & { readonly kind: "call" }, names: Names): Formula {
  const plain = x.parameters === undefined && x.arguments.every((a) => a.name === undefined);
  if (!plain || x.callee.kind !== "name" || names.known.has(x.callee.name)) return asWritten(x, names);
  const f = x.callee.name;
  const args = x.arguments.map((a) => translate(a.value, names));
  const [a, b] = args;
  if (args.length === 1 && a) {
    if (elementwise.has(f)) return apply(f, a);
    if (f === "sum") return a.rank === undefined ? asWritten(x, names) : total(a);
    if (f === "norm") return { kind: "norm", of: a, rank: 0 };
  }
  if (args.length === 2 && a && b && f === "dot") return inner(a, b);
  return asWritten(x, names);
}

/** The text of an expression, with the names it mentions; those of its own loops do no harm among them. */
function asWritten(x: Expression, names: Names): Formula {
  const text = names.source.slice(x.span.start, x.span.end).replace(/\s+/g, " ").trim();
  const found = new Set<string>();
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const n of node) visit(n);
    else if (typeof node === "object" && node !== null) {
      const { kind, name: text } = node as { readonly kind?: unknown; readonly name?: unknown };
      if (kind === "name" && typeof text === "string") found.add(text);
      else for (const n of Object.values(node)) visit(n);
    }
  };
  visit(x);
  // A `let` that stands in the text brings along what it mentions.
  for (const n of [...found]) {
    const meaning = names.known.get(n);
    if (meaning && meaning.kind !== "name") visit(meaning);
    if (meaning?.kind === "source") for (const m of meaning.mentions) found.add(m);
  }
  return {
    kind: "source",
    text,
    mentions: [...found],
    rank: x.kind === "comprehension" ? x.clauses.length : undefined,
  };
}
