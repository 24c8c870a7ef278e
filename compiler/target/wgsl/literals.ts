/**
 * Constants as WGSL text. A constant expression that is infinite, NaN or out of range is an error in WGSL, and one
 * that is subnormal may become zero: such reals have no literal, and are made from their bits at run time.
 */

const smallestNormal = 2 ** -126;
const largest = 2 ** 128 - 2 ** 104;

/**
 * The literal of a real, rounded to f32, or undefined when it must be made from bits. The shortest decimal that an
 * f32 reader takes back to the same number.
 */
export function realLiteral(value: number): string | undefined {
  const x = Math.fround(value);
  // Compilers also lose the sign of a zero that they compute.
  if (!Number.isFinite(x) || Object.is(x, -0) || (x !== 0 && Math.abs(x) < smallestNormal)) return undefined;
  for (let digits = 1; digits <= 17; digits++) {
    const decimal = Number(x.toPrecision(digits));
    // Nine digits do, but a decimal above the largest number is an error even where it would be rounded to it.
    if (Math.fround(decimal) === x && Math.abs(decimal) <= largest) return `${plainDecimal(decimal)}f`;
  }
  throw new Error(`internal error: the f32 ${x} has no decimal`);
}

/** 1e+21 as 1e21, 100 as 100.0. */
function plainDecimal(x: number): string {
  const short = String(x).replace("e+", "e");
  return /[.e]/.test(short) ? short : `${short}.0`;
}

const word = new DataView(new ArrayBuffer(4));

/** The bits of a real, rounded to f32, as an unsigned literal. */
export function realBits(value: number): string {
  word.setFloat32(0, value);
  return bitsLiteral(BigInt(word.getUint32(0)));
}

/** 32 bits as an unsigned literal. */
export const bitsLiteral = (value: bigint): string => `0x${BigInt.asUintN(32, value).toString(16)}u`;

/** An int: without a suffix, for the smallest one is written as minus 2147483648, which is no i32. */
export const intLiteral = (value: number): string => String(value | 0);
