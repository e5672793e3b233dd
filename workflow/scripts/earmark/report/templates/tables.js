// Tables that sort by any column, protocols that are chosen, intervals that can be hidden.
"use strict";
for (const table of document.querySelectorAll("table[data-sort]")) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const key = `sort.${table.dataset.sort}`;
  const value = (row, place) => {
    const cell = row.cells[place];
    return "value" in cell.dataset ? Number(cell.dataset.value) : null;
  };
  const compare = (place, down) => (a, b) => {
    if (place === 0) {
      const order = a.cells[0].textContent.localeCompare(b.cells[0].textContent);
      return down ? -order : order;
    }
    const [x, y] = [value(a, place), value(b, place)];
    if (x === null || y === null) return (x === null) - (y === null);
    return down ? y - x : x - y;
  };
  const apply = () => {
    const [name, direction] = state.get(key).split(/:(?=[a-z]+$)/);
    const place = heads.findIndex((head) => head.dataset.key === name);
    heads.forEach((head, at) => head.setAttribute("aria-sort",
      at !== place ? "none" : direction === "down" ? "descending" : "ascending"));
    const rows = place < 0 ? original
      : original.slice().sort(compare(place, direction === "down"));
    body.append(...rows);
  };
  for (const head of heads) {
    const button = head.querySelector("button");
    button?.addEventListener("click", () => {
      const first = head.dataset.first ?? "up";
      const now = head.getAttribute("aria-sort");
      const direction = now === "none" ? first : now === "ascending" ? "down" : "up";
      state.set({ [key]: `${head.dataset.key}:${direction}` }, "leaderboard");
    });
  }
  state.listen(apply);
  apply();
}

for (const button of document.querySelectorAll("button[data-intervals]")) {
  const apply = () => {
    const hidden = state.get("intervals") === "off";
    button.setAttribute("aria-pressed", String(!hidden));
    for (const table of document.querySelectorAll(".board")) {
      table.classList.toggle("plain", hidden);
    }
  };
  button.addEventListener("click", () => {
    state.set({ intervals: state.get("intervals") === "off" ? null : "off" }, "leaderboard");
  });
  state.listen(apply);
  apply();
}

for (const choice of document.querySelectorAll("select[data-protocol]")) {
  const benchmark = choice.dataset.protocol;
  const apply = () => {
    const given = state.get(`protocol.${benchmark}`);
    const known = [...choice.options].some((option) => option.value === given);
    choice.value = known ? given : choice.options[0].value;
    for (const card of document.querySelectorAll(".card[data-of]")) {
      if (card.dataset.of === benchmark) card.hidden = card.dataset.under !== choice.value;
    }
  };
  choice.addEventListener("change", () => {
    state.set({ [`protocol.${benchmark}`]: choice.value }, "leaderboard");
    // Each protocol's card has a choice of its own: go on in the one that is shown now.
    [...document.querySelectorAll(".card:not([hidden]) select[data-protocol]")]
      .find((other) => other.dataset.protocol === benchmark)?.focus();
  });
  state.listen(apply);
  apply();
}
