// The interpreter: a program is data, and each of its instructions a slot, an op, the slots of its operands, and metadata.
//
// `prepare` computes every slot once; `run` changes some and computes again what depends on them; `what` asks for one slot's
// value with others changed, and leaves the program as it was. A slot without a known value holds an `Unknown`, which says why.
// A slot that has a value at first, and an instruction too, was recorded: the instruction says what it depends on.

function prepare(data) {
  const types = data.slots.map((k) => data.types[k][0]);
  const shapes = data.slots.map((k) => data.types[k][1]);
  const values = new Array(types.length);
  for (const [slot, value] of Object.entries(data.init)) values[slot] = valueFrom(types[slot], shapes[slot], value);
  const known = new Set(Object.keys(data.init).map(Number));
  const steps = data.code.map((instruction) => stepOf(instruction, types, known));
  const program = { types, shapes, values, steps, slices: new Map() };
  advance(steps.filter((step) => !known.has(step.slot)), values);
  return program;
}

// Change the values of slots, an object by slot, and compute again what depends on them.
function run(program, changes) {
  for (const [slot, value] of Object.entries(changes)) program.values[slot] = received(program, slot, value);
  advance(sliceOf(program, Object.keys(changes)), program.values);
  return program;
}

// The value that a slot would have with others changed.
function what(program, target, changes) {
  const { values } = program;
  const changed = Object.keys(changes);
  const steps = sliceOf(program, changed, target);
  const touched = [...changed, ...steps.map((step) => step.slot)];
  const before = touched.map((slot) => values[slot]);
  for (const slot of changed) values[slot] = received(program, slot, changes[slot]);
  advance(steps, values);
  const found = values[target];
  touched.forEach((slot, i) => (values[slot] = before[i]));
  return found;
}

// Values as data has them: a number, or the entries in one row; what is not finite, or an integer beyond 2 ** 53, is text.

function valueFrom(type, shape, value) {
  const given = typeof value === "object" ? Array.from(value) : [value];
  const entries = given.map((entry) => (typeof entry === "string" ? numberOf(entry) : entry));
  if (entries.length !== sizeOf(shape)) return new Unknown(`${entries.length} entries do not fit into shape (${shape})`);
  const unknown = entries.find((entry) => entry instanceof Unknown);
  return unknown ?? attempted(() => made(TYPES.has(type) ? type : "f8", shape, entries));
}

function numberOf(text) {
  const spelled = { inf: Infinity, "-inf": -Infinity, nan: NaN };
  return Object.hasOwn(spelled, text) ? spelled[text] : new Unknown(`the integer ${text} is beyond 2 ** 53`);
}

// A value from outside: a number, an array, or the entries of one that has the recorded shape.
function received(program, slot, value) {
  if (value instanceof NDArray || value instanceof Unknown) return value;
  return valueFrom(program.types[slot], typeof value === "number" ? NO_AXES : program.shapes[slot], value);
}

// The value of one op alone.
function applied(op, operands, params, type, operandTypes) {
  const maker = elementwise.get(op);
  if (maker === undefined) return structural[op](operands, params, type, operandTypes);
  return entrywise(entryRule(op, maker, params, type).rule, operands, type);
}

// Steps: instructions with all that can be looked up once

function stepOf([slot, op, operands, params = {}], types, known) {
  const type = types[slot];
  const step = { slot, operands, first: operands[0], second: operands[1] ?? operands[0], ofNumbers: null, settle: null };
  if (known.has(slot)) {
    return { ...step, compute: () => refuse(`${op} is not computed in a page: its value was recorded`) };
  }
  const maker = elementwise.get(op);
  if (maker === undefined) {
    const operandTypes = operands.map((operand) => types[operand]);
    return { ...step, compute: (values) => structural[op](values, params, type, operandTypes) };
  }
  const { rule, settle } = entryRule(op, maker, params, type);
  const isQuick = operands.length <= 2 && !isWhole(type); // what becomes an integer may be refused
  return { ...step, ofNumbers: isQuick ? rule.one : null, settle, compute: (values) => entrywise(rule, values, type) };
}

// One rule for all instructions that are alike, so that the browser has few of them to make fast.
const entryRules = new Map();

function entryRule(op, maker, params, type) {
  const key = `${op} ${type} ${JSON.stringify(params)}`;
  if (!entryRules.has(key)) entryRules.set(key, { rule: maker(params, type), settle: TYPES.get(type).settle });
  return entryRules.get(key);
}

function advance(steps, values) {
  for (const step of steps) {
    const x = values[step.first];
    const y = values[step.second];
    if (step.ofNumbers !== null && typeof x === "number" && typeof y === "number") {
      const found = step.ofNumbers(x, y);
      values[step.slot] = step.settle === null ? found : step.settle(found);
    } else {
      values[step.slot] = computed(step, values);
    }
  }
}

function computed(step, values) {
  const operands = step.operands.map((slot) => values[slot]);
  const missing = operands.find((x) => x instanceof Unknown);
  return missing ?? attempted(() => step.compute(operands));
}

// A value, or why it was refused.
function attempted(compute) {
  try {
    return compute();
  } catch (reason) {
    if (reason instanceof Unknown) return reason;
    throw reason;
  }
}

// Slices: the steps that depend on some slots, all of them or those that a target needs

const SLICES_KEPT = 50; // of a program; each may have as many steps as the program

function sliceOf(program, changed, target = null) {
  const { slices } = program;
  const key = `${changed} ${target}`;
  if (!slices.has(key)) {
    if (slices.size === SLICES_KEPT) slices.clear();
    slices.set(key, slice(program, changed.map(Number), target));
  }
  return slices.get(key);
}

function slice({ steps, types }, changed, target) {
  const depends = new Uint8Array(types.length);
  for (const slot of changed) depends[slot] = 1;
  const all = steps.filter((step) => {
    if (changed.includes(step.slot) || !step.operands.some((slot) => depends[slot] === 1)) return false;
    depends[step.slot] = 1;
    return true;
  });
  if (target === null) return all;
  const needed = new Uint8Array(types.length);
  needed[target] = 1;
  const isNeeded = (step) => {
    if (needed[step.slot] === 0) return false;
    for (const slot of step.operands) needed[slot] = 1;
    return true;
  };
  return all.reverse().filter(isNeeded).reverse();
}
