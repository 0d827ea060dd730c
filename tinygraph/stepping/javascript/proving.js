// The verdict on a formula: it is right where it equals the gradient on other leaves too.

function proverOf({ proof, rounding, say, numbersWrong, shapeText }) {
  const { shapeOf, broadcastShape, broadcastData, Unknown } = interpreter;
  const formulas = formulasOf(proof.grammar);
  const spaceless = text => text.replace(/\s+/g, "");
  const entriesOf = x => (typeof x === "number" ? [x] : [...x.data]);

  return function formulaWrong({ text, question, slot, mistakes, worlds: { here, others, types } }) {
    const { name } = question;
    if (spaceless(question.end).startsWith(spaceless(`${name}=${text}=`))) return null; // what the quiz prints is right
    const { root, free } = formulas.read(text);
    const known = new Map(proof.names.slice(0, proof.names.findIndex(([one]) => one === name)).map(([one, ...place]) => [one, place]));
    for (const [one, where] of free) check(one, where, name, known);
    const valueIn = world => formulas.evaluate(root, one => {
      const [at, value = world[at]] = known.get(one);
      if (value instanceof Unknown) throw new FormulaError(value.reason);
      return { type: at === null ? PLAIN : types[at], value };
    }).value;
    const found = valueIn(here), right = here[slot];
    if (!free.size) return numbersWrong(found, slot, question, mistakes, here);
    if (!fits(found, right)) return say("shape", { shape: shapeText(shapeOf(found)), name, wanted: shapeText(shapeOf(right)) });
    const finite = others().map(world => [world, valueIn(world)]).filter(([, value]) => entriesOf(value).every(Number.isFinite));
    if (!finite.length) throw new FormulaError(say("nowhere"));
    const everywhere = (at, factor) => finite.every(([world, value]) => isClose(value, world[at], factor, types[at]));
    if (everywhere(slot, 1)) return null;
    return mistakes.find(([, at, factor]) => everywhere(at, factor))?.[0] ?? say(isClose(found, right, 1, types[slot]) ? "here alone" : "other");
  };

  function check(one, where, name, known) {
    if (known.has(one)) return;
    const isLater = proof.names.some(([other]) => other === one);
    const hint = say("known", { names: [...known.keys()].slice(0, 20).join(", ") });
    const key = one === name ? "asked" : isLater ? "later" : formulas.isFunction(one) ? "value" : "unknown";
    throw new FormulaError(`${where}: ${say(key, { name: one, text: oneLine(one), hint })}`);
  }

  function fits(value, right) {
    try {
      return String(broadcastShape([shapeOf(value), shapeOf(right)])) === String(shapeOf(right));
    } catch (reason) {
      if (reason instanceof Unknown) return false;
      throw reason;
    }
  }

  // Whether two values are equal up to rounding
  function isClose(value, right, factor, type) {
    if (!fits(value, right)) return false;
    const entries = entriesOf(right).map(x => x * factor), given = broadcastData(value, shapeOf(right));
    const near = proof.equal[type[1] === "8" ? 1 : 0] * entries.reduce((most, x) => Math.max(most, Math.abs(x)), 0) + rounding;
    return entries.every((x, i) => Math.abs(given[i] - x) <= near);
  }
}

// Other leaves on which everything is finite and Python would decide as it did; if there are none, those that are.
function otherWorlds(proof, leaves, compute) {
  const found = [];
  for (let draw = 0; draw < proof.tries && found.length < proof.draws; draw++) {
    const sign = proof.signs[draw % proof.signs.length];
    const world = compute(proof.leaves.map(([slot, manner], place) => [slot, redrawn(leaves(slot), manner, sign, draw, place)]));
    if (world) found.push(world);
  }
  return found;
}

function redrawn(value, manner, sign, draw, place) {
  const entries = typeof value === "number" ? [value] : Array.from(value.data), { length } = entries;
  const numbers = uniform(draw, place, 2 * length), row = value.shape?.at(-1);
  const order = (start, count) => Array.from({ length: count }, (_, i) => start + i).sort((i, j) => numbers[i] - numbers[j] || i - j);
  if (manner === "kept") return entries;
  if (manner === "permuted") return order(0, length).map(i => entries[i]);
  if (manner === "distributions") return Array.from({ length: length / row }, (_, i) => order(i * row, row)).flat().map(i => entries[i]);
  return entries.map((x, i) => {
    if (manner === "counts") return Math.floor(2 + 7 * numbers[i]);
    if (manner === "labels") return 0.05 + 0.9 * numbers[i];
    return (sign * Math.sign(x) || (numbers[length + i] < 0.5 ? -1 : 1)) * (Math.abs(x) < 1 ? 0.05 + 0.9 * numbers[i] : 1 + 1.5 * numbers[i]);
  });
}

// Numbers from 0 to 1 for the leaf at a place in one of the draws, as Python draws them.
function uniform(draw, place, count) {
  const start = Math.imul(draw, 0x9e3779b1) + Math.imul(place, 0x85ebca6b);
  return Array.from({ length: count }, (_, i) => {
    let x = (start + Math.imul(i + 1, 0x6d2b79f5)) >>> 0;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  });
}
