// The slopes of a step: the curve of the reader over the value with the tangent of the local derivative, and that of the output with
// the tangent of the gradient.

const [SAMPLES, ABOUT, ENOUGH] = [61, 5, 0.6]; // of a curve; how far it goes to either side at least; the part of it that has values

PANELS.push(({ model, chosen }) => {
  const walk = walkOf(model);
  const plots = element("div", { class: "slopes" });
  const box = panelOf("Slopes", "", plots);
  const work = workerOf(box);
  let last = [];

  function show(current) {
    const numbers = model.get("numbers"), chapter = walk.chapterOf(walk.position());
    box.hidden = !numbers || !walk.data().steps.some(step => step.slopes);
    const now = [current?.slopes, numbers?.chapter(chapter), String(chosen())];
    if (box.hidden || now.every((x, i) => x === last[i])) return;
    last = now;
    work(current?.slopes ? plot(numbers, current.slopes, chapter) : none());
  }

  function* none() {
    plots.replaceChildren(element("p", { class: "hint" }, "This step has no curve over one value."));
  }

  function* plot(numbers, [by, reader, local, output, gradient, ...held], chapter) {
    const labels = new Map(walk.data().plots.labels), shape = numbers.shape(numbers.slot(by)), index = chosen();
    const of = place => numbers.what(chapter, numbers.slot(place)), fixed = Object.fromEntries(held.map(other => [numbers.slot(other), of(other)]));
    const value = of(by), place = index?.length === shape.length ? index.reduce((place, i, axis) => place * shape[axis] + i, 0) : placeOfLargest(of(gradient ?? local)), x = entryAt(value, place), made = [];
    const label = slot => labelOf(labels.get(slot), place, numbers.shape(numbers.slot(slot)));
    for (const [kind, target, slope, beside] of [["local", reader, local, fixed], ["gradient", output, gradient, {}]]) {
      if (target === null) continue;
      const at = x => entryAt(numbers.what(chapter, numbers.slot(target), { ...beside, [numbers.slot(by)]: withEntry(value, place, x) }), place);
      const steep = entryAt(of(slope), place), points = yield* sampled(at, x);
      const caption = element("figcaption", {}, `${label(target)} by ${label(by)}, slope `, element("strong", {}, shownNumber(steep, numbers.type(numbers.slot(slope)))));
      made.push(element("figure", { class: kind }, curveOf(points, [x, entryAt(of(target), place)], steep), ends(points), caption));
    }
    plots.replaceChildren(...made);
  }

  return { box, show };
});

const ends = points => element("div", { class: "ends" }, ...[points[0], points.at(-1)].map(([x]) => element("span", {}, shownEnd(x))));

// Points of a curve about x: of a function without values farther off, those nearer.
function* sampled(at, x) {
  if (!Number.isFinite(x)) return [[-1, NaN], [1, NaN]];
  const reach = Math.max(ABOUT, 2 * Math.abs(x));
  let low = x - reach, high = x + reach, points = [];
  for (let tries = 0; tries < 4; tries++) {
    const width = (high - low) / (SAMPLES - 1), xs = Array.from({ length: SAMPLES }, (_, i) => low + i * width);
    points = [];
    for (const x of xs) {
      points.push([x, at(x)]);
      yield;
    }
    const isGap = i => !Number.isFinite(points[i]?.[1]), here = Math.round((x - low) / width);
    let [first, last] = [here, here];
    while (!isGap(first - 1)) first -= 1;
    while (!isGap(last + 1)) last += 1;
    if (last - first >= ENOUGH * (SAMPLES - 1)) break;
    [low, high] = [Math.max(low, low + (first - 1) * width), Math.min(high, low + (last + 1) * width)];
  }
  return points;
}

const [ACROSS, UP, EDGE_OF_PLOT] = [150, 100, 6];

function curveOf(points, [x, y], slope) {
  const ys = [...points.map(point => point[1]), y].filter(Number.isFinite), [left, right] = [points[0][0], points.at(-1)[0]];
  let [low, high] = [Math.min(...ys), Math.max(...ys)];
  if (!(high > low)) [low, high] = [low - 1, high + 1];
  const to = ([x, y]) => [(x - left) / (right - left) * ACROSS, UP - EDGE_OF_PLOT - (y - low) / (high - low) * (UP - 2 * EDGE_OF_PLOT)];
  const [zeroX, zeroY] = to([0, 0]), part = (right - left) / 5, [atX, atY] = to([x, y]);
  const line = (x1, y1, x2, y2, kind) => drawn("path", { class: kind, d: `M${x1} ${y1}L${x2} ${y2}` });
  const svg = drawn("svg", { viewBox: `0 0 ${ACROSS} ${UP}`, "aria-hidden": "true" });
  if (left <= 0 && right >= 0) svg.append(line(zeroX, 0, zeroX, UP, "axis"));
  if (ys.length && low <= 0 && high >= 0) svg.append(line(0, zeroY, ACROSS, zeroY, "axis"));
  svg.append(drawn("path", { class: "curve", d: pathOf(points.map(to)) }));
  if (!Number.isFinite(x) || !Number.isFinite(y)) return svg;
  if (Number.isFinite(slope)) svg.append(line(...to([x - part, y - slope * part]), ...to([x + part, y + slope * part]), "tangent"));
  svg.append(drawn("circle", { cx: atX, cy: atY, r: 4.5 }));
  return svg;
}
