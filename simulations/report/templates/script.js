"use strict";
(() => {
  const root = document.documentElement;
  const of = (id) => document.getElementById(id);
  const switches = { en: of("lang-en"), zh: of("lang-zh") };
  const swapped = [...document.querySelectorAll("[data-zh]")];
  swapped.forEach((node) => { node.dataset.en = node.textContent; });

  const speak = (language) => {
    switches[language].checked = true;
    root.lang = language === "zh" ? "zh-Hans" : "en";
    swapped.forEach((node) => { node.textContent = node.dataset[language]; });
  };
  Object.entries(switches).forEach(([language, node]) => node.addEventListener("change", () => speak(language)));
  const wanted = new URLSearchParams(location.search).get("lang") || navigator.language || "en";
  speak(wanted.toLowerCase().startsWith("zh") ? "zh" : "en");

  const deck = of("deck");
  if (deck) {
    const cards = [...deck.children];
    const arrange = () => {
      const key = of("sort").value;
      const rising = key === "truth";
      const worth = (card) => Number(card.dataset[key] || 0) * (rising ? 1 : -1);
      const number = (card) => Number(card.dataset.number);
      cards.sort((one, other) => (key === "number" ? 0 : worth(one) - worth(other)) || number(one) - number(other));
      deck.append(...cards);
    };
    const sift = () => {
      const sought = of("filter").value.trim().toLowerCase();
      cards.forEach((card) => { card.hidden = !card.textContent.toLowerCase().includes(sought); });
      of("shown").textContent = `${cards.filter((card) => !card.hidden).length} / ${cards.length}`;
    };
    of("sort").addEventListener("change", arrange);
    of("filter").addEventListener("input", sift);
    of("tools").hidden = false;
    sift();
  }

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((node) => { node.open = true; });
  });
  addEventListener("afterprint", () => closed.forEach((node) => { node.open = false; }));
})();
