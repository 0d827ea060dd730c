// Where a walk is: its chapters have the same steps, each with its own numbers, and the last one has no update.
//
// A position is the number of steps taken; that behind the last step of a chapter belongs to it. Leaves that change are those of the
// chapter that goes on from there, which behind the last update is the next one.

function walkOf(model) {
  const data = () => model.get("data");
  const position = () => model.get("position");
  const chapters = () => model.get("texts").length;
  const length = () => Math.max(data().steps.length, 1);
  const last = () => chapters() * length() - (data().updates ?? 0) - (data().steps.length ? 0 : 1);
  const bounded = chapter => Math.min(Math.floor(chapter), chapters() - 1);
  const chapterOf = taken => bounded(Math.max(taken - 1, 0) / length());
  const chapterFrom = taken => bounded(taken / length());
  const within = taken => taken - chapterOf(taken) * length();
  const stepAt = taken => (taken > 0 ? data().steps[within(taken) - 1] : undefined);
  const stepsIn = chapter => data().steps.length - (chapter === chapters() - 1 ? data().updates ?? 0 : 0);
  const textsOf = chapter => model.get("texts").at(chapter);
  const at = template => filled(template, textsOf(chapterOf(position()))); // in the numbers of where the walk is
  return { data, position, chapters, length, last, chapterOf, chapterFrom, within, stepAt, stepsIn, textsOf, at };
}
