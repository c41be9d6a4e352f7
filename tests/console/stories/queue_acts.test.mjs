// Acts on a queue: a campaign is cancelled after its preview, a queue is paused and let go, a provider is called more slowly.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Fleet, until } from "../fleet.mjs";
import { Person, closeBrowser } from "../people.mjs";

let fleet;
before(async () => {
  fleet = await Fleet.start();
});
after(async () => {
  await closeBrowser();
  await fleet.stop();
});

test("a campaign is cancelled, and nothing else", async () => {
  await fleet.mails(1200, () => ({ in: "2h", tags: ["spring"], tenant: "acme" }));
  await fleet.mails(30, () => ({ in: "2h", tags: ["autumn"] }));
  const ada = await Person.at(fleet);
  await ada.goto("/login");
  await ada.login();
  await ada.goto("/queues/email");
  await ada.page.getByLabel("Tag", { exact: true }).fill("spring");
  await ada.page.getByRole("button", { name: "Filter" }).click();
  await ada.page.waitForURL(/tag=spring/);
  await ada.click("Cancel all of this filter");
  await ada.sees("1,200");
  await ada.sees("scheduled: cancelled");
  assert.equal(await fleet.count("email", "scheduled"), 1230, "a preview changes nothing");
  await ada.act(/Cancel 1,200 jobs/, "the campaign had the wrong price", { number: "1,200" });
  await ada.page.waitForURL(/\/operations\//);
  await ada.untilText(".proof", (text) => /1,200 meant = 1,200 cancelled/.test(text));
  await until("they are cancelled", async () => (await fleet.count("email", "scheduled")) === 30);
  assert.deepEqual(await fleet.effects("sendgrid"), [], "nobody got a mail");
  await ada.leaves();
});

test("a queue is paused with a reason, and resumed", async () => {
  const ada = await Person.at(fleet);
  await ada.goto("/login");
  await ada.login();
  await ada.goto("/queues/email");
  await ada.click("Pause");
  await ada.sees("No worker would take a job of it");
  await ada.act("Pause", "the sender is being moved");
  await ada.sees("email is paused.");
  const [mail] = await fleet.mails(1);
  await ada.goto("/");
  await ada.page.locator(".need", { hasText: "console: ada@127.0.0.1" }).first().waitFor();
  assert.equal((await fleet.json("job", mail)).state, "pending");
  await ada.page.locator(".need").getByRole("link", { name: "Resume" }).first().click();
  await ada.sees("the sender is being moved");
  await ada.act("Resume", "the sender has moved");
  await ada.sees("email is resumed.");
  await until("the mail went out", async () => (await fleet.json("job", mail)).state === "completed");
  await ada.leaves();
});

test("a provider is called more slowly, and as configured again", async () => {
  const ada = await Person.at(fleet);
  await ada.goto("/login");
  await ada.login();
  await ada.goto("/queues/email");
  await ada.click("Slow down");
  await ada.act("Slow down", "they have asked for it", { rate: "0.5", life: "30m" });
  await ada.sees("email is slowed to 0.5 calls a second for 30 min.");
  const before = (await fleet.effects("sendgrid")).length;
  await fleet.mails(40);
  // Two seconds are a call or two.
  await until("some went out", async () => (await fleet.effects("sendgrid")).length > before);
  assert.ok((await fleet.effects("sendgrid")).length - before < 10, "they go out slowly");
  await ada.click("Lift the limit");
  await ada.act("Lift the limit", "they are content");
  await ada.sees("The limit of email is lifted.");
  await until("all went out", async () => (await fleet.effects("sendgrid")).length === before + 40);
  await ada.leaves();
});

test("a job is rescheduled, run, and cancelled", async () => {
  const [first, second] = await fleet.mails(2, () => ({ in: "3h" }));
  const ada = await Person.at(fleet);
  await ada.goto("/login");
  await ada.login();
  // By the search, with its key.
  await ada.page.keyboard.press("/");
  await ada.page.keyboard.type(first);
  await ada.page.keyboard.press("Enter");
  await ada.page.waitForURL(`**/jobs/${first}`);
  await ada.click("Reschedule");
  await ada.act("Reschedule", "not before tomorrow", { when: "20h" });
  await ada.sees("The job is rescheduled.");
  await ada.click("Run now");
  await ada.act("Run now", "they cannot wait");
  await ada.sees("The job is pending");
  await until("it ran", async () => (await fleet.json("job", first)).state === "completed");
  await ada.goto(`/jobs/${second}`);
  await ada.click("Cancel");
  await ada.act("Cancel the job", "nobody wants it");
  await ada.sees("The job is cancelled.");
  assert.equal((await fleet.json("job", second)).state, "cancelled");
  await ada.leaves();
});
