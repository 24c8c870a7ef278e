/**
 * Control flow on the device. A program is a row of blocks; `counter` says which of them is to run. Dispatches of a
 * block take their workgroups from memory, and there are none while it is another's turn. What a block does besides, and
 * where to go on, is up to the resident workgroup (resident.ts); its first invocation calls the functions below. So
 * whole loops run without the host, and need not be encoded step by step.
 */

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
  /** How many operations the resident workgroup may still do before the host has to be asked. */
  fuel: 13,
  length: 14,
} as const;

/** Of a loop: steps taken, the most there may be, the place of this step's slices, times entered, all steps taken. */
export const loopWords = { taken: 0, limit: 1, place: 2, entered: 3, iterations: 4, length: 5 } as const;

/** Of a branch: how often its first way was taken, and the other, where the ways have dispatches. */
export const branchWords = { then: 0, otherwise: 1, length: 2 } as const;

/** Words of a log entry: event, status, iterations, error. */
export const logEntryWords = 4;

/**
 * The arenas after the uniform at binding 0: data, state, tables, and the workgroups of indirect dispatches. Tables are
 * only read: so what stands at a place that all invocations know is the same for all.
 */
export const arenaDeclarations = ["data", "state", "tables", "workgroups"].map(
  (name, n) =>
    `@group(0) @binding(${n + 1}) var<storage, ${name === "tables" ? "read" : "read_write"}> ${name}: array<u32>;`,
);

/** Words of a block's row in the tables: where its list of workgroups is, and how long that is. */
export const blockWords = 2;

/** The block of the resident workgroup when there is nothing more to do in this dispatch. */
export const leave = 0xffff_fffd;

/** What the functions below and those of resident.ts are called. */
export const controlNames = [
  ...[
    "data",
    "state",
    "tables",
    "workgroups",
    "began",
    "counter",
    "fuel",
    "is_over",
    "progress",
    "current",
    "set_workgroups",
  ],
  ...["go", "has_room", "again", "spend", "begin", "end", "check", "report", "is_elsewhere", "at", "lane", "goes_on"],
] as const;

/** The function that opens or closes a block's dispatches. An entry: the place, and workgroups in x and y. */
export const workgroupsFunction = `fn set_workgroups(block: u32, is_active: bool) {
  let row = state[${header.blocks}] + ${blockWords}u * block;
  let start = tables[row];
  let count = tables[row + 1u];
  for (var i = 0u; i < count; i++) {
    let entry = start + 3u * i;
    let place = tables[entry];
    workgroups[place] = select(0u, tables[entry + 1u], is_active);
    workgroups[place + 1u] = select(0u, tables[entry + 2u], is_active);
    workgroups[place + 2u] = select(0u, 1u, is_active);
  }
}`;

/**
 * Functions of the first invocation of the resident workgroup. They need `places` with `block`, the block whose commands
 * were dispatched just before, and `is_elsewhere`, whether a block cannot be done here. What memory need not hold is in
 * private variables until the end: software adapters are slow to compile what touches memory.
 */
export const controlFunctions = `// Only the first invocation knows these; current is for all.
var<private> began: u32;
var<private> counter: u32;
var<private> fuel: u32;
var<private> is_over: bool;
var<private> progress: vec4u;
var<workgroup> current: u32;

fn go(block: u32) {
  counter = block;
  current = select(block, ${leave}u, is_elsewhere(block));
}

fn has_room() -> bool {
  return state[${header.logged}] + state[${header.room}] <= state[${header.capacity}];
}

fn spend(cost: u32) {
  fuel -= min(fuel, cost);
}

fn again(head: u32, is_full: bool) {
  go(head);
  if is_full {
    go(${paused}u);
    state[${header.resume}] = head;
  }
  if fuel == 0u {
    current = ${leave}u;
  }
}

fn check(failing: u32, event: u32, shown: u32, shown_count: u32) {
  if !is_over && data[failing] != 0x7fffffffu {
    is_over = true;
    state[${header.failure}] = event + 1u;
    for (var i = 0u; i < shown_count; i++) {
      state[state[${header.shown}] + i] = data[shown + i];
    }
  }
}

fn report(event: u32, lanes: u32, status: u32, iterations: u32, error: u32) {
  for (var i = 0u; i < lanes; i++) {
    // A negative status marks a lane that was not asked for.
    if is_over || bitcast<i32>(data[status + i]) < 0 || state[${header.logged}] >= state[${header.capacity}] {
      continue;
    }
    let entry = state[${header.log}] + ${logEntryWords}u * state[${header.logged}];
    state[entry] = event;
    state[entry + 1u] = data[status + i];
    state[entry + 2u] = data[iterations + i];
    state[entry + 3u] = data[error + i];
    state[${header.logged}] += 1u;
  }
}
`;
