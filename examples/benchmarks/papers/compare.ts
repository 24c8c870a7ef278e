type Results = readonly ArrayLike<number>[];

/** The largest difference over the largest number of a result; infinite where there is a NaN or lengths differ. */
export function differenceOf(ours: Results, theirs: Results): number {
  const one = (a: ArrayLike<number>, b: ArrayLike<number> | undefined): number => {
    if (a.length !== b?.length) return Number.POSITIVE_INFINITY;
    let [difference, largest] = [0, 0];
    for (let j = 0; j < a.length; j++) {
      const distance = Math.abs(a[j]! - b[j]!);
      if (!(distance < Number.POSITIVE_INFINITY)) return Number.POSITIVE_INFINITY;
      difference = Math.max(difference, distance);
      largest = Math.max(largest, Math.abs(b[j]!));
    }
    return difference === 0 ? 0 : difference / largest;
  };
  if (ours.length !== theirs.length) return Number.POSITIVE_INFINITY;
  return Math.max(0, ...ours.map((a, i) => one(a, theirs[i])));
}
