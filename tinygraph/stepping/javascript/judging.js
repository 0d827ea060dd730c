// The verdict on an answer, as the kernel's quiz gives it: a number within a tolerance, a formula on other leaves, or a choice.

// `worlds` has the values of the leaves that are, and of others; a page of recorded values has none.
function judgeOf({ data, grammar, referee }, worlds) {
  const { messages, tolerance: { relative, absolute, smallest, rounding } } = data;
  const formulas = worlds ? formulasOf({ ...grammar, messages }) : null;
  const say = sayings(messages);
  const allowed = x => Math.max(relative * Math.abs(x), Math.abs(x) > rounding && Math.abs(x) < smallest ? 0 : absolute);
  const isNear = (given, x) => Math.abs(given - x) <= allowed(x);
  const shapeText = shape => `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
  const spaceless = text => text.replace(/\s+/g, "");

  // `question` has the texts of what is asked, `name` is that of its step.
  return function verdict(name, text, question) {
    try {
      const why = question.choices ? chosen(text, question) : wrong(name, text, question);
      return why === null ? { right: true, message: say("right", { end: question.end }), counted: true }
        : { right: false, message: say("wrong", { name, why }), counted: true };
    } catch (reason) {
      if (!(reason instanceof FormulaError)) throw reason;
      return { right: false, message: reason.message, counted: false };
    }
  };

  function chosen(text, { choices, value, mistake }) {
    if (!choices.includes(text)) throw new FormulaError(say("choice", { choices: `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}` }));
    return text === value ? null : mistake;
  }

  // What is wrong with an answer; null if it is right.
  function wrong(name, text, question) {
    if (!worlds) return numberWrong(recordedNumber(text), question);
    if (spaceless(question.end).startsWith(spaceless(`${name}=${text}=`))) return null;
    const { root, free } = formulas.read(text);
    const [slot, count, mistakes] = referee.questions[name];
    const known = new Map(referee.names.slice(0, count).map(([one, ...place]) => [one, place]));
    for (const [one, where] of free) check(one, where, name, known);
    const { here, others, types } = worlds();
    const valueIn = world => formulas.evaluate(root, one => {
      const [slot, value] = known.get(one);
      return slot === null ? { type: PLAIN, value } : { type: types[slot], value: world[slot] };
    }).value;
    const found = valueIn(here), right = here[slot];
    if (!free.size) return numbersWrong(found, right, question, mistakes, here);
    return formulaWrong(name, found, right, mistakes, slot, others().map(world => [world, valueIn(world)]), types);
  }

  function check(one, where, name, known) {
    if (known.has(one)) return;
    const isLater = referee.names.some(([other]) => other === one);
    const hint = say("known", { names: [...known.keys()].slice(0, 20).join(", ") });
    const key = one === name ? "asked" : isLater ? "later" : formulas.isFunction(one) ? "value" : "unknown";
    throw new FormulaError(`${where}: ${say(key, { name: one, text: oneLine(one), hint })}`);
  }

  // Numbers

  function recordedNumber(text) {
    const typed = Number(text.trim().replaceAll("−", "-"));
    if (text.trim() === "" || !Number.isFinite(typed)) throw new FormulaError(say("number"));
    return typed;
  }

  function numberWrong(given, { value }) {
    if (isNear(given, value)) return null;
    return isNear(given, -value) ? say("sign") : sizeWrong(given, value);
  }

  const sizeWrong = (given, x) => say(["other sign", "size", "same sign"][Math.sign(given) * Math.sign(x) + 1]);

  function numbersWrong(given, right, question, mistakes, here) {
    const { shapeOf } = interpreter, all = entriesOf(given);
    if (!all.every(Number.isFinite)) throw new FormulaError(say("finite"));
    const isWhole = shapeOf(given).length > 0, shape = shapeOf(right), place = placeOfLargest(right);
    if (isWhole && String(shapeOf(given)) !== String(shape)) throw new FormulaError(say("shapes", { label: question.label, shape: shapeText(shape) }));
    const at = x => (isWhole ? entriesOf(x) : [entriesOf(x)[place]]);
    if (!at(right).every(Number.isFinite)) throw new FormulaError(say("infinite", { label: question.label }));
    const hits = (slot, factor) => String(shapeOf(here[slot])) === String(shape) && at(here[slot]).every((x, i) => isNear(all[i], x * factor));
    if (at(right).every((x, i) => isNear(all[i], x))) return null;
    const one = mistakes.find(([, slot, factor]) => hits(slot, factor));
    if (one) return referee.texts[one[0]];
    return isWhole ? say("numbers") : sizeWrong(all[0], at(right)[0]);
  }

  // Formulas

  function entriesOf(x) {
    return typeof x === "number" ? [x] : [...x.data];
  }

  function formulaWrong(name, found, right, mistakes, slot, results, types) {
    const { shapeOf } = interpreter, wanted = shapeOf(right);
    if (!fits(found, right)) return say("shape", { shape: shapeText(shapeOf(found)), name, wanted: shapeText(wanted) });
    const finite = results.filter(([, value]) => entriesOf(value).every(Number.isFinite));
    if (!finite.length) throw new FormulaError(say("nowhere"));
    const everywhere = (other, factor) => finite.every(([world, value]) => isClose(value, world[other], factor, types[other]));
    if (everywhere(slot, 1)) return null;
    const one = mistakes.find(([, other, factor]) => everywhere(other, factor));
    if (one) return referee.texts[one[0]];
    return say(isClose(found, right, 1, types[slot]) ? "here alone" : "other");
  }

  function fits(value, right) {
    const { broadcastShape, shapeOf, Unknown } = interpreter;
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
    const entries = entriesOf(right).map(x => x * factor), given = interpreter.broadcastData(value, interpreter.shapeOf(right));
    const near = referee.equal[type[1] === "8" ? 1 : 0] * entries.reduce((most, x) => Math.max(most, Math.abs(x)), 0) + rounding;
    return entries.every((x, i) => Math.abs(given[i] - x) <= near);
  }
}

// Other leaves on which everything is finite and Python would decide as it did; if there are none, those that are.
function otherWorlds(referee, leaves, compute) {
  const random = randomly(0), found = [];
  for (let i = 0; i < referee.tries && found.length < referee.draws; i++) {
    const sign = referee.signs[i % referee.signs.length];
    const world = compute(new Map(referee.leaves.map(([slot, manner]) => [slot, redrawn(leaves(slot), manner, sign, random)])));
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
