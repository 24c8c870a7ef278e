/** Whether what was typed so far can be an entry, or goes on on the next line. */

const opening = "([{";
const closing = ")]}";
/** What a line may not end an entry with: an infix operator, or a word that wants more. */
const wantsMore = /([=,:;+*/@^<>-]|\.\.|\b(and|or|not|then|else|in|with|while|for|from|to))$/;

export function isComplete(text: string): boolean {
  let depth = 0;
  let code = "";
  for (let i = 0; i < text.length; i++) {
    const rest = text.slice(i, i + 2);
    if (rest === "//") {
      const end = text.indexOf("\n", i);
      i = end < 0 ? text.length : end - 1;
    } else if (rest === "/*") {
      const end = text.indexOf("*/", i + 2);
      if (end < 0) return false;
      i = end + 1;
    } else if (text[i] === '"') {
      // A string ends on its line; one that does not is for the parser to report.
      while (i + 1 < text.length && text[i + 1] !== '"' && text[i + 1] !== "\n") i++;
      i++;
      code += "x";
    } else {
      const character = text[i]!;
      if (opening.includes(character)) depth++;
      if (closing.includes(character)) depth--;
      code += character;
    }
  }
  return depth <= 0 && !wantsMore.test(code.trimEnd());
}
