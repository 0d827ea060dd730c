// The sheet that prints: the picture, and a row for each step; a blank one has the numbers of the leaves alone, to be filled in.

function sheetOf({ model, stage, sides }) {
  const walk = walkOf(model);
  const box = element("section", { class: "sheet", "aria-hidden": "true" });
  let blank = false;

  function fill() {
    const chapter = walk.chapterOf(walk.position()), texts = walk.textsOf(chapter), { steps, equations } = walk.data(), { reveals } = stage.folding();
    const number = template => element("td", { class: "number" }, blank ? "" : filled(template, texts).replaceAll("-", "−"));
    const rows = steps.slice(0, walk.stepsIn(chapter)).map(step => element("tr", { class: step.phase },
      element("td", {}, ...sides(filled(equations[step.mathml], texts), false)),
      ...["upstream", "local"].map(kind => number(factorsOf(step, steps)[kind]?.number)), number(step.shown)));
    const hidden = new Set(blank ? steps.flatMap(({ phase }, i) => (phase === "update" ? [] : reveals[i])) : []);
    const picture = stage.copy(hidden);
    box.replaceChildren(element("h1", {}, document.title), ...(picture ? [picture] : []),
      element("table", {},
        element("thead", {}, element("tr", {}, ...["", "upstream", "× local", "= value"].map(name => element("th", {}, name)))),
        element("tbody", {}, ...rows)));
  }

  function print(isBlank) {
    blank = isBlank;
    fill();
    window.print();
  }

  function clear() {
    blank = false;
    box.replaceChildren();
  }

  const events = [["beforeprint", fill], ["afterprint", clear]];
  events.forEach(([event, call]) => addEventListener(event, call));
  return { box, print, close: () => events.forEach(([event, call]) => removeEventListener(event, call)) };
}
