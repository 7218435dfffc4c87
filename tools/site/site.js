// Pairs: PyTorch and Keras in tabs that follow one choice, or side by side where there is room (site.css decides).
(() => {
  "use strict";
  const names = ["PyTorch", "Keras"];
  let made = 0;

  function choose(name) {
    localStorage.setItem("framework", name);
    for (const pair of document.querySelectorAll(".pair")) {
      pair.querySelectorAll("[role=tab]").forEach((tab) => {
        const chosen = tab.textContent === name;
        tab.setAttribute("aria-selected", chosen);
        tab.tabIndex = chosen ? 0 : -1;
        document.getElementById(tab.getAttribute("aria-controls")).classList.toggle("chosen", chosen);
      });
    }
  }

  function join(halves) {
    const pair = document.createElement("div");
    pair.className = "pair";
    halves[0].before(pair);
    const list = document.createElement("div");
    list.className = "pair-tabs";
    list.setAttribute("role", "tablist");
    list.setAttribute("aria-label", "Framework");
    pair.append(list);
    halves.forEach((half, i) => {
      made += 1;
      const tab = document.createElement("button");
      tab.type = "button";
      tab.textContent = names[i];
      tab.id = `tab-${made}`;
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", `panel-${made}`);
      tab.addEventListener("click", () => {
        // The page must not jump when pairs above this one change their height.
        const before = tab.getBoundingClientRect().top;
        choose(names[i]);
        window.scrollBy(0, tab.getBoundingClientRect().top - before);
      });
      tab.addEventListener("keydown", (event) => {
        if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
        choose(names[1 - i]);
        list.querySelector("[aria-selected=true]").focus();
      });
      list.append(tab);
      const panel = document.createElement("div");
      panel.className = `pair-panel ${names[i].toLowerCase()}`;
      panel.id = `panel-${made}`;
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", tab.id);
      panel.append(half);
      pair.append(panel);
    });
  }

  for (const first of document.querySelectorAll(".cell.tag_pytorch")) {
    const second = first.nextElementSibling;
    if (second && second.matches(".cell.tag_keras")) join([first, second]);
  }
  choose(names.includes(localStorage.getItem("framework")) ? localStorage.getItem("framework") : names[0]);

  // The index of claims: show those that say some words, in any order; the headings above a claim count as its words.
  const filter = document.querySelector(".claim-filter");
  if (filter) {
    const said = (node) => (node?.textContent || "").toLowerCase();
    const groups = [...document.querySelectorAll(".claim-group")].map((group) => ({
      group, heading: `${said(group.parentElement.querySelector("h2"))} ${said(group.querySelector("a"))}`, text: said(group),
      entries: [...group.querySelectorAll(".claim-entry")].map((entry) => ({ entry, text: said(entry) })),
    }));
    const lessons = [...document.querySelectorAll("section")].filter((section) => section.querySelector(":scope > .claim-group"));
    const input = filter.querySelector("input");
    const find = () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      const fits = (text) => words.every((word) => text.includes(word));
      let shown = 0;
      for (const { group, heading, text, entries } of groups) {
        for (const { entry, text: claim } of entries) entry.hidden = !fits(`${heading} ${claim}`);
        const left = entries.filter(({ entry }) => !entry.hidden).length;
        shown += left;
        group.hidden = entries.length ? !left : !fits(`${heading} ${text}`);
      }
      for (const lesson of lessons) lesson.hidden = !lesson.querySelector(":scope > .claim-group:not([hidden])");
      filter.querySelector("output").textContent = words.length ? `${shown} ${shown === 1 ? "claim" : "claims"}` : "";
    };
    input.addEventListener("input", find);
    filter.hidden = false;
    find();
  }

  // Code, tables and formulas that are wider than the page can be scrolled with the keyboard too.
  function reachable() {
    const wide = ".highlight pre, .lesson-table, .table-wrapper, .cell_output pre, mjx-container[display=true]";
    for (const node of document.querySelectorAll(wide)) {
      if (node.scrollWidth > node.clientWidth) node.tabIndex = 0;
    }
  }
  // Formulas have their width when MathJax has set them.
  window.addEventListener("load", () => Promise.resolve(window.MathJax?.startup?.promise).then(() => {
    keepStops(document.body);
    reachable();
  }));
})();
