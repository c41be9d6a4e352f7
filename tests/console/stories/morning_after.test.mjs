// The morning after, by mouse: find, understand, rehearse, a drip that stops itself, cure, resume, proof.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Fleet, until } from "../fleet.mjs";
import { ALL, TEMPLATE, night } from "../morning.mjs";
import { Person, closeBrowser } from "../people.mjs";
import { picture } from "../pictures.mjs";

let fleet;
before(async () => {
  fleet = await Fleet.start();
  await night(fleet);
});
after(async () => {
  await closeBrowser();
  await fleet.stop();
});

test("from the alarm to the proven replay", async () => {
  const ada = await Person.at(fleet);
  const began = Date.now();
  await ada.goto("/");
  await ada.login();

  // What needs somebody leads to the cause.
  await ada.sees("What needs you");
  await ada.sees("PRODUCTION");
  const need = ada.page.locator(".need", { hasText: /1,450|letters|died/ }).first();
  await need.waitFor();
  await picture(ada, "console-overview");
  await ada.page.locator("nav").getByRole("link", { name: "Dead letters" }).click();
  await ada.sees("2,000 letters");
  await ada.sees("3 causes");
  const card = ada.page.locator("article.card").first();
  assert.match(await card.innerText(), /1,450/);
  assert.match(await card.innerText(), /400/);
  await picture(ada, "console-dead-letters");

  // Rehearse: what would become of them. Nothing has changed.
  await card.getByRole("link", { name: "Rehearse a replay" }).click();
  await ada.sees("Rehearsal of a replay");
  await ada.sees("would run");
  assert.equal(await fleet.count("email", "dead"), ALL);
  await ada.page.getByLabel("Letters a second").selectOption("100");
  await picture(ada, "console-rehearsal");

  // More than a thousand in production: the number is typed, and only the right one is taken.
  const form = ada.page.locator("form.act");
  await form.getByLabel("Reason").fill("is the template active again?");
  await form.locator("[name=number]").fill("1");
  await form.getByRole("button", { name: /^Replay 1,450 letters/ }).click();
  assert.ok(ada.page.url().includes("/replay"), "a wrong number goes nowhere");
  await form.locator("[name=number]").fill("1,450");
  await form.getByRole("button", { name: /^Replay 1,450 letters/ }).click();
  await ada.page.waitForURL(/\/operations\//);

  // SendGrid still refuses: the drip stops by itself.
  await ada.sees("It stopped by itself", 60);
  const moved = Number(/([\d,]+) replayed/.exec(await ada.says())[1].replaceAll(",", ""));
  assert.ok(moved < 700, `${moved} were replayed before it stopped`);
  await picture(ada, "console-stopped");
  await until("what it moved has died again", async () => (await fleet.count("email", "dead")) === ALL);

  // The cure, and on with the rest.
  await fleet.fault("sendgrid");
  await ada.goto("/operations");
  await ada.page.locator("tbody a").first().click();
  await ada.page.locator("main").getByRole("link", { name: "Resume" }).click();
  await ada.act("Resume it", "the template is active again", { number: 1450 - moved });
  await ada.page.waitForURL(/\/operations\/[^/]+\?did=/);
  await ada.sees("It goes on.");
  const done = new RegExp(`1,450 replayed = `);
  await ada.untilText(".proof", (text) => done.test(text) && !/on their way/.test(text), 120);
  const proof = await ada.page.locator(".proof").innerText();
  const numbers = [...proof.matchAll(/[\d,]+/g)].map((of) => Number(of[0].replaceAll(",", "")));
  assert.equal(numbers[0], numbers.slice(1).reduce((sum, of) => sum + of), `the numbers add up: ${proof}`);
  await picture(ada, "console-proof");

  // The audit names who, from where, and why.
  await ada.click("Its audit entries");
  await ada.sees("console: ada@127.0.0.1");
  await ada.sees("the template is active again");
  assert.equal(await fleet.count("email", "dead"), ALL - TEMPLATE.count + moved);
  console.log(`from the login to the proof: ${((Date.now() - began) / 1000).toFixed(0)} s`);
  await ada.leaves();
});
