/** Prints statements as WGSL, one function's worth of them. */
import type { Expression, Kind, Local, Loop, Statement, While } from "../../kernel/ir.ts";
import { type Naming, printArgument, printExpression } from "./expressions.ts";
import type { Component, Four } from "./fours.ts";
import type { Names } from "./names.ts";
import type { QuadLoad, Quads } from "./quads.ts";
import { isShared, type Team, touches } from "./team.ts";

/** The names that a whole module shares. */
export type ModuleNaming = Omit<Naming, "local" | "hoist"> & {
  /** The call that stores an element; index and value are fit to be arguments. */
  store(array: Parameters<Naming["load"]>[0], index: string, value: string): string;
  /** The call that loads four elements side by side, where such are known. */
  loadFour?(array: Parameters<Naming["load"]>[0], index: string): string;
};

export const typeOf = (kind: Kind): "f32" | "i32" | "bool" | "u32" =>
  (({ real: "f32", int: "i32", bool: "bool", bits: "u32" }) as const)[kind];

/** What a word of memory holds, and the word for a value. */
export const loaded = (kind: Kind, word: string): string =>
  kind === "bool" ? `${word} != 0u` : `bitcast<${typeOf(kind)}>(${word})`;
export const stored = (kind: Kind, value: string): string =>
  kind === "bool" ? `u32(${value})` : `bitcast<u32>(${value})`;

/** Longer loops than this have bounds that the compiler cannot see, for it might unroll them. */
const longestKnownLoop = 64;

export class StatementPrinter {
  readonly #module: ModuleNaming;
  readonly #names: Names;
  readonly #locals = new Map<number, string>();
  readonly #assigned: ReadonlySet<number>;
  /** Undefined where an invocation is on its own. */
  #team: Team | undefined;
  readonly #fours: ReadonlyMap<Statement, Component> | undefined;
  /** The names of those that are read. */
  readonly #read = new Map<Four | QuadLoad, string>();
  readonly #quads: Quads | undefined;
  #lines: string[] = [];

  /**
   * `assigned`: the locals that `assign` changes anywhere. With a team, all its invocations run the statements and
   * share the loops in them (team.ts says when they can); what is stored outside such loops is stored by the first.
   */
  constructor(
    module: ModuleNaming,
    names: Names,
    assigned: ReadonlySet<number>,
    team?: Team,
    fours?: ReadonlyMap<Statement, Component>,
    quads?: Quads,
  ) {
    this.#module = module;
    this.#names = names;
    this.#assigned = assigned;
    this.#team = team;
    this.#fours = fours;
    this.#quads = quads;
  }

  /** Gives a local a name, which it has until another is declared for it. */
  declare(local: Local): string {
    const name = this.#names.take(local.name);
    this.#locals.set(local.id, name);
    return name;
  }

  /** The lines of statements and, at the end, of what `last` makes of values. */
  block(statements: readonly Statement[], last?: (value: (e: Expression) => string) => string): string[] {
    const outer = this.#lines;
    this.#lines = [];
    try {
      for (const s of statements) this.#statement(s);
      if (last) this.#lines.push(last((e) => this.#value(e)));
      return this.#lines;
    } finally {
      this.#lines = outer;
    }
  }

  #inner(statements: readonly Statement[]): string[] {
    return this.#names.scope(() => this.block(statements));
  }

  get #naming(): Naming {
    return {
      ...this.#module,
      local: (local) => {
        const name = this.#locals.get(local.id);
        if (name === undefined) throw new Error(`internal error: the local ${local.name} is not declared`);
        return name;
      },
      hoist: (text) => {
        const name = this.#names.take("part");
        this.#lines.push(`let ${name} = ${text};`);
        return name;
      },
    };
  }

  #value(e: Expression): string {
    return printExpression(e, this.#naming);
  }

  #statement(s: Statement): void {
    switch (s.op) {
      case "let":
      case "variable": {
        const component = this.#fours?.get(s);
        const value = component ? this.#component(component) : this.#value(s.value);
        const word = s.op === "variable" || this.#assigned.has(s.local.id) ? "var" : "let";
        this.#lines.push(`${word} ${this.declare(s.local)} = ${value};`);
        return;
      }
      case "assign": {
        const value = this.#value(s.value);
        this.#lines.push(`${this.#locals.get(s.local.id)!} = ${value};`);
        return;
      }
      case "store": {
        const [index, value] = [printArgument(s.index, this.#naming), printArgument(s.value, this.#naming)];
        const line = `${this.#module.store(s.array, index, value)};`;
        if (this.#team) this.#nest(`if ${this.#team.lane} == 0u {`, [line]);
        else this.#lines.push(line);
        return;
      }
      case "loop":
        this.#loop(s);
        return;
      case "while":
        this.#while(s);
        return;
      case "if": {
        const condition = this.#value(s.condition);
        this.#nest(`if ${condition} {`, this.#inner(s.then));
        if (s.otherwise.length === 0) return;
        this.#lines[this.#lines.length - 1] = "} else {";
        this.#lines.push(...indented(this.#inner(s.otherwise)), "}");
        return;
      }
    }
  }

  /** An element of four, which are read where the first is asked for. */
  #component({ four, component }: Component): string {
    let name = this.#read.get(four);
    if (name === undefined) {
      const member = this.#quads?.members.get(four);
      const value = member ? `quadBroadcast(${this.#four(member.load)}, ${member.reader}u)` : this.#loadedFour(four);
      name = this.#names.take("four");
      this.#read.set(four, name);
      this.#lines.push(`let ${name} = ${value};`);
    }
    return `${name}.${"xyzw"[component]}`;
  }

  /** The four that an invocation reads for its quad. */
  #four(load: QuadLoad): string {
    let name = this.#read.get(load);
    if (name === undefined) {
      const value = this.#loadedFour(load);
      name = this.#names.take("own_four");
      this.#read.set(load, name);
      this.#lines.push(`let ${name} = ${value};`);
    }
    return name;
  }

  #loadedFour({ array, index }: Four): string {
    return this.#module.loadFour!(array, printArgument(index, this.#naming));
  }

  #nest(head: string, body: readonly string[]): void {
    this.#lines.push(head, ...indented(body), "}");
  }

  /** Each invocation of the team takes its share of the iterations. */
  #sharedLoop(s: Loop, team: Team): void {
    const count = this.#count(s.count);
    const joined = s.accumulators.map((accumulator) => {
      const name = this.#locals.get(accumulator.local.id)!;
      const before = this.#names.take(`${accumulator.local.name}_before`);
      this.#lines.push(`let ${before} = ${name};`, `${name} = ${team.neutral(accumulator)};`);
      return { accumulator, name, before };
    });
    this.#team = undefined;
    this.#names.scope(() => {
      const index = this.declare(s.index);
      const head = `for (var ${index} = i32(${team.lane}); ${index} < ${count}; ${index} += ${team.size}) {`;
      this.#nest(head, this.#inner(s.body));
    });
    this.#team = team;
    for (const { accumulator, name, before } of joined) {
      const total = `${team.join(accumulator)}(${team.lane}, ${name})`;
      this.#lines.push(`${name} = ${team.combined(accumulator, before, total)};`);
    }
    if (touches(s.body, team.locals)) this.#lines.push("workgroupBarrier();");
  }

  #loop(s: Loop): void {
    const team = this.#team;
    if (team && isShared(s)) {
      this.#sharedLoop(s, team);
      return;
    }
    const count = this.#count(s.count);
    this.#names.scope(() => {
      const index = this.declare(s.index);
      this.#nest(`for (var ${index} = 0; ${index} < ${count}; ${index}++) {`, this.#inner(s.body));
    });
  }

  /** A loop runs as often as its count says when it starts. */
  #count(count: Expression): string {
    if (count.op === "local" && !this.#assigned.has(count.id)) return this.#value(count);
    if (count.op === "constant" && Number(count.value) <= longestKnownLoop) return this.#value(count);
    const value = this.#value(count);
    const name = this.#names.take("count");
    const text = count.op === "constant" ? `${this.#module.helper("at_run_time")}(${value})` : value;
    this.#lines.push(`let ${name} = ${text};`);
    return name;
  }

  #while(s: While): void {
    this.#names.scope(() => {
      // What the condition computes first has to be computed again each time.
      const check = this.block([], (value) => value(s.condition));
      const condition = check.pop()!;
      const body = this.#inner(s.body);
      if (check.length === 0) this.#nest(`while ${condition} {`, body);
      else this.#nest("loop {", [...check, `if !(${condition}) {`, "  break;", "}", ...body]);
    });
  }
}

export const indented = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);
