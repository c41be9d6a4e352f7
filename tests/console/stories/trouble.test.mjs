// Two operators act on one thing; and Redis, the worker or the console is killed in the middle of an act. Nothing is half done.

import assert from "node:assert/strict";
import { after, beforeEach, afterEach, test } from "node:test";
import { Fleet, until } from "../fleet.mjs";
import { TEMPLATE, fails } from "../morning.mjs";
import { Person, closeBrowser } from "../people.mjs";

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
  const [group] = await fleet.json("dead", "groups");
  return `/dead/email/${group.group}`;
}

async function operator(name = "ada") {
  const person = await Person.at(fleet);
  await person.goto("/login");
  return person.login(name);
}

test("two operators replay and discard one cause: one of them does, the other is told", async () => {
  const cause = await letters(40);
  await fleet.fault("sendgrid");
  const [ada, bo] = [await operator("ada"), await operator("bo")];
  bo.expected.add(404).add(409);
  await ada.goto(`${cause}/replay?rate=500`);
  await bo.goto(`${cause}/discard`);
  await ada.act(/^Replay 40 letters/, "they are wanted");
  await ada.page.waitForURL(/\/operations\//);
  await ada.untilText(".proof", (text) => /40 replayed = 40 completed/.test(text));
  await bo.act(/^Discard/, "nobody wants them");
  await bo.sees(/no letters|no group|any more|now: they were/);
  assert.equal((await fleet.effects("sendgrid")).length, 40);
  // Both pause; the first one's pause stays.
  await ada.goto("/queues/email/pause");
  await bo.goto("/queues/email/pause");
  await ada.act("Pause", "ada's reason");
  await ada.sees("email is paused.");
  await bo.act("Pause", "bo's reason");
  await bo.sees("email was paused already: the earlier pause stays.");
  await bo.sees("ada's reason");
  // One resumes an operation that another stopped, and so on: the audit names each.
  await bo.goto("/audit");
  await bo.sees("console: ada@127.0.0.1");
  await ada.leaves();
  await bo.leaves();
});

test("a form that is sent twice acts once", async () => {
  const cause = await letters(30);
  const ada = await operator();
  await ada.goto(`${cause}/replay?rate=1`);
  const form = await ada.page.locator("form.act").evaluate((of) => Object.fromEntries(new FormData(of)));
  const send = () => ada.context.request.post(`${fleet.url}${cause}/replay`, { form: { ...form, reason: "twice" }, headers: { origin: fleet.url }, maxRedirects: 0 });
  const answers = await Promise.all([send(), send(), send()]);
  assert.ok(answers.some((answer) => answer.status() === 303), answers.map((answer) => answer.status()).join());
  const rows = await fleet.json("operations");
  assert.equal(rows.length, 1, "one replay");
  await ada.leaves();
});

test("Redis is killed in the middle of a drip, and comes back: the last picture stays, and the numbers add up", async () => {
  const cause = await letters(200);
  await fleet.fault("sendgrid");
  const ada = await operator();
  for (const status of [502, 503, "away"]) ada.expected.add(status);
  await ada.goto(cause);
  await ada.goto(`${cause}/replay?rate=20`);
  await ada.act(/^Replay 200 letters/, "they are wanted");
  await ada.page.waitForURL(/\/operations\//);
  const operation = ada.page.url();
  await ada.untilText(".proof", (text) => /[1-9]\d* completed/.test(text));
  await fleet.redis.kill();
  // It says so by itself, and on every page.
  await ada.untilText('[data-live="health"]', (text) => /Redis does not answer/.test(text), 30);
  await ada.page.goto(operation);
  await ada.sees("Redis does not answer.");
  await ada.sees("Nothing can be changed until Redis is back.");
  await ada.sees("replayed =");
  await ada.goto(cause);
  await ada.sees("This is the page as of");
  // What is sent is refused, with the reason.
  await ada.goto("/queues/email/pause").catch(() => {});
  fleet.redis.start();
  await until("Redis answers", async () => (await fleet.json("queues")).length > 0, 60);
  await ada.page.goto(operation);
  await ada.untilText(".proof", (text) => /200 replayed = /.test(text) && !/on their way/.test(text), 120);
  const proof = await ada.page.locator(".proof").innerText();
  const numbers = [...proof.matchAll(/\d+/g)].map((of) => Number(of[0]));
  assert.equal(numbers[0], numbers.slice(1).reduce((sum, of) => sum + of), proof);
  await ada.leaves();
});

test("an act is sent while Redis is away: it is refused, and nothing is done when it is back", async () => {
  await letters(5);
  const ada = await operator();
  for (const status of [502, 503, "away"]) ada.expected.add(status);
  await ada.goto("/queues/email/pause");
  await fleet.redis.kill();
  await ada.act("Pause", "for a moment");
  await ada.sees("Redis does not answer", 30);
  fleet.redis.start();
  const row = await until("Redis answers", async () => (await fleet.json("queues")).find((of) => of.queue === "email"), 60);
  assert.equal(row.paused ?? null, null, "not paused");
  // The same form, sent again, acts.
  await ada.goto("/queues/email/pause");
  await ada.act("Pause", "for a moment");
  await ada.sees("email is paused.");
  await ada.leaves();
});

test("the worker is killed in the middle of a drip, and another carries it on", async () => {
  const cause = await letters(120);
  await fleet.fault("sendgrid");
  const ada = await operator();
  await ada.goto(`${cause}/replay?rate=20`);
  await ada.act(/^Replay 120 letters/, "they are wanted");
  await ada.page.waitForURL(/\/operations\//);
  await ada.untilText(".proof", (text) => /[1-9]\d* completed/.test(text));
  await fleet.worker.kill();
  await fleet.work();
  await ada.untilText(".proof", (text) => /120 replayed = /.test(text) && !/on their way/.test(text), 120);
  await ada.leaves();
});

test("the console is killed in the middle of a drip and of a form: the session and the drip go on", async () => {
  const cause = await letters(120);
  await fleet.fault("sendgrid");
  const ada = await operator();
  ada.expected.add("away");
  await ada.goto(`${cause}/replay?rate=20`);
  await ada.act(/^Replay 120 letters/, "they are wanted");
  await ada.page.waitForURL(/\/operations\//);
  const operation = ada.page.url();
  // A form that was drawn before is taken by the next process.
  await ada.goto("/queues/sms/pause");
  await fleet.console.kill();
  fleet.console.start();
  await fleet.answers();
  await ada.act("Pause", "drawn before the console was started anew");
  await ada.sees("sms is paused.");
  await ada.page.goto(operation);
  await ada.untilText(".proof", (text) => /120 replayed = /.test(text) && !/on their way/.test(text), 120);
  await ada.leaves();
});
