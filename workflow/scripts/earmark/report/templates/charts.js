// The charts: Vega-Lite, drawn in the page's own colours, for the models that are chosen.
"use strict";
(() => {
  const MOST = 12; // models shown at first: as many as there are colours
  const names = report.models;
  const written = (name) => name.replaceAll("%", "%25").replaceAll("|", "%7C"); // in the address
  const chosen = () => {
    const given = state.get("models");
    const known = names.filter((name) => given.split("|").includes(written(name)));
    return known.length ? known : names.slice(0, MOST);
  };
  // A role's colour on the page; in a saved picture, where the page's roles are unknown, its own.
  const light = {};
  for (const sheet of document.styleSheets) {
    for (const rule of sheet.cssRules) {
      if (rule.selectorText === ":root") {
        for (const name of rule.style) light[name] ??= rule.style.getPropertyValue(name).trim();
      }
    }
  }
  const colour = (name) => `var(--${name}, ${light[`--${name}`]})`;
  const ofModel = (name) => colour(`c${1 + (names.indexOf(name) % 12)}`);

  const config = (width) => {
    const [ink, soft, line] = ["ink", "soft", "line"].map(colour);
    return {
      background: null, font: "Inter, system-ui, sans-serif", view: { stroke: null },
      axis: {
        labelColor: soft, titleColor: soft, gridColor: line, domainColor: line, tickColor: line,
        titleFontWeight: "normal", labelFontSize: 11, titleFontSize: 11,
        domain: false, ticks: false, labelPadding: 6, titlePadding: 10,
      },
      axisY: { labelLimit: Math.round(width / 3) },
      axisX: { labelFlush: false, tickCount: Math.max(3, Math.round(width / 90)) },
      legend: { labelColor: ink, titleColor: soft, labelFontSize: 11, labelLimit: 260 },
      text: { fill: ink, fontSize: 11 },
    };
  };

  function save(chart, plot) {
    const svg = plot.querySelector("svg").cloneNode(true);
    svg.setAttribute("style", "background:#fff");
    svg.removeAttribute("aria-hidden");
    // Outside the page its colours are unknown: each becomes the light one that it stands for.
    const text = new XMLSerializer().serializeToString(svg)
      .replace(/var\(--[\w-]+, *([^()]+)\)/g, "$1");
    const file = new Blob([text], { type: "image/svg+xml" });
    const link = element("a", { href: URL.createObjectURL(file), download: `${chart.id}.svg` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  async function draw(chart) {
    const figure = document.getElementById(`chart-${chart.id}`);
    const plot = figure.querySelector(".plot");
    const models = chosen();
    const rows = chart.rows.filter((row) => row.published || models.includes(row.model));
    const spec = structuredClone(chart.spec);
    spec.data = { values: rows };
    spec.width = Math.max(260, plot.clientWidth);
    spec.autosize = { type: "fit-x", contains: "padding" };
    spec.config = config(spec.width);
    if (spec.height.band || spec.height.row) {
      const { field } = (spec.layer?.[0] ?? spec).encoding.y;
      const named = new Set(rows.map((row) => row[field]));
      const each = spec.height.row
        ?? Math.max(22, new Set(rows.map((row) => row.model)).size * spec.height.band + 8);
      spec.height = named.size * each;
    }
    const paint = (part) => {
      const scale = part.encoding?.color?.scale;
      if (scale?.range?.[0] === "models") {
        Object.assign(scale, { domain: models, range: models.map(ofModel) });
        const longest = Math.max(...models.map((name) => name.length));
        const columns = Math.max(1, Math.floor((spec.width - 160) / (7 * Math.min(longest, 36) + 24)));
        if (part.encoding.color.legend) part.encoding.color.legend.columns = columns;
      } else if (scale?.range) scale.range = scale.range.map(colour);
      const other = part.encoding?.color?.condition;
      if (other) other.value = colour(other.value);
      if (part.mark?.color) part.mark.color = colour(part.mark.color);
      if (part.mark?.stroke) part.mark.stroke = colour(part.mark.stroke);
      (part.layer ?? []).forEach(paint);
    };
    paint(spec);
    const { view } = await vegaEmbed(plot, spec, { renderer: "svg", actions: false });
    plot.setAttribute("aria-label", `${figure.querySelector("h3").textContent}. The table below the chart has its figures.`);
    for (const drawn of plot.querySelectorAll("svg [aria-label], svg [role]")) {
      for (const name of ["aria-label", "role", "aria-roledescription"]) {
        drawn.removeAttribute(name);
      }
    }
    plot.querySelector("svg")?.setAttribute("aria-hidden", "true");
    view.addEventListener("click", (event, item) => {
      const href = item?.datum?.href;
      if (href) location.hash = href;
    });
    const shown = figure.querySelector(".scroll");
    for (const row of shown.querySelectorAll("tr[data-model]")) {
      row.hidden = !models.includes(row.dataset.model);
    }
    figure.querySelector("[data-table]").onclick = ({ currentTarget }) => {
      shown.hidden = !shown.hidden;
      currentTarget.setAttribute("aria-pressed", String(!shown.hidden));
    };
    figure.querySelector("[data-save]").onclick = () => save(chart, plot);
  }

  const picker = document.querySelector(".picker ul");
  if (picker) {
    picker.append(...names.map((name) => element("li", {}, element("label", {},
      element("input", { type: "checkbox", value: name, onchange: () => {
        const boxes = [...picker.querySelectorAll("input:checked")].map((box) => written(box.value));
        state.set({ models: boxes.length ? boxes.join("|") : null });
      } }), element("span", { class: "swatch", style: `background:${ofModel(name)}` }), name))));
  }
  let drawn = null;
  async function drawAll() {
    const now = chosen().join("|");
    if (now === drawn) return;
    drawn = now;
    for (const box of picker?.querySelectorAll("input") ?? []) {
      box.checked = chosen().includes(box.value);
    }
    for (const chart of report.charts) {
      await draw(chart);
      await new Promise((go) => { setTimeout(go); }); // the page can be used meanwhile
      if (drawn !== now) return;
    }
    document.documentElement.dataset.charts = "drawn";
  }

  // Vega is read, apart from the page, once the samples and words stand: nobody waits for charts.
  const { nonce } = document.currentScript;
  function vega() {
    const code = document.getElementById("vega").textContent;
    const src = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    return new Promise((onload) => {
      document.head.append(Object.assign(document.createElement("script"), { src, nonce, onload }));
    });
  }
  (browser?.shown ?? Promise.resolve()).then(vega).then(() => {
    state.listen(drawAll);
    drawAll();
    let width = innerWidth;
    let resting;
    addEventListener("resize", () => {
      clearTimeout(resting);
      resting = setTimeout(() => {
        if (innerWidth !== width) { width = innerWidth; drawn = null; drawAll(); }
      }, 200);
    });
  });
})();
