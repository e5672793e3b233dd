// The samples' rows come in pieces: within the page where they are few, else from script files
// beside it (a page that was opened as a file may load scripts, but may not fetch).
"use strict";
const pieces = (() => {
  const waiting = new Map();
  const loaded = new Map();
  const nonce = document.currentScript.nonce;

  async function unpack(packed) {
    const signs = atob(packed);
    const bytes = new Uint8Array(signs.length); // by a loop: Uint8Array.from takes ten times as long
    for (let at = 0; at < signs.length; at++) bytes[at] = signs.charCodeAt(at);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).json();
  }

  // Called by each script file.
  window.earmarkPiece = (stamp, name, packed) => {
    const { resolve, reject } = waiting.get(name) ?? {};
    if (stamp !== report.samples.stamp) {
      reject?.(new Error(`${report.samples.folder}/ belongs to another report; build both anew.`));
    } else unpack(packed).then(resolve, reject);
  };

  function fromFile(name) {
    return new Promise((resolve, reject) => {
      waiting.set(name, { resolve, reject });
      const script = document.createElement("script");
      script.nonce = nonce;
      script.src = `${report.samples.folder}/${name}.js`;
      script.onload = () => script.remove();
      script.onerror = () => reject(new Error(
        `The samples are in the folder ${report.samples.folder}, which is not beside this page.`));
      document.head.append(script);
    });
  }

  return {
    // One piece, loaded once.
    load(name) {
      if (!loaded.has(name)) {
        const within = document.getElementById(`piece-${name}`);
        const piece = within ? unpack(within.textContent) : fromFile(name);
        piece.catch(() => loaded.delete(name));
        loaded.set(name, piece);
      }
      return loaded.get(name);
    },
  };
})();
