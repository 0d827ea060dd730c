// The stepper in a browser: one module for the page, whose model is fixed, and for the widget, whose model a kernel shares.
const ICONS = {
  rewind: "M1 3h2v14H1z M14 3v14L4 10z", back: "M12 3v14L2 10z", play: "M2 3v14l10-7z", pause: "M2 3h4v14H2z M8 3h4v14H8z",
  step: "M0 3v14l8-7z M9 3h3v14H9z",
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
  const root = new DOMParser().parseFromString(text, type).documentElement;
  return document.importNode(root, true);
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
    off: () => {},
    save_changes: () => {},
  };
}

function render({ model, el }) {
  const root = el.shadowRoot || el.attachShadow({ mode: "open" });
  root.replaceChildren(element("style", {}, model.get("style")));
  const app = element("div", { class: "app", role: "application", "aria-label": "Stepper" });
  root.append(app);

  const stage = element("div", { class: "stage" });
  const slider = element("input", { type: "range", min: 0, "aria-label": "Step", oninput: () => go(Number(slider.value)) });
  const count = element("output", { class: "count", "aria-live": "polite" });
  const play = element("button", { onclick: () => toggle(), "aria-label": "Play", title: "Play (space)" }, icon("play"));
  const speed = element("select", { "aria-label": "Speed", onchange: () => { if (timer) { stop(); start(); } } },
    ...SPEEDS.map(([name, ms]) => element("option", { value: ms, selected: name === "normal" }, name)));
  const quizButton = element("button", { onclick: () => setQuiz(!quiz.on), "aria-pressed": "false" }, "Quiz");
  const controls = element("div", { class: "controls", role: "toolbar", "aria-label": "Walk" },
    element("button", { onclick: () => go(0), "aria-label": "Rewind", title: "Rewind (Home)" }, icon("rewind")),
    element("button", { onclick: () => go(position() - 1), "aria-label": "Back", title: "Back (←)" }, icon("back")),
    play,
    element("button", { onclick: () => forward(), "aria-label": "Step", title: "Step (→)" }, icon("step")),
    slider, count, speed, quizButton);
  const equation = element("div", { class: "equation", "aria-live": "polite" });
  const details = element("div", { class: "details" });
  const ask = element("form", { class: "quiz", hidden: true, onsubmit: event => { event.preventDefault(); check(); } });
  const knobs = element("div", { class: "knobs", role: "group", "aria-label": "Leaves" });
  const table = element("ol", { class: "table", "aria-label": "Steps" });
  const code = element("div", { class: "code", "aria-label": "Source" });
  app.append(stage, controls, equation, ask, details, knobs, element("div", { class: "lists" }, table, code));

  let timer = null;
  const quiz = { on: false, right: 0, asked: 0, hints: 0, used: 0, tried: false };
  const data = () => model.get("data");
  const steps = () => data().steps;
  const position = () => model.get("position");
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

  // Moving

  function go(wanted) {
    const bounded = Math.max(0, Math.min(steps().length, wanted));
    if (bounded === position()) return show();
    model.set("position", bounded);
    model.save_changes();
  }

  function forward() {
    const next = steps()[position()];
    if (quiz.on && next && next.ask && !quiz.tried) return question();
    quiz.tried = false;
    go(position() + 1);
  }

  function start() {
    if (position() === steps().length) go(0);
    timer = setInterval(() => {
      go(position() + 1);
      const here = steps()[position() - 1];
      if (position() === steps().length || (here && here.complete && model.get("breakpoints").includes(here.name))) stop();
    }, Number(speed.value));
    play.replaceChildren(icon("pause"));
    play.setAttribute("aria-label", "Pause");
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    play.replaceChildren(icon("play"));
    play.setAttribute("aria-label", "Play");
  }

  const toggle = () => (timer ? stop() : start());

  app.addEventListener("keydown", event => {
    if (event.target.matches("input[type=text], select")) return;
    const move = { ArrowRight: () => forward(), ArrowLeft: () => go(position() - 1), Home: () => go(0), End: () => go(steps().length),
      " ": () => toggle() }[event.key];
    if (!move || (event.key === " " && event.target.matches("button"))) return;
    if (event.target === slider && event.key !== " ") return;
    event.preventDefault();
    move();
  });

  // Showing: the picture, the equation, the line of code and the table, lit together

  let picture = null, drawn = null;
  function show() {
    if (drawn !== data()) { build(); drawn = data(); }
    const at = position(), current = steps()[at - 1];
    slider.max = steps().length;
    slider.value = at;
    slider.setAttribute("aria-valuetext", current ? current.title : "start");
    count.value = `${at} / ${steps().length}`;
    light(at, current);
    equation.replaceChildren(current ? parsed(current.mathml, "application/xml") : element("p", { class: "hint" }, "Press Step (→) to begin."));
    describe(current);
    [...table.children].forEach((row, i) => {
      row.classList.toggle("done", i < at);
      row.classList.toggle("current", i === at - 1);
      const mark = row.querySelector(".breakpoint");
      const set = model.get("breakpoints").includes(steps()[i].name);
      mark.setAttribute("aria-pressed", String(set));
    });
    const row = table.children[at - 1];
    if (row) table.scrollTop = row.offsetTop - table.clientHeight / 2;
    [...code.querySelectorAll(".line")].forEach(line => {
      const lit = current && line.dataset.file === current.line.file && Number(line.dataset.number) === current.line.number;
      line.classList.toggle("current", Boolean(lit));
      if (lit) code.scrollTop = line.offsetTop - code.clientHeight / 2;
    });
  }

  function build() {
    picture = parsed(data().svg, "image/svg+xml");
    stage.replaceChildren(picture);
    table.replaceChildren(...steps().map((step, i) => element("li", { class: step.phase, onclick: () => go(i + 1) },
      element("button", { class: "breakpoint", "aria-label": `Breakpoint at ${step.name}`, "aria-pressed": "false",
        onclick: event => { event.stopPropagation(); breakpoint(step.name); } }, "●"),
      element("span", { class: "name" }, step.title), element("span", { class: "value" }, step.shown))));
    code.replaceChildren(...data().source.flatMap(file => [
      element("div", { class: "file" }, file.name),
      ...file.lines.map(([number, text]) => element("div", { class: "line", "data-file": file.name, "data-number": number },
        element("span", { class: "number" }, String(number)), text || " "))]));
    knobs.replaceChildren(...(data().leaves || []).map(knob));
  }

  function light(at, current) {
    if (!picture) return;
    const done = new Set(steps().slice(0, at).flatMap(step => step.lit));
    const now = new Set(current ? current.lit : []);
    const known = new Set(steps().slice(0, at).filter(step => step.phase === "backward" && step.complete).map(step => step.card));
    for (const group of picture.querySelectorAll(".card, .forward, .backward")) {
      group.classList.toggle("future", !done.has(group.id) && !now.has(group.id) && !group.classList.contains("input") && !group.classList.contains("parameter"));
      group.classList.toggle("now", now.has(group.id));
      if (group.classList.contains("card")) group.classList.toggle("unknown", !known.has(group.id));
    }
    if (current && !still) {
      const card = picture.getElementById(current.card);
      if (card && stage.scrollWidth > stage.clientWidth) {
        const box = card.getBoundingClientRect(), view = stage.getBoundingClientRect();
        stage.scrollLeft += box.left + box.width / 2 - view.left - view.width / 2;
      }
    }
  }

  function describe(current) {
    details.replaceChildren();
    if (!current) return;
    const rows = [];
    if (current.upstream) rows.push(["upstream", current.upstream]);
    if (current.local) rows.push(["local", current.local]);
    if (current.contributions.length > 1) rows.push(["so far", current.contributions.map(part => `${part.reader}: ${part.value}`).join("  +  ")]);
    rows.push(["value", current.value]);
    if (current.example) rows.push(["example", current.example]);
    details.append(...rows.map(([name, text]) => element("div", { class: "row" }, element("span", { class: "label" }, name), element("code", {}, text))));
  }

  // Breakpoints and leaves

  function breakpoint(name) {
    const set = model.get("breakpoints");
    model.set("breakpoints", set.includes(name) ? set.filter(other => other !== name) : [...set, name]);
    model.save_changes();
  }

  function knob(leaf) {
    const shown = element("output", {}, leaf.value.toPrecision(4));
    const input = element("input", { type: "range", min: leaf.low, max: leaf.high, step: "any", value: leaf.value, "aria-label": leaf.name,
      oninput: () => { shown.value = Number(input.value).toPrecision(4); },
      onchange: () => { model.set("wanted", { name: leaf.name, value: Number(input.value) }); model.save_changes(); } });
    return element("label", {}, element("span", {}, leaf.name), input, shown);
  }

  // Quiz: predict the next gradient, then see it

  function setQuiz(on) {
    stop();
    Object.assign(quiz, { on, right: 0, asked: 0, hints: 0, used: 0, tried: false });
    quizButton.setAttribute("aria-pressed", String(on));
    app.classList.toggle("quizzing", on);
    ask.hidden = true;
    if (on) {
      const first = steps().findIndex(step => step.ask);
      if (first >= 0) go(first);
      question();
    }
  }

  function question() {
    const next = steps()[position()];
    if (!next || !next.ask) {
      ask.hidden = true;
      if (quiz.on && quiz.asked) {
        ask.hidden = false;
        ask.replaceChildren(element("p", { role: "status" }, `${quiz.right} of ${quiz.asked} right at the first try, ${quiz.hints} hints.`));
      }
      return;
    }
    quiz.used = 0;
    quiz.first = true;
    const field = element("input", { type: "text", inputmode: "decimal", autocomplete: "off", "aria-label": `Value of ${next.ask.label}` });
    ask.hidden = false;
    ask.replaceChildren(
      element("label", {}, `What is ${next.ask.label}? `, field),
      element("button", { type: "submit" }, "Check"),
      element("button", { type: "button", onclick: () => hint() }, "Hint"),
      element("button", { type: "button", onclick: () => reveal() }, "Show"),
      element("span", { class: "hint" }, "within 1 % or 0.0005"),
      element("p", { class: "answer", role: "status" }));
    field.focus({ preventScroll: true });
  }

  const say = text => { ask.querySelector(".answer").textContent = text; };

  function check() {
    const next = steps()[position()], text = ask.querySelector("input").value.trim().replace("−", "-");
    const number = Number(text);
    if (text === "" || !Number.isFinite(number)) return say("That is no number: write one such as -0.43.");
    const right = Math.abs(number - next.ask.value) <= Math.max(5e-4, 0.01 * Math.abs(next.ask.value));
    if (!right) {
      const mirrored = Math.abs(number + next.ask.value) <= Math.max(5e-4, 0.01 * Math.abs(next.ask.value));
      quiz.first = false;
      return say(mirrored ? "Nearly: look at the sign." : "Not yet. A hint may help.");
    }
    quiz.asked += 1;
    if (quiz.first) quiz.right += 1;
    pass();
    const status = ask.querySelector(".answer") || ask.querySelector("[role=status]");
    if (status) status.textContent = `Right: ${next.ask.label} = ${next.ask.shown}. ${status.textContent}`;
  }

  function hint() {
    const hints = steps()[position()].ask.hints;
    if (quiz.used < hints.length) { quiz.used += 1; quiz.hints += 1; quiz.first = false; }
    say(hints.slice(0, quiz.used).join("   "));
  }

  function reveal() {
    const next = steps()[position()];
    quiz.asked += 1;
    pass();
    const status = ask.querySelector(".answer") || ask.querySelector("[role=status]");
    if (status) status.textContent = `${next.ask.label} = ${next.ask.shown}. ${status.textContent}`;
  }

  function pass() {
    quiz.tried = true;
    forward();
    question();
  }

  model.on("change:data", show);
  model.on("change:position", show);
  model.on("change:breakpoints", show);
  show();
  return () => stop();
}

export default { render };
