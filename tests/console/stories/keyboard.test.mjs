// The morning after by keyboard alone, on a phone's width, in the dark, and without any script.

import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";
import { Fleet, PASSWORD, until } from "../fleet.mjs";
import { TEMPLATE, fails } from "../morning.mjs";
import { PHONE, Person, closeBrowser } from "../people.mjs";

let fleet;
beforeEach(async () => {
  fleet = await Fleet.start();
});
afterEach(async () => fleet.stop());
after(closeBrowser);

async function letters(count) {
  await fails(fleet, TEMPLATE);
  await fleet.mails(count);
  await until(`${count} letters`, async () => (await fleet.count("email", "dead")) === count);
}

// Goes on to what has this name, by the tab key alone; what has the focus is seen to have it.
async function tabTo(person, name, most = 80) {
  await person.page.waitForLoadState();
  for (let n = 0; n < most; n += 1) {
    await person.page.keyboard.press("Tab");
    const focus = await person.page.evaluate(() => {
      const on = document.activeElement;
      const look = getComputedStyle(on);
      const label = on.labels?.[0]?.innerText ?? on.getAttribute("aria-label") ?? on.innerText ?? "";
      return { name: label.trim(), seen: look.outlineStyle !== "none" && parseFloat(look.outlineWidth) > 0, tag: on.tagName };
    });
    if (focus.tag === "BODY") continue;
    assert.ok(focus.seen, `the focus on ${focus.name} is not seen`);
    if (name.test(focus.name)) return;
  }
  throw new Error(`the tab key does not come to ${name} on ${person.page.url()}`);
}

test("by keyboard alone", async () => {
  await letters(200);
  const ada = await Person.at(fleet);
  const { keyboard } = ada.page;
  await ada.goto("/login");
  // The first field has the focus by itself.
  await keyboard.type("ada");
  await keyboard.press("Tab");
  await keyboard.type(PASSWORD);
  await keyboard.press("Enter");
  await ada.sees("What needs you");
  await keyboard.press("?");
  await ada.page.waitForURL(/\/shortcuts/);
  await keyboard.press("g");
  await keyboard.press("d");
  await ada.page.waitForURL(/\/dead$/);
  await keyboard.press("j");
  await keyboard.press("Enter");
  await ada.page.waitForURL(/\/dead\/email\//);
  await tabTo(ada, /^Rehearse a replay$/);
  await keyboard.press("Enter");
  await ada.sees("Rehearsal of a replay");
  await tabTo(ada, /^Reason$/);
  await keyboard.type("is it back?");
  await tabTo(ada, /^Replay 200 letters/);
  await keyboard.press("Enter");
  await ada.page.waitForURL(/\/operations\//);
  // Stop keeps the focus while its surroundings move.
  await tabTo(ada, /^Stop$/);
  await ada.untilText(".proof", (text) => !/^0 replayed|nothing yet/.test(text), 30);
  await ada.sees("It stopped by itself", 60);
  await fleet.fault("sendgrid");
  // Where Stop was, there is Resume now.
  await until("Resume has the focus", () => ada.page.evaluate(() => document.activeElement.innerText === "Resume"));
  await keyboard.press("Enter");
  await ada.page.waitForURL(/\/resume$/);
  await tabTo(ada, /^Reason$/);
  await keyboard.type("it is back");
  await keyboard.press("Enter");
  await ada.sees("It goes on.");
  await ada.untilText(".proof", (text) => /200 replayed = /.test(text) && !/on their way/.test(text), 60);
  await ada.leaves();
});

for (const [name, options] of [["without any script", { script: false }], ["on a phone, in the dark", { viewport: PHONE, colours: "dark" }]]) {
  test(name, async () => {
    await letters(200);
    const ada = await Person.at(fleet, options);
    await ada.goto("/login");
    await ada.login();
    await ada.sees("What needs you");
    await ada.fits();
    await ada.page.locator("nav").getByRole("link", { name: "Dead letters" }).click();
    await ada.sees("200 letters");
    await ada.fits();
    await ada.page.locator("article.card").getByRole("link", { name: "Rehearse a replay" }).click();
    await ada.sees("would run");
    await ada.fits();
    await ada.act(/^Replay 200 letters/, "is it back?");
    await ada.page.waitForURL(/\/operations\//);
    const reloaded = async (holds, place = "main") => until("the operation has come so far", async () => {
      if (options.script === false) await ada.page.reload();
      return holds(await ada.page.locator(place).innerText());
    }, 60);
    await reloaded((text) => /stopped by itself/.test(text) && /Resume/.test(text));
    await ada.fits();
    await fleet.fault("sendgrid");
    await ada.click("Resume");
    await ada.act("Resume it", "it is back");
    await ada.sees("It goes on.");
    await reloaded((text) => /200 replayed = /.test(text) && !/on their way/.test(text), ".proof");
    await ada.fits();
    await ada.leaves();
  });
}
