// The step in numbers: what arrives, through what it goes and what goes on, over the equation. Of arrays, one entry.

const STARTS = { forward: "value", backward: "the pass starts here", update: "after the update" };
const PARTS = [["upstream", "×"], ["local", "="], ["result", ""]];

// The factors of a step and its result, each with a label, words, and a number or, of an array, a slot. The upstream gradient is the
// result of the step of its name.
function factorsOf(step, steps) {
  const { label, to, slot, added, factor } = step.chain;
  const result = { label, slot, number: slot === undefined ? added ?? step.shown : undefined, said: step.chain.said ?? STARTS[step.phase] };
  const before = step.upstream && steps.findLast(other => other.name === step.upstream && other.phase === "backward");
  if (!before) return { result };
  const { label: above, to: reader, slot: own, sum: place = own } = before.chain; // all contributions arrive
  result.said = step.part ? `adds to ${to}, ${step.part[0]} of ${step.part[1]}` : `goes on to ${to}`;
  if (!factor) return { result };
  return {
    upstream: { label: above, slot: place, number: place === undefined ? before.shown : undefined, said: `arrives at ${reader}` },
    local: { label: `∂${reader}/∂${to}`, slot: factor.slot, number: factor.number, said: `through ${factor.through ?? reader}` },
    result,
  };
}

function chainOf({ model, changed }) {
  const { data, at } = walkOf(model);
  const chips = element("div", { class: "chips" }), row = element("div", { class: "row" }, chips);
  const equation = element("div", { class: "equation" }), line = element("div", { class: "entry" });
  const box = element("section", { class: "sum", "aria-label": "The step in numbers" }, row, equation, line);
  let current = null, entry = null, width = 800;
  new ResizeObserver(([{ contentRect }]) => {
    if (width !== contentRect.width) [width] = [contentRect.width, entry && requestAnimationFrame(() => show(current))];
  }).observe(box);

  // A character stands for each tag.
  const mathml = text => text.replace(/[\ue000-\uf8ff]/g, character => data().tags[character.charCodeAt(0) - 0xe000]);

  function chip(kind, { label, text, said }) {
    return element("div", { class: `chip ${kind}` }, element("span", { class: "label" }, label), element("strong", {}, text), element("span", { class: "said" }, said));
  }

  // The factors with their numbers: those of an array are those of the entry that was chosen.
  function chipsOf(found) {
    const parts = PARTS.flatMap(([kind, sign]) => {
      const { label, number, slot, said } = found[kind] ?? {}, text = number ? at(number).replace("-", "−") : said && entry?.numberOf(slot);
      return text ? [[kind, sign, { label: number ? label : label + entry.index(), text, said }]] : [];
    });
    const isWhole = parts.length === Object.keys(found).length; // or else the result alone
    return parts.flatMap(([kind, sign, part]) => (isWhole || kind === "result" ? [chip(kind, part), ...(sign ? [element("span", { class: "sign" }, sign)] : [])] : []));
  }

  // The sides of an equation, each with its sign of equality, so that a line ends between two of them; all, or those in names.
  function sides(text, inNumbers = true) {
    const whole = parsed(mathml(text), "application/xml"), [row] = whole.children, numbers = row.querySelector(":scope > .numbers");
    numbers?.replaceWith(...(inNumbers ? numbers.childNodes : []));
    const made = [whole.cloneNode(false)];
    for (const child of [...row.children]) {
      if (child.localName === "mo" && child.textContent === "=") made.push(whole.cloneNode(false));
      made.at(-1).append(child);
    }
    if (numbers && inNumbers) made.at(-1).classList.add("value");
    return made;
  }

  function show(step) {
    const isNew = step !== current;
    current = step;
    if (!entry && step?.entry && model.get("numbers")) entry = entryOf({ model, changed: () => { show(current); changed(); } });
    entry?.turn(step, isNew);
    box.classList.toggle("tall", data().steps.some(other => other.entry) && Boolean(model.get("numbers")));
    box.dataset.phase = current?.phase ?? "";
    chips.replaceChildren(...(current ? chipsOf(factorsOf(current, data().steps)) : []));
    equation.replaceChildren(...(current ? sides(at(data().equations[current.mathml])) : [element("p", { class: "hint" }, "Press Step (→) to begin, or a card to go there.")]));
    equation.dataset.part = current?.part ? `${current.part[0]} of ${current.part[1]}` : "";
    const text = entry?.line();
    line.replaceChildren(...(text ? sides(text) : []));
    entry?.show(row, Math.ceil(chips.childElementCount / 2), width);
  }

  return { box, equation, show, mathml, sides, chosen: () => entry?.chosen(), repaint: () => { if (entry) show(current); } };
}
