// What the reader has chosen, kept in the address: #section?key=value&…
"use strict";
const report = JSON.parse(document.getElementById("report-data").textContent);

const state = (() => {
  const listeners = [];
  const read = () => {
    const [section, query] = location.hash.slice(1).split(/\?(.*)/s);
    return { section: decodeURIComponent(section), chosen: new URLSearchParams(query ?? "") };
  };
  let { section, chosen } = read();
  const tell = () => listeners.forEach((listener) => listener());
  const show = () => {
    const target = section && document.getElementById(section);
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", () => {
    ({ section, chosen } = read());
    tell();
    show();
  });
  // Charts and samples are laid out after the page has opened: go to the section once they stand.
  addEventListener("load", () => setTimeout(show, 0));
  return {
    get: (key, otherwise = "") => chosen.get(key) ?? otherwise,
    // The part of the address that some keys make.
    only: (keys) => [...chosen].filter(([key]) => keys.test(key)).join("&"),
    // An address with some keys changed.
    link(changes, where = "samples") {
      const query = new URLSearchParams(chosen);
      for (const [key, value] of Object.entries(changes)) {
        if (value === null) query.delete(key);
        else query.set(key, value);
      }
      return `#${where}?${query}`;
    },
    listen: (listener) => listeners.push(listener),
    // Changes what is given; null or "" takes a key away. The page does not move.
    set(changes, where = section) {
      for (const [key, value] of Object.entries(changes)) {
        if (value === null || value === "") chosen.delete(key);
        else chosen.set(key, value);
      }
      section = where;
      const query = chosen.toString();
      history.replaceState(null, "", `#${section}${query ? `?${query}` : ""}`);
      tell();
    },
  };
})();

// An element; text is text, never HTML.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== null && value !== undefined && value !== false) {
      made.setAttribute(key, value);
    }
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

document.getElementById("theme").addEventListener("click", theme.toggle);
document.getElementById("print").addEventListener("click", () => print());

// The section under the eye is marked in the way around.
{
  const links = [...document.querySelectorAll(".bar nav a")];
  const seen = new Set();
  const watcher = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) seen.add(target.id);
      else seen.delete(target.id);
    }
    const current = links.find((link) => seen.has(link.hash.slice(1)));
    for (const link of links) {
      if (link === current) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }, { rootMargin: "-20% 0px -60% 0px" });
  for (const link of links) {
    const section = document.getElementById(link.hash.slice(1));
    if (section) watcher.observe(section);
  }
}
