// Every page: valid HTML, nothing serious for axe, nothing wider than the window; light and dark, at a desk and on a phone.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { mkdirSync } from "node:fs";
import { Fleet, answer, until } from "../fleet.mjs";
import { CAUSES, fails, night } from "../morning.mjs";
import { DESK, PHONE, Person, closeBrowser } from "../people.mjs";

let fleet, paths;
// Texts to telephones, one line of JSON each.
function texts(count, of) {
  const lines = Array.from({ length: count }, (_, n) => JSON.stringify({ args: { to: "+4790000000", body: `Your code is ${1000 + n}` }, ...of(n) }));
  return fleet.longshore(["enqueue", "send_sms", "-"], lines.join("\n"));
}

before(async () => {
  fleet = await Fleet.start();
  await night(fleet, CAUSES.map((cause) => ({ ...cause, count: cause.count > 1000 ? 1040 : 12 })));
  await fleet.fault("sendgrid");
  const [done] = await fleet.mails(1, () => ({ key: "order-17", tags: ["spring"], tenant: "acme" }));
  await fleet.mails(40, () => ({ in: "2h", tags: ["spring"], tenant: "acme" }));
  const [later] = await fleet.mails(1, () => ({ in: "2h" }));
  // A reason that folds, as long as one may be.
  await fleet.longshore(["pause", "sms", "--reason", "The contract with the operator is being renewed. ".repeat(12)]);
  await texts(30, (n) => ({ tenant: ["acme", "acme", "globex"][n % 3], priority: n % 5 ? "normal" : "high" }));
  await fleet.fault("sendgrid", answer(400, "The personalisation block is not as it should be; ".repeat(12)));
  await fleet.mails(1);
  await until("a letter with a long reason", async () => (await fleet.json("dead", "list", "--limit", "1"))[0].reason.length > 280);
  await fleet.fault("sendgrid");
  await fleet.longshore(["limit", "geocode", "5/s", "--for", "1h", "--reason", "a trial"]);
  const hash = "b5fc85e55755f9e0d030a14ab9cbc8b5f7c2f1e9e7b3d9d1c7b5a3f1e0d2c4b6";
  await fleet.redisCli("HSET", "{longshore:email}:map:suppressed", hash, JSON.stringify({ reason: "bounce", at: Date.now() - 3_600_000, job: done }));
  const groups = await fleet.json("dead", "groups");
  const [largest] = groups;
  const [letter] = await fleet.json("dead", "list", "--group", largest.group, "--limit", "1");
  const [folded] = await fleet.json("dead", "list", "--limit", "1");
  await fails(fleet, CAUSES.at(-1));
  await fleet.longshore(["dead", "replay", "--group", largest.group, "--rate", "100", "--yes", "--reason", "a trial"]).catch(() => {});
  const [operation] = await until("an operation", async () => fleet.json("operations"));
  await until("all have ended", async () => (await fleet.count("email", "running")) === 0 && (await fleet.count("email", "pending")) === 0);
  const cause = `/dead/email/${largest.group}`;
  const other = `/dead/email/${folded.group}`;
  paths = [
    "/", "/dead", cause, `${cause}/replay`, `${cause}/discard`, `${cause}/export`, "/operations", `/operations/${operation.id}`, `/operations/${operation.id}/resume`,
    "/queues/email", "/queues/email?state=scheduled&tag=spring", "/queues/email/cancel?tag=spring", "/queues/email/pause", "/queues/email/limit", "/queues/sms",
    "/queues/sms/resume", "/queues/sms?state=pending&tenant=acme", other, `${other}/replay`, `${other}/discard`, `${other}/export`, `/jobs/${folded.id}`, "/queues/geocode/lift-limit", `/jobs/${done}`, `/jobs/${letter.id}`, `/jobs/${letter.id}/replay`, `/jobs/${letter.id}/edit`, `/jobs/${letter.id}/reveal`,
    `/jobs/${later}`, `/jobs/${later}/reschedule`, `/jobs/${later}/cancel`, "/workers", "/cron", "/audit", "/suppressions", `/suppressions/${hash}/remove`, "/forget", "/shortcuts",
    "/search?q=order-17", "/search?q=spring", "/search?q=nothing-is-called-so", "/login", "/no/such/page",
  ];
});
after(async () => {
  await closeBrowser();
  await fleet.stop();
});

test("every page is valid HTML, and answered as one", async () => {
  const ada = await Person.at(fleet);
  await ada.goto("/login");
  await ada.login();
  const wrong = [];
  for (const path of paths) {
    const answer = await ada.isValid(path).catch((error) => wrong.push(error.message));
    if (typeof answer === "number") continue;
    if (answer.status() !== (path === "/no/such/page" ? 404 : 200)) wrong.push(`${path}: ${answer.status()}`);
  }
  assert.deepEqual(wrong, []);
  await ada.leaves();
});

test("a list says what has come, and stays as it is", async () => {
  const ada = await Person.at(fleet);
  await ada.goto("/login");
  await ada.login();
  await ada.goto("/queues/sms?state=pending&tenant=acme");
  await ada.sees("Tenants with the most waiting");
  const rows = () => ada.page.locator("main table").last().locator("tbody tr").count();
  const before = await rows();
  await texts(2, () => ({ tenant: "acme" }));
  await texts(1, () => ({ tenant: "globex" }));
  await ada.sees("2 new jobs");
  assert.equal(await rows(), before);
  await ada.click("2 new jobs");
  assert.equal(await rows(), before + 2);
  await ada.leaves();
});

for (const [size, viewport] of [["desk", DESK], ["phone", PHONE]]) {
  for (const colours of ["light", "dark"]) {
    // Of four, the quick run tries the two that differ most.
    const skip = Boolean(process.env.LONGSHORE_QUICK) && (size === "desk") !== (colours === "light");
    test(`every page is well: ${size}, ${colours}`, { skip }, async () => {
      const ada = await Person.at(fleet, { viewport, colours });
      ada.expected.add(404);
      await ada.goto("/login");
      await ada.isWell("the login");
      await ada.login();
      const wrong = [];
      for (const path of paths) {
        await ada.goto(path);
        for (const check of [() => ada.isWell(`${size}, ${colours}`), () => ada.fits()]) await check().catch((error) => wrong.push(error.message));
        // Half a desk, and a tablet: tables fold on the way from one size to the other.
        for (const width of size === "desk" ? [1080, 1100, 700] : []) {
          await ada.page.setViewportSize({ width, height: viewport.height });
          await ada.fits().catch((error) => wrong.push(`at ${width} px: ${error.message}`));
        }
        await ada.page.setViewportSize(viewport);
        if (process.env.LONGSHORE_LOOK) {
          mkdirSync(process.env.LONGSHORE_LOOK, { recursive: true });
          const name = `${path.replace(/[^a-z0-9]+/gi, "_")}-${size}-${colours}.png`;
          await ada.page.screenshot({ path: join(process.env.LONGSHORE_LOOK, name), fullPage: true });
        }
      }
      assert.deepEqual(wrong, []);
      await ada.leaves();
    });
  }
}
