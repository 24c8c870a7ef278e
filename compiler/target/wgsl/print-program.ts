/** All WGSL that a program is on a fast device, for people. */
import type { WgslKernel } from "./kernel.ts";
import type { Program } from "./program.ts";

/** First the kernels that are dispatched by themselves, then the pieces of the resident workgroup, which call the others. */
export function printProgram({ blocks, resident }: Program): string {
  const dispatched = new Set<WgslKernel>();
  blocks.forEach(({ commands, tail }, b) => {
    const isResident = resident.pieceOf[b] !== undefined;
    for (const command of isResident ? commands : [...commands, ...tail])
      if (command.kind === "kernel") dispatched.add(command.kernel);
  });
  const texts = [...[...dispatched].map((k) => k.text), ...resident.pieces.map((piece) => piece.kernel().text)];
  return texts.join("\n").replace(/\n{3,}/g, "\n\n");
}
