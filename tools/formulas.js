// A full stop or comma after a formula stays on the formula's line; a browser may break there, since the formula is a box.
window.keepStops = (root) => {
  for (const formula of root.querySelectorAll("mjx-container:not([display])")) {
    const stops = formula.nextSibling?.nodeType === Node.TEXT_NODE && formula.nextSibling.data.match(/^[.,;:?!)\]’”]+/);
    if (!stops) continue;
    formula.nextSibling.splitText(stops[0].length);
    const together = document.createElement("span");
    together.className = "with-stop";
    formula.replaceWith(together);
    together.append(formula, together.nextSibling);
  }
};
