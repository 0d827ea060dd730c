// The step in numbers: what arrives, through what it goes and what goes on, over the equation.

const PARTS = [["upstream", "×"], ["local", "="], ["result", ""]];

function chainOf({ model }) {
  const { data, position, textsOf, chapterOf, at } = walkOf(model);
  const chips = element("div", { class: "chips" });
  const equation = element("div", { class: "equation" });
  const box = element("section", { class: "sum", "aria-label": "The step in numbers" }, chips, equation);

  // A character stands for each tag.
  const mathml = text => text.replace(/[\ue000-\uf8ff]/g, character => data().tags[character.charCodeAt(0) - 0xe000]);

  function chip(kind, { label, number, said }) {
    return element("div", { class: `chip ${kind}` }, element("span", { class: "label" }, label), element("strong", {}, at(number)), element("span", { class: "said" }, said));
  }

  function show(current) {
    const found = current?.chain, parts = found ? PARTS.filter(([kind]) => found[kind]?.number) : [];
    box.dataset.phase = current?.phase ?? "";
    chips.replaceChildren(...parts.flatMap(([kind, sign]) => [chip(kind, found[kind]), ...(sign ? [element("span", { class: "sign" }, sign)] : [])]));
    equation.replaceChildren(current ? parsed(mathml(at(data().equations[current.mathml])), "application/xml") : element("p", { class: "hint" }, "Press Step (→) to begin, or a card to go there."));
    equation.dataset.part = current?.part ? `${current.part[0]} of ${current.part[1]}` : "";
  }

  return { box, equation, show, mathml };
}
