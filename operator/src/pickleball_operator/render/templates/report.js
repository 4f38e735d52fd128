"use strict";
(() => {
  const entries = [...document.querySelectorAll(".entry")];
  const texts = entries.map((entry) => entry.textContent.toLowerCase());
  const search = document.getElementById("search");
  const chips = [...document.querySelectorAll("[data-filter]")];
  const expand = document.getElementById("expand");
  const count = document.getElementById("count");
  const none = document.getElementById("none");

  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = {};
    for (const chip of chips.filter((one) => one.getAttribute("aria-pressed") === "true")) {
      (wanted[chip.dataset.filter] ??= new Set()).add(chip.dataset.value);
    }
    let shown = 0;
    entries.forEach((entry, place) => {
      const fits = words.every((word) => texts[place].includes(word))
        && Object.entries(wanted).every(([key, values]) => values.has(entry.dataset[key]));
      entry.hidden = !fits;
      shown += fits;
    });
    count.textContent = `${shown} shown`;
    none.hidden = shown > 0;
  };

  search.addEventListener("input", show);
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
      show();
    });
  }
  expand.addEventListener("click", () => {
    const open = expand.getAttribute("aria-pressed") !== "true";
    expand.setAttribute("aria-pressed", String(open));
    expand.textContent = open ? "Close all" : "Open all";
    for (const entry of entries) entry.open = open;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== search) {
      event.preventDefault();
      search.focus();
    }
  });
})();
