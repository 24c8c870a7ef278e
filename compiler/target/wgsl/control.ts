/**
 * Control flow on the device. A program is a row of blocks; `counter` says which of them is to run. Dispatches of a
 * block take their workgroups from memory, and there are none while it is another's turn. At the end of each block one
 * invocation of the control kernel finds out where to go on. So whole loops can be encoded without knowing how they end.
 */

/** What an invocation of the control kernel does, and the words that it takes after the operation and the block. */
export const operations = {
  /** Goes on where the program was left, when there is room for what it may report. */
  resume: 0,
  /** next */
  jump: 1,
  /** predicate, then, otherwise */
  branch: 2,
  /** loop, whether there is a count, count, length, whether backward, steps, head, exit */
  enter: 3,
  /** loop, steps (where the condition's result is), body, exit */
  condition: 4,
  /** loop, whether backward, steps, head, exit, event + 1 or 0, value + 1 or 0, error + 1 or 0 */
  next: 5,
  /** failing, event, where the numbers to show are, how many */
  check: 6,
  /** event, lanes, status, iterations, error */
  report: 7,
  finish: 8,
} as const;

/** Words of the operation itself: it and its block. */
export const operationWords = 11;

/** Values of the counter that are no block. */
export const paused = 0xffff_fffe;
export const finished = 0xffff_ffff;

/** Places in the state. */
export const header = {
  counter: 0,
  /** Where to go on when paused. */
  resume: 1,
  /** Of the table of blocks, in the tables. */
  blocks: 2,
  /** The event of the check that failed, + 1. */
  failure: 3,
  /** Where the numbers of a failure go. */
  shown: 4,
  /** The solve whose step was last finished: its event + 1, the iteration, the value and the error. */
  progress: 5,
  iteration: 6,
  value: 7,
  error: 8,
  /** Entries in the log, how many fit, where they are, and how many must fit before a loop may go on. */
  logged: 9,
  capacity: 10,
  log: 11,
  room: 12,
  length: 13,
} as const;

/** Of a loop: steps taken, the most there may be, the place of this step's slices, times entered, all steps taken. */
export const loopWords = { taken: 0, limit: 1, place: 2, entered: 3, iterations: 4, length: 5 } as const;

/** Words of a log entry: event, status, iterations, error. */
export const logEntryWords = 4;

/** Of a segment to copy: first invocation, from, to, stride of each per step of a loop, step in `from`, the loop's place + 1. */
export const segmentWords = 7;

const names = Object.entries(operations).map(([name, code]) => `const ${name}_operation = ${code}u;`);
const arguments_ = Array.from({ length: operationWords - 3 }, (_, i) => `a${i}: u32,`);

/**
 * The control kernel: one invocation. Its uniform: operation, zero, block, arguments. Arenas: data, state, tables, and
 * the workgroups of indirect dispatches.
 */
export const controlText = `// control flow
${names.join("\n")}

struct Places {
  operation: u32,
  zero: u32,
  block: u32,
  ${arguments_.join("\n  ")}
}
@group(0) @binding(0) var<uniform> places: Places;
@group(0) @binding(1) var<storage, read_write> data: array<u32>;
@group(0) @binding(2) var<storage, read_write> state: array<u32>;
@group(0) @binding(3) var<storage, read_write> tables: array<u32>;
@group(0) @binding(4) var<storage, read_write> workgroups: array<u32>;

// A block's row tells where its list of workgroups is, and how long. An entry: the place, and workgroups in x and y.
fn set_workgroups(block: u32, is_active: bool) {
  let row = state[${header.blocks}] + 2u * block;
  let start = tables[row];
  let count = tables[row + 1u];
  for (var i = 0u; i < count; i++) {
    let entry = start + 3u * i;
    let place = tables[entry];
    workgroups[place] = select(0u, tables[entry + 1u], is_active);
    workgroups[place + 1u] = select(0u, tables[entry + 2u], is_active);
    workgroups[place + 2u] = select(0u, 1u, is_active);
  }
}

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
  if places.a5 != 0u {
    state[${header.progress}] = places.a5;
    state[${header.iteration}] = taken - 1u;
    state[${header.value}] = 0x7fc00000u;
    state[${header.error}] = 0x7fc00000u;
    if places.a6 != 0u {
      state[${header.value}] = data[places.a6 - 1u];
    }
    if places.a7 != 0u {
      state[${header.error}] = data[places.a7 - 1u];
    }
  }
  state[row + ${loopWords.taken}] = taken;
  state[row + ${loopWords.iterations}] += 1u;
  if taken < state[row + ${loopWords.limit}] {
    set_place(row, places.a1);
    again(places.a3);
  } else {
    data[places.a2] = taken;
    go(places.a4);
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
  if places.operation == resume_operation {
    if state[${header.counter}] == ${paused}u && has_room() {
      state[${header.counter}] = state[${header.resume}];
      set_workgroups(state[${header.resume}], true);
    }
    return;
  }
  if state[${header.counter}] != places.block {
    return;
  }
  switch places.operation {
    case jump_operation: { go(places.a0); }
    case branch_operation: { go(select(places.a2, places.a1, data[places.a0] != 0u)); }
    case enter_operation: { enter(); }
    case condition_operation: { condition(); }
    case next_operation: { next(); }
    case check_operation: { check(); }
    case report_operation: { report(); }
    default: { stop(${finished}u); }
  }
}
`;

export const moveWorkgroupSize = 64;

/**
 * Copies segments of the data to others: an invocation for each element. The uniform: invocations, zero, where the
 * table of segments is, how many there are. Arenas: data, state, tables.
 */
export const moveText = `// copies
struct Places {
  count: u32,
  zero: u32,
  segments: u32,
  segment_count: u32,
}
@group(0) @binding(0) var<uniform> places: Places;
@group(0) @binding(1) var<storage, read_write> data: array<u32>;
@group(0) @binding(2) var<storage, read_write> state: array<u32>;
@group(0) @binding(3) var<storage, read_write> tables: array<u32>;

@compute @workgroup_size(${moveWorkgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let id = (group.y * groups.x + group.x) * ${moveWorkgroupSize}u + lane;
  if id >= places.count {
    return;
  }
  var segment = places.segments;
  let last = segment + (places.segment_count - 1u) * ${segmentWords}u;
  while segment < last && tables[segment + ${segmentWords}u] <= id {
    segment += ${segmentWords}u;
  }
  let i = id - tables[segment];
  var source = tables[segment + 1u] + i * tables[segment + 5u];
  var to = tables[segment + 2u] + i;
  if tables[segment + 6u] != 0u {
    let place = state[tables[segment + 6u] - 1u];
    source += place * tables[segment + 3u];
    to += place * tables[segment + 4u];
  }
  data[to] = data[source];
}
`;
