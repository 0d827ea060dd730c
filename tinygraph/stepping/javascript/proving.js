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
  const random = randomly(0), found = [];
  for (let i = 0; i < proof.tries && found.length < proof.draws; i++) {
    const sign = proof.signs[i % proof.signs.length];
    const world = compute(new Map(proof.leaves.map(([slot, manner]) => [slot, redrawn(leaves(slot), manner, sign, random)])));
    if (world) found.push(world);
  }
  return found;
}

function redrawn(value, manner, sign, random) {
  const entries = typeof value === "number" ? [value] : Array.from(value.data), between = (low, high) => low + (high - low) * random();
  if (manner === "permuted") return shuffled(entries, random);
  if (manner === "distributions") {
    const length = value.shape.at(-1);
    return entries.map((_, i) => i).filter(i => i % length === 0).flatMap(i => shuffled(entries.slice(i, i + length), random));
  }
  return entries.map(x => {
    if (manner === "kept") return x;
    if (manner === "counts") return Math.floor(between(2, 9));
    if (manner === "labels") return between(0.05, 0.95);
    return (sign * Math.sign(x) || (random() < 0.5 ? -1 : 1)) * (Math.abs(x) < 1 ? between(0.05, 0.95) : between(1, 2.5));
  });
}

function shuffled(entries, random) {
  for (let i = entries.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [entries[i], entries[j]] = [entries[j], entries[i]];
  }
  return entries;
}

// Numbers from 0 to 1 that are the same each time: mulberry32.
function randomly(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  };
}
