// What producers and providers write is shown and never carried out: HTML, ANSI, bidi controls, 10,000 characters, and nothing.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Fleet, answer, until } from "../fleet.mjs";
import { PHONE, Person, closeBrowser } from "../people.mjs";

const SCRIPT = `"'><img src=x onerror=alert(1)><script>alert(1)</script><style>body{display:none}</style>`;
const ANSI = "\u001b[31mred\u001b[0m\u001b]0;title\u0007";
const BIDI = "\u202Egnirts desrever\u202C\u2066isolated\u2069\u200F";
const LONG = "w".repeat(10_000);
const TEXTS = [SCRIPT, ANSI, BIDI, LONG, ""];

let fleet;
before(async () => {
  fleet = await Fleet.start();
  for (const [n, text] of TEXTS.entries()) {
    await fleet.fault("sendgrid", answer(400 + (n < 3 ? [0, 4, 13][n] : [22, 10][n - 3]), text, text.slice(0, 200)));
    const short = [...text].slice(0, 60).join("") || "none";
    const odd = (of) => ({ args: { data: { [short]: text, order: n } }, ...of });
    // The labels are what a producer may write: where one is refused, it is the door that keeps it out.
    for (const labels of [{ tags: [short] }, { tenant: short }, { key: short }]) {
      await fleet.mails(1, () => odd(labels)).catch(() => {});
    }
    await fleet.mails(2, () => odd({}));
    const dead = async () => {
      const row = (await fleet.json("queues")).find((of) => of.queue === "email");
      return row.dead >= 2 * (n + 1) && row.pending === 0 && row.running === 0;
    };
    await until(`letters of text ${n}`, dead);
  }
  await fleet.longshore(["pause", "sms", "--reason", SCRIPT + BIDI]).catch(() => {});
  await fleet.longshore(["pause", "geocode", "--reason", LONG.slice(0, 1000)]).catch(() => {});
  await fleet.longshore(["cron", "pause", "nightly-reconcile", "--reason", SCRIPT]).catch(() => {});
  const [letter] = await fleet.json("dead", "list");
  await fleet.longshore(["dead", "replay", letter.id, "--yes", "--reason", `${ANSI}${SCRIPT}`]).catch(() => {});
});
after(async () => {
  await closeBrowser();
  await fleet.stop();
});

async function paths() {
  const groups = await fleet.json("dead", "groups");
  const letters = await fleet.json("dead", "list", "--limit", "30");
  return [
    "/", "/dead", "/queues/email", "/queues/sms", "/queues/email?state=dead", "/operations", "/workers", "/cron", "/audit", "/suppressions", "/forget",
    ...groups.flatMap((of) => ["", "/replay", "/discard", "/export"].map((act) => `/dead/${of.queue}/${of.group}${act}`)),
    ...letters.slice(0, 12).flatMap((of) => [`/jobs/${of.id}`, `/jobs/${of.id}/edit`]),
    `/search?q=${encodeURIComponent(SCRIPT)}`, `/search?q=${encodeURIComponent(BIDI)}`, `/search?q=${"w".repeat(500)}`,
    `/audit?q=${encodeURIComponent(SCRIPT)}`, `/queues/email?tag=${encodeURIComponent(SCRIPT)}`, `/queues/email?kind=${encodeURIComponent(ANSI)}`,
  ];
}

for (const [name, viewport] of [["desk", undefined], ["phone", PHONE]]) {
  test(`no page of it runs a script or overflows: ${name}`, async () => {
    const ada = await Person.at(fleet, viewport ? { viewport } : {});
    await ada.goto("/login");
    await ada.login();
    const all = await paths();
    assert.ok(all.length > 40, `${all.length} pages`);
    for (const path of all) {
      const response = await ada.goto(path);
      assert.ok(response.status() < 500, `${path}: ${response.status()}`);
      await ada.fits();
      const inner = await ada.page.evaluate(() => document.querySelectorAll("main script, main style, main img, main iframe, [onerror]").length);
      assert.equal(inner, 0, `${path} holds an element that somebody wrote`);
      const raw = await ada.page.evaluate(() => /[\u001b\u202a-\u202e\u2066-\u2069\u200e\u200f]/.test(document.body.innerText));
      assert.ok(!raw, `${path} holds a control character as it is`);
    }
    await ada.leaves();
  });
}

test("revealed, and as the title of a page, it is text as well", async () => {
  const ada = await Person.at(fleet);
  await ada.goto("/login");
  await ada.login();
  for (const { id } of (await fleet.json("dead", "list", "--limit", "30")).slice(0, 12)) {
    await ada.goto(`/jobs/${id}/reveal`);
    await ada.act("Reveal", SCRIPT);
    await ada.sees("Personal data is shown");
    await ada.fits();
  }
  await ada.goto("/audit");
  await ada.sees("console: ada@");
  await ada.leaves();
});
