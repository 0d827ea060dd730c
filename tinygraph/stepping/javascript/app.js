// The stepper in a browser: one module for the page, whose model stays in the browser, and for the widget, whose model is the kernel's.
//
// The data of a walk has the steps of one chapter, with templates in place of texts; each chapter has its own numbers.
const SPEEDS = [["slow", 2000], ["normal", 900], ["fast", 300]];

// A notebook's theme may differ from the system's: a widget is as dark as its background. Returns a function that stops this.
function followTheme(el) {
  const match = () => {
    for (let on = el.parentElement; on; on = on.parentElement) {
      const [red, green, blue, alpha = 1] = getComputedStyle(on).backgroundColor.match(/[\d.]+/g).map(Number);
      if (alpha > 0.5) {
        el.style.colorScheme = 0.299 * red + 0.587 * green + 0.114 * blue < 128 ? "dark" : "light";
        return;
      }
    }
  };
  const watch = new MutationObserver(match);
  watch.observe(document.body, { attributes: true });
  requestAnimationFrame(match); // when it is in its place
  return () => watch.disconnect();
}

// `keys` receives the keyboard events: the whole page, or the widget alone while it has the focus.
function render({ model, el, keys }) {
  const root = el.shadowRoot || el.attachShadow({ mode: "open" });
  root.replaceChildren(element("style", {}, model.get("style")));
  const app = element("div", { class: "app", role: "region", "aria-label": "Stepper", tabindex: "-1" });
  root.append(app);

  const stage = element("div", { class: "stage" });
  const slider = element("input", { type: "range", min: 0, "aria-label": "Step", oninput: () => { stop(); go(Number(slider.value)); } });
  const count = element("output", { class: "count" });
  const play = element("button", { onclick: () => toggle(), "aria-label": "Play", title: "Play (space)" }, icon("play"));
  const speed = element("select", { "aria-label": "Speed", title: "Speed", onchange: () => { if (timer) { stop(); start(); } } },
    ...SPEEDS.map(([name, ms]) => element("option", { value: ms, selected: name === "normal" }, name)));
  const quiz = quizOf({ model, app, go: to => go(to), stop: () => stop(), show: () => show(), send: (key, request) => send(key, request) });
  const controls = element("div", { class: "controls", role: "toolbar", "aria-label": "Walk" },
    element("button", { onclick: () => rewind(), "aria-label": "Rewind", title: "Rewind (Home)" }, icon("rewind")),
    element("button", { onclick: () => back(), "aria-label": "Back", title: "Back (←)" }, icon("back")),
    play,
    element("button", { onclick: () => forward(), "aria-label": "Step", title: "Step (→)" }, icon("step")),
    slider, count, speed, quiz.button);
  const equation = element("div", { class: "equation" });
  const spoken = element("p", { class: "spoken", "aria-live": "polite" });
  const factors = element("dl", { class: "factors" });
  const value = element("dl", { class: "value" });
  const leaves = leafControls({
    request: ask => send("new_value", ask),
    update: (rate, times) => send("update", { rate, times }),
    isRemote: () => Boolean(data().kernel),
    refuse: said => { problem.textContent = said; problem.hidden = false; },
  });
  const problem = element("p", { class: "problem", role: "alert", hidden: true });
  const notice = element("p", { class: "notice", role: "status", hidden: true });
  const table = element("ol", { class: "table", "aria-label": "Steps" });
  const chapterName = element("li", { class: "chapter" });
  const code = element("div", { class: "code", role: "group", "aria-label": "Source" });
  app.append(stage, controls, equation, spoken, quiz.box, element("div", { class: "details" }, factors, value), leaves.box, problem, notice,
    element("div", { class: "lists" }, table, code));

  let timer = null;
  const { data, position, chapters, length, last, chapterOf, within, stepAt, textsOf, at } = walkOf(model);

  // A character stands for each tag.
  const mathml = text => text.replace(/[\ue000-\uf8ff]/g, character => data().tags[character.charCodeAt(0) - 0xe000]);

  let turns = 0;
  function send(key, request) {
    turns += 1;
    model.set(key, { ...request, turn: turns });
    model.save_changes();
    return turns;
  }

  // Moving

  function go(wanted) {
    const bounded = Math.max(0, Math.min(last(), wanted));
    if (bounded === position()) return show();
    model.set("position", bounded);
    model.save_changes();
  }

  const back = () => { stop(); go(position() - 1); };
  const rewind = () => { stop(); go(0); };

  function forward() {
    stop();
    if (!quiz.asksNext()) go(position() + 1);
  }

  // One tick of play: on to the next step, until the end, a breakpoint or a question.
  function tick() {
    if (quiz.asksNext()) return stop();
    go(position() + 1);
    const here = stepAt(position());
    if (position() === last() || (here && !here.partial && model.get("breakpoints").includes(here.name))) stop();
  }

  function start() {
    if (position() === last()) go(0);
    timer = setInterval(tick, Number(speed.value));
    play.replaceChildren(icon("pause"));
    play.setAttribute("aria-label", "Pause");
    play.title = "Pause (space)";
    tick();
  }

  function stop() {
    if (!timer) return;
    clearInterval(timer);
    timer = null;
    play.replaceChildren(icon("play"));
    play.setAttribute("aria-label", "Play");
    play.title = "Play (space)";
  }

  const toggle = () => (timer ? stop() : start());

  function press(event) {
    const target = event.composedPath()[0], at = selector => target.matches && target.matches(selector);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (at("input[type=text], input[type=range], select") && !(target === slider && event.key === " ")) return;
    const move = { ArrowRight: forward, ArrowLeft: back, Home: rewind, End: () => { stop(); go(last()); }, " ": toggle }[event.key];
    if (!move || (event.key === " " && at("button"))) return;
    event.preventDefault();
    move();
  }
  // Keys pressed here are not shortcuts of the notebook.
  const keep = event => { if (!event.ctrlKey && !event.metaKey && !event.altKey && event.key !== "Escape") event.stopPropagation(); };
  (keys || app).addEventListener("keydown", press);
  if (!keys) app.addEventListener("keydown", keep);

  // Showing: the picture, the equation, the line of code and the table highlight the same step

  let drawn = null, laidOut = null, picture = null, rows = [], seen = null; // the position that everything is scrolled to

  function show() {
    if (drawn !== data()) build();
    const isMoved = seen !== position();
    seen = position();
    const current = stepAt(position()), chapter = chapterOf(position());
    slider.max = last();
    slider.value = position();
    slider.setAttribute("aria-valuetext", current ? titleOf(current) : "start");
    count.value = `${position()} / ${last()}`;
    spoken.textContent = current ? at(current.text) : "";
    light(current, isMoved);
    equation.replaceChildren(current ? parsed(mathml(at(data().equations[current.mathml])), "application/xml") : element("p", { class: "hint" }, "Press Step (→) to begin."));
    equation.dataset.part = current && current.part ? `${current.part[0]} of ${current.part[1]}` : "";
    describe(current);
    list(chapter, isMoved);
    const line = current && current.line && code.querySelector(`[data-file="${current.line.file}"][data-number="${current.line.number}"]`);
    const before = code.querySelector(".current");
    if (before !== line) {
      if (before) before.classList.remove("current");
      if (line) line.classList.add("current");
    }
    if (isMoved && line) { centre(code, line); code.scrollLeft = 0; }
    if (isMoved && !line) code.scrollTop = 0;
    turn();
  }

  const titleOf = step => step.title || step.name;

  // The table has the steps of one chapter.
  function list(chapter, isMoved) {
    const here = within(position()), steps = data().steps, texts = textsOf(chapter), breakpoints = model.get("breakpoints");
    const made = chapter === chapters() - 1 ? steps.length - data().updates : steps.length;
    const items = rows.slice(0, made).map(row => row.item);
    put(chapterName, `iteration ${chapter + 1} of ${chapters()}`);
    if (chapters() > 1) items.unshift(chapterName);
    if (items.length !== table.children.length) table.replaceChildren(...items);
    rows.slice(0, made).forEach((row, i) => {
      row.item.classList.toggle("done", i < here);
      row.item.classList.toggle("current", i === here - 1);
      if (i === here - 1) row.item.setAttribute("aria-current", "step"); else row.item.removeAttribute("aria-current");
      row.breakpoint.setAttribute("aria-pressed", String(breakpoints.includes(steps[i].name)));
      put(row.right, `${steps[i].sign} ${filled(steps[i].equation, texts)}`);
      put(row.shown, filled(steps[i].shown, texts));
    });
    if (!isMoved) return;
    table.scrollTop = 0;
    if (here) centre(table, rows[here - 1].item);
    table.scrollLeft = 0;
  }

  function put(thing, text) {
    if (thing.textContent !== text) thing.textContent = text;
  }

  function build() {
    drawn = data();
    seen = null;
    if (laidOut !== data().svg || !stage.firstChild) makePicture();
    rows = data().steps.map((step, i) => row(step, i));
    table.replaceChildren();
    code.replaceChildren(...(data().source || []).flatMap((file, i) => [
      element("div", { class: "file" }, file.name),
      ...file.lines.map(([number, text]) => element("div", { class: "line", "data-file": i, "data-number": number },
        element("span", { class: "number" }, String(number)), text || " "))]));
  }

  function row(step, i) {
    const right = element("span", { class: "right" }), shown = element("span", { class: "shown" });
    const mark = element("button", { class: "breakpoint", "aria-label": `Breakpoint at ${step.name}`, title: "Stop here when playing", "aria-pressed": "false",
      onclick: event => { event.stopPropagation(); breakpoint(step.name); } }, "●");
    const item = element("li", { class: step.phase, onclick: () => { stop(); go(chapterOf(position()) * length() + i + 1); } },
      mark, element("span", { class: "name" }, titleOf(step)), right, shown);
    return { item, breakpoint: mark, right, shown };
  }

  function makePicture() {
    laidOut = data().svg;
    picture = laidOut ? pictureOf(laidOut) : null;
    stage.replaceChildren(picture ? picture.svg : element("p", { class: "hint" }, data().trouble));
  }

  // A line is hidden until its step is taken; after an update, the lines of the parameter show its new value.
  function writeLines(chapter, here) {
    const hidden = new Set(), updated = new Set();
    data().steps.forEach((step, i) => {
      if (step.phase !== "update" && i >= here) (step.reveals || []).forEach(key => hidden.add(key));
      if (step.phase === "update" && i < here) (step.reveals || []).forEach(key => updated.add(key));
    });
    const now = textsOf(chapter), next = updated.size ? textsOf(chapter + 1) : now;
    picture.write(key => filled(data().lines[key], updated.has(key) ? next : now));
    picture.reveal(hidden);
    picture.widen(Object.fromEntries(Object.entries(data().widths || {}).map(([id, sizes]) => [id, sizeOf(sizes.map(size => filled(size, now)))])));
  }

  const sizeOf = texts => Math.max(...texts.map(text => ({ inf: Infinity, nan: Infinity })[text] ?? Number(text)));

  function light(current, isMoved) {
    if (!picture) return;
    const chapter = chapterOf(position()), here = within(position());
    writeLines(chapter, here);
    const passed = data().steps.slice(0, here);
    picture.light(new Set(passed.flatMap(step => step.highlighted || [])), new Set(current ? current.highlighted || [] : []));
    if (!isMoved) return;
    const card = current && current.highlighted && picture.card(current.highlighted[0]);
    if (card) centre(stage, card); else stage.scrollTo(0, 0);
  }

  function describe(current) {
    const row = ([name, text]) => [element("dt", {}, name), element("dd", {}, element("code", {}, text))];
    const found = current || {};
    const parts = [
      ["upstream", found.upstream], ["local", found.local], ["contribution", found.contribution],
      ["so far", found.part && found.sum], ["example", found.example],
    ];
    factors.replaceChildren(...parts.filter(([, text]) => text).flatMap(([name, text]) => row([name, at(text)])));
    value.replaceChildren(...(current ? row([current.shape ? `value ${current.shape}` : "value", at(current.value)]) : []));
  }

  // Breakpoints and leaves

  function breakpoint(name) {
    const set = model.get("breakpoints");
    model.set("breakpoints", set.includes(name) ? set.filter(other => other !== name) : [...set, name]);
    model.save_changes();
  }

  // The leaves are those of the chapter that a new value would change, which is the next one behind the last update.
  function turn() {
    const values = model.get("leaves"), chapter = Math.min(Math.floor(position() / length()), chapters() - 1);
    if (values) leaves.show(data().leaves || [], values.at(chapter).map(entriesOf), data().updates > 0);
    const said = values && values.reason ? values.reason() : model.get("notice") || "";
    put(notice, said);
    notice.hidden = !said;
  }

  const entriesOf = x => (typeof x === "number" ? [x] : x.data || (Array.isArray(x) ? x : []));

  function complain() {
    problem.textContent = model.get("problem") || "";
    problem.hidden = !problem.textContent;
  }

  function renumbered() {
    show();
    quiz.renumbered();
  }

  function moved() {
    show();
    quiz.moved();
  }

  const listeners = { "change:data": show, "change:texts": renumbered, "change:leaves": show, "change:position": moved, "change:breakpoints": show, "change:problem": complain, "change:verdict": quiz.judged };
  for (const [event, call] of Object.entries(listeners)) model.on(event, call);
  show();
  complain();
  if (model.get("quiz")) quiz.turn(true);
  const unfollow = keys ? () => {} : followTheme(el);
  return () => {
    stop();
    unfollow();
    (keys || app).removeEventListener("keydown", press);
    for (const [event, call] of Object.entries(listeners)) model.off(event, call);
  };
}

export default { render };
