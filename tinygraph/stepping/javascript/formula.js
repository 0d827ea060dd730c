// Formulas: a tree is read as ops with operands and metadata, and these are computed by the interpreter, in NumPy's dtypes.
//
// A value is its type and a number or an array. A number that was typed, or that an op made, takes the dtype of the array beside it.

const PLAIN = "float"; // the type of such a number
const LETTERS = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"];

function formulasOf(grammar) {
  const { applied, broadcastShape, shapeOf, sizeOf, NDArray, Unknown } = interpreter;
  const { parse, say } = parserOf(grammar);
  const { limits, types } = grammar;
  const ops = new Map(), functions = new Map();
  for (const [count, least, most, takesList, metadata, work, rule, names] of grammar.ops) {
    for (const written of names.split(" ")) {
      const [first, ...others] = written.split(","), op = { name: first || others[0], count, least, most, takesList, metadata, work, rule };
      ops.set(op.name, op);
      for (const name of first ? [first, ...others] : others.slice(1)) functions.set(name, op);
    }
  }
  const special = (name, most, metadata = []) => functions.set(name, { name, least: most, most, metadata, work: 2 });
  special("dot", 2);
  special("len", 1);
  special("asarray", 1);
  special("outer", 2);
  special("prod", 1, [["axis", null], ["keepdims", false]]);
  const modules = new Set(grammar.modules.split(" ")), homes = new Set(grammar.homes.split(" ")), sizes = new Set(grammar.sizes.split(" "));
  const constants = new Map(grammar.constants.map(([name, value]) => [name, typeof value === "string" ? Number(value.replace("inf", "Infinity")) : value]));
  const dtypes = new Map(grammar.dtypes);
  const bodies = new Map(Object.entries(grammar.bodies));
  const forms = grammar.forms.map(([op, text, operands, params, indices, rest]) => ({ op: ops.get(op), pattern: parse(text).tree, operands, params, indices, rest }));

  // Reading

  function read(typed) {
    const { tree, where, text } = parse(typed);
    const free = new Map();
    const fail = (x, key, values) => { throw new FormulaError(`${where(x.start)}: ${say(key, { text: text(x), ...values })}`); };
    const call = (x, op, operands, params = {}) => ({ op, operands: operands.map(meaning), params, where: where(x.start) });

    function meaning(x) {
      if (x.kind === "number") return { value: x.value };
      if (x.kind === "name") return named(x);
      if (x.kind === "op") return call(x, ops.get(x.op), x.operands);
      return formed(x) ?? ({ attribute, subscript, call: called }[x.kind] ?? (() => fail(x, "no formula")))(x);
    }

    function named(x) {
      if (x.value.startsWith("__")) fail(x, "name");
      if (!free.has(x.value)) free.set(x.value, where(x.start));
      return { name: x.value, where: where(x.start) };
    }

    // An op in one of the forms in which source prints it, such as x.T
    function formed(x) {
      let wrong = null;
      for (const form of forms) {
        const found = new Map();
        if (!matches(form.pattern, x, found)) continue;
        try {
          const made = inForm(x, form, found);
          if (made) return made;
        } catch (reason) {
          if (!(reason instanceof FormulaError)) throw reason;
          wrong = reason;
        }
      }
      if (wrong) throw wrong;
      return null;
    }

    function inForm(x, { op, operands: fixed, params: fixedParams, indices, rest }, found) {
      const isList = found.has("rest"), count = isList ? rest : op.count;
      const operands = Array.from({ length: count }, (_, i) => found.get(String(i)));
      for (const [i, value] of fixed) operands[i] ??= { kind: "number", value, start: x.start, end: x.end };
      if (isList) operands.push(...found.get("rest"));
      if (operands.some(one => !one || (one.kind === "name" && modules.has(one.value)))) return null;
      const params = { ...fixedParams };
      for (const [key] of op.metadata) if (found.has(key)) params[key] = indices.includes(key) ? whole(found.get(key)) : literal(found.get(key), key);
      return call(x, op, operands, params);
    }

    function attribute(x) {
      if (x.value.kind !== "name" || !modules.has(x.value.value)) fail(x, "attribute");
      if (x.value.value === "np" && constants.has(x.name)) return { value: constants.get(x.name) };
      return fail(x, "constant");
    }

    function functionOf(x) {
      const isHome = x.kind === "attribute" && homes.has(text(x.value)), name = isHome ? x.name : x.kind === "name" ? x.value : fail(x, "called");
      if (functions.has(name)) return [name, functions.get(name)];
      const form = forms.find(({ pattern }) => callsNumPy(pattern, name));
      const hint = form ? say("form", { text: shownForm(form) }) : say("functions");
      return fail(x, "function", { text: oneLine(name), hint });
    }

    function called(x) {
      const [name, op] = functionOf(x.called);
      const isList = op.takesList && x.items[0]?.kind === "list";
      const given = isList ? [...x.items[0].items, ...x.items.slice(1)] : x.items, most = isList ? x.items[0].items.length : op.most;
      const operands = given.slice(0, most), further = given.slice(most);
      if (operands.length < op.least || operands.length > op.most || further.length > op.metadata.length) {
        fail(x, "operands", { name, count: `${op.least} value${op.least > 1 ? "s" : ""}`, given: x.items.length });
      }
      const params = new Map(), keys = op.metadata.map(([key]) => key);
      for (const [key, value] of [...further.map((value, i) => [keys[i], value]), ...x.named]) {
        if (!keys.includes(key) || params.has(key)) fail(value, "no such", { text: text(x), name, key: oneLine(key ?? "such thing") });
        params.set(key, literal(value, key));
      }
      const missing = op.metadata.filter(([key, ...given]) => !given.length && !params.has(key)).map(([key]) => key).sort();
      if (missing.length) fail(x, "needed", { name, keys: missing.join(", ") });
      return call(x, op, operands, Object.fromEntries(params));
    }

    // Numbers and slices are metadata; anything else in square brackets is a formula.
    function subscript(x) {
      const arrays = [];
      const parts = x.parts.length === 1 && x.parts[0].kind === "tuple" ? x.parts[0].items : x.parts;
      const template = parts.map(part => {
        if (part.kind === "slice") return part.ends.map(end => end && bound(end));
        const value = plain(part, limits.large);
        if (value === null || value === "..." || Number.isInteger(value)) return value;
        arrays.push(part);
        return "array";
      });
      return call(x, ops.get("index"), [x.value, ...arrays], { template });
    }

    // Literals

    // A constant or a whole or small number; undefined for anything else.
    function plain(x, most) {
      if (x.kind === "constant" || x.kind === "text") return x.value;
      const isSigned = x.kind === "op" && x.operands.length === 1, inside = isSigned ? x.operands[0] : x;
      if (inside.kind !== "number" || !(inside.value <= most)) return undefined;
      return isSigned ? -inside.value : inside.value;
    }

    function literal(x, key) {
      const value = key === "dtype" ? dtypeOf(x) ?? fail(x, "dtype") : metadata(x, key);
      return value === undefined ? fail(x, "literal") : value;
    }

    function metadata(x, key) {
      if (x.kind === "tuple" && x.items.length <= limits.small) return x.items.map(item => literal(item, key));
      if (x.kind === "call" && x.called.value === "slice" && !x.named.length) return [...x.items.map(end => literal(end, key)), null, null].slice(0, 3);
      if (x.kind === "name" && x.value === "ARRAY") return "array";
      const value = plain(x, sizes.has(key) ? limits.large : limits.small);
      return value === undefined ? dtypeOf(x) : value;
    }

    function dtypeOf(x) {
      if (x.kind === "name" && x.value === "bool") return "b1";
      if (x.kind === "attribute" && x.value.value === "np") return dtypes.get(x.name);
      if (x.kind !== "call" || x.called.kind !== "attribute" || x.called.name !== "dtype" || x.items[0]?.kind !== "text") return undefined;
      return /^[<>=|]?([fiu]\d{1,2}|b1|\?)$/.exec(x.items[0].value)?.[1].replace("?", "b1");
    }

    function bound(x) {
      const value = plain(x, limits.large);
      return value === null || Number.isInteger(value) ? value : fail(x, value === undefined ? "literal" : "whole");
    }

    function whole(x) {
      const value = plain(x, limits.small);
      return Number.isInteger(value) ? value : fail(x, value === undefined ? "literal" : "small");
    }

    return { root: meaning(tree), free };
  }

  const placeOf = x => (x.kind === "name" && x.value.startsWith("_place_") ? x.value.slice(7) : null);

  // Whether a piece has a form; what stands at its places is put into `found`.
  function matches(pattern, x, found) {
    const place = placeOf(pattern);
    if (place !== null) return Boolean(found.set(place, x));
    if (pattern.kind === "attribute" && x.kind === "name") return pattern.value.value === "np" && pattern.name === x.value;
    if (pattern.kind !== x.kind) return false;
    if (x.kind === "attribute") return pattern.name === x.name && matches(pattern.value, x.value, found);
    if (x.kind === "subscript") return x.parts.length === 1 && matches(pattern.value, x.value, found) && matches(pattern.parts[0], x.parts[0], found);
    if (x.kind === "tuple") return pattern.items.length === x.items.length;
    return x.kind === "call" ? matches(pattern.called, x.called, found) && matchesArguments(pattern, x, found) : pattern.value === x.value;
  }

  function matchesArguments(pattern, x, found) {
    let first = pattern.items, given = x.items;
    if (first.at(-1)?.kind === "star") {
      found.set("rest", given.slice(first.length - 1));
      [first, given] = [first.slice(0, -1), given.slice(0, first.length - 1)];
      if (!found.get("rest").length) return false;
    }
    const named = new Map(pattern.named);
    if (!x.named.every(([key, value]) => named.has(key) && matches(named.get(key), value, found))) return false;
    return first.length === given.length && first.every((one, i) => matches(one, given[i], found));
  }

  const inside = x => [x.called, x.value, ...(x.items ?? []), ...(x.parts ?? [])].filter(one => one?.kind);
  const callsNumPy = (x, name) => (x.kind === "attribute" && x.value.value === "np" && x.name === name) || inside(x).some(one => callsNumPy(one, name));
  const shownForm = ({ op }) => op.name;

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
    if (!shape.every(length => Number.isInteger(length) && length >= 0)) throw new Unknown("such operands do not fit");
    return { type: shape.length || type === "b1" ? type : PLAIN, value };
  }

  function valueOf(op, operands, given) {
    const special = specials.get(op.name);
    if (special) return special(operands, given);
    const params = Object.fromEntries(op.metadata.map(([key, value]) => [key, Object.hasOwn(given, key) ? given[key] : value]).filter(([, value]) => value !== null && value !== false && value !== undefined));
    return run(op, operands, params);
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

  const ndimOf = x => shapeOf(x.value).length;
  const flat = x => ({ ...x, value: new NDArray([typeof x.value === "number" ? 1 : x.value.data.length], typeof x.value === "number" ? [x.value] : x.value.data) });
  const refuse = reason => { throw new Unknown(reason); };

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
      return length ? [{ ...x, value: applied("broadcast_to", [x.value], { shape: [x.value.data.length, x.value.data.length] }, x.type, [x.type]) }] : refuse("a number is no matrix");
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
      const inside = places.map(x => (Array.isArray(x) ? { type: PLAIN, value: Number(String(x[0]).replace("inf", "Infinity")) } : values[x]));
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
    if (Array.isArray(params.axis) && !takesSeveral) throw new Unknown("an axis is one number here");
    const axes = named.map(axis => (ndim === 0 && ofNumber >= 0 && (axis === 0 || axis === -1) ? 0 : isIn(axis, ndim) ? (axis + ndim) % ndim : NaN));
    const wrong = named.find((_, i) => Number.isNaN(axes[i]));
    if (wrong !== undefined) throw new Unknown(`axis ${wrong} is out of bounds for array of dimension ${ndim}`);
    if (new Set(axes).size < axes.length && op.name !== "roll") throw new Unknown("an axis is named twice");
    if (params.axes && params.axes.length !== ndim) throw new Unknown("axes don't match array");
    if (op.metadata.some(([key]) => key === "reduction") && String(shapeOf(operands[0].value)) !== String(shapeOf(operands[1].value))) {
      throw new Unknown("predictions and targets must have the same shape");
    }
  }

  // Types

  const isPlain = x => x.type === PLAIN;
  const computedIn = type => (type === "f2" ? "f4" : type === PLAIN ? "f8" : type);

  function typeOf(op, operands, params) {
    const { rule } = op;
    const found = alone => types[LETTERS.indexOf(alone)] ?? refused(op);
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
  const refused = op => { throw new Unknown(`${op.name} takes no such dtype`); };

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
      if (second > 2) throw new Unknown("a page computes no dot of more than two axes");
      return run(ops.get(first && second ? "matmul" : "multiply"), [x, y], {});
    }],
    ["len", ([x]) => (shapeOf(x.value).length ? { type: PLAIN, value: shapeOf(x.value)[0] } : (() => { throw new Unknown(say("length")); })())],
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
    const numbers = [...sizes].flatMap(key => (key === "template" ? [] : [params[key] ?? []].flat(3))).filter(x => typeof x === "number");
    return numbers.reduce((total, x) => total * Math.max(1, Math.abs(x)), op.name === "einsum" ? product / 10 : Math.max(1, ...counts) * operands.length);
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
