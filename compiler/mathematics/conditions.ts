/**
 * The optimality conditions of what a file declares, as mathematics: of a problem the Lagrangian and the
 * Karush-Kuhn-Tucker system, of an objective stationarity, of a condition its equations.
 */
import type {
  Condition,
  Constraint,
  Expression,
  Objective,
  Parameter,
  Problem,
  SourceFile,
  TypeExpression,
} from "../syntax/tree.ts";
import { add, entry, type Formula, mentions, name, negative, number, subtract } from "./formula.ts";
import { gradientOf, weighted } from "./gradient.ts";
import { joinTerms, latex, print, type Style, unicode } from "./print.ts";
import { Names, rankOfType, translate } from "./translate.ts";

/** One line of a block: what it is called and what it says. */
type Line = readonly [label: string, text: string];

/** The declarations of a file that have conditions, or the one of that name; undefined when there is none. */
export function conditionsOf(
  source: SourceFile,
  only: string | undefined,
  notation: "unicode" | "latex",
): string | undefined {
  const style = notation === "latex" ? latex : unicode;
  const parts = source.statements.flatMap((s) => {
    if (s.kind !== "problem" && s.kind !== "objective" && s.kind !== "condition") return [];
    if (only !== undefined && s.name.name !== only) return [];
    const writer = new Writer(source.text, style);
    const lines =
      s.kind === "problem" ? writer.problem(s) : s.kind === "objective" ? writer.objective(s) : writer.condition(s);
    return [layOut(`${s.kind} ${s.name.name}`, lines, notation)];
  });
  return parts.length === 0 ? undefined : parts.join("\n\n");
}

function layOut(title: string, lines: readonly Line[], notation: "unicode" | "latex"): string {
  if (notation === "latex") {
    const rows = lines.map(([label, text]) => `  \\text{${label}} && ${text} \\\\`);
    return [`% ${title}`, "\\begin{align*}", ...rows, "\\end{align*}"].join("\n");
  }
  const width = Math.max(...lines.map(([label]) => label.length));
  const shown = lines.map(([label], i) => (label === lines[i - 1]?.[0] ? "" : label));
  return [title, ...lines.map(([, text], i) => `  ${shown[i]!.padEnd(width)}  ${text}`.trimEnd())].join("\n");
}

/** One row of a constraint and its multiplier. */
interface Row {
  readonly formula: Formula;
  readonly dual: Formula;
  readonly equation: boolean;
}

class Writer {
  readonly style: Style;
  readonly names: Names;
  readonly #source: string;

  constructor(source: string, style: Style) {
    this.#source = source;
    this.style = style;
    this.names = new Names(source);
  }

  problem(p: Problem): Line[] {
    const s = this.style;
    for (const q of p.parameters) this.names.declare(q);
    for (const d of p.definitions) if (d.kind === "let") this.names.define(d);
    for (const v of p.variables) this.names.declare(v);
    const lines: Line[] = [];
    p.variables.forEach((v) => {
      const set = v.set ? `, ${s.name(v.name.name)} ${s.element} ${this.#set(v.set)}` : "";
      lines.push(["unknown", `${this.#member(v.name.name, v.type)}${set}`]);
    });
    this.#given(lines, p.parameters);
    const goal = translate(p.goal, this.names);
    lines.push([p.sense, print(goal, s)]);
    const rows: Row[] = [];
    p.constraints.forEach((line, i) => {
      if (line.kind === "let") {
        this.names.define(line);
        return;
      }
      lines.push(["subject to", `${line.label ? `${this.#word(line.label.name)}: ` : ""}${this.#relation(line)}`]);
      rows.push(...this.#rows(line, i));
    });
    const f = p.sense === "maximize" ? negative(goal) : goal;
    const lagrangian = add(f, ...rows.map((r) => weighted(r.dual, r.formula)));
    const unfolded = [f, ...rows.map((r) => weighted(r.dual, r.formula))].map((t, i) => print(t, s, i === 0 ? 1 : 2));
    lines.push(["Lagrangian", `${s.lagrangian} = ${joinTerms(unfolded, s)}`]);
    for (const v of p.variables) {
      const x = v.name.name;
      if (v.set) {
        const slope = print(gradientOf(lagrangian, x), s);
        const cone = s === latex ? `N_{${this.#set(v.set)}}(${s.name(x)})` : `N(${s.name(x)})`;
        lines.push(["stationarity", `${s.minus}(${slope}) ${s.element} ${cone}`]);
        if (s !== latex)
          lines.push(["stationarity", `where N(${x}) is the normal cone of ${this.#set(v.set)} at ${x}`]);
      } else this.#stationarity(lines, s.lagrangian, lagrangian, x, v.type);
    }
    for (const r of rows) lines.push(["feasibility", `${print(r.formula, s)} ${r.equation ? "=" : s.le} 0`]);
    const inequalities = rows.filter((r) => !r.equation);
    for (const r of inequalities) lines.push(["dual sign", `${print(r.dual, s)} ${s.ge} 0`]);
    for (const r of inequalities) {
      const product =
        r.formula.rank === 0
          ? `${print(r.dual, s, 3)}${s === latex ? s.times : ` ${s.times} `}${print(r.formula, s, 3)}`
          : `${print(r.dual, s, 3)} ${s.entrywise} ${print(r.formula, s, 3)}`;
      lines.push(["complementarity", `${product} = 0`]);
    }
    return lines;
  }

  objective(o: Objective): Line[] {
    for (const q of [...o.unknowns, ...o.parameters]) this.names.declare(q);
    const lines: Line[] = o.unknowns.map((u) => ["unknown", this.#member(u.name.name, u.type)]);
    this.#given(lines, o.parameters);
    const f = translate(o.body.kind === "block" ? this.#block(o.body) : o.body, this.names);
    lines.push(["minimize", print(f, this.style)]);
    for (const u of o.unknowns) this.#stationarity(lines, this.style.name(o.name.name), f, u.name.name, u.type);
    return lines;
  }

  condition(c: Condition): Line[] {
    for (const q of [...c.unknowns, ...c.parameters]) this.names.declare(q);
    const lines: Line[] = c.unknowns.map((u) => ["unknown", this.#member(u.name.name, u.type)]);
    this.#given(lines, c.parameters);
    for (const l of c.lets) this.names.define(l);
    for (const q of c.equations) {
      const residual = subtract(translate(q.left, this.names), translate(q.right, this.names));
      lines.push([q.label?.name ?? "equation", `${print(residual, this.style)} = 0`]);
    }
    return lines;
  }

  #block(body: Expression & { readonly kind: "block" }): Expression {
    for (const l of body.lets) this.names.define(l);
    return body.result;
  }

  #given(lines: Line[], parameters: readonly Parameter[]): void {
    for (const q of parameters) if (q.type) lines.push(["given", this.#member(q.name.name, q.type)]);
  }

  #word(text: string): string {
    return this.style === latex ? `\\textit{${text.replaceAll("_", "\\_")}}` : text;
  }

  #set(set: Expression): string {
    const text = this.#source.slice(set.span.start, set.span.end).replace(/\s+/g, " ");
    return this.style === latex ? `\\textit{${text.replaceAll("_", "\\_")}}` : text;
  }

  /** `x ∈ ℝ^(n × d)`. */
  #member(x: string, type: TypeExpression | undefined): string {
    const s = this.style;
    if (!type) return s.name(x);
    if (type.kind === "array-of-type" && type.element.kind === "named-type" && type.element.name === "real") {
      const dims = type.places.map((p) => print(translate(p.dimension, new Names(this.#source)), s));
      const power = s.above(s.reals, dims.join(s === latex ? " \\times " : " × "), dims.length === 1);
      return `${s.name(x)} ${s.element} ${power}`;
    }
    if (type.kind === "named-type" && type.name === "real") return `${s.name(x)} ${s.element} ${s.reals}`;
    const text = this.#source.slice(type.span.start, type.span.end).replace(/\s+/g, " ");
    return `${s.name(x)}: ${s === latex ? s.source(text) : text}`;
  }

  /** A constraint as it was written, in mathematics. */
  #relation(line: Constraint): string {
    const s = this.style;
    const value = line.value.kind === "comprehension" ? line.value.body : line.value;
    if (value.kind !== "comparison") return "";
    const signs: Readonly<Record<string, string>> = { "==": "=", "<=": s.le, ">=": s.ge };
    const sides = value.operands.map((o) => print(translate(o, this.names), s));
    const text = sides.map((t, i) => (i === 0 ? t : `${signs[value.operators[i - 1]!]} ${t}`)).join(" ");
    if (line.value.kind !== "comprehension") return text;
    const clauses = line.value.clauses.map((c) => {
      const pattern = this.#source.slice(c.pattern.span.start, c.pattern.span.end);
      return `${pattern} ${s.element} ${this.#source.slice(c.source.span.start, c.source.span.end)}`;
    });
    return `${text}${s === latex ? ",\\quad " : ",  "}${clauses.join(", ")}`;
  }

  #rows(line: Constraint, index: number): Row[] {
    const value = line.value.kind === "comprehension" ? line.value.body : line.value;
    if (value.kind !== "comparison") return [];
    const label = line.label?.name ?? String(index + 1);
    return value.operators.map((operator, i): Row => {
      const [left, right] = [value.operands[i]!, value.operands[i + 1]!];
      const [p, q] = operator === ">=" ? [right, left] : [left, right];
      const difference: Expression = { kind: "binary", operator: "-", left: p, right: q, span: value.span };
      let formula = translate(difference, this.names);
      if (line.value.kind === "comprehension") {
        const written = translate(line.value, this.names);
        // Row by row: a vector with one entry a turn of the loop.
        const [a, b] = [p, q].map((t) => this.#source.slice(t.span.start, t.span.end));
        const text = b === "0" ? a : `${a} - ${/ [-+] /.test(b!) ? `(${b})` : b}`;
        const clauses = line.value.clauses.map((c) => this.#source.slice(c.pattern.span.start, c.source.span.end));
        const vector = written.kind === "source" ? written : undefined;
        formula = {
          kind: "source",
          text: `[${text} for ${clauses.join(" for ").replace(/\s+/g, " ")}]`,
          mentions: vector?.mentions ?? [],
          rank: line.value.clauses.length,
        };
      }
      const two = value.operators.length > 1;
      const side = two ? ((operator === "<=") === (i === value.operators.length - 1) ? "upper" : "lower") : undefined;
      const letter = operator === "==" ? "nu" : "lambda";
      return {
        formula,
        dual: this.#dual(letter, [label, ...(side ? [side] : [])], formula),
        equation: operator === "==",
      };
    });
  }

  #dual(letter: "nu" | "lambda", parts: readonly string[], row: Formula): Formula {
    const text = [this.style === latex ? letter : this.style[letter], ...parts].join("_");
    return name(text, row.rank);
  }

  /** One line, or one an entry where the variable is only used entry by entry. */
  #stationarity(lines: Line[], of: string, f: Formula, x: string, type: TypeExpression | undefined): void {
    const s = this.style;
    const slope = gradientOf(f, x);
    const size = vectorSize(type);
    if (size !== undefined && size <= 12 && mentionsUnit(slope)) {
      for (let i = 0; i < size; i++) lines.push(["stationarity", `${print(entry(slope, [number(i)]), s)} = 0`]);
      return;
    }
    const shown = mentions(f, x) ? print(slope, s) : "0";
    lines.push(["stationarity", `${s.gradient(s.name(x))} ${of} = ${shown} = 0`]);
  }
}

function vectorSize(type: TypeExpression | undefined): number | undefined {
  if (type?.kind !== "array-of-type" || type.places.length !== 1 || rankOfType(type) !== 1) return undefined;
  const { dimension } = type.places[0]!;
  return dimension.kind === "number" ? dimension.value : undefined;
}

function mentionsUnit(f: Formula): boolean {
  return JSON.stringify(f).includes('"kind":"unit"');
}
