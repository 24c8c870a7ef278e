/** Random well-formed trees for property tests (of the formatter here, and of whoever needs programs that parse). */
import fc from "fast-check";
import type {
  Argument,
  Block,
  ComparisonOperator,
  Expression,
  Identifier,
  Lambda,
  Let,
  Loop,
  Parameter,
  Pattern,
  Place,
  SourceFile,
  Span,
  Statement,
  StringLiteral,
  Tuple,
  TypeExpression,
} from "./tree.ts";

const span: Span = { file: "random.opt", start: 0, end: 0 };

/** Drops absent optional members: the tree has no members that are `undefined`. */
function node<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const kept = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(kept) as { [K in keyof T]: Exclude<T[K], undefined> };
}

/** Words that are special somewhere must work as names everywhere else. */
const word = fc.constantFrom(
  ...[
    "x",
    "y",
    "f",
    "a_1",
    "theta",
    "\u03B8",
    "W2",
    "data",
    "type",
    "show",
    "value",
    "from",
    "to",
    "minimize",
    "solves",
  ],
  ...[
    "all",
    "where",
    "within",
    "as",
    "fn",
    "var",
    "subject",
    "column",
    "derivative",
    "pullback",
    "except",
    "next",
    "import",
  ],
);
const identifier: fc.Arbitrary<Identifier> = word.map((name) => ({ name, span }));
const few = { maxLength: 3 };
const some = { minLength: 1, maxLength: 3 };

const text = fc.string({
  unit: fc.constantFrom("a", "Z", " ", '"', "\\", "\n", "\t", "/", "*", "{", "\u00FC"),
  maxLength: 8,
});
const stringLiteral: fc.Arbitrary<StringLiteral> = text.map((value) => ({ kind: "string", value, span }));
const number: fc.Arbitrary<Expression> = fc
  .constantFrom("0", "7", "12", "0.5", "1e-3", "2.5E+10", "0x6D2B", "1e9")
  .map((written) => ({
    kind: "number",
    text: written,
    value: Number(written),
    integer: /^(?:\d+|0x.*)$/.test(written),
    span,
  }));

const pattern: fc.Arbitrary<Pattern> = fc.letrec<{ pattern: Pattern }>((tie) => ({
  pattern: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    word.map((name): Pattern => ({ kind: "name-pattern", name, span })),
    fc.constant<Pattern>({ kind: "ignore-pattern", span }),
    fc
      .array(tie("pattern"), { minLength: 2, maxLength: 3 })
      .map((items): Pattern => ({ kind: "tuple-pattern", items, span })),
  ),
})).pattern;

const comparisonOperators: fc.Arbitrary<ComparisonOperator[]> = fc.oneof(
  fc.constantFrom<ComparisonOperator[]>(["=="], ["!="], ["<"], [">="]),
  fc.array(fc.constantFrom<ComparisonOperator>("==", "<", "<="), some),
  fc.array(fc.constantFrom<ComparisonOperator>("==", ">", ">="), some),
);

interface Parts {
  expression: Expression;
  block: Block;
  lambda: Lambda;
  loop: Loop;
  let: Let;
  type: TypeExpression;
  arguments: Argument[];
  place: Place;
  fields: Tuple;
}

const parts = fc.letrec<Parts>((tie: fc.LetrecTypedTie<Parts>) => {
  const e = tie("expression");
  const optional = fc.option(e, { nil: undefined });
  const clause = fc.record({ pattern, source: e });
  const parenthesized = fc.constantFrom(undefined, undefined, undefined, true as const);
  const compound = fc
    .oneof(
      fc.array(e, { maxLength: 3 }).map((values): Expression => {
        const items = values.length === 1 ? [] : values.map((value) => ({ value }));
        return { kind: "tuple", items, span };
      }),
      tie("fields"),
      fc.array(e, few).map((items): Expression => ({ kind: "array", items, span })),
      fc
        .record({ body: e, clauses: fc.array(clause, { minLength: 1, maxLength: 2 }) })
        .map((c): Expression => ({ kind: "comprehension", ...c, span })),
      tie("block"),
      fc
        .record({ callee: e, arguments: tie("arguments"), parameters: fc.option(tie("arguments"), { nil: undefined }) })
        .map((c): Expression => node({ kind: "call" as const, ...c, span }) as Expression),
      fc
        .record({ base: e, places: fc.array(tie("place"), some) })
        .map((c): Expression => ({ kind: "index", ...c, span })),
      fc.record({ base: e, name: identifier }).map((c): Expression => ({ kind: "field", ...c, span })),
      e.map((base): Expression => ({ kind: "transpose", base, span })),
      fc
        .record({ operator: fc.constantFrom("-" as const, "not" as const), operand: e })
        .map((c): Expression => ({ kind: "unary", ...c, span })),
      fc
        .record({
          operator: fc.constantFrom("+" as const, "-", "*", "/", "@", "^", "and", "or", "~="),
          left: e,
          right: e,
          within: optional,
        })
        .map((c): Expression => {
          const { within, ...rest } = c;
          const base = { kind: "binary" as const, ...rest, span };
          return c.operator === "~=" && within !== undefined ? { ...base, within } : base;
        }),
      fc.record({ operators: comparisonOperators, operands: fc.array(e, { minLength: 4, maxLength: 4 }) }).map(
        (c): Expression => ({
          kind: "comparison",
          operators: c.operators,
          operands: c.operands.slice(0, c.operators.length + 1),
          span,
        }),
      ),
      fc.record({ from: e, to: e }).map((c): Expression => ({ kind: "range", ...c, span })),
      fc
        .record({ base: e, fields: tie("fields") })
        .map(({ base, fields }): Expression => ({ kind: "with", base, update: { kind: "fields", fields }, span })),
      fc
        .record({
          base: e,
          places: fc.array(tie("place"), some),
          operator: fc.constantFrom("=" as const, "+=" as const),
          value: e,
        })
        .map(
          ({ base, ...update }): Expression => ({ kind: "with", base, update: { kind: "places", ...update }, span }),
        ),
      tie("lambda"),
      fc.record({ condition: e, then: e, otherwise: e }).map((c): Expression => ({ kind: "if", ...c, span })),
      tie("loop"),
    )
    .chain((value) => parenthesized.map((flag) => (flag === undefined ? value : { ...value, parenthesized: flag })));
  return {
    expression: fc.oneof(
      { maxDepth: 4, depthSize: "small", withCrossShrink: true },
      fc.oneof(
        word.map((name): Expression => ({ kind: "name", name, span })),
        number,
        stringLiteral,
        fc.boolean().map((value): Expression => ({ kind: "boolean", value, span })),
      ),
      compound as fc.Arbitrary<Expression>,
    ),
    fields: fc
      .array(fc.record({ name: identifier, value: e }), some)
      .map((items): Tuple => ({ kind: "tuple", items, span })),
    block: fc.record({ lets: fc.array(tie("let"), few), result: e }).map((c): Block => ({ kind: "block", ...c, span })),
    lambda: fc
      .record({ parameters: fc.array(pattern, few), body: e })
      .map((c): Lambda => ({ kind: "lambda", ...c, span })),
    loop: fc
      .record({
        form: fc.constantFrom("loop" as const, "scan" as const),
        pattern,
        type: fc.option(tie("type"), { nil: undefined }),
        initial: e,
        clause: fc.option(clause, { nil: undefined }),
        condition: optional,
        body: tie("block"),
      })
      .map((c) => node({ kind: "loop" as const, ...c, span }) as Loop),
    let: fc
      .record({ pattern, type: fc.option(tie("type"), { nil: undefined }), value: e })
      .map((c) => node({ kind: "let" as const, ...c, span }) as Let),
    arguments: fc
      .record({ plain: fc.array(e, few), named: fc.array(fc.record({ name: identifier, value: e }), { maxLength: 2 }) })
      .map(({ plain, named }): Argument[] => [
        ...plain.map((value) => ({ value, span })),
        ...named.map((one) => ({ ...one, span })),
      ]),
    place: fc.oneof(
      e.map((value): Place => ({ kind: "at", value, span })),
      fc
        .record({ start: optional, stop: optional, step: optional })
        .map((c) => node({ kind: "slice" as const, ...c, span }) as Place),
      fc.record({ name: identifier, value: e }).map((c): Place => ({ kind: "dimension", ...c, span })),
    ),
    type: fc.oneof(
      { maxDepth: 3, depthSize: "small", withCrossShrink: true },
      word.map((name): TypeExpression => ({ kind: "named-type", name, span })),
      fc.array(tie("type"), few).map(
        (types): TypeExpression => ({
          kind: "tuple-type",
          items: types.length === 1 ? [] : types.map((type) => ({ type })),
          span,
        }),
      ),
      fc
        .array(fc.record({ name: identifier, type: tie("type") }), some)
        .map((items): TypeExpression => ({ kind: "tuple-type", items, span })),
      fc
        .record({
          name: word,
          places: fc.array(
            fc.record({ name: fc.option(identifier, { nil: undefined }), dimension: e }).map((c) => node(c)),
            some,
          ),
        })
        .map(
          ({ name, places }) =>
            ({
              kind: "array-of-type",
              element: { kind: "named-type", name, span },
              places,
              span,
            }) as TypeExpression,
        ),
      fc
        .record({ parameters: fc.array(tie("type"), few), result: tie("type") })
        .map((c): TypeExpression => ({ kind: "function-type", ...c, span })),
    ),
  };
});

/** Any expression. */
export const expressionTree: fc.Arbitrary<Expression> = parts.expression;
/** Any type. */
export const typeTree: fc.Arbitrary<TypeExpression> = parts.type;
/** Any pattern. */
export const patternTree: fc.Arbitrary<Pattern> = pattern;

const optionalType = fc.option(parts.type, { nil: undefined });
const optionalExpression = fc.option(parts.expression, { nil: undefined });
const parameter: fc.Arbitrary<Parameter> = fc
  .record({ name: identifier, type: optionalType, default: optionalExpression })
  .map((c) => node({ ...c, span }) as Parameter);
const parameters = fc.array(parameter, few);
const names = fc.array(identifier, { maxLength: 2 });
const parts1 = fc.array(identifier, some);
const documentation = fc.constantFrom(
  undefined,
  undefined,
  "What it is.",
  "Two lines,\n\n  the last one indented.",
  "",
);

const fnTree = fc
  .record({
    name: identifier,
    dimensions: names,
    parameters,
    result: optionalType,
    body: parts.expression,
    rule: fc.option(
      fc
        .record({ kind: fc.constantFrom("derivative" as const, "pullback" as const), rule: parts.lambda })
        .map((c) => ({ ...c, span })),
      { nil: undefined },
    ),
    documentation,
  })
  .map((c) => node({ kind: "fn" as const, ...c, span }));
const letTree = fc
  .record({ let: parts.let, documentation })
  .map((c) => node({ ...c.let, documentation: c.documentation }));
const label = fc.option(identifier, { nil: undefined });

const statements: fc.Arbitrary<unknown>[] = [
  letTree,
  fnTree,
  fc
    .record({
      names: fc.array(
        fc.record({ name: identifier, as: label }).map((c) => node(c)),
        few,
      ),
      from: stringLiteral,
    })
    .map((c) => ({ kind: "import", ...c, span })),
  fc
    .record({
      name: identifier,
      type: parts.type,
      from: stringLiteral,
      selection: fc.option(
        fc
          .record({
            kind: fc.constantFrom("column", "columns", "except", "array"),
            names: fc.array(stringLiteral, some),
          })
          .map(({ kind, names: all }) => {
            const single = kind === "column" || kind === "array";
            return { kind, names: single ? all.slice(0, 1) : all, span };
          }),
        { nil: undefined },
      ),
    })
    .map((c) => node({ kind: "data", ...c, span })),
  fc.record({ name: identifier, type: parts.type }).map((c) => ({ kind: "data", ...c, span })),
  fc
    .record({ name: identifier, type: parts.type, value: parts.expression, documentation })
    .map((c) => node({ kind: "param", ...c, span })),
  fc.record({ name: identifier, type: parts.type }).map((c) => ({ kind: "type", ...c, span })),
  fc
    .record({
      name: identifier,
      dimensions: names,
      unknowns: parameters,
      parameters,
      result: optionalType,
      body: parts.expression,
    })
    .map((c) => node({ kind: "objective", ...c, span })),
  fc
    .record({
      name: identifier,
      dimensions: names,
      unknowns: parameters,
      parameters,
      lets: fc.array(letTree, { maxLength: 2 }),
      equations: fc.array(
        fc.record({ label, left: parts.expression, right: parts.expression }).map((c) => node({ ...c, span })),
        some,
      ),
    })
    .map((c) => ({ kind: "condition", ...c, span })),
  fc
    .record({
      name: identifier,
      dimensions: names,
      parameters,
      variables: fc.array(
        fc.record({ name: identifier, type: parts.type, set: optionalExpression }).map((c) => node({ ...c, span })),
        few,
      ),
      definitions: fc.array(fc.oneof(letTree, fnTree), { maxLength: 2 }),
      sense: fc.constantFrom("minimize", "maximize"),
      goal: parts.expression,
      constraints: fc.array(
        fc.oneof(
          letTree,
          fc.record({ label, value: parts.expression }).map((c) => node({ kind: "constraint", ...c, span })),
        ),
        few,
      ),
    })
    .map((c) => ({ kind: "problem", ...c, span })),
  fc
    .record({
      name: identifier,
      options: parameters,
      form: fc.oneof(
        fc
          .record({ objective: identifier, arguments: fc.option(parts1, { nil: undefined }) })
          .map((c) => node({ kind: "minimizes", ...c, span })),
        fc.record({ form: identifier, parts: parts1 }).map((c) => ({ kind: "solves", ...c, span })),
        parts1.map((all) => ({ kind: "own", parts: all, span })),
      ),
      members: fc.array(
        fc.oneof(
          letTree,
          fnTree,
          fc
            .record({ name: identifier, parameters: fc.array(pattern, few), body: parts.expression, documentation })
            .map((c) => node({ kind: "member", ...c, span })),
        ),
        few,
      ),
    })
    .map((c) => ({ kind: "solver", ...c, span })),
  fc
    .record({
      title: stringLiteral,
      variables: fc.array(
        fc
          .record({ name: identifier, type: parts.type, generator: optionalExpression, condition: optionalExpression })
          .map((c) => node({ ...c, span })),
        few,
      ),
      body: parts.block,
    })
    .map((c) => ({ kind: "property", ...c, span })),
  fc.array(parts.expression, some).map((items) => ({ kind: "show", items, span })),
  parts.arguments.filter((list) => list.length > 0).map((list) => ({ kind: "plot", arguments: list, span })),
  fc.record({ value: parts.expression, to: stringLiteral }).map((c) => ({ kind: "save", ...c, span })),
  fc
    .record({ condition: parts.expression, message: fc.option(stringLiteral, { nil: undefined }) })
    .map((c) => node({ kind: "assert", ...c, span })),
  // A bare expression must not start like a statement, so that it is a call of something harmless.
  parts.arguments.map((list) => ({
    kind: "expression",
    value: { kind: "call", callee: { kind: "name", name: "f", span }, arguments: list, span },
    span,
  })),
];

/** Any statement. */
export const statementTree = fc.oneof(...statements) as fc.Arbitrary<Statement>;

/** A file of random statements, without text: only its tree counts. */
export const fileTree: fc.Arbitrary<SourceFile> = fc
  .array(statementTree, { maxLength: 4 })
  .map((all) => ({ file: "random.opt", text: "", statements: all, comments: [] }));
