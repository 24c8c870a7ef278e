/** Elements as the device keeps them: reals as f32, ints as they are, bools as the words 0 and 1. */
import type { ArrayData, DType } from "../../compiler/core/array.ts";
import type { Words } from "./transfers.ts";

/** Reals are rounded to f32. */
export function toWords(dtype: DType, data: ArrayData): Words {
  switch (dtype) {
    case "real":
      return Float32Array.from(data);
    case "int":
      return Int32Array.from(data);
    case "bool":
      return Uint32Array.from(data, (x) => (x === 0 ? 0 : 1));
  }
}

/** Reals come back as f64, as the rest of the runtime has them. */
export function fromWords(dtype: DType, words: Uint32Array<ArrayBuffer>): Float64Array | Int32Array | Uint8Array {
  switch (dtype) {
    case "real":
      return Float64Array.from(new Float32Array(words.buffer, words.byteOffset, words.length));
    case "int":
      return new Int32Array(words.buffer, words.byteOffset, words.length);
    case "bool":
      return Uint8Array.from(words);
  }
}
