// What is remarkable in the picture of a walk: lines with a warning, inputs with a local derivative of 0, and the op that failed.

// The keys of the lines with a warning, and those of the lines and edges of inputs to which nothing is passed on.
function flagsOf({ flags = {}, inactive = {} }, texts) {
  const said = found => new Set(Object.keys(found).filter(key => filled(found[key], texts) !== ""));
  return { flagged: said(flags), inactive: said(inactive) };
}

// Mark them in a picture. A flagged card has a flagged line that is shown; the card of the op that failed is never faded.
function showFlags(picture, { flagged, inactive }, failure) {
  for (const kind of ["flagged", "inactive"]) picture.svg.querySelectorAll(`.${kind}`).forEach(thing => thing.classList.remove(kind));
  for (const key of flagged) {
    const line = picture.line(key);
    line?.classList.add("flagged");
    if (line && !line.classList.contains("unknown")) line.closest(".card").classList.add("flagged");
  }
  for (const key of inactive) { // what is faded is not dimmed too
    const thing = picture.line(key) ?? picture.card(key);
    if (thing && !thing.closest(".future")) thing.classList.add("inactive");
  }
  if (failure) picture.card(failure.card)?.classList.remove("future");
}

// The line that failed marked in the listing, with the words of the error below it.
function showFailure(failure, code) {
  if (!failure) return;
  const { line } = failure, marked = line && code.querySelector(`[data-file="${line.file}"][data-number="${line.number}"]`);
  const words = element("pre", { class: "failure", role: "note" }, failure.text);
  marked?.classList.add("failed");
  if (marked) marked.after(words); else code.append(words);
}
