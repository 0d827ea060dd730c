// Ops that rearrange, repeat and pick entries: `structural` has a function of each op's name.
//
// Each is given the operands, the metadata without what is None or False, and the types of the result and of the operands.

const structural = Object.create(null);

// As it is, in another shape

structural.reshape = ([x], { shape }) => reshaped(x, filledIn(listed(shape), dataOf(x).length));
structural.reshape_like = ([x, like]) => reshaped(x, shapeOf(like));
structural.cast = ([x], params, type) => casted(x, type);
structural.cast_like = ([x], params, type) => casted(x, type);

structural.expand_dims = ([x], { axis }) => {
  const fresh = listed(axis);
  const ndim = shapeOf(x).length + fresh.length;
  const places = fresh.map((one) => axisOf(one, ndim));
  const old = [...shapeOf(x)];
  return reshaped(x, range(ndim).map((i) => (places.includes(i) ? 1 : old.shift())));
};

structural.squeeze = ([x], { axis }) => {
  const shape = shapeOf(x);
  const lost = axis === undefined ? range(shape.length).filter((i) => shape[i] === 1) : axesOf(axis, shape.length);
  if (lost.some((i) => shape[i] !== 1)) refuse(`an axis of shape (${shape}) that is to go has more than one entry`);
  return reshaped(x, shape.filter((_, i) => !lost.includes(i)));
};

// A shape with the length that was left open as -1.
function filledIn(shape, size) {
  const known = product(shape.filter((length) => length !== -1));
  return shape.map((length) => (length === -1 ? size / known : length));
}

// Towards 0 where a float becomes an integer; what has no integer is refused, where NumPy leaves what the processor makes of it.
function casted(x, type) {
  return entrywise(ruleOf(isWhole(type) ? integerOf : (entry) => entry), [x], type);
}

function integerOf(x) {
  return Number.isFinite(x) ? Math.trunc(x) : refuse(`${x} is no integer`);
}

// Repeated

structural.broadcast_to = ([x], { shape }) => broadcasted(x, listed(shape));
structural.broadcast_like = ([x, like], params, type) => made(type, shapeOf(like), broadcastData(x, shapeOf(like)));
structural.broadcast_with = ([x, ...others]) => broadcasted(x, broadcastShape([x, ...others].map(shapeOf)));
structural.repeat = ([x], { repeats, axis }) => gathered(x, alongAxis(shapeOf(x), axis, (n) => repeated(n, repeats)));
structural.sum_repeats_like = ([x, like], { repeats, axis }, type) =>
  scattered(x, like, alongAxis(shapeOf(like), axis, (n) => repeated(n, repeats)), type);

structural.tile = ([x], { reps }) => {
  const times = listed(reps);
  const shape = [...range(times.length - shapeOf(x).length).fill(1), ...shapeOf(x)];
  const missing = shape.length - times.length;
  const turns = (axis) => (axis < missing ? 1 : times[axis - missing]);
  const coordinates = shape.map((length, axis) => range(length * turns(axis)).map((k) => k % length));
  return gathered(reshaped(x, shape), coordinates);
};

// The sum over the axes along which an array like the second was broadcast.
structural.sum_like = ([x, like], params, type) => {
  const [from, to] = [shapeOf(like), shapeOf(x)];
  if (isSame(from, to)) return made(type, to, dataOf(x));
  const missing = to.length - from.length;
  const stretched = range(to.length).filter((i) => i < missing || (from[i - missing] === 1 && to[i] !== 1));
  return made(type, from, reducedData(x, stretched, sumOf));
};

function broadcasted(x, shape) {
  return isSame(shapeOf(x), shape) ? x : new NDArray(shape, Float64Array.from(broadcastData(x, shape)));
}

function repeated(length, repeats) {
  return range(length).flatMap((k) => new Array(Array.isArray(repeats) ? repeats[k % repeats.length] : repeats).fill(k));
}

// By coordinates: which of the source's each axis of the result takes

structural.flip = ([x], { axis }) => {
  const shape = shapeOf(x);
  const turned = axesOf(axis, shape.length);
  return gathered(x, shape.map((length, i) => (turned.includes(i) ? range(length).reverse() : range(length))));
};

structural.roll = ([x], { shift, axis }) => {
  if (axis === undefined) return reshaped(structural.roll([reshaped(x, [dataOf(x).length])], { shift, axis: 0 }), shapeOf(x));
  const shape = shapeOf(x);
  const [shifts, axes] = [listed(shift), listed(axis)];
  const moves = shape.map(() => 0);
  range(Math.max(shifts.length, axes.length)).forEach((i) => {
    moves[axisOf(axes[i % axes.length], shape.length)] += shifts[i % shifts.length];
  });
  return gathered(x, shape.map((length, i) => range(length).map((k) => remainder(k - moves[i], length) + 0)));
};

structural.pad = ([x], { pad_width, mode }) => gathered(x, padding(shapeOf(x), pad_width, mode));
structural.sum_padding_like = ([x, like], { pad_width, mode }, type) =>
  scattered(x, like, padding(shapeOf(like), pad_width, mode), type);

function alongAxis(shape, axis, chosen) {
  return shape.map((length, i) => (i === axisOf(axis, shape.length) ? chosen(length) : range(length)));
}

function gathered(x, coordinates) {
  const shape = coordinates.map((chosen) => chosen.length);
  return reshaped(new NDArray(shape, taken(dataOf(x), placesOfCoordinates(shapeOf(x), coordinates))), shape);
}

function scattered(x, like, coordinates, type) {
  const places = placesOfCoordinates(shapeOf(like), coordinates);
  return made(type, shapeOf(like), added(dataOf(x), places, sizeOf(shapeOf(like))));
}

function padding(shape, width, mode) {
  return shape.map((length, axis) => {
    const [before, after] = margins(width, axis);
    return range(before + length + after, -before).map((k) => paddingCoordinate(k, length, mode));
  });
}

// How much is added before and after an axis: a number for all, a pair for all, or a pair an axis.
function margins(width, axis) {
  const own = Array.isArray(width) && Array.isArray(width[0]) ? width[width.length === 1 ? 0 : axis] : width;
  const pair = listed(own);
  return [pair[0], pair[pair.length - 1]];
}

function paddingCoordinate(k, length, mode) {
  if (k >= 0 && k < length) return k;
  if (mode === "constant") return null;
  if (mode === "edge" || length === 1) return k < 0 ? 0 : length - 1;
  if (mode === "wrap") return remainder(k, length) + 0;
  // There and back again: reflect turns at the last entry, symmetric behind it.
  const period = mode === "reflect" ? 2 * length - 2 : 2 * length;
  const phase = remainder(k, period) + 0;
  return phase < length ? phase : period - phase - (mode === "reflect" ? 0 : 1);
}

// By strides

structural.transpose = ([x], { axes }) => {
  const ndim = shapeOf(x).length;
  return transposed(x, axes === undefined ? range(ndim).reverse() : axes.map((axis) => axisOf(axis, ndim)));
};

structural.diagonal = ([x], { offset, axis1, axis2 }) => {
  const { shape, places } = diagonalOf(shapeOf(x), offset, axis1, axis2);
  return new NDArray(shape, taken(x.data, places));
};

structural.on_diagonal_like = ([x, like], { offset, axis1, axis2 }, type) => {
  const { places } = diagonalOf(shapeOf(like), offset, axis1, axis2);
  return made(type, shapeOf(like), added(x.data, places, sizeOf(shapeOf(like))));
};

structural.diagonal_matrix = ([x], { k }, type) => {
  if (x.shape.length === 2) return structural.diagonal([x], { offset: k, axis1: 0, axis2: 1 });
  const length = x.data.length + Math.abs(k);
  const { places } = diagonalOf([length, length], k, 0, 1);
  return made(type, [length, length], added(x.data, places, length ** 2));
};

structural.tril = ([x], { k }, type) => triangle(x, type, (row, column) => column <= row + k);
structural.triu = ([x], { k }, type) => triangle(x, type, (row, column) => column >= row + k);

function transposed(x, axes) {
  if (axes.every((axis, i) => axis === i)) return x;
  const shape = shapeOf(x);
  return new NDArray(axes.map((axis) => shape[axis]), taken(x.data, placesOfTransposed(shape, axes)));
}

function diagonalOf(shape, offset, axis1, axis2) {
  const [rows, columns] = [axisOf(axis1, shape.length), axisOf(axis2, shape.length)];
  const strides = stridesOf(shape);
  const length = Math.max(0, Math.min(shape[rows] - Math.max(-offset, 0), shape[columns] - Math.max(offset, 0)));
  const kept = range(shape.length).filter((axis) => axis !== rows && axis !== columns);
  const offsets = kept.map((axis) => stepping(shape[axis], strides[axis]));
  const start = Math.max(-offset, 0) * strides[rows] + Math.max(offset, 0) * strides[columns];
  return {
    shape: [...kept.map((axis) => shape[axis]), length],
    places: placesOf([...offsets, stepping(length, strides[rows] + strides[columns])], start),
  };
}

function triangle(x, type, isKept) {
  const [rows, columns] = x.shape.slice(-2);
  const entries = Float64Array.from(x.data, (entry, i) => {
    const place = i % (rows * columns);
    return isKept(Math.floor(place / columns), place % columns) ? entry : 0;
  });
  return made(type, x.shape, entries);
}

// Joined

structural.concatenate = (arrays, { axis }, type) => {
  const [first] = arrays;
  const along = axisOf(axis, first.shape.length);
  const shape = withLength(first.shape, along, arrays.reduce((length, x) => length + x.shape[along], 0));
  if (arrays.some((x) => !isSame(withLength(x.shape, along, 0), withLength(first.shape, along, 0)))) {
    refuse(`arrays of shapes ${arrays.map((x) => `(${x.shape})`).join(", ")} cannot be joined along axis ${along}`);
  }
  const inner = sizeOf(shape.slice(along + 1));
  const result = new Float64Array(sizeOf(shape));
  let start = 0;
  for (const x of arrays) {
    const block = x.shape[along] * inner;
    for (let i = 0; i < x.data.length; i++) {
      const outer = Math.floor(i / block);
      result[start + outer * shape[along] * inner + (i % block)] = x.data[i];
    }
    start += block;
  }
  return made(type, shape, result);
};

structural.stack = (arrays, { axis }, type) => {
  const place = axisOf(axis, shapeOf(arrays[0]).length + 1);
  return structural.concatenate(arrays.map((x) => structural.expand_dims([x], { axis: place })), { axis: place }, type);
};

// Picked

structural.index = ([x, ...arrays], { template }, type, types) => {
  const { shape, places } = indexPlaces(shapeOf(x), template, arrays, types.slice(1));
  return made(type, shape, taken(dataOf(x), places));
};

structural.scatter_like = ([x, like, ...arrays], { template }, type, types) => {
  const { shape, places } = indexPlaces(shapeOf(like), template, arrays, types.slice(2));
  return made(type, shapeOf(like), added(broadcastData(x, shape), places, sizeOf(shapeOf(like))));
};

structural.take_along_axis = ([x, indices], { axis }, type) => {
  const { shape, places } = placesAlong(shapeOf(x), indices, axis);
  return made(type, shape, taken(x.data, places));
};

structural.sum_taken_like = ([x, like, indices], { axis }, type) => {
  const { places } = placesAlong(shapeOf(like), indices, axis);
  return made(type, shapeOf(like), added(x.data, places, sizeOf(shapeOf(like))));
};

function checkedIndex(k, length) {
  const index = axisOf(k, length);
  return index >= 0 && index < length ? index : refuse(`index ${k} is not among ${length} entries`);
}

function placesAlong(shape, indices, axis) {
  const along = axisOf(axis, shape.length);
  const result = broadcastShape([withLength(shape, along, 1), withLength(indices.shape, along, 1)]);
  const full = withLength(result, along, indices.shape[along]);
  const base = placesOfBroadcast(withLength(shape, along, 1), withLength(full, along, 1));
  const chosen = broadcastData(indices, full);
  const [strides, inner] = [stridesOf(shape), sizeOf(full.slice(along + 1))];
  const starts = lanePlaces(base, withLength(full, along, 1), shape, along);
  const places = new Int32Array(chosen.length);
  for (let i = 0; i < places.length; i++) {
    const lane = Math.floor(i / (inner * full[along])) * inner + (i % inner);
    places[i] = starts[lane] + checkedIndex(chosen[i], shape[along]) * strides[along];
  }
  return { shape: full, places };
}

// Where each lane along an axis starts, from places in the array without that axis.
function lanePlaces(base, laneShape, shape, along) {
  const inner = sizeOf(shape.slice(along + 1));
  return base.map((place) => Math.floor(place / inner) * inner * shape[along] + (place % inner));
}

// The places that an index names. A template has an integer, a slice as [start, stop, step], null for a new axis, "..." and
// "array" for the next array; a mask of truth values stands for as many axes as it has.
function indexPlaces(shape, template, arrays, types) {
  const parts = expandedTemplate(shape, template, arrays, types);
  const isBasic = (part) => part.offsets !== undefined;
  const isAdvanced = (part) => part.indices !== undefined;
  const start = parts.reduce((sum, part) => sum + (part.start ?? 0), 0);
  const axes = parts.filter(isBasic).map((part) => part.offsets);
  const lengths = axes.map((offsets) => offsets.length);
  const advanced = parts.filter(isAdvanced);
  if (advanced.length > 0) {
    const met = broadcastShape(advanced.map((part) => shapeOf(part.indices)));
    // Where the arrays stand side by side their axes take that place, and else the first.
    const [first, last] = [parts.findIndex(isAdvanced), parts.findLastIndex(isAdvanced)];
    const together = parts.slice(first, last + 1).every(isAdvanced);
    const before = together ? parts.slice(0, first).filter(isBasic).length : 0;
    axes.splice(before, 0, advancedOffsets(advanced, met));
    lengths.splice(before, 0, ...met);
  }
  return { shape: lengths, places: placesOf(axes, start) };
}

// Each part as the offsets of an axis of the result, as indices along an axis of the source, or as a start.
function expandedTemplate(shape, template, arrays, types) {
  const parts = withoutEllipsis(shape.length, templateWithArrays(template, arrays, types));
  const strides = stridesOf(shape);
  let axis = 0;
  return parts.flatMap((part) => {
    if (part === null) return [{ offsets: stepping(1, 0) }];
    if (Array.isArray(part)) return [{ offsets: sliceOffsets(part, shape[axis], strides[axis++]) }];
    if (typeof part !== "number") {
      const indices = part.isMask ? nonzero(part.array, shape.slice(axis)) : [part.array];
      return indices.map((array) => ({ indices: array, length: shape[axis], stride: strides[axis++] }));
    }
    // Beside arrays an integer is one of them, and takes part in where their axes go.
    if (arrays.length > 0) return [{ indices: part, length: shape[axis], stride: strides[axis++] }];
    return [{ start: checkedIndex(part, shape[axis]) * strides[axis++] }];
  });
}

function templateWithArrays(template, arrays, types) {
  const rest = arrays.map((array, i) => ({ array, isMask: types[i] === "b1" }));
  return template.map((part) => (part === "array" ? rest.shift() : part));
}

function withoutEllipsis(ndim, parts) {
  const axesTaken = (part) => (part === null || part === "..." ? 0 : part.isMask ? shapeOf(part.array).length : 1);
  const left = ndim - parts.reduce((count, part) => count + axesTaken(part), 0);
  const whole = range(left).map(() => []);
  return parts.includes("...") ? parts.flatMap((part) => (part === "..." ? whole : [part])) : [...parts, ...whole];
}

function advancedOffsets(advanced, met) {
  const offsets = new Int32Array(sizeOf(met));
  for (const { indices, length, stride } of advanced) {
    const chosen = broadcastData(indices, met);
    for (let i = 0; i < offsets.length; i++) offsets[i] += checkedIndex(chosen[i], length) * stride;
  }
  return offsets;
}

// Where a mask is true, an array of coordinates an axis.
function nonzero(mask, shape) {
  if (!isSame(mask.shape, shape.slice(0, mask.shape.length))) refuse(`a mask of shape (${mask.shape}) does not fit`);
  const places = range(mask.data.length).filter((i) => mask.data[i] !== 0);
  const strides = stridesOf(mask.shape);
  return mask.shape.map((length, axis) => {
    const coordinates = places.map((place) => Math.floor(place / strides[axis]) % length);
    return new NDArray([places.length], Float64Array.from(coordinates));
  });
}

function sliceOffsets([start, stop, step], length, stride) {
  const by = step ?? 1;
  const bound = (end, otherwise) => {
    if (end === undefined || end === null) return otherwise;
    return Math.min(Math.max(axisOf(end, length), by > 0 ? 0 : -1), by > 0 ? length : length - 1);
  };
  const [from, to] = by > 0 ? [bound(start, 0), bound(stop, length)] : [bound(start, length - 1), bound(stop, -1)];
  const count = Math.max(0, Math.ceil((to - from) / by));
  return Int32Array.from(range(count), (k) => (from + k * by) * stride);
}
