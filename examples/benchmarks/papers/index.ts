/** The loops of the papers in examples/papers. */
import { lvHba } from "./02.ts";
import { gradientNormalized } from "./05.ts";
import { sinkhornNewton } from "./06.ts";
import { relaxation } from "./07.ts";
import { recovery } from "./09.ts";
import { diffGrad } from "./10.ts";
import { trAct } from "./16.ts";
import type { Paper } from "./paper.ts";

export const papers: readonly Paper[] = [
  lvHba,
  gradientNormalized,
  sinkhornNewton,
  relaxation,
  recovery,
  ...diffGrad,
  trAct,
];
