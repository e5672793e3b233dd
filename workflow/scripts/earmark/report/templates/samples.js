// The sample browser: which rows, in which order, a page of them at a time.
"use strict";
const browser = (() => {
  const { models } = report;
  const { splits, size } = report.samples;
  const root = document.getElementById("browser");
  if (!root || !splits.length) return null;
  const PAGE = 20;
  const EVERY = "*"; // all models beside the first
  const form = root.querySelector("form");
  const list = root.querySelector("[data-list]");
  const count = root.querySelector("[data-count]");
  const named = root.querySelector("[data-named]");
  const legend = document.querySelector(".legend");
  const [back, on] = root.querySelectorAll("[data-page]");
  const at = { page: 0 };
  let turn = 0;

  // A view is a split, or all splits of a benchmark, by what all of them were counted.
  const views = splits.map((split) => ({ ...split, parts: [split] }));
  for (const benchmark of new Set(splits.map((split) => split.benchmark))) {
    const parts = splits.filter((split) => split.benchmark === benchmark);
    if (parts.length > 1) {
      views.push({
        ...parts[0], parts, key: `${benchmark}/*`, name: `${benchmark}: all splits`,
        models: models.map((_, at) => at).filter((at) => parts.some((one) => one.models.includes(at))),
        protocols: parts[0].protocols.filter((name) => parts.every((one) => one.protocols.includes(name))),
      });
    }
  }
  const chosenView = () => views.find((view) => view.key === state.get("split")) ?? views[0];
  function chosenModels(view) {
    const first = models.indexOf(state.get("model"));
    const one = view.models.includes(first) ? first : view.models[0];
    if (state.get("with") === EVERY) return [one, ...view.models.filter((model) => model !== one)];
    const other = models.indexOf(state.get("with"));
    return view.models.includes(other) && other !== one ? [one, other] : [one];
  }
  const chosenProtocol = (view) => Math.max(0, view.protocols.indexOf(state.get("protocol")));

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
  const sortsOf = (view, chosen) => Object.keys(SORTS).filter((name) => (
    (name !== "apart" || chosen.length > 1) && (name !== "rate" || view.kind === "asr")));
  const chosenSort = (view, chosen) => (
    sortsOf(view, chosen).includes(state.get("order")) ? state.get("order") : "worst");

  // What one protocol counted of a split's answers, beside what holds for any.
  function counted(index, split, protocol) {
    const own = index.by[split.protocols.indexOf(protocol)] ?? index.by[0];
    const kinds = own.kinds ? index.kinds.map((bits, row) => bits | own.kinds[row]) : index.kinds;
    return { cost: own.cost, words: own.words, kinds };
  }

  // The facets of several splits as one: values by name, and each row's.
  function merged(parts) {
    const all = new Map();
    let rows = 0;
    for (const { facets, duration } of parts) {
      for (const { name, title, values, of } of facets) {
        if (!all.has(name)) all.set(name, { name, title, values: [], of: [] });
        const facet = all.get(name);
        const places = values.map((value) => {
          if (!facet.values.includes(value)) facet.values.push(value);
          return facet.values.indexOf(value);
        });
        while (facet.of.length < rows) facet.of.push([]);
        for (const mine of of) facet.of.push(mine.map((place) => places[place]));
      }
      rows += duration.length;
    }
    for (const facet of all.values()) while (facet.of.length < rows) facet.of.push([]);
    return [...all.values()] // those that tell rows apart
      .filter(({ values, of }) => values.length > 1 || of.some((mine) => !mine.length));
  }

  // All rows of a view, its splits one after another: where each is, and what ranks and filters it.
  async function tabled(view, chosen) {
    const parts = view.parts.filter((split) => chosen.every((model) => split.models.includes(model)));
    const loaded = await Promise.all(parts.map((split) => Promise.all(
      [`u${split.at}`, ...chosen.map((model) => `a${split.at}-${model}`)].map(pieces.load))));
    const protocol = view.protocols[chosenProtocol(view)];
    const answers = chosen.map((_, side) => {
      const own = loaded.map((one, n) => counted(one[side + 1], parts[n], protocol));
      const joined = (key) => (own[0]?.[key] ? own.flatMap((one) => one[key]) : undefined);
      return { cost: joined("cost") ?? [], words: joined("words"), kinds: joined("kinds") ?? [] };
    });
    return {
      protocol, answers, parts,
      places: loaded.flatMap(([{ duration }], n) => duration.map((_, row) => [parts[n], row])),
      duration: loaded.flatMap(([{ duration }]) => duration),
      facets: merged(loaded.map(([utterances]) => utterances)),
    };
  }

  function ranked(view, chosen, table) {
    const order = table.places.map((_, row) => row);
    const of = SORTS[chosenSort(view, chosen)][1];
    if (!of) return order;
    const [first, second] = table.answers;
    const values = of(first, table, second).map((value) => value ?? -Infinity);
    return order.sort((x, y) => (values[y] > values[x]) - (values[y] < values[x]) || x - y);
  }

  // Who is wrong: by the first model's answer, or by the first two's.
  const OUTCOMES = new Map([
    ["", "any"], ["1", "wrong"], ["0", "right"], ["10", "A wrong, B right"],
    ["01", "A right, B wrong"], ["11", "both wrong"], ["00", "both right"],
  ]);
  const outcomesOf = (chosen) => [...OUTCOMES.keys()]
    .filter((name) => !name || name.length === Math.min(2, chosen.length));
  const chosenOutcome = (chosen) => (
    outcomesOf(chosen).includes(state.get("outcome")) ? state.get("outcome") : "");
  const outcomeOf = (view, table, row) => {
    let found = "";
    for (const { cost, kinds } of table.answers.slice(0, 2)) {
      if (cost[row] === null) return null;
      found += (view.kind === "asr" ? cost[row] > 0 : kinds[row] & 128) ? "1" : "0";
    }
    return found;
  };
  const outcome = (view, chosen, table) => {
    const wanted = chosenOutcome(chosen);
    return (row) => !wanted || outcomeOf(view, table, row) === wanted;
  };
  const ofKinds = (table, mask) => (row) => (
    !mask || table.answers.some(({ kinds }) => kinds[row] & mask));

  // Whether a row is of the slice: its length and columns.
  function passing(table) {
    const seconds = state.get("seconds");
    const [low, high] = seconds.split("-").map(Number);
    const facets = table.facets.map((facet) => (
      [facet, facet.values.indexOf(state.get(facet.name))])).filter(([, wanted]) => wanted >= 0);
    return (row) => {
      const long = table.duration[row];
      if (seconds && (long === null || long < low || (high && long >= high))) return false;
      return facets.every(([facet, wanted]) => facet.of[row].includes(wanted));
    };
  }

  const piecesOf = ([split, row], chosen) => {
    const piece = Math.floor(row / size);
    return [`u${split.at}-${piece}`, ...chosen.map((model) => `a${split.at}-${model}-${piece}`)];
  };
  async function rowsAt(place, chosen) {
    const loaded = await Promise.all(piecesOf(place, chosen).map(pieces.load));
    return loaded.map((rows) => rows[place[1] % size]);
  }

  // The rows of an order that hold a text, in the reference, an answer, a question or the id; the
  // one whose id it is comes first.
  async function holding(table, chosen, order, text) {
    const all = new Map();
    for (const row of order) {
      for (const name of piecesOf(table.places[row], chosen)) {
        if (!all.has(name)) all.set(name, pieces.load(name));
      }
    }
    for (const [name, loading] of all) all.set(name, await loading);
    const rowsOf = (row) => piecesOf(table.places[row], chosen)
      .map((name) => all.get(name)[table.places[row][1] % size]);
    const wanted = text.toLowerCase();
    const found = order.filter((row) => rowsOf(row).some((one) => {
      one.found ??= [one.id, one.reference, one.text, one.question, one.answer, one.hypothesis,
        one.raw].filter(Boolean).join("\n").toLowerCase();
      return one.found.includes(wanted);
    }));
    const named = found.findIndex((row) => rowsOf(row)[0].id === text);
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
  function lay(view, chosen, table, slice) {
    fill("split", views.map(({ key, name }) => [key, name]), view.key);
    const named = view.models.map((model) => [models[model], models[model]]);
    fill("model", named, models[chosen[0]]);
    const every = named.length > 2 ? [[EVERY, "all models"]] : [];
    fill("with", [["", "no other"], ...every, ...named.filter(([name]) => name !== models[chosen[0]])],
      state.get("with") === EVERY && every.length ? EVERY
        : chosen.length > 1 ? models[chosen[1]] : "");
    fill("order", sortsOf(view, chosen).map((name) => [name, SORTS[name][0]]),
      chosenSort(view, chosen));
    fill("protocol", view.protocols.map((name) => [name, name]), table.protocol);
    form.elements.protocol.parentElement.hidden = view.protocols.length < 2;
    if (legend) legend.hidden = view.kind !== "asr";
    fill("seconds", [["", "any"], ...report.samples.buckets], state.get("seconds"));
    if (document.activeElement !== form.elements.q) form.elements.q.value = state.get("q");
    const { name: field, dataset: { kind } = {} } = document.activeElement ?? {};
    const facets = form.querySelector("[data-facets]");
    facets.replaceChildren(...table.facets.map(({ name, title, values }) => (
      element("label", {}, title, element("select", { name }, option("", "any", state.get(name)),
        ...values.map((value) => option(value, value, state.get(name))))))));
    const mask = Number(state.get("kinds", "0"));
    const [wanted, ofMask] = [outcome(view, chosen, table), ofKinds(table, mask)];
    const sets = { outcomes: new Map(), kinds: new Map() };
    const add = (set, key) => set.set(key, (set.get(key) ?? 0) + 1);
    const bits = report.samples.kinds[view.kind].map(([bit]) => [bit, ofKinds(table, bit)]);
    for (const row of slice) {
      if (ofMask(row)) { add(sets.outcomes, outcomeOf(view, table, row)); add(sets.outcomes, ""); }
      if (wanted(row)) for (const [bit, has] of bits) if (has(row)) add(sets.kinds, bit);
    }
    const pressed = (label, of, on, changes) => element("button", {
      type: "button", "aria-pressed": String(Boolean(on)), "data-kind": label,
      onclick: () => change(changes),
    }, `${label} `, element("small", {}, (of ?? 0).toLocaleString("en")));
    const places = {
      outcomes: outcomesOf(chosen).map((name) => pressed(OUTCOMES.get(name), sets.outcomes.get(name),
        name === chosenOutcome(chosen), { outcome: name || null })),
      kinds: report.samples.kinds[view.kind].map(([bit, label]) => (
        pressed(label, sets.kinds.get(bit), mask & bit, { kinds: mask ^ bit || null }))),
    };
    for (const [name, made] of Object.entries(places)) {
      form.querySelector(`[data-${name}]`).replaceChildren(...made);
    }
    // What was made anew keeps the focus, for those who filter by keyboard.
    const before = kind ? [...form.querySelectorAll("[data-kind]")].find((button) => button.dataset.kind === kind)
      : field ? facets.querySelector(`select[name="${CSS.escape(field)}"]`) : null;
    before?.focus();
  }

  const change = (changes) => state.set({ page: null, ...changes }, "samples");

  // A page of the rows that are left by a word and a text.
  async function laid(view, chosen, table, order, current) {
    const word = view.kind === "asr" ? state.get("word") : "";
    named.hidden = !words.told(word);
    if (!named.hidden) {
      const rows = await words.rows(table.parts, chosen, word);
      if (!current()) return;
      order = order.filter((row) => rows.has(row));
      named.replaceChildren(`Only clips with ${words.told(word)} `, element("button", {
        type: "button", onclick: () => change({ word: null }) }, "all clips"));
    }
    const text = state.get("q").trim();
    if (text) {
      count.textContent = "Searching…";
      order = await holding(table, chosen, order, text);
      if (!current()) return;
    }
    const last = Math.max(0, Math.ceil(order.length / PAGE) - 1);
    at.page = Math.min(last, Math.max(0, Number(state.get("page", "1")) - 1 || 0));
    const first = at.page * PAGE;
    const shown = order.slice(first, first + PAGE);
    const [rows, waves] = await Promise.all([
      Promise.all(shown.map((row) => rowsAt(table.places[row], chosen))),
      Promise.all(shown.map((row) => pieces.load(`p${table.places[row][0].at}`)))]);
    if (!current()) return;
    const number = (value) => value.toLocaleString("en");
    count.textContent = !order.length ? `None of ${number(table.places.length)} samples`
      : `${number(first + 1)}–${number(first + shown.length)} of ${number(order.length)} samples`
        + (order.length < table.places.length ? ` (${number(table.places.length)} in all)` : "");
    back.disabled = at.page === 0;
    on.disabled = at.page >= last;
    list.replaceChildren(...rows.map(([utterance, ...answers], nth) => cards.show(
      table.places[shown[nth]][0], shown[nth], utterance, answers.map((row, side) => (
        { name: models[chosen[side]], row, index: table.answers[side] })), table.protocol,
      waves[nth][table.places[shown[nth]][1]])));
    if (!rows.length) {
      list.append(element("p", { class: "empty" }, "No sample is like that. Take a filter away."));
    }
  }

  async function show() {
    const mine = ++turn;
    const current = () => mine === turn;
    const view = chosenView();
    const chosen = chosenModels(view);
    root.setAttribute("aria-busy", "true");
    if (view.kind === "asr") words.ask(view.parts, chosen);
    try {
      const table = await tabled(view, chosen);
      if (!current()) return;
      const slice = ranked(view, chosen, table).filter(passing(table));
      lay(view, chosen, table, slice);
      let order = slice.filter(outcome(view, chosen, table))
        .filter(ofKinds(table, Number(state.get("kinds", "0"))));
      await difference.show(root.querySelector("[data-difference]"), view, chosen, models, table, order);
      if (!current()) return;
      await Promise.all([words.show(view, chosen, table, order, current),
        laid(view, chosen, table, order, current)]);
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
      ? { split: target.value, kinds: null, seconds: null, word: null }
      : target.name === "with" ? { with: target.value, outcome: null }
        : { [target.name]: target.value });
  });
  let typing;
  form.elements.q.addEventListener("input", ({ target }) => {
    clearTimeout(typing);
    typing = setTimeout(() => change({ q: target.value }), 150);
  });
  const turnPage = (step) => {
    state.set({ page: String(at.page + 1 + step) }, "samples");
    count.parentElement.scrollIntoView();
  };
  sound.keys(list);
  back.addEventListener("click", () => turnPage(-1));
  on.addEventListener("click", () => turnPage(1));
  let seen = "";
  const KEYS = /^(?!sort\.|protocol\.|intervals$|models$)/; // those of the samples
  const fresh = () => {
    const now = state.only(KEYS);
    if (now !== seen) { seen = now; show(); }
  };
  state.listen(fresh);
  seen = state.only(KEYS);
  return { shown: show() };
})();
