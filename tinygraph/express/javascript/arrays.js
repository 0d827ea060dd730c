// Arrays: a shape and the entries in one row, as NumPy has them in C order. A value without axes is a JavaScript number.
//
// An array is never changed once it is made, so that two may share their entries. What rearranges entries says from which place
// each comes (`placesOf`); the op that undoes it adds up at the same places.

class NDArray {
  constructor(shape, data) {
    this.shape = shape;
    this.data = data;
  }
}

// Why a value is not known: it stands in place of the value, and of all that is computed of it.
class Unknown {
  constructor(reason) {
    this.reason = reason;
  }
}

function refuse(reason) {
  throw new Unknown(reason);
}

// The dtypes of NumPy that a page computes in, by their codes: what holds the entries, and how a number becomes one of them.
// Integers of 64 bits are doubles here, which hold them exactly up to 2 ** 53; what is larger is refused, not rounded.

const TYPES = new Map([
  ["f8", { Buffer: Float64Array, settle: null }],
  ["f4", { Buffer: Float32Array, settle: Math.fround }],
  ["b1", { Buffer: Uint8Array, settle: (x) => (x === 0 || x === false ? 0 : 1) }],
  ["i8", { Buffer: Float64Array, settle: exactInteger }],
  ["u8", { Buffer: Float64Array, settle: naturalNumber }],
  ["i4", { Buffer: Int32Array, settle: wrapped(Int32Array) }],
  ["i2", { Buffer: Int16Array, settle: wrapped(Int16Array) }],
  ["i1", { Buffer: Int8Array, settle: wrapped(Int8Array) }],
  ["u4", { Buffer: Uint32Array, settle: wrapped(Uint32Array) }],
  ["u2", { Buffer: Uint16Array, settle: wrapped(Uint16Array) }],
  ["u1", { Buffer: Uint8Array, settle: wrapped(Uint8Array) }],
]);

function isWhole(type) {
  return type[0] === "i" || type[0] === "u";
}

function exactInteger(x) {
  if (Number.isNaN(x)) return 0; // what NumPy leaves when it divides an integer by 0
  if (!Number.isSafeInteger(x)) refuse(`the integer ${x} is beyond 2 ** 53, where a page does not count exactly`);
  return x + 0; // there is one 0 among integers
}

function naturalNumber(x) {
  return exactInteger(x) < 0 ? refuse("an unsigned integer below 0 is beyond 2 ** 53 here") : x + 0;
}

function wrapped(Buffer) {
  const one = new Buffer(1);
  return (x) => {
    one[0] = exactInteger(x);
    return one[0];
  };
}

// Values

const NO_AXES = [];

function shapeOf(x) {
  return typeof x === "number" ? NO_AXES : x.shape;
}

function dataOf(x) {
  return typeof x === "number" ? Float64Array.of(x) : x.data;
}

function sizeOf(shape) {
  let size = 1;
  for (const length of shape) size *= length;
  return size;
}

function isSame(a, b) {
  return a === b || (a.length === b.length && a.every((length, axis) => length === b[axis]));
}

// A value of a type from entries that are numbers or booleans.
function made(type, shape, entries) {
  const { Buffer, settle } = TYPES.get(type);
  if (shape.length === 0) return settle === null ? entries[0] : settle(entries[0]);
  if (type === "f8" || type === "f4") return new NDArray(shape, entries instanceof Buffer ? entries : Buffer.from(entries));
  const data = new Buffer(entries.length);
  for (let i = 0; i < data.length; i++) data[i] = settle(entries[i]);
  return new NDArray(shape, data);
}

// What an op of the entries writes into: doubles where `made` has to make an integer or a truth value of each.
function buffer(type, size) {
  return type === "f4" ? new Float32Array(size) : new Float64Array(size);
}

function reshaped(x, shape) {
  const data = dataOf(x);
  if (sizeOf(shape) !== data.length) refuse(`${data.length} entries do not fit into shape (${shape})`);
  return shape.length === 0 ? data[0] : new NDArray(shape, data);
}

// Axes

function axisOf(axis, ndim) {
  return axis < 0 ? axis + ndim : axis;
}

// The axes that metadata names: all of them where it names none; a number has none to name.
function axesOf(axis, ndim) {
  if (axis === undefined || axis === null || ndim === 0) return range(ndim);
  return listed(axis).map((one) => axisOf(one, ndim));
}

function listed(x) {
  return Array.isArray(x) ? x : [x];
}

function range(count, start = 0) {
  return Array.from({ length: count }, (_, i) => start + i);
}

function product(numbers) {
  return numbers.reduce((result, x) => result * x, 1);
}

// A shape with the length of one axis changed.
function withLength(shape, axis, length) {
  return shape.map((old, i) => (i === axis ? length : old));
}

// Places

const NOWHERE = -(2 ** 26); // an offset so far before the first entry that no other offset brings it back

function stridesOf(shape) {
  const strides = new Array(shape.length);
  for (let axis = shape.length - 1, stride = 1; axis >= 0; stride *= shape[axis--]) strides[axis] = stride;
  return strides;
}

// The offsets of an axis of some length along which the source moves by a step.
function stepping(length, step) {
  const offsets = new Int32Array(length);
  for (let i = 0; i < length; i++) offsets[i] = i * step;
  return offsets;
}

// From which place of the source each entry comes, where every axis of the result adds an offset.
function placesOf(axes, start = 0) {
  let places = Int32Array.of(start);
  for (const offsets of axes) {
    const longer = new Int32Array(places.length * offsets.length);
    let i = 0;
    for (const place of places) for (const offset of offsets) longer[i++] = place + offset;
    places = longer;
  }
  return places;
}

// The same where each axis of the result takes some coordinates of the axis of the source, null for none.
function placesOfCoordinates(shape, coordinates) {
  const strides = stridesOf(shape);
  return placesOf(
    coordinates.map((chosen, axis) => Int32Array.from(chosen, (k) => (k === null ? NOWHERE : k * strides[axis]))),
  );
}

function placesOfTransposed(shape, axes) {
  const strides = stridesOf(shape);
  return placesOf(axes.map((axis) => stepping(shape[axis], strides[axis])));
}

function placesOfBroadcast(from, to) {
  const missing = to.length - from.length;
  const strides = stridesOf(from);
  return placesOf(to.map((length, i) => stepping(length, i < missing || from[i - missing] === 1 ? 0 : strides[i - missing])));
}

// The entries at some places; 0 where there is none.
function taken(data, places) {
  const result = new data.constructor(places.length);
  for (let i = 0; i < places.length; i++) if (places[i] >= 0) result[i] = data[places[i]];
  return result;
}

// As many entries as asked for, each the sum of those that belong to its place.
function added(data, places, size) {
  const result = new Float64Array(size);
  for (let i = 0; i < places.length; i++) if (places[i] >= 0) result[places[i]] += data[i];
  return result;
}

// Broadcasting

function broadcastShape(shapes) {
  let result = NO_AXES;
  for (const shape of shapes) {
    if (shape.length === 0 || isSame(shape, result)) continue;
    result = result.length === 0 ? shape : twoBroadcast(result, shape);
  }
  return result;
}

function twoBroadcast(a, b) {
  const [long, short] = a.length < b.length ? [b, a] : [a, b];
  const missing = long.length - short.length;
  return long.map((length, i) => {
    const other = i < missing ? 1 : short[i - missing];
    if (length !== other && length !== 1 && other !== 1) refuse(`shapes (${a}) and (${b}) do not fit together`);
    return length === 1 ? other : length;
  });
}

function broadcastData(x, shape) {
  const data = dataOf(x);
  if (isSame(shapeOf(x), shape)) return data;
  if (data.length === 1) return new Float64Array(sizeOf(shape)).fill(data[0]);
  return taken(data, placesOfBroadcast(shapeOf(x), shape));
}

// Entry by entry

// A rule is a function of numbers, `one`, and the same in a loop over entries, `all`. Each op has a loop of its own, because a
// browser makes one fast that calls one function alone.

function entrywise(rule, operands, type) {
  const shape = broadcastShape(operands.map(shapeOf));
  if (shape.length === 0) return made(type, shape, [rule.one(...operands)]);
  const result = buffer(type, sizeOf(shape));
  const isNumber = operands.map((x) => typeof x === "number");
  // A number stays where it is, and is spared an array of its copies.
  const entries = operands.map((x, i) => (isNumber[i] ? dataOf(x) : broadcastData(x, shape)));
  const steps = isNumber.map((still) => (still ? 0 : 1));
  rule.all(entries, steps, result);
  return made(type, shape, result);
}

// The rule of a function of up to three numbers.
function ruleOf(one) {
  const all = ([x, y = x, z = x], [p, q = p, r = p], result) => {
    for (let i = 0; i < result.length; i++) result[i] = one(x[i * p], y[i * q], z[i * r]);
  };
  return { one, all };
}
