/**
 * What the resident workgroup does, cut into pieces that are compiled and dispatched each by itself, and only when it is
 * their turn: there is much that does not run, such as the other ways of a branch. A loop is cut only when it alone is too
 * long; then each of its steps takes several dispatches.
 */
import { forEachNode } from "../../kernel/affine.ts";
import type { Kernel } from "../../kernel/ir.ts";
import type { OpenBlock } from "./block-writer.ts";
import type { Phase } from "./phases.ts";
import type { ResidentPolicy } from "./policy.ts";
import type { Region } from "./program.ts";
import { forEachStatement, rootsOf } from "./walk.ts";

/** How many times as long as another piece a loop may be. */
const largerLoop = 4;

export interface Piece {
  /** Whole blocks and loops, in their order. */
  readonly regions: readonly Region[];
  /** Accesses to memory, about. */
  readonly weight: number;
}

export interface Pieces {
  readonly pieces: readonly Piece[];
  /** The rows of loops whose bodies are in several pieces. */
  readonly cutLoops: ReadonlySet<number>;
}

export function cutIntoPieces(
  blocks: readonly OpenBlock[],
  regions: readonly Region[],
  { largestPiece, isForLoops }: ResidentPolicy,
): Pieces {
  const weights = blocks.map((b) => b.tail.reduce((sum, phase) => sum + weightOf(phase), 0));
  const weigh = (r: Region): number =>
    r.kind === "block" ? weights[r.block]! : r.body.reduce((sum, inner) => sum + weigh(inner), 0);
  const pieces: { regions: Region[]; weight: number }[] = [];
  const cutLoops = new Set<number>();
  let room = 0;
  const place = (r: Region): void => {
    const weight = weigh(r);
    if (r.kind === "loop" && weight > largerLoop * largestPiece) {
      if (!isForLoops) cutLoops.add(r.row);
      r.body.forEach(place);
      return;
    }
    if (isForLoops && r.kind === "block") return;
    if (weight > room || pieces.length === 0 || isForLoops) {
      pieces.push({ regions: [], weight: 0 });
      room = largestPiece;
    }
    const piece = pieces.at(-1)!;
    piece.regions.push(r);
    piece.weight += weight;
    room -= weight;
  };
  regions.forEach(place);
  return { pieces, cutLoops };
}

const kernelWeights = new WeakMap<Kernel, number>();

function weightOf(phase: Phase): number {
  if (phase.kind === "move") return Math.min(2 * phase.segments.length, 10);
  if (phase.kind === "control") return phase.name === "report" ? 12 : 4;
  let weight = kernelWeights.get(phase.kernel);
  if (weight === undefined) {
    let count = 0;
    forEachStatement([phase.kernel.grid], (s) => {
      if (s.op === "store") count += 1;
      forEachNode(rootsOf(s), (e) => {
        count += e.op === "load" ? 1 : 0.1;
      });
    });
    weight = count;
    kernelWeights.set(phase.kernel, weight);
  }
  return weight;
}
