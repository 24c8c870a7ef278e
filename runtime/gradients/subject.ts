/** What a gradient check looks at: a function of a vector, and the derivatives that are claimed for it. */
import { RunError } from "../errors.ts";
import { Module, type Outputs } from "../module.ts";
import { fetchInputs, type Input, type Output, tensorsOf } from "../values.ts";
import { flatten, type Leaf, leavesOf, rebuild } from "./tree.ts";

export interface Subject {
  /** The entries of the value. */
  evaluate(x: Float64Array): Promise<Float64Array>;
  /** Forward mode: the derivative of the value along v. */
  tangent?(x: Float64Array, v: Float64Array): Promise<Float64Array>;
  /** Reverse mode: the gradient of the value's inner product with u. */
  cotangent?(x: Float64Array, u: Float64Array): Promise<Float64Array>;
  /** Of a value with one entry: the derivative of the gradient along v. */
  second?(x: Float64Array, v: Float64Array): Promise<Float64Array>;
}

export type Arguments = Readonly<Record<string, Input>>;

/** A function with the gradient it claims: of a real value, one part for each argument that is real, shaped like it. */
export type ClaimedGradient = (args: Arguments) => Claim | Promise<Claim>;

export interface Claim {
  readonly value: number;
  readonly gradient: Readonly<Record<string, Input>>;
}

/** The arguments that are real throughout: those move, the others stay. */
export function movingLeaves(args: Arguments): { readonly moving: readonly Leaf[]; readonly names: readonly string[] } {
  const names = Object.keys(args).filter((name) => leavesOf(args[name]!).every((l) => l.real));
  return { names, moving: names.flatMap((name) => leavesOf(args[name]!, [name])) };
}

export function subjectOf(
  target: Module | ClaimedGradient,
  name: string,
  args: Arguments,
  modes: readonly ("forward" | "reverse")[],
): Subject {
  const { moving, names } = movingLeaves(args);
  const at = (x: Float64Array): Arguments => ({ ...args, ...rebuild(moving, x) });
  if (!(target instanceof Module)) {
    const claimed = async (x: Float64Array) => {
      const claim = await target(at(x));
      return { value: claim.value, gradient: gradientVector(claim.gradient, moving, names) };
    };
    return {
      evaluate: async (x) => Float64Array.of((await claimed(x)).value),
      cotangent: async (x, u) => (await claimed(x)).gradient.map((g) => g * u[0]!),
    };
  }
  const unknowns = () => moving.reduce((s, l) => s + l.data.length, 0);
  const entriesOf = async (value: Output) => flatten(await takeLeaves(value));
  return {
    evaluate: async (x) => entriesOf(await target.call(name, at(x))),
    ...(modes.includes("forward")
      ? {
          tangent: (x, v) =>
            orNaN(
              async () => {
                const { value, tangent } = await target.jvp(name, at(x), rebuild(moving, v));
                await takeLeaves(value);
                return entriesOf(tangent);
              },
              async () => (await entriesOf(await target.call(name, at(x)))).length,
            ),
        }
      : {}),
    ...(modes.includes("reverse")
      ? {
          cotangent: async (x, u) => {
            const value = await takeLeaves(await target.call(name, at(x)), ["value"]);
            return orNaN(async () => {
              const both = await target.vjp(name, at(x), rebuild(value, u).value!, names);
              await takeLeaves(both.value);
              return partsOf(both.cotangents, names);
            }, unknowns);
          },
        }
      : {}),
    second: (x, v) =>
      orNaN(async () => {
        const { gradient, tangent } = await target.hvp(name, at(x), rebuild(moving, v));
        await takeLeaves(gradient);
        return partsOf(tangent, names);
      }, unknowns),
  };
}

/** The derivative, or as many NaNs where the module refuses to give one: a check tells kinks and domains from mistakes. */
async function orNaN(
  derivative: () => Promise<Float64Array>,
  count: () => number | Promise<number>,
): Promise<Float64Array> {
  try {
    return await derivative();
  } catch (error) {
    if (!(error instanceof RunError) || error.diagnostics.some((d) => d.code !== "K0420")) throw error;
    return new Float64Array(await count()).fill(Number.NaN);
  }
}

/** The arrays of what a module gave, brought here; what a device holds of them is given back. */
async function takeLeaves(output: Output, path: readonly string[] = []): Promise<Leaf[]> {
  const tensors = tensorsOf(output);
  await fetchInputs(tensors);
  const leaves = leavesOf(output, path);
  for (const tensor of tensors) tensor.dispose();
  return leaves;
}

/** The entries of some parts, in the order of their names. */
async function partsOf(all: Outputs, names: readonly string[]): Promise<Float64Array> {
  return flatten(await takeLeaves(Object.fromEntries(names.map((n) => [n, all[n]!]))));
}

function gradientVector(gradient: Claim["gradient"], moving: readonly Leaf[], names: readonly string[]): Float64Array {
  const missing = names.find((n) => gradient[n] === undefined);
  if (missing !== undefined)
    throw new TypeError(
      `The gradient has no part for \`${missing}\`: it is to have one for each real argument (${names.join(", ")}).`,
    );
  const found = flatten(names.flatMap((n) => leavesOf(gradient[n]!, [n])));
  const wanted = moving.reduce((s, l) => s + l.data.length, 0);
  if (found.length !== wanted)
    throw new TypeError(`The gradient has ${found.length} entries for ${wanted} entries of the arguments.`);
  return found;
}
