// Rates, accuracy and the largest gap at any thresholds, from the stored counts.

const Z = 1.959963984540054;

/** Wilson limits of x in n. */
export function wilson(x, n) {
  if (!n) return null;
  const p = x / n;
  const middle = (p + (Z * Z) / (2 * n)) / (1 + (Z * Z) / n);
  const reach = (Z * Math.sqrt((p * (1 - p)) / n + (Z * Z) / (4 * n * n))) / (1 + (Z * Z) / n);
  return [p, Math.max(0, middle - reach), Math.min(1, middle + reach)];
}

const PARTS = {
  "selection-rate": (g, i) => [g.selected[i], g.n],
  tpr: (g, i) => [g.right[i], g.positives],
  fpr: (g, i) => [g.wrong[i], g.labelled - g.positives],
  precision: (g, i) => [g.right[i], g.right[i] + g.wrong[i]],
  accuracy: (g, i) => [g.right[i] + g.labelled - g.positives - g.wrong[i], g.labelled],
};

/** Difference of two shares, limits by square-and-add. */
function difference(high, low) {
  const gap = high[0] - low[0];
  const under = Math.hypot(high[0] - high[1], low[2] - low[0]);
  const over = Math.hypot(high[2] - high[0], low[0] - low[1]);
  return [gap, Math.max(0, gap - under), Math.min(1, gap + over)];
}

export function measureAt(data, at) {
  const { groups } = data.sweep;
  const known = groups.every((group) => group.right);
  const rates = data.metrics.map((metric) =>
    groups.map((group, g) => {
      if (!known && metric.slug !== "selection-rate") return null;
      return wilson(...PARTS[metric.slug](group, at[g]));
    }),
  );
  let gap = null;
  for (const row of rates) {
    if (row.some((three) => !three)) {
      gap = null;
      break;
    }
    const order = [...row].sort((a, b) => a[0] - b[0]);
    const found = difference(order[order.length - 1], order[0]);
    if (!gap || found[0] > gap[0]) gap = found;
  }
  let accuracy = null;
  if (known) {
    const both = groups.map((group, g) => PARTS.accuracy(group, at[g]));
    const sum = (k) => both.reduce((total, pair) => total + pair[k], 0);
    accuracy = wilson(sum(0), sum(1));
  }
  return { gap, accuracy, rates };
}

/** Shares of people who move up and down, where the audited decisions are those of a threshold. */
export function movesAt(data, at) {
  const { groups, now, exact } = data.sweep;
  if (!exact) return null;
  let up = 0;
  let down = 0;
  let n = 0;
  groups.forEach((group, g) => {
    const change = group.selected[at[g]] - group.selected[now];
    up += Math.max(change, 0);
    down += Math.max(-change, 0);
    n += group.n;
  });
  return [up / n, down / n, 0];
}
