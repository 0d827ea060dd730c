// The loss over two entries of parameters, with the way that the chapters took and the step against the gradient.

const [NODES, LINES, ROOM, ARROW, MOST_OFFERED] = [33, 12, 0.1, 110, 400];

PANELS.push(({ model, send }) => {
  const walk = walkOf(model), map = mapOf("Loss surface"), base = mapOf(""), ends = element("div", { class: "ends" });
  const box = panelOf("Loss surface", "", map.canvas, ends), work = workerOf(box);
  box.querySelector("h2").append(element("span", { class: "beside" }, "click to go there"));
  map.canvas.tabIndex = 0;
  let numbers = null, plotted = null, entries = [], selects = []; // the entries that an axis may be, and the choice of each
  let drawnFor = null, made = null; // what the base was drawn for, and its axes once it is there

  const valuesAt = chapter => numbers.leaves.at(chapter);
  const at = (values, { order, place }) => entryAt(values[order], place);
  const chosen = () => selects.map(select => entries[select.value]);

  function offer() {
    const before = chosen().map(entry => entry?.label);
    entries = plotted.axes.flatMap(([leaf, label, gradient]) => {
      const slot = numbers.leaf(leaf), shape = numbers.shape(slot), order = walk.data().leaves.findIndex(other => other.name === leaf);
      return Array.from({ length: shape.reduce((total, length) => total * length, 1) }, (_, place) => ({ leaf, slot, order, place, gradient, label: labelOf(label, place, shape) }));
    }).slice(0, MOST_OFFERED);
    selects = ["→", "↑"].map((sign, axis) => {
      const known = entries.findIndex(({ label }) => label === before[axis]), on = known < 0 ? axis : known;
      return element("select", { "aria-label": `${sign} axis`, onchange: show }, ...entries.map(({ label }, i) => element("option", { value: i, selected: i === on }, label)));
    });
    ends.replaceChildren(...[1, 0].map(axis => element("label", {}, `${"→↑"[axis]} `, selects[axis])));
    drawnFor = null;
  }

  // As far as a slider goes about the first value, and farther where the way of the chapters does.
  function axisAbout(entry) {
    const first = at(numbers.recorded[0], entry), reach = Math.max(REACH, 2 * Math.abs(first));
    const found = Array.from({ length: numbers.count() }, (_, i) => at(valuesAt(i), entry)).filter(Number.isFinite);
    const low = Math.min(first - reach, ...found), high = Math.max(first + reach, ...found), room = ROOM * (high - low);
    return axisOf(low < first - reach ? low - room : low, high > first + reach ? high + room : high);
  }

  function show() {
    numbers = model.get("numbers");
    box.hidden = !numbers || !walk.data().plots.surface;
    if (box.hidden) return;
    const isNew = JSON.stringify(plotted) !== JSON.stringify(walk.data().plots.surface);
    plotted = walk.data().plots.surface;
    if (isNew) offer();
    const chapter = walk.chapterFrom(walk.position()), pair = chosen(), ranges = pair.map(axisAbout), values = valuesAt(chapter);
    const isKnown = drawnFor && drawnFor.pair.every((entry, i) => entry === pair[i]) && drawnFor.ranges.every(({ low, high }, i) => low === ranges[i].low && high === ranges[i].high)
      && drawnFor.values.every((old, i) => isSame(old, values[i], pair.filter(entry => entry.order === i).map(entry => entry.place)));
    if (isKnown && made) return overlay(chapter, pair, ranges);
    if (isKnown) return;
    drawnFor = { pair, ranges, values };
    made = null;
    work(plot(chapter, pair, ranges, values));
  }

  // Whether two values are the same but for some entries.
  function isSame(old, now, places) {
    if (typeof old === "number" || !old.data) return places.length > 0 || Object.is(old, now);
    return old === now || old.data.every((x, i) => Object.is(x, entryAt(now, i)) || places.includes(i));
  }

  function changed(values, pair, numbersOf) {
    const found = {};
    for (const [axis, { slot, order, place }] of pair.entries()) found[slot] = withEntries(found[slot] ?? values[order], [[place, numbersOf[axis]]]);
    return found;
  }

  function* plot(chapter, pair, ranges, values) {
    const slot = numbers.slot(walk.data().plots.loss[1]), ramp = plotted.colours.map(channels), found = new Float64Array(NODES * NODES);
    for (let i = 0; i < found.length; i++) {
      const parts = [i % NODES / (NODES - 1), Math.floor(i / NODES) / (NODES - 1)];
      found[i] = entryAt(numbers.what(chapter, slot, changed(values, pair, parts.map((part, axis) => ranges[axis].at(part)))), 0);
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
    made = ranges;
    overlay(walk.chapterFrom(walk.position()), pair, ranges);
  }

  function overlay(chapter, pair, ranges) {
    map.to.drawImage(base.canvas, 0, 0);
    const to = ([x, y]) => [ranges[0].part(x) * MAP_WIDTH, (1 - ranges[1].part(y)) * MAP_HEIGHT];
    const way = Array.from({ length: chapter + 1 }, (_, i) => pair.map(entry => at(valuesAt(i), entry))), here = to(way[chapter]);
    map.lines("#ffffff", 4, way.map(to));
    const steps = pair.map((entry, i) => -entryAt(numbers.what(chapter, numbers.slot(entry.gradient)), entry.place));
    const ahead = to(steps.map((step, i) => way[chapter][i] + step)).map((x, i) => x - here[i]), length = Math.hypot(...ahead);
    if (length > 0 && Number.isFinite(length)) {
      const [dx, dy] = ahead.map(x => x / length), tip = [here[0] + ARROW * dx, here[1] + ARROW * dy];
      const back = side => [tip[0] - 18 * dx + side * 10 * dy, tip[1] - 18 * dy - side * 10 * dx];
      map.lines("#ffffff", 6, [here, tip], [back(1), tip, back(-1)]);
    }
    map.dot(here, 11, "#ffffff", "#1b1f24", 4);
    const [x, y] = way[chapter], [name, output] = walk.data().plots.loss, loss = entryAt(numbers.what(chapter, numbers.slot(output)), 0);
    map.canvas.setAttribute("aria-label", `Loss surface: ${pair[0].label} = ${shownNumber(x)}, ${pair[1].label} = ${shownNumber(y)}, ${name} = ${shownNumber(loss)}; arrow keys move`);
  }

  // Both entries at once; a kernel gets one after the other
  function move(target) {
    if (walk.data().kernel) return chosen().forEach(({ leaf, place }, i) => send("new_value", { name: leaf, place, value: target[i] }));
    const values = valuesAt(walk.chapterFrom(walk.position())), pair = chosen(), found = new Map();
    pair.forEach(({ leaf, order, place }, i) => {
      const entries = found.get(leaf) ?? (typeof values[order] === "number" ? [values[order]] : Array.from(values[order].data));
      entries[place] = target[i];
      found.set(leaf, entries);
    });
    model.set("new_leaves", [...found]);
  }

  map.canvas.addEventListener("click", event => {
    const { left, top, width, height } = map.canvas.getBoundingClientRect();
    if (made) move([made[0].at((event.clientX - left) / width), made[1].at(1 - (event.clientY - top) / height)]);
  });
  map.canvas.addEventListener("keydown", event => {
    const by = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!by || !made) return;
    event.preventDefault();
    event.stopPropagation();
    const values = valuesAt(walk.chapterFrom(walk.position()));
    move(chosen().map((entry, i) => at(values, entry) + by[i] * (made[i].high - made[i].low) / (NODES - 1)));
  });

  return { box, show };
});
