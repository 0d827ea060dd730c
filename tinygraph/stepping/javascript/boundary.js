// The decision boundary: a grid of points put through the program in place of the user's, with the points drawn by their labels.

const [GRID, MARGIN, STRONG] = [48, 0.08, 0.75]; // of a map; around the points; of the colours where a class is certain

const columnOfLargest = row => row.indexOf(Math.max(...row));

PANELS.push(({ model }) => {
  const walk = walkOf(model), map = mapOf("Decision boundary"), said = element("span", { class: "beside" });
  const box = panelOf("Decision boundary", "", map.canvas), work = workerOf(box), white = [255, 255, 255];
  box.querySelector("h2").append(said);
  let last = [];

  function show() {
    const numbers = model.get("numbers"), plotted = walk.data().plots.boundary, chapter = walk.chapterFrom(walk.position());
    box.hidden = !numbers || !plotted;
    const now = [numbers?.chapter(chapter), walk.data().batch && (model.get("example") ?? walk.data().example ?? 0)];
    if (box.hidden || now.every((x, i) => x === last[i])) return;
    last = now;
    put(said, plotted.level === undefined ? "" : `${plotted.name || "output"} = ${plotted.level}`);
    work(plot(numbers, plotted, chapter, now[1]));
  }

  function* plot(numbers, plotted, chapter, example) {
    const colours = plotted.colours.map(channels);
    const slot = numbers.leaf(plotted.points), target = numbers.slot(plotted.target);
    const points = numbers.what(chapter, slot), labels = numbers.what(chapter, numbers.leaf(plotted.labels));
    const count = points.shape[0], column = axis => points.data.filter((_, i) => i % 2 === axis);
    const [across, up] = [0, 1].map(axis => {
      const found = column(axis), low = Math.min(...found), high = Math.max(...found), margin = MARGIN * (high - low) || 1;
      return axisOf(low - margin, high + margin);
    });
    const rows = [];
    for (let start = 0; start < GRID * GRID; start += count) {
      const data = points.data.slice();
      for (let i = 0; i < count; i++) {
        const at = Math.min(start + i, GRID * GRID - 1);
        data[2 * i] = across.at(at % GRID / (GRID - 1));
        data[2 * i + 1] = up.at(Math.floor(at / GRID) / (GRID - 1));
      }
      const { data: found = [] } = numbers.what(chapter, target, { [slot]: new interpreter.NDArray(points.shape, data) });
      const width = found.length / count;
      for (let i = 0; i < count && rows.length < GRID * GRID; i++) rows.push(found.slice(i * width, (i + 1) * width));
      yield;
    }
    const { level } = plotted, sure = level === 0.5 ? x => x : x => 1 / (1 + Math.exp(-x));
    const shade = (of, part) => (of < 0 ? white : between(white, colours[of % colours.length], STRONG * part)); // NaN is of no class
    map.image(GRID, i => {
      if (level === undefined) return shade(columnOfLargest(rows[i]), STRONG);
      const part = 2 * sure(rows[i][0]) - 1;
      return Number.isNaN(part) ? white : shade(Number(part > 0), Math.min(1, Math.abs(part)));
    });
    if (level !== undefined) contour(rows.map(row => row[0]), GRID, level).forEach(piece => map.lines("#1b1f24", 4, piece));
    const wide = labels.data.length / count, kinds = [...new Set(labels.data)].sort((a, b) => a - b);
    const classes = level === undefined ? rows[0].length : 2, isNumbered = kinds.every(kind => Number.isInteger(kind) && kind >= 0 && kind < classes);
    const classOf = i => (wide > 1 ? columnOfLargest(labels.data.slice(i * wide, (i + 1) * wide)) : isNumbered ? labels.data[i] : kinds.indexOf(labels.data[i]));
    const at = i => pixelOf([across, up], points.data.slice(2 * i, 2 * i + 2));
    for (let i = 0; i < count; i++) map.dot(at(i), 8, plotted.colours[classOf(i) % colours.length], "#ffffff");
    if (example < count) map.dot(at(example), 18, null, "#1b1f24", 6);
    map.canvas.setAttribute("aria-label", `Decision boundary over ${plotted.points}, of ${count} points`);
  }

  return { box, show };
});
