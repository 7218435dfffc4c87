// Lays a lesson out on slides of 1280 x 720, once, when the deck is made: measures its parts in a headless browser,
// breaks where a slide is full, and leaves the slides as the page's text. What was measured is what is shown.
(async () => {
  "use strict";

  const SMALLEST = 0.82; // what does not fit is made this much smaller at most, before it is broken in two
  const SMALLEST_TITLE = 0.7;
  const LARGEST = 1.3; // and what leaves room grows, for the last row of the lecture hall
  const lesson = document.getElementById("lesson");
  const slides = document.querySelector(".reveal .slides");
  document.documentElement.dataset.theme = "light"; // both themes have the same sizes

  // A hidden lesson asks for no fonts, and what is measured in a stand-in, mostly wider, breaks or shrinks too early.
  const letters = [...new Set(lesson.textContent)].join("");
  await Promise.all([...document.fonts].map(({ style, weight, family }) =>
    document.fonts.load(`${style} ${weight} 16px "${family.replace(/"/g, "")}"`, letters)));
  await MathJax.startup.promise;
  await MathJax.typesetPromise([lesson]);
  keepStops(lesson);
  await Promise.all([...lesson.querySelectorAll("img")].map((image) => image.decode().catch(() => {})));

  // --- one slide -----------------------------------------------------------------------------------------------

  const lessonTitle = document.title;
  let section = ""; // the heading that the running head repeats

  function newSlide(title) {
    const slide = document.createElement("section");
    slide.classList.toggle("title", title);
    slide.innerHTML = '<header class="running"></header><div class="page"></div>';
    return slide;
  }
  const page = (slide) => slide.querySelector(".page");

  // A slide is measured in the place where it will stand, at its natural size.
  const stage = document.createElement("div");
  stage.className = "reveal stage";
  stage.innerHTML = '<div class="slides"></div>';
  document.body.append(stage);
  // To the pixel in height: another browser rounds otherwise, and may need one more.
  const fits = (slide) => page(slide).scrollHeight <= page(slide).clientHeight
    && [...slide.querySelectorAll("pre")].every((pre) => pre.scrollWidth <= pre.clientWidth + 1)
    && [...slide.querySelectorAll("table, mjx-container")].every((wide) => wide.scrollWidth <= page(slide).clientWidth + 1);

  // The largest size, from one down to another, at which a slide holds what is on it. The first slide may be smaller:
  // what a lesson promises stands together.
  function size(slide, largest, smallest) {
    if (slide.querySelector(".wrap")) largest = Math.min(largest, 1); // or its lines would wrap once more
    if (slide.matches(".title")) smallest = Math.min(smallest, SMALLEST_TITLE);
    const steps = Math.floor((largest - smallest) / 0.05 + 1e-9);
    const at = (step) => {
      page(slide).style.setProperty("--zoom", (largest - 0.05 * step).toFixed(2));
      return fits(slide);
    };
    if (at(0)) return true;
    if (!at(steps)) {
      page(slide).style.removeProperty("--zoom");
      return false;
    }
    let [no, yes] = [0, steps]; // what fits at one size fits at every smaller one
    while (yes - no > 1) {
      const middle = (no + yes) >> 1;
      if (at(middle)) yes = middle;
      else no = middle;
    }
    at(yes);
    return true;
  }

  // --- the lesson as parts --------------------------------------------------------------------------------------

  const parts = [];
  let under = ""; // the heading that a part stands under
  let kept = []; // code that is not on the wall; key C shows it with the part that follows
  const keepBehind = (part) => { part.codes.push(...kept); kept = []; };
  for (const node of lesson.children) {
    if (node.matches("aside.notes")) {
      if (parts.length) (parts[parts.length - 1].notes ||= []).push(node);
      continue;
    }
    if (!node.matches(".block")) continue;
    const begins = node.dataset.begins;
    if (begins === "slide" && parts.length) keepBehind(parts[parts.length - 1]);
    let first = true;
    for (const element of [...node.children]) {
      element.dataset.cell = node.dataset.cell;
      if (element.matches(".kept")) { kept.push(element); continue; }
      const heading = element.matches(".heading");
      if (heading) under = element.firstElementChild.innerHTML;
      parts.push({
        element, codes: [], cell: node.dataset.cell, first, begins: first ? begins : "-",
        fragment: begins === "fragment", heading, under, answers: !heading && !element.matches(".text:not(.output), .code"),
        asks: [...element.querySelectorAll("strong")].some((bold) => /^\s*(Predict|Find out|Guess|Fill in)/i.test(bold.textContent)),
      });
      keepBehind(parts[parts.length - 1]);
      first = false;
    }
  }
  if (parts.length) keepBehind(parts[parts.length - 1]);

  // Sections: each begins a slide and goes on on as few as hold it. Where the lesson says subslide is a good place to
  // break, and no more: a slide that is half empty costs the lecture as much as a full one.
  const groups = [];
  for (const part of parts) {
    if (!groups.length || part.begins === "slide") groups.push({ vertical: false, parts: [] });
    groups[groups.length - 1].parts.push(part);
  }
  // A heading does not stand on a slide alone.
  for (let i = groups.length - 2; i >= 0; i -= 1) {
    if (groups[i].parts.every((part) => part.heading)) groups[i].parts.push(...groups.splice(i + 1, 1)[0].parts);
  }

  // A slide that does not begin with a heading repeats the one it stands under.
  function fill(slide, list) {
    const first = list[0];
    const repeated = document.createElement("p");
    repeated.className = "continued";
    repeated.innerHTML = first.under;
    const above = first.under && !first.heading ? [repeated] : [];
    page(slide).replaceChildren(...above, ...list.map((part) => part.element));
    return slide;
  }

  // What one slide with parts i to j - 1 costs: a slide, more if it must be small, is nearly empty, breaks inside a cell
  // or parts an answer from its code or from the sentence after it. Infinite if it ends in a heading or does not fit.
  function cost(list, i, j) {
    if (list[j - 1].heading && j < list.length) return Infinity;
    const [zoom, filled] = measured(list.slice(i, j), laidOut.length === 0 && i === 0);
    if (!zoom) return Infinity;
    const next = list[j];
    let torn = next && next.begins !== "subslide" ? 0.1 : 0;
    if (next && !next.first) torn = next.answers ? 0.6 : 0.25;
    else if (next && list[j - 1].answers && next.element.matches(".text:not(.heading)")) torn = 0.3; // what it shows
    return 1 + 3 * (1 - zoom) + (1 - filled) ** 2 + torn;
  }

  // How large neighbouring parts can be on one slide (0 if they do not fit), and how much of it they fill. To measure
  // is what takes long, and the same neighbours are asked for again after every slide; so it is kept, until one of them
  // changes and its number with it.
  const known = new Map();
  let parted = 0;
  function measured(list, title) {
    for (const part of list) part.number ||= (parted += 1);
    const key = `${title} ${list.map((part) => part.number)}`;
    if (!known.has(key)) {
      const slide = newSlide(title);
      stage.firstChild.replaceChildren(slide);
      fill(slide, list);
      const fitted = size(slide, 1, SMALLEST);
      const last = page(slide).lastElementChild;
      known.set(key, fitted
        ? [Number(page(slide).style.getPropertyValue("--zoom")), Math.min(1, (last.offsetTop + last.offsetHeight) / page(slide).clientHeight)]
        : [0, 1]);
    }
    return known.get(key);
  }

  // The cheapest way to put a list of parts on slides: how many parts the first slide takes; 0 if one fits nowhere.
  function firstBreak(list) {
    const best = Array(list.length + 1).fill(Infinity), next = Array(list.length + 1).fill(0);
    best[list.length] = 0;
    for (let i = list.length - 1; i >= 0; i -= 1) {
      for (let j = i + 1; j <= list.length; j += 1) {
        const price = cost(list, i, j);
        if (price + best[j] < best[i]) { best[i] = price + best[j]; next[i] = j; }
        if (price === Infinity && !list[j - 1].heading) break; // more parts will not fit either
      }
    }
    return next[0];
  }

  // A code cell that is too long for a slide goes on on the next one, broken near its middle: best at an empty line,
  // else where the code is indented least.
  function splitCode(part) {
    const pres = [...part.element.querySelectorAll(".source pre")];
    if (!pres.length) return null;
    const lines = pres.map((pre) => pre.innerHTML.replace(/\n$/, "").split("\n"));
    const most = Math.max(...lines.map((list) => list.length));
    if (most < 8) return null;
    const rest = part.element.cloneNode(true);
    const others = [...rest.querySelectorAll(".source pre")];
    lines.forEach((list, i) => {
      const middle = Math.round(list.length / 2);
      const price = (j) => {
        const line = list[j].replace(/<[^>]*>/g, "");
        return Math.abs(j - middle) + (line.trim() ? 2 + line.search(/\S/) : 0);
      };
      let at = middle;
      for (let j = 3; j < list.length - 2; j += 1) if (price(j) < price(at)) at = j;
      pres[i].innerHTML = list.slice(0, at).join("\n") + "\n";
      others[i].innerHTML = list.slice(at).join("\n").replace(/^\n+/, "") + "\n";
    });
    return { ...part, element: rest, first: false, begins: "-", number: 0, codes: [] };
  }

  const laidOut = [];
  for (const group of groups) {
    let list = [...group.parts], vertical = group.vertical;
    while (list.length) {
      let taken = firstBreak(list);
      if (!taken) {
        // Some part is larger than a slide. Long lines are wrapped, long code goes on on the next slide; what
        // is left, a large table or figure, gets a slide of its own and is made as small as it must be.
        const large = list.findIndex((part, i) => !part.heading && cost(list, i, i + 1) === Infinity);
        const tooWide = large >= 0 && list[large].element.matches(".code:not(.pair):not(.wrap)")
          && list[large].element.querySelector("pre").textContent.split("\n").some((line) => line.length > 130);
        if (tooWide || (large >= 0 && list[large].element.matches(".output:not(.wrap)"))) {
          list[large].element.classList.add("wrap");
          delete list[large].number;
          continue;
        }
        const rest = large >= 0 ? splitCode(list[large]) : null;
        if (rest) {
          delete list[large].notes;
          delete list[large].number;
          list.splice(large + 1, 0, rest);
          continue;
        }
        taken = large > 0 && !list[large - 1].heading ? large : Math.max(1, large + 1);
        if (large > 0 && taken === large) {
          // what stands before it is laid out as a list of its own
          const before = list.splice(0, large);
          groups.splice(groups.indexOf(group) + 1, 0, { vertical: true, parts: [...list] });
          list = before;
          continue;
        }
      }
      const slide = newSlide(laidOut.length === 0);
      stage.firstChild.replaceChildren(slide);
      fill(slide, list.slice(0, taken));
      if (!size(slide, LARGEST, SMALLEST)) size(slide, SMALLEST, 0.4);
      const mine = list.splice(0, taken);
      laidOut.push({ slide, parts: mine, vertical });
      stage.firstChild.replaceChildren();
      vertical = true;
    }
  }

  // --- the deck -------------------------------------------------------------------------------------------------

  // What the notes say about a section is said again where it begins: "Before section 5: …", "1 to 3 take 20 minutes".
  const said = [...lesson.querySelectorAll("aside.notes p")].flatMap((note) => note.textContent.split(/(?<=[.?!)])\s+(?=[A-Z(])/));
  const aboutSection = (number) => said.filter((sentence) =>
    [...sentence.matchAll(/(?:[Ss]ections?|[,;]|and)\s+(\d+)\b(?!\s*(?:minutes|seconds))/g)].some((named) => named[1] === number));

  // The instructor's plan, as pairs of a section and the minutes that the sections up to it take; a slide belongs to the
  // section it begins in, and what follows the last section to its end. Without a plan: an even pace.
  const minutes = Number(document.body.dataset.minutes);
  const plan = JSON.parse(document.body.dataset.plan);
  const numberOf = (heading) => Number(/^\s*(\d+)\s/.exec(heading?.textContent || "")?.[1] || 0);
  let within = 0, over = false;
  const spans = laidOut.map(({ parts: mine }) => {
    const go = (heading) => {
      if (!heading) return;
      over ||= !numberOf(heading) && within === plan.at(-1)?.[0];
      within = numberOf(heading) || within;
    };
    const headings = mine.map((part) => part.element.querySelector("h2"));
    go(headings[0]);
    const span = over ? plan.length : plan.findIndex(([last]) => within <= last);
    headings.slice(1).forEach(go);
    return span;
  });
  function clock(number) {
    if (!plan.length) return `Minute ${Math.round((minutes * number) / laidOut.length)} of ${minutes}, at an even pace.`;
    const span = spans[number];
    const before = plan.slice(0, span).reduce((sum, [, more]) => sum + more, 0);
    if (span === plan.length) return `Minute ${before} of ${minutes}.`;
    const first = spans.indexOf(span), among = spans.filter((other) => other === span).length;
    const now = `Minute ${Math.round(before + (plan[span][1] * (number - first)) / among)} of ${minutes}.`;
    if (number !== first) return now;
    const [last, more] = plan[span], from = span ? plan[span - 1][0] + 1 : 1;
    return `${now} ${from === last ? `Section ${last} takes` : `Sections ${from} to ${last} take`} ${more} minutes.`;
  }

  let stack = null;
  laidOut.forEach(({ slide, parts: mine, vertical }, number) => {
    fill(slide, mine);
    const heading = mine.map((part) => part.element.querySelector("h1, h2")).find(Boolean);
    const own = heading && page(slide).firstElementChild.contains(heading);
    const repeated = page(slide).querySelector(".continued");
    if (heading) section = heading.tagName === "H1" ? "" : heading.textContent;
    slide.querySelector(".running").innerHTML = "<span></span><span></span>";
    const [left, right] = slide.querySelector(".running").children;
    left.textContent = number && repeated?.textContent !== lessonTitle ? lessonTitle : "";
    right.textContent = own || (repeated && repeated.textContent === section) ? "" : section;
    slide.classList.toggle("opens", Boolean(own && number));
    if (number === 0) slide.append(lesson.querySelector(".title-drawing"));
    // What the lesson reveals step by step, and after a question for the room everything; never the first thing on a
    // slide.
    let index = -1, cell = null, asked = null, answered = false;
    mine.forEach((part, i) => {
      const waits = i > 0 && mine.slice(0, i).some((before) => before.cell !== part.cell);
      if (waits && (asked ? part.cell !== asked : part.fragment)) {
        if (asked && !part.fragment ? !answered : part.cell !== cell) index += 1;
        answered = Boolean(asked);
        cell = part.cell;
        part.element.classList.add("fragment");
        part.element.dataset.fragmentIndex = index;
      }
      if (part.asks) [asked, answered] = [part.cell, false];
    });
    const codes = mine.flatMap((part) => part.codes);
    if (codes.length) {
      const behind = document.createElement("div");
      behind.className = "code-behind";
      behind.hidden = true;
      const measured = codes.filter((code) => code.matches(".claim")); // first: who asks for them shall not have to scroll
      behind.append(...measured, ...codes.filter((code) => !measured.includes(code)));
      slide.append(behind);
    }
    const notes = mine.flatMap((part) => part.notes || []);
    const aside = document.createElement("aside");
    aside.className = "notes";
    aside.innerHTML = `<p>${clock(number)}</p>`;
    const begun = own && number ? numberOf(heading) : 0;
    for (const sentence of begun ? aboutSection(String(begun)) : []) {
      const again = document.createElement("p");
      again.textContent = sentence;
      aside.append(again);
    }
    aside.append(...notes.flatMap((note) => [...note.childNodes]));
    slide.append(aside);
    if (!vertical || !stack) {
      stack = document.createElement("section");
      slides.append(stack);
    }
    stack.append(slide);
  });
  stage.remove();
  lesson.remove();
  for (const group of [...slides.children]) if (group.children.length === 1) group.replaceWith(group.firstElementChild);

  delete document.documentElement.dataset.theme;
  for (const script of document.querySelectorAll("[data-layout]")) script.remove();
  window.laidOut = { slides: laidOut.length };
})();
