/** What of a program the resident workgroup can do, piece by piece; pieces are printed when they are asked for. */
import type { BlockWriter, OpenBlock } from "./block-writer.ts";
import { cutIntoPieces } from "./pieces.ts";
import type { ResidentPolicy } from "./policy.ts";
import { blocksOf, type Region } from "./program.ts";
import { PiecePrinter } from "./resident.ts";

export interface ResidentKernel {
  readonly text: string;
  readonly entryPoint: string;
  readonly workgroupSize: number;
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
}

/** What the resident workgroup can do of blocks whose tables are written. */
export function planResident(
  { blocks, rowsWithPlaces }: BlockWriter,
  regions: readonly Region[],
  policy: ResidentPolicy,
): Resident {
  const { pieces, cutLoops } = cutIntoPieces(blocks, regions, policy);
  const pieceOf = new Array<number | undefined>(blocks.length).fill(undefined);
  pieces.forEach((piece, n) => {
    for (const b of blocksOf(piece.regions)) pieceOf[b] = n;
  });
  const context: ResidentContext = { blocks, pieceOf, cutLoops, rowsWithPlaces, loops: loopsOf(blocks, regions) };
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

function loopsOf(blocks: readonly OpenBlock[], regions: readonly Region[]): Map<number, LoopFacts> {
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
