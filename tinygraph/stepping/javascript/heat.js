// Heat maps: an array as cells, blue above 0 and red below, with numbers where they fit. Of an array with more axes than two, the last
// two are shown; of a long one, the cells around the entry in question. A vector goes on in the next line.

const CELL = { height: 19, least: 46, letter: 6.7, small: 3, middle: 11 }; // sizes in pixels
const LEVELS = 24; // of a colour
const FONT = "11px ui-monospace, Menlo, Consolas, monospace";

const sized = shape => shape.join("×");
const indexText = index => `[${index.join(", ")}]`;
const cellText = (type, x) => holeText(type, x, "signed", 0, false);

// The colours of a theme, which the style sheet gives as those of a canvas.
function paletteOf(canvas) {
  const style = getComputedStyle(canvas), rgb = text => text.match(/[\d.]+/g).slice(0, 3).map(Number);
  const [above, below, none] = [style.color, style.borderTopColor, style.textDecorationColor].map(rgb);
  const light = ([r, g, b]) => [r, g, b].map(x => (x / 255 <= 0.04 ? x / 3294.6 : ((x / 255 + 0.055) / 1.055) ** 2.4)).reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
  const mixed = pole => Array.from({ length: LEVELS + 1 }, (_, i) => {
    const t = i ? 0.08 + 0.92 * (i / LEVELS) : 0.04, colour = none.map((x, k) => Math.round(x + (pole[k] - x) * t));
    return { fill: `rgb(${colour})`, ink: light(colour) > 0.179 ? "#000" : "#fff" }; // of the two the one with the contrast of 4.5
  });
  return { above: mixed(above), below: mixed(below), frame: style.caretColor };
}

// `pick` gets the index of an entry that was chosen, `hover` that under the pointer or null; a map without them only shows.
function heatOf({ name, pick, hover }) {
  const canvas = element("canvas", pick ? { tabindex: "0", role: "slider", "aria-label": `Entries of ${name}`, onclick: event => at(event, pick), onkeydown: press } : { role: "img" });
  const caption = element("figcaption", {});
  const box = element("figure", { class: pick ? "heat picks" : "heat" }, canvas, caption);
  let shown = null, grid = null;
  canvas.addEventListener("pointermove", event => at(event, index => {
    canvas.title = `${shown.label}${indexText(index)} = ${cellText(shown.type, shown.data[placeAt(index)])}`;
    hover?.(index);
  }));
  canvas.addEventListener("pointerleave", () => hover?.(null));

  const placeAt = index => index.reduce((place, i, axis) => place + i * shown.strides[axis], 0);

  function at(event, use) {
    const { left, top } = canvas.getBoundingClientRect();
    const index = grid?.index(Math.floor((event.clientY - top) / grid.high), Math.floor((event.clientX - left) / grid.wide));
    if (index) use(index);
  }

  // Arrows go to the next entry along the axis that lies so.
  function press(event) {
    const { shape, focus } = shown, last = shape.length - 1;
    const [axis, by] = { ArrowRight: [last, 1], ArrowLeft: [last, -1], ArrowDown: [Math.max(last - 1, 0), 1], ArrowUp: [Math.max(last - 1, 0), -1] }[event.key] ?? [];
    if (axis === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    pick(focus.map((i, k) => (k === axis ? Math.max(0, Math.min(shape[k] - 1, i + by)) : i)));
  }

  // Rows and columns, which of them are in sight, and how large the cells are.
  function layout({ shape, type, data, focus, room }) {
    const ndim = shape.length, isVector = ndim < 2;
    let columns = shape[ndim - 1] ?? 1, rows = isVector ? 1 : shape[ndim - 2];
    let wide = CELL.least, high = CELL.height;
    const texts = rows * columns <= 100 ? Array.from(data, x => cellText(type, x)) : null;
    if (texts && data.length <= 400) wide = texts.reduce((width, text) => Math.max(width, Math.ceil(text.length * CELL.letter + 6)), wide);
    const hasNumbers = texts !== null && wide * columns <= room[0] && high * rows <= room[1];
    if (!hasNumbers) {
      const fitting = (pixels, count) => Math.max(CELL.small, Math.min(CELL.middle, Math.floor(pixels / count)));
      if (isVector && columns * 8 > room[0]) {
        const size = shape[0];
        wide = CELL.middle + 1;
        do {
          high = wide -= 1;
          columns = Math.min(size, Math.floor(room[0] / wide));
          rows = Math.ceil(size / columns);
        } while (rows * high > room[1] && wide > CELL.small);
      } else {
        wide = fitting(room[0], columns);
        high = fitting(room[1], rows);
      }
    }
    const window = (count, pixels, place) => {
      const size = Math.min(count, Math.max(1, Math.floor(pixels)));
      return [Math.max(0, Math.min(count - size, Math.floor(place / size) * size)), size];
    };
    const [column, row] = isVector ? [(focus[0] ?? 0) % columns, Math.floor((focus[0] ?? 0) / columns)] : [focus[ndim - 1], focus[ndim - 2]];
    const [left, across] = window(columns, room[0] / wide, column), [top, down] = window(rows, room[1] / high, row);
    const index = (r, c) => {
      const [i, k] = [r + top, c + left];
      if (r < 0 || c < 0 || r >= down || c >= across) return null;
      if (!isVector) return [...focus.slice(0, ndim - 2), i, k];
      return i * columns + k < (shape[0] ?? 1) ? [i * columns + k].slice(0, ndim) : null;
    };
    return { wide, high, columns, rows, left, top, across, down, hasNumbers, isVector, index };
  }

  // `lit` are indices, with null for an axis of which all entries are meant.
  function draw(palette) {
    const { shape, type, data, lit } = shown, { wide, high, across, down, hasNumbers } = grid, scale = devicePixelRatio || 1;
    const [width, height] = [across * wide + 2, down * high + 2].map(size => Math.round(size * scale));
    if (canvas.width !== width || canvas.height !== height) {
      Object.assign(canvas, { width, height });
      Object.assign(canvas.style, { width: `${width / scale}px`, height: `${height / scale}px` });
    }
    const pen = canvas.getContext("2d"), gap = hasNumbers || (wide > 4 && high > 4) ? 1 : 0;
    pen.setTransform(scale, 0, 0, scale, scale, scale);
    pen.clearRect(-1, -1, across * wide + 2, down * high + 2);
    Object.assign(pen, { font: FONT, textAlign: "center", textBaseline: "middle" });
    let largest = 0;
    for (const x of data) if (Math.abs(x) > largest && Number.isFinite(x)) largest = Math.abs(x);
    for (let r = 0; r < down; r++) {
      for (let c = 0; c < across; c++) {
        const index = grid.index(r, c);
        if (!index) continue;
        const x = data[placeAt(index)], part = Number.isFinite(x) ? Math.abs(x) / (largest || 1) : 1;
        const { fill, ink } = palette[x < 0 ? "below" : "above"][Math.round(part ** 0.8 * LEVELS)];
        pen.fillStyle = Number.isNaN(x) ? palette.frame : fill;
        pen.fillRect(c * wide, r * high, wide - gap, high - gap);
        if (hasNumbers || Number.isNaN(x)) pen.fillStyle = Number.isNaN(x) ? palette.above[0].fill : ink;
        if (hasNumbers) pen.fillText(cellText(type, x), (c + 0.5) * wide - 0.5, (r + 0.5) * high);
      }
    }
    pen.strokeStyle = palette.frame;
    pen.lineWidth = 2;
    lit.forEach(found => frame(pen, found, shape.length));
  }

  function frame(pen, found, ndim) {
    const { wide, high, left, top, across, down, columns, isVector } = grid;
    const [row, column] = isVector && found[0] !== null && ndim ? [Math.floor(found[0] / columns), found[0] % columns] : [found[ndim - 2] ?? null, found[ndim - 1] ?? null];
    const [x, w] = column === null ? [0, across] : [column - left, 1], [y, h] = row === null ? [0, down] : [row - top, 1];
    if (x >= 0 && x < across && y >= 0 && y < down) pen.strokeRect(x * wide - 0.5, y * high - 0.5, w * wide, h * high);
  }

  function show(given, palette) {
    shown = given;
    const { shape, label, type, data, focus } = shown;
    grid = layout(shown);
    draw(palette ?? paletteOf(canvas));
    const cut = [];
    if (shape.length > 2) cut.push(indexText([...focus.slice(0, -2), ":", ":"]));
    const seen = (word, from, count, all) => { if (count < all) cut.push(`${word} ${from}–${from + count - 1}`); };
    seen(grid.isVector ? "lines" : "rows", grid.top, grid.down, grid.rows);
    seen("columns", grid.left, grid.across, grid.columns);
    put(caption, [`${label}${shape.length ? ` ${sized(shape)}` : ""}`, ...cut].join(", "));
    if (!pick) return canvas.setAttribute("aria-label", caption.textContent);
    const place = placeAt(focus), said = `${indexText(focus)} ${cellText(type, data[place])}`;
    for (const [key, value] of [["valuemin", 0], ["valuemax", data.length - 1], ["valuenow", place], ["valuetext", said]]) canvas.setAttribute(`aria-${key}`, value);
  }

  return { box, show, canvas };
}

// The index of a typed text such as "2, 1"; null where the array has no such entry.
function typedIndex(text, shape) {
  const parts = text.split(",").map(part => part.trim());
  const isThere = parts.length === shape.length && parts.every((part, axis) => /^\d+$/.test(part) && Number(part) < shape[axis]);
  return isThere ? parts.map(Number) : null;
}

// The width that a map asks for: with numbers where its columns are few.
const wanted = shape => Math.max(70, Math.min(310, shape.at(-1) * (shape.at(-1) < 9 ? 62 : CELL.middle)));

// The widths of maps side by side: what each wants, as far as the others leave it room.
function shared(wanted, room) {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b]), widths = [];
  order.forEach((i, n) => {
    widths[i] = Math.min(wanted[i], Math.floor(room / (order.length - n)));
    room -= widths[i];
  });
  return widths;
}
