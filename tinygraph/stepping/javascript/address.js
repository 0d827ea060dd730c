// The place in the walk and the leaves that were changed, in the address of a saved page: `#step=6&w1=0.9`, entries between commas.

const [MOST_ENTRIES, WAIT] = [100, 300]; // of an array that an address has room for; milliseconds that an address may be behind

function followAddress(model) {
  if (!model.get("leaves") || location.protocol === "about:") return; // a frame has no address to share
  const names = model.get("data").leaves.map(leaf => leaf.name);
  const recorded = model.get("recorded_leaves");
  const walk = walkOf(model);
  const entriesOf = x => (typeof x === "number" ? [x] : Array.from(x.data ?? []));
  const spelling = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;

  function read() {
    const given = new URLSearchParams(location.hash.slice(1));
    const step = given.get("step");
    if (step !== null && /^\d{1,9}$/.test(step)) model.set("position", Math.min(Number(step), walk.last()));
    const leaves = names.filter(name => name !== "step" && given.has(name)).map(name => [name, given.get(name).split(",")])
      .filter(([, texts]) => texts.every(text => spelling.test(text))).map(([name, texts]) => [name, texts.map(Number)]);
    if (leaves.length) model.set("new_leaves", leaves);
  }

  // What an update in the page made is written as new leaves of the last recorded chapter.
  function written() {
    const chapter = walk.chapterFrom(walk.position());
    const kept = Math.min(chapter, recorded.length - 1), leaves = model.get("leaves").at(chapter);
    const found = new URLSearchParams({ step: walk.position() - (chapter - kept) * walk.length() });
    names.forEach((name, i) => {
      const entries = entriesOf(leaves[i]);
      const isNew = entriesOf(recorded[kept][i]).some((x, place) => !Object.is(x, entries[place]));
      if (isNew && name !== "step" && entries.length <= MOST_ENTRIES) found.set(name, entries.join(","));
    });
    return `#${found}`;
  }

  let later = null, own = location.hash;
  function write() {
    later ??= setTimeout(() => {
      later = null;
      own = written();
      history.replaceState(null, "", own);
    }, WAIT);
  }

  read();
  for (const key of ["position", "texts"]) model.on(`change:${key}`, write);
  addEventListener("hashchange", () => { if (location.hash !== own) read(); });
}
