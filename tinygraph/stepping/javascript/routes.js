// Routes: all that leads from an output to its leaves. Of the paths to one leaf the largest products are found best first; all are
// counted and added up without being looked at. `program/paths.py` does the same.

const together = (a, b) => (Number.isNaN(a + b) ? Infinity : a + b); // sizes of a product; that of 0 and infinity is NaN
const magnitude = x => (Number.isNaN(x) ? Infinity : Math.log2(Math.abs(x)));

// Entries in the order of a comparison: the first one leaves.
function heapOf(isBefore) {
  const items = [];
  const swap = (i, j) => { [items[i], items[j]] = [items[j], items[i]]; };
  return {
    items,
    push(item) {
      items.push(item);
      for (let i = items.length - 1, up; i && isBefore(items[i], items[up = (i - 1) >> 1]); i = up) swap(i, up);
    },
    pop() {
      swap(0, items.length - 1);
      const first = items.pop();
      for (let i = 0; ;) {
        const least = [2 * i + 1, 2 * i + 2].filter(j => j < items.length).reduce((best, j) => (isBefore(items[j], items[best]) ? j : best), i);
        if (least === i) return first;
        swap(i, least);
        i = least;
      }
    },
  };
}

// The passes that lead to a value: by the place of each reader, from the output on.
function leadingTo({ passes }, end) {
  const reaching = new Set([end]), found = new Map();
  for (const [i, [reader, value]] of [...passes.entries()].reverse()) {
    if (reader === end || !reaching.has(value)) continue;
    reaching.add(reader);
    if (!found.has(reader)) found.set(reader, []);
    found.get(reader).unshift({ i, to: value });
  }
  return new Map([...found].reverse());
}

// From each reader on: the paths to the end, put together by one function from what each pass leads to.
function fromEach(leading, end, start, join) {
  const found = new Map([[end, start]]);
  for (const [reader, passes] of [...leading].reverse()) found.set(reader, join(passes, to => found.get(to)));
  return found;
}

// The paths to a value: the largest by the values of their passes, each as the places of its passes and its product; how many there
// are; and the sums of all, and of those that are not listed.
function pathsTo(routes, end, valueOf, most) {
  const leading = leadingTo(routes, end), factors = new Map([...leading.values()].flat().map(({ i }) => [i, valueOf(i)]));
  const sum = (passes, at, one) => passes.reduce((total, pass) => total + one(pass) * at(pass.to), 0);
  const totals = fromEach(leading, end, 1, (passes, at) => sum(passes, at, ({ i }) => factors.get(i)));
  const counts = fromEach(leading, end, 1n, (passes, at) => passes.reduce((total, { to }) => total + at(to), 0n));
  const sizeOf = ({ i }) => magnitude(factors.get(i));
  const largest = fromEach(leading, end, 0, (passes, at) => passes.reduce((best, pass) => Math.max(best, together(sizeOf(pass), at(pass.to))), -Infinity));
  const open = heapOf((a, b) => b.bound - a.bound < 0 || (a.bound === b.bound && (a.length > b.length || (a.length === b.length && a.turn < b.turn))));
  let turn = 0;
  if (leading.size) open.push({ bound: largest.get(0), length: 0, turn, at: 0, size: 0, product: 1, last: null });
  const found = [];
  while (open.items.length && found.length < most) {
    const known = open.pop();
    if (known.at === end) {
      const way = [];
      for (let step = known.last; step; step = step.before) way.unshift(step.i);
      found.push({ way, product: known.product });
      continue;
    }
    // The largest continuation keeps the bound, so that rounding never makes one of equal paths wait for all others.
    const passes = leading.get(known.at), reach = pass => together(sizeOf(pass), largest.get(pass.to));
    const best = passes.reduce((first, pass) => (reach(pass) > reach(first) ? pass : first));
    for (const pass of passes) {
      const size = together(known.size, sizeOf(pass)), bound = pass === best ? known.bound : Math.min(known.bound, together(size, largest.get(pass.to)));
      turn += 1;
      open.push({ bound, length: known.length + 1, turn, at: pass.to, size, product: known.product * factors.get(pass.i), last: { i: pass.i, before: known.last } });
    }
  }
  const rest = open.items.reduce((total, x) => total + x.product * totals.get(x.at), 0);
  return { found, count: counts.get(0) ?? 0n, total: totals.get(0) ?? 0, rest };
}
