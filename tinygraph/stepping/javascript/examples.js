// The batch, one example at a time: its row of a value, or what it adds to a gradient that is a sum over the examples.

function examplesOf({ model }) {
  const { data, position, chapterOf } = walkOf(model);
  const last = () => data().batch - 1, example = () => model.get("example") ?? data().example ?? 0;
  const go = wanted => model.set("example", Math.max(0, Math.min(last(), wanted)));
  const arrow = (by, text, said) => element("button", { "aria-label": said, title: said, onclick: () => go(example() + by) }, text);
  const field = element("input", { type: "text", inputmode: "numeric", "aria-label": "Example", onchange: () => { if (/^\d+$/.test(field.value.trim())) go(Number(field.value)); field.value = example(); } });
  const count = element("span", {});
  const box = element("div", { class: "examples", role: "group", "aria-label": "Example of the batch" }, arrow(-1, "‹", "Previous example"), "example ", field, count, arrow(1, "›", "Next example"));

  function show() {
    field.value = example();
    put(count, `of ${data().batch}, from 0`);
  }

  const rowOf = (value, i, size = value.data.length / value.shape[0]) => Array.from(value.data.slice(i * size, (i + 1) * size));

  // What is shown of the example of a step, as Python writes it for the one that was chosen there.
  function text(current) {
    const numbers = model.get("numbers"), found = current?.of_example;
    if (!numbers || !found || (current.example && example() === data().example)) return current?.example;
    const chapter = chapterOf(position()), [target, ...gradients] = found.map(numbers.slot), i = example();
    let value = numbers.what(chapter, target), changes = {};
    for (const slot of gradients) {
      const gradient = numbers.what(chapter, slot);
      if (gradient instanceof interpreter.Unknown) return "";
      const size = gradient.data.length / gradient.shape[0];
      changes[slot] = Array.from(gradient.data, (x, place) => (Math.floor(place / size) === i ? x : 0));
    }
    if (gradients.length) value = numbers.what(chapter, target, changes);
    if (value instanceof interpreter.Unknown) return "";
    if (!gradients.length) value = value.shape.length === 1 ? value.data[i] : { shape: value.shape.slice(1), data: rowOf(value, i) };
    const isShort = typeof value === "number" || value.data.length <= 3, manner = isShort ? "number" : "full";
    return `${gradients.length ? `${current.name} from example ${i}` : `${current.name}[${i}]`} =${isShort ? " " : "\n"}${holeText(numbers.type(target), value, manner, 0, false)}`;
  }

  return { box, show, text };
}
