// The scrubber: the steps of one chapter by their phases, and the number of the chapter.

const SEGMENTS = 80; // steps that have a mark of their own each; of more, each phase is one bar

function scrubberOf({ model, go }) {
  const walk = walkOf(model);
  const start = () => walk.chapterOf(walk.position()) * walk.length();
  const slider = element("input", { type: "range", min: 0, "aria-label": "Step", oninput: () => go(start() + Number(slider.value)) });
  const phases = element("div", { class: "phases", "aria-hidden": "true" });
  const count = element("output", { class: "count" });
  const chapter = element("span", { class: "chapter" });
  const onto = (by, name, sign) => element("button", { onclick: () => go((walk.chapterOf(walk.position()) + by) * walk.length() + walk.within(walk.position())), "aria-label": `${name} iteration` }, sign);
  const chapters = element("div", { class: "chapters", hidden: true }, onto(-1, "Previous", "‹"), chapter, onto(1, "Next", "›"));
  const box = element("div", { class: "scrubber" }, element("div", { class: "track" }, phases, slider), chapters);
  let marks = [];

  function build() {
    const steps = walk.data().steps;
    const runs = [];
    for (const { phase } of steps) {
      if (runs.at(-1)?.phase !== phase) runs.push({ phase, count: 0 });
      runs.at(-1).count += 1;
    }
    marks = [];
    phases.replaceChildren(...runs.map(run => {
      const own = Array.from({ length: steps.length > SEGMENTS ? 1 : run.count }, () => element("i"));
      own.forEach(mark => marks.push({ mark, steps: run.count / own.length }));
      const made = element("div", { class: `phase ${run.phase}` }, element("div", { class: "marks" }, ...own), element("span", {}, run.phase));
      made.style.flexGrow = run.count;
      return made;
    }));
  }

  function show(current) {
    const here = walk.within(walk.position()), chapterHere = walk.chapterOf(walk.position());
    slider.max = walk.data().steps.length;
    slider.value = here;
    slider.setAttribute("aria-valuetext", current ? `${current.phase}: ${titleOf(current)}` : "start");
    count.value = `${here} / ${walk.stepsIn(chapterHere)}`;
    chapters.hidden = walk.chapters() === 1;
    chapter.textContent = `iteration ${chapterHere + 1} of ${walk.chapters()}`;
    let before = 0;
    for (const { mark, steps } of marks) {
      mark.style.setProperty("--done", `${100 * Math.max(0, Math.min(1, (here - before) / steps))}%`);
      before += steps;
    }
  }

  return { box, count, build, show };
}
