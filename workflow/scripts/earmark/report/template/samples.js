// The sample browser: which rows, in which order, a page of them at a time.
"use strict";
const browser = (() => {
  const { splits, models, size } = report.samples;
  const root = document.getElementById("browser");
  if (!root || !splits.length) return null;
  const PAGE = 20;
  const form = root.querySelector("form");
  const list = root.querySelector("[data-list]");
  const count = root.querySelector("[data-count]");
  const [back, on] = root.querySelectorAll("[data-page]");
  const at = { split: 0 };
  let turn = 0;

  const chosenSplit = () => splits.find((split) => split.key === state.get("split")) ?? splits[0];
  function chosenModels(split) {
    const first = models.indexOf(state.get("model"));
    const one = split.models.includes(first) ? first : split.models[0];
    const other = models.indexOf(state.get("with"));
    return split.models.includes(other) && other !== one ? [one, other] : [one];
  }

  const SORTS = {
    worst: ["worst first", (a) => a.cost],
    best: ["best first", (a) => a.cost.map((cost) => (cost === null ? null : -cost))],
    rate: ["highest error rate", (a) => a.cost.map((cost, row) => (
      cost === null || !a.words?.[row] ? null : cost / a.words[row]))],
    apart: ["models furthest apart", (a, u, b) => (b ? a.cost.map((cost, row) => (
      cost === null || b.cost[row] === null ? null : Math.abs(cost - b.cost[row]))) : a.cost)],
    long: ["longest audio", (a, u) => u.duration],
    short: ["shortest audio", (a, u) => u.duration.map((d) => (d === null ? null : -d))],
    order: ["as in the manifest", null],
  };
  const sortsOf = (split, chosen) => Object.keys(SORTS).filter((name) => (
    (name !== "apart" || chosen.length > 1) && (name !== "rate" || split.kind === "asr")));
  const chosenSort = (split, chosen) => (
    sortsOf(split, chosen).includes(state.get("order")) ? state.get("order") : "worst");

  function ranked(split, chosen, utterances, indices) {
    const order = Array.from({ length: utterances.duration.length }, (_, row) => row);
    const of = SORTS[chosenSort(split, chosen)][1];
    if (!of) return order;
    const values = of(indices[0], utterances, indices[1]).map((value) => value ?? -Infinity);
    return order.sort((x, y) => (values[y] > values[x]) - (values[y] < values[x]) || x - y);
  }

  // Whether a row passes everything but the search for text.
  function passing(utterances, indices) {
    const mask = Number(state.get("kinds", "0"));
    const seconds = state.get("seconds");
    const [low, high] = seconds.split("-").map(Number);
    const facets = utterances.facets.map((facet) => (
      [facet, facet.values.indexOf(state.get(facet.name))])).filter(([, wanted]) => wanted >= 0);
    return (row) => {
      if (mask && !indices.some((index) => index.kinds[row] & mask)) return false;
      const long = utterances.duration[row];
      if (seconds && (long === null || long < low || (high && long >= high))) return false;
      return facets.every(([facet, wanted]) => facet.of[row].includes(wanted));
    };
  }

  const piecesOf = (split, chosen, row) => {
    const piece = Math.floor(row / size);
    return [`u${split.at}-${piece}`, ...chosen.map((model) => `a${split.at}-${model}-${piece}`)];
  };
  async function rowsAt(split, chosen, row) {
    const loaded = await Promise.all(piecesOf(split, chosen, row).map(pieces.load));
    return loaded.map((rows) => rows[row % size]);
  }

  // The rows of an order that hold a text, in the reference, an answer, a question or the id; the
  // one whose id it is comes first.
  async function holding(split, chosen, order, text) {
    const all = new Map();
    for (let start = 0; start < split.entries; start += size) {
      all.set(start / size, Promise.all(piecesOf(split, chosen, start).map(pieces.load)));
    }
    for (const [piece, loading] of all) all.set(piece, await loading);
    const wanted = text.toLowerCase();
    const found = order.filter((row) => all.get(Math.floor(row / size)).some((rows) => {
      const one = rows[row % size];
      one.found ??= [one.id, one.reference, one.text, one.question, one.answer, one.hypothesis,
        one.raw].filter(Boolean).join("\n").toLowerCase();
      return one.found.includes(wanted);
    }));
    const named = found.findIndex((row) => all.get(Math.floor(row / size))[0][row % size].id === text);
    if (named > 0) found.unshift(...found.splice(named, 1));
    return found;
  }

  function option(value, label, chosen) {
    return element("option", { value, selected: value === chosen }, label);
  }
  function fill(name, options, chosen) {
    const choice = form.elements[name];
    choice.replaceChildren(...options.map(([value, label]) => option(value, label, chosen)));
    choice.value = chosen;
  }

  // The form says what the address says.
  function lay(split, chosen, utterances) {
    fill("split", splits.map(({ key, name }) => [key, name]), split.key);
    const named = split.models.map((model) => [models[model], models[model]]);
    fill("model", named, models[chosen[0]]);
    fill("with", [["", "no other"], ...named.filter(([name]) => name !== models[chosen[0]])],
      chosen.length > 1 ? models[chosen[1]] : "");
    fill("order", sortsOf(split, chosen).map((name) => [name, SORTS[name][0]]),
      chosenSort(split, chosen));
    fill("seconds", [["", "any"], ...report.samples.buckets], state.get("seconds"));
    if (document.activeElement !== form.elements.q) form.elements.q.value = state.get("q");
    const { name: field, dataset: { kind } = {} } = document.activeElement ?? {};
    const facets = form.querySelector("[data-facets]");
    facets.replaceChildren(...utterances.facets.map(({ name, title, values }) => (
      element("label", {}, title, element("select", { name }, option("", "any", state.get(name)),
        ...values.map((value) => option(value, value, state.get(name))))))));
    const mask = Number(state.get("kinds", "0"));
    const kinds = form.querySelector("[data-kinds]");
    kinds.replaceChildren(...report.samples.kinds[split.kind].map(([bit, label]) => (
      element("button", {
        type: "button", "aria-pressed": String(Boolean(mask & bit)), "data-kind": label,
        onclick: () => change({ kinds: mask ^ bit || null }),
      }, label))));
    // What was made anew keeps the focus, for those who filter by keyboard.
    const before = kind ? [...kinds.children].find((button) => button.dataset.kind === kind)
      : field ? facets.querySelector(`select[name="${CSS.escape(field)}"]`) : null;
    before?.focus();
  }

  const change = (changes) => state.set({ page: null, ...changes }, "samples");

  async function show() {
    const mine = ++turn;
    const current = () => mine === turn;
    const split = chosenSplit();
    const chosen = chosenModels(split);
    root.setAttribute("aria-busy", "true");
    try {
      const [utterances, ...indices] = await Promise.all(
        [`u${split.at}`, ...chosen.map((model) => `a${split.at}-${model}`)].map(pieces.load));
      if (!current()) return;
      lay(split, chosen, utterances);
      let order = ranked(split, chosen, utterances, indices).filter(passing(utterances, indices));
      const text = state.get("q").trim();
      if (text) {
        count.textContent = "Searching…";
        order = await holding(split, chosen, order, text);
        if (!current()) return;
      }
      const last = Math.max(0, Math.ceil(order.length / PAGE) - 1);
      at.page = Math.min(last, Math.max(0, Number(state.get("page", "1")) - 1 || 0));
      const first = at.page * PAGE;
      const shown = order.slice(first, first + PAGE);
      const rows = await Promise.all(shown.map((row) => rowsAt(split, chosen, row)));
      if (!current()) return;
      const number = (value) => value.toLocaleString("en");
      count.textContent = !order.length ? `None of ${number(split.entries)} samples`
        : `${number(first + 1)}–${number(first + shown.length)} of ${number(order.length)} samples`
          + (order.length < split.entries ? ` (${number(split.entries)} in all)` : "");
      back.disabled = at.page === 0;
      on.disabled = at.page >= last;
      list.replaceChildren(...rows.map(([utterance, ...answers], nth) => cards.show(
        split, shown[nth], utterance, answers.map((row, side) => (
          { name: models[chosen[side]], row, index: indices[side] })))));
      if (!rows.length) {
        list.append(element("p", { class: "empty" }, "No sample is like that. Take a filter away."));
      }
    } catch (error) {
      if (!current()) return;
      count.textContent = "The samples cannot be shown";
      list.replaceChildren(element("p", { class: "empty", role: "alert" }, error.message));
    } finally {
      if (current()) root.setAttribute("aria-busy", "false");
    }
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", ({ target }) => {
    if (!target.name || target.name === "q") return;
    change(target.name === "split"
      ? { split: target.value, kinds: null, seconds: null } : { [target.name]: target.value });
  });
  let typing;
  form.elements.q.addEventListener("input", ({ target }) => {
    clearTimeout(typing);
    typing = setTimeout(() => change({ q: target.value }), 150);
  });
  const turnPage = (step) => {
    state.set({ page: String(at.page + 1 + step) }, "samples");
    form.scrollIntoView();
  };
  back.addEventListener("click", () => turnPage(-1));
  on.addEventListener("click", () => turnPage(1));
  let seen = "";
  const KEYS = /^(split|model|with|order|seconds|kinds|q|page|category|subcategory|length_type|skill)$/;
  const fresh = () => {
    const now = state.only(KEYS);
    if (now !== seen) { seen = now; show(); }
  };
  state.listen(fresh);
  seen = state.only(KEYS);
  show();
  return { show };
})();
