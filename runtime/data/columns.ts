/** Which columns of a table a `data` declaration asks for: shared by the formats that have named columns. */
import { badFile, badName, codes, type DataSource } from "./format.ts";
import { listed, suggestion } from "./names.ts";

export interface ChosenColumns {
  /** Positions in the table, in the order wanted. */
  readonly positions: readonly number[];
  readonly names: readonly string[];
  /** A single `column` is a vector, everything else a matrix. */
  readonly rank: 1 | 2;
}

export function chooseColumns(source: DataSource, header: readonly string[]): ChosenColumns {
  const { declaration } = source;
  const { selection } = declaration;
  refuseDuplicates(source, header);
  if (selection?.kind === "array")
    badName(
      source,
      selection.names[0]!,
      codes.selection,
      "is a table: it has columns, no arrays.",
      'Write `column "..."`.',
    );
  const position = (name: (typeof wanted)[number]) => {
    const at = header.indexOf(name.value);
    if (at < 0)
      badName(
        source,
        name,
        codes.unknownColumn,
        `has no column ${JSON.stringify(name.value)}.`,
        suggestion(name.value, header, "column"),
      );
    return at;
  };
  const wanted = selection?.names ?? [];
  const named = wanted.map(position);
  const positions =
    selection === undefined
      ? header.map((_, i) => i)
      : selection.kind === "except"
        ? header.map((_, i) => i).filter((i) => !named.includes(i))
        : named;
  if (positions.length === 0) badFile(source, codes.selection, "no column is left.");

  const unnamed = positions.find((i) => header[i] === "");
  if (unnamed !== undefined && selection?.kind !== "column" && selection?.kind !== "columns")
    // What pandas writes for its index, and never what a model should see as a feature.
    badFile(source, codes.noHeader, `column ${unnamed + 1} has no name.`, {
      help: 'If it only numbers the rows, leave it out: `columns except ""`.',
    });

  const names = positions.map((i) => header[i]!);
  const vector =
    selection?.kind === "column" ||
    (selection === undefined && positions.length === 1 && declaration.shape.length === 1);
  if (!vector && declaration.shape.length === 1)
    badFile(
      source,
      codes.wrongRank,
      `${declaration.name} is to have one axis, but ${positions.length} columns are a matrix.`,
      {
        help: `Choose one: \`column ${JSON.stringify(names.at(-1))}\`. Its columns are ${listed(header)}.`,
      },
    );
  if (vector && declaration.shape.length === 2)
    badFile(source, codes.wrongRank, `${declaration.name} is to have two axes, but \`column\` gives a vector.`, {
      help: `Write \`columns ${JSON.stringify(names[0])}\` for a matrix of one column.`,
    });
  return { positions, names, rank: vector ? 1 : 2 };
}

function refuseDuplicates(source: DataSource, header: readonly string[]): void {
  const seen = new Map<string, number>();
  for (const [i, name] of header.entries()) {
    const before = seen.get(name);
    if (before !== undefined)
      badFile(
        source,
        codes.duplicateColumn,
        `columns ${before + 1} and ${i + 1} are both named ${JSON.stringify(name)}, so the name says nothing.`,
        { help: "Rename one of them in the file." },
      );
    seen.set(name, i);
  }
}
