// Formulas that were read are computed by the interpreter, in NumPy's dtypes.
//
// A value is its type and a number or an array. A number that was typed, or that an op made, takes the dtype of the array beside it.

const PLAIN = "float"; // the type of such a number
const LETTERS = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"];

function formulasOf(grammar) {
  const { applied, broadcastShape, shapeOf, sizeOf, NDArray, Unknown } = interpreter;
  const parser = parserOf(grammar), vocabulary = vocabularyOf(grammar, parser.parse), read = readerOf(grammar, vocabulary, parser);
  const { ops, functions, modules, sizes } = vocabulary, { say } = parser;
  const { limits, types } = grammar;
  const bodies = new Map(Object.entries(grammar.bodies));
  const ndimOf = x => shapeOf(x.value).length;
  const refuse = reason => { throw new Unknown(reason); };

  // Computing

  function compute(x, values, budget) {
    if (x.op === undefined) return x.name === undefined ? { type: PLAIN, value: x.value } : values(x.name);
    const operands = x.operands.map(one => compute(one, values, budget));
    const fail = said => { throw new FormulaError(`${x.where}: ${said}`); };
    budget.left -= workOf(x, operands);
    if (!(budget.left >= 0)) fail(say("work"));
    try {
      const found = plainly(valueOf(x.op, operands, x.params));
      if (shapeOf(found.value).length > limits.axes) fail(say("axes", { most: limits.axes }));
      return found;
    } catch (reason) {
      if (reason instanceof FormulaError) throw reason;
      return fail(`${x.op.name}: ${reason instanceof Unknown ? reason.reason : "such operands do not fit"}`);
    }
  }

  // The value of an op without axes is a number as Python has it.
  function plainly({ type, value }) {
    if (value instanceof Unknown) throw value;
    const shape = shapeOf(value);
    if (!shape.every(length => Number.isInteger(length) && length >= 0)) refuse("such operands do not fit");
    return { type: shape.length || type === "b1" ? type : PLAIN, value };
  }

  function valueOf(op, operands, given) {
    const special = specials.get(op.name);
    if (special) return special(operands, given);
    // Beside what is no float a number that was computed is Python's own, which has no shape.
    const isFloat = x => isPlain(x) || (x.type === "f8" && !ndimOf(x));
    if (op.name.endsWith("_like") && isPlain(operands[1]) && !operands.every(isFloat)) refuse("such a number has no shape");
    const complete = op.metadata.map(([key, value]) => [key, Object.hasOwn(given, key) ? given[key] : value]);
    return run(op, operands, Object.fromEntries(complete.filter(([, value]) => (value ?? false) !== false)));
  }

  function run(op, operands, params) {
    checkAxes(op, operands, params);
    const prepare = adapted.get(op.name), all = prepare ? prepare(operands, params) : operands;
    if (!Array.isArray(all)) return all;
    if (bodies.has(op.name)) return { type: typeOf(op, operands, params), value: ofBody(op, operands, params) };
    const type = typeOf(op, all, params), known = all.map(x => computedIn(x.type));
    const value = applied(op.name, all.map(x => x.value), params, computedIn(type), known);
    return { type, value: type === "f2" ? halved(value) : value };
  }

  const flat = x => ({ ...x, value: new NDArray([typeof x.value === "number" ? 1 : x.value.data.length], typeof x.value === "number" ? [x.value] : x.value.data) });

  // What NumPy takes and the interpreter does not, because no program that was recorded has it: operands in another shape, or else
  // the result.
  const adapted = new Map([
    ["index", indexed],
    ["scatter_like", (operands, { template }) => withIndices(operands, 2, template)],
    ["einsum", (operands, params) => {
      const [before, after] = params.subscripts.replaceAll(" ", "").split("->"), terms = before.split(",");
      if (terms.length !== operands.length || terms.some((term, i) => term.length !== ndimOf(operands[i]))) refuse("the subscripts do not fit the operands");
      const once = [...before].filter((letter, _, all) => letter !== "," && all.filter(other => other === letter).length === 1).sort().join("");
      params.subscripts = `${before}->${after ?? once}`;
      return operands;
    }],
    ["broadcast_like", ([x, like]) => {
      if (String(broadcastShape([shapeOf(x.value), shapeOf(like.value)])) !== String(shapeOf(like.value))) refuse("operands could not be broadcast together");
      return [x, like];
    }],
    ...["cumsum", "cumprod", "sort", "argsort"].map(name => [name, ([x], params) => {
      if (params.axis !== undefined && ndimOf(x)) return [x];
      params.axis = 0;
      return [flat(x)];
    }]),
    ...["tril", "triu"].map(name => [name, ([x]) => {
      const { length } = shapeOf(x.value);
      if (length > 1) return [x];
      if (!length) refuse("a number is no matrix");
      const shape = [x.value.data.length, x.value.data.length];
      return [{ ...x, value: applied("broadcast_to", [x.value], { shape }, x.type, [x.type]) }];
    }]),
    ["repeat", ([x], params) => {
      if (params.axis !== undefined && ndimOf(x)) return [x];
      params.axis = 0;
      return [flat(x)];
    }],
  ]);

  // The arrays of an index are of integers or truth values, numbers of formulas are floats; a truth value alone is a new axis.
  function indexed(operands, { template }) {
    const all = withIndices(operands, 1, template), alone = all.findIndex((x, i) => i > 0 && x.type === "b1" && !ndimOf(x));
    if (alone < 0) return all;
    if (all.length > 2) refuse("a truth value beside other arrays is no index here");
    const expanded = run(ops.get("index"), [all[0]], { template: template.map(part => (part === "array" ? null : part)) });
    const place = template.slice(0, template.indexOf("array")).filter(part => typeof part !== "number").length;
    return all[1].value ? expanded : run(ops.get("index"), [expanded], { template: [...Array(place).fill([]), [0, 0, null]] });
  }

  function withIndices(operands, first, template) {
    const all = operands.map((x, i) => {
      if (i < first || !(isPlain(x) || x.type[0] === "f")) return x;
      const entries = typeof x.value === "number" ? [x.value] : [...x.value.data];
      return entries.every(Number.isInteger) ? { type: "i8", value: x.value } : refuse("only integers, slices and truth values are indices");
    });
    const arrays = all.slice(first), taken = template.reduce((count, part) => {
      if (part === null || part === "...") return count;
      const array = part === "array" ? arrays.shift() : null;
      return count + (array?.type === "b1" ? ndimOf(array) : 1);
    }, 0);
    return taken > ndimOf(all[first - 1]) ? refuse("too many indices") : all;
  }

  // What an op is made of; a reduction has kept its axes, and a loss its entries.
  function ofBody(op, operands, params) {
    const { axis, keepdims, reduction } = params, keepsAxes = op.metadata.some(([key]) => key === "keepdims");
    const values = [...operands];
    for (const [name, places, own = {}] of bodies.get(op.name)) {
      const inside = places.map(x => (Array.isArray(x) ? { type: PLAIN, value: numberFrom(x[0]) } : values[x]));
      const known = Object.entries(own).map(([key, value]) => [key, value === "axis" ? axis : value]).filter(([, value]) => value !== undefined);
      values.push(run(ops.get(name), inside, Object.fromEntries(known)));
    }
    let found = values.at(-1);
    if (keepsAxes && !keepdims) found = run(ops.get("squeeze"), [found], axis === undefined ? {} : { axis });
    if (reduction && reduction !== "none") found = run(ops.get(reduction), [found], {});
    return found.value;
  }

  const isIn = (axis, ndim) => Number.isInteger(axis) && axis >= -ndim && axis < ndim;

  function checkAxes(op, operands, params) {
    const added = { expand_dims: [params.axis].flat().length, stack: 1, linspace: 1 }[op.name] ?? 0;
    const ndim = shapeOf(operands[0].value).length + added;
    const named = ["axis", "axes", "axis1", "axis2"].flatMap(key => params[key] ?? []);
    const [ofNumber, takesSeveral] = grammar.axes[op.name] ?? [-1, 1];
    if (Array.isArray(params.axis) && !takesSeveral) refuse("an axis is one number here");
    const axes = named.map(axis => (ndim === 0 && ofNumber >= 0 && (axis === 0 || axis === -1) ? 0 : isIn(axis, ndim) ? (axis + ndim) % ndim : NaN));
    const wrong = named.find((_, i) => Number.isNaN(axes[i]));
    if (wrong !== undefined) refuse(`axis ${wrong} is out of bounds for array of dimension ${ndim}`);
    if (new Set(axes).size < axes.length && op.name !== "roll") refuse("an axis is named twice");
    if (params.axes && params.axes.length !== ndim) refuse("axes don't match array");
    if (op.metadata.some(([key]) => key === "reduction") && String(shapeOf(operands[0].value)) !== String(shapeOf(operands[1].value))) {
      refuse("predictions and targets must have the same shape");
    }
  }

  // Types

  const isPlain = x => x.type === PLAIN;
  const computedIn = type => (type === "f2" ? "f4" : type === PLAIN ? "f8" : type);

  function typeOf(op, operands, params) {
    const { rule } = op;
    const found = alone => types[LETTERS.indexOf(alone)] ?? refuse(`${op.name} takes no such dtype`);
    if (rule[0] === "=") return found(rule[1]);
    if (Object.hasOwn(params, rule)) return params[rule];
    if (rule[0] === "+") {
      const taking = operands.filter((_, i) => rule.includes(Math.min(i, op.count - 1)));
      return settled(taking.map(x => x.type).reduce(joined));
    }
    const place = operands.reduce((total, x) => total * types.length + types.indexOf(x.type), 0);
    return settled(found(rule[place]));
  }

  const joined = (a, b) => types[LETTERS.indexOf(grammar.together[types.indexOf(a) * types.length + types.indexOf(b)])];
  const settled = type => (type === PLAIN ? "f8" : type);

  // As NumPy rounds to half precision
  function halved(x) {
    const one = entry => {
      const size = Math.abs(entry);
      if (size === 0 || !Number.isFinite(entry)) return entry;
      const unit = 2 ** (Math.max(Math.floor(Math.log2(size)), -14) - 10), count = size / unit, down = Math.floor(count);
      const whole = count - down > 0.5 || (count - down === 0.5 && down % 2) ? down + 1 : down;
      return Math.sign(entry) * (whole * unit >= 65520 ? Infinity : whole * unit);
    };
    return typeof x === "number" ? one(x) : new NDArray(x.shape, x.data.map(one));
  }

  // What NumPy's functions do that are no ops

  const strong = x => (x.type === PLAIN ? { ...x, type: "f8" } : x);
  const specials = new Map([
    ["dot", ([x, y]) => {
      const [first, second] = [x, y].map(one => shapeOf(one.value).length);
      if (second > 2) refuse("a page computes no dot of more than two axes");
      return run(ops.get(first && second ? "matmul" : "multiply"), [x, y], {});
    }],
    ["len", ([x]) => (shapeOf(x.value).length ? { type: PLAIN, value: shapeOf(x.value)[0] } : refuse(say("length")))],
    ["asarray", ([x]) => x],
    ["outer", operands => run(ops.get("outer"), operands.map(flat).map(strong), {})],
    ["prod", ([x], { axis, keepdims }) => {
      if (axis !== undefined && axis !== null) return run(ops.get("prod"), [x], { axis, keepdims });
      const found = run(ops.get("prod"), [strong(flat(x))], { axis: 0 });
      return keepdims ? run(ops.get("reshape"), [found], { shape: shapeOf(x.value).map(() => 1) }) : found;
    }],
  ]);

  // An upper bound on the entries that an op computes
  function workOf({ op, params }, operands) {
    const shapes = operands.map(x => shapeOf(x.value)), counts = shapes.map(sizeOf);
    const product = counts.reduce((total, count) => total * count, 1);
    if (op.work === 2) return (product / Math.max(shapes[0].at(-1) ?? 1, 1)) * (1 + (shapes[0].at(-1) ?? 1) / 100);
    if (op.work === 1) return product;
    if (op.work === 0) return broadcastSize(shapes) ?? counts.reduce((total, count) => total + count, 0);
    const numbers = [...sizes].flatMap(key => (key === "template" ? [] : [params[key] ?? []].flat(3)));
    const entries = op.name === "einsum" ? product / 10 : Math.max(1, ...counts) * operands.length;
    return numbers.filter(x => typeof x === "number").reduce((total, x) => total * Math.max(1, Math.abs(x)), entries);
  }

  function broadcastSize(shapes) {
    try {
      return sizeOf(broadcastShape(shapes));
    } catch {
      return null;
    }
  }

  const isFunction = name => functions.has(name) || modules.has(name);
  return { read, isFunction, evaluate: (root, values) => compute(root, values, { left: limits.work }) };
}
