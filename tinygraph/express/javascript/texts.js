// Numbers as text, character by character as `express/text.py` prints them. A value is a JavaScript number, or an array with its
// `shape` and its entries in one row, `data`; `type` is the code of its dtype, such as "f8".

const kindOf = (type) => ({ b: "bool", i: "integer", u: "integer" })[type[0]] ?? "float";

// Whether a size lies halfway between two numbers of so many digits, where Python rounds to the even one and JavaScript up.
function isHalfway(size, digits) {
  const shortest = size.toExponential().split("e")[0].replace(".", "");
  if (shortest.length !== digits + 1 || !shortest.endsWith("5")) return false;
  return size.toPrecision(100).replace(/e.*|\./g, "").replace(/^0+|0+$/g, "") === shortest;
}

// The digits of a finite size, rounded to so many, and the power of ten of the first one.
function rounded(size, digits) {
  const [mantissa, power] = size.toExponential(digits - 1).split("e");
  const up = mantissa.replace(".", "");
  if (!isHalfway(size, digits)) return [up, Number(power)];
  const [exact, own] = size.toExponential().split("e");
  const down = exact.replace(".", "").slice(0, digits);
  return "02468".includes(down.at(-1)) ? [down, Number(own)] : [up, Number(power)];
}

const withPoint = (digits) => (digits.length > 1 ? `${digits[0]}.${digits.slice(1)}` : digits);
const exponent = (power) => `e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
const sign = (x) => (x < 0 ? "-" : "");

function notFinite(x) {
  return Number.isNaN(x) ? "nan" : `${sign(x)}inf`;
}

function fixed(x, decimals) {
  const size = Math.abs(x);
  let text = size.toFixed(decimals);
  if ((size * 2 ** (decimals + 1)) % 2 === 1) { // halfway
    const down = Math.floor(size * 10 ** decimals);
    if (down % 2 === 0) text = (down / 10 ** decimals).toFixed(decimals);
  }
  return sign(x) + text;
}

function scientific(x, decimals) {
  const [digits, power] = rounded(Math.abs(x), decimals + 1);
  return sign(x) + withPoint(digits) + exponent(power);
}

// Digits and the power of the first one as Python writes a float, with an exponent outside the given powers.
function written(digits, power, lowest, highest) {
  if (power < lowest || power >= highest) return withPoint(digits) + exponent(power);
  if (power < 0) return `0.${"0".repeat(-power - 1)}${digits}`;
  const whole = digits.slice(0, power + 1).padEnd(power + 1, "0");
  return `${whole}.${digits.slice(power + 1) || "0"}`;
}

const trimmed = (digits) => digits.replace(/0+$/, "") || "0";

function significant(x, digits, highest) {
  if (!Number.isFinite(x)) return notFinite(x);
  if (x === 0) return "0.0";
  const [found, power] = digits === null ? shortest(x) : rounded(Math.abs(x), digits);
  return sign(x) + written(trimmed(found), power, -4, highest);
}

function shortest(x) {
  const [mantissa, power] = Math.abs(x).toExponential().split("e");
  return [mantissa.replace(".", ""), Number(power)];
}

function entryText(type, x, format) {
  const kind = kindOf(type);
  if (kind === "bool") return x ? "True" : "False";
  return kind === "integer" ? String(x) : format(x);
}

function middling(x, decimals) {
  if (!Number.isFinite(x)) return notFinite(x);
  const size = Math.abs(x);
  if (size !== 0 && !(size >= 10 ** -decimals && size < 1e5)) return scientific(x, decimals - 1);
  return fixed(x, decimals);
}

// How a value is shown

function number(type, value) {
  return typeof value === "number" ? entryText(type, value, (x) => middling(x, 3)) : rangeText(type, value);
}

function rangeText(type, { shape, data }) {
  if (data.length <= 3 && shape.length === 1) return `[${Array.from(data, (x) => number(type, x)).join(", ")}]`;
  if (data.length === 0) return "[]";
  if (kindOf(type) === "bool") return `${data.reduce((count, x) => count + (x ? 1 : 0), 0)} of ${data.length} true`;
  let [low, high, nan, above, below] = [Infinity, -Infinity, 0, 0, 0];
  for (const x of data) {
    if (Number.isNaN(x)) nan += 1;
    else if (x === Infinity) above += 1;
    else if (x === -Infinity) below += 1;
    else {
      if (x < low) low = x;
      if (x > high) high = x;
    }
  }
  const parts = low <= high ? [`min ${number(type, low)}  max ${number(type, high)}`] : [];
  for (const [count, name] of [[nan, "nan"], [above, "inf"], [below, "-inf"]]) if (count) parts.push(`${count} ${name}`);
  return parts.join(", ");
}

function euclidean(value) {
  const data = typeof value === "number" ? [value] : value.data;
  let largest = 0;
  for (const x of data) {
    const size = Math.abs(x);
    if (size > largest || Number.isNaN(size)) largest = size;
    if (Number.isNaN(largest)) break;
  }
  if (largest === 0 || !Number.isFinite(largest)) return largest;
  let total = 0;
  for (const x of data) total += (x / largest) ** 2;
  return largest * Math.sqrt(total);
}

const [SHOWN_ENTRIES, EDGE, LINE] = [200, 3, 60];

function inFull(type, value) {
  if (typeof value === "number") return entryText(type, value, (x) => significant(x, 10, 10));
  const { shape, data } = value;
  const isLong = data.length > SHOWN_ENTRIES;
  const shownAlong = shape.map((length) =>
    isLong && length > 2 * EDGE ? [...Array(EDGE).keys(), null, ...Array.from({ length: EDGE }, (_, i) => length - EDGE + i)]
      : [...Array(length).keys()]);
  const places = [];
  (function visit(axis, place) {
    if (axis === shape.length) return places.push(place);
    for (const i of shownAlong[axis]) if (i !== null) visit(axis + 1, place * shape[axis] + i);
  })(0, 0);
  const found = columns(type, places.map((place) => data[place]));
  const texts = new Map(places.map((place, i) => [place, found[i]]));
  const block = (axis, place) => {
    if (axis === shape.length) return texts.get(place);
    const items = shownAlong[axis].map((i) => (i === null ? "…" : block(axis + 1, place * shape[axis] + i)));
    const indent = " ".repeat(axis + 1);
    return `[${axis === shape.length - 1 ? inLines(items, indent) : items.join("\n".repeat(shape.length - 1 - axis) + indent)}]`;
  };
  return block(0, 0);
}

// Entries in columns of one width, with as many decimals as they need, at most four.
function columns(type, entries) {
  let texts = entries.map((x) => entryText(type, x, (y) => middling(y, 4)));
  if (kindOf(type) === "float") {
    const isPlain = (text) => text.includes(".") && !text.includes("e");
    const needed = Math.max(1, ...texts.filter(isPlain).map((text) => text.split(".")[1].replace(/0+$/, "").length));
    texts = texts.map((text) => (isPlain(text) ? text.slice(0, text.indexOf(".") + 1 + needed) : text));
  }
  const width = Math.max(0, ...texts.map((text) => text.length));
  return texts.map((text) => text.padStart(width));
}

function inLines(items, indent) {
  const lines = [];
  for (const item of items) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + item.length <= LINE) lines[lines.length - 1] = `${line} ${item}`;
    else lines.push(lines.length ? indent + item : item);
  }
  return lines.join("\n");
}

// What is remarkable of an array: the place of its largest entry, and the size of its entries

function placeOfLargest(value) {
  const sizes = Array.from(typeof value === "number" ? [value] : value.data, (x) => (Number.isNaN(x) ? 0 : Math.min(Math.abs(x), Number.MAX_VALUE)));
  const largest = sizes.reduce((most, size) => Math.max(most, size), 0);
  return sizes.findIndex((size) => size >= largest * (1 - 1e-9)); // the first of those that are equal up to rounding
}

const largestOf = (value) => (typeof value === "number" ? value : value.data[placeOfLargest(value)]);
const wayOf = (x) => (Number.isNaN(x) ? "nan" : x > 0 ? "down" : x < 0 ? "up" : "stays");

function indexOf(place, shape) {
  const index = [];
  for (const length of [...shape].reverse()) {
    index.unshift(place % length);
    place = Math.floor(place / length);
  }
  return index;
}

function rate(type, x) {
  if (x === 0) return "0.0";
  const [digits, power] = rounded(Math.abs(x), 6);
  return significant(Number(`${sign(x)}${withPoint(digits)}e${power}`), null, 16);
}

const signed = (text) => text.replaceAll("-", "−");
const SHOWN = {
  number,
  signed: (type, value) => signed(number(type, value)),
  norm: (type, value) => signed(number("f8", euclidean(value))),
  full: inFull,
  rate,
  mean: (type, value) => number("f8", euclidean(value) / Math.sqrt(Math.max(typeof value === "number" ? 1 : value.data.length, 1))),
  place: (type, value) => (typeof value === "number" ? "" : indexOf(placeOfLargest(value), value.shape).join(", ")),
  largest: (type, value) => inFull(type, largestOf(value)),
  way: (type, value) => wayOf(largestOf(value)),
};

// What is to be said of a value and those beside it: mostly nothing

const REMARKS = ["flag", "inactive"];
const WARNING = " ⚠";
const entriesOf = value => (typeof value === "number" ? [value] : value.data);
const isZero = value => entriesOf(value).every(x => x === 0);

function flag(type, value, ...products) {
  if (kindOf(type) === "float" && !entriesOf(value).every(Number.isFinite)) return WARNING;
  for (let i = 0; i < products.length; i += 3) if (hasUnderflow(...products.slice(i, i + 3))) return `${WARNING} underflow`;
  return "";
}

// Whether an entry of a product is 0 though no factor is.
function hasUnderflow(product, ...factors) {
  const { shape = [] } = product;
  return entriesOf(product).some((x, place) => x === 0 && factors.every(factor => {
    const y = typeof factor === "number" ? factor : factor.data[placeIn(factor.shape, shape, place)];
    return y !== 0 && Number.isFinite(y);
  }));
}

// The place of the entry of an array of one shape that is used at a place in a larger one.
function placeIn(shape, larger, place) {
  const index = indexOf(place, larger).slice(larger.length - shape.length);
  return shape.reduce((found, length, axis) => found * length + (length === 1 ? 0 : index[axis]), 0);
}

SHOWN.flag = flag;
SHOWN.inactive = (type, value, upstream) => (isZero(value) && !isZero(upstream) ? "inactive" : "");

// The text of a hole: a value as it is shown, with the brackets that its sign or its power of ten may need, as text or as MathML.
function holeText(type, value, shown, brackets, isMath, beside = []) {
  const text = SHOWN[shown](type, value, ...beside);
  if (isMath) return numeral(text, brackets);
  return brackets && text.startsWith("-") ? `(${text})` : text;
}

function numeral(text, brackets) {
  if (text === "True" || text === "False") return `<mi mathvariant="normal">${text}</mi>`;
  const isNegative = text.startsWith("-");
  const [mantissa, power] = text.slice(isNegative ? 1 : 0).split("e");
  let made = `<mn>${{ inf: "∞", nan: "NaN" }[mantissa] ?? mantissa.replace(/\.0$/, "")}</mn>`;
  if (power) {
    const ten = `<msup><mn>10</mn><mn>${signed(String(Number(power)))}</mn></msup>`;
    made = mantissa === "1" ? ten : `<mrow>${made}<mo>·</mo>${ten}</mrow>`;
  }
  if (isNegative) made = `<mrow><mo lspace="0" rspace="0">−</mo>${made}</mrow>`;
  const needs = brackets === 2 ? isNegative || power : brackets === 1 && isNegative;
  const bracket = (side) => `<mo fence="true" stretchy="false">${side}</mo>`;
  return needs ? `<mrow>${bracket("(")}${made}${bracket(")")}</mrow>` : made;
}
