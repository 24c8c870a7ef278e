/**
 * Random well-typed programs for the tests of derivatives: nests of loops, scans, conditionals, maps, calls,
 * gathers, updates, reductions, solves and inner derivatives, as text. Text is what a user writes, so nothing
 * between it and the numbers goes untested. All functions are smooth and bounded where they are taken, but
 * for the jumps of `if`, which a numeric derivative shows by disagreeing with itself.
 */

type Pick = (n: number) => number;

/** A small generator (mulberry32): a seed says everything about a program. */
export function picker(seed: number): Pick {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

interface Names {
  readonly scalars: readonly string[];
  readonly vectors: readonly string[];
  /** Ints from 0 to 2. */
  readonly positions: readonly string[];
}

/** What a program is made of: scalars are one real, vectors `real[3]`. */
export class ProgramWriter {
  readonly #pick: Pick;
  #left: number;
  #names = 0;
  readonly #functions: string[] = [];

  constructor(seed: number, size: number) {
    this.#pick = picker(seed);
    this.#left = size;
  }

  /** Declarations, the last ones being `f(x: real[3])`, one real, and `g(x: real[3])`, three. */
  write(): string {
    const outer: Names = { scalars: ["w"], vectors: ["c"], positions: [] };
    const helpers: string[] = [];
    const count = this.#pick(3);
    for (let i = 0; i < count; i++) {
      const body = this.scalar(2, {
        scalars: ["a", ...outer.scalars],
        vectors: ["v", ...outer.vectors],
        positions: [],
      });
      helpers.push(`fn h${i}(a: real, v: real[3]) = ${body}`);
      this.#functions.push(`h${i}`);
    }
    const names = { ...outer, vectors: ["x", ...outer.vectors] };
    const f = this.scalar(5, names);
    const g = this.vector(3, names);
    return [
      "solver iterate() solves fixpoint(T) {\n start(x) = (x: x)\n next(s, t) = (x: T(s.x))\n}",
      "let w = 0.7",
      "let c = [0.4, -0.6, 0.9]",
      "let M = [[0.3, -0.2, 0.5], [0.1, 0.4, -0.3], [-0.6, 0.2, 0.1]]",
      ...helpers,
      `fn f(x: real[3]) = sin(${f}) + 0.1 * x[0]^2`,
      `fn g(x: real[3]) = tanh(${g})`,
    ].join("\n");
  }

  #one<T>(items: readonly T[]): T {
    return items[this.#pick(items.length)]!;
  }

  /** A vector in scope, most often the innermost: the outermost are constants. */
  #vectorName(n: Names): string {
    return this.#pick(3) > 0 ? n.vectors[0]! : this.#one(n.vectors);
  }

  #fresh(prefix: string): string {
    this.#names += 1;
    return `${prefix}${this.#names}`;
  }

  #constant(): string {
    return `${this.#pick(2) === 0 ? "" : "-"}0.${1 + this.#pick(9)}`;
  }

  #position(n: Names): string {
    return n.positions.length > 0 && this.#pick(2) === 0 ? this.#one(n.positions) : String(this.#pick(3));
  }

  #leaf(n: Names): string {
    const k = this.#pick(8);
    if (k === 0) return `(${this.#constant()})`;
    if (k < 4) return this.#one(n.scalars);
    return `${this.#vectorName(n)}[${this.#position(n)}]`;
  }

  /** An expression that is one real. */
  scalar(depth: number, n: Names): string {
    this.#left -= 1;
    if (depth <= 0 || this.#left <= 0) return this.#leaf(n);
    const s = (m = n, less = 1) => this.scalar(depth - less, m);
    const v = (m = n, less = 1) => this.vector(depth - less, m);
    const k = this.#pick(24);
    switch (k) {
      case 0:
      case 1:
        return `(${s()} ${this.#one(["+", "-", "*"])} ${s()})`;
      case 2:
        return `(${s()} / (1 + ${s()}^2))`;
      case 3:
        return `${this.#one(["sin", "tanh", "cos", "sigmoid"])}(${s()})`;
      case 4:
        return `sqrt(1.5 + ${s()}^2)`;
      case 5:
      case 6:
        return `(if ${s(n, 2)} > ${this.#constant()} then ${s()} else ${s()})`;
      case 7:
      case 8:
        return this.#loop(depth, n);
      case 9:
        return this.#early(depth, n);
      case 10:
        return this.#scan(depth, n);
      case 11:
        return `sum(${v()})`;
      case 12:
        return `dot(${v()}, ${v()})`;
      case 13:
        return `norm(${v()} + [2.0, 1.5, 1.0])`;
      case 14:
        return this.#functions.length > 0 ? `${this.#one(this.#functions)}(${s()}, ${v()})` : `mean(${v()})`;
      case 15: {
        const q = this.#fresh("q");
        return `checkpoint(${q} => ${this.scalar(depth - 1, { ...n, vectors: [q, ...n.vectors] })})(${v(n, 2)})`;
      }
      case 16: {
        const q = this.#fresh("q");
        return `jvp(${q} => ${this.scalar(depth - 2, { ...n, scalars: [q, ...n.scalars] })})(${s(n, 2)}, ${s(n, 2)})`;
      }
      case 17: {
        const q = this.#fresh("q");
        return `dot(grad(${q} => ${this.scalar(depth - 2, { ...n, vectors: [q, ...n.vectors] })})(${v(n, 2)}), ${v(n, 2)})`;
      }
      case 18: {
        const p = this.#fresh("p");
        const inner = { ...n, scalars: [`${p}.a`, ...n.scalars], vectors: [`${p}.b`, ...n.vectors] };
        return `({ let ${p} = (a: ${s()}, b: ${v()})\n ${this.scalar(depth - 1, inner)} })`;
      }
      case 19:
        return `(${v()} @ M @ ${v()})`;
      case 22: {
        const u = this.#fresh("u");
        const adjoint = this.#pick(3) === 0 ? ", adjoint = unroll" : "";
        return `fixpoint(${u} => 0.5 * sin(0.5 * ${u} * tanh(${s()})) + tanh(${s(n, 2)}), from = 0.0, by = iterate(tol = 1e-14, iters = 60)${adjoint}).x`;
      }
      case 20:
        return `logsumexp(${v()})`;
      case 21: {
        const [a, b] = [this.#fresh("a"), this.#fresh("b")];
        return `sum([${a} * ${b} + ${this.scalar(depth - 2, { ...n, scalars: [a, b] })} for ${a} in ${v(n, 2)} for ${b} in ${v(n, 2)}])`;
      }
      default:
        return `${v()}[${this.#position(n)}]`;
    }
  }

  #loop(depth: number, n: Names): string {
    const [q, t] = [this.#fresh("s"), this.#fresh("t")];
    const start = this.scalar(depth - 1, n);
    switch (this.#pick(4)) {
      case 0:
        return `(loop ${q} = ${start} for ${t} in 0..3 { ${this.scalar(depth - 1, { ...n, scalars: [q, ...n.scalars], positions: [t] })} })`;
      case 1:
        return `(loop ${q} = ${start} for ${t} in ${this.vector(depth - 2, n)} { sin(${q} + ${t}) * ${this.scalar(depth - 1, { ...n, scalars: [q, t, ...n.scalars] })} })`;
      case 2:
        return `(loop ${q} = ${start} for ${t} in 0..4 while ${q} < 1.2 { ${q}^2 + 0.4 + 0.1 * ${this.scalar(depth - 1, { ...n, scalars: [q, ...n.scalars] })} })`;
      default: {
        const inner = { ...n, vectors: [q, ...n.vectors], positions: [t] };
        return `sum(loop ${q} = ${this.vector(depth - 1, n)} for ${t} in 0..3 { ${q} with [${t}] = ${this.scalar(depth - 1, inner)} })`;
      }
    }
  }

  #early(depth: number, n: Names): string {
    const [q, t] = [this.#fresh("s"), this.#fresh("t")];
    const inner = { ...n, scalars: [`${q}.a`, ...n.scalars], vectors: [`${q}.b`, ...n.vectors] };
    return `(loop ${q} = (a: ${this.scalar(depth - 1, n)}, b: ${this.vector(depth - 1, n)}, k: 0) for ${t} in 0..4 while ${q}.k < 3 and ${q}.a < 2 { (a: ${q}.a + 0.3 + 0.1 * ${this.scalar(depth - 2, inner)}, b: tanh(${this.vector(depth - 2, inner)}), k: ${q}.k + 1) }).a`;
  }

  #scan(depth: number, n: Names): string {
    const [q, t, l, o, d] = ["s", "t", "l", "o", "d"].map((p) => this.#fresh(p)) as [
      string,
      string,
      string,
      string,
      string,
    ];
    const inner = { ...n, scalars: [q, t, ...n.scalars] };
    return `({ let (${l}, ${o}) = scan ${q} = ${this.scalar(depth - 1, n)} for ${t} in ${this.vector(depth - 1, n)} { let ${d} = ${this.scalar(depth - 2, inner)}\n (tanh(${d}), ${this.scalar(depth - 2, { ...inner, scalars: [d, ...inner.scalars] })}) }\n ${l} + dot(${o}, ${this.vector(depth - 2, n)}) })`;
  }

  /** An expression that is `real[3]`. */
  vector(depth: number, n: Names): string {
    this.#left -= 1;
    if (depth <= 0 || this.#left <= 0) return this.#vectorName(n);
    const s = (m = n, less = 1) => this.scalar(depth - less, m);
    const v = (m = n, less = 1) => this.vector(depth - less, m);
    switch (this.#pick(16)) {
      case 0:
        return `(${v()} ${this.#one(["+", "-", "*"])} ${v()})`;
      case 1:
        return `${this.#one(["sin", "tanh", "cos"])}(${v()})`;
      case 2:
        return `(${s()} * ${v()})`;
      case 3:
      case 4:
      case 5: {
        const q = this.#fresh("e");
        return `[${this.scalar(depth - 1, { ...n, scalars: [q, ...n.scalars] })} for ${q} in ${v()}]`;
      }
      case 6: {
        const i = this.#fresh("i");
        return `[${this.scalar(depth - 1, { ...n, positions: [i, ...n.positions] })} for ${i} in 0..3]`;
      }
      case 7:
        return `(${v()} with [${this.#position(n)}] = ${s()})`;
      case 8:
        return `(${v()} with [[0, 2, 0]] += ${v()})`;
      case 9:
        return `${v()}[[${this.#pick(3)}, ${this.#pick(3)}, ${this.#pick(3)}]]`;
      case 10:
        return `(M @ ${v()})`;
      case 11:
        return `where(${v(n, 2)} > ${this.#constant()}, ${v()}, ${v()})`;
      case 12:
        return `concat(${v()}[1:], ${v()}[:1])`;
      case 13:
        return `cumsum(${v()})`;
      case 14:
        return `linear_solve(2 * eye[3] + 0.2 * outer(tanh(${v()}), tanh(${v()})), ${v()})`;
      default: {
        const q = this.#fresh("s");
        return `(if ${s(n, 2)} < ${this.#constant()} then ${v()} else (loop ${q} = ${v()} for _ in 0..2 { tanh(${this.vector(depth - 1, { ...n, vectors: [q, ...n.vectors] })}) }))`;
      }
    }
  }
}
