// Heat maps: an array as cells, blue above 0 and red below, with numbers where they fit. Of an array with more axes than two, the last
// two are shown; of a long one, the cells around the entry in question. A vector goes on in the next line.

const CELL = { high: 19, least: 46, letter: 6.7, small: 3, middle: 11 }; // pixels
const LEVELS = 24; // of a colour

const sized = shape => shape.join("×");
const indexText = index => `[${index.join(", ")}]`;
const cellText = (type, x) => holeText(type, x, "signed", 0, false);
const stridesOf = shape => shape.map((_, axis) => shape.slice(axis + 1).reduce((x, y) => x * y, 1));

// The colours of a theme, which the style sheet gives as those of a canvas; of black and white, text has the one with the contrast.
function paletteOf(canvas) {
  const style = getComputedStyle(canvas), [above, below, page] = [style.color, style.borderTopColor, style.textDecorationColor].map(text => text.match(/[\d.]+/g).slice(0, 3).map(Number));
  const light = colour => [0.2126, 0.7152, 0.0722].reduce((sum, part, k) => sum + part * ((colour[k] / 255 + 0.055) / 1.055) ** 2.4, 0);
  const mixed = pole => Array.from({ length: LEVELS + 1 }, (_, i) => {
    const colour = page.map((x, k) => Math.round(x + (pole[k] - x) * (0.04 + 0.96 * i / LEVELS)));
    return { fill: `rgb(${colour})`, ink: light(colour) > 0.179 ? "#000" : "#fff" };
  });
  return { above: mixed(above), below: mixed(below), frame: style.caretColor };
}

// `pick` gets the index of an entry that was chosen, `hover` that under the pointer or null; a map without them only shows.
function heatOf({ name, pick, hover, isTyped }) {
  const canvas = element("canvas", pick ? { tabindex: "0", role: "slider", "aria-label": `Entries of ${name}`, onclick: event => at(event, pick), onkeydown: press } : { role: "img" });
  const caption = element("figcaption", {});
  const field = isTyped && element("input", { type: "text", class: "index", "aria-label": `Entry of ${name}`, onchange: () => pick(typedIndex(field.value, shown.shape) ?? shown.focus) });
  const box = element("figure", { class: pick ? "heat picks" : "heat" }, canvas, caption, field || null);
  let shown = null, grid = null;
  canvas.addEventListener("pointermove", event => at(event, index => {
    canvas.title = `${shown.label}${indexText(index)} = ${textAt(index)}`;
    hover?.(index);
  }));
  canvas.addEventListener("pointerleave", () => hover?.(null));

  const entryAt = index => shown.data[index.reduce((place, i, axis) => place + i * shown.strides[axis], 0)];
  const textAt = index => cellText(shown.type, entryAt(index));

  function at(event, use) {
    const { left, top } = canvas.getBoundingClientRect(), index = grid.index(Math.floor((event.clientY - top) / grid.high), Math.floor((event.clientX - left) / grid.wide));
    if (index) use(index);
  }

  // Arrows go to the next entry along the axis that lies so.
  function press(event) {
    const { shape, focus } = shown, across = shape.length - 1, down = Math.max(across - 1, 0);
    const [axis, by] = { ArrowRight: [across, 1], ArrowLeft: [across, -1], ArrowDown: [down, 1], ArrowUp: [down, -1] }[event.key] ?? [];
    if (axis === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    pick(focus.map((i, k) => (k === axis ? Math.max(0, Math.min(shape[k] - 1, i + by)) : i)));
  }

  // Rows and columns, which of them are in sight, and how large the cells are.
  function layout({ shape, type, data, focus, room: [width, height] }) {
    const isVector = shape.length === 1, [size] = shape;
    let [rows, columns] = isVector ? [1, size] : shape.slice(-2), wide = CELL.least, high = CELL.high;
    const hasFew = data.length <= 100;
    if (hasFew) wide = data.reduce((most, x) => Math.max(most, Math.ceil(cellText(type, x).length * CELL.letter + 6)), wide);
    const hasNumbers = hasFew && wide * columns <= width && high * rows <= height;
    if (!hasNumbers) {
      const fitting = (pixels, count) => Math.max(CELL.small, Math.min(CELL.middle, Math.floor(pixels / count)));
      [wide, high] = [fitting(width, columns), fitting(height, rows)];
      for (wide = isVector && columns * 8 > width ? CELL.middle : wide; isVector && columns * wide > width; wide--) {
        const [fits, lines] = [Math.floor(width / wide), Math.ceil(size / Math.floor(width / wide))];
        if (lines * wide > height && wide > CELL.small) continue;
        [columns, rows, high] = [fits, lines, wide];
        break;
      }
    }
    const window = (count, pixels, place) => {
      const fits = Math.min(count, Math.max(1, Math.floor(pixels)));
      return [Math.max(0, Math.min(count - fits, Math.floor(place / fits) * fits)), fits];
    };
    const cell = index => (isVector ? [Math.floor(index[0] / columns), index[0] % columns] : index.slice(-2));
    const [row, column] = cell(focus), [top, down] = window(rows, height / high, row), [left, across] = window(columns, width / wide, column);
    const index = (r, c) => {
      if (r < 0 || c < 0 || r >= down || c >= across) return null;
      if (!isVector) return [...focus.slice(0, -2), r + top, c + left];
      const place = (r + top) * columns + c + left;
      return place < size ? [place] : null;
    };
    return { wide, high, rows, columns, top, left, down, across, hasNumbers, isVector, cell, index };
  }

  // `lit` are indices, with null for an axis of which all entries are meant.
  function draw(palette) {
    const { wide, high, across, down, hasNumbers } = grid, scale = devicePixelRatio || 1, size = [across * wide + 2, down * high + 2];
    const [width, height] = size.map(length => Math.round(length * scale));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    Object.assign(canvas.style, { width: `${size[0]}px`, height: `${size[1]}px` });
    const pen = canvas.getContext("2d"), gap = wide > 4 && high > 4 ? 1 : 0;
    pen.setTransform(scale, 0, 0, scale, scale, scale);
    pen.clearRect(-1, -1, ...size);
    Object.assign(pen, { font: "11px ui-monospace, Menlo, Consolas, monospace", textAlign: "center", textBaseline: "middle", strokeStyle: palette.frame, lineWidth: 2 });
    let largest = 0;
    for (const x of shown.data) if (Math.abs(x) > largest && Number.isFinite(x)) largest = Math.abs(x);
    for (let r = 0; r < down; r++) {
      for (let c = 0; c < across; c++) {
        const index = grid.index(r, c);
        if (!index) continue;
        const x = entryAt(index), part = Number.isFinite(x) ? Math.abs(x) / (largest || 1) : 1;
        const { fill, ink } = Number.isNaN(x) ? { fill: palette.frame, ink: palette.above[0].fill } : palette[x < 0 ? "below" : "above"][Math.round(part ** 0.8 * LEVELS)];
        pen.fillStyle = fill;
        pen.fillRect(c * wide, r * high, wide - gap, high - gap);
        pen.fillStyle = ink;
        if (hasNumbers) pen.fillText(textAt(index), (c + 0.5) * wide - 0.5, (r + 0.5) * high);
      }
    }
    for (const index of shown.lit) {
      const [row, column] = index.at(-1) === null && grid.isVector ? [null, null] : grid.cell(index);
      const [x, w] = column === null ? [0, across] : [column - grid.left, 1], [y, h] = row === null ? [0, down] : [row - grid.top, 1];
      if (x >= 0 && x < across && y >= 0 && y < down) pen.strokeRect(x * wide - 0.5, y * high - 0.5, w * wide, h * high);
    }
  }

  function show(given, palette) {
    shown = given;
    grid = layout(shown);
    draw(palette ?? paletteOf(canvas));
    const { shape, label, focus } = shown, cut = shape.length > 2 ? [indexText([...focus.slice(0, -2), ":", ":"])] : [];
    const seen = (word, from, count, all) => { if (count < all) cut.push(`${word} ${from}–${from + count - 1}`); };
    seen(grid.isVector ? "lines" : "rows", grid.top, grid.down, grid.rows);
    seen("columns", grid.left, grid.across, grid.columns);
    put(caption, [`${label} ${sized(shape)}`, ...cut].join(", "));
    if (field) Object.assign(field, { value: focus.join(", "), hidden: !cut.length });
    const place = focus.reduce((total, i, axis) => total * shape[axis] + i, 0);
    const said = pick ? { valuemin: 0, valuemax: shown.data.length - 1, valuenow: place, valuetext: `${indexText(focus)} ${textAt(focus)}` } : { label: caption.textContent };
    Object.entries(said).forEach(([key, value]) => canvas.setAttribute(`aria-${key}`, value));
  }

  return { box, show, canvas };
}

// The index of a typed text such as "2, 1"; null where the array has no such entry.
function typedIndex(text, shape) {
  const parts = text.split(",").map(part => part.trim());
  return parts.length === shape.length && parts.every((part, axis) => /^\d+$/.test(part) && Number(part) < shape[axis]) ? parts.map(Number) : null;
}
