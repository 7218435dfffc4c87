// The pad that a reader draws a digit on: on pages, where live.js uses it, and in a notebook, where course_lib.pad does.
// A plain script, because a page that is opened from a file loads no modules.
const coursePad = (() => {
  "use strict";

  const SIDE = 28;
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  // A drawing as the data set holds its digits: 20 pixels high or wide, its centre of mass in the middle of 28 × 28.
  function asDigit(ink, side) {
    let [left, right, top, bottom] = [side, -1, side, -1];
    for (let y = 0; y < side; y += 1) {
      for (let x = 0; x < side; x += 1) {
        if (ink[y * side + x] < 0.1) continue;
        [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
      }
    }
    if (right < 0) return null;
    const step = Math.max(right - left + 1, bottom - top + 1) / 20;
    let [mass, mx, my] = [0, 0, 0];
    for (let y = top; y <= bottom; y += 1) {
      for (let x = left; x <= right; x += 1) {
        const value = ink[y * side + x];
        mass += value; mx += value * x; my += value * y;
      }
    }
    const [cx, cy] = [mx / mass, my / mass];
    const out = new Float32Array(SIDE * SIDE);
    const fine = 4; // points a pixel's mean is taken over, in each direction
    for (let y = 0; y < SIDE; y += 1) {
      for (let x = 0; x < SIDE; x += 1) {
        let sum = 0;
        for (let j = 0; j < fine; j += 1) {
          for (let i = 0; i < fine; i += 1) {
            const u = Math.round(cx + (x + (i + 0.5) / fine - SIDE / 2) * step);
            const v = Math.round(cy + (y + (j + 0.5) / fine - SIDE / 2) * step);
            if (u >= 0 && v >= 0 && u < side && v < side) sum += ink[v * side + u];
          }
        }
        out[y * SIDE + x] = sum / fine ** 2;
      }
    }
    return out;
  }

  function element(name, attributes = {}, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key in node && key !== "list") node[key] = value;
      else node.setAttribute(key, value);
    }
    node.append(...children);
    return node;
  }

  function canvas(width, height, label) {
    const node = element("canvas", { role: "img", "aria-label": label });
    const scale = Math.max(1, window.devicePixelRatio || 1);
    Object.assign(node, { width: width * scale, height: height * scale });
    Object.assign(node.style, { width: `${width}px`, height: `${height}px` });
    node.getContext("2d").scale(scale, scale);
    return node;
  }

  // Grey values as in the lessons' figures: 0 black, 1 white. They fill the canvas, or a square [left, top, size] of it.
  function drawPicture(node, values, side = SIDE, [left, top, size] = [0, 0, parseFloat(node.style.width)]) {
    const image = new ImageData(side, side);
    values.forEach((value, i) => {
      const grey = 255 * clamp(value, 0, 1);
      image.data.set([grey, grey, grey, 255], 4 * i);
    });
    const small = element("canvas", { width: side, height: side });
    small.getContext("2d").putImageData(image, 0, 0);
    const context = node.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(small, left, top, size, size);
  }

  // A pad and a list of digits, all their grey values in one array; calls shown(grey values, index) when one was drawn
  // (the index is -1) or chosen.
  function digitPad(all, say, shown, names = [..."0123456789"], kind = "a validation digit") {
    const side = 196;
    const pad = canvas(side, side, "Pad: draw a digit with the mouse or a finger");
    pad.classList.add("live-pad");
    const clear = element("button", { type: "button" }, "Clear");
    const digits = element("select", {}, element("option", { value: "" }, "a drawing"),
      ...names.map((name, k) => element("option", { value: k }, name)));
    const context = pad.getContext("2d");
    const empty = "The pad is empty: draw a digit on it, or take one of the list.";
    let last = null;

    function erase() {
      context.fillStyle = "#000";
      context.fillRect(0, 0, side, side);
    }

    function read() {
      const scale = pad.width / side;
      const { data: rgba } = context.getImageData(0, 0, pad.width, pad.height);
      const ink = new Float32Array(side * side);
      for (let y = 0; y < side; y += 1) {
        for (let x = 0; x < side; x += 1) ink[y * side + x] = rgba[4 * (Math.floor(y * scale) * pad.width + Math.floor(x * scale))] / 255;
      }
      const drawn = asDigit(ink, side);
      if (!drawn) { say(empty); return; }
      digits.value = "";
      shown(Array.from(drawn), -1);
    }

    function at(event) {
      const box = pad.getBoundingClientRect(); // a deck may be scaled
      return [((event.clientX - box.left) / box.width) * side, ((event.clientY - box.top) / box.height) * side];
    }

    pad.addEventListener("pointerdown", (event) => {
      pad.setPointerCapture(event.pointerId);
      if (digits.value !== "") { erase(); digits.value = ""; }
      last = at(event);
      event.preventDefault();
    });
    pad.addEventListener("pointermove", (event) => {
      if (!last) return;
      const next = at(event);
      Object.assign(context, { strokeStyle: "#fff", lineWidth: 17, lineCap: "round", lineJoin: "round" });
      context.beginPath();
      context.moveTo(...last);
      context.lineTo(...next);
      context.stroke();
      last = next;
    });
    const end = () => { if (last) { last = null; read(); } };
    pad.addEventListener("pointerup", end);
    pad.addEventListener("pointercancel", end);
    clear.addEventListener("click", () => { erase(); digits.value = ""; say(empty); });
    const choose = (digit) => {
      const picture = all.slice(SIDE * SIDE * digit, SIDE * SIDE * (digit + 1));
      drawPicture(pad, picture);
      digits.value = digit;
      return shown(picture, digit);
    };
    digits.addEventListener("change", () => digits.value !== "" && choose(Number(digits.value)));
    return { pad, choose, controls: [clear, element("label", {}, element("span", {}, `or take ${kind}`), digits)] };
  }

  // In a notebook: the widget's state holds the examples, which of them is chosen (-1: none), and the drawing.
  function render({ model, el }) {
    const greys = (name) => {
      const { buffer, byteOffset, byteLength } = model.get(name);
      return Array.from(new Uint8Array(buffer, byteOffset, byteLength), (value) => value / 255);
    };
    const words = element("div", { ariaLive: "polite" });
    const say = (sentence) => { words.textContent = sentence; };
    const { pad, choose, controls } = digitPad(greys("pictures"), say, (picture, index) => {
      say("");
      model.set("chosen", index);
      if (index < 0) model.set("drawing", new DataView(Uint8Array.from(picture, (value) => Math.round(255 * value)).buffer));
      model.save_changes();
    }, model.get("names"), "an example");
    Object.assign(pad.style, { touchAction: "none", cursor: "crosshair" });
    const row = element("div", {}, pad, ...controls);
    Object.assign(row.style, { display: "flex", flexWrap: "wrap", gap: "0.5rem 1rem", alignItems: "center" });
    row.querySelector("select").dataset.lmSuppressShortcuts = "true"; // an arrow key on it is not for JupyterLab
    el.append(element("div", {}, model.get("description")), row, words);
    if (model.get("chosen") < 0) drawPicture(pad, greys("drawing"));
    else choose(model.get("chosen"));
  }

  return { SIDE, canvas, clamp, digitPad, drawPicture, element, render };
})();
