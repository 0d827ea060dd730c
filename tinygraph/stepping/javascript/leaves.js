// The leaves of a walk: a slider and a field for each scalar, or for one entry of an array; and updates.

const REACH = 2; // of a slider to either side, at least
const PAUSE = 80; // milliseconds between two values that a slider sends to a kernel; a page computes one for each frame

function leafControls({ request, update, refuse, isRemote }) {
  const box = element("div", { class: "sliders", role: "group", "aria-label": "Leaves" });
  const made = new Map();
  const rate = element("input", { type: "text", inputmode: "decimal", value: "0.1", "aria-label": "Learning rate" });
  const updates = element("div", { class: "updates", role: "group", "aria-label": "Update" },
    element("span", {}, "Update"),
    ...[1, 10, 100].map(times => element("button", { onclick: () => typed(rate.value, "η", value => update(value, times)), "aria-label": `Update ${times} times` }, `× ${times}`)),
    element("label", {}, "η ", rate));

  const soon = call => (isRemote() ? setTimeout(call, PAUSE) : requestAnimationFrame(call));

  // A number that was typed goes on; anything else is refused.
  function typed(text, name, use) {
    const plain = text.trim().replaceAll("−", "-");
    if (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(plain)) use(Number(plain));
    else refuse(`${name} takes a number such as -0.5, not ${plain.slice(0, 40) || "nothing"}`);
  }

  function control({ name, shape, kind }) {
    let place = 0, values = [0], later = null;
    const isSmooth = kind === "float";
    const send = value => request({ name, place, value });
    const input = element("input", { type: "range", "aria-label": name, step: "any", hidden: !isSmooth, oninput: () => {
      later ??= soon(() => { later = null; send(Number(input.value)); });
      field.value = shortly(Number(input.value));
    } });
    const field = element("input", { type: "text", inputmode: "decimal", "aria-label": `Value of ${name}`, onchange: () => typed(field.value, name, send) });
    const index = shape.length ? element("input", { type: "text", class: "index", "aria-label": `Entry of ${name}`, value: shape.map(() => 0).join(", "),
      onchange: () => { move(index.value); } }) : null;

    function move(typed) {
      const parts = typed.split(",").map(part => part.trim());
      const found = parts.map(Number);
      if (parts.length === shape.length && parts.every((part, axis) => /^\d+$/.test(part) && found[axis] < shape[axis])) {
        place = found.reduce((total, i, axis) => total * shape[axis] + i, 0);
      }
      index.value = indexOf(place, shape).join(", ");
      show();
    }

    // A slider is not moved while it is in hand; it reaches as far as the value that it starts from asks for.
    function show() {
      const value = values[place], reach = Math.max(REACH, 2 * Math.abs(value));
      if (later !== null || !Number.isFinite(value)) { if (later === null) field.value = String(value); return; }
      const known = input.dataset.place === String(place);
      if (!known) Object.assign(input, { min: value - reach, max: value + reach });
      input.dataset.place = place;
      Object.assign(input, { min: Math.min(input.min, value), max: Math.max(input.max, value) });
      if (Number(input.value) !== value) input.value = value;
      field.value = shortly(value);
    }

    const shortly = value => (isSmooth ? String(Number(value.toPrecision(4))) : String(value));
    const label = element("div", { class: "leaf" }, element("span", { class: "name" }, name),
      ...(index ? ["[", index, "]"] : []), input, field);
    return { label, update: (given) => { values = given; show(); } };
  }

  function show(leaves, values, canUpdate) {
    const shown = leaves.filter((_, i) => values[i]?.length > 0);
    const key = shown.map(leaf => `${leaf.name} ${leaf.shape}`).join("\n");
    if (key !== box.dataset.key) {
      box.dataset.key = key;
      made.clear();
      shown.forEach(leaf => made.set(leaf.name, control(leaf)));
      box.replaceChildren(...[...made.values()].map(known => known.label));
    }
    updates.hidden = !canUpdate;
    if (canUpdate && !updates.isConnected) box.append(updates);
    leaves.forEach((leaf, i) => made.get(leaf.name)?.update(values[i]));
  }

  return { box, show };
}
