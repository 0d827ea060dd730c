// What a saved page has in place of a kernel: a model that keeps the state of the page. It has the numbers of each chapter as text,
// computed by the program of the page, or else as they were recorded.

function fixedModel(state) {
  const listeners = {};
  const changed = key => (listeners[`change:${key}`] || []).forEach(call => call());
  const chapters = state.program ? chaptersOf(state) : null;
  if (chapters) {
    state.texts = chapters.texts;
    state.leaves = chapters.leaves;
    state.recorded_leaves = chapters.recorded;
    state.numbers = chapters;
  }
  const walk = walkOf({ get: key => state[key] });
  const here = () => walk.chapterFrom(state.position);
  const requests = {
    new_value: ({ name, place, value }) => chapters.set(here(), [[name, old => old.map((x, i) => (i === (place ?? 0) ? value : x))]]),
    new_leaves: given => chapters.set(here(), given.map(([name, entries]) => [name, () => entries])),
    update: ({ rate, times }) => {
      chapters.update(here(), rate, times);
      state.position = (chapters.count() - 1) * walk.length();
    },
    reset: () => chapters.reset(),
  };

  const judge = judgeOf(state, chapters && (() => chapters.worlds(here(), state.proof)));
  const answer = ({ name, text, number = 0, turn }) => {
    const step = state.data.steps.find(one => one.ask && one.name === name);
    state.verdict = { ...judge(text, questionsIn(step, state.texts.at(here()))[number]), turn };
    changed("verdict");
  };

  // A request changes the numbers, or is a problem that says why it changed nothing.
  function carryOut(request) {
    const before = state.problem;
    try {
      request();
      state.problem = "";
      state.position = Math.min(state.position, walk.last());
      changed("texts");
    } catch (reason) {
      if (!(reason instanceof Refused)) throw reason;
      state.problem = reason.message;
    }
    if (state.problem !== before) changed("problem");
  }

  return {
    get: key => state[key],
    set: (key, value) => {
      if (key === "answer") return answer(value);
      if (key in requests && chapters) return carryOut(() => requests[key](value));
      if (state[key] === value) return;
      state[key] = value;
      changed(key);
    },
    on: (event, call) => { (listeners[event] ||= []).push(call); },
    off: (event, call) => { listeners[event] = (listeners[event] || []).filter(other => other !== call); },
    save_changes: () => {},
  };
}

// The same for a kernel elsewhere: what it does not send, such as the curve of a function, is computed from its program.
function withNumbers(model) {
  let numbers = null, from = []; // either may change alone
  const computed = () => {
    if (model.get("numbers")) return model.get("numbers");
    const [program, live] = ["program", "live"].map(key => model.get(key));
    if (from[0] !== program || from[1] !== live) numbers = live?.holes ? chaptersOf({ program, live }) : null;
    from = [program, live];
    return numbers;
  };
  return {
    get: key => (key === "numbers" ? computed() : model.get(key)),
    ...Object.fromEntries(["set", "on", "off", "save_changes"].map(name => [name, (...given) => model[name](...given)])),
  };
}

class Refused extends Error {}

// The chapters of a program: the leaves of each, from which the rest is computed when it is asked for.
function chaptersOf({ program: instructions, live }) {
  const { prepare, run, valueFrom, Unknown } = interpreter;
  const program = prepare(instructions);
  const recorded = program.values.slice();
  const slots = new Map(live.leaves.map(([name, slot]) => [name, slot]));
  let chapters = [];
  let held = null; // the chapter whose leaves the program has
  const touched = new Set(live.rates); // the slots in which chapters differ from the recording
  const known = new Map(); // the texts of chapters

  for (const { leaves, rate } of live.chapters) {
    const values = new Map(chapters.at(-1)?.values);
    for (const [i, value] of Object.entries(leaves)) {
      const slot = live.leaves[i][1];
      touched.add(slot);
      values.set(slot, valueFrom(program.types[slot], program.shapes[slot], value));
    }
    live.rates.forEach(slot => values.set(slot, rate));
    chapters.push({ values });
  }
  const first = chapters;

  function compute(values) {
    run(program, Object.fromEntries([...touched].map(slot => [slot, values.get(slot) ?? recorded[slot]])));
  }

  function hold(i) {
    if (held === chapters[i]) return;
    compute(chapters[i].values);
    held = chapters[i];
  }

  const valueOf = (i, slot) => chapters[i].values.get(slot) ?? recorded[slot];

  function textsOf(i) {
    if (!known.has(chapters[i])) {
      hold(i);
      known.set(chapters[i], live.holes.map((slot, place) => {
        const value = program.values[slot];
        if (Object.hasOwn(live.kept, place) && value === recorded[slot]) return live.kept[place];
        const [shown, ...manner] = live.known_manners[live.manners[place]], beside = (live.beside[place] ?? []).map(other => program.values[other]);
        if ([value, ...beside].some(x => x instanceof Unknown)) return REMARKS.includes(shown) ? "" : "?";
        return holeText(program.types[slot], value, shown, ...manner, beside);
      }));
    }
    return known.get(chapters[i]);
  }

  // What Python would decide with these values otherwise than in the recording.
  function decidedOtherwise(values) {
    const isOther = ([, slot, answer]) => {
      const value = values[slot];
      return value instanceof Unknown || Number(typeof value === "number" ? value : value.data[0]) !== answer;
    };
    return live.checks.find(isOther)?.[0];
  }

  function check(values) {
    compute(values);
    held = null;
    const text = decidedOtherwise(program.values);
    if (text !== undefined) throw new Refused(`the program would take another path than the recorded one: ${text}`);
  }

  // All values of a chapter, and on call those with other leaves
  function worldsOf(i, proof) {
    hold(i);
    const here = program.values.slice(), { types } = program;
    const isFinite = value => !(value instanceof Unknown) && (typeof value === "number" ? Number.isFinite(value) : value.data.every(Number.isFinite));
    const others = () => {
      held = null;
      const found = otherWorlds(proof, slot => here[slot], drawn => {
        const leaves = drawn.map(([slot, entries]) => [slot, valueFrom(types[slot], program.shapes[slot], entries)]);
        run(program, Object.fromEntries(leaves));
        const isFit = proof.statements.every(slot => isFinite(program.values[slot])) && decidedOtherwise(program.values) === undefined;
        return isFit ? program.values.slice() : null;
      });
      run(program, Object.fromEntries(proof.leaves.map(([slot]) => [slot, here[slot]])));
      return found.length ? found : [here];
    };
    return { here, others, types };
  }

  function changedLeaf(name, slot, old, change) {
    const type = program.types[slot], shape = program.shapes[slot];
    if (old instanceof Unknown) throw new Refused(old.reason);
    const before = shape.length ? Array.from(old.data) : [old], entries = change(before);
    if (entries.length !== before.length) throw new Refused(`${name} has ${before.length} entries, not ${entries.length}`);
    for (const x of entries.filter((x, place) => !Object.is(x, before[place]))) {
      if (!Number.isFinite(x)) throw new Refused(`${name} = ${x} is not finite`);
      if ("iu".includes(type[0]) && !Number.isInteger(x)) throw new Refused(`${name} = ${x} is not an integer`);
      if ("iu".includes(type[0]) && !Number.isSafeInteger(x)) throw new Refused(`${name} = ${x} is beyond 2 ** 53, where a page does not count exactly`);
      if (type[0] === "b" && x !== 0 && x !== 1) throw new Refused(`${name} = ${x} is neither 0 nor 1`);
    }
    const one = live.held.find(([, other]) => other === slot);
    if (one) throw new Refused(`${name} keeps its value: ${one[0]}`);
    return shape.length ? entries : entries[0];
  }

  function replace(from, ...chapter) {
    chapters.slice(from).forEach(old => known.delete(old));
    chapters = [...chapters.slice(0, from), ...chapter];
  }

  // A value of a chapter, also with other slots changed: of the leaves, or of anything else.
  function numberIn(i, target, changes) {
    hold(i);
    return changes ? interpreter.what(program, target, changes) : program.values[target];
  }

  return {
    count: () => chapters.length,
    chapter: i => chapters[i], // an object that is another one where its numbers are
    what: numberIn,
    slot: place => live.slots[place], // that the data of the walk names by its place
    leaf: name => slots.get(name), // its slot
    shape: slot => program.shapes[slot],
    type: slot => program.types[slot],
    recorded: chapters.map((_, i) => live.leaves.map(([, slot]) => valueOf(i, slot))),
    worlds: worldsOf,
    texts: { get length() { return chapters.length; }, at: textsOf },
    leaves: {
      at: i => live.leaves.map(([, slot]) => valueOf(i, slot)),
      reason: () => program.values.find(value => value instanceof Unknown)?.reason ?? "",
    },

    // Leaves by name, each with a function from its entries to new ones.
    set(i, given) {
      const values = new Map(chapters[i].values), made = [];
      for (const [name, change] of given) {
        const slot = slots.get(name);
        if (slot === undefined) throw new Refused(`no leaf is called '${name}'`);
        values.set(slot, changedLeaf(name, slot, valueOf(i, slot), change));
        touched.add(slot);
        made.push(slot);
      }
      live.rates.forEach(slot => values.set(slot, live.rate));
      check(values);
      made.forEach(slot => values.set(slot, program.values[slot])); // in the leaf's dtype
      replace(i, { values });
    },

    reset() {
      chapters = first;
      held = null;
      known.clear();
    },

    update(i, rate, times) {
      if (!Number.isFinite(rate)) throw new Refused(`the learning rate ${rate} must be a finite number`);
      live.updates.forEach(([leaf]) => touched.add(leaf));
      for (let n = 0; n < times; n++) {
        const now = new Map(chapters[i].values);
        live.rates.forEach(slot => now.set(slot, rate));
        compute(now);
        held = null;
        const then = new Map(chapters[i].values);
        live.rates.forEach(slot => then.set(slot, live.rate));
        for (const [leaf, next] of live.updates) then.set(leaf, program.values[next]);
        check(then);
        replace(i, { values: now }, { values: then });
        i += 1;
      }
    },
  };
}
