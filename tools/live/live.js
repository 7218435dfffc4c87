// Panels that compute with a lesson's model. A panel loads the runtime and its models when a reader turns to it.
(() => {
  "use strict";

  const { SIDE, canvas, clamp, digitPad, drawPicture, element } = coursePad; // of course_lib/pad.js, which stands before this
  const OKABE = ["#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999", "#7A3F74"];

  // ------------------------------------------------------------------------------------------------ models

  const loaded = new Map();

  function script(address) {
    if (!loaded.has(address)) {
      loaded.set(address, new Promise((done, failed) => {
        const node = document.createElement("script");
        node.src = address;
        node.onload = done;
        node.onerror = () => failed(new Error(`${address.split("/").pop()} is missing beside this page`));
        document.head.append(node);
      }));
    }
    return loaded.get(address);
  }

  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

  async function startRuntime(base) {
    if (typeof WebAssembly !== "object") throw new Error("this browser has no WebAssembly");
    await script(`${base}ort.wasm.min.js`);
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = "error";
    if (location.protocol === "file:") {
      await Promise.all([script(`${base}ort-wasm-simd-threaded.mjs.js`), script(`${base}ort-wasm-simd-threaded.wasm.js`)]);
      ort.env.wasm.wasmBinary = bytes(courseWasm).buffer;
      ort.env.wasm.wasmPaths = { mjs: URL.createObjectURL(new Blob([bytes(courseGlue)], { type: "text/javascript" })) };
      delete window.courseWasm;
    } else {
      ort.env.wasm.wasmPaths = new URL(base, document.baseURI).href;
    }
  }

  let runtime = null; // one for the page
  function runtimeOf(base) {
    runtime ??= startRuntime(base);
    return runtime;
  }

  class Net {
    constructor(session, { shape, type }) {
      Object.assign(this, { session, shape, type, turn: Promise.resolve() });
    }

    // A session computes one answer at a time.
    answer(values) {
      this.turn = this.turn.then(async () => {
        const data = this.type === "int64" ? BigInt64Array.from(values, BigInt) : Float32Array.from(values);
        const { y } = await this.session.run({ x: new ort.Tensor(this.type, data, this.shape) });
        return y.data;
      });
      return this.turn;
    }
  }

  async function netsOf(panel, models) {
    const { base, panel: stem } = panel.dataset;
    await runtimeOf(base);
    await script(`${base}${stem}.js`);
    const nets = {};
    for (const [name, facts] of Object.entries(models)) {
      const model = bytes(courseModels[stem][name]);
      nets[name] = new Net(await ort.InferenceSession.create(model, { executionProviders: ["wasm"] }), facts);
    }
    return nets;
  }

  // ------------------------------------------------------------------------------------------------ arithmetic

  const argmax = (values) => values.reduce((best, value, i) => (value > values[best] ? i : best), 0);

  function softmax(scores) {
    const top = Math.max(...scores);
    const powers = Array.from(scores, (score) => Math.exp(score - top));
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map((power) => power / sum);
  }

  const sigmoid = (score) => 1 / (1 + Math.exp(-score));
  const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  const meanSquare = (a, b) => a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0) / a.length;
  const greys = (text) => Array.from(bytes(text), (value) => value / 255);

  // ------------------------------------------------------------------------------------------------ pictures

  const figure = (caption, node) => element("figure", { className: "live-figure" }, node, element("figcaption", {}, caption));
  const column = (...controls) => element("div", { className: "explorer-controls live-column" }, ...controls);
  const colour = (node, name) => getComputedStyle(node).getPropertyValue(name).trim();

  // Words on a canvas have the colour of the page's text, so they are drawn again when a reader changes the theme.
  const worded = new Map(); // canvas -> how it was last drawn
  function drawWorded(node, draw) {
    worded.set(node, draw);
    draw(getComputedStyle(node).color);
  }
  const themeChanged = () => worded.forEach((draw, node) => draw(getComputedStyle(node).color));

  function drawBars(node, heights, names, { marked = [] } = {}) {
    const context = node.getContext("2d");
    const [width, height] = [parseFloat(node.style.width), parseFloat(node.style.height)];
    const [room, wide] = [height - 22, width / heights.length];
    drawWorded(node, (text) => {
      context.clearRect(0, 0, width, height);
      context.font = "14px 'Source Sans 3', sans-serif";
      context.textAlign = "center";
      heights.forEach((value, i) => {
        context.fillStyle = marked.includes(i) ? colour(node, "--live-mark") : colour(node, "--live-bar");
        context.fillRect(i * wide + 2, room * (1 - value), wide - 4, Math.max(1, room * value));
        context.fillStyle = text;
        context.fillText(names[i], (i + 0.5) * wide, height - 6);
      });
    });
  }

  function slider(label, low, high, step, value) {
    const input = element("input", { type: "range", min: low, max: high, step, value });
    const output = element("output", {}, String(value));
    input.addEventListener("input", () => { output.textContent = input.value; });
    return { input, output, row: element("label", {}, element("span", {}, label), input, output) };
  }

  // A button that moves a slider from its lowest value to its highest; whoever moves the slider stops that.
  function player(label, { input, output }, show, pause = 120) {
    const button = element("button", { type: "button" }, label);
    let timer = null;

    function stop() {
      clearInterval(timer);
      timer = null;
    }

    function move(value) {
      input.value = value;
      output.textContent = value;
      show();
      if (value >= Number(input.max)) stop();
    }

    button.addEventListener("click", () => {
      stop();
      timer = setInterval(() => move(Number(input.value) + 1), pause);
      move(Number(input.min));
    });
    input.addEventListener("input", () => { stop(); show(); });
    return { button, stop, playing: () => timer !== null };
  }

  // ------------------------------------------------------------------------------------------------ views
  // Each view: (stage, nets, data, say) builds its controls, shows its first answer and returns nothing.

  const views = {};

  views.autoencoder = async (stage, nets, data, say) => {
    const [seen, copy] = [canvas(196, 196, "What the encoder gets"), canvas(196, 196, "What the decoder makes of the code")];
    const code = canvas(420, 110, "The 32 numbers of the code as bars");
    const which = slider("code number", 1, 32, 1, 1);
    const value = slider("its value", 0, 1, 0.005, 0.5);
    let [picture, numbers] = [null, null];
    const share = (i) => clamp((numbers[i] - data.low[i]) / (data.high[i] - data.low[i]), 0, 1);
    const chosen = () => Number(which.input.value) - 1;

    async function decode(edited) {
      const made = Array.from(await nets.decoder.answer(numbers));
      drawPicture(copy, made);
      drawBars(code, numbers.map((_, i) => share(i)), numbers.map((_, i) => ((i + 1) % 4 ? "" : i + 1)), { marked: [chosen()] });
      value.output.textContent = numbers[chosen()].toFixed(2);
      const apart = meanSquare(picture, made).toFixed(4);
      say(edited ? `Code number ${chosen() + 1} is ${numbers[chosen()].toFixed(2)}; picture and copy now differ by ${apart} (mean square).`
        : `The copy differs from the picture by ${apart} (mean square).`);
    }

    async function encode(next) {
      picture = next;
      drawPicture(seen, picture);
      numbers = Array.from(await nets.encoder.answer(picture));
      value.input.value = share(chosen());
      await decode(false);
    }

    const drawing = digitPad(greys(data.digits), say, encode);
    which.input.addEventListener("input", () => {
      value.input.value = share(chosen());
      decode(true);
    });
    value.input.addEventListener("input", () => {
      const i = chosen();
      numbers[i] = data.low[i] + Number(value.input.value) * (data.high[i] - data.low[i]);
      decode(true);
    });
    stage.append(
      element("div", { className: "live-row" }, figure("draw here", drawing.pad), figure("the network gets", seen), figure("its copy", copy), column(...drawing.controls)),
      element("div", { className: "live-row" }, figure("the code, between its usual smallest and largest values", code), column(which.row, value.row)),
    );
    await drawing.choose(4);
  };

  views.rows = async (stage, nets, data, say) => {
    const seen = canvas(196, 196, "What the network has seen so far");
    const bars = canvas(300, 196, "Probabilities of the ten digits after the rows seen");
    const rows = slider("rows seen", 1, 28, 1, 28);
    let [picture, read] = [null, null];

    function show() {
      const count = Number(rows.input.value);
      drawPicture(seen, picture.map((value, i) => (i < SIDE * count ? value : 0.35)));
      const p = read[count - 1];
      drawBars(bars, p, p.map((_, k) => k), { marked: [argmax(p)] });
      const last = argmax(read[27]);
      const settled = 28 - [...read].reverse().findIndex((each) => argmax(each) !== last);
      say(`After ${count} ${count === 1 ? "row" : "rows"} it reads ${argmax(p)} (${(100 * Math.max(...p)).toFixed(0)} %). `
        + (settled > 28 ? `It says ${last} from the first row on.` : `From row ${settled + 1} on it says ${last}.`));
    }

    const play = player("Read row by row", rows, show);
    const drawing = digitPad(greys(data.digits), say, async (next) => {
      picture = next;
      const scores = await nets.reader.answer(picture.map((value) => Math.round(255 * value)));
      read = Array.from({ length: 28 }, (_, t) => softmax(Array.from(scores.slice(10 * t, 10 * (t + 1)))));
      show();
    });
    stage.append(
      element("div", { className: "live-row" }, figure("draw here", drawing.pad), figure("seen so far", seen), figure("it reads", bars)),
      element("div", { className: "explorer-controls" }, ...drawing.controls, rows.row, play.button),
    );
    await drawing.choose(4);
  };

  views.gates = async (stage, nets, data, say) => {
    const { steps, limit, cells } = data;
    const [left, right, markHigh, valueHigh, laneHigh, gap, axisHigh] = [74, 50, 24, 56, 31, 5, 22];
    const wide = clamp(stage.clientWidth - (stage.clientWidth < 720 ? 0 : 240), 260, 640); // its controls stand beside it, if there is room
    const stepWide = (wide - left - right) / steps;
    const [QUIET, ANSWER] = ["#8C8C8C", "#D55E00"];
    const lanes = [ // in the order in which an answer of the network holds them
      ["i", "input", "#CC79A7", 0], ["f", "forget", "#E69F00", 0], ["o", "output", "#56B4E9", 0],
      ["c̃", "candidate", QUIET, -1], ["c", "cell", QUIET, -1], ["h", "hidden", QUIET, -1], ["", "answer", ANSWER, -1],
    ].map(([symbol, word, shade, low], i) => ({ symbol, word, shade, low, top: 2 + i * (laneHigh + gap), tall: laneHigh }));
    const fed = canvas(wide, markHigh + valueHigh + 4, "What is fed: a mark and a value at each step, as dots and bars");
    const inside = canvas(wide, lanes.length * (laneHigh + gap) + axisHigh, "");
    fed.classList.add("live-pad");
    inside.classList.add("live-lanes");

    const step = slider("step t", 1, steps, 1, steps);
    const value = element("input", { type: "number", min: -limit, max: limit, step: 0.1 });
    const mark = element("input", { type: "checkbox" });
    const cell = element("select", {}, ...cells.map(({ label }, k) => element("option", { value: k }, label)));
    const unit = element("select");
    const ready = Object.keys(data.sequences).map((name) => element("button", { type: "button" }, name));
    const clear = element("button", { type: "button" }, "Clear");
    let [x, read, turn] = [[], null, 0]; // of each step: its value and its mark; all that the network has inside
    const now = () => Number(step.input.value) - 1;
    const [middle, place] = [
      (t) => left + (t + 0.5) * stepWide,
      ({ top, tall, low, high }, v) => top + tall * (1 - (clamp(v, low, high) - low) / (high - low)),
    ];
    const due = () => x.reduce((kept, [v, marked], t) => [...kept, marked ? v : (kept[t - 1] ?? 0)], []);

    const signed = (v) => String(v).replace("-", "−");
    const number = (v) => signed(v.toFixed(2).replace(/^-(?=0\.00$)/, ""));

    // ---- the two pictures

    function write(context, ink, text, x, y, font = "14px", align = "left") {
      Object.assign(context, { fillStyle: ink, textAlign: align, font: `${font} 'Source Sans 3', sans-serif` });
      context.fillText(text, x, y, left - 19); // narrower, if a wide font must stand in
    }

    function line(context, ink, alpha, y, dash = []) {
      Object.assign(context, { strokeStyle: ink, globalAlpha: alpha, lineWidth: 1 });
      context.setLineDash(dash);
      context.beginPath();
      context.moveTo(left, y);
      context.lineTo(wide - right, y);
      context.stroke();
      context.setLineDash([]);
      context.globalAlpha = 1;
    }

    // An empty picture in which the step of the slider is shaded.
    function cleared(node, ink) {
      const context = node.getContext("2d");
      context.clearRect(0, 0, wide, parseFloat(node.style.height));
      Object.assign(context, { fillStyle: ink, globalAlpha: 0.13 });
      context.fillRect(left + now() * stepWide, 0, stepWide, parseFloat(node.style.height));
      context.globalAlpha = 1;
      return context;
    }

    function drawLane(context, ink, lane, values, shade) {
      Object.assign(context, { fillStyle: ink, globalAlpha: 0.06 });
      context.fillRect(left, lane.top, wide - left - right, lane.tall);
      line(context, ink, 0.5, place(lane, 0));
      values.forEach((v, t) => {
        const [top, bottom] = [place(lane, Math.max(v, 0)), place(lane, Math.min(v, 0))];
        context.fillStyle = shade(t);
        context.fillRect(middle(t) - stepWide / 2 + 1, top, stepWide - 2, Math.max(bottom - top, 1));
      });
      const shown = values[now()];
      if (shown !== undefined) write(context, ink, number(shown), wide, lane.top + lane.tall / 2 + 5, "14px", "right");
    }

    const valueLane = { top: markHigh, tall: valueHigh, low: -limit, high: limit };
    function drawFed(ink) {
      const context = cleared(fed, ink);
      write(context, ink, "mark", 0, markHigh / 2 + 4);
      write(context, ink, "value", 0, markHigh + valueHigh / 2 + 5);
      x.forEach(([, marked], t) => {
        Object.assign(context, { fillStyle: ink, strokeStyle: QUIET, lineWidth: 1.2 });
        context.beginPath();
        context.arc(middle(t), markHigh / 2, Math.min(6, stepWide / 2 - 1.5), 0, 7);
        if (marked) context.fill();
        else context.stroke();
      });
      drawLane(context, ink, valueLane, x.map(([v]) => v), (t) => (x[t][1] ? ink : QUIET));
      for (const v of [-1, 1]) line(context, ink, 0.5, place(valueLane, v), [3, 4]); // training met no values beyond
    }

    function drawInside(ink) {
      const context = cleared(inside, ink);
      const until = play.playing() ? now() + 1 : steps;
      const largest = Math.max(0.01, ...read[4].map(Math.abs)); // of the cell state; its scale has one digit
      const digit = 10 ** Math.floor(Math.log10(largest));
      const scale = Number((Math.ceil(largest / digit) * digit).toPrecision(1));
      for (const [i, lane] of lanes.entries()) {
        const high = { c: scale, h: scale, "": limit }[lane.symbol] ?? 1;
        Object.assign(lane, { high, low: lane.low && -high });
        const baseline = lane.top + lane.tall / 2;
        if (lane.symbol) write(context, ink, lane.symbol, 0, baseline + 1, i < 3 ? "bold 16px" : "italic 16px");
        write(context, ink, lane.word, lane.symbol ? 15 : 0, baseline + 1, "13px");
        write(context, ink, lane.low ? `±${high}` : "0 … 1", lane.symbol ? 15 : 0, baseline + 14, "11px");
        drawLane(context, ink, lane, read[i].slice(0, until), () => lane.shade);
      }
      Object.assign(context, { strokeStyle: ink, lineWidth: 2 });
      context.beginPath();
      due().slice(0, until).forEach((v, t) => {
        for (const side of [-0.5, 0.5]) context.lineTo(middle(t) + side * stepWide, place(lanes[6], v));
      });
      context.stroke();
      const axis = lanes[6].top + laneHigh + 18;
      for (let t = 0; t <= steps; t += 5) write(context, ink, String(Math.max(t, 1)), middle(Math.max(t, 1) - 1), axis, "13px", "center");
      write(context, ink, "step t", 0, axis);
    }

    // ---- from what is fed to what is shown

    function sentence() {
      if (x.every(([v, marked]) => !v && !marked)) {
        return `The sequence is empty: draw values, mark a step, or take a sequence. After step ${steps} the cell says ${number(read[6][steps - 1])}, from its biases alone.`;
      }
      const at = (t) => `Step ${t + 1}: it says ${number(read[6][t])}, due is ${number(due()[t])}. `;
      const mean = (marked) => {
        const found = read[1].filter((_, t) => Boolean(x[t][1]) === marked);
        return found.length ? `${(found.reduce((a, b) => a + b, 0) / found.length).toFixed(2)} ${marked ? "at a mark" : "without a mark"}` : "";
      };
      return (play.playing() || now() === steps - 1 ? at(now()) : at(now()) + at(steps - 1))
        + `Unit ${unit.value}: f is ${[mean(true), mean(false)].filter(Boolean).join(", ")} (mean over steps).`;
    }

    function show() {
      drawWorded(fed, drawFed);
      drawWorded(inside, drawInside);
      mark.checked = x[now()][1] === 1;
      if (value.value === "" || Number(value.value) !== x[now()][0]) value.value = x[now()][0]; // "1." stays, while 1.5 is typed
      inside.setAttribute("aria-label", `At step ${now() + 1}: ${lanes.map(({ word }, i) => `${word} ${number(read[i][now()])}`).join(", ")}`);
      say(sentence());
    }

    async function feed() {
      const mine = (turn += 1); // a later sequence overtakes this one
      const { name, units } = cells[cell.value];
      const y = await nets[name].answer(x.flat());
      if (mine !== turn) return;
      const width = 6 * units + 1;
      const row = (column) => Array.from({ length: steps }, (_, t) => y[t * width + column]);
      read = lanes.map((_, i) => row(i < 6 ? i * units + Number(unit.value) - 1 : 6 * units));
      show();
    }

    function choose(t) {
      step.input.value = t + 1;
      step.output.textContent = t + 1;
    }

    function take(sequence) {
      play.stop();
      x = sequence.map((pair) => [...pair]);
      return feed();
    }

    function newCell() {
      const { units } = cells[cell.value];
      unit.replaceChildren(...Array.from({ length: units }, (_, k) => element("option", { value: k + 1 }, String(k + 1))));
      unit.disabled = units === 1;
    }

    const play = player("Step by step", step, show, 250);
    const at = (event) => {
      const box = event.target.getBoundingClientRect(); // a deck may be scaled
      const [u, v] = [((event.clientX - box.left) / box.width) * wide, ((event.clientY - box.top) / box.height) * parseFloat(event.target.style.height)];
      return [clamp(Math.floor((u - left) / stepWide), 0, steps - 1), v];
    };

    function draw([t, v]) {
      choose(t);
      x[t][0] = Math.round(clamp(limit * (1 - (2 * (v - markHigh)) / valueHigh), -limit, limit) * 20) / 20;
      feed();
    }
    fed.addEventListener("pointerdown", (event) => {
      play.stop();
      event.preventDefault();
      const [t, v] = at(event);
      if (v < markHigh) {
        choose(t);
        x[t][1] = 1 - x[t][1];
        feed();
      } else {
        fed.setPointerCapture(event.pointerId);
        draw([t, v]);
      }
    });
    fed.addEventListener("pointermove", (event) => { if (fed.hasPointerCapture(event.pointerId)) draw(at(event)); });
    const look = (event) => { play.stop(); choose(at(event)[0]); show(); };
    inside.addEventListener("pointerdown", (event) => { inside.setPointerCapture(event.pointerId); look(event); });
    inside.addEventListener("pointermove", (event) => { if (inside.hasPointerCapture(event.pointerId)) look(event); });
    value.addEventListener("input", () => {
      play.stop();
      const given = value.value === "" ? NaN : Number(value.value);
      if (!(Math.abs(given) <= limit)) {
        say(`${value.value || "What stands there"} is not taken: step ${now() + 1} holds ${signed(x[now()][0])}; a value lies between −${limit} and ${limit}.`);
        return;
      }
      x[now()][0] = given;
      feed();
    });
    value.addEventListener("change", () => { value.value = x[now()][0]; });
    mark.addEventListener("input", () => { play.stop(); x[now()][1] = Number(mark.checked); feed(); });
    cell.addEventListener("change", () => { play.stop(); newCell(); feed(); });
    unit.addEventListener("change", feed);
    ready.forEach((button, k) => button.addEventListener("click", () => take(Object.values(data.sequences)[k])));
    clear.addEventListener("click", () => take(Array.from({ length: steps }, () => [0, 0])));
    stage.append(element("div", { className: "live-row" },
      figure("draw values, click marks; answer: the line is the last marked value", element("div", { className: "live-stack" }, fed, inside)),
      column(element("span", { className: "live-buttons" }, ...ready, clear),
        element("label", {}, element("span", {}, "cell"), cell), element("label", {}, element("span", {}, "unit, by swing"), unit),
        step.row, play.button, element("span", { className: "live-buttons" }, element("label", {}, element("span", {}, "value"), value),
          element("label", {}, mark, element("span", {}, "mark"))))));
    newCell();
    await take(Object.values(data.sequences)[0]);
  };

  views.components = async (stage, nets, data, say) => {
    const count = data.deviations.length;
    const [seen, built] = [canvas(196, 196, "The digit"), canvas(196, 196, "The digit built of the first components")];
    const bars = canvas(620, 120, "Size of each score, in standard deviations of that score");
    const m = slider("components m", 0, count, 1, 20);
    let [picture, scores] = [null, null];

    async function build() {
      const used = Number(m.input.value);
      const made = Array.from(await nets.picture.answer(scores.map((score, i) => (i < used ? score : 0))));
      drawPicture(built, made);
      const sizes = scores.slice(0, 40).map((score, i) => clamp(Math.abs(score) / data.deviations[i] / 4, 0, 1));
      drawBars(bars, sizes, sizes.map((_, i) => ((i + 1) % 10 ? "" : i + 1)), { marked: [used - 1] });
      const largest = argmax(scores.map((score, i) => Math.abs(score) / data.deviations[i]));
      say(`${used} of ${count} components: mean square error ${meanSquare(picture, made).toFixed(4)}. Its most unusual score is number ${largest + 1}, ${(Math.abs(scores[largest]) / data.deviations[largest]).toFixed(1)} standard deviations.`);
    }

    const drawing = digitPad(greys(data.digits), say, async (next) => {
      picture = next;
      drawPicture(seen, picture);
      scores = Array.from(await nets.scores.answer(picture));
      await build();
    });
    m.input.addEventListener("input", build);
    stage.append(
      element("div", { className: "live-row" }, figure("draw here", drawing.pad), figure("centred, 28 × 28", seen), figure("built of m eigendigits", built), column(...drawing.controls, m.row)),
      figure("size of the first 40 scores; a full bar is four standard deviations", bars),
    );
    await drawing.choose(4);
  };

  views.denoise = async (stage, nets, data, say) => {
    const { side } = data;
    const all = greys(data.digits);
    const spoilt = canvas(196, 196, "The spoilt digit: paint white or black points on it");
    spoilt.classList.add("live-pad");
    const [clean, mended] = [canvas(196, 196, "The clean digit"), canvas(196, 196, "What the network makes of the spoilt digit")];
    const digits = element("select", {}, ...Array.from({ length: 10 }, (_, k) => element("option", { value: k }, String(k))));
    const how = element("select", {}, element("option", { value: "paint" }, "paint points"), element("option", { value: "noise" }, "normal noise"));
    const strength = slider("noise", 0, 0.6, 0.05, 0.25);
    const again = element("button", { type: "button" }, "Spoil it anew");
    let [picture, damaged, paint] = [null, null, null];
    const psnr = (a, b) => (-10 * Math.log10(meanSquare(a, b))).toFixed(1);

    async function mend() {
      drawPicture(spoilt, damaged, side);
      const answer = Array.from(await nets[how.value].answer(damaged));
      drawPicture(mended, answer, side);
      const untouched = meanSquare(picture, damaged) === 0;
      say(untouched ? `The digit is clean; the network's answer has ${psnr(answer, picture)} dB. Paint on the middle picture.`
        : `Spoilt ${psnr(damaged, picture)} dB, mended ${psnr(answer, picture)} dB (more is better).`);
    }

    function spoil() {
      const first = side * side * Number(digits.value);
      picture = all.slice(first, first + side * side);
      drawPicture(clean, picture, side);
      strength.row.hidden = how.value !== "noise";
      damaged = picture.map((value) => (how.value === "noise" ? value + Number(strength.input.value) * normal() : value));
      return mend();
    }

    function point(event) {
      const box = spoilt.getBoundingClientRect();
      const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height].map((part) => Math.floor(part * side));
      if (x < 0 || y < 0 || x >= side || y >= side) return;
      paint ??= damaged[y * side + x] > 0.5 ? 0 : 1;
      damaged[y * side + x] = paint;
      mend();
    }
    spoilt.addEventListener("pointerdown", (event) => { spoilt.setPointerCapture(event.pointerId); paint = null; point(event); event.preventDefault(); });
    spoilt.addEventListener("pointermove", (event) => { if (spoilt.hasPointerCapture(event.pointerId)) point(event); });
    for (const control of [digits, how]) control.addEventListener("change", spoil);
    strength.input.addEventListener("input", spoil);
    again.addEventListener("click", spoil);
    stage.append(
      element("div", { className: "live-row" }, figure("clean", clean), figure("spoilt: paint here", spoilt), figure("mended by the network", mended)),
      element("div", { className: "explorer-controls" }, element("label", {}, element("span", {}, "digit"), digits),
        element("label", {}, element("span", {}, "spoil by"), how), strength.row, again),
    );
    digits.value = "4";
    await spoil();
    for (const [x, y] of [[3, 4], [3, 5], [10, 2], [5, 11], [11, 9]]) damaged[y * side + x] = 1;
    await mend();
  };

  views.letters = async (stage, nets, data, say) => {
    const [START, END] = [1, 2];
    const text = element("input", { type: "text", value: data.start, maxLength: data.longest, spellcheck: false, autocomplete: "off" });
    const temperature = slider("temperature", 0.1, 2, 0.1, 1);
    const write = element("button", { type: "button" }, "Write eight names");
    const names = element("p", { className: "live-names" });
    const symbols = [...data.alphabet];
    const bars = canvas(700, 190, "Probability of each symbol that could come next");
    const shown = symbols.slice(END).map((symbol, i) => (i === 0 ? "end" : symbol === " " ? "␣" : symbol));

    async function next(read) {
      const x = [START, ...read];
      const scores = await nets.model.answer([...x, ...Array(data.longest + 1 - x.length).fill(0)]);
      const V = symbols.length;
      const last = Array.from(scores.slice((x.length - 1) * V + END, x.length * V));
      return softmax(last.map((score) => score / Number(temperature.input.value)));
    }

    function known() {
      const letters = [...text.value.toLowerCase().normalize("NFKD")].filter((letter) => !/\p{M}/u.test(letter));
      return { out: [...new Set(letters.filter((letter) => symbols.indexOf(letter) <= END))], read: letters.map((letter) => symbols.indexOf(letter)).filter((k) => k > END).slice(0, data.longest) };
    }

    async function show() {
      const { out, read } = known();
      const p = await next(read);
      drawBars(bars, p, shown, { marked: [argmax(p)] });
      const bits = -p.reduce((sum, value) => sum + (value > 0 ? value * Math.log2(value) : 0), 0);
      say((out.length ? `Not in the alphabet and left out: ${out.join(" ")}. ` : "")
        + `After “${read.map((k) => symbols[k]).join("")}” the model is unsure by ${bits.toFixed(1)} bits.`);
    }

    async function eight() {
      const written = [];
      for (let i = 0; i < 8; i += 1) {
        const read = known().read;
        while (read.length < data.longest) {
          const p = await next(read);
          let [draw, k] = [Math.random(), 0];
          while (k < p.length - 1 && draw >= p[k]) { draw -= p[k]; k += 1; }
          if (k === 0) break;
          read.push(k + END);
        }
        written.push(read.map((k) => symbols[k]).join("") || "(nothing)");
      }
      names.textContent = written.join(", ");
    }
    text.addEventListener("input", show);
    temperature.input.addEventListener("input", show);
    write.addEventListener("click", eight);
    stage.append(
      element("div", { className: "explorer-controls" }, element("label", {}, element("span", {}, "begins with"), text), temperature.row, write),
      figure("probability of the next symbol at this temperature", bars), names,
    );
    await show();
    await eight();
  };

  views.plane = async (stage, nets, data, say) => {
    const side = 300;
    const map = canvas(side, side, "The plane of codes with the mean codes of 600 digits; move the cross with the pointer or the sliders");
    map.classList.add("live-pad");
    const picture = canvas(196, 196, "The decoded picture");
    const bars = canvas(300, 196, "The judge's probabilities of the ten digits");
    const [z1, z2] = [1, 2].map((k) => slider(`z${"₁₂"[k - 1]}`, -data.limit, data.limit, 0.05, 0.5));
    const legend = element("p", { className: "live-legend" }, ...OKABE.map((shade, k) =>
      element("span", {}, Object.assign(element("i"), { style: `background:${shade}` }), String(k))));
    stage.append(
      element("div", { className: "live-row" }, figure("the plane: mean codes of 600 validation digits", map), figure("decoded mean", picture), figure("the judge reads", bars)),
      element("div", { className: "explorer-controls" }, z1.row, z2.row, legend),
    );
    const place = (z) => ((z + data.limit) / (2 * data.limit)) * side;

    function drawMap() {
      const context = map.getContext("2d");
      context.fillStyle = "#fff";
      context.fillRect(0, 0, side, side);
      data.codes.forEach(([u, v], i) => {
        context.fillStyle = OKABE[data.labels[i]];
        context.beginPath();
        context.arc(place(u), side - place(v), 2.4, 0, 7);
        context.fill();
      });
      const [x, y] = [place(Number(z1.input.value)), side - place(Number(z2.input.value))];
      Object.assign(context, { strokeStyle: "#000", lineWidth: 2.5 });
      for (const [dx, dy] of [[1, 1], [1, -1]]) {
        context.beginPath();
        context.moveTo(x - 8 * dx, y - 8 * dy);
        context.lineTo(x + 8 * dx, y + 8 * dy);
        context.stroke();
      }
    }

    async function show() {
      const z = [Number(z1.input.value), Number(z2.input.value)];
      drawMap();
      const mean = Array.from(await nets.decoder.answer(z), sigmoid);
      drawPicture(picture, mean);
      const read = softmax(await nets.judge.answer(mean));
      drawBars(bars, read, read.map((_, k) => k), { marked: [argmax(read)] });
      const beyond = Math.exp(-0.5 * (z[0] ** 2 + z[1] ** 2));
      say(`The judge reads ${argmax(read)} (${(100 * Math.max(...read)).toFixed(0)} %). ${(100 * beyond).toFixed(1)} % of the prior's draws lie farther out.`);
    }

    function follow(event) {
      const box = map.getBoundingClientRect();
      const to = (part) => clamp((2 * part - 1) * data.limit, -data.limit, data.limit).toFixed(2);
      z1.input.value = to((event.clientX - box.left) / box.width);
      z2.input.value = to(1 - (event.clientY - box.top) / box.height);
      for (const one of [z1, z2]) one.output.textContent = one.input.value;
      show();
    }
    map.addEventListener("pointerdown", (event) => { map.setPointerCapture(event.pointerId); follow(event); event.preventDefault(); });
    map.addEventListener("pointermove", (event) => { if (map.hasPointerCapture(event.pointerId)) follow(event); });
    for (const one of [z1, z2]) one.input.addEventListener("input", show);
    await show();
  };

  views.price = async (stage, nets, data, say) => {
    const [side, draws, full, tile] = [14, 8, 6, 52]; // a full bar is 6 nats
    const units = data.units[0].length;
    const seen = canvas(196, 196, "What the encoder gets, 14 by 14 pixels");
    const copy = canvas(196, 196, "The mean of the code, decoded");
    const drawn = canvas(draws * (tile + 2) - 2, 2 * tile + 4, "Above, eight draws of this digit's code, decoded; below, eight draws of the prior, decoded");
    const bars = canvas(290, 2 * tile + 4, "The rate of each unit of the code for this digit, as bars; the units that speak are marked");
    const price = element("select", {}, ...data.betas.map((beta, k) => element("option", { value: k }, String(beta))));
    const again = element("button", { type: "button" }, "Draw anew");
    let [picture, noise, turn] = [null, null, 0];

    function draw() {
      noise = Array.from({ length: 2 * draws }, () => Array.from({ length: units }, normal));
    }

    const halved = (fine) => Array.from({ length: side * side }, (_, i) => {
      const corner = 2 * SIDE * Math.floor(i / side) + 2 * (i % side);
      return (fine[corner] + fine[corner + 1] + fine[corner + SIDE] + fine[corner + SIDE + 1]) / 4;
    });
    // Cross-entropy of grey dots, less what every decoder pays for them: their own entropy.
    const distortion = (scores) => picture.reduce((sum, x, i) => {
      const entropy = [x, 1 - x].reduce((all, p) => all - (p > 0 ? p * Math.log(p) : 0), 0);
      return sum + Math.max(scores[i], 0) + Math.log1p(Math.exp(-Math.abs(scores[i]))) - x * scores[i] - entropy;
    }, 0);

    async function show() {
      const mine = (turn += 1); // a later choice may overtake this one
      const k = Number(price.value);
      const beta = data.betas[k];
      const code = Array.from(await nets[`encoder-${beta}`].answer(picture));
      const [mean, logVariance] = [code.slice(0, units), code.slice(units)];
      const posterior = noise.slice(0, draws).map((each) => each.map((eps, i) => mean[i] + Math.exp(0.5 * logVariance[i]) * eps));
      const scores = [];
      for (const z of [mean, ...posterior, ...noise.slice(draws)]) scores.push(Array.from(await nets[`decoder-${beta}`].answer(z)));
      if (mine !== turn) return;
      drawPicture(seen, picture, side);
      drawPicture(copy, scores[0].map(sigmoid), side);
      scores.slice(1).forEach((each, i) => drawPicture(drawn, each.map(sigmoid), side, [(i % draws) * (tile + 2), Math.floor(i / draws) * (tile + 4), tile]));
      const rates = mean.map((mu, i) => 0.5 * (mu ** 2 + Math.exp(logVariance[i]) - 1 - logVariance[i]));
      const speaking = data.units[k].flatMap((rate, i) => (rate > data.speaks ? [i] : []));
      drawBars(bars, rates.map((rate) => Math.min(rate / full, 1)), rates.map((_, i) => i + 1), { marked: speaking });
      const R = rates.reduce((a, b) => a + b, 0);
      const D = scores.slice(1, draws + 1).reduce((sum, each) => sum + distortion(each) / draws, 0);
      say(`This digit at β = ${beta}: R = ${R.toFixed(1)}, D − floor = ${D.toFixed(1)} nats. All validation digits: R = ${data.R[k].toFixed(1)}, `
        + `D − floor = ${data.D[k].toFixed(1)} nats; ${speaking.length} of ${units} units speak.`);
    }

    const drawing = digitPad(greys(data.digits), say, (next) => {
      picture = halved(next);
      return show();
    });
    price.addEventListener("change", show);
    again.addEventListener("click", () => { draw(); show(); });
    stage.append(
      element("div", { className: "live-row" }, figure("draw here", drawing.pad), figure("the network gets", seen), figure("the mean code, decoded", copy),
        column(...drawing.controls, element("label", {}, element("span", {}, "price β"), price), again)),
      element("div", { className: "live-row" }, figure("decoded: above draws from q(z|x), below from p(z)", drawn),
        figure("rate of each unit; a full bar is 6 nats; orange speaks", bars)),
    );
    price.value = data.betas.indexOf(1);
    draw();
    await drawing.choose(3);
  };

  views.walk = async (stage, nets, data, say) => {
    const [tile, columns] = [54, 11];
    const now = canvas(196, 196, "The code at the chosen step, decoded");
    const guess = canvas(196, 196, "What the network takes for the end at the chosen step, decoded");
    const strip = canvas(columns * (tile + 2) - 2, 2 * tile + 10, "From noise at the left to the end at the right: above, the code at every step or every few steps, decoded; below, what the network takes for the end");
    const count = element("select", {}, ...data.steps.map((steps) => element("option", { value: steps }, String(steps))));
    const way = element("select", {}, element("option", { value: "rotate" }, "rotate"), element("option", { value: "draw" }, "draw"));
    const step = slider("step", 0, 20, 1, 20);
    const [another, again] = ["Another start", "Draw the steps anew"].map((label) => element("button", { type: "button" }, label));
    let [start, stages, turn] = [data.start, [], 0];

    function show() {
      const [k, steps] = [Number(step.input.value), stages.length - 1];
      drawPicture(now, stages[k].pictures[0]);
      drawPicture(guess, stages[k].pictures[1]);
      const last = Math.min(steps, columns - 1); // of the pictures in the strip
      const shown = Array.from({ length: last + 1 }, (_, i) => Math.round((i * steps) / last));
      const nearest = argmax(shown.map((each) => -Math.abs(each - k)));
      const context = strip.getContext("2d");
      context.clearRect(0, 0, parseFloat(strip.style.width), parseFloat(strip.style.height));
      shown.forEach((each, i) => stages[each].pictures.forEach((picture, row) =>
        drawPicture(strip, picture, SIDE, [i * (tile + 2), row * (tile + 2), tile])));
      context.fillStyle = colour(strip, "--live-mark");
      context.fillRect(nearest * (tile + 2), 2 * tile + 5, tile, 4);
      const apart = meanSquare(stages[k].pictures[1], stages[steps].pictures[0]).toFixed(4);
      say(`Step ${k} of ${steps}, φ = ${stages[k].phi.toFixed(2)}: `
        + (k === steps ? "the end of this walk." : `what the network takes for the end differs from the end of this walk by ${apart} (mean square).`));
    }

    async function walk() {
      const mine = (turn += 1); // a later walk may be shorter and overtake this one
      play.stop();
      const [steps, drawn, found] = [Number(count.value), way.value === "draw", []];
      again.hidden = !drawn;
      let x = start;
      for (let k = 0; k <= steps; k += 1) {
        const [phi, smaller] = [k, k + 1].map((j) => data.last * (1 - j / steps));
        const [cos, sin] = [Math.cos(phi), Math.sin(phi)];
        const v = await nets.velocity.answer([...x, phi]);
        const end = x.map((value, i) => cos * value - sin * v[i]);
        const scores = await nets.decoder.answer([...x, ...end]);
        if (mine !== turn) return;
        found.push({ phi, pictures: [0, 1].map((row) => Array.from(scores.slice(SIDE * SIDE * row, SIDE * SIDE * (row + 1)), sigmoid)) });
        if (k === steps) break;
        const [cosNext, sinNext] = [Math.cos(smaller), Math.sin(smaller)];
        const variance = drawn ? (sinNext / sin) ** 2 * (1 - (cos / cosNext) ** 2) : 0;
        x = x.map((value, i) => cosNext * end[i] + Math.sqrt(sinNext ** 2 - variance) * (sin * value + cos * v[i]) + Math.sqrt(variance) * (drawn ? normal() : 0));
      }
      stages = found;
      step.input.max = steps;
      step.input.value = steps;
      step.output.textContent = steps;
      show();
    }

    const play = player("Walk step by step", step, show);
    for (const control of [count, way]) control.addEventListener("change", walk);
    again.addEventListener("click", walk);
    another.addEventListener("click", () => { start = start.map(normal); walk(); });
    stage.append(
      element("div", { className: "live-row" }, figure("the code at this step, decoded", now), figure("its end, as the network sees it", guess),
        column(step.row, play.button, element("label", {}, element("span", {}, "steps"), count), element("label", {}, element("span", {}, "way"), way), another, again)),
      figure("from noise to the end: above the codes, below what the network takes for their end", strip),
    );
    count.value = 20;
    await walk();
  };

  views.name = async (stage, nets, data, say) => {
    const [rows, q] = [20, data.languages.length];
    const text = element("input", { type: "text", value: data.start, maxLength: 18, spellcheck: false, autocomplete: "off" });
    const [left, cell, high] = [110, 30, 20];
    const table = canvas(left + rows * cell, (q + 1) * high + 6, "Probability of each language after each symbol, as shades");
    stage.append(
      element("div", { className: "explorer-controls" }, element("label", {}, element("span", {}, "name"), text)),
      figure("probability of each language when the symbols up to here are read (^ begins, $ ends the name)", table),
    );

    function drawTable(name, read, ink) {
      const context = table.getContext("2d");
      context.clearRect(0, 0, left + rows * cell, (q + 1) * high + 6);
      context.font = "14px 'Source Sans 3', sans-serif";
      const shade = colour(table, "--live-mark");
      data.languages.forEach((language, i) => {
        context.globalAlpha = 1;
        Object.assign(context, { fillStyle: ink, textAlign: "right" });
        context.fillText(language, left - 6, (i + 2) * high - 6);
        read.forEach((p, t) => {
          context.globalAlpha = p[i];
          context.fillStyle = shade;
          context.fillRect(left + t * cell + 1, (i + 1) * high + 1, cell - 2, high - 2);
        });
      });
      Object.assign(context, { globalAlpha: 1, fillStyle: ink, textAlign: "center" });
      [...`^${name}$`].forEach((letter, t) => context.fillText(letter === " " ? "␣" : letter, left + (t + 0.5) * cell, high - 4));
    }

    async function show() {
      const folded = text.value.toLowerCase().normalize("NFKD");
      const left_out = [...new Set([...folded].filter((letter) => !data.alphabet.slice(3).includes(letter) && !/\p{M}/u.test(letter)))];
      const name = [...folded].filter((letter) => data.alphabet.slice(3).includes(letter)).join("").slice(0, 18);
      const symbols = [...`^${name}$`].map((letter) => data.alphabet.indexOf(letter));
      const x = Array.from({ length: rows }, (_, k) => Array.from({ length: rows }, (_, t) => (t <= k && t < symbols.length ? symbols[t] : 0))).flat();
      const scores = await nets.reader.answer(x);
      const read = symbols.map((_, k) => softmax(Array.from(scores.slice(k * q, (k + 1) * q))));
      drawWorded(table, (ink) => drawTable(name, read, ink));
      const end = read[read.length - 1];
      const sure = read.findIndex((p) => argmax(p) === argmax(end) && Math.max(...p) > 0.9);
      say((left_out.length ? `Not in the alphabet and left out: ${left_out.join(" ")}. ` : "")
        + (name ? `${name}: ${data.languages[argmax(end)]}, ${(100 * Math.max(...end)).toFixed(0)} %` : "The name is empty; so much the two marks alone say")
        + (name && sure >= 0 ? `; first above 90 % after “${`^${name}$`.slice(0, sure + 1)}”.` : "."));
    }
    text.addEventListener("input", show);
    await show();
  };

  // ------------------------------------------------------------------------------------------------ panels

  async function begin(panel) {
    const { models, data } = JSON.parse(panel.querySelector("script").textContent);
    const words = panel.querySelector(".live-words");
    const say = (sentence) => { words.textContent = sentence; };
    say("Loading the model …");
    try {
      const nets = await netsOf(panel, models);
      panel.nets = nets;
      await views[panel.dataset.view](panel.querySelector(".live-stage"), nets, data, say);
      panel.dataset.state = "ready";
    } catch (error) {
      panel.dataset.state = "failed";
      say(`The model cannot compute here: ${error.message.replace(/\.$/, "")}. The pictures of the explorer above were recorded and move without it.`);
    }
  }

  function watch() {
    const turned = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) continue;
        turned.unobserve(target);
        begin(target);
      }
    });
    document.querySelectorAll(".live-panel").forEach((panel) => turned.observe(panel));
    const theme = new MutationObserver(themeChanged);
    for (const node of [document.documentElement, document.body]) theme.observe(node, { attributeFilter: ["data-theme"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", themeChanged);
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", watch);
  else watch();
})();
