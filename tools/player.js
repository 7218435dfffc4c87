// Moves a recorded explorer: sliders and lists choose among pictures that were computed when the lesson was stored.
(() => {
  "use strict";

  function play(player) {
    const { frames } = JSON.parse(player.querySelector("script").textContent);
    const controls = [...player.querySelectorAll("input, select")];
    const starts = controls.map((control) => control.value);
    const picture = player.querySelector("img");
    const words = player.querySelector(".explorer-words");
    const named = (slider) => JSON.parse(slider.dataset.values)[slider.value];
    const key = () => controls.map((control) => control.value).join(",");

    function show(moved) {
      if (!frames[key()]) {
        // Only one control moves at a time in this recording: the others go back to where they started.
        controls.forEach((control, i) => { if (control !== moved) control.value = starts[i]; });
      }
      for (const slider of controls.filter((control) => control.matches("input"))) {
        slider.setAttribute("aria-valuetext", named(slider));
        slider.closest("label").querySelector("output").textContent = named(slider);
      }
      if (picture) picture.src = "data:image/webp;base64," + frames[key()].image;
      words.innerHTML = frames[key()].words;
      player.dataset.shown = key();
    }

    for (const control of controls) control.addEventListener("input", () => show(control));
    show();
  }

  const begin = () => document.querySelectorAll(".explorer-player").forEach(play);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
