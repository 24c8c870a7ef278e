/**
 * Running results along long lines by many lanes: blocks of elements are joined each by a lane, so are blocks of what they
 * come to, and so on until few are left; then each block is gone through again, from what comes before it.
 */
import { div, gt, int, min, mul, rem, sub } from "../kernel/expressions.ts";
import type { Expression, KernelArray, Local } from "../kernel/ir.ts";
import type { Stage, StagedRoutine } from "../kernel/lowering.ts";
import { Code, plus, type VectorView, vectorView } from "../kernel/statements.ts";
import { areLong, type Lanes } from "./lanes-kernel.ts";

type State = readonly Expression[];

/** What runs along a line: states, and an associative operation that joins those of neighbouring stretches. */
export interface Running {
  /** The kinds of the numbers of a state. */
  readonly kinds: readonly KernelArray["kind"][];
  /** The state of the one element `i`; lines begin where they are begun with. */
  element(line: VectorView, i: Expression): State;
  join(earlier: State, later: State): State;
  /** What the state of all elements up to one gives there. */
  result(state: State): Expression;
}

/** How many elements a lane goes through. */
const blockLength = 64;
/** As many states as this are joined by one lane. */
const fewStates = 512;

/** States in scratch arrays: one array for each number. */
interface Level {
  /** How many there are in a line. */
  readonly count: number;
  /** The first of its scratch arrays. */
  readonly start: number;
}

/** Stages that give each element of the (one) result from its operand; undefined for lines that are short or many. */
export function runningStages(lanes: Lanes, reverse: boolean, running: Running): StagedRoutine | undefined {
  if (!areLong(lanes)) return undefined;
  const width = running.kinds.length;
  const levels: Level[] = [];
  for (let count = lanes.n; count > fewStates; ) {
    count = Math.ceil(count / blockLength);
    levels.push({ count, start: levels.length * width });
  }
  const stage = (level: number) => new Writer(lanes, reverse, running, levels, level);
  const below = levels.map((_, i) => i - 1);
  return {
    scratch: levels.flatMap(({ count }, i) =>
      running.kinds.map((kind, k) => ({ name: `level${i + 1}part${k}`, kind, length: lanes.count * count })),
    ),
    stages: [
      ...below.map((level) => stage(level).totals()),
      stage(levels.length - 1).whole(),
      ...below.toReversed().map((level) => stage(level).finished()),
    ],
  };
}

type Arrays = Parameters<Stage["body"]>[1];

/** Writes the stages that go through one level: level -1 is the elements. */
class Writer {
  readonly #lanes: Lanes;
  readonly #reverse: boolean;
  readonly #running: Running;
  readonly #levels: readonly Level[];
  readonly #level: number;
  readonly #count: number;
  readonly #blocks: number;

  constructor(lanes: Lanes, reverse: boolean, running: Running, levels: readonly Level[], level: number) {
    this.#lanes = lanes;
    this.#reverse = reverse;
    this.#running = running;
    this.#levels = levels;
    this.#level = level;
    this.#count = level < 0 ? lanes.n : levels[level]!.count;
    this.#blocks = Math.ceil(this.#count / blockLength);
  }

  /** What each block comes to, for the next level. */
  totals(): Stage {
    return this.#stage(
      "totals",
      `what blocks of ${blockLength} come to`,
      this.#blocks,
      blockLength,
      (code, lane, a) => {
        const { line, begin, length, block } = this.#block(code, lane);
        const source = this.#source(line, a);
        const state = this.#start(code, source(begin));
        this.#goOn(code, state, length, (i) => source(plus(begin, i)));
        this.#views(this.#level + 1, line, a).forEach((view, k) => {
          code.set(view, block, state[k]!);
        });
      },
    );
  }

  /** The last level, whose states one lane runs through. */
  whole(): Stage {
    return this.#stage("joined", "what comes before each block", 1, this.#count, (code, line, a) => {
      const [source, store] = [this.#source(line, a), this.#store(line, a)];
      const state = this.#start(code, source(int(0)));
      this.#goOn(code, state, int(this.#count), source, (i) => store(code, i, state));
    });
  }

  /** Each block, from the state before it. */
  finished(): Stage {
    return this.#stage("blocks", `blocks of ${blockLength}`, this.#blocks, blockLength, (code, lane, a) => {
      const { line, begin, length, block } = this.#block(code, lane);
      const [source, store] = [this.#source(line, a), this.#store(line, a)];
      const state = this.#start(code, source(begin));
      code.when(gt(block, int(0)), () => {
        const before = this.#views(this.#level + 1, line, a).map((view) => view.at(plus(block, -1)));
        this.#assign(code, state, this.#running.join(before, state));
      });
      store(code, begin, state);
      this.#goOn(
        code,
        state,
        length,
        (i) => source(plus(begin, i)),
        (i) => store(code, plus(begin, i), state),
      );
    });
  }

  #stage(
    name: string,
    description: string,
    blocks: number,
    steps: number,
    write: (code: Code, lane: Local, arrays: Arrays) => void,
  ): Stage {
    return {
      name: this.#level < 0 ? name : `${name}${this.#level + 1}`,
      description,
      grid: this.#lanes.count * blocks,
      cost: 4 * steps * this.#running.kinds.length,
      body: (lane, arrays) => Code.write((code) => write(code, lane, arrays)),
    };
  }

  /** The block of a lane: its line, where it begins and how long it is. */
  #block(code: Code, lane: Local) {
    const line = code.let("line", div(lane, int(this.#blocks)));
    const block = code.let("block", rem(lane, int(this.#blocks)));
    const begin = code.let("begin", mul(block, int(blockLength)));
    const length = code.let("length", min(int(blockLength), sub(int(this.#count), begin)));
    return { line, block, begin, length };
  }

  #views(level: number, line: Expression, { scratch }: Arrays): VectorView[] {
    const { count, start } = this.#levels[level]!;
    return this.#running.kinds.map((_, k) => vectorView(scratch[start + k]!, mul(line, int(count))));
  }

  #source(line: Expression, arrays: Arrays): (i: Expression) => State {
    if (this.#level < 0) {
      const from = this.#lanes.of(arrays.inputs[0]!, line, this.#reverse);
      return (i) => this.#running.element(from, i);
    }
    const views = this.#views(this.#level, line, arrays);
    return (i) => views.map((view) => view.at(i));
  }

  #store(line: Expression, arrays: Arrays): (code: Code, i: Expression, state: State) => void {
    if (this.#level < 0) {
      const to = this.#lanes.of(arrays.outputs[0]!, line, this.#reverse);
      return (code, i, state) => code.set(to, i, this.#running.result(state));
    }
    const views = this.#views(this.#level, line, arrays);
    return (code, i, state) => {
      views.forEach((view, k) => {
        code.set(view, i, state[k]!);
      });
    };
  }

  #start(code: Code, first: State): Local[] {
    return first.map((value, k) => code.variable(`state${k}`, value));
  }

  #assign(code: Code, state: readonly Local[], next: State): void {
    const values = next.map((value, k) => code.let(`next${k}`, value));
    state.forEach((variable, k) => {
      code.assign(variable, values[k]!);
    });
  }

  /** Joins the elements 1, ..., length - 1. */
  #goOn(
    code: Code,
    state: readonly Local[],
    length: Expression,
    source: (i: Expression) => State,
    then: (i: Expression) => void = () => {},
  ): void {
    code.loop("k", sub(length, int(1)), (k) => {
      const i = code.let("i", plus(k, 1));
      this.#assign(code, state, this.#running.join(state, source(i)));
      then(i);
    });
  }
}
