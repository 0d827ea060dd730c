// The quiz: predict the next gradient, then see it.

function quizOf({ model, app, go, stop, show, send }) {
  const { data, position, length, last, chapterOf, stepAt, textsOf } = walkOf(model);
  const ask = element("div", { class: "quiz", role: "group", "aria-label": "Quiz" }); // frames may not submit forms
  const quiz = { on: false };

  const next = () => (position() < last() ? stepAt(position() + 1) : undefined);

  // The question about a step of this chapter: the value, how near an answer must be, and what it is called; none about no number.
  function questionOf(step, chapter = chapterOf(position() + 1)) {
    if (!step || !step.ask) return null;
    const inNumbers = template => filled(template, textsOf(chapter));
    const value = Number(inNumbers(step.ask.value)), size = Math.abs(value);
    if (!Number.isFinite(value)) return null;
    const { relative, absolute, smallest, rounding } = data().tolerance;
    const near = Math.max(relative * size, size > rounding && size < smallest ? 0 : absolute);
    const tolerance = `within ${100 * relative}%${near < absolute ? "" : ` or ${absolute}`}`;
    return { label: inNumbers(step.ask.label), value, near, tolerance, shown: number("f8", value), hints: step.ask.hints.map(inNumbers) };
  }

  function turn(on) {
    stop();
    Object.assign(quiz, { on, right: 0, hints: 0, over: new Set(), waiting: 0 });
    app.classList.toggle("quizzing", on);
    if (!on) return show();
    const first = data().steps.findIndex(step => questionOf(step));
    if (first >= 0) go(chapterOf(position()) * length() + first);
    question();
  }

  // Whether the next step has an open question; if so, its input gets the focus.
  function asksNext() {
    if (!quiz.on || !questionOf(next()) || quiz.over.has(position())) return false;
    const field = ask.querySelector("input");
    if (field) field.focus({ preventScroll: true });
    return true;
  }

  function question(said = "") {
    if (!quiz.on) return;
    quiz.used = 0;
    quiz.first = true;
    const asked = questionOf(next());
    const score = `${quiz.right} of ${quiz.over.size} right at the first try, ${quiz.hints} ${quiz.hints === 1 ? "hint" : "hints"}.`;
    if (!asked || quiz.over.has(position())) {
      const start = chapterOf(position()) * length();
      const more = data().steps.some((step, i) => start + i >= position() && questionOf(step) && !quiz.over.has(start + i));
      if (ask.contains(app.getRootNode().activeElement)) app.focus({ preventScroll: true }); // what has the focus goes away
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
    const text = field.value.trim().replaceAll("−", "-"), typed = Number(text);
    if (data().kernel && text) {
      quiz.waiting = send("answer", { name: next().name, text });
      return;
    }
    if (text === "" || !Number.isFinite(typed)) return say("That is not a number: write one such as -0.43.");
    const { label, shown, value, near } = questionOf(next()), hits = x => Math.abs(typed - x) <= near;
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
    const { hints } = questionOf(next());
    if (quiz.used < hints.length) { quiz.used += 1; quiz.hints += 1; quiz.first = false; }
    say(hints.slice(0, quiz.used).join("; "));
  }

  // The question is over: go to the step that completes the gradient.
  function pass(message) {
    const start = chapterOf(position() + 1) * length();
    quiz.over.add(position());
    quiz.said = message;
    go(1 + start + data().steps.findIndex((step, i) => start + i >= position() && !step.partial));
  }

  function renumbered() {
    if (quiz.on && ask.querySelector("input") === null) question();
  }

  function moved() {
    question(quiz.said);
    quiz.said = "";
  }

  return { get on() { return quiz.on; }, box: ask, turn, asksNext, judged, renumbered, moved };
}
