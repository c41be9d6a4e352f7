// The pictures of the docs, made by the stories as they go: only where LONGSHORE_PICTURES names a directory. What differs from run
// to run (times, ids, ports) is written over in the browser alone, so the console needs no clock but its own.

import { mkdirSync } from "node:fs";
import { join } from "node:path";

const DIR = process.env.LONGSHORE_PICTURES;

export async function picture(person, name, tall = 900) {
  if (!DIR) return;
  mkdirSync(DIR, { recursive: true });
  const { page } = person;
  await page.evaluate(() => {
    for (const ago of document.querySelectorAll("[data-ago]")) {
      ago.removeAttribute("data-ago");
      ago.textContent = "4 min ago";
    }
    for (const time of document.querySelectorAll("[data-until]")) time.removeAttribute("data-until");
    // What moves by itself stays as it is for the picture.
    for (const live of document.querySelectorAll("[data-live]")) live.removeAttribute("data-live");
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const node = walk.currentNode;
      node.data = node.data
        .replace(/\b\d\d:\d\d:\d\d\b/g, "07:12:00")
        .replace(/\b01[0-9A-HJKMNP-TV-Z]{24}\b/g, "01KJP2Z5V9GQ8X0T6M3K7W4R1Y")
        .replace(/127\.0\.0\.1:\d+/g, "redis.internal:6379");
    }
  });
  const height = await page.evaluate((most) => Math.min(most, Math.ceil(document.querySelector("footer").getBoundingClientRect().top)), tall);
  const clip = { x: 0, y: 0, width: page.viewportSize().width, height };
  await page.screenshot({ path: join(DIR, `${name}.png`), clip, animations: "disabled", caret: "hide" });
}
