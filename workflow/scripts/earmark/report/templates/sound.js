// Clips: players, one at a time, at one speed; waveforms; and keys to go from sample to sample.
"use strict";
const sound = (() => {
  const speed = document.querySelector("[data-speed]");
  const paced = (player) => { player.playbackRate = Number(speed.value); };
  speed?.addEventListener("change", () => document.querySelectorAll("audio").forEach(paced));

  function player(source, name) {
    const made = element("audio", { controls: true, preload: "none", src: source, "aria-label": name });
    made.addEventListener("play", () => { // loading has set the speed back
      paced(made);
      for (const other of document.querySelectorAll("audio")) {
        if (other !== made) other.pause();
      }
    });
    made.addEventListener("error", () => {
      made.replaceWith(element("span", {}, `no audio at ${decodeURI(source)}`));
    });
    return made;
  }

  // The highest amplitudes of a clip's parts, in percent; what was played is coloured.
  function wave(peaks, of) {
    const space = "http://www.w3.org/2000/svg";
    const bars = peaks.map((peak, at) => `M${at} ${50 - peak / 2}h.7v${peak || 1}h-.7z`).join("");
    const made = element("div", { class: "wave", "aria-hidden": "true" });
    for (let layer = 0; layer < 2; layer++) {
      const svg = document.createElementNS(space, "svg");
      svg.setAttribute("viewBox", `0 0 ${peaks.length} 100`);
      svg.setAttribute("preserveAspectRatio", "none");
      const path = document.createElementNS(space, "path");
      path.setAttribute("d", bars);
      svg.append(path);
      made.append(svg);
    }
    of.addEventListener("timeupdate", () => {
      made.style.setProperty("--played", `${100 * of.currentTime / (of.duration || 1)}%`);
    });
    made.addEventListener("click", async ({ offsetX }) => {
      const share = offsetX / made.clientWidth;
      await of.play().catch(() => {}); // what cannot be played says so in its place
      if (of.duration) of.currentTime = share * of.duration;
    });
    return made;
  }

  return {
    // The players of a sample's clips, and the waveforms of those that were drawn.
    of(split, utterance, waves = []) {
      const players = (utterance.audio ?? []).map((path, at) => player(split.audio + path,
        `Audio of ${utterance.id}${at ? `, clip ${at + 1}` : ""}`));
      const drawn = players.map((one, at) => (waves[at]?.length ? wave(waves[at], one) : null));
      return { players, drawn: drawn.filter(Boolean) };
    },
    // j and k go to the next and the previous sample of a list, space plays the one that is at hand.
    keys(list) {
      addEventListener("keydown", (event) => {
        const at = document.activeElement;
        if (event.ctrlKey || event.metaKey || event.altKey
          || (at !== document.body && !at.matches("article.sample"))) return;
        const samples = [...list.querySelectorAll("article.sample")];
        const step = { j: 1, k: -1 }[event.key];
        if (step) samples[Math.max(0, samples.indexOf(at) + step)]?.focus();
        else if (event.key === " " && samples.includes(at)) {
          const player = at.querySelector("audio");
          if (player?.paused) player.play().catch(() => {});
          else player?.pause();
          event.preventDefault(); // the page stays where it is
        }
      });
    },
  };
})();
