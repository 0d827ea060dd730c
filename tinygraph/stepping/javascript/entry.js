// One entry of a step on arrays: the maps of its operands and its result, on which the entry is chosen, and the line that works it out.

const MAPS = { high: 96, gap: 14, chip: 160, narrow: 640 }; // pixels: of maps, of a chip beside them, of a window where they stand above

function entryOf({ model, changed }) {
  const { data, position, textsOf, chapterOf } = walkOf(model);
  const maps = element("div", { class: "maps" }), picked = new Map(); // the index that was chosen for a shape
  let step = null, of = null, index = [], hovered = null, shown = [], heats = [], width = 800;

  // The values of a step; where it is a new one, its largest entry, or that which was chosen for its shape before.
  function turn(current, isNew) {
    const numbers = model.get("numbers"), result = numbers && current?.entry?.result;
    step = result ? current : null;
    of = step && valuesOf(numbers, chapterOf(position()));
    const value = step && of(result[1]);
    if (!value?.data.length) step = null;
    else if (isNew || index.length !== value.shape.length) [index, hovered] = [picked.get(sized(value.shape)) ?? indexOf(placeOfLargest(value), value.shape), null];
  }

  // The number of an array of the shape of the result, and its index.
  function numberOf(slot) {
    const shape = step?.entry.result[2], value = shape?.length ? of(slot) : null;
    return value && sized(value.shape) === sized(shape) ? cellText(value.type, value.data[index.reduce((place, i, axis) => place * shape[axis] + i, 0)]) : null;
  }

  function line() {
    const { line: template, parts } = step?.entry ?? {};
    return template === undefined ? "" : entryLine(data().equations[template], parts, index, of, textsOf(chapterOf(position())));
  }

  // The operands in the order of the equation, and the result, in a row before the chips.
  function show(row, chips, inside) {
    width = inside;
    const before = shown, { operands = [], result } = step?.entry ?? {};
    shown = step ? [...operands, result].filter(([, slot, shape]) => shape.length && of(slot)?.data.length) : [];
    if (shown.length !== before.length || shown.some((operand, i) => operand !== before[i])) {
      heats = shown.map(operand => heatOf(operand === result ? { name: step.name, isTyped: true, pick, hover: found => { hovered = found; light(chips); } } : {}));
      maps.replaceChildren(...heats.map(heat => heat.box));
      if (shown.length) row.prepend(maps);
      else maps.remove();
    }
    light(chips);
  }

  function pick(found) {
    picked.set(sized(step.entry.result[2]), found);
    index = found;
    changed();
  }

  // The entries that made the one that was chosen, or is under the pointer.
  function light(chips) {
    if (!heats.length) return;
    const palette = paletteOf(heats[0].canvas), rooms = widths(width <= MAPS.narrow ? width : width - chips * MAPS.chip);
    shown.forEach((operand, i) => {
      const [label, slot, shape, strides, indices = []] = operand, { type, data } = of(slot), isResult = operand === step.entry.result;
      const found = indices.map(own => own.map((letter, axis) => (shape[axis] === 1 ? 0 : letter < index.length ? (hovered ?? index)[letter] : null)));
      const focus = isResult ? index : shape.map((_, axis) => found[0]?.[axis] ?? 0);
      heats[i].show({ label, type, data, shape, strides, focus, lit: isResult && hovered ? [index, hovered] : found, room: [rooms[i], MAPS.high] }, palette);
    });
  }

  // The widths of the maps: what each asks for, as far as the others leave it room.
  function widths(room) {
    const wanted = shown.map(([, , shape]) => Math.max(70, Math.min(310, shape.at(-1) * (shape.at(-1) < 9 ? 62 : CELL.middle)))), found = [];
    [...wanted.keys()].sort((a, b) => wanted[a] - wanted[b]).forEach((i, n, { length }) => {
      found[i] = Math.min(wanted[i], Math.floor(room / (length - n)) - MAPS.gap);
      room -= found[i] + MAPS.gap;
    });
    return found;
  }

  return { turn, numberOf, line, show, index: () => indexText(index), chosen: () => (step ? index : null) };
}
