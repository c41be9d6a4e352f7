// What the console does by itself in a browser: keys, ages and countdowns, and what moves. Everything works without it, too.
"use strict";
(() => {
  const page = document.body;

  // Ages and countdowns, in the units that the server uses.
  const rough = (seconds) => {
    if (seconds < 90) return `${seconds} s`;
    if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
    if (seconds < 129600) return `${Math.round(seconds / 3600)} h`;
    return `${Math.round(seconds / 86400)} days`;
  };
  const loaded = Date.now();
  const since = (time) => Math.round((Date.now() - Date.parse(time.getAttribute("datetime"))) / 1000);
  // Only what differs: a screen reader tells what is written into a live part.
  const write = (place, text) => {
    if (place.textContent !== text) place.textContent = text;
  };
  const tick = () => {
    for (const ago of document.querySelectorAll("[data-ago]")) {
      const time = ago.closest("time");
      if (!time) continue;
      const seconds = since(time);
      write(ago, Math.abs(seconds) < 5 ? "now" : seconds < 0 ? `in ${rough(-seconds)}` : `${rough(seconds)} ago`);
    }
    for (const time of document.querySelectorAll("time[data-until]")) {
      write(time, rough(Math.max(0, -since(time))));
    }
  };
  setInterval(tick, 1000);

  // On a phone the ways lead out of the window: where one is stands in it.
  for (const here of document.querySelectorAll("nav [aria-current], .tabs [aria-current]")) {
    here.scrollIntoView({ block: "nearest", inline: "center" });
  }

  // What moves by itself: the server sends the parts that changed.
  const sent = new WeakMap();
  const swap = (name, text) => {
    for (const place of document.querySelectorAll(`[data-live="${CSS.escape(name)}"]`)) {
      if (sent.get(place) === text) continue;
      sent.set(place, text);
      const focus = document.activeElement;
      const had = focus !== place && place.contains(focus);
      place.innerHTML = text;
      if (!had) continue;
      // Whoever goes by keyboard stays where they were, or comes to what can be done now.
      const href = focus.getAttribute("href");
      const links = [...place.querySelectorAll("a")];
      const next = links.find((link) => link.getAttribute("href") === href) ?? links[0];
      if (next) next.focus();
    }
  };
  if (page.dataset.stream && window.EventSource) {
    const list = document.querySelector("[data-list]");
    const asked = list ? `?${new URLSearchParams({ list: list.dataset.list, since: list.dataset.since })}` : "";
    let stream;
    const listen = () => {
      if (stream || document.hidden) return;
      stream = new EventSource(page.dataset.stream + asked);
      stream.addEventListener("parts", (event) => {
        const parts = JSON.parse(event.data);
        for (const name of Object.keys(parts)) swap(name, parts[name]);
        tick();
      });
      stream.addEventListener("error", () => {
        if (Date.now() - loaded > 3000) {
          for (const place of document.querySelectorAll('[data-live="health"]')) {
            place.textContent = "■ The console does not answer";
          }
        }
      });
    };
    const rest = () => {
      if (stream) stream.close();
      stream = undefined;
    };
    // A browser opens some six connections to a server. A tab that nobody sees keeps none.
    document.addEventListener("visibilitychange", () => (document.hidden ? rest() : listen()));
    addEventListener("pagehide", rest);
    addEventListener("pageshow", listen);
    listen();
  }

  // A form is sent once. The server holds that, too.
  addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    if (form.method !== "post") return;
    form.dataset.sent = "1";
    for (const button of form.querySelectorAll("button")) setTimeout(() => { button.disabled = true; }, 0);
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      for (const button of form.querySelectorAll("button")) button.disabled = false;
    }
  });

  // Copies an id. Without this script the button would do nothing.
  if (navigator.clipboard) page.classList.add("copies");
  addEventListener("click", (event) => {
    const copy = event.target.closest("[data-copy]");
    if (!copy || !navigator.clipboard) return;
    navigator.clipboard.writeText(copy.dataset.copy).then(() => {
      const before = copy.textContent;
      copy.textContent = "copied";
      setTimeout(() => { copy.textContent = before; }, 1500);
    });
  });

  // Keys.
  let goes = false;
  const rows = () => [...document.querySelectorAll("main article h2 a, main tbody tr td a.row, main tbody tr td:first-child a")];
  const step = (by) => {
    const all = rows();
    const at = all.indexOf(document.activeElement);
    const next = all[Math.max(0, Math.min(all.length - 1, at + by))];
    if (next) next.focus();
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target;
    if (target.closest && target.closest("input, textarea, select")) {
      if (event.key === "Escape") target.blur();
      return;
    }
    if (goes) {
      goes = false;
      const link = document.querySelector(`nav a[data-key="${CSS.escape(event.key)}"]`);
      if (link) {
        event.preventDefault();
        link.click();
      }
      return;
    }
    const search = document.getElementById("search");
    const acts = {
      "/": () => search && search.focus(),
      "?": () => page.dataset.stream && location.assign(page.dataset.shortcuts),
      "g": () => { goes = true; setTimeout(() => { goes = false; }, 1500); },
      "j": () => step(1),
      "k": () => step(-1),
      "r": () => location.reload(),
    };
    if (acts[event.key]) {
      event.preventDefault();
      acts[event.key]();
    }
  });
})();
