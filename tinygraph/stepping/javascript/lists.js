// The statements of the walk, and the code that they were recorded from.

function listsOf({ model, go, mark }) {
  const walk = walkOf(model);
  const table = element("ol", { class: "table", "aria-label": "Steps", onkeydown: event => onto(event) });
  const code = element("div", { class: "code", role: "group", "aria-label": "Source", tabindex: "0" });
  const box = element("div", { class: "lists" }, table, code);
  let rows = [];

  function row(step, i) {
    const right = element("span", { class: "right" }), shown = element("span", { class: "shown" });
    const breakpoint = element("button", { class: "breakpoint", "aria-label": `Breakpoint at ${step.name}`, title: "Stop here when playing", "aria-pressed": "false", tabindex: i ? "-1" : "0",
      onclick: event => { event.stopPropagation(); mark(step.name); } });
    const item = element("li", { class: step.phase, onclick: () => go(walk.chapterOf(walk.position()) * walk.length() + i + 1) },
      breakpoint, element("span", { class: "name" }, titleOf(step)), right, shown);
    return { item, breakpoint, right, shown };
  }

  // One breakpoint is a tab stop; arrows move between them.
  function onto(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key], from = rows.findIndex(row => row.breakpoint === event.target);
    const next = by && from >= 0 && rows[from + by];
    if (!next || !next.item.isConnected) return;
    event.preventDefault();
    event.target.tabIndex = -1;
    next.breakpoint.tabIndex = 0;
    next.breakpoint.focus();
  }

  function build() {
    rows = walk.data().steps.map(row);
    table.replaceChildren();
    code.replaceChildren(...(walk.data().source || []).flatMap((file, i) => [
      element("div", { class: "file" }, file.name),
      ...file.lines.map(([number, text]) => element("div", { class: "line", "data-file": i, "data-number": number },
        element("span", { class: "number" }, String(number)), text || " "))]));
    showFailure(walk.data().failure, code);
  }

  function show(current, isMoved) {
    const here = walk.within(walk.position()), chapter = walk.chapterOf(walk.position()), texts = walk.textsOf(chapter);
    const { steps } = walk.data(), breakpoints = model.get("breakpoints"), made = walk.stepsIn(chapter);
    if (made !== table.children.length) table.replaceChildren(...rows.slice(0, made).map(row => row.item));
    rows.slice(0, made).forEach((row, i) => {
      row.item.classList.toggle("done", i < here);
      row.item.classList.toggle("current", i === here - 1);
      if (i === here - 1) row.item.setAttribute("aria-current", "step"); else row.item.removeAttribute("aria-current");
      row.breakpoint.setAttribute("aria-pressed", String(breakpoints.includes(steps[i].name)));
      put(row.right, `${steps[i].sign} ${filled(steps[i].equation, texts)}`);
      put(row.shown, filled(steps[i].shown, texts));
    });
    const line = current?.line && code.querySelector(`[data-file="${current.line.file}"][data-number="${current.line.number}"]`);
    const before = code.querySelector(".current");
    if (before !== line) {
      before?.classList.remove("current");
      line?.classList.add("current");
    }
    if (!isMoved) return;
    if (here) centre(table, rows[here - 1].item); else table.scrollTop = 0;
    table.scrollLeft = 0;
    if (line) centre(code, line); else code.scrollTop = 0;
    code.scrollLeft = 0;
  }

  return { box, build, show };
}
