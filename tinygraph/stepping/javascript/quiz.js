// The quiz: answer the question about the next step, then see it. The verdict comes from the model, as all numbers do.

function quizOf({ model, app, go, stop, show, send }) {
  const { data, position, length, last, chapterFrom, textsOf } = walkOf(model);
  const ask = element("div", { class: "quiz", role: "group", "aria-label": "Quiz" }); // frames may not submit forms
  const quiz = { on: false };

  // The questions about a step, in the numbers of its chapter; none about what is no number, where no formula can answer.
  function questionsOf(index, chapter) {
    const canAnswer = ({ choices, value }) => (choices ? choices.includes(value) : takesFormulas() || Number.isFinite(Number(value)));
    return questionsIn(data().steps[index], textsOf(chapter)).filter(canAnswer)
      .map(asked => ({ ...asked, index, chapter, key: `${chapter} ${index} ${asked.number}` }));
  }

  const isOpen = ({ key }) => !quiz.over.has(key);
  const takesFormulas = () => Boolean(data().kernel || model.get("proof"));
  const completion = index => data().steps.findIndex((step, i) => i >= index && !step.partial);
  const within = taken => taken - chapterFrom(taken) * length();

  // The open question of a position: about the next step, and at the end about the updates, which are not walked through there.
  function open() {
    const chapter = chapterFrom(position()), first = within(position()), end = position() === last() ? length() : first + 1;
    for (let i = first; i < end; i++) {
      const asked = questionsOf(i, chapter).find(isOpen);
      if (asked) return asked;
    }
    return null;
  }

  function turn(on) {
    stop();
    Object.assign(quiz, { on, right: 0, hints: 0, over: new Set(), waiting: 0 });
    app.classList.toggle("quizzing", on);
    if (!on) return show();
    const chapter = chapterFrom(position()), first = data().steps.findIndex((_, i) => questionsOf(i, chapter).length > 0);
    if (first >= 0) go(chapter * length() + first);
    question();
  }

  // Whether the position has an open question; if so, its field gets the focus.
  function asksNext() {
    if (!quiz.on || !open()) return false;
    ask.querySelector("input")?.focus({ preventScroll: true });
    return true;
  }

  function question(said = "", isFocused = true) {
    if (!quiz.on) return;
    Object.assign(quiz, { used: 0, first: true, asked: open() });
    const { asked } = quiz;
    if (!asked) return over(said);
    const [field, hint] = asked.choices ? [choice(asked), ""] : [text(asked), accepted(asked)];
    ask.replaceChildren(
      ...field,
      element("button", { onclick: () => check() }, "Check"),
      element("button", { onclick: () => next() }, "Hint"),
      element("button", { onclick: () => pass(`${quiz.asked.end}.`) }, "Reveal"),
      element("span", { class: "hint" }, hint),
      element("p", { class: "answer", role: "status" }, said));
    if (isFocused) ask.querySelector("input").focus({ preventScroll: true });
  }

  function over(said) {
    const chapter = chapterFrom(position()), score = `${quiz.right} of ${quiz.over.size} right at the first try, ${quiz.hints} ${quiz.hints === 1 ? "hint" : "hints"}.`;
    const more = data().steps.some((_, i) => i >= within(position()) && questionsOf(i, chapter).some(isOpen));
    if (ask.contains(app.getRootNode().activeElement)) app.focus({ preventScroll: true }); // what has the focus goes away
    ask.replaceChildren(element("p", { class: "answer", role: "status" }, `${said} ${more ? "Step on to the next question." : score}`.trim()));
  }

  function text(asked) {
    const field = element("input", { type: "text", autocomplete: "off", spellcheck: "false", "aria-label": `Value of ${asked.label}`,
      onkeydown: event => { if (event.key === "Enter") check(); } });
    return [element("label", {}, `${asked.text} `, field)];
  }

  // Arrows choose among the choices, and do not step.
  function choice(asked) {
    const keep = event => { if (event.key === "Enter") check(); if (event.key !== "Escape" && event.key !== "Tab") event.stopPropagation(); };
    return [
      element("span", {}, asked.text),
      element("span", { class: "choices", role: "radiogroup", "aria-label": asked.text, onkeydown: keep },
        ...asked.choices.map(one => element("label", { class: "choice" }, element("input", { type: "radio", name: "choice", value: one }), one)))];
  }

  // What is accepted as an answer
  function accepted({ value }) {
    const { relative, absolute, smallest, rounding } = data().tolerance, size = Math.abs(Number(value));
    const near = size > rounding && size < smallest ? "" : ` or ${absolute}`;
    return `a number within ${100 * relative}%${near}${takesFormulas() ? ", or a formula" : ""}`;
  }

  const say = text => { ask.querySelector(".answer").textContent = text; };

  function check() {
    const field = ask.querySelector("input[type=text], input:checked");
    quiz.waiting = -1; // a page answers at once
    quiz.waiting = send("answer", { name: quiz.asked.name, number: quiz.asked.number, text: field ? field.value.trim() : "" });
    judged();
  }

  function judged() {
    const { right, message, counted, turn } = model.get("verdict") || {};
    if (!quiz.on || turn !== quiz.waiting) return;
    quiz.waiting = 0;
    if (right) {
      if (quiz.first) quiz.right += 1;
      return pass(message);
    }
    if (counted) quiz.first = false;
    say(message);
  }

  function next() {
    const { hints } = quiz.asked;
    if (quiz.used < hints.length) { quiz.used += 1; quiz.hints += 1; quiz.first = false; }
    say(hints.slice(0, quiz.used).join("; "));
  }

  // The question is over: go to the step that it was about.
  function pass(message) {
    const { key, index, chapter } = quiz.asked, to = Math.min(1 + chapter * length() + completion(index), last());
    quiz.over.add(key);
    quiz.said = message;
    if (to === position() || questionsOf(index, chapter).some(isOpen)) return moved();
    go(to);
  }

  // With other numbers the question stays open, with what was typed; in another chapter or with other words it is another one. The
  // focus stays where the numbers were changed.
  function renumbered() {
    if (!quiz.on) return;
    const { asked } = quiz, isHere = asked?.chapter === chapterFrom(position());
    const now = isHere && isOpen(asked) && questionsOf(asked.index, asked.chapter).find(({ key }) => key === asked.key);
    if (!now || now.text !== asked.text) return question("", false);
    quiz.asked = now;
    if (!now.choices) put(ask.querySelector(".hint"), accepted(now));
  }

  function moved() {
    question(quiz.said);
    quiz.said = "";
  }

  return { get on() { return quiz.on; }, box: ask, turn, asksNext, judged, renumbered, moved };
}
