/**
 * Names: every name an expression uses must be declared before it, also in functions nobody calls.
 * This pass only reads the tree; types and shapes are found by elaboration.
 */
import { type Diagnostic, errorAt } from "../syntax/diagnostic.ts";
import type {
  Block,
  Expression,
  Identifier,
  Let,
  Parameter,
  Place,
  SourceFile,
  Span,
  Statement,
  TypeExpression,
} from "../syntax/tree.ts";
import { declaredBy, dimensionNames, patternNames, usesAlias } from "./introduced-names.ts";
import type { Library } from "./library-names.ts";
import { recursiveUse, unknownName } from "./unknown-names.ts";

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

/**
 * Unknown names in a file, with what was probably meant. `prelude` is what every file starts with, `library` the modules
 * whose names can be imported.
 */
export function checkNames(source: SourceFile, prelude: readonly string[], library: Library = {}): Diagnostic[] {
  const found: Diagnostic[] = [];
  new NameChecker(found, library).file(source, new Names(undefined, prelude));
  return found;
}

class NameChecker {
  readonly #found: Diagnostic[];
  /** Where each name of the file is declared. */
  readonly #declared = new Map<string, Span>();
  /** The names that the statement at hand declares. */
  #declaring: readonly Identifier[] = [];

  readonly #library: Library;

  constructor(found: Diagnostic[], library: Library) {
    this.#found = found;
    this.#library = library;
  }

  file(source: SourceFile, prelude: Names): void {
    const names = new Names(prelude);
    for (const s of source.statements) for (const d of declaredBy(s)) this.#declared.set(d.name, d.span);
    for (const s of source.statements) {
      this.#declaring = declaredBy(s);
      this.statement(s, names);
    }
  }

  #use(name: string, span: Span, names: Names): void {
    if (names.has(name)) return;
    const declared = this.#declared.get(name);
    if (this.#declaring.some((d) => d.name === name)) this.#found.push(recursiveUse(name, span));
    else
      this.#found.push(
        unknownName(name, span, {
          names: [...new Set(names.all())],
          below: declared && declared.start > span.start ? declared : undefined,
          library: this.#library,
        }),
      );
  }

  /** Refuses a name that stands twice among the names one declaration introduces. */
  #once(introduced: readonly Identifier[], what: string): void {
    const seen = new Map<string, Span>();
    for (const { name, span } of introduced) {
      const first = seen.get(name);
      if (first)
        this.#found.push(
          errorAt("K0235", span, `The ${what} \`${name}\` stands here twice.`, {
            notes: [{ message: "The first one:", span: first }],
            help: "Give one of them another name.",
          }),
        );
      else seen.set(name, span);
    }
  }

  #fieldsOnce(type: TypeExpression): void {
    if (type.kind !== "tuple-type") return;
    this.#once(
      type.items.flatMap((i) => (i.name ? [i.name] : [])),
      "field",
    );
    for (const i of type.items) this.#fieldsOnce(i.type);
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
        this.#fieldsOnce(s.type);
        return;
      case "fn":
        this.#function(s, s.parameters, s.dimensions, names);
        names.own.add(s.name.name);
        return;
      case "objective": {
        const inner = this.#signature([...s.unknowns, ...s.parameters], s.dimensions, names, s.result);
        this.expression(s.body, inner);
        names.own.add(s.name.name);
        return;
      }
      case "condition": {
        const inner = this.#signature([...s.unknowns, ...s.parameters], s.dimensions, names);
        for (const l of s.lets) this.#let(l, inner);
        for (const q of s.equations) {
          this.expression(q.left, inner);
          this.expression(q.right, inner);
        }
        names.own.add(s.name.name);
        return;
      }
      case "problem": {
        const inner = this.#signature(s.parameters, s.dimensions, names);
        this.#once(
          s.variables.map((v) => v.name),
          "variable",
        );
        for (const v of s.variables) {
          if (s.parameters.some((p) => p.name.name === v.name.name))
            this.#once([s.parameters.find((p) => p.name.name === v.name.name)!.name, v.name], "name");
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
        this.#once(
          s.variables.map((v) => v.name),
          "variable",
        );
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
    dimensions: readonly Identifier[],
    names: Names,
    result?: TypeExpression,
  ): Names {
    const inner = new Names(
      names,
      dimensions.map((d) => d.name),
    );
    this.#once(
      parameters.map((p) => p.name),
      "parameter",
    );
    this.#once(dimensions, "size");
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
    dimensions: readonly Identifier[],
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
        if (x.form === "loop" && !x.clause && (!x.condition || isTrue(x.condition)))
          this.#found.push(
            errorAt(
              "K1172",
              x.span,
              `Nothing ends this \`loop\`: ${x.condition ? "its `while` is always true" : "it has neither a `for` nor a `while`"}.`,
              {
                help: "Write `loop s = s0 for i in 0..n { next }` or `loop s = s0 while c { next }`.",
              },
            ),
          );
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

function isTrue(condition: Expression): boolean {
  return condition.kind === "boolean" && condition.value;
}
