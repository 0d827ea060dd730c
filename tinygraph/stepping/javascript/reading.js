// A tree is read as ops with operands and metadata: the functions, forms and literals of the grammar.

// The words of the grammar: ops by name, the functions that call them, and the forms in which source writes them.
function vocabularyOf(grammar, parse) {
  const ops = new Map(), functions = new Map();
  for (const [count, least, most, takesList, metadata, work, rule, names] of grammar.ops) {
    for (const written of names.split(" ")) {
      const [first, ...others] = written.split(","), op = { name: first || others[0], count, least, most, takesList, metadata, work, rule };
      ops.set(op.name, op);
      for (const name of first ? [first, ...others] : others.slice(1)) functions.set(name, op);
    }
  }
  for (const [name, count, metadata] of grammar.others) functions.set(name, { name, least: count, most: count, metadata, work: 2 });
  const [modules, homes, sizes] = [grammar.modules, grammar.homes, grammar.sizes].map(words => new Set(words.split(" ")));
  const forms = grammar.forms.map(([op, text, operands, params, indices, rest]) => (
    { op: ops.get(op), pattern: parse(text).tree, operands, params, indices, rest }));
  const constants = new Map(grammar.constants.map(([name, value]) => [name, numberFrom(value)]));
  return { ops, functions, modules, homes, sizes, forms, constants, dtypes: new Map(grammar.dtypes) };
}

// A number as data has it
function numberFrom(x) {
  return typeof x === "string" ? Number(x.replace("inf", "Infinity")) : x;
}

// What reads a text as a formula: its `root` has ops, numbers and names, and `free` where each name comes first.
function readerOf({ limits }, { ops, functions, modules, homes, sizes, forms, constants, dtypes }, { parse, say }) {
  return function read(typed) {
    const { tree, where, text } = parse(typed);
    const free = new Map();
    const fail = (x, key, values) => { throw new FormulaError(`${where(x.start)}: ${say(key, { text: text(x), ...values })}`); };
    const call = (x, op, operands, params = {}) => ({ op, operands: operands.map(meaning), params, where: where(x.start) });

    function meaning(x) {
      if (x.kind === "plus") return meaning(x.value);
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
      const isHome = x.kind === "attribute" && homes.has(text(x.value));
      const name = isHome ? x.name : x.kind === "name" ? x.value : fail(x, "called");
      if (functions.has(name)) return [name, functions.get(name)];
      const form = forms.find(({ pattern }) => callsNumPy(pattern, name));
      const hint = form ? say("form", { text: form.op.name }) : say("functions");
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
        const value = part.kind === "text" ? undefined : plain(part, limits.large);
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
  };
}

const marginOf = x => (x.kind === "name" && x.value.startsWith("_place_") ? x.value.slice(7) : null);

// Whether a piece has a form; what stands at its places is put into `found`.
function matches(pattern, x, found) {
  const place = marginOf(pattern);
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
