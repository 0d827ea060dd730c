// Ops along axes: sums and extremes, what runs along an axis, and order.

// Reduced

// The entries with the axes that are reduced as the last ones, so that each result is made of entries in a row.
function inRows(x, axes) {
  const shape = shapeOf(x);
  const kept = range(shape.length).filter((axis) => !axes.includes(axis));
  const rows = transposed(x, [...kept, ...axes]);
  return { data: dataOf(rows), count: sizeOf(axes.map((axis) => shape[axis])), kept: kept.map((axis) => shape[axis]) };
}

// `reduce(data, start, count)` of each row.
function reducedData(x, axes, reduce) {
  const { data, count, kept } = inRows(x, axes);
  const result = new Float64Array(sizeOf(kept));
  for (let i = 0; i < result.length; i++) result[i] = reduce(data, i * count, count);
  return result;
}

function reduced(x, { axis, keepdims }, type, reduce) {
  const shape = shapeOf(x);
  const axes = axesOf(axis, shape.length);
  const kept = shape.filter((_, i) => !axes.includes(i));
  const withOnes = shape.map((length, i) => (axes.includes(i) ? 1 : length));
  return made(type, keepdims ? withOnes : kept, reducedData(x, axes, reduce));
}

// In halves, as NumPy adds, so that rounding grows with the logarithm of the count.
function sumOf(data, start, count) {
  if (count > 128) {
    const half = Math.floor(count / 2);
    return sumOf(data, start, half) + sumOf(data, start + half, count - half);
  }
  let sum = 0;
  for (let i = start; i < start + count; i++) sum += data[i];
  return sum;
}

// Of integers no sum on the way may be rounded.
function exactSumOf(data, start, count) {
  let sum = 0;
  for (let i = start; i < start + count; i++) sum = exactInteger(sum + data[i]);
  return sum;
}

function meanOf(data, start, count) {
  return sumOf(data, start, count) / count;
}

function varianceOf(data, start, count, lost) {
  const mean = meanOf(data, start, count);
  const squares = Float64Array.from({ length: count }, (_, i) => (data[start + i] - mean) ** 2);
  return sumOf(squares, 0, count) / Math.max(count - lost, 0);
}

function largestOf(data, start, count) {
  if (count === 0) refuse("nothing is the largest of no entries");
  let largest = data[start];
  for (let i = start + 1; i < start + count; i++) largest = Math.max(largest, data[i]);
  return largest;
}

function smallestOf(data, start, count) {
  if (count === 0) refuse("nothing is the smallest of no entries");
  let smallest = data[start];
  for (let i = start + 1; i < start + count; i++) smallest = Math.min(smallest, data[i]);
  return smallest;
}

function productOf(data, start, count) {
  let result = 1;
  for (let i = start; i < start + count; i++) result *= data[i];
  return result;
}

function nonzeroOf(data, start, count) {
  let found = 0;
  for (let i = start; i < start + count; i++) if (data[i] !== 0) found++;
  return found;
}

// The first of the entries that are as large (or small) as any; a NaN is taken for that.
function placeOfExtreme(isBetter) {
  return (data, start, count) => {
    if (count === 0) refuse("no place is that of the extreme of no entries");
    let best = 0;
    for (let i = 0; i < count && !Number.isNaN(data[start + best]); i++) {
      if (Number.isNaN(data[start + i]) || isBetter(data[start + i], data[start + best])) best = i;
    }
    return best;
  };
}

structural.sum = ([x], params, type) => reduced(x, params, type, isWhole(type) ? exactSumOf : sumOf);
structural.mean = ([x], params, type) => reduced(x, params, type, meanOf);
structural.max = ([x], params, type) => reduced(x, params, type, largestOf);
structural.min = ([x], params, type) => reduced(x, params, type, smallestOf);
structural.prod = ([x], params, type) => reduced(x, params, type, productOf);
structural.all = ([x], params, type) => reduced(x, params, type, (...row) => nonzeroOf(...row) === row[2]);
structural.any = ([x], params, type) => reduced(x, params, type, (...row) => nonzeroOf(...row) > 0);
structural.count_nonzero = ([x], params, type) => reduced(x, params, type, nonzeroOf);
structural.argmax = ([x], params, type) => reduced(x, params, type, placeOfExtreme((a, b) => a > b));
structural.argmin = ([x], params, type) => reduced(x, params, type, placeOfExtreme((a, b) => a < b));
structural.median = ([x], params, type) => reduced(x, params, type, medianOf);
structural.var = ([x], params, type) => reduced(x, params, type, (...row) => varianceOf(...row, params.ddof));
structural.std = ([x], params, type) => reduced(x, params, type, (...row) => Math.sqrt(varianceOf(...row, params.ddof)));
structural.norm = ([x], params, type) => reduced(x, params, type, (...row) => lengthOf(params.ord ?? 2, ...row));

structural.count = ([like], { axis }) => sizeOf(axesOf(axis, shapeOf(like).length).map((i) => shapeOf(like)[i]));

// How far each entry is from the mean; nothing where all are equal, whatever rounding makes of their mean.
structural.deviations = ([x], { axis }, type) => {
  const mean = reduced(x, { axis, keepdims: true }, type, meanOf);
  const isEqual = (data, start, count) => data.subarray(start + 1, start + count).every((entry) => entry === data[start]);
  const equal = reduced(x, { axis, keepdims: true }, "b1", isEqual);
  return entrywise(ruleOf((entry, center, same) => (same ? 0 : entry - center)), [x, mean, equal], type);
};

// Scaled by the largest entry first, so that no square overflows.
structural.direction = ([x], { axis }, type) => {
  const along = { axis, keepdims: true };
  const sizes = entrywise(ruleOf(Math.abs), [x], type);
  const largest = reduced(sizes, along, "f8", (...row) => (row[2] === 0 ? 0 : largestOf(...row)));
  const scaled = entrywise(ruleOf((entry, scale) => entry / (scale || 1)), [x, largest], "f8");
  const length = reduced(scaled, along, "f8", (...row) => lengthOf(2, ...row));
  return entrywise(ruleOf((entry, scale, size) => entry / (scale === 0 ? 1 : size)), [scaled, largest, length], type);
};

function lengthOf(order, data, start, count) {
  const sizes = Float64Array.from({ length: count }, (_, i) => Math.abs(data[start + i]));
  if (order === "inf") return largestOf(sizes, 0, count);
  if (order === "-inf") return smallestOf(sizes, 0, count);
  if (order === 0) return nonzeroOf(sizes, 0, count);
  if (order === 2 || order === "fro") return Math.sqrt(sumOf(sizes.map((size) => size * size), 0, count));
  return sumOf(sizes.map((size) => size ** order), 0, count) ** (1 / order);
}

// Along an axis

// Every lane along an axis is run through: `run(lane, place)` gets a function that gives the place of its i-th entry.
function eachLane(shape, axis, visit) {
  const along = axisOf(axis, shape.length);
  const [length, inner] = [shape[along], sizeOf(shape.slice(along + 1))];
  const outer = sizeOf(shape.slice(0, along));
  for (let i = 0; i < outer; i++) {
    for (let j = 0; j < inner; j++) visit((k) => (i * length + k) * inner + j, length);
  }
}

function accumulated(x, axis, type, combine) {
  const result = Float64Array.from(x.data);
  eachLane(x.shape, axis, (place, length) => {
    for (let k = 1; k < length; k++) result[place(k)] = combine(result[place(k - 1)], x.data[place(k)]);
  });
  return made(type, x.shape, result);
}

structural.cumsum = ([x], { axis }, type) => accumulated(x, axis, type, (sum, entry) => sum + entry);
structural.cumprod = ([x], { axis }, type) => accumulated(x, axis, type, (result, entry) => result * entry);

structural.recurrence = ([term, factor], { axis }, type) => {
  const result = Float64Array.from(term.data);
  eachLane(term.shape, axis, (place, length) => {
    for (let k = 1; k < length; k++) result[place(k)] += factor.data[place(k)] * result[place(k - 1)];
  });
  return made(type, term.shape, result);
};

structural.linspace = ([start, stop], { num, endpoint = false, axis }, type) => {
  const shape = broadcastShape([start, stop].map(shapeOf));
  const [from, to] = [start, stop].map((x) => broadcastData(x, shape));
  const steps = endpoint ? num - 1 : num;
  const entries = range(num).flatMap((i) => Array.from(from, (first, k) => spaced(first, to[k], i, steps, endpoint)));
  const result = made(type, [num, ...shape], entries);
  const place = axisOf(axis, shape.length + 1);
  const axes = range(shape.length, 1);
  axes.splice(place, 0, 0);
  return transposed(result, axes);
};

function spaced(first, last, i, steps, endpoint) {
  if (endpoint && i === steps && steps > 0) return last;
  return i * (steps > 0 ? (last - first) / steps : last - first) + first;
}

// Order

// NaN counts as larger than all numbers.
function compared(a, b) {
  if (a < b) return -1;
  if (a > b) return 1;
  return Number.isNaN(a) - Number.isNaN(b);
}

function orderOf(entries) {
  return range(entries.length).sort((i, j) => compared(entries[i], entries[j]));
}

function medianOf(data, start, count) {
  const row = Float64Array.from({ length: count }, (_, i) => data[start + i]).sort();
  if (count === 0 || Number.isNaN(row[count - 1])) return NaN;
  const [low, high] = [row[Math.floor((count - 1) / 2)], row[Math.floor(count / 2)]];
  return low === high ? low : (low + high) / 2;
}

function ordered(x, axis, type, chosen) {
  const result = new Float64Array(x.data.length);
  eachLane(x.shape, axis, (place, length) => {
    const lane = range(length).map((k) => x.data[place(k)]);
    orderOf(lane).forEach((k, i) => (result[place(i)] = chosen(lane, k)));
  });
  return made(type, x.shape, result);
}

structural.sort = ([x], { axis }, type) => ordered(x, axis, type, (lane, k) => lane[k]);

// Ties stay in their order, which is one of those that NumPy's sorts of any kind may leave.
structural.argsort = ([x], { axis }, type) => {
  if (axis !== undefined && typeof x === "number") return 0;
  const whole = axis === undefined ? reshaped(x, [dataOf(x).length]) : x;
  return ordered(whole, axis ?? 0, type, (_, k) => k);
};

structural.searchsorted = ([sorted, x], { side }, type) => {
  const isBefore = side === "left" ? (entry, value) => compared(entry, value) < 0 : (entry, value) => compared(entry, value) <= 0;
  return entrywise(ruleOf((value) => bisected(sorted.data, (entry) => isBefore(entry, value))), [x], type);
};

// How many of the entries come first, of which that holds for all before some place.
function bisected(entries, comesFirst) {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (comesFirst(entries[middle])) low = middle + 1;
    else high = middle;
  }
  return low;
}
