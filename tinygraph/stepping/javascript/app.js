// The stepper in a browser: one module for the page, whose model stays in the browser, and for the widget, whose model is the kernel's.
//
// The data of a walk has the steps of one chapter, with templates in place of texts; each chapter has its own numbers.
const SPEEDS = [["slow", 2000], ["normal", 900], ["fast", 300]];

// A notebook's theme may differ from the system's: a widget is as dark as its background. Returns a function that stops this.
function followTheme(el, changed) {
  const match = () => {
    for (let on = el.parentElement; on; on = on.parentElement) {
      const [red, green, blue, alpha = 1] = getComputedStyle(on).backgroundColor.match(/[\d.]+/g).map(Number);
      if (alpha > 0.5) {
        el.style.colorScheme = 0.299 * red + 0.587 * green + 0.114 * blue < 128 ? "dark" : "light";
        return changed();
      }
    }
  };
  const watch = new MutationObserver(match);
  watch.observe(document.body, { attributes: true });
  requestAnimationFrame(match); // when it is in its place
  return () => watch.disconnect();
}

// `keys` receives the keyboard events: the whole page, or the widget alone while it has the focus.
function render({ model: given, el, keys }) {
  const model = withNumbers(given);
  const root = el.shadowRoot || el.attachShadow({ mode: "open" });
  root.replaceChildren(element("style", {}, model.get("style")));
  const app = element("div", { class: "app", role: "region", "aria-label": "Stepper", tabindex: "-1" });
  root.append(app);
  const walk = walkOf(model), { data, position, last, stepAt, at } = walk;

  const halted = to => { stop(); go(to); };
  const stage = stageOf({ model, go: halted, refolded: () => paths.show() });
  const scrubber = scrubberOf({ model, go: halted });
  const chain = chainOf({ model, changed: () => plot() });
  const lists = listsOf({ model, go: halted, mark: breakpoint });
  const sheet = sheetOf({ model, stage, sides: chain.sides });
  const quiz = quizOf({ model, app, go, stop: () => stop(), show: () => show(), send });
  const paths = pathsOf({ model, stage, walk, numbers: () => model.get("numbers") });
  const tabs = tabsOf("Below the step", new Map([["Statements and code", lists.box], ...(paths.has ? [["Paths", paths.box]] : []), ["Quiz", quiz.box]]));
  tabs.onTurn(name => {
    if (quiz.on !== (name === "Quiz")) quiz.turn(name === "Quiz");
    paths.turn(name === "Paths");
  });
  const play = element("button", { class: "play", onclick: () => toggle(), "aria-label": "Play", title: "Play (space)" }, icon("play"));
  const speed = element("select", { "aria-label": "Speed", title: "Speed", onchange: () => { if (timer) { stop(); start(); } } },
    ...SPEEDS.map(([name, ms]) => element("option", { value: ms, selected: name === "normal" }, name)));
  const controls = element("div", { class: "controls", role: "toolbar", "aria-label": "Walk" },
    element("button", { class: "rewind", onclick: () => rewind(), "aria-label": "Rewind", title: "Rewind (Home)" }, icon("rewind")),
    element("button", { onclick: () => back(), "aria-label": "Back", title: "Back (←)" }, icon("back")),
    play,
    element("button", { onclick: () => forward(), "aria-label": "Step", title: "Step (→)" }, icon("step")),
    scrubber.box, scrubber.count, speed);
  const leaves = leafControls({
    request: ask => send("new_value", ask),
    update: (rate, times) => send("update", { rate, times }),
    reset: () => send("reset", {}),
    isRemote: () => Boolean(data().kernel),
    hasMap: () => Boolean(model.get("numbers")),
    refuse: said => { problem.textContent = said; problem.hidden = false; },
  });
  const problem = element("p", { class: "problem", role: "alert", hidden: true });
  const notice = element("p", { class: "notice", role: "status", hidden: true });
  const spoken = element("p", { class: "spoken", "aria-live": "polite" });
  const factors = element("dl", { class: "factors" });
  const explanations = explanationsOf({ model, mathml: chain.mathml });
  const here = panelOf("This step", "", factors);
  let examples = null; // of a batch
  const file = () => (data().title || "graph").replace(/[^\w.-]+/g, "-");
  const tool = (name, title, act) => element("button", { class: "quiet", title, onclick: act }, name);
  const link = tool("Link", "Copy the address of this moment", () => {
    navigator.clipboard?.writeText(location.href);
    put(link, "Copied");
    setTimeout(() => put(link, "Link"), 1500);
  });
  const isFile = keys && location.protocol !== "about:"; // a frame cannot print, and has no address to share
  const bar = element("header", { class: "bar" },
    element("h1", {}, "tinygraph"), element("span", { class: "subtitle" }, data().title || ""),
    element("nav", { "aria-label": "Files and appearance" },
      ...(isFile ? [tool("Sheet", "Print the steps with their numbers", () => sheet.print(false)), tool("Blank sheet", "Print the steps without numbers, to fill in", () => sheet.print(true))] : []),
      tool("PNG", "Save the picture as PNG", () => { if (stage.picture()) savePng(stage.picture().svg, file()); }),
      tool("SVG", "Save the picture as SVG", () => { if (stage.picture()) saveSvg(stage.picture().svg, file()); }),
      ...(isFile ? [link] : []),
      element("button", { class: "quiet", "aria-label": "Dark or light", title: "Dark or light", onclick: () => turnDark() }, "◐")));
  const panels = PANELS.map(make => make({ model, go: halted, send, chosen: chain.chosen })); // of the side column
  const side = element("div", { class: "side" }, leaves.box, problem, notice, ...panels.map(panel => panel.box), here);
  app.append(bar, element("div", { class: "main" }, stage.box, controls, chain.box, spoken, tabs.box), side, sheet.box, explanations.box);

  let timer = null;

  function turnDark() {
    const isDark = getComputedStyle(app).colorScheme === "dark" || (getComputedStyle(app).colorScheme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
    el.style.colorScheme = isDark ? "light" : "dark";
    app.style.colorScheme = el.style.colorScheme;
    repaint();
  }

  // What is drawn has the colours of the theme in which it was drawn.
  function repaint() {
    chain.repaint();
    leaves.repaint();
  }

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

  const back = () => halted(position() - 1);
  const rewind = () => halted(0);

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
    if (at("input[type=text], input[type=range], select") && !(at(".track input") && event.key === " ")) return;
    const move = { ArrowRight: forward, ArrowLeft: back, Home: rewind, End: () => halted(last()), " ": toggle }[event.key];
    if (!move || (event.key === " " && at("button:not(.breakpoint), summary"))) return;
    event.preventDefault();
    move();
  }
  // Keys pressed here are not shortcuts of the notebook.
  const keep = event => { if (!event.ctrlKey && !event.metaKey && !event.altKey && event.key !== "Escape") event.stopPropagation(); };
  (keys || app).addEventListener("keydown", press);
  if (!keys) app.addEventListener("keydown", keep);

  // Showing: the picture, the equation, the line of code and the table highlight the same step

  let drawn = null, seen = null; // the position that everything is scrolled to

  function show() {
    if (drawn !== data()) build();
    const isMoved = seen !== position(), current = stepAt(position());
    seen = position();
    spoken.textContent = current ? at(current.text) : "";
    scrubber.show(current);
    chain.show(current);
    describe(current);
    lists.show(current, isMoved);
    turn();
    stage.show(isMoved);
    paths.show();
    plot();
  }

  const plot = () => panels.forEach(panel => panel.show(stepAt(position())));

  function build() {
    drawn = data();
    seen = null;
    stage.build();
    scrubber.build();
    lists.build();
  }

  function describe(current) {
    const row = ([name, text]) => [element("dt", {}, name), element("dd", { class: name.startsWith("value") ? "value" : "" }, element("code", {}, text))];
    const found = current || {};
    if (!examples && data().batch && model.get("numbers")) {
      examples = examplesOf({ model });
      here.append(examples.box);
    }
    examples?.show();
    const parts = [
      ["upstream", found.upstream], ["local", found.local], ["contribution", found.contribution],
      ["so far", found.part && found.sum], ["example", examples?.text(current) ?? found.example], [found.shape ? `value ${found.shape}` : "value", found.value],
    ];
    const ops = explanations.buttons(current);
    factors.replaceChildren(...parts.filter(([, text]) => text).flatMap(([name, text]) => row([name, at(text)])),
      ...(ops.length ? [element("dt", {}, "what is"), element("dd", {}, ...ops)] : []));
    here.hidden = !current;
  }

  // Breakpoints and leaves

  function breakpoint(name) {
    const set = model.get("breakpoints");
    model.set("breakpoints", set.includes(name) ? set.filter(other => other !== name) : [...set, name]);
    model.save_changes();
  }

  // The leaves are those of the chapter that a new value would change, which is the next one behind the last update.
  function turn() {
    const values = model.get("leaves"), chapter = walk.chapterFrom(position());
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

  const listeners = { "change:data": show, "change:texts": renumbered, "change:leaves": show, "change:position": moved, "change:breakpoints": show, "change:example": () => { describe(stepAt(position())); plot(); }, "change:problem": complain, "change:verdict": quiz.judged };
  for (const [event, call] of Object.entries(listeners)) model.on(event, call);
  show();
  complain();
  if (model.get("quiz")) tabs.turnTo("Quiz");
  const unfollow = keys ? () => {} : followTheme(el, repaint), scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", repaint);
  return () => {
    stop();
    unfollow();
    scheme.removeEventListener("change", repaint);
    stage.close();
    sheet.close();
    (keys || app).removeEventListener("keydown", press);
    for (const [event, call] of Object.entries(listeners)) model.off(event, call);
  };
}
