/**
 * Random loops for tests of back ends: conditions on state before and after a step, state that is permuted, steps that end
 * a loop and then give the state before, or another one, ints near the ends of their range, infinities and negative
 * zeros, indices computed from state.
 * Arithmetic is exact in f32, so every back end gives the same numbers, and takes the same steps.
 */
import { picker } from "../transform/random-programs.ts";

const sizes = [1, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33];

/** The same script for the same seed: a loop over a named tuple, alone or in a batch, and its last state. */
export const randomLoop = (seed: number): string => new LoopWriter(seed).write();

class LoopWriter {
  readonly #pick: (n: number) => number;
  readonly #n: number;

  constructor(seed: number) {
    this.#pick = picker(Math.imul(seed, 2654435761));
    this.#n = this.#one(sizes);
  }

  write(): string {
    const ends = this.#pick(2) === 0;
    const free = this.#pick(4) === 0 ? "" : ` while ${this.#withoutStep(this.#flag(2))}`;
    const condition = ends ? ` while s.end == 0${this.#one(["", ` and s.k < ${this.#pick(6)}`])}` : free;
    const alone = `let r = go(${this.#one(["0.5", "-1.0"])}, ${this.#one(["0.25", "1.0"])})`;
    const batch = "let r = [go(a, b) for (a, b) in zip([0.5, -1.0, 2.0], [0.25, 0.0, -2.0])]";
    return `let X = [${this.#entries()}]
let Y = [${this.#entries()}]
let W = [${this.#entries()}]
fn go(p: real, q: real) = loop s = ${this.#start()} for t in 0..${this.#one([0, 1, 2, 3, 5, 8])}${condition} {
  ${ends ? this.#endingBody() : this.#body()}
}
${this.#pick(3) === 0 ? batch : alone}
show r.i, r.j, r.k, r.a, r.b, r.v, r.u, r.end`;
  }

  #one<T>(items: readonly T[]): T {
    return items[this.#pick(items.length)]!;
  }

  /** A condition knows no step: the state's own counter stands for it. */
  #withoutStep(e: string): string {
    return e.replace(/\bt\b/g, "s.k");
  }

  #entries(): string {
    const entry = () =>
      this.#one([
        ((this.#pick(17) - 8) / 4).toFixed(2),
        ((this.#pick(17) - 8) / 8).toFixed(3),
        "0.0",
        "-0.0",
        this.#pick(20) === 0 ? "inf" : "1.0",
      ]);
    return Array.from({ length: this.#n }, entry).join(", ");
  }

  #start(): string {
    const [i, j] = [this.#one(["0", "1", "2147483647", "-5"]), this.#one(["0", "3", "-2147483647"])];
    const [a, b] = [this.#one(["0.5", "-0.0", "p", "inf", "1.5"]), this.#one(["0.25", "q", "-inf", "-1.0"])];
    return `(i: ${i}, j: ${j}, k: 0, a: ${a}, b: ${b}, v: X, u: Y, end: 0)`;
  }

  /** A step that may be the last: what of it counts then is another matter for each part of the state. */
  #endingBody(): string {
    const whole = this.#whole();
    const kept = ["i", "j", "a", "b", "v", "u"].map((name, at, all) => {
      const [next, before] = [`m.${name}`, `s.${name}`];
      // The other one of its type.
      const other = all[at ^ 1]!;
      const choice = (flag: string, then: string, otherwise: string) =>
        this.#pick(2) === 0 ? `where(${flag}, ${then}, ${otherwise})` : `(if ${flag} then ${then} else ${otherwise})`;
      switch (this.#pick(15)) {
        case 0:
          return `${name}: ${next}`;
        case 1:
        case 2:
          return `${name}: ${choice("end == 0", next, before)}`;
        case 3:
          return `${name}: ${choice("end != 0", before, next)}`;
        case 4:
        case 5:
          return `${name}: ${choice("end == 0", next, `s.${other}`)}`;
        case 6:
          return `${name}: ${choice("end == 0", before, next)}`;
        case 7:
          return `${name}: ${choice("end == 1", before, next)}`;
        case 8:
          return `${name}: ${choice("end == 1", `s.${other}`, choice("end == 2", before, next))}`;
        case 9:
          return `${name}: ${choice(`end == 1 or ${this.#flag(0)}`, `m.${other}`, next)}`;
        case 10:
          return `${name}: ${choice(`end == 0 or ${this.#flag(0)}`, next, before)}`;
        default:
          return `${name}: ${choice("end == 0", choice(`end == 1 or ${this.#flag(0)}`, before, next), before)}`;
      }
    });
    const [first, second] = [this.#flag(1), this.#flag(0)];
    const reason = this.#one([
      `if ${first} then 1 else (if ${second} then 2 else 0)`,
      `where(${first}, 1, where(${second}, 2, 0))`,
      `where(${first}, 1, where(${second}, 2, 0))`,
    ]);
    return `let m = ${whole}\n  let end = ${reason}\n  (${kept.join(", ")}, k: m.k, end: end)`;
  }

  #body(): string {
    const whole = this.#whole();
    return this.#pick(3) > 0 ? whole : `let m = ${whole}\n  if ${this.#flag(1)} then m else s with (k: s.k + 1)`;
  }

  #whole(): string {
    const next = {
      i: this.#int(2),
      j: this.#int(2),
      a: this.#real(2),
      b: this.#real(2),
      v: this.#vector(2),
      u: this.#vector(2),
      k: this.#one(["s.k + 1", "s.k + 1", `(if ${this.#flag(1)} then s.k + 1 else s.k + 2)`]),
    };
    const moved = this.#one([{ v: "s.u", u: "s.v" }, { i: "s.j", j: "s.i", a: "s.b", b: "s.a" }, { u: "s.v" }, {}]);
    const state = Object.entries({ ...next, ...moved }).map(([name, e]) => `${name}: ${e}`);
    return `(${state.join(", ")}, end: s.end)`;
  }

  #int(depth: number): string {
    const names = ["s.i", "s.j", "s.k", "t"];
    if (depth <= 0)
      return this.#one(this.#pick(3) > 0 ? names : ["0", "1", "2", "3", "(-1)", "7", "2147483647", "(-2147483647)"]);
    const e = () => this.#int(depth - 1);
    switch (this.#pick(9)) {
      case 0:
      case 1:
      case 2:
        return `(${e()} ${this.#one(["+", "-", "*"])} ${e()})`;
      case 3:
        return `mod(${e()}, ${this.#one([2, 3, 5])})`;
      case 4:
        return `div(${e()}, ${this.#one([2, 3, -2])})`;
      case 5:
        return `${this.#one(["max", "min"])}(${e()}, ${e()})`;
      case 6:
        return `(if ${this.#flag(depth - 1)} then ${e()} else ${e()})`;
      case 7:
        return `${this.#one(["bit_xor", "bit_and"])}(${e()}, ${e()})`;
      default:
        return this.#one(names);
    }
  }

  #index(): string {
    const last = this.#n - 1;
    return this.#pick(2) === 0 ? `mod(${this.#int(1)}, ${this.#n})` : `min(max(${this.#int(1)}, 0), ${last})`;
  }

  #flag(depth: number): string {
    const [i, r] = [() => this.#int(depth - 1), () => this.#real(depth - 1)];
    switch (this.#pick(depth <= 0 ? 5 : 9)) {
      case 0:
        return `${i()} == ${this.#pick(4)}`;
      case 1:
        return `${i()} != ${this.#pick(4)}`;
      case 2:
        return `${r()} > ${r()}`;
      case 3:
        return `${r()} <= ${this.#one(["0.5", "-0.25", "1.0"])}`;
      case 4:
        return `${i()} < ${i()}`;
      case 5:
        return `(${this.#flag(depth - 1)} and ${this.#flag(depth - 1)})`;
      case 6:
        return `(${this.#flag(depth - 1)} or ${this.#flag(depth - 1)})`;
      case 7:
        return `(not (${this.#flag(depth - 1)}))`;
      default:
        return `is_finite(${r()})`;
    }
  }

  #real(depth: number): string {
    const names = ["s.a", "s.b"];
    if (depth <= 0) return this.#one(this.#pick(3) > 0 ? names : ["0.5", "(-0.25)", "1.0", "2.0", "(-1.5)"]);
    const e = () => this.#real(depth - 1);
    switch (this.#pick(12)) {
      case 0:
      case 1:
        return `((${e()} ${this.#one(["+", "-"])} ${e()}) / 2)`;
      case 2:
        return `clamp(round(4 * ${e()}) * round(4 * ${e()}) / 16, -4.0, 4.0)`;
      case 3:
        return `abs(${e()})`;
      case 4:
        return `(if ${this.#flag(depth - 1)} then ${e()} else ${e()})`;
      case 5:
        return `where(${this.#flag(depth - 1)}, ${e()}, ${e()})`;
      case 6:
        return `max(${e()}, ${e()})`;
      case 7:
        return `${this.#vector(depth - 1)}[${this.#index()}]`;
      case 8:
        return `(floor(${e()} * 4) / 4)`;
      case 9:
        return `max(${this.#vector(depth - 1)})`;
      case 10:
        return `(-${e()})`;
      default:
        return this.#one(names);
    }
  }

  #vector(depth: number): string {
    const names = ["s.v", "s.u", "W"];
    if (depth <= 0) return this.#one(names);
    const e = () => this.#vector(depth - 1);
    switch (this.#pick(10)) {
      case 0:
        return `((${e()} + ${e()}) / 2)`;
      case 1:
        return `(${e()} with [${this.#index()}] = ${this.#real(depth - 1)})`;
      case 2:
        return `where(${e()} > ${this.#real(depth - 1)}, ${e()}, ${e()})`;
      case 3:
        return `flip(${e()})`;
      case 4:
        return `roll(${e()}, ${this.#one([1, -1, 2])})`;
      case 5:
        return `sort(${e()})`;
      case 6:
        return `(if ${this.#flag(depth - 1)} then ${e()} else ${e()})`;
      case 7:
        return `${e()}[[mod(z * ${1 + this.#pick(3)} + ${this.#int(1)}, ${this.#n}) for z in 0..${this.#n}]]`;
      case 8:
        return `cummax(${e()})`;
      default:
        return this.#one(names);
    }
  }
}
