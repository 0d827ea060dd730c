// What an op is: the ops of a step as buttons, each of which opens its explanation.

function explanationsOf({ model, mathml }) {
  const shown = element("div"), dialog = element("dialog", { class: "explained", "aria-label": "What this op is", onkeydown: event => { if (event.key !== "Escape") event.stopPropagation(); },
    onclick: event => { if (event.target === dialog) dialog.close(); } },
  element("button", { class: "quiet", "aria-label": "Close", title: "Close (Esc)", onclick: () => dialog.close() }, "✕"), shown);

  function open(markup) {
    shown.replaceChildren(parsed(mathml(markup), "application/xml"));
    dialog.showModal();
  }

  // The buttons of a step, none where its ops are not explained.
  function buttons(step) {
    const ops = new Map(Object.entries(model.get("data").ops ?? {}));
    return (step?.ops ?? []).filter(name => ops.has(name)).map(name => element("button", { class: "what", "aria-haspopup": "dialog", title: `What is ${name}?`, onclick: () => open(ops.get(name)) }, name));
  }

  return { box: dialog, buttons };
}
