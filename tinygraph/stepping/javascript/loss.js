// The loss of each chapter as a curve, a click on which goes there.

const [ALONG, TALL, SPANS] = [320, 80, 1000]; // of the curve; from largest to smallest, above which the axis is logarithmic

PANELS.push(({ model, go }) => {
  const walk = walkOf(model);
  const svg = drawn("svg", { viewBox: `-6 -6 ${ALONG + 12} ${TALL + 12}`, role: "img" });
  const said = element("span", { class: "beside" }), ends = element("div", { class: "ends" });
  const box = panelOf("Loss", "", svg, ends);
  const work = workerOf(box), known = new WeakMap(); // by chapter
  box.querySelector("h2").append(said);
  let shown = null;

  svg.addEventListener("click", event => {
    const { left, width } = svg.getBoundingClientRect(), part = ((event.clientX - left) / width * (ALONG + 12) - 6) / ALONG;
    const chapter = Math.max(0, Math.min(walk.chapters() - 1, Math.round(part * (walk.chapters() - 1))));
    go(chapter * walk.length() + Math.min(walk.within(walk.position()), walk.length() - (walk.data().updates ?? 0)));
  });

  function show() {
    const numbers = model.get("numbers"), plotted = walk.data().plots.loss;
    box.hidden = !numbers || !plotted;
    if (box.hidden) return;
    const here = walk.chapterFrom(walk.position()), chapters = Array.from({ length: numbers.count() }, (_, i) => numbers.chapter(i));
    const now = [here, ...chapters];
    if (shown?.length === now.length && now.every((x, i) => x === shown[i])) return;
    shown = now;
    work(plot(numbers, plotted, here, chapters));
  }

  function* plot(numbers, [name, place], here, chapters) {
    const slot = numbers.slot(place), last = Math.max(chapters.length - 1, 1);
    for (const [i, chapter] of chapters.entries()) {
      if (!known.has(chapter)) known.set(chapter, entryAt(numbers.what(i, slot), 0));
      yield;
    }
    const values = chapters.map(chapter => known.get(chapter)), finite = values.filter(Number.isFinite);
    const isLog = Math.min(...finite) > 0 && Math.max(...finite) > SPANS * Math.min(...finite), scale = isLog ? Math.log : x => x;
    const [low, high] = [Math.min(...finite.map(scale)), Math.max(...finite.map(scale))];
    const points = values.map((value, i) => [i / last * ALONG, high > low ? (high - scale(value)) / (high - low) * TALL : Number.isFinite(value) ? TALL / 2 : NaN]);
    const [x, y] = points[here];
    svg.replaceChildren(drawn("path", { class: "axis", d: `M0 ${TALL + 4}H${ALONG}` }), drawn("path", { class: "curve", d: pathOf(points) }));
    if (Number.isFinite(values[here])) svg.append(drawn("circle", { cx: x, cy: y, r: 5 }));
    const count = n => `${n} update${n === 1 ? "" : "s"}`, text = x => shownNumber(x, numbers.type(slot));
    put(said, `${name} = ${text(values[here])} after ${count(here)}${isLog ? ", logarithmic" : ""}`);
    svg.setAttribute("aria-label", `${name} from ${text(values[0])} to ${text(values.at(-1))} in ${count(chapters.length - 1)}`);
    ends.replaceChildren(element("span", {}, "0"), element("span", {}, count(chapters.length - 1)));
  }

  return { box, show };
});
