// Paths: each way from an output to a weight as its product of local derivatives, lit on the picture; their sum is the gradient.

const [LISTED, TOGETHER, LONG, LONGEST] = [50, 12, 12, 15]; // paths in a list, in one of all weights, passes in a row, digits of a count

function pathsOf({ model, stage, walk, numbers }) {
  const routes = () => walk.data().routes ?? [];
  const entry = element("input", { type: "text", class: "index", onchange: () => show() });
  const ofEntry = element("label", { hidden: true }, "Entry ", entry);
  const outputs = element("select", { "aria-label": "From", onchange: () => chosen() }, ...routes().map(({ values }, i) => element("option", { value: i }, values[0])));
  const ends = element("select", { "aria-label": "To", onchange: () => turnedTo() });
  const said = element("p", { class: "hint" });
  const list = element("div", { class: "ways" });
  const box = element("div", { class: "paths", role: "group", "aria-label": "Paths", onkeydown: event => {
    if (event.key === "Escape" && pinned !== null) { event.stopPropagation(); pin(null); }
  } },
    element("div", { class: "ends" }, element("label", {}, "From ", outputs), element("label", {}, "to ", ends), ofEntry, said), list);
  let rows = new Map(), order = "", pinned = null, isOn = false;

  const one = () => routes()[Number(outputs.value)];
  const chapter = () => walk.chapterOf(walk.position());
  const NAMED = new Map([["inf", Infinity], ["-inf", -Infinity], ["nan", NaN]]);
  const printed = x => holeText("f8", x, "signed", 0, false);
  const isNumber = pass => typeof pass[2] !== "string";
  const many = count => { const text = String(count); return text.length > LONGEST ? `about 10^${text.length - 1}` : count.toLocaleString("en"); };
  const labelOf = pass => `∂${one().values[pass[0]]}/∂${one().values[pass[1]]}`;

  // A recorded value: computed by the page, or else as text.
  function looked(text, slot, place) {
    const value = numbers()?.what(chapter(), numbers().slot(slot));
    if (typeof value === "number") return value;
    if (value?.data) return value.data[place] ?? NaN;
    const known = walk.at(text);
    return NAMED.has(known) ? NAMED.get(known) : Number(known.replace("−", "-"));
  }

  function chosen() {
    [rows, order] = [new Map(), ""];
    const { values, ends: leaves } = one(), counts = leaves.map(({ place }) => pathsTo(one(), place, () => 1, 0).count);
    const together = leaves.length > 1 && counts.reduce((total, count) => total + count, 0n) <= TOGETHER && leaves.every(end => isNumeric(end));
    ends.replaceChildren(...(together ? [element("option", { value: "" }, "all")] : []), ...leaves.map(({ place }, i) => element("option", { value: i }, values[place])));
    turnedTo();
  }

  const isNumeric = ({ place }) => [...leadingTo(one(), place).values()].flat().every(({ i }) => isNumber(one().passes[i]));

  function turnedTo() {
    pin(null);
    const end = one().ends[Number(ends.value)];
    ofEntry.hidden = ends.value === "" || !end.shape || !numbers();
    if (!ofEntry.hidden) {
      const value = numbers().what(chapter(), numbers().slot(end.slot));
      entry.value = value?.data ? indexOf(placeOfLargest(value), value.shape).join(", ") : end.shape.map(() => 0).join(", ");
      entry.setAttribute("aria-label", `Entry of ∂${one().values[0]}/∂${one().values[end.place]}`);
    }
    show();
  }

  // The place of the entry that was chosen; what is no index is the first one.
  function placeIn(shape = []) {
    const index = entry.value.split(",").map(Number);
    const fits = index.length === shape.length && index.every((i, axis) => Number.isInteger(i) && i >= 0 && i < shape[axis]);
    if (!fits) entry.value = shape.map(() => 0).join(", ");
    return fits ? index.reduce((total, i, axis) => total * shape[axis] + i, 0) : 0;
  }

  function chip(kind, label, text) {
    const name = element("span", { class: "label" }, label), number = element(text ? "span" : "strong", {}, text ?? "");
    return { box: element("span", { class: `chip ${kind}` }, name, number), name: said => put(name, said), put: said => put(number, said) };
  }

  const sign = text => element("span", { class: "sign" }, text);

  // The passes of a path one by one; those in the middle of a long one together.
  function groupsOf(way) {
    const alone = way.map(i => [i]);
    return way.length > LONG ? [...alone.slice(0, LONG / 2), way.slice(LONG / 2, -LONG / 2), ...alone.slice(-LONG / 2)] : alone;
  }

  function chipOf(group) {
    const own = group.map(i => one().passes[i]), numeric = own.every(isNumber);
    const made = group.length > 1 ? chip("local", `${group.length} more`, numeric ? "" : "…") : chip("local", labelOf(own[0]), numeric ? "" : own[0][2]);
    return { ...made, write: values => { if (numeric) made.put(printed(group.reduce((product, i) => product * values(i), 1))); } };
  }

  // A row is a button that keeps its path lit; its numbers are put into it.
  function pathRow(way) {
    const key = way.join(" "), chips = groupsOf(way).map(chipOf), result = chip("result", "");
    const row = element("button", { class: "way", "aria-pressed": "false", onclick: () => pin(pinned === key ? null : key), onpointerenter: () => light(way), onpointerleave: () => light(null), onfocus: () => light(way), onblur: () => light(null) },
      ...chips.flatMap((made, i) => [...(i ? [sign("·")] : []), made.box]), sign("="), result.box);
    return { box: row, way, write: (values, name, text) => {
      chips.forEach(made => made.write(values));
      result.name(name);
      result.put(text);
    } };
  }

  function sumRow() {
    const label = element("span", { class: "label" }), number = element("strong", {});
    return { box: element("p", { class: "total" }, label, number), write: (name, text) => { put(label, name); put(number, text); } };
  }

  // One weight: its rows by their keys, with what writes the numbers into each.
  function partsOf(end) {
    const { passes, values } = one(), known = new Map(), numeric = isNumeric(end);
    const place = end.shape && numbers() ? placeIn(end.shape) : 0;
    const valueOf = i => { if (!known.has(i)) known.set(i, isNumber(passes[i]) ? looked(passes[i][2], passes[i][3]) : NaN); return known.get(i); };
    const { found, count, total, rest } = pathsTo(one(), end.place, i => (numeric ? valueOf(i) : 1), LISTED);
    const inText = (text, slot) => (end.shape && !numbers() ? walk.at(text) : printed(looked(text, slot, place)));
    const name = `∂${values[0]}/∂${values[end.place]}${end.shape && numbers() ? `[${entry.value}]` : ""}`, others = count - BigInt(found.length);
    const parts = found.map(({ way, product }) => {
      const contribution = end.contributions?.[way.join(" ")], said = numeric ? printed(product) : contribution ? inText(...contribution) : "…";
      return { key: way.join(" "), make: () => pathRow(way), write: row => row.write(valueOf, count === 1n ? name : "adds", said) };
    });
    const sum = (key, text, value) => ({ key: `${key} ${end.place}`, make: sumRow, write: row => row.write(text, value) });
    if (others > 0n) parts.push(sum("rest", `the other ${others === 1n ? "path" : `${many(others)} paths`}${numeric ? " =" : ""}`, numeric ? printed(rest) : ""));
    if (count > 1n) parts.unshift(sum("sum", `${name}, the sum of ${many(count)} paths =`, numeric ? printed(total) : inText(end.gradient, end.slot)));
    return parts;
  }

  function show() {
    if (!isOn || !routes().length) return;
    const all = ends.value === "" ? one().ends : [one().ends[Number(ends.value)]];
    const parts = all.flatMap(partsOf), now = parts.map(part => part.key).join("\n");
    if (now !== order) {
      const focus = box.getRootNode().activeElement;
      rows = new Map(parts.map(part => [part.key, rows.get(part.key) ?? part.make()]));
      list.replaceChildren(...[...rows.values()].map(row => row.box));
      if (list.contains(focus)) focus.focus({ preventScroll: true });
      order = now;
    }
    parts.forEach(part => part.write(rows.get(part.key)));
    said.textContent = all.every(isNumeric) ? "" : "There are arrays on the way, so that a path is no product of numbers. Each chip says what is made of what arrives, □.";
    light(null);
  }

  // What is lit on the picture: the cards and edges of a path, or else of the one that is kept.
  function light(way) {
    const svg = stage.picture()?.svg, shown = way ?? (pinned !== null ? rows.get(pinned)?.way : null);
    if (!svg || !(shown || svg.matches(".tracing"))) return;
    const ids = new Set(), { passes } = one(), cards = stage.folding().cards[Number(outputs.value)];
    for (const i of shown ?? []) {
      const [reader, value] = [passes[i][0], passes[i][1]].map(place => cards[place]);
      ids.add(reader).add(value).add(`${value}-${reader}-`);
    }
    svg.classList.toggle("tracing", Boolean(shown));
    for (const group of svg.querySelectorAll(".card, .forward, .backward")) {
      group.classList.toggle("traced", ids.has(group.id) || ids.has(group.id.replace(/^(forward|backward)-/, "").replace(/[^-]*$/, "")));
    }
  }

  function pin(key) {
    pinned = key;
    for (const [other, row] of rows) if (row.way) row.box.setAttribute("aria-pressed", String(other === key));
    light(null);
  }

  function turn(on) {
    isOn = on && routes().length > 0;
    if (!isOn) { if (pinned !== null) pin(null); return; }
    if (!ends.children.length) chosen(); else show();
  }

  return { box, show, turn, has: routes().length > 0 };
}
