/** NumPy's .npz: a zip file whose members are .npy files. One member is read, however many there are. */
import { crc32 } from "node:zlib";
import { strFromU8, type UnzipFileInfo, unzipSync } from "fflate";
import { badFile, badName, codes, type DataReader, type DataSource, refuseLarge } from "./format.ts";
import { listed, suggestion } from "./names.ts";
import { decodeNpy } from "./read-npy.ts";

export const npzReader: DataReader = {
  extensions: [".npz"],
  read(source) {
    const { selection } = source.declaration;
    if (selection && selection.kind !== "array")
      badName(source, selection.names[0]!, codes.selection, "has arrays, no columns.", 'Write `array "..."`.');
    const name = selection?.names[0];
    const members = listMembers(source);
    const names = members.map((member) => arrayName(member.name));
    if (name === undefined && names.length !== 1)
      badFile(source, codes.selection, names.length === 0 ? "it is empty." : `it has ${names.length} arrays.`, {
        help: names.length === 0 ? "Save it again." : `Choose one with \`array "..."\`: ${listed(names)}.`,
      });
    const at = name === undefined ? 0 : names.indexOf(name.value);
    const member = members[at];
    if (member === undefined)
      badName(
        source,
        name!,
        codes.unknownColumn,
        `has no array ${JSON.stringify(name!.value)}.`,
        suggestion(name!.value, names, "array"),
      );
    return decodeNpy(source, inflate(source, member));
  },
};

const largestMember = 2 ** 31;
/** Deflate cannot do better: a higher ratio is a lie, and believing it would set aside that much memory. */
const bestRatio = 1032;
const mostMembers = 100_000;

function arrayName(member: string): string {
  return member.replace(/\.npy$/, "");
}

function listMembers(source: DataSource): UnzipFileInfo[] {
  const members: UnzipFileInfo[] = [];
  unzip(source, (member) => {
    if (members.length >= mostMembers) badFile(source, codes.tooLarge, `it has more than ${mostMembers} members.`);
    members.push(member);
    return false;
  });
  return members;
}

function inflate(source: DataSource, wanted: UnzipFileInfo): Uint8Array {
  if (wanted.originalSize > largestMember)
    badFile(source, codes.tooLarge, `${wanted.name} says it has ${wanted.originalSize} bytes.`);
  if (wanted.originalSize > bestRatio * wanted.size + 64)
    badFile(source, codes.damaged, `${wanted.name} cannot be as large as it says, ${wanted.originalSize} bytes.`);
  refuseLarge(source, wanted.originalSize);
  let taken = false; // a second member of the same name is not looked at
  const bytes = unzip(source, (member) => {
    if (taken || member.name !== wanted.name) return false;
    taken = true;
    return true;
  })[wanted.name];
  const checksum = checksumOf(source.bytes, wanted.name);
  if (bytes === undefined || bytes.length !== wanted.originalSize || crc32(bytes) !== checksum)
    badFile(source, codes.damaged, `${wanted.name} does not match its checksum.`, {
      help: "Copy or save the file again.",
    });
  return bytes;
}

function unzip(source: DataSource, filter: (member: UnzipFileInfo) => boolean): Record<string, Uint8Array> {
  let refusal: unknown;
  try {
    return unzipSync(source.bytes, {
      filter: (member) => {
        try {
          return filter(member);
        } catch (error) {
          refusal = error;
          throw error;
        }
      },
    });
  } catch (error) {
    if (refusal !== undefined) throw refusal;
    const reason = error instanceof Error ? error.message : String(error);
    return badFile(source, codes.damaged, `it cannot be unpacked (${reason}).`, {
      help: "Copy or save the file again.",
    });
  }
}

/**
 * The CRC-32 of a member by the zip file's directory, which fflate reads past without looking at it.
 * Stored members have no other protection. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.12
 */
function checksumOf(zip: Uint8Array, name: string): number | undefined {
  const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
  for (let at = zip.length - 46; at >= 0; at--) {
    if (zip[at] !== 0x50 || view.getUint32(at, true) !== 0x02014b50) continue;
    const length = view.getUint16(at + 28, true);
    if (at + 46 + length <= zip.length && strFromU8(zip.subarray(at + 46, at + 46 + length)) === name)
      return view.getUint32(at + 16, true);
  }
  return undefined;
}
