// The loss over two entries of parameters, with the way that the chapters took and the step against the gradient.

const [NODES, LINES, ROOM, ARROW, MOST_OFFERED] = [33, 12, 0.1, 110, 400];

PANELS.push(({ model, send }) => {
  const walk = walkOf(model), map = mapOf("Loss surface"), base = mapOf(""), ends = element("div", { class: "ends" });
  const box = panelOf("Loss surface", "", map.canvas, ends), work = workerOf(box);
  box.querySelector("h2").append(element("span", { class: "beside" }, "click to go there"));
  map.canvas.tabIndex = 0;
  let numbers, offered = "", entries = [], selects = [], chosen = []; // the entries that a side may be of, and the choice of each side
  let known = [], made = null; // what the base is of, and its sides once it is drawn

  const here = () => walk.chapterFrom(walk.position());
  const inChapter = (i, { order, place }) => entryAt(numbers.leaves.at(i)[order], place);

  function offer({ axes }) {
    entries = axes.flatMap(([leaf, label, gradient]) => {
      const slot = numbers.leaf(leaf), shape = numbers.shape(slot), order = walk.data().leaves.findIndex(({ name }) => name === leaf);
      return Array.from({ length: shape.reduce((total, length) => total * length, 1) }, (_, place) => ({ leaf, slot, order, place, gradient, label: labelOf(label, place, shape) }));
    }).slice(0, MOST_OFFERED);
    selects = ["→", "↑"].map((sign, side) => element("select", { "aria-label": `${sign} axis`, onchange: () => choose(side) },
      ...entries.map(({ label }, i) => element("option", { value: i, selected: i === side }, label))));
    ends.replaceChildren(element("label", {}, "↑ ", selects[1]), element("label", {}, "→ ", selects[0]));
    chosen = selects.map(select => select.value);
  }

  // The axes swap where one is to be of what the other is of.
  function choose(side) {
    if (selects[side].value === selects[1 - side].value) selects[1 - side].value = chosen[side];
    chosen = selects.map(select => select.value);
    show();
  }

  // As far as a slider goes about the first value, and farther where the way of the chapters does.
  function sideOf(entry) {
    const first = entryAt(numbers.recorded[0][entry.order], entry.place), reach = Math.max(REACH, 2 * Math.abs(first));
    const way = Array.from({ length: numbers.count() }, (_, i) => inChapter(i, entry)), found = way.filter(Number.isFinite);
    const low = Math.min(first - reach, ...found), high = Math.max(first + reach, ...found), room = ROOM * (high - low);
    return { ...entry, way, ...axisOf(low < first - reach ? low - room : low, high > first + reach ? high + room : high) };
  }

  function show() {
    numbers = model.get("numbers");
    const plotted = walk.data().plots.surface, text = JSON.stringify(plotted);
    box.hidden = !numbers || !plotted;
    if (box.hidden) return;
    if (offered !== text) offer(plotted);
    offered = text;
    const sides = selects.map(select => sideOf(entries[select.value])), values = numbers.leaves.at(here());
    const now = [sides.map(({ label, low, high }) => [label, low, high]).join(), ...values];
    const isSame = (x, i) => x === known[i] || (x.data ?? [x]).every((y, place) => Object.is(y, entryAt(known[i], place)) || sides.some(side => side.order === i - 1 && side.place === place));
    if (now[0] === known[0] && now.every(isSame)) return made && overlay(sides);
    known = now;
    made = null;
    work(plot(plotted, sides, values));
  }

  function* plot({ colours }, sides, values) {
    const slot = numbers.slot(walk.data().plots.loss[1]), ramp = colours.map(channels), found = new Float64Array(NODES * NODES);
    for (let i = 0; i < found.length; i++) {
      const changes = {};
      [i % NODES, Math.floor(i / NODES)].forEach((node, axis) => {
        const side = sides[axis];
        changes[side.slot] = withEntry(changes[side.slot] ?? values[side.order], side.place, side.at(node / (NODES - 1)));
      });
      found[i] = entryAt(numbers.what(here(), slot, changes), 0); // a chapter that goes away is followed by one with the same leaves
      yield;
    }
    const finite = found.filter(Number.isFinite), low = Math.min(...finite), high = Math.max(...finite);
    const heights = found.map(x => Math.sqrt((x - low) / (high - low || 1))); // which shows more of what is low
    base.image(NODES, i => {
      const place = heights[i] * (ramp.length - 1), from = Math.min(Math.floor(place), ramp.length - 2);
      return Number.isFinite(place) ? between(ramp[from], ramp[from + 1], place - from) : [128, 128, 128];
    });
    for (let i = 1; i < LINES; i++) {
      base.lines("rgb(255 255 255 / 45%)", 1.5, ...contour(heights, NODES, i / LINES));
      yield;
    }
    made = sides;
    show();
  }

  function overlay(sides) {
    const chapter = here(), of = place => numbers.what(chapter, numbers.slot(place)), [name, loss] = walk.data().plots.loss;
    const to = point => pixelOf(sides, point), now = sides.map(({ way }) => way[chapter]), [x, y] = to(now);
    const next = to(now.map((value, i) => value - entryAt(of(sides[i].gradient), sides[i].place))), far = Math.hypot(next[0] - x, next[1] - y);
    map.to.drawImage(base.canvas, 0, 0);
    map.lines("#ffffff", 4, sides[0].way.slice(0, chapter + 1).map((_, i) => to(sides.map(({ way }) => way[i]))));
    if (far > 0 && far < Infinity) {
      const [dx, dy] = [(next[0] - x) / far, (next[1] - y) / far], ahead = (far, aside) => [x + far * dx + aside * dy, y + far * dy - aside * dx];
      map.lines("#ffffff", 6, [[x, y], ahead(ARROW, 0)], [ahead(ARROW - 18, 10), ahead(ARROW, 0), ahead(ARROW - 18, -10)]);
    }
    map.dot([x, y], 11, "#ffffff", "#1b1f24", 4);
    const said = sides.map(({ label }, i) => `${label} = ${shownNumber(now[i])}`).join(", ");
    map.canvas.setAttribute("aria-label", `Loss surface: ${said}, ${name} = ${shownNumber(entryAt(of(loss), 0))}; arrow keys move`);
  }

  // Both entries at once; a kernel gets one after the other.
  function move(numberOf) {
    if (!made) return;
    const found = new Map(), target = made.map(numberOf);
    if (walk.data().kernel) return made.forEach(({ leaf, place }, i) => send("new_value", { name: leaf, place, value: target[i] }));
    made.forEach(({ leaf, order, place }, i) => {
      const old = numbers.leaves.at(here())[order];
      if (!found.has(leaf)) found.set(leaf, typeof old === "number" ? [old] : Array.from(old.data));
      found.get(leaf)[place] = target[i];
    });
    model.set("new_leaves", [...found]);
  }

  map.canvas.addEventListener("click", event => {
    const { left, top, width, height } = map.canvas.getBoundingClientRect();
    move(({ at }, axis) => at(axis ? 1 - (event.clientY - top) / height : (event.clientX - left) / width));
  });
  map.canvas.addEventListener("keydown", event => {
    const by = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    move((side, axis) => inChapter(here(), side) + by[axis] * (side.high - side.low) / (NODES - 1));
  });

  return { box, show };
});
