/** Short ways to write code by hand: nested instructions, and loops that count. */
import type { FunctionBuilder } from "./encoder.ts";
import type { Opcode } from "./opcodes.ts";

/** A local, a 32-bit constant, or an instruction on what it takes from the stack. */
export type Code = number | { readonly value: number } | readonly [Opcode, ...Code[]];

export const value = (x: number): Code => ({ value: x });
export const plus = (a: Code, b: Code): Code => ["i32.add", a, b];
export const minus = (a: Code, b: Code): Code => ["i32.sub", a, b];
export const times = (a: Code, b: Code): Code => ["i32.mul", a, b];

export function push(f: FunctionBuilder, code: Code): void {
  if (typeof code === "number") f.get(code);
  else if ("value" in code) f.i32(code.value);
  else {
    const [name, ...operands] = code as readonly [Opcode, ...Code[]];
    for (const operand of operands) push(f, operand);
    f.emit(name);
  }
}

export function assign(f: FunctionBuilder, local: number, code: Code): void {
  push(f, code);
  f.set(local);
}

/** A new i32 local with a value. */
export function define(f: FunctionBuilder, code: Code): number {
  const local = f.local("i32");
  assign(f, local, code);
  return local;
}

/** The smaller of two numbers that are not negative, of which the second is a local or a constant. */
export function pushSmaller(f: FunctionBuilder, a: Code, b: Code): void {
  const first = define(f, a);
  push(f, first);
  push(f, b);
  push(f, ["i32.lt_s", first, b]);
  f.emit("select");
}

/** Runs `body` with a new local at `from`, `from + step`, ... for as long as it is below `to`. */
export function count(
  f: FunctionBuilder,
  from: Code,
  to: Code,
  step: number | { readonly local: number },
  body: (index: number) => void,
): void {
  const index = define(f, from);
  const end = define(f, to);
  push(f, ["i32.lt_s", index, end]);
  f.if(() =>
    f.loop((again) => {
      body(index);
      assign(f, index, plus(index, typeof step === "number" ? value(step) : step.local));
      push(f, ["i32.lt_s", index, end]);
      f.branchIf(again);
    }),
  );
}

export function call(f: FunctionBuilder, index: number, ...parameters: readonly Code[]): void {
  for (const parameter of parameters) push(f, parameter);
  f.call(index);
}
