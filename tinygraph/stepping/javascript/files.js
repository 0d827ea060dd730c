// The picture as it is now as a file: SVG with its colours in it, and PNG.

const STYLED = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "visibility", "font-family", "font-size", "font-weight"];
const SHARP = 2; // pixels of a PNG for each of the page's

// A picture that needs no style sheet, without handles and the dots that run along its edges.
function standalone(svg) {
  const copy = svg.cloneNode(true), [width, height] = ["width", "height"].map(side => Number.parseFloat(svg.getAttribute(side)));
  const [from, to] = [svg, copy].map(tree => [tree, ...tree.querySelectorAll("*")]);
  from.forEach((one, i) => {
    if (!(one instanceof SVGGraphicsElement) || one === svg) return;
    const style = getComputedStyle(one);
    to[i].setAttribute("style", STYLED.map(name => `${name}: ${style.getPropertyValue(name)}`).join("; "));
  });
  copy.querySelectorAll("style, .dot, .handle").forEach(one => one.remove());
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  copy.setAttribute("style", `background: ${getComputedStyle(svg.closest(".stage")).backgroundColor}`);
  return { text: new XMLSerializer().serializeToString(copy), width, height };
}

function download(blob, name) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function saveSvg(svg, name) {
  download(new Blob([standalone(svg).text], { type: "image/svg+xml" }), `${name}.svg`);
}

function savePng(svg, name) {
  const { text, width, height } = standalone(svg), colour = getComputedStyle(svg.closest(".stage")).backgroundColor;
  const image = new Image(), address = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  image.onload = () => {
    const canvas = element("canvas", { width: Math.ceil(SHARP * width), height: Math.ceil(SHARP * height) }), context = canvas.getContext("2d");
    context.fillStyle = colour;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    URL.revokeObjectURL(address);
    canvas.toBlob(blob => download(blob, `${name}.png`));
  };
  image.src = address;
}
