// The arithmetic of entries: which entry of a value another one reads, and the products that a sum adds up. An index has a number for
// each letter, those of the result first; a sum runs through letters of its own.

const TERMS = 4; // of a sum that are written out

// The values of a chapter by their places in the data; null where one is not known.
function valuesOf(numbers, chapter) {
  const known = new Map();
  return place => {
    if (!known.has(place)) {
      const slot = numbers.slot(place), value = numbers.what(chapter, slot), type = numbers.type(slot);
      known.set(place, value instanceof interpreter.Unknown ? null : typeof value === "number" ? { type, shape: [], data: [value] } : { type, shape: value.shape, data: value.data });
    }
    return known.get(place);
  };
}

function placeOf(steps, index) {
  let place = 0;
  for (let i = 0; i < steps.length; i += 2) place += steps[i] * index[steps[i + 1]];
  return place;
}

// The terms of a sum for an index: the product of each, and by `numbers` the factors of one of them.
function termsOf([runs, factors], index, of) {
  const inner = index.slice(), values = factors.map(([place, steps]) => ({ data: of(place).data, steps }));
  const products = new Float64Array(runs.reduce((count, [, size]) => count * size, 1));
  const factor = ({ data, steps }) => data[placeOf(steps, inner)];
  function turn(term) {
    for (let k = runs.length - 1; k >= 0; k--) {
      const [letter, size] = runs[k];
      inner[letter] = term % size;
      term = Math.floor(term / size);
    }
  }
  for (let term = 0; term < products.length; term++) {
    turn(term);
    products[term] = values.reduce((product, value) => product * factor(value), 1);
  }
  return { products, numbers: term => { turn(term); return values.map(factor); } };
}

// The places of the largest terms, in their order.
function mostOf(products) {
  const size = place => (Number.isNaN(products[place]) ? Infinity : Math.abs(products[place])), found = [];
  for (let place = 0; place < products.length; place++) {
    let at = found.length;
    while (at > 0 && size(found[at - 1]) < size(place)) at--;
    if (at < TERMS) found.splice(at, 0, place);
    found.length = Math.min(found.length, TERMS);
  }
  return found.sort((a, b) => a - b);
}

// The equation of one entry as MathML; nothing where a number in it is not known.
function entryLine(pieces, parts, index, of, texts) {
  const places = parts.flatMap(([first, second]) => (Array.isArray(first) ? second.map(([place]) => place) : [first]));
  if (places.some(place => !of(place))) return "";
  const text = (place, value, brackets) => holeText(of(place).type, value, "number", brackets, true);
  function total([runs, factors], brackets) {
    const { products, numbers } = termsOf([runs, factors], index, of), largest = mostOf(products);
    const terms = largest.map((term, i) => numbers(term).map((x, k) => text(factors[k][0], x, i || k ? 1 : brackets)).join("<mo>·</mo>"));
    const rest = products.length - largest.length;
    return [...terms, ...(rest ? [`<mtext>${rest} smaller</mtext>`] : [])].join("<mo>+</mo>") || "<mn>0</mn>";
  }
  return pieces.map(piece => {
    if (!Array.isArray(piece)) return typeof piece === "number" ? texts[piece] : piece;
    const [k, brackets] = piece;
    if (k === parts.length) return index.map(i => `<mn>${i}</mn>`).join("<mo>,</mo>");
    const [first, steps] = parts[k];
    return Array.isArray(first) ? `<mrow>${total(parts[k], brackets)}</mrow>` : text(first, of(first).data[placeOf(steps, index)], brackets);
  }).join("");
}
