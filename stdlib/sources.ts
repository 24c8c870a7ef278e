/** Made by `npm run bundle` from the .opt files beside it; not to be edited. */
export const standardLibrary: Readonly<Record<string, string>> = {
  "std/first-order":
    "",
};
