// Somebody with a browser: what they see is looked at while they click. A script that may not run, an error, or a request that
// leaves the console fails the story.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { PASSWORD, ROOT, until } from "./fleet.mjs";

const require = createRequire(join(ROOT, "target/console/package.json"));
const { chromium } = require("playwright-core");
const { HtmlValidate } = require("html-validate");
const AXE = require("axe-core").source;

const ARGS = [
  "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
  "--no-first-run", "--no-default-browser-check", "--font-render-hinting=none",
];
export const DESK = { width: 1280, height: 900 };
export const PHONE = { width: 360, height: 740 };

// What a page may be, beside valid: its look is the style sheet's, and long texts are nobody's but ours.
const validator = new HtmlValidate({
  extends: ["html-validate:recommended"],
  rules: {
    // Written as the templates write it.
    "doctype-style": "off",
    "void-style": "off",
    "attribute-boolean-style": "off",
    "no-trailing-whitespace": "off",
    "long-title": "off",
    "require-sri": "off",
    // The parser puts it in.
    "prefer-tbody": "off",
    // What HTML allows, not what style sheets like.
    "valid-id": ["error", { relaxed: true }],
    "valid-autocomplete": "error",
    "no-inline-style": "error",
  },
});

let browser;
export async function openBrowser() {
  browser ??= await chromium.launch({ executablePath: process.env.LONGSHORE_CHROMIUM ?? "/usr/bin/chromium", args: ARGS });
  return browser;
}

export async function closeBrowser() {
  await browser?.close();
  browser = undefined;
}

export class Person {
  // A browser of their own, at this console.
  static async at(fleet, { viewport = DESK, colours = "light", script = true } = {}) {
    const person = new Person();
    person.fleet = fleet;
    person.wrong = [];
    // Pages that are meant to fail: the status that the story expects next.
    person.expected = new Set();
    const open = await openBrowser();
    person.context = await open.newContext({ viewport, colorScheme: colours, javaScriptEnabled: script, reducedMotion: "reduce", locale: "en-GB" });
    person.context.setDefaultTimeout(20_000);
    person.page = await person.context.newPage();
    person.#watch();
    return person;
  }

  #watch() {
    const { page, wrong, fleet } = this;
    page.on("pageerror", (error) => wrong.push(`a script failed: ${error.message}`));
    page.on("dialog", (dialog) => {
      wrong.push(`a dialog opened: ${dialog.message()}`);
      dialog.dismiss().catch(() => {});
    });
    page.on("console", (line) => {
      if (!["error", "warning"].includes(line.type())) return;
      const text = line.text();
      const status = /status of (\d+)/.exec(text)?.[1];
      if (status && this.expected.has(Number(status))) return;
      if (this.expected.has("away") && /ERR_|EventSource|Failed to load/.test(text)) return;
      wrong.push(`the browser says: ${text}`);
    });
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(fleet.url) && !url.startsWith("data:") && !url.startsWith("about:")) wrong.push(`a request left the console: ${url}`);
    });
  }

  async goto(path) {
    return this.page.goto(this.fleet.url + path, { waitUntil: "load" });
  }

  async login(name = "ada", password = PASSWORD) {
    if (!this.page.url().includes("/login")) await this.goto("/login");
    await this.page.getByLabel("Name").fill(name);
    await this.page.getByLabel("Password").fill(password);
    await this.page.getByRole("button", { name: "Log in" }).click();
    await this.page.waitForLoadState();
    return this;
  }

  async click(name, role = "link") {
    await this.page.locator("main").getByRole(role, { name, exact: false }).first().click();
    await this.page.waitForLoadState();
  }

  // Fills the form of an act in, and sends it.
  async act(verb, reason, fields = {}) {
    const form = this.page.locator("form.act");
    for (const [name, value] of Object.entries(fields)) await form.locator(`[name="${name}"]`).fill(String(value));
    await form.getByLabel("Reason").fill(reason);
    await form.getByRole("button", { name: verb }).click();
    await this.page.waitForLoadState();
  }

  async sees(text, seconds = 15) {
    const place = this.page.locator("body").getByText(text).first();
    await place.waitFor({ state: "visible", timeout: seconds * 1000 }).catch(async () => {
      throw new Error(`${this.page.url()} does not say ${text}; it says:\n${await this.says()}`);
    });
  }

  async says() {
    return this.page.locator("body").innerText();
  }

  // A number that moves by itself, once it is so.
  async untilText(selector, holds, seconds = 60) {
    return until(`${selector} of ${this.page.url()}`, async () => {
      const text = await this.page.locator(selector).first().innerText();
      return holds(text) && text;
    }, seconds);
  }

  // Nothing is wider than the window, whatever the hour: times read as they do after months, with their day.
  async fits() {
    const wide = await this.page.evaluate(() => {
      const texts = new Map();
      const says = (of, text) => {
        texts.set(of, of.textContent);
        of.textContent = text;
      };
      for (const time of document.querySelectorAll("time[datetime]")) {
        const day = time.dateTime.slice(0, 16).replace("T", " ");
        for (const of of time.querySelectorAll(".at")) says(of, day);
        for (const of of time.querySelectorAll(".ago")) says(of, "129 days ago");
      }
      scrollTo(0, 0);
      const room = document.documentElement.clientWidth;
      const own = (element) => {
        for (let up = element.parentElement; up; up = up.parentElement) {
          const flow = getComputedStyle(up).overflowX;
          if (up !== document.body && up !== document.documentElement && flow !== "visible") return true;
        }
        return false;
      };
      const over = [...document.querySelectorAll("body *")].filter((of) => {
        const box = of.getBoundingClientRect();
        return box.width > 0 && box.right > room + 1 && !own(of);
      });
      const found = over.slice(0, 3).map((of) => `<${of.tagName.toLowerCase()} class="${of.getAttribute("class") ?? ""}"> ${of.textContent.slice(0, 40)}`);
      if (!over.length && document.documentElement.scrollWidth > room) found.push(`${document.documentElement.scrollWidth} of ${room} px`);
      for (const [of, text] of texts) of.textContent = text;
      return found;
    });
    assert.deepEqual(wide, [], `${this.page.url()} is wider than its window`);
  }

  // What axe calls serious or critical, and what is no valid HTML.
  async isWell(what) {
    // The debugger's own evaluation: the page's policy holds for pages.
    await this.page.evaluate(`${AXE}\n;undefined`);
    const found = await this.page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    const bad = found.violations.filter((of) => ["serious", "critical"].includes(of.impact));
    const said = bad.map((of) => `${of.id}: ${of.help}: ${of.nodes.slice(0, 3).map((node) => `${node.html} ${node.failureSummary}`).join(" | ")}`);
    assert.deepEqual(said, [], `axe on ${what} (${this.page.url()})`);
  }

  async isValid(path) {
    const answer = await this.context.request.get(this.fleet.url + path);
    const report = await validator.validateString(await answer.text());
    const said = report.results.flatMap((of) => of.messages).map((of) => `${of.line}:${of.column} ${of.ruleId}: ${of.message}`);
    assert.deepEqual([...new Set(said)], [], `HTML of ${path}`);
    return answer;
  }

  // At the end of a story: nothing went wrong meanwhile.
  async leaves() {
    await this.context.close();
    assert.deepEqual([...new Set(this.wrong)], []);
  }
}
