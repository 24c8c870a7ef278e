/** Copies of words: as a kernel of their own, and as a function of the resident workgroup. */
import { loopWords } from "./control.ts";
import type { Segment } from "./phases.ts";

/** Of a segment to copy: first invocation, from, to, stride of each per step of a loop, step in `from`, the loop's place + 1. */
export const segmentWords = 7;

/** Where a loop's place in the state is, + 1; 0 for copies that are always the same. */
export const placeOf = (s: Segment): number => (s.row === undefined ? 0 : s.row + loopWords.place + 1);

/** The words of a table of segments, and how many words they copy. */
export function segmentTable(segments: readonly Segment[]): { readonly words: number[]; readonly count: number } {
  const words: number[] = [];
  let count = 0;
  for (const s of segments) {
    words.push(count, s.from, s.to, s.fromStride, s.toStride, s.step, placeOf(s));
    count += s.length;
  }
  if (words.length !== segments.length * segmentWords) throw new Error("internal error: a segment of the wrong length");
  return { words, count };
}

export const moveWorkgroupSize = 64;

/** The function that copies one word: of all that the segments copy, the one with this number. */
export const moveFunction = `fn move_word(id: u32, segments: u32, segment_count: u32) {
  var segment = segments;
  let last = segment + (segment_count - 1u) * ${segmentWords}u;
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
}`;

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

${moveFunction}

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
  move_word(id, places.segments, places.segment_count);
}
`;
