// The step in numbers: what arrives, through what it goes and what goes on, over the equation.

const STARTS = { forward: "value", backward: "the pass starts here", update: "after the update" };
const PARTS = [["upstream", "×"], ["local", "="], ["result", ""]];

// The factors of a step and its result, each with a label, words, and a number or, of an array, a slot. The upstream gradient is the
// result of the step of its name.
function factorsOf(step, steps) {
  const { label, to, slot, added, factor } = step.chain;
  const result = { label, slot, number: slot === undefined ? added ?? step.shown : undefined, said: STARTS[step.phase] };
  const before = step.upstream && steps.findLast(other => other.name === step.upstream && other.phase === "backward");
  if (!before) return { result };
  const { label: above, to: reader, slot: place } = before.chain;
  result.said = step.part ? `adds to ${to}, ${step.part[0]} of ${step.part[1]}` : `goes on to ${to}`;
  if (!factor) return { result };
  return {
    upstream: { label: above, slot: place, number: place === undefined ? before.shown : undefined, said: `arrives at ${reader}` },
    local: { label: `∂${reader}/∂${to}`, slot: factor.slot, number: factor.number, said: `through ${factor.through ?? reader}` },
    result,
  };
}

function chainOf({ model }) {
  const { data, position, textsOf, chapterOf, at } = walkOf(model);
  const chips = element("div", { class: "chips" });
  const equation = element("div", { class: "equation" });
  const box = element("section", { class: "sum", "aria-label": "The step in numbers" }, chips, equation);

  // A character stands for each tag.
  const mathml = text => text.replace(/[\ue000-\uf8ff]/g, character => data().tags[character.charCodeAt(0) - 0xe000]);

  function chip(kind, { label, number, said }) {
    return element("div", { class: `chip ${kind}` }, element("span", { class: "label" }, label), element("strong", {}, at(number).replace("-", "−")), element("span", { class: "said" }, said));
  }

  // The sides of an equation, each with its sign of equality, so that a line ends between two of them.
  function sides(text) {
    const whole = parsed(mathml(text), "application/xml"), [row] = whole.children, numbers = row.querySelector(":scope > .numbers");
    numbers?.replaceWith(...numbers.childNodes);
    const made = [whole.cloneNode(false)];
    for (const child of [...row.children]) {
      if (child.localName === "mo" && child.textContent === "=") made.push(whole.cloneNode(false));
      made.at(-1).append(child);
    }
    if (numbers) made.at(-1).classList.add("value");
    return made;
  }

  function show(current) {
    const found = current ? factorsOf(current, data().steps) : {}, parts = PARTS.filter(([kind]) => found[kind]?.number);
    box.dataset.phase = current?.phase ?? "";
    chips.replaceChildren(...parts.flatMap(([kind, sign]) => [chip(kind, found[kind]), ...(sign ? [element("span", { class: "sign" }, sign)] : [])]));
    equation.replaceChildren(...(current ? sides(at(data().equations[current.mathml])) : [element("p", { class: "hint" }, "Press Step (→) to begin, or a card to go there.")]));
    equation.dataset.part = current?.part ? `${current.part[0]} of ${current.part[1]}` : "";
  }

  return { box, equation, show, mathml };
}
