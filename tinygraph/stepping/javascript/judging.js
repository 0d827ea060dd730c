// The verdict on an answer, as the kernel's quiz gives it: a number within a tolerance, or a choice; `proving` has that on a formula.

class FormulaError extends Error {}

// What is said is a template that Python fills too.
function sayings(templates) {
  return (key, values = {}) => templates[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

const oneLine = text => {
  const plain = text.replace(/[\p{C}\p{Zl}\p{Zp}\s]/gu, " ");
  return [...plain].length <= 40 ? plain : `${[...plain].slice(0, 37).join("")}...`;
};

// The questions about a step in the numbers of a chapter
function questionsIn(step, numbers) {
  const inNumbers = text => filled(text, numbers);
  return (step?.ask ?? []).map(({ text, label, value, end, hints = [], ...rest }, number) => ({
    ...rest, name: step.name, number, text: inNumbers(text), label: inNumbers(label), value: inNumbers(value), end: inNumbers(end),
    hints: hints.map(inNumbers),
  }));
}

// `worlds` gives the values of the leaves that are, and on call those of others; a page of recorded values has none.
function judgeOf({ data, rubric, proof }, worlds) {
  const { messages, tolerance: { relative, absolute, smallest, rounding } } = data;
  const say = sayings({ ...messages, ...proof?.grammar.messages });
  const allowed = x => Math.max(relative * Math.abs(x), Math.abs(x) > rounding && Math.abs(x) < smallest ? 0 : absolute);
  const isNear = (given, x) => Math.abs(given - x) <= allowed(x);
  const sizeWrong = (given, x) => say(["other sign", "size", "same sign"][Math.sign(given) * Math.sign(x) + 1]);
  const shapeOf = x => (typeof x === "number" ? [] : x.shape);
  const shapeText = shape => `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
  const formulaWrong = proof ? proverOf({ proof, rounding, say, numbersWrong, shapeText }) : null;

  return function verdict(text, question) {
    try {
      const why = question.choices ? chosen(text, question) : wrong(text, question);
      return why === null ? { right: true, message: say("right", { end: question.end }), counted: true }
        : { right: false, message: say("wrong", { name: question.name, why }), counted: true };
    } catch (reason) {
      if (!(reason instanceof FormulaError || reason instanceof RangeError)) throw reason;
      const message = reason instanceof FormulaError ? reason.message : say("nested"); // deeper than JavaScript's stack
      return { right: false, message, counted: false };
    }
  };

  // What is wrong with an answer; null if it is right.

  function chosen(text, { choices, value, mistake }) {
    if (!choices.includes(text)) throw new FormulaError(say("choice", { choices: `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}` }));
    return text === value ? null : mistake;
  }

  function wrong(text, question) {
    if (!worlds) return recordedWrong(numberIn(text), Number(question.value));
    const [slot, known] = rubric.questions[question.name], mistakes = known.map(([said, ...of]) => [rubric.texts[said], ...of]);
    return formulaWrong ? formulaWrong({ text, question, slot, mistakes, worlds: worlds() }) : numbersWrong(numberIn(text), slot, question, mistakes, worlds().here);
  }

  function numberIn(text) {
    const typed = Number(text.trim().replaceAll("−", "-"));
    if (text.trim() === "" || !Number.isFinite(typed)) throw new FormulaError(say("number"));
    return typed;
  }

  function recordedWrong(given, right) {
    if (isNear(given, right)) return null;
    return isNear(given, -right) ? say("sign") : sizeWrong(given, right);
  }

  // One number is for the largest entry, an array for all.
  function numbersWrong(given, slot, { label }, mistakes, here) {
    const entriesOf = x => (typeof x === "number" ? [x] : [...x.data]);
    const all = entriesOf(given), right = here[slot], shape = String(shapeOf(right)), isWhole = shapeOf(given).length > 0;
    if (!all.every(Number.isFinite)) throw new FormulaError(say("finite"));
    if (isWhole && String(shapeOf(given)) !== shape) throw new FormulaError(say("shapes", { label, shape: shapeText(shapeOf(right)) }));
    const at = x => (isWhole ? entriesOf(x) : [entriesOf(x)[placeOfLargest(right)]]);
    if (!at(right).every(Number.isFinite)) throw new FormulaError(say("infinite", { label }));
    const hits = ([, other, factor]) => String(shapeOf(here[other])) === shape && at(here[other]).every((x, i) => isNear(all[i], x * factor));
    if (hits([, slot, 1])) return null;
    return mistakes.find(hits)?.[0] ?? (isWhole ? say("numbers") : sizeWrong(all[0], at(right)[0]));
  }
}
