/**
 * How threads agree on what to do: every thread has an instance of the module and the same memory, whose first bytes are
 * theirs. One thread runs the plan; at a large kernel it publishes a job of chunks, takes chunks itself, and waits only
 * for chunks that others have taken: nobody has to come.
 *
 * A chunk is taken by comparing and exchanging one word that holds the team's number and how many chunks are left. Who
 * succeeds may read the description of the job, which does not change before all its chunks are finished.
 */
import { assign, define, minus, plus, push, pushSmaller, value } from "./assembly.ts";
import type { FunctionBuilder, ModuleBuilder } from "./encoder.ts";

/** Addresses of the words that threads share, apart from each other so that they do not share lines of the cache. */
export const control = {
  /** The number of the team whose module is being run: who serves another one leaves. */
  team: 0,
  /** Grows whenever there may be something to do: what idle threads wait at. */
  generation: 64,
  /** 64 bits: the team, and below it how many chunks nobody has taken. */
  claim: 128,
  /** Chunks that are not finished: what the thread that runs the plan waits at. */
  unfinished: 192,
  /** 1: a chunk broke down. */
  fault: 256,
  /** 1: the run has to stop at its next tick. */
  stop: 320,
  /** Chunks that threads have done for others, ever. */
  helped: 352,
  /** The job: its number, how many iterations it has, how many make a chunk, how many chunks there are. */
  job: 384,
  count: 388,
  chunk: 392,
  chunks: 396,
  /** The addresses that it works on. */
  operands: 448,
} as const;

/** Memory from here on is free to use. */
export const controlBytes = 1024;

/** Looks at a word this often before going to sleep: threads that wait for a moment only are not put to sleep. */
const looksBeforeSleep = 2000;

const i32s = (n: number) => new Array<"i32">(n).fill("i32");

export interface LeadOptions {
  /** A global: the number of the team. */
  readonly team: number;
  /** A function of the host that throws. */
  readonly fault: number;
}

/** (team): takes chunks and works on them until none is left; returns how many it took. */
export function emitParticipate(module: ModuleBuilder, dispatch: number): number {
  return module.addFunction("participate", i32s(1), ["i32"], (f) => {
    const team = 0;
    const word = f.local("i64");
    const [left, begin, taken] = [f.local("i32"), f.local("i32"), f.local("i32")];
    f.loop((again) => {
      f.i32(0);
      f.memory("i64.atomic.load", control.claim);
      f.tee(word);
      f.emit("i32.wrap_i64");
      f.set(left);
      f.get(word);
      f.constant("i64", 32n);
      f.emit("i64.shr_u");
      f.emit("i32.wrap_i64");
      push(f, team);
      f.emit("i32.ne");
      push(f, ["i32.eqz", left]);
      f.emit("i32.or");
      f.if(() => {
        f.get(taken);
        f.emit("return");
      });
      f.i32(0);
      f.get(word);
      f.get(word);
      f.constant("i64", 1n);
      f.emit("i64.sub");
      f.memory("i64.atomic.rmw.cmpxchg", control.claim);
      f.get(word);
      f.emit("i64.ne");
      f.branchIf(again);
      pushControl(f, "chunks");
      f.get(left);
      f.emit("i32.sub");
      pushControl(f, "chunk");
      f.emit("i32.mul");
      f.set(begin);
      pushControl(f, "job");
      f.get(begin);
      const [chunk, all] = [f.local("i32"), f.local("i32")];
      pushControl(f, "chunk");
      f.set(chunk);
      pushControl(f, "count");
      f.set(all);
      pushSmaller(f, plus(begin, chunk), all);
      f.call(dispatch);
      finishChunk(f);
      assign(f, taken, plus(taken, value(1)));
      f.branch(again);
    });
    f.emit("unreachable");
  });
}

/** (job, iterations, chunk): publishes, participates, waits. */
export function emitLead(module: ModuleBuilder, participate: number, { team, fault }: LeadOptions): number {
  return module.addFunction("lead", i32s(3), [], (f) => {
    const chunks = define(f, ["i32.div_u", plus(1, minus(2, value(1))), 2]);
    const store = (place: keyof typeof control, from: number) => {
      f.i32(0);
      f.get(from);
      f.memory("i32.store", control[place]);
    };
    store("job", 0);
    store("count", 1);
    store("chunk", 2);
    store("chunks", chunks);
    f.i32(0);
    f.get(chunks);
    f.memory("i32.atomic.store", control.unfinished);
    f.i32(0);
    f.global("global.get", team);
    f.emit("i64.extend_i32_u");
    f.constant("i64", 32n);
    f.emit("i64.shl");
    f.get(chunks);
    f.emit("i64.extend_i32_u");
    f.emit("i64.or");
    f.memory("i64.atomic.store", control.claim);
    f.i32(0);
    f.i32(1);
    f.memory("i32.atomic.rmw.add", control.generation);
    f.emit("drop");
    notify(f, control.generation, -1);
    f.global("global.get", team);
    f.call(participate);
    f.emit("drop");
    const left = f.local("i32");
    untilChanged(f, control.unfinished, left, () => push(f, ["i32.eqz", left]));
    f.i32(0);
    f.memory("i32.atomic.load", control.fault);
    f.if(() => f.call(fault));
  });
}

/** (team): participates in all jobs of a team until another one is at work. */
export function emitServe(module: ModuleBuilder, participate: number): void {
  module.addFunction(
    "serve",
    i32s(1),
    [],
    (f) => {
      const [seen, looks] = [f.local("i32"), f.local("i32")];
      f.loop((again) => {
        f.i32(0);
        f.memory("i32.atomic.load", control.generation);
        f.set(seen);
        f.i32(0);
        f.get(0);
        f.call(participate);
        f.memory("i32.atomic.rmw.add", control.helped);
        f.emit("drop");
        f.i32(0);
        f.memory("i32.atomic.load", control.team);
        f.get(0);
        f.emit("i32.ne");
        f.if(() => f.emit("return"));
        assign(f, looks, value(looksBeforeSleep));
        f.loop((look) => {
          f.i32(0);
          f.memory("i32.atomic.load", control.generation);
          f.get(seen);
          f.emit("i32.ne");
          f.branchIf(again);
          assign(f, looks, minus(looks, value(1)));
          f.get(looks);
          f.branchIf(look);
        });
        sleep(f, control.generation, seen);
        f.branch(again);
      });
    },
    { export: true },
  );
}

/**
 * For the thread that ran the plan, when the run was left by an exception: nobody takes a chunk any more, and those
 * that others have taken are waited for, since they write to memory that is about to be free.
 */
export function emitSettle(module: ModuleBuilder): void {
  const build = (f: FunctionBuilder) => {
    const word = f.local("i64");
    const left = f.local("i32");
    f.loop((again) => {
      f.i32(0);
      f.memory("i64.atomic.load", control.claim);
      f.set(word);
      f.i32(0);
      f.get(word);
      f.constant("i64", 0n);
      f.memory("i64.atomic.rmw.cmpxchg", control.claim);
      f.get(word);
      f.emit("i64.ne");
      f.branchIf(again);
    });
    f.i32(0);
    f.get(word);
    f.emit("i32.wrap_i64");
    f.memory("i32.atomic.rmw.sub", control.unfinished);
    f.get(word);
    f.emit("i32.wrap_i64");
    f.emit("i32.sub");
    // What is left is the chunk in which this thread was, if it was in one, and those of others.
    f.if(() => {
      f.i32(0);
      f.i32(1);
      f.memory("i32.atomic.rmw.sub", control.unfinished);
      f.emit("drop");
      untilChanged(f, control.unfinished, left, () => push(f, ["i32.eqz", left]));
    });
    f.i32(0);
    f.i32(0);
    f.memory("i32.atomic.store", control.fault);
  };
  module.addFunction("settle", [], [], build, { export: true });
}

/** For a thread whose chunk was left by an exception. */
export function emitAbandon(module: ModuleBuilder): void {
  const build = (f: FunctionBuilder) => {
    f.i32(0);
    f.i32(1);
    f.memory("i32.atomic.store", control.fault);
    finishChunk(f);
  };
  module.addFunction("abandon", [], [], build, { export: true });
}

/** One chunk less is unfinished; who waits for the last one is told. */
function finishChunk(f: FunctionBuilder): void {
  f.i32(0);
  f.i32(1);
  f.memory("i32.atomic.rmw.sub", control.unfinished);
  f.i32(1);
  f.emit("i32.eq");
  f.if(() => notify(f, control.unfinished, 1));
}

function pushControl(f: FunctionBuilder, place: keyof typeof control): void {
  f.i32(0);
  f.memory("i32.load", control[place]);
}

function notify(f: FunctionBuilder, address: number, threads: number): void {
  f.i32(0);
  f.i32(threads);
  f.memory("memory.atomic.notify", address);
  f.emit("drop");
}

/** Sleeps while a word is what it was seen to be. */
function sleep(f: FunctionBuilder, address: number, seen: number): void {
  f.i32(0);
  f.get(seen);
  f.constant("i64", -1n);
  f.memory("memory.atomic.wait32", address);
  f.emit("drop");
}

/** Loads a word into `local` until `isDone` pushes something else than 0: first looks, then sleeps in between. */
function untilChanged(f: FunctionBuilder, address: number, local: number, isDone: () => void): void {
  const looks = define(f, value(looksBeforeSleep));
  f.block((done) => {
    f.loop((again) => {
      f.i32(0);
      f.memory("i32.atomic.load", address);
      f.set(local);
      isDone();
      f.branchIf(done);
      push(f, ["i32.eqz", looks]);
      f.if(
        () => sleep(f, address, local),
        () => assign(f, looks, minus(looks, value(1))),
      );
      f.branch(again);
    });
  });
}
