// Elements: made from their names, attributes and children, or from markup.

const ICONS = {
  rewind: "M0 3h2v14H0z M8 4v12L2.5 10z M14 4v12l-5.5-6z", back: "M9 3v14L1 10z M10.5 3h2.5v14h-2.5z",
  play: "M2 2v16l11-8z", pause: "M2 3h3.5v14H2z M8.5 3H12v14H8.5z", step: "M5 3v14l8-7z M1 3h2.5v14H1z",
};

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter(child => child !== null && child !== undefined));
  return made;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 14 20");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

// Markup from the kernel is parsed as XML, in which nothing runs, and then adopted.
function parsed(text, type) {
  return document.importNode(new DOMParser().parseFromString(text, type).documentElement, true);
}

// Scroll a box so that one element in it is in the middle; nothing else moves.
function centre(box, thing) {
  const outer = box.getBoundingClientRect(), inner = thing.getBoundingClientRect();
  box.scrollLeft += inner.left + inner.width / 2 - outer.left - outer.width / 2;
  box.scrollTop += inner.top + inner.height / 2 - outer.top - outer.height / 2;
}

// A template is a text, or a list of texts and of places in the list of the chapter's numbers.
function filled(template, texts) {
  if (typeof template === "string" || template === undefined) return template ?? "";
  return template.map(piece => (typeof piece === "number" ? texts[piece] : piece)).join("");
}

function put(thing, text) {
  if (thing.textContent !== text) thing.textContent = text;
}

const titleOf = step => step.title || step.name;

// Makers of further cards of the side column, from the files of those that a page has.
const PANELS = [];

// A card of the side column: a title, what is said beside it, and content.
function panelOf(title, beside, ...content) {
  return element("section", { class: "panel", "aria-label": title }, element("h2", {}, title, beside ? element("span", { class: "beside" }, beside) : ""), ...content);
}

// Panes of which one shows at a time, each a name and content, with the names as tabs; `turnTo` shows one by its name.
function tabsOf(label, panes) {
  const names = [...panes.keys()], holders = names.map(name => element("div", { role: "tabpanel", "aria-label": name, class: "pane" }, panes.get(name)));
  const tabs = names.map((name, i) => element("button", { role: "tab", onclick: () => turnTo(name), onkeydown: event => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const next = (i + by + names.length) % names.length;
    turnTo(names[next]);
    tabs[next].focus();
  } }, name));
  const heard = [];

  function turnTo(name) {
    names.forEach((other, i) => {
      tabs[i].setAttribute("aria-selected", String(other === name));
      tabs[i].tabIndex = other === name ? 0 : -1;
      holders[i].hidden = other !== name;
    });
    heard.forEach(call => call(name));
  }

  turnTo(names[0]);
  return { box: element("div", { class: "tabs" }, element("div", { role: "tablist", "aria-label": label }, ...tabs), ...holders), turnTo, onTurn: call => heard.push(call), tab: name => tabs[names.indexOf(name)] };
}
