/** `programs`: random well-typed programs as a fast-check arbitrary that shrinks them. */
import fc from "fast-check";
import { controlForms } from "./forms-control.ts";
import { factorForms, problemForms } from "./forms-factors.ts";
import { solveForms } from "./forms-solves.ts";
import { valueForms } from "./forms-values.ts";
import { Grower, type Scope, within, zeroNode } from "./grow.ts";
import { type Declaration, RandomProgram } from "./program.ts";
import { constant, nodesOf, smallerTrees, type Variable } from "./tree.ts";
import { array, type Dimension, type RealType, scalar, type TupleType } from "./types.ts";

export interface ProgramOptions {
  /** About how many expressions a program has at most. */
  readonly size: number;
  /** Whether anything is solved: such programs are slower, and their values less exact. Yes when left out. */
  readonly solves?: boolean;
  /** Whether an axis may have no entry. Yes when left out. */
  readonly empty?: boolean;
}

/**
 * Random well-typed programs: nests of blocks, loops, scans, choices, maps, gathers, updates, reductions, factorisations,
 * draws of random numbers, derivatives, checkpoints, functions with rules of their own, and solves. Values stay of moderate
 * size and are smooth but for kinks that `abs`, `max`, `if` and orders make. A program shrinks to smaller ones that are
 * still well-typed: expressions become leaves or one of their parts, loops shorter, arrays smaller.
 */
export function programs(options: ProgramOptions): fc.Arbitrary<RandomProgram> {
  if (!(options.size >= 1)) throw new TypeError(`programs wants a size of at least 1, but got ${options.size}.`);
  return new ProgramArbitrary(options);
}

/** Functions with rules of their own, which are right. */
const ruled: readonly Declaration[] = [
  rule("soft", [["x", scalar]], scalar, "log1p(exp(x))", "derivative dx => sigmoid(x) * dx"),
  rule("swish", [["x", scalar]], scalar, "x * sigmoid(x)", "pullback u => u * sigmoid(x) * (1 + x * (1 - sigmoid(x)))"),
  rule(
    "gated",
    [
      ["x", array("n")],
      ["y", array("n")],
    ],
    array("n"),
    "x * tanh(y)",
    "derivative (dx, dy) => tanh(y) * dx + x * (1 - tanh(y)^2) * dy",
  ),
  rule(
    "stretched",
    [
      ["s", scalar],
      ["v", array("n")],
    ],
    array("n"),
    "sin(s) * v",
    "pullback u => (s: cos(s) * dot(u, v), v: sin(s) * u)",
  ),
];

function rule(
  name: string,
  parameters: readonly (readonly [string, RealType])[],
  result: RealType,
  text: string,
  derivative: string,
): Declaration {
  return {
    name,
    parameters: parameters.map(([, type]) => type),
    variables: parameters.map(([n, type]) => ({ name: n, type })),
    result,
    body: constant(result, text, "ruled"),
    rule: ` ${derivative}`,
  };
}

class ProgramArbitrary extends fc.Arbitrary<RandomProgram> {
  readonly #options: ProgramOptions;

  constructor(options: ProgramOptions) {
    super();
    this.#options = options;
  }

  override generate(random: fc.Random): fc.Value<RandomProgram> {
    const pick = (n: number) => random.nextInt(0, n - 1);
    const { size, solves = true, empty = true } = this.#options;
    const one = <T>(items: readonly T[]): T => items[pick(items.length)]!;
    const sizes = {
      n: one(empty ? [0, 1, 2, 3, 3, 3, 4, 5] : [1, 2, 3, 3, 4, 5]),
      m: one(empty ? [0, 1, 2, 2, 2, 3] : [1, 2, 2, 3]),
    };
    const tuples: readonly TupleType[] = [
      tuple(scalar, array("n")),
      one([tuple(array("m"), array("n", "m")), tuple(scalar, scalar), tuple(array("n"), array("n"), scalar)]),
    ];
    const forms = [...valueForms, ...factorForms, ...controlForms, ...(solves ? [...solveForms, ...problemForms] : [])];
    const whole = 2 + pick(size);
    const grower = new Grower(pick, sizes, whole, tuples, forms);
    grower.helpers.push(...ruled);
    const scope: Scope = { variables: [], depth: 7, parent: "", folds: [], derivatives: 1, solves: 1 };
    const declarations: Declaration[] = [...ruled];
    for (let i = pick(3); i > 0; i--) {
      const variables: readonly Variable[] = [
        { name: "p", type: grower.anyType() },
        { name: "q", type: grower.anyType() },
      ];
      const result = grower.anyType();
      grower.allow(Math.ceil(whole / 3));
      const body = grower.grow(result, { ...within(scope, variables), depth: 4, derivatives: 0, solves: 0 });
      const declaration = {
        name: `h${declarations.length}`,
        parameters: variables.map((v) => v.type as RealType),
        variables,
        result,
        body,
        rule: "",
      };
      declarations.push(declaration);
      grower.helpers.push(declaration);
    }
    const input = one<RealType>([array("n"), array("n"), array("n"), scalar, array("m", "n"), ...tuples]);
    const output = one<RealType>([scalar, scalar, scalar, array("n"), array("m"), ...tuples]);
    grower.allow(whole);
    const body = grower.grow(output, within(scope, [{ name: "x", type: input }], "once"));
    const point = {
      seed: 1 + pick(2 ** 20),
      kind: one(["normal", "normal", "normal", "normal", "ties", "zeros"] as const),
      digits: 3,
    };
    const program = new RandomProgram({ sizes, input, output, declarations, body, point });
    return new fc.Value(program.fits ? program : program.with({ sizes: filled(program) }), undefined);
  }

  override canShrinkWithoutContext(value: unknown): value is RandomProgram {
    return value instanceof RandomProgram;
  }

  override shrink(value: RandomProgram): fc.Stream<fc.Value<RandomProgram>> {
    return new fc.Stream(smallerPrograms(value)).map((p) => new fc.Value(p, undefined));
  }
}

function tuple(...types: readonly TupleType["fields"][number]["type"][]): TupleType {
  return { kind: "tuple", fields: types.map((type, i) => ({ name: "abc"[i]!, type })) };
}

/** The sizes, with an entry wherever there must be one. */
function filled(program: RandomProgram): RandomProgram["sizes"] {
  const bodies = [program.body, ...program.used.map((d) => d.body)];
  const needed = new Set(bodies.flatMap((b) => [...nodesOf(b)].flatMap((n) => n.needs)));
  const atLeast = (d: Dimension) => Math.max(program.sizes[d], needed.has(d) ? 1 : 0);
  return { n: atLeast("n"), m: atLeast("m") };
}

function* smallerPrograms(program: RandomProgram): Generator<RandomProgram, void, undefined> {
  const { sizes, body, declarations, point } = program;
  const scope: readonly Variable[] = [{ name: "x", type: program.input }];
  for (const smaller of smallerTrees(body, scope, zeroNode)) {
    const candidate = program.with({ body: smaller });
    if (candidate.fits) yield candidate;
  }
  const used = new Set(program.used.map((d) => d.name));
  for (const [index, declaration] of declarations.entries()) {
    if (!used.has(declaration.name) || declaration.rule !== "") continue;
    for (const smaller of smallerTrees(declaration.body, declaration.variables, zeroNode)) {
      const candidate = program.with({
        declarations: declarations.map((d, i) => (i === index ? { ...d, body: smaller } : d)),
      });
      if (candidate.fits) yield candidate;
    }
  }
  for (const d of ["n", "m"] as const)
    for (let n = 0; n < sizes[d]; n++) {
      const candidate = program.with({ sizes: { ...sizes, [d]: n } });
      if (candidate.fits) yield candidate;
    }
  for (const kind of ["zeros", "ties"] as const)
    if (point.kind !== kind && point.kind !== "zeros") yield program.with({ point: { ...point, kind } });
  if (point.digits > 1) yield program.with({ point: { ...point, digits: 1 } });
}
