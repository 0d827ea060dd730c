// What the plots have in common: work in slices, values with another entry, lines, and maps with their contours.

const [SLICE, FEW, REST] = [8, 3, 150]; // milliseconds of work, after which the page has its turn; slices; milliseconds

// Carries out a generator, slice by slice; a newer one takes the place of one that is not finished. Work that took more than a few
// slices begins after a rest, so that it does not begin again and again while a slider moves.
function workerOf(box) {
  let now = null, isLong = false;
  return work => {
    now = work;
    box.setAttribute("aria-busy", "true");
    let slices = 0;
    setTimeout(function go() {
      if (now !== work) return;
      slices += 1;
      isLong = slices > FEW;
      const end = performance.now() + SLICE;
      do if (work.next().done) return box.setAttribute("aria-busy", "false"); while (performance.now() < end);
      setTimeout(go);
    }, isLong ? REST : 0);
  };
}

const entryAt = (value, place) => (typeof value === "number" ? value : value.data?.[place] ?? NaN);

// A value with another entry
function withEntry(value, place, x) {
  if (typeof value === "number") return x;
  const data = value.data.slice();
  data[place] = x;
  return new interpreter.NDArray(value.shape, data);
}

const labelOf = (name, place, shape) => (shape.length ? `${name}[${indexOf(place, shape).join(",")}]` : name);
const shownNumber = (x, type = "f8") => SHOWN.signed(type, x);
const shownEnd = x => signed(significant(x, 2, 6)); // of an axis

function drawn(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// The path through points, with a gap where one is not finite.
function pathOf(points) {
  let isOn = false;
  return points.map(([x, y]) => {
    const sign = isOn ? "L" : "M";
    isOn = Number.isFinite(y);
    return isOn ? `${sign}${x.toFixed(1)} ${y.toFixed(1)}` : "";
  }).join("");
}

// Maps: n × n numbers, row by row from below, as an image that is drawn smoothly, with lines over it

const [MAP_WIDTH, MAP_HEIGHT] = [640, 420]; // of a map in its own pixels

function mapOf(label) {
  const canvas = element("canvas", { class: "map", width: MAP_WIDTH, height: MAP_HEIGHT, role: "img", "aria-label": label });
  const to = canvas.getContext("2d");

  function image(n, colourAt) {
    const small = element("canvas", { width: n, height: n }), on = small.getContext("2d"), pixels = on.createImageData(n, n);
    for (let j = 0; j < n; j++) for (let i = 0; i < n; i++) pixels.data.set([...colourAt((n - 1 - j) * n + i), 255], 4 * (j * n + i));
    on.putImageData(pixels, 0, 0);
    const [dx, dy] = [MAP_WIDTH / (n - 1), MAP_HEIGHT / (n - 1)]; // the middles of the pixels at the border are the ends of the axes
    to.drawImage(small, -dx / 2, -dy / 2, MAP_WIDTH + dx, MAP_HEIGHT + dy);
  }

  function lines(colour, width, ...paths) {
    Object.assign(to, { strokeStyle: colour, lineWidth: width, lineJoin: "round", lineCap: "round" });
    to.beginPath();
    for (const path of paths) path.forEach(([x, y], i) => (i ? to.lineTo(x, y) : to.moveTo(x, y)));
    to.stroke();
  }

  function dot([x, y], size, fill, line, width = 3) {
    Object.assign(to, { fillStyle: fill, strokeStyle: line, lineWidth: width });
    to.beginPath();
    to.arc(x, y, size, 0, 2 * Math.PI);
    if (fill) to.fill();
    to.stroke();
  }

  return { canvas, to, image, lines, dot };
}

// The pieces of the line along which n × n numbers have a level.
function contour(values, n, level) {
  const found = [];
  for (let j = 0; j < n - 1; j++) for (let i = 0; i < n - 1; i++) {
    const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]], cuts = [];
    corners.forEach(([x, y], k) => {
      const [u, v] = corners[(k + 1) % 4], a = values[y * n + x] - level, b = values[v * n + u] - level;
      if (a < 0 !== b < 0) cuts.push([x + (u - x) * a / (a - b), y + (v - y) * a / (a - b)].map((at, axis) => (axis ? MAP_HEIGHT - at * MAP_HEIGHT / (n - 1) : at * MAP_WIDTH / (n - 1))));
    });
    for (let k = 1; k < cuts.length; k += 2) found.push([cuts[k - 1], cuts[k]]);
  }
  return found;
}

const channels = colour => [1, 3, 5].map(at => Number.parseInt(colour.slice(at, at + 2), 16));
const between = (from, to, part) => from.map((x, i) => x + (to[i] - x) * part);

// An axis of a map: its ends, and the number at a part of its length.
const axisOf = (low, high) => ({ low, high, at: part => low + part * (high - low) });
const pixelOf = (axes, point) => axes.map(({ low, high }, i) => (point[i] - low) / (high - low)).map((part, i) => (i ? (1 - part) * MAP_HEIGHT : part * MAP_WIDTH));
