// Shows a deck that was laid out when it was made: keys, theme, and the code that is not on the wall.
(async () => {
  "use strict";

  const address = new URLSearchParams(location.search);
  document.documentElement.dataset.theme = address.get("theme") || localStorage.getItem("theme") || "light";

  const code = document.querySelector("dialog.code-of-slide");
  const typing = () => Boolean(document.activeElement && document.activeElement.matches("input, select, textarea"));

  function showCode() {
    const behind = Reveal.getCurrentSlide().querySelector(".code-behind");
    const none = document.createElement("p");
    none.textContent = "All code of this slide is on it.";
    code.querySelector(".sources").replaceChildren(...(behind ? behind.cloneNode(true).childNodes : [none]));
    code.showModal();
    code.querySelector(".sources").scrollTop = 0;
    code.querySelector(".sources").focus(); // or the arrow keys scroll nothing
  }
  code.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "c") code.close();
    event.stopPropagation(); // the arrow keys scroll the code, and the slide stays
  });
  code.querySelector("button").addEventListener("click", () => code.close());

  function switchTheme() {
    const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    localStorage.setItem("theme", next);
  }

  // A slider keeps the arrow keys, and no others: after it was moved, a clicker still turns the page.
  document.addEventListener("keydown", (event) => {
    const control = document.activeElement;
    if (!control?.matches('select, input[type="range"], input[type="checkbox"], input[type="radio"]')) return;
    if (["PageDown", "PageUp"].includes(event.key) || (control.type === "range" && [" ", "n", "p"].includes(event.key))) control.blur();
    if (event.key === "Escape") {
      control.blur();
      event.stopPropagation(); // and opens no overview
    }
  }, true);

  // A slide asks for its letters when it is shown; until they are there it would stand in others, mostly wider.
  const letters = [...new Set(document.querySelector(".slides").textContent)].join("");
  await Promise.all([...document.fonts].map(({ style, weight, family }) =>
    document.fonts.load(`${style} ${weight} 16px "${family.replace(/"/g, "")}"`, letters)));
  await Reveal.initialize({
    width: 1280, height: 720, margin: 0, minScale: 0.1, maxScale: 3, center: false,
    hash: true, history: false, slideNumber: "c/t", transition: "none", backgroundTransition: "none",
    navigationMode: "linear", pdfSeparateFragments: false, pdfMaxPagesPerSlide: 1,
    // The arrow keys belong to a slider that has the focus.
    keyboardCondition: () => !typing() && !code.open,
    keyboard: { 67: showCode, 68: switchTheme },
    plugins: [RevealNotes],
  });
  window.deckReady = { slides: Reveal.getTotalSlides(), smaller: 0 };
  // Another browser than the one that laid out the slides may break a line elsewhere: a slide too high is made smaller.
  function fit(slide) {
    const page = slide.querySelector(".page");
    const tooHigh = () => page.scrollHeight > page.clientHeight + 1;
    if (!tooHigh()) return;
    window.deckReady.smaller += 1;
    let zoom = Number(page.style.getPropertyValue("--zoom") || 1);
    while (tooHigh() && zoom > 0.6) {
      zoom -= 0.05;
      page.style.setProperty("--zoom", zoom.toFixed(2));
    }
  }
  Reveal.on("slidechanged", ({ currentSlide }) => {
    if (typing()) document.activeElement.blur();
    fit(currentSlide);
  });
  fit(Reveal.getCurrentSlide());
})();
