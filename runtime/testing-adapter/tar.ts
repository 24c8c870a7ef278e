/** Reads archives of the ustar format (POSIX.1-1988): the plain files in them, under short names. */

export interface ArchivedFile {
  readonly path: string;
  readonly isExecutable: boolean;
  readonly content: Uint8Array;
}

const blockBytes = 512;

/** The plain files of an archive. Throws on what is no archive, and on kinds of entries this does not know. */
export function* filesOfArchive(archive: Uint8Array): Generator<ArchivedFile> {
  const text = (from: number, length: number) => {
    const bytes = archive.subarray(from, from + length);
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
  };
  const octal = (from: number, length: number) => Number.parseInt(text(from, length).trim() || "0", 8);
  let at = 0;
  while (at + blockBytes <= archive.length && archive[at] !== 0) {
    if (text(at + 257, 5) !== "ustar") throw new Error(`internal error: no archive at byte ${at}`);
    const prefix = text(at + 345, 155);
    const name = text(at, 100);
    const size = octal(at + 124, 12);
    const kind = text(at + 156, 1) || "0";
    const content = archive.subarray(at + blockBytes, at + blockBytes + size);
    if (kind === "0")
      yield {
        path: prefix === "" ? name : `${prefix}/${name}`,
        isExecutable: (octal(at + 100, 8) & 0o100) !== 0,
        content,
      };
    else if (kind !== "5") throw new Error(`internal error: an archive has ${name} of kind ${kind}`);
    at += blockBytes * (1 + Math.ceil(size / blockBytes));
  }
}
