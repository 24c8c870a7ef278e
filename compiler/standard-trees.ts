/**
 * The trees of the standard library's modules, packed, where they were made ready: the bundles for Node put a text for
 * each module here, made from the sources that they are made from. Everywhere else modules are parsed.
 */
export const packedTrees: Readonly<Record<string, () => string>> = {};
