/** Writes .npy, version 1, little-endian, and .npz, one stored member for each leaf. */
import { zipSync } from "fflate";
import type { ArrayValue } from "../../compiler/program.ts";
import { leavesOf } from "./leaves.ts";
import type { DataWriter, SaveRequest } from "./writers.ts";

export const npyWriter: DataWriter = {
  extension: ".npy",
  write(request) {
    if (request.value.kind === "tuple")
      return request.refuse("a tuple is several arrays", "Save it to .npz, or save its fields one by one.");
    return encodeNpy(request.value, request);
  },
};

export const npzWriter: DataWriter = {
  extension: ".npz",
  write(request) {
    const leaves = leavesOf(request.value);
    if (leaves.length === 0) request.refuse("it has no fields");
    const members = leaves.map(({ name, value }) => [`${name === "" ? "value" : name}.npy`, encodeNpy(value, request)]);
    // A fixed date: the same values give the same bytes. Not deflated, like numpy.savez: noise does not shrink.
    return zipSync(Object.fromEntries(members), { level: 0, mtime: "1980-01-01T00:00:00" });
  },
};

/** The header is padded so that the numbers start at a multiple of this. */
const alignment = 64;

function encodeNpy(value: ArrayValue, request: SaveRequest): Uint8Array {
  const { data, shape } = value.array;
  const header = `{'descr': '${typeCode(value, request)}', 'fortran_order': False, 'shape': (${shape.join(", ")}${shape.length === 1 ? "," : ""}), }`;
  const start = Math.ceil((10 + header.length + 1) / alignment) * alignment;
  const out = new Uint8Array(start + data.byteLength);
  out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  new DataView(out.buffer).setUint16(8, start - 10, true);
  out.set(new TextEncoder().encode(`${header.padEnd(start - 11)}\n`), 10);
  // All machines Node runs on are little-endian, so memory is already what the header promises.
  out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start);
  return out;
}

function typeCode(value: ArrayValue, request: SaveRequest): string {
  switch (value.type) {
    case "real":
      return value.array.data instanceof Float32Array ? "<f4" : "<f8";
    case "int":
      return "<i4";
    case "bool":
      return "|b1";
    case "key":
      return "<u4";
    case "status":
      return request.refuse("a status is a word, no number", "Save it to .json or .csv.");
  }
  return value.type satisfies never;
}
