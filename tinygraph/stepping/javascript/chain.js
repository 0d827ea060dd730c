// The step in numbers: what arrives, through what it goes and what goes on, over the equation. Of arrays, their cells, and one entry of
// the result, with the entries that made it.

const STARTS = { forward: "value", backward: "the pass starts here", update: "after the update" };
const PARTS = [["upstream", "×"], ["local", "="], ["result", ""]];
const ROOM = { high: 96, narrow: 640 }; // of a heat map, and of all of them in a window that has one column for them
const CHIP = 160; // pixels, about, with the sign behind it

// The factors of a step and its result, each with a label, words, and a number or, of an array, a slot. The upstream gradient is the
// result of the step of its name.
function factorsOf(step, steps) {
  const { label, to, slot, added, factor } = step.chain;
  const result = { label, slot, number: slot === undefined ? added ?? step.shown : undefined, said: step.chain.said ?? STARTS[step.phase] };
  const before = step.upstream && steps.findLast(other => other.name === step.upstream && other.phase === "backward");
  if (!before) return { result };
  const { label: above, to: reader, slot: place } = before.chain;
  result.said = step.part ? `adds to ${to}, ${step.part[0]} of ${step.part[1]}` : `goes on to ${to}`;
  if (!factor) return { result };
  return {
    upstream: { label: above, slot: place, number: place === undefined ? before.shown : undefined, said: `arrives at ${reader}` },
    local: { label: `∂${reader}/∂${to}`, slot: factor.slot, number: factor.number, said: `through ${factor.through ?? reader}` },
    result,
  };
}

function chainOf({ model }) {
  const { data, position, textsOf, chapterOf, at } = walkOf(model);
  const maps = element("div", { class: "maps" }), chips = element("div", { class: "chips" });
  const equation = element("div", { class: "equation" }), line = element("div", { class: "equation entry" });
  const box = element("section", { class: "sum", "aria-label": "The step in numbers" }, element("div", { class: "row" }, maps, chips), equation, line);
  const picked = new Map(); // the index that was chosen for a shape
  let current = null, index = [], hovered = null, heats = [], drawn = null, width = 800;
  new ResizeObserver(([{ contentRect }]) => { if (width !== contentRect.width) { width = contentRect.width; if (current) fill(); } }).observe(box);

  // A character stands for each tag.
  const mathml = text => text.replace(/[\ue000-\uf8ff]/g, character => data().tags[character.charCodeAt(0) - 0xe000]);

  function chip(kind, { label, said }, text) {
    return element("div", { class: `chip ${kind}` }, element("span", { class: "label" }, label), element("strong", {}, text.replace("-", "−")), element("span", { class: "said" }, said));
  }

  // The sides of an equation, each with its sign of equality, so that a line ends between two of them.
  function sides(text) {
    const whole = parsed(mathml(text), "application/xml"), [row] = whole.children, numbers = row.querySelector(":scope > .numbers");
    numbers?.replaceWith(...numbers.childNodes);
    const made = [whole.cloneNode(false)];
    for (const child of [...row.children]) {
      if (child.localName === "mo" && child.textContent === "=") made.push(whole.cloneNode(false));
      made.at(-1).append(child);
    }
    if (numbers) made.at(-1).classList.add("value");
    return made;
  }

  // The number of a part of the chain: its own, or of an array with the shape of the result the entry that was chosen.
  function numberOf({ number, slot }, shape, of) {
    if (number) return at(number);
    const value = of?.(slot);
    return value && shape && sized(value.shape) === sized(shape) ? cellText(value.type, value.data[index.reduce((place, i, axis) => place * shape[axis] + i, 0)]) : null;
  }

  function show(step) {
    const isNew = step !== current;
    current = step;
    hovered = null;
    fill(isNew);
  }

  function fill(isNew = false) {
    const numbers = model.get("numbers"), entry = current?.entry, of = numbers && current ? valuesOf(numbers, chapterOf(position())) : null;
    const result = entry && of?.(entry.result[1]), shape = result?.data.length ? result.shape : null;
    box.dataset.phase = current?.phase ?? "";
    box.classList.toggle("tall", Boolean(numbers) && data().steps.some(step => step.entry));
    if (shape && (isNew || index.length !== shape.length)) index = picked.get(sized(shape)) ?? indexOf(placeOfLargest(result), shape);
    fillChips(shape, of);
    equation.replaceChildren(...(current ? sides(at(data().equations[current.mathml])) : [element("p", { class: "hint" }, "Press Step (→) to begin, or a card to go there.")]));
    equation.dataset.part = current?.part ? `${current.part[0]} of ${current.part[1]}` : "";
    const text = shape && entry.line !== undefined ? entryLine(data().equations[entry.line], entry.parts, index, of, textsOf(chapterOf(position()))) : "";
    line.replaceChildren(...(text ? sides(text) : []));
    fillMaps(shape && entry, of);
  }

  function fillChips(shape, of) {
    const found = current ? factorsOf(current, data().steps) : {}, texts = PARTS.map(([kind]) => (found[kind] ? numberOf(found[kind], shape, of) : null));
    const parts = texts.every((text, i) => text || !found[PARTS[i][0]]) ? PARTS : PARTS.slice(2); // a product of three numbers, or the result alone
    chips.replaceChildren(...parts.flatMap(([kind, sign]) => {
      const text = texts[PARTS.findIndex(([other]) => other === kind)], of = found[kind];
      if (!text) return [];
      return [chip(kind, of.number ? of : { ...of, label: `${of.label}${indexText(index)}` }, text), ...(sign ? [element("span", { class: "sign" }, sign)] : [])];
    }));
  }

  function pick(found) {
    picked.set(sized(current.entry.result[2]), found);
    index = found;
    fill();
  }

  // The operands in the order of the equation, and the result, of which an entry is chosen.
  function fillMaps(entry, of) {
    const shown = entry ? [...(entry.operands ?? []), ...(entry.result[2].length ? [entry.result] : [])].filter(([, slot, shape]) => of(slot)?.data.length && shape.length) : [];
    if (drawn !== entry) {
      drawn = entry;
      heats = shown.map(operand => heatOf(operand === entry.result ? { name: current.name, pick, hover: found => { hovered = found; light(shown, of); } } : {}));
      maps.replaceChildren(...heats.map(heat => heat.box));
    }
    light(shown, of);
  }

  function light(shown, of) {
    const chosen = hovered ?? index, letters = index.length;
    const room = width <= ROOM.narrow ? width : width - Math.ceil(chips.childElementCount / 2) * CHIP - 20;
    const widths = shared(shown.map(([, , shape]) => wanted(shape) + 14), room);
    const palette = heats.length ? paletteOf(heats[0].canvas) : null;
    shown.forEach(([label, slot, shape, strides, indices], i) => {
      const isResult = shown[i] === current.entry.result, value = of(slot);
      const found = (indices ?? []).map(own => own.map((letter, axis) => (letter < 0 || shape[axis] === 1 ? 0 : letter < letters ? chosen[letter] : null)));
      const focus = isResult ? index : shape.map((_, axis) => found[0]?.[axis] ?? 0);
      heats[i].show({ label, type: value.type, data: value.data, shape, strides, focus, lit: isResult && hovered ? [index, hovered] : found, room: [widths[i] - 14, ROOM.high] }, palette);
    });
  }

  return { box, equation, show, mathml, repaint: () => { if (current) fill(); } };
}
