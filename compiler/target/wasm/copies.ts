/** Copies of arrays. `memory.copy` is a call of the engine, which takes as long as to copy some hundred bytes. */
import type { FunctionBuilder } from "./encoder.ts";

/** Up to so many bytes a copy is loads and stores, and up to so many a loop of them. */
const [mostStraight, mostLooped] = [128, 4096];

/** Copies `bytes`, a multiple of 4, from one address to another; `to` and `from` push them. They may not overlap. */
export function emitCopy(b: FunctionBuilder, to: () => void, from: () => void, bytes: number): void {
  if (bytes === 0) return;
  if (bytes > mostLooped) {
    to();
    from();
    b.i32(bytes);
    b.bulk("memory.copy");
    return;
  }
  let done = 0;
  if (bytes > mostStraight) {
    done = bytes - (bytes % 16);
    copyInLoop(b, to, from, done);
  }
  for (; bytes - done >= 16; done += 16) move(b, "v128", to, from, done);
  for (; bytes - done >= 8; done += 8) move(b, "i64", to, from, done);
  for (; bytes - done >= 4; done += 4) move(b, "i32", to, from, done);
}

function move(b: FunctionBuilder, type: "v128" | "i64" | "i32", to: () => void, from: () => void, at: number): void {
  to();
  from();
  b.memory(`${type}.load`, at);
  b.memory(`${type}.store`, at);
}

/** Moves 16 bytes at a time, as many as make `bytes`. */
function copyInLoop(b: FunctionBuilder, to: () => void, from: () => void, bytes: number): void {
  const [target, source, end] = [b.local("i32"), b.local("i32"), b.local("i32")];
  to();
  b.set(target);
  from();
  b.tee(source);
  b.i32(bytes);
  b.emit("i32.add");
  b.set(end);
  const advance = (address: number) => {
    b.get(address);
    b.i32(16);
    b.emit("i32.add");
  };
  b.loop((again) => {
    move(
      b,
      "v128",
      () => b.get(target),
      () => b.get(source),
      0,
    );
    advance(target);
    b.set(target);
    advance(source);
    b.tee(source);
    b.get(end);
    b.emit("i32.lt_u");
    b.branchIf(again);
  });
}
