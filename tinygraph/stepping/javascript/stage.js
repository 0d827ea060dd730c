// The stage: the picture with zoom, the lines of its cards in the numbers of a chapter, and the step that is lit. A card leads to its step.
// A picture has several foldings, of which one is shown; each has its own cards, and what its steps light.

const [CLOSER, SMALLEST, LARGEST] = [1.25, 0.25, 4]; // of the zoom
const STILL = 4; // pixels that a pointer may move in a click
const READABLE = 0.85; // of its natural size, the least at which a picture opens: its text is of 13 pixels

function stageOf({ model, go, refolded }) {
  const walk = walkOf(model);
  let place = 0; // of the folding that is shown
  const folding = () => walk.data().foldings[place] ?? walk.data().foldings[0];
  const view = element("div", { class: "view", tabindex: "0", role: "group", "aria-label": "Picture" });
  const button = (name, text, act) => element("button", { onclick: act, "aria-label": name, title: name }, text);
  const choice = element("select", { "aria-label": "Fold", title: "Choose what is folded", onchange: () => fold(Number(choice.value)) });
  const choosing = element("label", { class: "fold" }, "Fold", choice);
  const tools = element("div", { class: "tools", role: "toolbar", "aria-label": "Picture" }, choosing,
    button("Zoom in", "+", () => zoom(scale() * CLOSER)), button("Zoom out", "−", () => zoom(scale() / CLOSER)), button("Fit", "⤢", () => zoom(null)));
  const box = element("div", { class: "stage" }, view, tools);
  let picture = null, laidOut = null, chosen = null, first = new Map();

  const natural = () => ["width", "height"].map(side => Number.parseFloat(picture.svg.getAttribute(side)));

  // The whole picture where it is readable so, else as wide as the stage or readable, whichever is wider.
  function fitting() {
    const [width, height] = natural(), whole = Math.min((view.clientWidth - 16) / width, (view.clientHeight - 16) / height, 1.25);
    return whole >= READABLE || !(whole > 0) ? Math.max(whole, READABLE) : Math.min(1, Math.max((view.clientWidth - 16) / width, READABLE));
  }

  const scale = () => (picture ? picture.svg.getBoundingClientRect().width / natural()[0] : 1);

  function zoom(to) {
    chosen = to === null ? null : Math.max(SMALLEST, Math.min(LARGEST, to));
    size();
    follow();
  }

  function size() {
    if (!picture) return;
    picture.svg.style.width = `${natural()[0] * (chosen ?? fitting())}px`;
    picture.placeHandles();
  }

  // What each step lights, and what the step that is shown does.
  const lights = () => folding().highlighted ?? [];
  const litNow = () => lights()[walk.within(walk.position()) - 1] ?? [];

  // Bring the card of the step to the middle; where nothing is lit, another thing, or else the start of the picture.
  function follow(other) {
    if (!picture) return;
    const thing = picture.card(litNow()[0] ?? "") ?? other;
    if (thing) centre(view, thing); else view.scrollTo(0, 0);
  }

  // Show another folding, large enough to be read; `name` is what was opened or folded, whose new handle gets the focus.
  function fold(to, name) {
    place = to;
    if (chosen < READABLE) chosen = null;
    build();
    shownLast(false);
    const handle = picture.handleOf(name);
    follow(handle);
    if (name !== undefined) (handle ?? view).focus({ preventScroll: true });
    refolded();
  }

  let shownLast = () => {};
  const watch = new ResizeObserver(() => {
    if (wanted() !== laidOut) { build(); shownLast(); }
    size();
    follow();
  });
  watch.observe(view);

  view.addEventListener("wheel", event => {
    if (!event.ctrlKey) return; // a pinch
    event.preventDefault();
    zoom(scale() * Math.exp(-event.deltaY / 100));
  }, { passive: false });

  // Dragging moves the picture, and is no click on the card under the pointer.
  let isDragged = false;
  view.addEventListener("pointerdown", event => {
    if (event.button || event.pointerType === "touch") return;
    const from = { x: event.clientX + view.scrollLeft, y: event.clientY + view.scrollTop };
    isDragged = false;
    const move = at => {
      isDragged ||= Math.hypot(at.clientX + view.scrollLeft - from.x, at.clientY + view.scrollTop - from.y) > STILL;
      view.scrollLeft = from.x - at.clientX;
      view.scrollTop = from.y - at.clientY;
    };
    view.addEventListener("pointermove", move);
    addEventListener("pointerup", () => view.removeEventListener("pointermove", move), { once: true });
  });

  // Of the picture and the one in one column that of which more can be seen at once, as large as it must be to be read.
  function wanted() {
    const { svg, tall } = folding();
    const seen = (text, high) => {
      const [width, height] = ["width", "height"].map(side => READABLE * Number(new RegExp(` ${side}="([\\d.]+)"`).exec(text)[1]));
      return Math.min(1, view.clientWidth / width) * Math.min(1, high / height);
    };
    if (!tall || !view.clientWidth) return svg;
    const high = matchMedia("(min-width: 1100px)").matches ? view.clientHeight : Math.min(0.5 * innerHeight, 620); // as the style has it
    return seen(tall, high) > seen(svg, high) ? tall : svg;
  }

  function build() {
    const now = wanted();
    if (laidOut === now && view.firstChild) return;
    laidOut = now;
    picture = now ? pictureOf(now) : null;
    box.classList.toggle("tall", Boolean(now) && now === folding().tall);
    view.replaceChildren(picture ? picture.svg : element("p", { class: "hint" }, walk.data().trouble));
    tools.hidden = !picture;
    first = new Map();
    lights().forEach(([card], i) => { if (picture && card && !first.has(card)) first.set(card, i); });
    for (const [id, i] of first) {
      picture.card(id)?.addEventListener("click", () => isDragged || go(walk.chapterOf(walk.position()) * walk.length() + i + 1));
      picture.card(id)?.classList.add("leads");
    }
    const { foldings } = walk.data();
    for (const [id, name, to] of picture ? folding().handles : []) picture.handle(id, name, foldings[to].label, ({ type }) => (type === "click" && isDragged) || fold(to, name));
    choosing.hidden = foldings.length < 2;
    choice.replaceChildren(...foldings.map(({ label }, i) => element("option", { value: i, selected: i === place }, label)));
    size();
  }

  // A line is hidden until its step is taken; after an update, the lines of the parameter show its new value.
  function writeLines(chapter, here) {
    const hidden = new Set(), updated = new Set(), { reveals, lines, widths } = folding();
    walk.data().steps.forEach(({ phase }, i) => {
      if (phase !== "update" && i >= here) reveals[i].forEach(key => hidden.add(key));
      if (phase === "update" && i < here) reveals[i].forEach(key => updated.add(key));
    });
    const now = walk.textsOf(chapter), next = updated.size ? walk.textsOf(chapter + 1) : now;
    picture.write(key => filled(lines[key], updated.has(key) ? next : now));
    picture.reveal(hidden);
    picture.widen(Object.fromEntries(Object.entries(widths || {}).map(([id, sizes]) => [id, sizeOf(sizes.map(size => filled(size, now)))])));
  }

  const sizeOf = texts => Math.max(...texts.map(text => ({ inf: Infinity, nan: Infinity })[text] ?? Number(text)));

  function show(isMoved) {
    shownLast = (isAgain = isMoved) => show(isAgain);
    if (!picture) return;
    const here = walk.within(walk.position()), chapter = walk.chapterOf(walk.position()), now = litNow();
    writeLines(chapter, here);
    picture.light(new Set(lights().slice(0, here).flat()), new Set(now));
    showFlags(picture, flagsOf(folding(), walk.textsOf(chapter)), walk.data().failure);
    if (!isMoved) return;
    picture.flow(now);
    follow();
  }

  // A copy of the picture with nothing lit, all of whose lines show but those that are hidden.
  function copy(hidden) {
    if (!picture) return null;
    picture.reveal(hidden);
    picture.light(null, new Set());
    const made = picture.svg.cloneNode(true);
    made.removeAttribute("style");
    made.querySelectorAll(".dot, .handle").forEach(one => one.remove());
    shownLast();
    return made;
  }

  return { box, build, show, copy, folding, picture: () => picture, close: () => watch.disconnect() };
}
