// Personal data: revealed with a reason that the audit keeps before it is shown; and a person is forgotten, after a rehearsal.

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

const KIRSTEN = "kirsten.flagstad@example.com";

test("args are shown to who says why, once", async () => {
  const [mail] = await fleet.mails(1, () => ({ in: "2h", args: { to: { email: KIRSTEN } } }));
  const ada = await Person.at(fleet);
  await ada.goto("/login");
  await ada.login();
  await ada.goto(`/jobs/${mail}`);
  assert.ok(!(await ada.page.content()).includes(KIRSTEN), "redacted at first");
  await ada.page.locator("main p.buttons").getByRole("link", { name: "Reveal" }).click();
  await ada.act("Reveal", "she asked where her mail is");
  await ada.sees("Personal data is shown");
  await ada.sees(KIRSTEN);
  await ada.goto(`/jobs/${mail}`);
  assert.ok(!(await ada.page.content()).includes(KIRSTEN), "redacted again");
  await ada.goto("/audit");
  await ada.sees("she asked where her mail is");
  await ada.leaves();
});

test("a person is found by their address, which stands in no URL, and forgotten", async () => {
  const ada = await Person.at(fleet);
  const urls = [];
  ada.page.on("request", (request) => urls.push(request.url()));
  await ada.goto("/login");
  await ada.login();
  await ada.page.getByLabel("Search by job id, key, tag or recipient").fill(KIRSTEN);
  await ada.page.keyboard.press("Enter");
  await ada.sees("Jobs of one person");
  assert.equal(await ada.page.locator("main tbody tr").count(), 1);
  await ada.goto("/forget");
  await ada.page.locator("main [name=who]").fill(KIRSTEN);
  await ada.page.locator("main form").first().getByRole("button").first().click();
  await ada.sees("They are in");
  await ada.sees("cancelled, and stripped");
  assert.equal(await fleet.count("email", "scheduled"), 1, "a rehearsal changes nothing");
  await ada.act("Forget them in 1 job", "request 17");
  await ada.page.waitForURL(/\/operations/);
  await until("she is forgotten", async () => (await fleet.json("jobs", "find", "--recipient", KIRSTEN)).length === 0);
  await ada.sees("1 found = 1 forgotten", 30);
  assert.ok(!urls.some((url) => /kirsten/i.test(url)), "no address stands in a URL");
  await ada.leaves();
});
