/** Functions: lambdas, declared functions and their calls. */
import { type Dim, knownDim, showDim, unifyDims } from "../core/dimension.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Argument, Call, FunctionDeclaration, Identifier, Lambda, Parameter, Span } from "../syntax/tree.ts";
import { applyCustomRule } from "./custom-rules.ts";
import type { Elaborator } from "./elaborator.ts";
import { bindPattern } from "./patterns.ts";
import { Scope, suggest } from "./scope.ts";
import { type Shared, sharedCall } from "./shared-calls.ts";
import { type CallArguments, errorTerm, type FunctionTerm, showTermType, type Term } from "./terms.ts";
import { fitTerm, resolveType, SignatureDimensions } from "./types.ts";

const deepest = 200;

/** Calls a term, counting how deep calls nest. */
export function applyTerm(e: Elaborator, f: Term, args: CallArguments): Term {
  if (f.kind === "error") return f;
  const callable = f;
  if (callable.kind === "word") return { ...callable, options: args };
  if (callable.kind !== "function") {
    fail("K0230", args.span, `This is called, but it is ${showTermType(f)}, not a function.`, {
      help: "A line that starts with `(` is a new statement; a product is written with `*`.",
    });
  }
  if (e.depth > deepest)
    fail("K0231", args.span, "Calls nest too deeply here.", { help: "There is no recursion: write a `loop`." });
  e.budget.spendCall(args.span);
  e.depth += 1;
  try {
    const result = (callable as FunctionTerm).apply(args);
    // Only now: a derivative of a derivative grows on the way out.
    e.budget.checkSize(args.span);
    return result;
  } finally {
    e.depth -= 1;
  }
}

/** Calls a function with plain arguments. */
export function applyTo(e: Elaborator, f: Term, positional: readonly Term[], span: Span): Term {
  return applyTerm(e, f, { positional, named: new Map(), span });
}

export function elaborateCall(e: Elaborator, x: Call, scope: Scope): Term {
  const callee = x.callee;
  let dimensions: CallArguments["dimensions"];
  let f: Term;
  // `f[64](x)`: brackets after a function give dimensions.
  if (callee.kind === "index") {
    const base = e.expression(callee.base, scope);
    if (base.kind === "function" || base.kind === "error") {
      f = base;
      const positional: Dim[] = [];
      const named = new Map<string, Dim>();
      for (const place of callee.places) {
        if (place.kind === "slice")
          fail("K0232", place.span, "A slice is no dimension.", {
            help: "Brackets after a function give sizes: `zeros[n, d]`.",
          });
        const dim = e.dimension(place.value, scope);
        if (place.kind === "dimension") named.set(place.name.name, dim);
        else positional.push(dim);
      }
      dimensions = { positional, named };
    } else f = e.expression(callee, scope);
  } else f = e.expression(callee, scope);
  const [positional, named] = withNamesChecked(e, f, x, (done) => elaborateArguments(e, x.arguments, scope, done));
  const parameters = x.parameters ? elaborateArguments(e, x.parameters, scope) : undefined;
  if (f.kind === "error") return f;
  const all = [...positional, ...named.values(), ...(parameters?.[0] ?? []), ...(parameters?.[1].values() ?? [])];
  if (all.some((t) => t.kind === "error")) return errorTerm;
  return applyTerm(e, f, {
    positional,
    named,
    ...(parameters ? { parameters: { positional: parameters[0], named: parameters[1] } } : {}),
    ...(dimensions ? { dimensions } : {}),
    spans: x.arguments.map((a) => a.span),
    span: x.span,
  });
}

type Arguments = readonly [positional: Term[], named: Map<string, Term>];

/**
 * Elaborates the arguments of a call. Where one that is given by name fails, the names are looked at all the same, so
 * that a misspelt one is reported in the same run.
 */
function withNamesChecked(e: Elaborator, f: Term, x: Call, elaborate: (done: Arguments) => Arguments): Arguments {
  const done: Arguments = [[], new Map()];
  try {
    return elaborate(done);
  } catch (error) {
    const [positional, terms] = done;
    const names = x.arguments.flatMap((a) => (a.name ? [a.name.name] : []));
    const onlyNamedFailed = positional.length === x.arguments.length - names.length;
    if (e.mode !== "check" || f.kind !== "function" || names.length === 0 || !onlyNamedFailed) throw error;
    const named = new Map(names.map((name) => [name, terms.get(name) ?? errorTerm]));
    const wrong = e.mistakeOf(() => applyTerm(e, f, { positional, named, span: x.span }));
    if (wrong?.code === "K0233" && wrong.span === x.span) e.report(wrong);
    throw error;
  }
}

function elaborateArguments(
  e: Elaborator,
  args: readonly Argument[],
  scope: Scope,
  [positional, named]: Arguments = [[], new Map()],
): Arguments {
  for (const a of args) {
    const term = e.expression(a.value, scope);
    if (!a.name) positional.push(term);
    else {
      if (named.has(a.name.name)) fail("K0225", a.span, `The argument \`${a.name.name}\` stands here twice.`);
      named.set(a.name.name, term);
    }
  }
  return [positional, named];
}

export function lambdaTerm(e: Elaborator, x: Lambda, scope: Scope): FunctionTerm {
  return {
    kind: "function",
    name: "",
    arity: x.parameters.length,
    span: x.span,
    apply: (args) => {
      refuseNamed(args);
      countArguments(args, x.parameters.length, "This function", x.span);
      const inner = new Scope(scope);
      x.parameters.forEach((p, i) => {
        bindPattern(e, p, args.positional[i]!, inner);
      });
      return e.inFrame(() => e.expression(x.body, inner));
    },
  };
}

function refuseNamed(args: CallArguments): void {
  const [first] = args.named.keys();
  if (first !== undefined)
    fail("K0233", args.span, `This function has no argument called \`${first}\`.`, {
      help: "Arguments of a lambda go by position.",
    });
}

export function countArguments(args: CallArguments, wanted: number, what: string, declared?: Span): void {
  if (args.positional.length === wanted) return;
  fail(
    "K0234",
    args.span,
    `${what} takes ${wanted} argument${wanted === 1 ? "" : "s"}, but ${args.positional.length === 1 ? "one is" : `${args.positional.length} are`} given.`,
    {
      ...(declared ? { notes: [{ message: "It is declared here:", span: declared }] } : {}),
      ...(args.positional.length === 1 && wanted > 1
        ? { help: "One tuple is taken apart in double parentheses: `((a, b)) => e`." }
        : {}),
    },
  );
}

/** What the arguments of a call are, by parameter, with defaults filled in. */
export function matchArguments(
  e: Elaborator,
  what: string,
  parameters: readonly Parameter[],
  given: { readonly positional: readonly Term[]; readonly named: ReadonlyMap<string, Term> },
  span: Span,
  declared: Identifier,
  defaults: Scope,
): Map<string, Term> {
  const found = new Map<string, Term>();
  if (given.positional.length > parameters.length)
    fail(
      "K0234",
      span,
      `${what} takes ${parameters.length} argument${parameters.length === 1 ? "" : "s"}, but ${given.positional.length} are given.`,
      {
        notes: [{ message: "It is declared here:", span: declared.span }],
      },
    );
  given.positional.forEach((t, i) => {
    found.set(parameters[i]!.name.name, t);
  });
  for (const [name, term] of given.named) {
    if (!parameters.some((p) => p.name.name === name)) {
      const near = suggest(
        name,
        parameters.map((p) => p.name.name),
      );
      fail("K0233", span, `${what} has no argument called \`${name}\`.`, {
        notes: [{ message: "It is declared here:", span: declared.span }],
        help: near
          ? `Did you mean \`${near}\`?`
          : `Its arguments are ${parameters.map((p) => `\`${p.name.name}\``).join(", ") || "none"}.`,
      });
    }
    if (found.has(name)) fail("K0225", span, `The argument \`${name}\` of ${what} is given twice.`);
    found.set(name, term);
  }
  for (const p of parameters) {
    if (found.has(p.name.name)) continue;
    if (!p.default)
      fail("K0240", span, `The argument \`${p.name.name}\` of ${what} is missing.`, {
        notes: [{ message: "It is declared here:", span: p.span }],
      });
    found.set(p.name.name, e.expression(p.default, defaults));
  }
  return found;
}

/** The dimensions given in brackets, bound to the names a declaration lists. */
export function bindDimensionArguments(
  declared: readonly Identifier[],
  dims: SignatureDimensions,
  args: CallArguments,
  what: string,
): void {
  for (const d of declared) dims.introduce(d.name);
  const given = args.dimensions;
  if (!given) return;
  if (given.positional.length > declared.length)
    fail(
      "K0241",
      args.span,
      `${what} takes ${declared.length === 0 ? "no sizes" : `${declared.length} size${declared.length === 1 ? "" : "s"}`} in brackets, but ${given.positional.length} are given.`,
    );
  given.positional.forEach((d, i) => {
    unifyDims(dims.found.get(declared[i]!.name)!, d);
  });
  for (const [name, d] of given.named) {
    const own = dims.found.get(name) ?? dims.introduce(name);
    unifyDims(own, d);
  }
}

/** A `fn` as a term. Its body is elaborated anew for each list of argument types; equal ones share a graph. */
export function declaredFunction(e: Elaborator, declaration: FunctionDeclaration, scope: Scope): FunctionTerm {
  const what = `\`${declaration.name.name}\``;
  const cache = new Map<string, Shared>();
  const term: FunctionTerm = {
    kind: "function",
    name: declaration.name.name,
    arity: declaration.parameters.every((p) => !p.default) ? declaration.parameters.length : undefined!,
    span: declaration.name.span,
    ...(declaration.parameters[0] ? { firstArgument: declaration.parameters[0].name.name } : {}),
    ...(declaration.rule?.kind === "pullback" ? { surrogate: true } : {}),
    apply: (args) => {
      if (args.parameters)
        fail("K0242", args.span, `${what} is called without \`;\`: it is a function, not an objective.`, {
          notes: [{ message: "It is declared here:", span: declaration.name.span }],
        });
      const inner = new Scope(scope);
      const dims = new SignatureDimensions(scope, true);
      bindDimensionArguments(declaration.dimensions, dims, args, what);
      const found = matchArguments(e, what, declaration.parameters, args, args.span, declaration.name, scope);
      const fitted = declaration.parameters.map((p, i) => {
        const given = found.get(p.name.name)!;
        if (given.kind === "error") e.giveUp();
        const value = given;
        if (!p.type) return value;
        return fitTerm(
          e,
          value,
          resolveType(e, p.type, dims),
          `the argument \`${p.name.name}\` of ${what}`,
          (i < args.positional.length ? args.spans?.[i] : undefined) ?? args.span,
          p.span,
        );
      });
      const body = (values: readonly Term[]): Term =>
        e.inFrame(() => {
          declaration.parameters.forEach((p, i) => {
            inner.bind(p.name.name, values[i]!, p.name.span);
          });
          // A dimension no argument determines is only a mistake where it is used.
          for (const [name, dim] of dims.found)
            if (!inner.own(name)) inner.bind(name, settledDimension(e, name, dim, args, what));
          const result = e.expression(declaration.body, inner);
          if (!declaration.result) return result;
          return fitTerm(
            e,
            result,
            resolveType(e, declaration.result, dims),
            `the result of ${what}`,
            declaration.body.span,
            declaration.result.span,
          );
        });
      if (declaration.rule) return applyCustomRule(e, declaration, fitted, inner, body, args.span);
      const sizes = [...dims.found].map(([n, d]) => `${n}=${showDim(d)}`).join();
      const use = () => sharedCall(e, cache, sizes, fitted, body) ?? body(fitted);
      // While a declaration is checked nobody has called it yet.
      return args.span === declaration.name.span ? use() : e.inCall(what, args.span, use);
    },
  };
  if (declaration.parameters.some((p) => p.default)) {
    const { arity: _arity, ...rest } = term;
    return rest;
  }
  return term;
}

function settledDimension(e: Elaborator, name: string, dim: Dim, args: CallArguments, what: string): Term {
  if (e.mode === "bind" && knownDim(dim) === undefined)
    fail("K0243", args.span, `No argument of ${what} determines the size \`${name}\`.`, {
      help: `Give it in brackets: ${what.slice(1, -1)}[${name} = 10](...).`,
    });
  return e.dimensionTerm(dim);
}
