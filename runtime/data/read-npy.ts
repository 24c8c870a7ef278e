/**
 * NumPy's .npy: a header in Python's notation, then the numbers as they lie in memory.
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import { sizeOf } from "../../compiler/core/array.ts";
import {
  badFile,
  badName,
  codes,
  type DataReader,
  type DataSource,
  entryPlace,
  mostElements,
  type RawArray,
  refuseLarge,
} from "./format.ts";

export const npyReader: DataReader = {
  extensions: [".npy"],
  read(source) {
    const { selection } = source.declaration;
    if (selection && !source.overridden)
      badName(
        source,
        selection.names[0]!,
        codes.selection,
        "holds one array, without names.",
        "Leave the selection out.",
      );
    return decodeNpy(source, source.bytes);
  },
};

interface Header {
  readonly littleEndian: boolean;
  /** `f8`, `u1`, `b1`, ... */
  readonly type: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  /** Where the numbers start. */
  readonly offset: number;
}

/** NumPy's own limit on the number of axes. */
const mostAxes = 64;

/** Decodes an .npy file or a member of an .npz. */
export function decodeNpy(source: DataSource, bytes: Uint8Array): RawArray {
  const header = readHeader(source, bytes);
  const { shape } = header;
  const itemSize = Number(header.type.slice(1));
  const size = sizeOf(shape);
  const stored = bytes.length - header.offset;
  // Compared before anything of that size is made: the header may claim anything.
  if (size > mostElements) badFile(source, codes.tooLarge, `its header says it has ${size} elements.`);
  if (size * itemSize !== stored)
    badFile(
      source,
      codes.damaged,
      `its header promises ${size * itemSize} bytes of numbers (shape [${shape.join(", ")}], type ${header.type}), but ${stored} follow.`,
      { help: stored < size * itemSize ? "The file is cut short: copy or save it again." : "Save the file again." },
    );
  // As reals, which most become; the file has been read already.
  refuseLarge(source, 8 * size);
  // A copy, since numbers must lie at multiples of their size. Not `slice`: a Buffer's shares its memory.
  const body = new Uint8Array(stored);
  body.set(bytes.subarray(header.offset));
  const inOrder = decodeNumbers(source, body, header);
  const values = header.fortranOrder && shape.length > 1 ? toRowMajor(inOrder, shape) : inOrder;
  return { shape, values, where: (index) => entryPlace(shape, index) };
}

function readHeader(source: DataSource, bytes: Uint8Array): Header {
  const damaged = (message: string): never =>
    badFile(source, codes.damaged, message, { help: "Save it again with `numpy.save(file, array)`." });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
  if (bytes.length < 10 || magic.some((byte, i) => bytes[i] !== byte)) damaged("this is not an .npy file.");
  const version = bytes[6]!;
  if (version < 1 || version > 3) damaged(`version ${version} of the format is unknown.`);
  const start = version === 1 ? 10 : 12;
  if (bytes.length < start) damaged("the file ends in its header.");
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (start + length > bytes.length) damaged("the file ends in its header.");
  if (length > 2 ** 16) damaged("its header is longer than any NumPy writes.");
  const text = new TextDecoder("latin1").decode(bytes.subarray(start, start + length)).trim();

  const descr = /'descr'\s*:\s*'([^']*)'/.exec(text)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const axes = /'shape'\s*:\s*\(([\d\s,L]*)\)/.exec(text)?.[1];
  if (descr === undefined && /'descr'\s*:\s*\[/.test(text))
    badFile(source, codes.unsupportedType, "it holds records; karush reads arrays of numbers.", {
      help: "Save each field as an array of its own.",
    });
  if (!text.startsWith("{") || descr === undefined || order === undefined || axes === undefined)
    return damaged("its header cannot be read.");

  const shape = axes
    .split(",")
    .map((part) => part.trim().replace(/L$/, "")) // Python 2 wrote long integers so
    .filter((part) => part !== "")
    .map(Number);
  if (shape.length > mostAxes || shape.some((n) => !Number.isSafeInteger(n) || n >= mostElements))
    badFile(source, codes.tooLarge, `its header says its shape is [${shape.join(", ")}].`);

  const [, endian = "", type = ""] = /^([<>|=]?)([fiub?]\d*)$/.exec(descr) ?? [];
  const known = type === "?" ? "b1" : type;
  if (!["b1", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"].includes(known))
    badFile(source, codes.unsupportedType, `its elements are of type ${JSON.stringify(descr)}.`, {
      help: "karush reads real numbers of 16, 32 and 64 bits, integers and booleans: convert with `.astype(float)`.",
    });
  return { littleEndian: endian !== ">", type: known, fortranOrder: order === "True", shape, offset: start + length };
}

/** Turns the bytes, a copy of our own, into numbers. */
function decodeNumbers(source: DataSource, bytes: Uint8Array, header: Header): ArrayLike<number> {
  const { buffer } = bytes;
  if (!header.littleEndian) swapBytes(buffer, Number(header.type.slice(1)));
  switch (header.type) {
    case "b1":
    case "u1":
      return bytes;
    case "i1":
      return new Int8Array(buffer);
    case "u2":
      return new Uint16Array(buffer);
    case "i2":
      return new Int16Array(buffer);
    case "u4":
      return new Uint32Array(buffer);
    case "i4":
      return new Int32Array(buffer);
    case "f4":
      return new Float32Array(buffer);
    case "f8":
      return new Float64Array(buffer);
    case "f2":
      return Float32Array.from(new Uint16Array(buffer), halfToNumber);
    default:
      return wideIntegers(source, buffer, header);
  }
}

/** 64-bit integers, refused where a double would round them. */
function wideIntegers(source: DataSource, buffer: ArrayBufferLike, header: Header): Float64Array {
  const wide = header.type === "u8" ? new BigUint64Array(buffer) : new BigInt64Array(buffer);
  const values = new Float64Array(wide.length);
  for (let i = 0; i < wide.length; i++) {
    const value = Number(wide[i]!);
    if (!Number.isSafeInteger(value))
      badFile(source, codes.notAnInteger, `it holds ${wide[i]}, an integer too large to be kept exactly.`);
    values[i] = value;
  }
  return values;
}

function swapBytes(buffer: ArrayBufferLike, itemSize: number): void {
  const bytes = Buffer.from(buffer);
  if (itemSize === 2) bytes.swap16();
  else if (itemSize === 4) bytes.swap32();
  else if (itemSize === 8) bytes.swap64();
}

/** IEEE 754 half precision. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** From the first axis running fastest to the last. */
function toRowMajor(values: ArrayLike<number>, shape: readonly number[]): Float64Array {
  const out = new Float64Array(values.length);
  const index = new Array<number>(shape.length).fill(0);
  const strides: number[] = [];
  for (let stride = 1, axis = 0; axis < shape.length; stride *= shape[axis]!, axis++) strides.push(stride);
  let at = 0;
  for (let i = 0; i < out.length; i++) {
    out[i] = values[at]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      at -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}
