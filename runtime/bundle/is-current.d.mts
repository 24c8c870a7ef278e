export const manifestPath: string;
export function stateOf(file: string): [mtimeMs: number, size: number];
export function isCurrent(root: string): boolean;
