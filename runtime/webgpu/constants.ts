/**
 * The flags of WebGPU that the runtime uses. In Node they are no globals; the numbers are the specification's
 * (https://www.w3.org/TR/webgpu/#namespacedef-gpubufferusage and its neighbours).
 */
export const BufferUsage = {
  mapRead: 0x1,
  copySource: 0x4,
  copyDestination: 0x8,
  uniform: 0x40,
  storage: 0x80,
  indirect: 0x100,
} as const;

/** Of a buffer, too: what queries are resolved into. */
export const QueryUsage = { resolve: 0x200 } as const;

export const MapMode = { read: 0x1 } as const;

export const ShaderStage = { compute: 0x4 } as const;
