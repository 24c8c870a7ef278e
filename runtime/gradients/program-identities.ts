/** What holds of every program and its derivatives, as pairs of things shown that must be equal. */
import type { RandomProgram } from "./programs/program.ts";
import type { Shown } from "./property-script.ts";

export type Values = ReadonlyMap<Shown, readonly number[]>;

export interface Identity {
  readonly claim: string;
  readonly reference: string;
  readonly order: 1 | 2;
  readonly shown: readonly Shown[];
  /** Both sides, and what their errors are relative to beside themselves. */
  sides(values: Values, program: RandomProgram): readonly [readonly number[], readonly number[], number];
}

export const dot = (a: readonly number[], b: readonly number[]) => a.reduce((s, x, i) => s + x * b[i]!, 0);
const norm = (a: readonly number[]) => Math.hypot(...a);
const combined = (a: readonly number[], b: readonly number[]) => a.map((x, i) => 2 * x - b[i]!);

function equal(order: 1 | 2, claim: string, reference: string, a: Shown, b: Shown): Identity {
  return { claim, reference, order, shown: [a, b], sides: (values) => [values.get(a)!, values.get(b)!, 0] };
}

export const identities: readonly Identity[] = [
  {
    claim: "Reverse mode, u'J v,",
    reference: "forward mode",
    order: 1,
    shown: ["pulled", "tangent"],
    sides: (values, program) => {
      const [u, v] = [program.directionEntries("u0"), program.directionEntries("v0")];
      const [pulled, tangent] = [values.get("pulled")!, values.get("tangent")!];
      return [[dot(pulled, v)], [dot(u, tangent)], norm(u) * norm(tangent) + norm(pulled) * norm(v)];
    },
  },
  {
    claim: "The derivative along 2 v - w",
    reference: "its parts by linearity",
    order: 1,
    shown: ["mixedTangent", "tangent", "otherTangent"],
    sides: (values) => {
      const [v, w] = [values.get("tangent")!, values.get("otherTangent")!];
      return [values.get("mixedTangent")!, combined(v, w), norm(v) + norm(w)];
    },
  },
  {
    claim: "The pullback of 2 u - z",
    reference: "its parts by linearity",
    order: 1,
    shown: ["mixedPulled", "pulled", "otherPulled"],
    sides: (values) => {
      const [u, z] = [values.get("pulled")!, values.get("otherPulled")!];
      return [values.get("mixedPulled")!, combined(u, z), norm(u) + norm(z)];
    },
  },
  equal(1, "The pullback of a checkpoint", "the pullback", "kept", "pulled"),
  equal(1, "The gradient along u", "the pullback of u", "gradient", "pulled"),
  equal(1, "A map", "a loop", "batched", "looped"),
  equal(1, "The gradient of a map", "a map of gradients", "gradientOfMap", "mapOfGradients"),
  equal(1, "The gradient of a loop", "a map of gradients", "gradientOfLoop", "mapOfGradients"),
  equal(2, "Reverse over forward mode", "forward over reverse mode", "reverseOverForward", "forwardOverReverse"),
  equal(2, "Reverse over reverse mode", "forward over reverse mode", "reverseOverReverse", "forwardOverReverse"),
  {
    claim: "v'H w",
    reference: "w'H v by symmetry",
    order: 2,
    shown: ["otherSecond", "forwardOverReverse"],
    sides: (values, program) => {
      const [v, w] = [program.directionEntries("v0"), program.directionEntries("w0")];
      const [hw, hv] = [values.get("otherSecond")!, values.get("forwardOverReverse")!];
      return [[dot(hw, v)], [dot(hv, w)], norm(hw) * norm(v) + norm(hv) * norm(w)];
    },
  },
  {
    claim: "Forward over forward mode",
    reference: "forward over reverse mode",
    order: 2,
    shown: ["forwardOverForward", "forwardOverReverse"],
    sides: (values, program) => {
      const w = program.directionEntries("w0");
      const hv = values.get("forwardOverReverse")!;
      return [values.get("forwardOverForward")!, [dot(hv, w)], norm(hv) * norm(w)];
    },
  },
];

/** The places of entries that are apart by more than `sameNumbers` allows; undefined for arrays of different lengths. */
export function placesApart(a: readonly number[], b: readonly number[], tolerance: number): number[] | undefined {
  if (a.length !== b.length) return undefined;
  const largest = Math.max(1, ...a.map(Math.abs).filter(Number.isFinite));
  return a.flatMap((x, i) => (sameNumbers([x / largest], [b[i]! / largest], tolerance) ? [] : [i]));
}

/** Equal up to a tolerance relative to the largest number of either, to one, and to a further size. */
export function sameNumbers(a: readonly number[], b: readonly number[], tolerance: number, size = 0): boolean {
  if (a.length !== b.length) return false;
  const largest = Math.max(1, size, ...a.map(Math.abs).filter(Number.isFinite));
  return a.every((x, i) => Object.is(x, b[i]) || x === b[i] || Math.abs(x - b[i]!) <= tolerance * largest);
}
