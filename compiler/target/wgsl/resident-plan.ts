/** What of a program the resident workgroup can do, piece by piece; pieces are printed when they are asked for. */
import type { BlockWriter, OpenBlock } from "./block-writer.ts";
import type { Locate } from "./kernel.ts";
import { cutIntoPieces } from "./pieces.ts";
import type { ResidentPolicy } from "./policy.ts";
import { type Branch, blocksOf, type Region } from "./program.ts";
import { PiecePrinter } from "./resident.ts";

export interface ResidentKernel {
  readonly text: string;
  readonly entryPoint: string;
  readonly workgroupSize: number;
  /** The words of its parameters: pieces with the same text may differ in them. */
  readonly parameters: readonly number[];
}

export interface ResidentPiece {
  /** Prints it, once. */
  kernel(): ResidentKernel;
  /** Accesses to memory, about. */
  readonly weight: number;
  /** The rows of its loops, and how many dispatches a step of each takes without it. */
  readonly loops: readonly { readonly row: number; readonly dispatches: number }[];
}

/** The pieces of the resident workgroup, and for each block the one that can do its tail. */
export interface Resident {
  readonly pieces: readonly ResidentPiece[];
  readonly pieceOf: readonly (number | undefined)[];
}

interface LoopFacts {
  /** Whether the host encodes its steps. */
  readonly isEncoded: boolean;
  readonly reports: boolean;
}

/** What all pieces of a program know. */
export interface ResidentContext {
  readonly blocks: readonly OpenBlock[];
  readonly pieceOf: readonly (number | undefined)[];
  readonly cutLoops: ReadonlySet<number>;
  readonly rowsWithPlaces: ReadonlySet<number>;
  readonly loops: ReadonlyMap<number, LoopFacts>;
  /** The rows of branches whose ways have dispatches: the host wants to know which are taken. */
  readonly countedBranches: ReadonlySet<number>;
  readonly workgroup: ResidentPolicy["workgroup"];
  /** When the text is for people: where kernels and loops come from. */
  readonly locate: Locate | undefined;
}

/** What the resident workgroup can do of blocks whose tables are written. */
export function planResident(
  { blocks, rowsWithPlaces, locate }: BlockWriter,
  regions: readonly Region[],
  branches: readonly Branch[],
  policy: ResidentPolicy,
): Resident {
  const { pieces, cutLoops } = cutIntoPieces(blocks, regions, policy);
  const pieceOf = new Array<number | undefined>(blocks.length).fill(undefined);
  pieces.forEach((piece, n) => {
    for (const b of blocksOf(piece.regions)) pieceOf[b] = n;
  });
  const isDispatched = ({ then, otherwise }: Branch) => {
    const piece = pieceOf[then.first];
    const inside = blocks.slice(then.first, otherwise.last + 1);
    return piece === undefined || inside.some((b) => b.commands.length > 0 || pieceOf[b.index] !== piece);
  };
  const context: ResidentContext = {
    blocks,
    pieceOf,
    cutLoops,
    rowsWithPlaces,
    loops: factsOfLoops(blocks, regions),
    countedBranches: new Set(branches.filter(isDispatched).map((b) => b.row)),
    workgroup: policy.workgroup,
    locate,
  };
  const planned = pieces.map(({ regions, weight }, n): ResidentPiece => {
    let printed: ResidentKernel | undefined;
    const kernel = () => {
      printed ??= new PiecePrinter(context, regions, n).print();
      return printed;
    };
    return { kernel, weight, loops: regions.flatMap((r) => loopsIn(r, blocks)) };
  });
  return { pieces: planned, pieceOf };
}

function loopsIn(region: Region, blocks: readonly OpenBlock[]): { row: number; dispatches: number }[] {
  if (region.kind === "block") return [];
  const own = region.body.flatMap((r) => (r.kind === "block" ? [blocks[r.block]!] : []));
  const dispatches = own.reduce((sum, b) => sum + b.commands.length + b.tail.length, 0);
  return [{ row: region.row, dispatches }, ...region.body.flatMap((r) => loopsIn(r, blocks))];
}

function factsOfLoops(blocks: readonly OpenBlock[], regions: readonly Region[]): Map<number, LoopFacts> {
  const found = new Map<number, LoopFacts>();
  const visit = (r: Region): void => {
    if (r.kind === "block") return;
    const inside = blocksOf(r.body).map((b) => blocks[b]!);
    found.set(r.row, {
      isEncoded: inside.some((b) => b.commands.length > 0),
      reports: inside.some((b) => b.tail.some((p) => p.kind === "control" && p.name === "report")),
    });
    r.body.forEach(visit);
  };
  regions.forEach(visit);
  return found;
}
