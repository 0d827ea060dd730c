// The leaves of a walk: a slider and a field for each scalar, or for the entry that is chosen in the map of an array; and updates.

const TYPE = { float: "f8", integer: "i8", bool: "b1" }; // in which entries are printed
const LEAF_ROOM = [146, 76]; // of a map, in pixels
const REACH = 2; // of a slider to either side, at least
const PAUSE = 80; // milliseconds between two values that a slider sends to a kernel; a page computes one for each frame

function leafControls({ request, update, reset, refuse, isRemote, hasMap }) {
  const rows = element("div", { class: "leaves" }), maps = element("div", { class: "leaf-maps" });
  const made = new Map();
  const rate = element("input", { type: "text", inputmode: "decimal", value: "0.1", "aria-label": "Learning rate" });
  const times = n => element("button", { class: n === 1 ? "primary" : "", onclick: () => typed(rate.value, "η", value => update(value, n)), "aria-label": `Update ${n} times` }, n === 1 ? "Update" : `× ${n}`);
  const updates = element("div", { class: "updates", role: "group", "aria-label": "Update" }, ...[1, 10, 100].map(times), element("label", {}, "η ", rate));
  const box = element("section", { class: "panel sliders", "aria-label": "Leaves" },
    element("h2", {}, "Leaves", element("button", { class: "quiet", onclick: reset }, "Reset")), maps, rows, updates);

  const soon = call => (isRemote() ? setTimeout(call, PAUSE) : requestAnimationFrame(call));

  // A number that was typed goes on; anything else is refused.
  function typed(text, name, use) {
    const plain = text.trim().replaceAll("−", "-");
    if (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(plain)) use(Number(plain));
    else refuse(`${name} takes a number such as -0.5, not ${plain.slice(0, 40) || "nothing"}`);
  }

  function control({ name, shape, kind, role }) {
    let place = 0, values = [0], later = null, drawn = null;
    const isSmooth = kind === "float";
    const send = value => request({ name, place, value });
    const input = element("input", { type: "range", "aria-label": name, step: "any", hidden: !isSmooth, oninput: () => {
      later ??= soon(() => { later = null; send(Number(input.value)); });
      field.value = shortly(Number(input.value));
    } });
    const field = element("input", { type: "text", inputmode: "decimal", "aria-label": `Value of ${name}`, onchange: () => typed(field.value, name, send) });
    const index = shape.length ? element("input", { type: "text", class: "index", "aria-label": `Entry of ${name}`, value: shape.map(() => 0).join(", "),
      onchange: () => move(typedIndex(index.value, shape)) }) : null;

    const heat = index && hasMap() ? heatOf({ name, pick: move }) : null;

    function move(found) {
      if (found) place = found.reduce((total, i, axis) => total * shape[axis] + i, 0);
      index.value = indexOf(place, shape).join(", ");
      show();
    }

    function draw() {
      const key = [values, place];
      if (!heat || (drawn && drawn[0] === values && drawn[1] === place)) return;
      drawn = key;
      const focus = indexOf(place, shape);
      heat.show({ label: name, type: TYPE[kind], data: values, shape, strides: stridesOf(shape), focus, lit: [focus], room: LEAF_ROOM });
    }

    // A slider is not moved while it is in hand; it reaches as far as the value that it starts from asks for.
    function show() {
      draw();
      const value = values[place], reach = Math.max(REACH, 2 * Math.abs(value));
      if (later !== null) return;
      input.hidden = !isSmooth || !Number.isFinite(value); // NaN and infinity have no place on it
      if (!Number.isFinite(value)) { field.value = String(value); return; }
      const known = input.dataset.place === String(place);
      if (!known) Object.assign(input, { min: value - reach, max: value + reach });
      input.dataset.place = place;
      Object.assign(input, { min: Math.min(input.min, value), max: Math.max(input.max, value) });
      if (Number(input.value) !== value) input.value = value;
      field.value = shortly(value);
    }

    const shortly = value => (isSmooth ? String(Number(value.toPrecision(4))) : String(value));
    const label = element("div", { class: `leaf ${role}` }, element("span", { class: "name" }, name, ...(index ? ["[", index, "]"] : [])), input, field);
    return { label, map: heat?.box, update: given => { values = given; show(); }, repaint: () => { drawn = null; draw(); } };
  }

  function show(leaves, values, canUpdate) {
    const shown = leaves.filter((_, i) => values[i]?.length > 0);
    const key = shown.map(leaf => `${leaf.name} ${leaf.shape}`).join("\n");
    if (key !== rows.dataset.key) {
      rows.dataset.key = key;
      made.clear();
      shown.forEach(leaf => made.set(leaf.name, control(leaf)));
      rows.replaceChildren(...[...made.values()].map(known => known.label));
      maps.replaceChildren(...[...made.values()].flatMap(known => known.map ?? []));
    }
    updates.hidden = !canUpdate;
    box.hidden = !shown.length;
    leaves.forEach((leaf, i) => made.get(leaf.name)?.update(values[i]));
  }

  return { box, show, repaint: () => made.forEach(known => known.repaint()) };
}
