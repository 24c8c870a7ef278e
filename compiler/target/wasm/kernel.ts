/**
 * Kernels as WebAssembly functions. The function of a kernel takes the addresses of its arrays, in the order of
 * `kernel.arrays`, and the first and one past the last iteration of its grid to run, all i32; a grid of one iteration
 * runs it. Reals take 8 or 4 bytes by the precision; ints take 4, bools too, and are 0 or 1. An address may be any.
 */
import type { Kernel, KernelArray, Local, Loop, Precision, ScalarFunction, Statement, While } from "../../kernel/ir.ts";
import { prepare, prepareFunction } from "../../kernel/prepare.ts";
import { count, plus, pushSmaller, value } from "./assembly.ts";
import { FunctionContext, typeOf } from "./context.ts";
import type { FunctionBuilder, ModuleBuilder } from "./encoder.ts";
import { Forms } from "./forms.ts";
import { hasLoop, type Outlined, surroundingsOf } from "./outline.ts";
import { RecentCode } from "./recent-code.ts";
import { ScalarWriter } from "./scalar.ts";
import { StatementWriter } from "./statements.ts";

/** Adds the function of a kernel to a module; returns its index. */
export function emitKernel(
  module: ModuleBuilder,
  kernel: Kernel,
  precision: Precision,
  options: { readonly export?: boolean } = {},
): number {
  const part = partOf(kernel.grid);
  if (part === undefined) return emitIterations(module, kernel.name, kernel, precision, options);
  const iterations = emitIterations(module, `${kernel.name}.part`, kernel, precision);
  return module.addFunction(
    kernel.name,
    parametersOf(kernel),
    [],
    (f) => inParts(f, kernel, iterations, part),
    options,
  );
}

/**
 * How many iterations to run in one call, of a grid that has many more: engines replace the code they made first
 * by better code only between calls. A multiple of the lanes of vectors.
 */
function partOf(grid: Loop): number | undefined {
  const part = grid.body.some(hasLoop) ? 64 : 4096;
  return grid.count.op === "constant" && Number(grid.count.value) > 2 * part ? part : undefined;
}

/** Of one iteration nobody asks for less. */
const isSingle = ({ count }: Loop): boolean => count.op === "constant" && Number(count.value) === 1;

/** Statements of a script, and the scripts of a session, have most of their kernels in common. */
const recentCode = new RecentCode();

const parametersOf = (kernel: Kernel) => new Array<"i32">(kernel.arrays.length + 2).fill("i32");

function inParts(f: FunctionBuilder, { arrays }: Kernel, iterations: number, part: number): void {
  const [begin, end] = [arrays.length, arrays.length + 1];
  count(f, begin, end, part, (first) => {
    arrays.forEach((_, i) => {
      f.get(i);
    });
    f.get(first);
    pushSmaller(f, plus(first, value(part)), end);
    f.call(iterations);
  });
}

function emitIterations(
  module: ModuleBuilder,
  name: string,
  kernel: Kernel,
  precision: Precision,
  options: { readonly export?: boolean } = {},
): number {
  const [begin, end] = [kernel.arrays.length, kernel.arrays.length + 1];
  const build = (f: FunctionBuilder) => {
    if (recentCode.restore(f, kernel, precision)) return;
    const statements = prepare([kernel.grid]);
    const grid = statements.pop();
    if (grid?.op !== "loop") throw new Error("internal error: a kernel without its loop");
    const scalar = writerOf(module, kernel.name, f, precision, [...statements, grid], kernel.arrays, []);
    const writer = new StatementWriter(scalar);
    writer.write(statements);
    if (isSingle(grid)) writer.loop(grid);
    else writer.loop(grid, begin, { local: end });
    recentCode.keep(f, kernel, precision);
  };
  return module.addFunction(name, parametersOf(kernel), [], build, options);
}

/** A writer for a function whose parameters are arrays, and then locals. */
function writerOf(
  module: ModuleBuilder,
  name: string,
  f: FunctionBuilder,
  precision: Precision,
  statements: readonly Statement[],
  arrays: readonly KernelArray[],
  locals: readonly Local[],
): ScalarWriter {
  const context = new FunctionContext(f, precision, new Forms(statements), {
    scalar: (g) => emitScalarFunction(module, g, precision),
    loop: (s) => emitLoop(module, name, s, precision),
  });
  arrays.forEach((array, i) => {
    context.pointers.set(array.id, i);
  });
  locals.forEach((local, i) => {
    context.place(local, arrays.length + i);
  });
  return new ScalarWriter(context);
}

function emitLoop(module: ModuleBuilder, name: string, s: Loop | While, precision: Precision): Outlined {
  const { arrays, captured, assigned } = surroundingsOf(s);
  const types = (locals: readonly Local[]) => locals.map((l) => typeOf(l.kind, precision));
  const parameters = [...arrays.map(() => "i32" as const), ...types(captured)];
  const label = `${name}.${s.op === "loop" ? s.index.name : "while"}`;
  const index = module.addFunction(label, parameters, types(assigned), (f) => {
    const scalar = writerOf(module, label, f, precision, [s], arrays, captured);
    new StatementWriter(scalar).write([s]);
    for (const local of assigned) f.get(scalar.context.scalar(local));
  });
  return { index, arrays, captured, assigned };
}

const functionsOf = new WeakMap<ModuleBuilder, Map<ScalarFunction, number>>();

/** Adds a function of scalars to a module, once; returns its index. A module has one precision. */
export function emitScalarFunction(module: ModuleBuilder, original: ScalarFunction, precision: Precision): number {
  const known = functionsOf.get(module) ?? new Map<ScalarFunction, number>();
  functionsOf.set(module, known);
  const found = known.get(original);
  if (found !== undefined) return found;
  const { name, parameters, body, result } = prepareFunction(original);
  const types = parameters.map((p) => typeOf(p.kind, precision));
  const index = module.addFunction(name, types, [typeOf(result.kind, precision)], (f) => {
    const scalar = writerOf(module, name, f, precision, body, [], parameters);
    new StatementWriter(scalar).write(body);
    scalar.push(result);
  });
  known.set(original, index);
  return index;
}
