/** The code of the kernels that were written last, for others that do the same. */
import type { Kernel, Precision } from "../../kernel/ir.ts";
import { kernelKey } from "../../kernel/same.ts";
import type { FunctionBuilder, ValueType } from "./encoder.ts";

interface Code {
  readonly locals: readonly ValueType[];
  readonly bytes: Uint8Array;
}

/** How many kernels are remembered. */
const most = 512;

export class RecentCode {
  /** By what the kernels do and their precision; the one that was used longest ago comes first. */
  readonly #code = new Map<string, Code>();

  /** Writes the whole function, if its code is known. */
  restore(f: FunctionBuilder, kernel: Kernel, precision: Precision): boolean {
    const key = keyOf(kernel, precision);
    const found = this.#code.get(key);
    if (!found) return false;
    this.#code.delete(key);
    this.#code.set(key, found);
    f.takeOver(found.locals, found.bytes);
    return true;
  }

  /** Remembers a function that was written, unless it calls others. */
  keep(f: FunctionBuilder, kernel: Kernel, precision: Precision): void {
    if (f.calls) return;
    this.#code.set(keyOf(kernel, precision), { locals: [...f.locals], bytes: f.code.written().slice() });
    if (this.#code.size > most) this.#code.delete(this.#code.keys().next().value!);
  }
}

const keyOf = (kernel: Kernel, precision: Precision) => `${precision} ${kernelKey(kernel)}`;
