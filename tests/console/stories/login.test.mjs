// Who gets in, and who may do what: a wrong password, a viewer, a session that ends, and a limit on guessing.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Fleet, PASSWORD, answer, until } from "../fleet.mjs";
import { Person, closeBrowser } from "../people.mjs";

let fleet;
before(async () => {
  fleet = await Fleet.start();
  await fleet.fault("sendgrid", answer(400, "The template is not active", "template_id"));
  await fleet.mails(12);
  await until("12 letters", async () => (await fleet.count("email", "dead")) === 12);
});
after(async () => {
  await closeBrowser();
  await fleet.stop();
});

test("a page leads to the login and back, and a wrong password says no more than that", async () => {
  const ada = await Person.at(fleet);
  ada.expected.add(401);
  await ada.goto("/dead?queue=email");
  await ada.page.waitForURL(/\/login\?to=/);
  await ada.login("ada", "not the password at all");
  await ada.sees("The name or the password is wrong.");
  await ada.login("nobody", PASSWORD);
  await ada.sees("The name or the password is wrong.");
  await ada.login();
  await ada.page.waitForURL(/\/dead\?queue=email/);
  await ada.sees("12 letters");
  await ada.sees("Rehearse a replay");
  const cookies = await ada.context.cookies();
  const session = cookies.find((cookie) => /session/.test(cookie.name));
  assert.ok(session.httpOnly && session.sameSite === "Lax", JSON.stringify(session));

  await ada.page.getByRole("button", { name: "Log out" }).click();
  await ada.page.waitForURL(/\/login/);
  await ada.page.goBack();
  await ada.page.waitForLoadState();
  await ada.page.reload();
  await ada.page.waitForURL(/\/login/);
  // The cookie that somebody copied is worth nothing now.
  await ada.context.addCookies([session]);
  await ada.goto("/");
  await ada.page.waitForURL(/\/login/);
  await ada.leaves();
});

test("a viewer sees everything and no act", async () => {
  const vic = await Person.at(fleet);
  await vic.goto("/login");
  await vic.login("vic");
  await vic.sees("viewer");
  const [group] = await fleet.json("dead", "groups");
  const [letter] = await fleet.json("dead", "list");
  const cause = `/dead/email/${group.group}`;
  const acts = [];
  for (const path of ["/", "/dead", cause, `${cause}/replay`, `${cause}/discard`, "/queues/email", "/queues/email/pause", `/jobs/${letter.id}`,
    `/jobs/${letter.id}/reveal`, `/jobs/${letter.id}/replay`, "/operations", "/workers", "/cron", "/audit", "/suppressions", "/forget"]) {
    const response = await vic.goto(path);
    assert.ok(response.ok(), `${path}: ${response.status()}`);
    const forms = vic.page.locator("main form[method=post]");
    for (let n = 0; n < (await forms.count()); n += 1) acts.push(`${path}: ${await forms.nth(n).getAttribute("action")}`);
    const buttons = vic.page.locator("main a.button");
    for (const text of await buttons.allInnerTexts()) {
      if (/rehearse|replay a|discard|export|pause|cancel|edit|run now|reveal|remove/i.test(text) && !/look/i.test(text)) acts.push(`${path}: ${text}`);
    }
  }
  assert.deepEqual(acts, [], "what a viewer is offered");
  // Also not past the page.
  vic.expected.add(403);
  const token = await vic.page.locator('header input[name="token"]').first().getAttribute("value");
  for (const path of [`${cause}/replay`, "/queues/email/pause", `/jobs/${letter.id}/reveal`, `/jobs/${letter.id}/cancel`, "/forget"]) {
    const answered = await vic.context.request.post(fleet.url + path, { form: { token, once: "01KJP2Z5V9GQ8X0T6M3K7W4R1Y", reason: "I want to" }, headers: { origin: fleet.url } });
    assert.equal(answered.status(), 403, path);
  }
  assert.equal(await fleet.count("email", "dead"), 12);
  await vic.leaves();
});

test("guessing is slowed down", async () => {
  const eve = await Person.at(fleet);
  for (const status of [401, 429, 503]) eve.expected.add(status);
  await eve.goto("/login");
  const token = await eve.page.locator('form.act input[name="token"]').getAttribute("value");
  const send = async (password) => (await eve.context.request.post(`${fleet.url}/login`, { form: { token, name: "bo", password }, headers: { origin: fleet.url }, maxRedirects: 0 })).status();
  const guesses = Array.from({ length: 16 }, (_, n) => send(`guess number ${n} of many`));
  // Those that are refused are answered first: nothing is computed for them.
  assert.equal(await Promise.any(guesses.map(async (guess) => ((await guess) === 429 ? 429 : Promise.reject(new Error("a guess"))))), 429);
  // The right one is not looked at either, until the time is over.
  assert.equal(await send(PASSWORD), 429);
  assert.deepEqual([...new Set(await Promise.all(guesses))].sort(), [401, 429]);
  await eve.leaves();
});
