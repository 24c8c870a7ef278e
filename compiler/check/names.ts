/**
 * Names: every name an expression uses must be declared before it, also in functions nobody calls.
 * This pass only reads the tree; types and shapes are found by elaboration.
 */
import { type Diagnostic, errorAt } from "../syntax/diagnostic.ts";
import { closest } from "../syntax/suggest.ts";
import type {
  Block,
  Expression,
  Let,
  Parameter,
  Pattern,
  Place,
  SourceFile,
  Span,
  Statement,
  TypeExpression,
} from "../syntax/tree.ts";

class Names {
  readonly parent: Names | undefined;
  readonly own: Set<string>;
  constructor(parent: Names | undefined, own: Iterable<string> = []) {
    this.parent = parent;
    this.own = new Set(own);
  }
  has(name: string): boolean {
    return this.own.has(name) || (this.parent?.has(name) ?? false);
  }
  all(): string[] {
    return [...this.own, ...(this.parent?.all() ?? [])];
  }
}

/** Unknown names in a file, with the near one where there is one. `prelude` is what every file starts with. */
export function checkNames(source: SourceFile, prelude: readonly string[]): Diagnostic[] {
  const found: Diagnostic[] = [];
  new NameChecker(found).file(source, new Names(undefined, prelude));
  return found;
}

class NameChecker {
  readonly #found: Diagnostic[];
  constructor(found: Diagnostic[]) {
    this.#found = found;
  }

  file(source: SourceFile, prelude: Names): void {
    const names = new Names(prelude);
    for (const s of source.statements) this.statement(s, names);
  }

  #use(name: string, span: Span, names: Names): void {
    if (names.has(name)) return;
    const near = closest(name, [...new Set(names.all())]);
    this.#found.push(
      errorAt("K0201", span, `There is nothing called \`${name}\` here.`, {
        help: near ? `Did you mean \`${near}\`?` : "Names are declared before they are used.",
      }),
    );
  }

  statement(s: Statement, names: Names): void {
    switch (s.kind) {
      case "import":
        for (const n of s.names) names.own.add((n.as ?? n.name).name);
        return;
      case "data":
        for (const d of dimensionNames(s.type)) names.own.add(d);
        names.own.add(s.name.name);
        return;
      case "param":
        this.expression(s.value, names);
        names.own.add(s.name.name);
        return;
      case "let":
        this.#let(s, names);
        return;
      case "type":
        return;
      case "fn":
        this.#function(
          s,
          s.parameters,
          s.dimensions.map((d) => d.name),
          names,
        );
        names.own.add(s.name.name);
        return;
      case "objective": {
        const inner = this.#signature(
          [...s.unknowns, ...s.parameters],
          s.dimensions.map((d) => d.name),
          names,
          s.result,
        );
        this.expression(s.body, inner);
        names.own.add(s.name.name);
        return;
      }
      case "condition": {
        const inner = this.#signature(
          [...s.unknowns, ...s.parameters],
          s.dimensions.map((d) => d.name),
          names,
        );
        for (const l of s.lets) this.#let(l, inner);
        for (const q of s.equations) {
          this.expression(q.left, inner);
          this.expression(q.right, inner);
        }
        names.own.add(s.name.name);
        return;
      }
      case "problem": {
        const inner = this.#signature(
          s.parameters,
          s.dimensions.map((d) => d.name),
          names,
        );
        for (const v of s.variables) {
          for (const d of dimensionNames(v.type)) inner.own.add(d);
          inner.own.add(v.name.name);
          if (v.set) this.expression(v.set, inner);
        }
        for (const d of s.definitions) this.statement(d, inner);
        this.expression(s.goal, inner);
        for (const c of s.constraints) {
          if (c.kind === "let") this.#let(c, inner);
          else this.expression(c.value, inner);
        }
        names.own.add(s.name.name);
        return;
      }
      case "solver": {
        const inner = this.#signature(s.options, [], names);
        const parts = s.form.kind === "minimizes" ? [s.form.objective.name] : s.form.parts.map((p) => p.name);
        for (const name of [...parts, "tol", "iters", "key"]) inner.own.add(name);
        for (const m of s.members) if (m.kind === "member") inner.own.add(m.name.name);
        // Members may use helpers declared anywhere beside them.
        for (const m of s.members) {
          if (m.kind === "let") for (const n of patternNames(m.pattern)) inner.own.add(n);
          if (m.kind === "fn") inner.own.add(m.name.name);
        }
        for (const m of s.members) {
          if (m.kind === "member") {
            const body = new Names(inner);
            for (const p of m.parameters) for (const n of patternNames(p)) body.own.add(n);
            this.expression(m.body, body);
          } else this.statement(m, inner);
        }
        names.own.add(s.name.name);
        return;
      }
      case "property": {
        const inner = new Names(names);
        for (const v of s.variables) {
          for (const d of dimensionNames(v.type)) inner.own.add(d);
          inner.own.add(v.name.name);
          if (v.condition) this.expression(v.condition, inner);
        }
        this.expression(s.body, inner);
        return;
      }
      case "show":
        for (const x of s.items) this.expression(x, names);
        return;
      case "plot":
        for (const a of s.arguments) this.expression(a.value, names);
        return;
      case "save":
      case "expression":
        this.expression(s.value, names);
        return;
      case "assert":
        this.expression(s.condition, names);
        return;
      default:
        s satisfies never;
    }
  }

  #signature(
    parameters: readonly Parameter[],
    dimensions: readonly string[],
    names: Names,
    result?: TypeExpression,
  ): Names {
    const inner = new Names(names, dimensions);
    for (const p of parameters) {
      if (p.default) this.expression(p.default, names);
      if (p.type) for (const d of dimensionNames(p.type)) inner.own.add(d);
      // A type's open sizes belong to the signature that uses it.
      if (p.type && usesAlias(p.type)) inner.own.add("");
      inner.own.add(p.name.name);
    }
    if (result) for (const d of dimensionNames(result)) inner.own.add(d);
    return inner;
  }

  #function(
    s: Extract<Statement, { kind: "fn" }>,
    parameters: readonly Parameter[],
    dimensions: readonly string[],
    names: Names,
  ): void {
    const inner = this.#signature(parameters, dimensions, names, s.result);
    this.expression(s.body, inner);
    if (s.rule) this.expression(s.rule.rule, inner);
  }

  #let(s: Let, names: Names): void {
    this.expression(s.value, names);
    if (s.type) for (const d of dimensionNames(s.type)) names.own.add(d);
    for (const n of patternNames(s.pattern)) names.own.add(n);
  }

  #block(x: Block, names: Names): void {
    const inner = new Names(names);
    for (const l of x.lets) this.#let(l, inner);
    this.expression(x.result, inner);
  }

  #places(places: readonly Place[], names: Names): void {
    for (const p of places) {
      if (p.kind === "slice") for (const x of [p.start, p.stop, p.step]) x && this.expression(x, names);
      else this.expression(p.value, names);
    }
  }

  expression(x: Expression, names: Names): void {
    const all = (xs: readonly Expression[]) => {
      for (const y of xs) this.expression(y, names);
    };
    switch (x.kind) {
      case "number":
      case "string":
      case "boolean":
        return;
      case "name":
        // A size that an alias leaves open (`h` of `type Mlp`) is known to elaboration only.
        if (!names.has("") || names.has(x.name)) this.#use(x.name, x.span, names);
        return;
      case "tuple":
        all(x.items.map((i) => i.value));
        return;
      case "array":
        all(x.items);
        return;
      case "comprehension": {
        let inner = names;
        for (const c of x.clauses) {
          this.expression(c.source, inner);
          inner = new Names(inner, patternNames(c.pattern));
        }
        this.expression(x.body, inner);
        return;
      }
      case "block":
        this.#block(x, names);
        return;
      case "call":
        this.expression(x.callee, names);
        all([...x.arguments, ...(x.parameters ?? [])].map((a) => a.value));
        return;
      case "index":
        this.expression(x.base, names);
        this.#places(x.places, names);
        return;
      case "field":
      case "transpose":
        this.expression(x.base, names);
        return;
      case "unary":
        this.expression(x.operand, names);
        return;
      case "binary":
        all([x.left, x.right, ...(x.within ? [x.within] : [])]);
        return;
      case "comparison":
        all(x.operands);
        return;
      case "range":
        all([x.from, x.to]);
        return;
      case "with":
        this.expression(x.base, names);
        if (x.update.kind === "fields") this.expression(x.update.fields, names);
        else {
          this.#places(x.update.places, names);
          this.expression(x.update.value, names);
        }
        return;
      case "lambda":
        this.expression(x.body, new Names(names, x.parameters.flatMap(patternNames)));
        return;
      case "if":
        all([x.condition, x.then, x.otherwise]);
        return;
      case "loop": {
        this.expression(x.initial, names);
        if (x.clause) this.expression(x.clause.source, names);
        const inner = new Names(names, [
          ...patternNames(x.pattern),
          ...(x.clause ? patternNames(x.clause.pattern) : []),
        ]);
        if (x.condition) this.expression(x.condition, inner);
        this.#block(x.body, inner);
        return;
      }
      default:
        x satisfies never;
    }
  }
}

export function patternNames(pattern: Pattern): string[] {
  if (pattern.kind === "name-pattern") return [pattern.name];
  return pattern.kind === "tuple-pattern" ? pattern.items.flatMap(patternNames) : [];
}

/** The names in the sizes of a type: a signature may introduce any of them. */
export function dimensionNames(type: TypeExpression): string[] {
  switch (type.kind) {
    case "named-type":
      return [];
    case "tuple-type":
      return type.items.flatMap((i) => dimensionNames(i.type));
    case "array-of-type":
      return [
        ...dimensionNames(type.element),
        ...type.places.flatMap((p) => [...(p.name ? [p.name.name] : []), ...namesIn(p.dimension)]),
      ];
    case "function-type":
      return [...type.parameters.flatMap(dimensionNames), ...dimensionNames(type.result)];
  }
}

function namesIn(x: Expression): string[] {
  if (x.kind === "name") return [x.name];
  if (x.kind === "binary") return [...namesIn(x.left), ...namesIn(x.right)];
  if (x.kind === "unary") return namesIn(x.operand);
  if (x.kind === "call") return x.arguments.flatMap((a) => namesIn(a.value));
  return [];
}

const scalars = new Set(["real", "int", "bool", "key"]);

function usesAlias(type: TypeExpression): boolean {
  switch (type.kind) {
    case "named-type":
      return !scalars.has(type.name);
    case "tuple-type":
      return type.items.some((i) => usesAlias(i.type));
    case "array-of-type":
      return usesAlias(type.element);
    case "function-type":
      return [...type.parameters, type.result].some(usesAlias);
  }
}
