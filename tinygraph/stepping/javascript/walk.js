// Where a walk is: its chapters have the same steps, each with its own numbers, and the last one has no update.
//
// A position is the number of steps taken; that behind the last step of a chapter belongs to it.

function walkOf(model) {
  const data = () => model.get("data");
  const position = () => model.get("position");
  const chapters = () => model.get("texts").length;
  const length = () => data().steps.length;
  const last = () => chapters() * length() - data().updates;
  const chapterOf = taken => Math.min(Math.floor(Math.max(taken - 1, 0) / length()), chapters() - 1);
  const within = taken => taken - chapterOf(taken) * length();
  const stepAt = taken => (taken > 0 ? data().steps[within(taken) - 1] : undefined);
  const textsOf = chapter => model.get("texts").at(chapter);
  const at = template => filled(template, textsOf(chapterOf(position()))); // in the numbers of where the walk is
  return { data, position, chapters, length, last, chapterOf, within, stepAt, textsOf, at };
}
