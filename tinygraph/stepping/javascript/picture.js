// The picture of a walk: its lines have the numbers of a chapter, its edges the widths of the gradients along them.

const [THIN, WIDE, DECADES] = [1.2, 4.5, 3]; // of edges: the widest carries the largest gradient, the thinnest a thousandth of it
const HANDLE = 9; // the radius of a handle
const [DOT, RUN, MOVING, RUNS] = [4.5, 1400, 0.8, 3]; // of a dot on an edge: its radius, the time of a run, the part of it that it moves, how often

function pictureOf(svg) {
  const picture = parsed(svg, "image/svg+xml");
  picture.style.setProperty("--natural", `${picture.getAttribute("width")}px`);
  const lines = new Map(); // by key: the element, what it says, and the room that it has
  for (const text of picture.querySelectorAll("[data-line]")) {
    lines.set(text.dataset.line, { text, said: null, room: Number(text.dataset.room) });
  }
  const groups = [...picture.querySelectorAll(".card, .forward, .backward")];

  // A text that is longer than its cell is condensed. All are written before the first is measured.
  function write(textOf) {
    const changed = [];
    for (const [key, line] of lines) {
      const said = textOf(key);
      if (said === line.said || said === "") continue;
      const isFirst = line.said === null, isNew = line.text.textContent.replaceAll("\u00a0", " ") !== said;
      line.said = said;
      if (isNew) {
        line.text.removeAttribute("textLength");
        line.text.textContent = said;
      }
      if (isNew || isFirst) changed.push(line);
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

  // A dot runs along each edge of these, forward to the reader or backward to the value, a few times; where nothing may move, none.
  let dots = [], frame = null;

  function flow(ids) {
    cancelAnimationFrame(frame);
    dots.forEach(({ dot }) => dot.remove());
    dots = [];
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const edges = ids.map(id => picture.getElementById(id)).filter(group => group?.matches(".forward, .backward"));
    dots = edges.map(group => {
      const path = group.querySelector("path"), dot = document.createElementNS("http://www.w3.org/2000/svg", "circle");
      dot.setAttribute("r", DOT);
      dot.setAttribute("class", "dot");
      dot.setAttribute("fill", getComputedStyle(path).stroke);
      return { dot, path, length: path.getTotalLength(), back: group.matches(".backward") };
    });
    const start = performance.now();
    const move = now => {
      const run = (now - start) / RUN, part = Math.min(run % 1 / MOVING, 1), far = part * part * (3 - 2 * part);
      if (run >= RUNS || !picture.isConnected) return dots.forEach(({ dot }) => dot.remove());
      for (const { dot, path, length, back } of dots) {
        const { x, y } = path.getPointAtLength(length * (back ? 1 - far : far));
        dot.setAttribute("cx", x);
        dot.setAttribute("cy", y);
        if (!dot.parentNode) path.after(dot);
      }
      frame = requestAnimationFrame(move);
    };
    if (dots.length) frame = requestAnimationFrame(move);
  }

  // A handle on a folded card opens it, and one on the frame of an open module folds it; `leads` says what is shown then.
  const handles = []; // each with the name of what it opens or folds, and with the card or frame that it is on
  const drawn = (name, attributes, ...children) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };

  function handle(id, name, leads, act) {
    const owner = picture.getElementById(id), isFolded = owner?.matches(".card");
    if (!owner) return; // in one column, only the innermost modules have frames
    const title = drawn("title", {}), said = `${isFolded ? "Unfold" : "Fold"} ${name}: ${leads}`;
    title.textContent = said;
    const made = drawn("g", { class: "handle", role: "button", tabindex: "0", "aria-label": said, "aria-expanded": String(!isFolded) }, title,
      drawn("circle", { class: "reach", r: 14 }), drawn("circle", { class: "round", r: HANDLE }), drawn("path", { d: isFolded ? "M-4.5,0h9M0,-4.5v9" : "M-4.5,0h9" }));
    made.addEventListener("click", act);
    made.addEventListener("keydown", event => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      act(event);
    });
    handles.push({ name, made, owner });
    owner.parentNode.append(made);
  }

  // At the right corner of a card and beside the name of a module; known when the picture is in the page.
  function placeHandles() {
    for (const { made, owner } of handles) {
      const { x, y, width } = owner.querySelector("path, polygon, rect").getBBox();
      made.setAttribute("transform", `translate(${owner.matches(".card") ? x + width - 1 : x - 1} ${y + 1})`);
    }
  }

  return { svg: picture, handle, placeHandles, handleOf: name => handles.find(one => one.name === name)?.made, write, reveal, light, widen, flow, card: id => picture.getElementById(id), line: key => lines.get(key)?.text };
}
