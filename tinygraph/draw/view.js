// The page of a picture: pan, zoom, choose a card, find one by name, fold and open modules.
"use strict";
const stage = document.getElementById("stage");
const panel = document.getElementById("panel");
const drawings = [...document.querySelectorAll(".drawing")];
let current = drawings[0];
let opened = current.dataset.open ? JSON.parse(current.dataset.open) : [];
let at = { x: 0, y: 0, scale: 1 };

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

function fit() {
  const svg = current.querySelector("svg");
  const width = svg.width.baseVal.value, height = svg.height.baseVal.value;
  const scale = Math.min(1.5, stage.clientWidth / width, stage.clientHeight / height);
  at = { scale, x: (stage.clientWidth - width * scale) / 2, y: (stage.clientHeight - height * scale) / 2 };
  place();
}

function zoom(factor, x = stage.clientWidth / 2, y = stage.clientHeight / 2) {
  const scale = Math.min(8, Math.max(0.05, at.scale * factor));
  at = { scale, x: x - (x - at.x) * scale / at.scale, y: y - (y - at.y) * scale / at.scale };
  place();
}

let drag = null;
stage.addEventListener("pointerdown", event => {
  drag = { x: event.clientX, y: event.clientY, moved: false };
});
stage.addEventListener("pointermove", event => {
  if (!drag) return;
  const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
  if (!drag.moved && Math.hypot(dx, dy) < 4) return;
  if (!drag.moved) stage.setPointerCapture(event.pointerId);
  drag = { x: event.clientX, y: event.clientY, moved: true };
  stage.classList.add("dragging");
  at.x += dx;
  at.y += dy;
  place();
});
stage.addEventListener("pointerup", () => {
  stage.classList.remove("dragging");
  setTimeout(() => { drag = null; });
});
stage.addEventListener("wheel", event => {
  event.preventDefault();
  const box = stage.getBoundingClientRect();
  zoom(Math.exp(-event.deltaY / 400), event.clientX - box.left, event.clientY - box.top);
}, { passive: false });
document.getElementById("in").onclick = () => zoom(1.25);
document.getElementById("out").onclick = () => zoom(0.8);
document.getElementById("fit").onclick = fit;
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

function factsOf(card) {
  const folded = card.classList.contains("module");
  return DATA.cards[`${card.id}:${folded ? "True" : "False"}`];
}

function part(title, facts, backward) {
  panel.append(element("h3", `${title}: ${facts.shape}, ${facts.dtype}`, backward ? "backward" : ""));
  if (facts.statistics) panel.append(element("div", facts.statistics));
  panel.append(element("pre", facts.text, backward ? "backward" : ""));
}

function choose(card) {
  document.querySelectorAll(".chosen").forEach(other => other.classList.remove("chosen"));
  card.classList.add("chosen");
  const facts = factsOf(card);
  panel.replaceChildren(element("h2", facts.title));
  const equation = document.getElementById(`equation-${card.id}`);
  if (equation && facts.kind !== "module") {
    const box = element("div", undefined, "equation");
    box.append(equation.content.cloneNode(true));
    panel.append(box);
  }
  for (const line of facts.lines) panel.append(element("div", line));
  if (facts.value) part("value", facts.value, false);
  if (facts.gradient) part("gradient", facts.gradient, true);
  if (facts.source) { panel.append(element("h3", "statement")); panel.append(element("code", facts.source)); }
  if (facts.place) { panel.append(element("h3", "recorded at")); panel.append(element("code", facts.place)); }
  if (facts.module) {
    const open = element("button", `Open ${facts.module}`);
    open.onclick = () => toggle(facts.module);
    panel.append(element("p"), open);
  }
}

for (const card of document.querySelectorAll(".card")) {
  const facts = factsOf(card);
  card.setAttribute("tabindex", "0");
  card.setAttribute("role", "button");
  card.setAttribute("aria-label", facts.title);
  card.addEventListener("click", () => { if (!drag || !drag.moved) choose(card); });
  card.addEventListener("dblclick", () => { if (facts.module) toggle(facts.module); });
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
    return `${facts.name} ${facts.title} ${facts.lines.join(" ")}`.toLowerCase().includes(wanted);
  });
  cards.forEach(card => card.classList.toggle("faded", wanted !== "" && !hits.includes(card)));
  document.getElementById("found").value = wanted === "" ? "" : `${hits.length} found`;
  const exact = hits.find(card => factsOf(card).name.toLowerCase() === wanted) || hits[0];
  if (wanted !== "" && exact) choose(exact);
});

// Modules

function show(wanted) {
  const state = JSON.stringify(wanted);
  const found = drawings.find(drawing => drawing.dataset.open === state);
  if (!found) return false;
  current.hidden = true;
  current = found;
  current.hidden = false;
  opened = wanted;
  document.querySelectorAll("#modules button").forEach(button => {
    button.setAttribute("aria-expanded", String(opened.includes(button.dataset.module)));
    button.textContent = `${opened.includes(button.dataset.module) ? "▾" : "▸"} ${button.dataset.module}`;
  });
  fit();
  search.dispatchEvent(new Event("input"));
  return true;
}

function toggle(module) {
  const names = DATA.modules;
  const next = opened.includes(module) ? opened.filter(name => name !== module) : names.filter(name => opened.includes(name) || name === module);
  show(next) || show(opened.includes(module) ? [] : [module]);
}

if (drawings.length > 1) {
  for (const module of DATA.modules.filter(name => !name.includes("/"))) {
    const button = element("button");
    button.dataset.module = module;
    button.onclick = () => toggle(module);
    document.getElementById("modules").append(button);
  }
  show(opened);
}
addEventListener("resize", fit);
fit();
