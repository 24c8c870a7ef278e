/**
 * Control flow as dispatches of its own: one kernel for all programs, whose uniform says what to do, so it is compiled once.
 * It does what the functions of control.ts do within the resident workgroup, and leaves the state as those expect it.
 */
import {
  arenaDeclarations,
  branchWords,
  finished,
  header,
  logEntryWords,
  loopWords,
  paused,
  workgroupsFunction,
} from "./control.ts";
import { type ControlName, controlOperands } from "./phases.ts";

const mostOperands = Math.max(...Object.values(controlOperands));
const operationCodes = Object.fromEntries(Object.keys(controlOperands).map((name, code) => [name, code])) as Readonly<
  Record<ControlName, number>
>;

/** The words of the uniform: what to do, zero, the block whose turn it must be, operands. */
export const controlCommandWords = (name: ControlName, block: number, operands: readonly number[]): number[] => [
  operationCodes[name],
  0,
  block,
  ...operands,
];

/** The longest uniform, in words. */
export const controlUniformWords = 3 + mostOperands;

const names = Object.entries(operationCodes).map(([name, code]) => `const ${name}_operation = ${code}u;`);
const arguments_ = Array.from({ length: mostOperands }, (_, i) => `a${i}: u32,`);

/** The control kernel. Its uniform: operation, zero, block, operands. Arenas: those of control.ts. */
export const controlText = `// control flow
${names.join("\n")}

struct Places {
  operation: u32,
  zero: u32,
  block: u32,
  ${arguments_.join("\n  ")}
}
@group(0) @binding(0) var<uniform> places: Places;
${arenaDeclarations.join("\n")}

${workgroupsFunction}

fn go(block: u32) {
  set_workgroups(places.block, false);
  state[${header.counter}] = block;
  set_workgroups(block, true);
}

fn stop(counter: u32) {
  set_workgroups(places.block, false);
  state[${header.counter}] = counter;
}

fn has_room() -> bool {
  return state[${header.logged}] + state[${header.room}] <= state[${header.capacity}];
}

fn again(block: u32) {
  if has_room() {
    go(block);
  } else {
    stop(${paused}u);
    state[${header.resume}] = block;
  }
}

fn set_place(row: u32, backward: u32) {
  let taken = state[row + ${loopWords.taken}];
  state[row + ${loopWords.place}] = select(taken, state[row + ${loopWords.limit}] - 1u - taken, backward != 0u);
}

fn branch() {
  if data[places.a0] != 0u {
    state[places.a1 + ${branchWords.then}] += 1u;
    go(places.a2);
  } else {
    state[places.a1 + ${branchWords.otherwise}] += 1u;
    go(places.a3);
  }
}

fn enter() {
  let row = places.a0;
  var limit = bitcast<i32>(places.a3);
  if places.a1 != 0u {
    limit = min(bitcast<i32>(data[places.a2]), limit);
  }
  state[row + ${loopWords.taken}] = 0u;
  state[row + ${loopWords.limit}] = u32(max(limit, 0));
  if limit > 0 {
    state[row + ${loopWords.entered}] += 1u;
    set_place(row, places.a4);
    go(places.a6);
  } else {
    data[places.a5] = 0u;
    go(places.a7);
  }
}

fn condition() {
  if data[places.a1] != 0u {
    go(places.a2);
  } else {
    data[places.a1] = state[places.a0 + ${loopWords.taken}];
    go(places.a3);
  }
}

fn next() {
  let row = places.a0;
  let taken = state[row + ${loopWords.taken}] + 1u;
  if places.a3 != 0u {
    state[${header.progress}] = places.a3;
    state[${header.iteration}] = taken - 1u;
    state[${header.value}] = 0x7fc00000u;
    state[${header.error}] = 0x7fc00000u;
    if places.a4 != 0u {
      state[${header.value}] = data[places.a4 - 1u];
    }
    if places.a5 != 0u {
      state[${header.error}] = data[places.a5 - 1u];
    }
  }
  state[row + ${loopWords.taken}] = taken;
  state[row + ${loopWords.iterations}] += 1u;
  if taken < state[row + ${loopWords.limit}] {
    set_place(row, places.a1);
    again(places.a6);
  } else {
    data[places.a2] = taken;
    go(places.a7);
  }
}

fn check() {
  if data[places.a0] == 0x7fffffffu || state[${header.failure}] != 0u {
    return;
  }
  state[${header.failure}] = places.a1 + 1u;
  for (var i = 0u; i < places.a3; i++) {
    state[state[${header.shown}] + i] = data[places.a2 + i];
  }
  stop(${finished}u);
}

fn report() {
  for (var lane = 0u; lane < places.a1; lane++) {
    // A negative status marks a lane that was not asked for.
    if bitcast<i32>(data[places.a2 + lane]) < 0 || state[${header.logged}] >= state[${header.capacity}] {
      continue;
    }
    let entry = state[${header.log}] + ${logEntryWords}u * state[${header.logged}];
    state[entry] = places.a0;
    state[entry + 1u] = data[places.a2 + lane];
    state[entry + 2u] = data[places.a3 + lane];
    state[entry + 3u] = data[places.a4 + lane];
    state[${header.logged}] += 1u;
  }
}

@compute @workgroup_size(1)
fn main() {
  if state[${header.counter}] != places.block {
    return;
  }
  switch places.operation {
    case jump_operation: { go(places.a0); }
    case branch_operation: { branch(); }
    case enter_operation: { enter(); }
    case condition_operation: { condition(); }
    case next_operation: { next(); }
    case check_operation: { check(); }
    case report_operation: { report(); }
    default: { stop(${finished}u); }
  }
}
`;
