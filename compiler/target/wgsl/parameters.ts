/**
 * What differs between pieces of the resident workgroup that do the same at different places: numbers of blocks and rows
 * of the state, counted from the piece's own, and the places of arrays, in the order in which the text comes to them. So
 * such pieces are one text, which is compiled once.
 */
import { leave } from "./control.ts";

/** The binding of the parameters, after the arenas. */
export const parametersBinding = 5;

const headWords = 4;

export class Parameters {
  readonly #firstBlock: number;
  readonly #firstRow: number;
  readonly #known = new Map<string, string>();
  readonly #places: number[] = [];
  readonly #rows = new Map<number, number>();

  constructor(firstBlock: number, firstRow: number) {
    this.#firstBlock = firstBlock;
    this.#firstRow = firstRow;
  }

  /** The declaration, when everything else is printed. */
  declaration(): string[] {
    const count = Math.ceil(this.#places.length / 4);
    return [
      "struct Parameters {",
      "  first_block: u32,",
      "  first_row: u32,",
      ...(count > 0 ? [`  places: array<vec4u, ${count}>,`] : []),
      "}",
      `@group(0) @binding(${parametersBinding}) var<uniform> parameters: Parameters;`,
    ];
  }

  /** Their words. */
  words(): number[] {
    const words = [this.#firstBlock, this.#firstRow, 0, 0, ...this.#places];
    while (words.length % headWords > 0) words.push(0);
    return words;
  }

  /** A place in an arena, or another number that the text does not depend on; those of different kinds are told apart. */
  place(value: number, kind: "data" | "table" | "event" = "data"): string {
    const key = `${kind} ${value}`;
    let text = this.#known.get(key);
    if (text === undefined) {
      const n = this.#places.length;
      text = `parameters.places[${n >> 2}].${"xyzw"[n & 3]}`;
      this.#places.push(value >>> 0);
      this.#known.set(key, text);
    }
    return text;
  }

  /** A block, or a value of the counter that is none. */
  block(block: number): string {
    return block >= leave ? `${block}u` : relative("parameters.first_block", block - this.#firstBlock);
  }

  /** A block of the piece, counted from its first. */
  own(block: number): string {
    return `${block - this.#firstBlock}u`;
  }

  /** A word of the state that belongs to a loop or a branch. */
  state(place: number): string {
    return `state[${this.stateIndex(place)}]`;
  }

  stateIndex(place: number): string {
    return relative("parameters.first_row", place - this.#firstRow);
  }

  /** The number of a loop among those that are entered or gone on with here. */
  loop(row: number): number {
    const known = this.#rows.get(row) ?? this.#rows.size + 1;
    this.#rows.set(row, known);
    return known;
  }

  /** The rows of these loops, in the order of their numbers. */
  get loops(): readonly number[] {
    return [...this.#rows.keys()];
  }
}

function relative(base: string, distance: number): string {
  if (distance === 0) return base;
  return distance > 0 ? `${base} + ${distance}u` : `${base} - ${-distance}u`;
}
