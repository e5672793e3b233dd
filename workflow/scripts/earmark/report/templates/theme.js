// The colour scheme, chosen before anything is painted: the reader's, else the system's.
"use strict";
const theme = (() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try { chosen = localStorage.getItem("earmark-theme"); } catch { /* no storage: not remembered */ }
  const apply = () => {
    document.documentElement.dataset.theme = chosen ?? (system.matches ? "dark" : "light");
  };
  system.addEventListener("change", apply);
  apply();
  return {
    toggle() {
      chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
      try { localStorage.setItem("earmark-theme", chosen); } catch { /* as above */ }
      apply();
    },
  };
})();
