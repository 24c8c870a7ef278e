import assert from "node:assert/strict";
import { test } from "node:test";
import { type FunctionBuilder, ModuleBuilder, type ValueType } from "./encoder.ts";
import { immediatesOf, type Opcode, opcodes } from "./opcodes.ts";
import { printModule } from "./text.ts";

const shared = { shared: true, initial: 1, maximum: 4 };

function emitAnything(f: FunctionBuilder, name: Opcode): unknown {
  switch (immediatesOf(name)) {
    case "none":
      return f.emit(name);
    case "memory":
      return f.memory(name, 300);
    case "memoryLane":
      return f.memory(name, 300, 1);
    case "lane":
      return f.lane(name, 1);
    case "shuffle":
      return f.shuffle(Array.from({ length: 16 }, (_, i) => 2 * i));
    case "v128":
      return f.v128(Array.from({ length: 16 }, (_, i) => i));
    case "memoryIndex":
      return name === "memory.fill" ? f.bulk(name) : f.memorySize(name as "memory.size");
    case "twoMemoryIndices":
      return f.bulk("memory.copy");
    case "i32":
    case "i64":
    case "f32":
    case "f64":
      return f.constant(name.slice(0, 3) as ValueType, 1);
    default:
      return undefined;
  }
}

/** Instance of a module with one function `f`, and its memory. */
function instantiate(
  parameters: readonly ValueType[],
  results: readonly ValueType[],
  build: (f: FunctionBuilder) => void,
) {
  const module = new ModuleBuilder();
  module.importMemory({ initial: 1, maximum: 1 });
  module.addFunction("f", parameters, results, build, { export: true });
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.encode()), { env: { memory } });
  return { f: instance.exports.f as (...args: unknown[]) => unknown, memory };
}

test("every instruction is valid as it is encoded", () => {
  const structure = new Set<Opcode>(["block", "loop", "if", "else", "end", "br", "br_if", "call"]);
  for (const name of Object.keys(opcodes) as Opcode[]) {
    if (structure.has(name) || /^(local|global)\./.test(name)) continue;
    const module = new ModuleBuilder();
    module.importMemory(shared);
    module.addFunction("f", [], [], (f) => {
      // What cannot be reached may take operands of any type from the stack.
      f.emit("unreachable");
      emitAnything(f, name);
      f.emit("unreachable");
    });
    assert.ok(WebAssembly.validate(module.encode()), name);
    assert.match(printModule(module), new RegExp(`\\n    ${name.replace(".", "\\.")}[ \\n]`));
  }
});

test("numbers of all sizes survive", () => {
  for (const value of [0, 1, -1, 63, 64, -64, -65, 127, 128, 8191, 8192, 2 ** 31 - 1, -(2 ** 31), 0x12345678])
    assert.equal(instantiate([], ["i32"], (f) => f.i32(value)).f(), value);
  for (const value of [0n, -1n, 64n, -65n, 2n ** 63n - 1n, -(2n ** 63n), 0x123456789abcdefn])
    assert.equal(instantiate([], ["i64"], (f) => f.constant("i64", value)).f(), value);
  for (const value of [0, -0, 0.1, Infinity, NaN, 5e-324])
    assert.equal(instantiate([], ["f64"], (f) => f.constant("f64", value)).f(), value);
  assert.equal(instantiate([], ["f32"], (f) => f.constant("f32", 0.1)).f(), Math.fround(0.1));
});

test("loops, branches and memory", () => {
  // Writes the first n squares.
  const { f, memory } = instantiate(["i32"], ["i32"], (f) => {
    const i = f.local("i32");
    f.block((done) => {
      f.loop((again) => {
        f.get(i);
        f.get(0);
        f.emit("i32.ge_s");
        f.branchIf(done);
        f.get(i);
        f.i32(2);
        f.emit("i32.shl");
        f.get(i);
        f.get(i);
        f.emit("i32.mul");
        f.memory("i32.store", 4000);
        f.get(i);
        f.i32(1);
        f.emit("i32.add");
        f.set(i);
        f.branch(again);
      });
    });
    f.get(i);
    f.i32(3);
    f.emit("i32.gt_s");
    f.if(
      () => f.i32(10),
      () => f.i32(20),
      "i32",
    );
  });
  assert.equal(f(5), 10);
  assert.equal(f(2), 20);
  assert.deepEqual([...new Int32Array(memory.buffer, 4000, 5)], [0, 1, 4, 9, 16]);
});

test("functions call each other, imports come first, globals keep values", () => {
  const module = new ModuleBuilder();
  const tell = module.importFunction("host", "tell", ["i32"], []);
  const total = module.addGlobal("i32", 5, { export: "total" });
  const twice = module.addFunction("twice", ["i32"], ["i32"], (f) => {
    f.get(0);
    f.get(0);
    f.emit("i32.add");
  });
  const main = module.addFunction(
    "main",
    [],
    [],
    (f) => {
      f.global("global.get", total);
      f.call(twice);
      f.global("global.set", total);
      f.global("global.get", total);
      f.call(tell);
    },
    { export: true },
  );
  assert.deepEqual([tell, twice, main], [0, 1, 2]);
  assert.throws(() => module.importFunction("host", "late", [], []), /imports come before/);
  const told: number[] = [];
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.encode()), {
    host: { tell: (x: number) => told.push(x) },
  });
  const run = instance.exports.main as () => void;
  run();
  run();
  assert.deepEqual(told, [10, 20]);
  assert.equal((instance.exports.total as WebAssembly.Global).value, 20);
});

test("a function added while another is built has the next index", () => {
  const module = new ModuleBuilder();
  module.addFunction(
    "outer",
    [],
    ["i32"],
    (f) => {
      const inner = module.addFunction("inner", [], ["i32"], (g) => g.i32(42));
      assert.equal(inner, 1);
      f.call(inner);
    },
    { export: true },
  );
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.encode()));
  assert.equal((instance.exports.outer as () => number)(), 42);
});

test("shared memory, atomics and data", () => {
  const module = new ModuleBuilder();
  module.importMemory(shared);
  module.addData(64, Uint8Array.of(7, 0, 0, 0));
  module.addFunction(
    "f",
    [],
    ["i32"],
    (f) => {
      f.i32(0);
      f.i32(5);
      f.memory("i32.atomic.rmw.add", 64);
    },
    { export: true },
  );
  const memory = new WebAssembly.Memory(shared);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.encode()), { env: { memory } });
  const f = instance.exports.f as () => number;
  assert.deepEqual([f(), f()], [7, 12]);
});

test("the text has names, types and offsets", () => {
  const module = new ModuleBuilder();
  module.importMemory(shared);
  module.addFunction(
    "scale row",
    ["i32", "f64"],
    [],
    (f) => {
      f.local("i32");
      f.local("i32");
      f.get(0);
      f.get(1);
      f.constant("f64", 0.5);
      f.emit("f64.mul");
      f.memory("f64.store", 8);
      f.block((out) => {
        f.i32(-3);
        f.branchIf(out);
      });
    },
    { export: true },
  );
  assert.equal(
    printModule(module),
    `(module
  (import "env" "memory" (memory 1 4 shared))
  (func $scale_row_0 (export "scale row") (param i32 f64)
    (local i32 i32)
    local.get 0
    local.get 1
    f64.const 0.5
    f64.mul
    f64.store offset=8
    block
      i32.const -3
      br_if 0
    end
  )
)
`,
  );
});

test("writes megabytes of code in reasonable time", () => {
  const module = new ModuleBuilder();
  module.addFunction("long", [], [], (f) => {
    const x = f.local("f64");
    for (let i = 0; i < 200_000; i++) {
      f.get(x);
      f.get(x);
      f.emit("f64.add");
      f.set(x);
    }
  });
  const start = performance.now();
  assert.ok(module.encode().length > 1_400_000);
  assert.ok(performance.now() - start < 1000);
});
