// The picture of a walk: its lines have the numbers of a chapter, its edges the widths of the gradients along them.

const [THIN, WIDE, DECADES] = [1.2, 4.5, 3]; // of edges: the widest carries the largest gradient, the thinnest a thousandth of it

function pictureOf(svg) {
  const picture = parsed(svg, "image/svg+xml");
  picture.style.setProperty("--natural", `${picture.getAttribute("width")}px`);
  const lines = new Map(); // by key: the element, what it says, and the room that it has
  for (const card of picture.querySelectorAll(".card")) {
    card.querySelectorAll("text").forEach((text, i) => lines.set(`${card.id}-${i}`, { text, said: null, room: null }));
  }
  const groups = [...picture.querySelectorAll(".card, .forward, .backward")];

  // A text that is longer than its place in the layout is condensed. All are written before the first is measured.
  function write(textOf) {
    for (const line of lines.values()) line.room ??= line.text.getComputedTextLength() + 4;
    const changed = [];
    for (const [key, line] of lines) {
      const said = textOf(key);
      if (said === line.said || said === "") continue;
      line.said = said;
      if (line.text.textContent.replaceAll("\u00a0", " ") === said) continue;
      line.text.removeAttribute("textLength");
      line.text.textContent = said;
      changed.push(line);
    }
    const long = changed.filter(({ text, room }) => text.getComputedTextLength() > room);
    for (const { text, room } of long) {
      text.setAttribute("textLength", room);
      text.setAttribute("lengthAdjust", "spacingAndGlyphs");
    }
  }

  function reveal(hidden) {
    for (const [key, { text }] of lines) text.classList.toggle("unknown", hidden.has(key));
  }

  // What is done, or where that is null everything, and what is lit.
  function light(done, now) {
    for (const group of groups) {
      group.classList.toggle("future", done !== null && !done.has(group.id) && !group.matches(".input, .parameter"));
      group.classList.toggle("now", now.has(group.id));
    }
  }

  // Sizes by the id of an edge; what is not finite is as wide as the largest.
  function widen(sizes) {
    const powers = Object.values(sizes).filter(size => size > 0 && Number.isFinite(size)).map(Math.log10);
    const high = Math.max(...powers), span = Math.max(DECADES, high - Math.min(...powers));
    for (const [id, size] of Object.entries(sizes)) {
      const level = size === 0 ? 0 : Number.isFinite(size) ? 1 - (high - Math.log10(size)) / span : 1;
      picture.getElementById(id)?.style.setProperty("--width", `${(THIN + (WIDE - THIN) * level).toFixed(2)}px`);
    }
  }

  return { svg: picture, write, reveal, light, widen, card: id => picture.getElementById(id) };
}
