// Each state's shape, drawn from the same table as the window and the terminal.

const SVG = "http://www.w3.org/2000/svg";

export function drawShape(svg, look) {
  if (svg.dataset.of === look.colour + look.meaning) return;
  svg.dataset.of = look.colour + look.meaning;
  svg.replaceChildren(
    ...look.strokes.map((stroke) => {
      const path = document.createElementNS(SVG, "path");
      path.setAttribute("d", stroke.d);
      path.setAttribute("fill", stroke.filled ? "currentColor" : "none");
      path.setAttribute("stroke", stroke.filled ? "none" : "currentColor");
      path.setAttribute("stroke-width", "2.6");
      path.setAttribute("stroke-linecap", "round");
      path.setAttribute("stroke-linejoin", "round");
      return path;
    }),
  );
}
