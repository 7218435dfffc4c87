// Moves a recorded explorer: sliders choose among pictures that were computed when the lesson was stored.
(() => {
  "use strict";

  function play(player) {
    const { frames } = JSON.parse(player.querySelector("script").textContent);
    const sliders = [...player.querySelectorAll("input")];
    const starts = sliders.map((slider) => slider.value);
    const picture = player.querySelector("img");
    const words = player.querySelector(".explorer-words");
    const named = (slider) => JSON.parse(slider.dataset.values)[slider.value];

    function show(moved) {
      let key = sliders.map((slider) => slider.value).join(",");
      if (!frames[key]) {
        // Only one control moves at a time in this recording: the others go back to where they started.
        sliders.forEach((slider, i) => { if (slider !== moved) slider.value = starts[i]; });
        key = sliders.map((slider) => slider.value).join(",");
      }
      for (const slider of sliders) {
        slider.setAttribute("aria-valuetext", named(slider));
        slider.closest("label").querySelector("output").textContent = named(slider);
      }
      if (picture) picture.src = "data:image/webp;base64," + frames[key].image;
      words.innerHTML = frames[key].words;
      player.dataset.shown = key;
    }

    for (const slider of sliders) slider.addEventListener("input", () => show(slider));
    show();
  }

  const begin = () => document.querySelectorAll(".explorer-player").forEach(play);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
