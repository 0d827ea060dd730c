// The loss over two entries of parameters, with the way that the chapters took and the step against the gradient.

const [NODES, LINES, ROOM, ARROW, MOST_ENTRIES_OFFERED] = [33, 12, 0.1, 110, 400];

PANELS.push(({ model }) => {
  const walk = walkOf(model), numbers = model.get("numbers"), { axes, colours } = walk.data().plots.surface;
  const [name, output] = walk.data().plots.loss, ramp = colours.map(channels);
  const entries = axes.flatMap(([leaf, label, gradient]) => {
    const slot = numbers.leaf(leaf), shape = numbers.shape(slot), order = walk.data().leaves.findIndex(other => other.name === leaf);
    return Array.from({ length: shape.reduce((total, length) => total * length, 1) }, (_, place) => ({ leaf, slot, order, place, gradient, label: labelOf(label, place, shape) }));
  }).slice(0, MOST_ENTRIES_OFFERED);
  const map = mapOf("Loss surface"), base = mapOf(""), said = element("span", { class: "beside" }, "click to go there");
  const pick = (sign, on) => {
    const select = element("select", { "aria-label": `${sign} axis`, onchange: show }, ...entries.map(({ label }, i) => element("option", { value: i, selected: i === on }, label)));
    return { box: element("label", {}, `${sign} `, select), chosen: () => entries[select.value] };
  };
  const across = pick("→", 0), up = pick("↑", 1), ends = element("div", { class: "ends" }, up.box, across.box);
  const box = panelOf("Loss surface", "", map.canvas, ends), work = workerOf(box);
  box.querySelector("h2").append(said);
  map.canvas.tabIndex = 0;
  let drawnFor = null, made = null; // the values that the base was drawn for, and its axes

  const valuesAt = chapter => numbers.leaves.at(chapter);
  const at = (values, { order, place }) => entryOf(values[order], place);

  // As far as a slider goes about the first value, and farther where the way of the chapters does.
  function axisAbout(entry) {
    const first = at(numbers.recorded[0], entry), reach = Math.max(REACH, 2 * Math.abs(first));
    const found = Array.from({ length: numbers.count() }, (_, i) => at(valuesAt(i), entry)).filter(Number.isFinite);
    const low = Math.min(first - reach, ...found), high = Math.max(first + reach, ...found), room = ROOM * (high - low);
    return axisOf(low < first - reach ? low - room : low, high > first + reach ? high + room : high);
  }

  function show() {
    const chapter = walk.chapterFrom(walk.position());
    const pair = [across.chosen(), up.chosen()], ranges = pair.map(axisAbout), values = valuesAt(chapter);
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
    return old === now || old.data.every((x, i) => Object.is(x, now.data[i]) || places.includes(i));
  }

  function changed(values, pair, numbersOf) {
    const found = {};
    for (const [axis, { slot, order, place }] of pair.entries()) found[slot] = withEntries(found[slot] ?? values[order], [[place, numbersOf[axis]]]);
    return found;
  }

  function* plot(chapter, pair, ranges, values) {
    const slot = numbers.slot(output), found = new Float64Array(NODES * NODES);
    for (let i = 0; i < found.length; i++) {
      const parts = [i % NODES / (NODES - 1), Math.floor(i / NODES) / (NODES - 1)];
      found[i] = entryOf(numbers.what(chapter, slot, changed(values, pair, parts.map((part, axis) => ranges[axis].at(part)))), 0);
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
    const steps = pair.map((entry, i) => -entryOf(numbers.what(chapter, numbers.slot(entry.gradient)), entry.place));
    const ahead = to(steps.map((step, i) => way[chapter][i] + step)).map((x, i) => x - here[i]), length = Math.hypot(...ahead);
    if (length > 0 && Number.isFinite(length)) {
      const [dx, dy] = ahead.map(x => x / length), tip = [here[0] + ARROW * dx, here[1] + ARROW * dy];
      const back = side => [tip[0] - 18 * dx + side * 10 * dy, tip[1] - 18 * dy - side * 10 * dx];
      map.lines("#ffffff", 6, [here, tip], [back(1), tip, back(-1)]);
    }
    map.dot(here, 11, "#ffffff", "#1b1f24", 4);
    const [x, y] = way[chapter], loss = entryOf(numbers.what(chapter, numbers.slot(output)), 0);
    map.canvas.setAttribute("aria-label", `Loss surface: ${pair[0].label} = ${shownNumber(x)}, ${pair[1].label} = ${shownNumber(y)}, ${name} = ${shownNumber(loss)}; arrow keys move`);
  }

  // Both entries at once
  function put(target) {
    const values = valuesAt(walk.chapterFrom(walk.position())), pair = [across.chosen(), up.chosen()], found = new Map();
    pair.forEach(({ leaf, order, place }, i) => {
      const entries = found.get(leaf) ?? (typeof values[order] === "number" ? [values[order]] : Array.from(values[order].data));
      entries[place] = target[i];
      found.set(leaf, entries);
    });
    model.set("new_leaves", [...found]);
  }

  map.canvas.addEventListener("click", event => {
    const { left, top, width, height } = map.canvas.getBoundingClientRect();
    if (made) put([made[0].at((event.clientX - left) / width), made[1].at(1 - (event.clientY - top) / height)]);
  });
  map.canvas.addEventListener("keydown", event => {
    const by = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!by || !made) return;
    event.preventDefault();
    event.stopPropagation();
    const values = valuesAt(walk.chapterFrom(walk.position()));
    put([across, up].map((axis, i) => at(values, axis.chosen()) + by[i] * (made[i].high - made[i].low) / (NODES - 1)));
  });

  return { box, show };
});
