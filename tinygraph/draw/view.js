// The page of a picture: pan, zoom, choose a card, find one by name, fold and open modules.
"use strict";
const stage = document.getElementById("stage");
const panel = document.getElementById("panel");
const drawings = [...document.querySelectorAll(".drawing")];
let current = drawings[0];
let folding = DATA.foldings[0];
let at = { x: 0, y: 0, scale: 1 };
const READABLE = 0.85; // of the natural size of a picture: its letters are 11 pixels high

function element(name, text, kind) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

// Pan and zoom

function place() {
  current.style.transform = `translate(${at.x}px, ${at.y}px) scale(${at.scale})`;
}

// The whole picture, or as much of it as can be read, from its start.
function fit(smallest = 0) {
  const svg = current.querySelector("svg");
  const width = svg.width.baseVal.value, height = svg.height.baseVal.value;
  const scale = Math.min(1.5, Math.max(smallest, Math.min(stage.clientWidth / width, stage.clientHeight / height)));
  const start = (room, size) => Math.max((room - size * scale) / 2, 0);
  at = { scale, x: start(stage.clientWidth, width), y: start(stage.clientHeight, height) };
  place();
}

const begin = () => fit(READABLE);

function zoom(factor, x = stage.clientWidth / 2, y = stage.clientHeight / 2) {
  const scale = Math.min(8, Math.max(0.05, at.scale * factor));
  at = { scale, x: x - (x - at.x) * scale / at.scale, y: y - (y - at.y) * scale / at.scale };
  place();
}

// Bring a card to the middle, large enough to read; one that can be read where it is stays there.
function centre(card) {
  const view = stage.getBoundingClientRect(), before = card.getBoundingClientRect();
  const isInside = before.left >= view.left && before.right <= view.right && before.top >= view.top && before.bottom <= view.bottom;
  if (isInside && at.scale >= READABLE) return;
  zoom(Math.max(1, READABLE / at.scale));
  const box = card.getBoundingClientRect();
  at.x += view.left + view.width / 2 - box.left - box.width / 2;
  at.y += view.top + view.height / 2 - box.top - box.height / 2;
  place();
}

let drag = null;
const fingers = new Map(); // by pointer, where each is

// Two fingers zoom around the middle between them, and move it.
function pinch(event) {
  const [before, after] = [[...fingers.values()], [...fingers.set(event.pointerId, event).values()]];
  const between = ([one, other]) => [Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY), (one.clientX + other.clientX) / 2, (one.clientY + other.clientY) / 2];
  const [apart, x, y] = between(before), [further, newX, newY] = between(after), box = stage.getBoundingClientRect();
  at.x += newX - x;
  at.y += newY - y;
  zoom(further / Math.max(apart, 1), newX - box.left, newY - box.top);
}

stage.addEventListener("pointerdown", event => {
  fingers.set(event.pointerId, event);
  if (fingers.size > 1) for (const finger of fingers.keys()) stage.setPointerCapture(finger);
  drag = { x: event.clientX, y: event.clientY, moved: fingers.size > 1 };
});
stage.addEventListener("pointermove", event => {
  if (!drag) return;
  if (fingers.size === 2 && fingers.has(event.pointerId)) return pinch(event);
  const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
  if (!drag.moved && Math.hypot(dx, dy) < 4) return;
  if (!drag.moved) stage.setPointerCapture(event.pointerId);
  drag = { x: event.clientX, y: event.clientY, moved: true };
  stage.classList.add("dragging");
  at.x += dx;
  at.y += dy;
  place();
});
for (const end of ["pointerup", "pointercancel"]) {
  stage.addEventListener(end, event => {
    fingers.delete(event.pointerId);
    stage.classList.remove("dragging");
    setTimeout(() => { drag = null; });
  });
}
stage.addEventListener("wheel", event => {
  event.preventDefault();
  const box = stage.getBoundingClientRect();
  zoom(Math.exp(-event.deltaY / (event.ctrlKey ? 100 : 400)), event.clientX - box.left, event.clientY - box.top);
}, { passive: false });
document.getElementById("in").onclick = () => zoom(1.25);
document.getElementById("out").onclick = () => zoom(0.8);
document.getElementById("fit").onclick = () => fit();
stage.addEventListener("keydown", event => {
  const step = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] }[event.key];
  if (step) { at.x += step[0]; at.y += step[1]; place(); }
  else if (event.key === "+" || event.key === "=") zoom(1.25);
  else if (event.key === "-") zoom(0.8);
  else if (event.key === "0") fit();
  else return;
  event.preventDefault();
});

// Cards

const bare = card => card.id.slice(card.id.indexOf("-") + 1);

function factsOf(card) {
  return DATA.cards[card.id] || DATA.cards[bare(card)];
}

function part(title, facts, backward) {
  panel.append(element("h3", `${title}: ${facts.shape}, ${facts.dtype}`, backward ? "backward" : ""));
  if (facts.statistics) panel.append(element("div", facts.statistics));
  panel.append(element("pre", facts.text, backward ? "backward" : ""));
}

const HINT = panel.firstElementChild;

function chooseNothing() {
  document.querySelectorAll(".chosen").forEach(other => other.classList.remove("chosen"));
  panel.replaceChildren(HINT);
}

addEventListener("keydown", event => { if (event.key === "Escape") chooseNothing(); });

function choose(card) {
  chooseNothing();
  card.classList.add("chosen");
  const facts = factsOf(card);
  panel.replaceChildren(element("h2", facts.title));
  const equation = document.getElementById(`equation-${bare(card)}`);
  if (equation && !facts.folded) {
    const box = element("div", undefined, "equation");
    box.append(equation.content.cloneNode(true));
    panel.append(box);
  }
  for (const line of facts.lines) panel.append(element("div", line));
  if (facts.value) part("value", facts.value, false);
  if (facts.gradient) part("gradient", facts.gradient, true);
  if (facts.source) panel.append(element("h3", "statement"), element("code", facts.source));
  if (facts.gradient_source) panel.append(element("h3", "statement of the gradient", "backward"), element("code", facts.gradient_source, "backward"));
  if (facts.place) { panel.append(element("h3", "recorded at")); panel.append(element("code", facts.place)); }
  const wanted = facts.module && whereOpen(facts.module);
  if (wanted) {
    const open = element("button", DATA.independent ? `Open ${facts.module}` : `Open ${facts.module} alone`);
    open.onclick = () => show(wanted);
    panel.append(element("p"), open);
  }
}

for (const card of document.querySelectorAll(".card")) {
  const facts = factsOf(card);
  card.setAttribute("tabindex", "0");
  card.setAttribute("role", "button");
  card.setAttribute("aria-label", facts.title);
  card.addEventListener("click", () => { if (!drag || !drag.moved) choose(card); });
  card.addEventListener("dblclick", () => { const wanted = facts.module && whereOpen(facts.module); if (wanted) show(wanted); });
  card.addEventListener("keydown", event => {
    if (event.key === "Enter" || event.key === " ") { choose(card); event.preventDefault(); event.stopPropagation(); }
  });
}

// Search

const search = document.getElementById("search");
search.addEventListener("input", () => {
  const wanted = search.value.trim().toLowerCase();
  const cards = [...current.querySelectorAll(".card")];
  const hits = cards.filter(card => {
    const facts = factsOf(card);
    return [facts.name, facts.title, ...facts.lines, ...facts.words].join("\n").toLowerCase().includes(wanted);
  });
  cards.forEach(card => card.classList.toggle("faded", wanted !== "" && !hits.includes(card)));
  const keys = new Set(hits.map(bare));
  current.querySelectorAll(".forward, .backward").forEach(edge =>
    edge.classList.toggle("faded", wanted !== "" && !bare(edge).split("-").slice(1, 3).some(key => keys.has(key))));
  document.getElementById("found").value = wanted === "" ? "" : `${hits.length} found`;
  if (wanted === "") return;
  const exact = hits.find(card => factsOf(card).name.toLowerCase() === wanted)
    || hits.find(card => factsOf(card).words.some(word => word.toLowerCase() === wanted)) || hits[0];
  if (exact) { choose(exact); centre(exact); }
  else chooseNothing();
});

// Modules: each folds by itself where every combination is laid out; else one of a list is shown.

const inside = (name, outer) => name.startsWith(`${outer}/`);
const whereOpen = module => DATA.foldings[folding.opens[module]];
const whereFolded = module => DATA.foldings[folding.closes[module]];

function show(wanted) {
  folding = wanted;
  current.hidden = true;
  current = drawings[DATA.foldings.indexOf(wanted)];
  current.hidden = false;
  chooseNothing();
  controls();
  begin();
  if (search.value !== "") search.dispatchEvent(new Event("input"));
}

function controls() {
  const bar = document.getElementById("modules");
  const focused = document.activeElement && document.activeElement.dataset.module;
  if (!DATA.independent) {
    bar.querySelector("select").value = String(DATA.foldings.indexOf(folding));
    return;
  }
  bar.replaceChildren();
  for (const module of DATA.modules) {
    if (folding.folded.some(name => inside(module, name))) continue;
    const folded = folding.folded.includes(module);
    const button = element("button", `${folded ? "▸" : "▾"} ${module}`);
    button.dataset.module = module;
    button.setAttribute("aria-expanded", String(!folded));
    button.onclick = () => show(folded ? whereOpen(module) : whereFolded(module));
    bar.append(button);
    if (focused === module) button.focus();
  }
}

if (drawings.length > 1) {
  if (!DATA.independent) {
    const label = element("label", "Show "), list = element("select");
    DATA.foldings.forEach((one, i) => {
      const option = element("option", one.label);
      option.value = String(i);
      list.append(option);
    });
    list.onchange = () => show(DATA.foldings[Number(list.value)]);
    label.append(list);
    document.getElementById("modules").append(label);
    if (DATA.left) label.append(element("span", ` (too large for ${DATA.left} more: choose by view(fold=[...]))`, "hint"));
  }
  controls();
}
addEventListener("resize", begin);
begin();
