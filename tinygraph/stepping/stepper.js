// The stepper in a browser: one module for the page, whose model stays in the browser, and for the widget, whose model is the kernel's.
const ICONS = {
  rewind: "M0 3h2v14H0z M8 4v12L2.5 10z M14 4v12l-5.5-6z", back: "M9 3v14L1 10z M10.5 3h2.5v14h-2.5z",
  play: "M2 2v16l11-8z", pause: "M2 3h3.5v14H2z M8.5 3H12v14H8.5z", step: "M5 3v14l8-7z M1 3h2.5v14H1z",
};
const SPEEDS = [["slow", 2000], ["normal", 900], ["fast", 300]];

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter(child => child !== null && child !== undefined));
  return made;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 14 20");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

// Markup from the kernel is parsed as XML, in which nothing runs, and then adopted.
function parsed(text, type) {
  return document.importNode(new DOMParser().parseFromString(text, type).documentElement, true);
}

// Scroll a box so that one element in it is in the middle; nothing else moves.
function centre(box, thing) {
  const outer = box.getBoundingClientRect(), inner = thing.getBoundingClientRect();
  box.scrollLeft += inner.left + inner.width / 2 - outer.left - outer.width / 2;
  box.scrollTop += inner.top + inner.height / 2 - outer.top - outer.height / 2;
}

export function fixedModel(state) {
  const listeners = {};
  return {
    get: key => state[key],
    set: (key, value) => {
      if (state[key] === value) return;
      state[key] = value;
      (listeners[`change:${key}`] || []).forEach(call => call());
    },
    on: (event, call) => { (listeners[event] ||= []).push(call); },
    off: (event, call) => { listeners[event] = (listeners[event] || []).filter(other => other !== call); },
    save_changes: () => {},
  };
}

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
  const quizButton = element("button", { onclick: () => setQuiz(!quiz.on), "aria-pressed": "false" }, "Quiz");
  const controls = element("div", { class: "controls", role: "toolbar", "aria-label": "Walk" },
    element("button", { onclick: () => rewind(), "aria-label": "Rewind", title: "Rewind (Home)" }, icon("rewind")),
    element("button", { onclick: () => back(), "aria-label": "Back", title: "Back (←)" }, icon("back")),
    play,
    element("button", { onclick: () => forward(), "aria-label": "Step", title: "Step (→)" }, icon("step")),
    slider, count, speed, quizButton);
  const equation = element("div", { class: "equation" });
  const spoken = element("p", { class: "spoken", "aria-live": "polite" });
  const ask = element("div", { class: "quiz", hidden: true, role: "group", "aria-label": "Quiz" }); // frames may not submit forms
  const factors = element("dl", { class: "factors" });
  const value = element("dl", { class: "value" });
  const sliders = element("div", { class: "sliders", role: "group", "aria-label": "Leaves" });
  const problem = element("p", { class: "problem", role: "alert", hidden: true });
  const table = element("ol", { class: "table", "aria-label": "Steps" });
  const code = element("div", { class: "code", role: "group", "aria-label": "Source" });
  app.append(stage, controls, equation, spoken, ask, element("div", { class: "details" }, factors, value), sliders, problem,
    element("div", { class: "lists" }, table, code));

  let timer = null;
  const data = () => model.get("data");
  const steps = () => data().steps;
  const position = () => model.get("position");

  // Moving

  function go(wanted) {
    const bounded = Math.max(0, Math.min(steps().length, wanted));
    if (bounded === position()) return show();
    model.set("position", bounded);
    model.save_changes();
  }

  const back = () => { stop(); go(position() - 1); };
  const rewind = () => { stop(); go(0); };

  function forward() {
    stop();
    if (!asksNext()) go(position() + 1);
  }

  // One tick of play: on to the next step, until the end, a breakpoint or a question.
  function tick() {
    if (asksNext()) return stop();
    go(position() + 1);
    const here = steps()[position() - 1];
    if (position() === steps().length || (here && here.complete && model.get("breakpoints").includes(here.name))) stop();
  }

  function start() {
    if (position() === steps().length) go(0);
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
    const move = { ArrowRight: forward, ArrowLeft: back, Home: rewind, End: () => { stop(); go(steps().length); }, " ": toggle }[event.key];
    if (!move || (event.key === " " && at("button"))) return;
    event.preventDefault();
    move();
  }
  // Keys pressed here are not shortcuts of the notebook.
  const keep = event => { if (!event.ctrlKey && !event.metaKey && !event.altKey && event.key !== "Escape") event.stopPropagation(); };
  (keys || app).addEventListener("keydown", press);
  if (!keys) app.addEventListener("keydown", keep);

  // Showing: the picture, the equation, the line of code and the table highlight the same step

  let drawn = null, laidOut = null, picture = null;

  function show() {
    if (drawn !== data()) build();
    const at = position(), current = steps()[at - 1];
    slider.max = steps().length;
    slider.value = at;
    slider.setAttribute("aria-valuetext", current ? current.title : "start");
    count.value = `${at} / ${steps().length}`;
    spoken.textContent = current ? current.text : "";
    light(at, current);
    equation.replaceChildren(current ? parsed(data().equations[current.mathml], "application/xml") : element("p", { class: "hint" }, "Press Step (→) to begin."));
    equation.dataset.part = current && current.part ? `${current.part[0]} of ${current.part[1]}` : "";
    describe(current);
    [...table.children].forEach((row, i) => {
      row.classList.toggle("done", i < at);
      row.classList.toggle("current", i === at - 1);
      if (i === at - 1) row.setAttribute("aria-current", "step"); else row.removeAttribute("aria-current");
      row.querySelector(".breakpoint").setAttribute("aria-pressed", String(model.get("breakpoints").includes(steps()[i].name)));
    });
    table.scrollTop = 0;
    if (current) centre(table, table.children[at - 1]);
    table.scrollLeft = 0;
    for (const line of code.querySelectorAll(".line")) {
      const here = current && Number(line.dataset.file) === current.line.file && Number(line.dataset.number) === current.line.number;
      line.classList.toggle("current", Boolean(here));
      if (here) { centre(code, line); code.scrollLeft = 0; }
    }
    if (!code.querySelector(".current")) code.scrollTop = 0;
  }

  function build() {
    drawn = data();
    if (laidOut !== data().svg) makePicture();
    table.replaceChildren(...steps().map((step, i) => element("li", { class: step.phase, onclick: () => { stop(); go(i + 1); } },
      element("button", { class: "breakpoint", "aria-label": `Breakpoint at ${step.name}`, title: "Stop here when playing", "aria-pressed": "false",
        onclick: event => { event.stopPropagation(); breakpoint(step.name); } }, "●"),
      element("span", { class: "name" }, step.title),
      element("span", { class: "right" }, `${step.sign} ${step.equation}`), element("span", { class: "shown" }, step.shown))));
    code.replaceChildren(...data().source.flatMap((file, i) => [
      element("div", { class: "file" }, file.name),
      ...file.lines.map(([number, text]) => element("div", { class: "line", "data-file": i, "data-number": number },
        element("span", { class: "number" }, String(number)), text || " "))]));
    turn();
  }

  function makePicture() {
    laidOut = data().svg;
    picture = null;
    if (!laidOut) return stage.replaceChildren(element("p", { class: "hint" }, data().trouble));
    picture = parsed(laidOut, "image/svg+xml");
    picture.style.setProperty("--natural", `${picture.getAttribute("width")}px`);
    for (const card of picture.querySelectorAll(".card")) {
      card.querySelectorAll("text").forEach((text, i) => { text.dataset.key = `${card.id}-${i}`; });
    }
    stage.replaceChildren(picture);
  }

  // All chapters have the same lines with other numbers. A line is hidden until its step is taken; after an update, the lines of
  // the parameter show its new value.
  function writeLines(chapter, at) {
    const hidden = new Set(), updated = new Set();
    steps().forEach((step, i) => {
      if (step.chapter !== chapter) return;
      if (step.phase !== "update" && i >= at) step.reveals.forEach(key => hidden.add(key));
      if (step.phase === "update" && i < at) step.reveals.forEach(key => updated.add(key));
    });
    for (const text of picture.querySelectorAll("text[data-key]")) {
      const { key } = text.dataset;
      write(text, data().lines[updated.has(key) ? chapter + 1 : chapter][key]);
      text.classList.toggle("unknown", hidden.has(key));
    }
  }

  // A text that is longer than its place in the layout is condensed.
  function write(text, line) {
    if (text.textContent.replaceAll("\u00a0", " ") === line) return;
    const room = Number(text.dataset.room ||= text.getComputedTextLength() + 4);
    text.removeAttribute("textLength");
    text.textContent = line;
    if (text.getComputedTextLength() <= room) return;
    text.setAttribute("textLength", room);
    text.setAttribute("lengthAdjust", "spacingAndGlyphs");
  }

  function light(at, current) {
    if (!picture) return;
    const chapter = current ? current.chapter : 0;
    const passed = steps().slice(0, at).filter(step => step.chapter === chapter);
    writeLines(chapter, at);
    const done = new Set(passed.flatMap(step => step.highlighted)), now = new Set(current ? current.highlighted : []);
    for (const group of picture.querySelectorAll(".card, .forward, .backward")) {
      group.classList.toggle("future", !done.has(group.id) && !group.matches(".input, .parameter"));
      group.classList.toggle("now", now.has(group.id));
    }
    const card = current && picture.getElementById(current.card);
    if (card) centre(stage, card); else stage.scrollTo(0, 0);
  }

  function describe(current) {
    const row = ([name, text]) => [element("dt", {}, name), element("dd", {}, element("code", {}, text))];
    const rows = [];
    if (current && current.upstream) rows.push(["upstream", current.upstream]);
    if (current && current.local) rows.push(["local", current.local]);
    if (current && current.contribution) rows.push(["contribution", current.contribution]);
    if (current && current.part) rows.push(["so far", current.sum]);
    if (current && current.example) rows.push(["example", current.example]);
    factors.replaceChildren(...rows.flatMap(row));
    value.replaceChildren(...(current ? row([current.shape ? `value ${current.shape}` : "value", current.value]) : []));
  }

  // Breakpoints and leaves

  function breakpoint(name) {
    const set = model.get("breakpoints");
    model.set("breakpoints", set.includes(name) ? set.filter(other => other !== name) : [...set, name]);
    model.save_changes();
  }

  // The sliders are kept when the kernel answers, so that one can be dragged or moved by the arrow keys meanwhile.
  const made = new Map();
  function turn() {
    const leaves = data().leaves || [];
    if (leaves.map(leaf => leaf.name).join("\n") !== [...made.keys()].join("\n")) {
      made.clear();
      leaves.forEach(leaf => made.set(leaf.name, leafSlider(leaf)));
      sliders.replaceChildren(...[...made.values()].map(known => known.label));
    }
    for (const leaf of leaves) made.get(leaf.name).update(leaf);
  }

  let turns = 0;
  function leafSlider(leaf) {
    let later = null;
    const shown = element("output");
    const send = () => { later = null; model.set("new_value", { name: leaf.name, value: Number(input.value), turn: ++turns }); model.save_changes(); };
    const input = element("input", { type: "range", min: leaf.low, max: leaf.high, step: (leaf.high - leaf.low) / 400, "aria-label": leaf.name,
      oninput: () => { shown.value = Number(input.value).toPrecision(4); clearTimeout(later); later = setTimeout(send, 80); } });
    const update = ({ value }) => {
      if (later) return; // still being moved
      input.min = Math.min(input.min, value);
      input.max = Math.max(input.max, value);
      input.value = value;
      shown.value = value.toPrecision(4);
    };
    return { label: element("label", {}, element("span", {}, leaf.name), input, shown), update };
  }

  function complain() {
    problem.textContent = model.get("problem") || "";
    problem.hidden = !problem.textContent;
  }

  // Quiz: predict the next gradient, then see it

  const quiz = { on: false };

  function setQuiz(on) {
    stop();
    Object.assign(quiz, { on, right: 0, hints: 0, over: new Set(), waiting: 0 });
    quizButton.setAttribute("aria-pressed", String(on));
    app.classList.toggle("quizzing", on);
    ask.hidden = !on;
    if (!on) return show();
    const first = steps().findIndex(step => step.ask);
    if (first >= 0) go(first);
    question();
  }

  const next = () => steps()[position()];

  // Whether the next step has an open question; if so, its input gets the focus.
  function asksNext() {
    if (!quiz.on || !next() || !next().ask || quiz.over.has(position())) return false;
    const field = ask.querySelector("input");
    if (field) field.focus({ preventScroll: true });
    return true;
  }

  function question(said = "") {
    if (!quiz.on) return;
    quiz.used = 0;
    quiz.first = true;
    const asked = next() && next().ask;
    const score = `${quiz.right} of ${quiz.over.size} right at the first try, ${quiz.hints} ${quiz.hints === 1 ? "hint" : "hints"}.`;
    if (!asked || quiz.over.has(position())) {
      const more = steps().some((step, i) => i >= position() && step.ask && !quiz.over.has(i));
      if (ask.contains(root.activeElement)) app.focus({ preventScroll: true }); // what has the focus goes away
      return ask.replaceChildren(element("p", { class: "answer", role: "status" }, `${said} ${more ? "Step on to the next question." : score}`.trim()));
    }
    const field = element("input", { type: "text", autocomplete: "off", spellcheck: "false", "aria-label": `Value of ${asked.label}`,
      onkeydown: event => { if (event.key === "Enter") check(); } });
    ask.replaceChildren(
      element("label", {}, `What is ${asked.label}? `, field),
      element("button", { onclick: () => check() }, "Check"),
      element("button", { onclick: () => hint() }, "Hint"),
      element("button", { onclick: () => pass(`${asked.label} = ${asked.shown}.`) }, "Show"),
      element("span", { class: "hint" }, data().kernel ? `a number ${asked.tolerance}, or a formula` : asked.tolerance),
      element("p", { class: "answer", role: "status" }, said));
    field.focus({ preventScroll: true });
  }

  const say = text => { ask.querySelector(".answer").textContent = text; };

  function check() {
    const field = ask.querySelector("input");
    if (!field) return;
    const text = field.value.trim().replaceAll("−", "-"), number = Number(text);
    if (data().kernel && text) {
      quiz.waiting = ++turns;
      model.set("answer", { name: next().name, text, turn: turns });
      return model.save_changes();
    }
    if (text === "" || !Number.isFinite(number)) return say("That is not a number: write one such as -0.43.");
    const { label, shown, value, near } = next().ask, hits = x => Math.abs(number - x) <= near;
    if (hits(value)) return right(`Right: ${label} = ${shown}.`);
    quiz.first = false;
    say(hits(-value) ? "Not yet: the sign is wrong." : "Not yet. A hint may help.");
  }

  // The kernel's verdict on an answer
  function judged() {
    const { right: isRight, message, counted, turn } = model.get("verdict") || {};
    if (!quiz.on || turn !== quiz.waiting) return;
    quiz.waiting = 0;
    if (isRight) return right(message);
    if (counted) quiz.first = false;
    say(message);
  }

  function right(message) {
    if (quiz.first) quiz.right += 1;
    pass(message);
  }

  function hint() {
    const { hints } = next().ask;
    if (quiz.used < hints.length) { quiz.used += 1; quiz.hints += 1; quiz.first = false; }
    say(hints.slice(0, quiz.used).join("; "));
  }

  // The question is over: go to the step that completes the gradient.
  function pass(message) {
    const at = position();
    quiz.over.add(at);
    quiz.said = message;
    go(1 + steps().findIndex((step, i) => i >= at && step.complete));
  }

  function moved() {
    show();
    question(quiz.said);
    quiz.said = "";
  }

  const listeners = { "change:data": show, "change:position": moved, "change:breakpoints": show, "change:problem": complain, "change:verdict": judged };
  for (const [event, call] of Object.entries(listeners)) model.on(event, call);
  show();
  complain();
  if (model.get("quiz")) setQuiz(true);
  const unfollow = keys ? () => {} : followTheme(el);
  return () => {
    stop();
    unfollow();
    (keys || app).removeEventListener("keydown", press);
    for (const [event, call] of Object.entries(listeners)) model.off(event, call);
  };
}

export default { render };
