// How long the console takes for each page, and how large it is, at 1,000,000 letters of some causes and 1,000 workers: a measure,
// never a verdict. What the time is: from the request to the last byte, on this machine, over loopback.

import { readFileSync, readdirSync } from "node:fs";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Fleet, PASSWORD, ROOT } from "./fleet.mjs";
import { CAUSES, night } from "./morning.mjs";

const LETTERS = Number(process.env.LONGSHORE_BENCH_LETTERS ?? 1_000_000);
const WORKERS = Number(process.env.LONGSHORE_BENCH_WORKERS ?? 1_000);
const RUNS = 15;
const BUDGET = { ms: 50, bytes: 100_000 };
const AGENT = new Agent({ keepAlive: true });
const Q = "{longshore:email}:";

// Copies of a real letter, some milliseconds apart: what the queue would have written.
const MORE = `
local k, model, group, from, count, ms = KEYS, ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local payload, record = redis.call('HGET', k[3], model), redis.call('HGET', k[4], model)
for n = from, from + count - 1 do
  local id = string.format('01KJP2Z5V9%016d', n)
  local at = ms - n
  redis.call('ZADD', k[1], at / 1000, id)
  redis.call('ZADD', k[2], 0, group .. ' ' .. string.format('%013d', at) .. ' ' .. id)
  redis.call('HSET', k[3], id, payload)
  redis.call('HSET', k[4], id, record)
end
return count`;
const FLEET = `
local facts = cjson.decode(redis.call('HGET', KEYS[2], ARGV[1]))
local process = facts.process
for n = 1, tonumber(ARGV[2]) do
  facts.process = process .. '-' .. n
  local name = ARGV[1]:sub(1, -5) .. string.format('%04d', n)
  redis.call('ZADD', KEYS[1], ARGV[3], name)
  redis.call('HSET', KEYS[2], name, cjson.encode(facts))
end
return redis.call('ZCARD', KEYS[1])`;

const fleet = await Fleet.start();
const redis = (...words) => fleet.redisCli(...words);

// Each as [path, title], once the pages are known.
async function seed() {
  await night(fleet, CAUSES.map((cause) => ({ ...cause, count: 5 })));
  const groups = await fleet.json("dead", "groups");
  const keys = [`${Q}dead`, `${Q}dead:letters`, `${Q}data`, `${Q}records`];
  const models = await fleet.json("dead", "list");
  let made = 0;
  for (const [n, { group }] of groups.entries()) {
    const { id } = models.find((of) => of.group === group);
    const all = Math.round(LETTERS * [0.7, 0.25, 0.05][n]);
    for (let from = 0; from < all; from += 10_000) {
      const count = Math.min(10_000, all - from);
      await redis("EVAL", MORE, 4, ...keys, id, group, made, count, Date.now());
      made += count;
    }
  }
  await redis("CONFIG", "SET", "appendonly", "no");
  const ahead = Date.now() + 3_600_000;
  // A worker that lives would find out that these do not beat.
  await fleet.worker.kill();
  // Each works every queue, as a process does by itself.
  for (const { queue } of await fleet.json("queues")) {
    const keys = [`{longshore:${queue}}:workers`, `{longshore:${queue}}:workers:facts`];
    const worker = (await redis("ZRANGE", keys[0], 0, 0)).split("\n")[0];
    if (worker) await redis("EVAL", FLEET, 2, ...keys, worker, WORKERS, ahead);
  }
  const seen = (await fleet.json("workers")).length;
  if (seen < WORKERS) throw new Error(`${seen} workers are seen, and ${WORKERS} were made`);
  return { group: groups[0].group, letter: models[0].id };
}

async function session() {
  const page = await fetch(`${fleet.url}/login`);
  const visitor = page.headers.getSetCookie().map((of) => of.split(";")[0]).join("; ");
  const token = /name="token" value="([^"]+)"/.exec(await page.text())[1];
  const answer = await fetch(`${fleet.url}/login`, {
    method: "POST", redirect: "manual", headers: { cookie: visitor, origin: fleet.url },
    body: new URLSearchParams({ token, name: "ada", password: PASSWORD, to: "/" }),
  });
  return [visitor, ...answer.headers.getSetCookie().map((of) => of.split(";")[0])].join("; ");
}

// A page as it comes over the wire: fetch would unpack it.
function asked(path, headers) {
  return new Promise((done, failed) => {
    request(fleet.url + path, { headers, agent: AGENT }, (answer) => {
      let bytes = 0;
      answer.on("data", (chunk) => { bytes += chunk.length; });
      answer.on("end", () => done({ bytes, status: answer.statusCode }));
    }).on("error", failed).end();
  });
}

try {
  const { group, letter } = await seed();
  const cookie = await session();
  const cause = `/dead/email/${group}`;
  const assets = readdirSync(join(ROOT, "crates/console/assets")).filter((name) => /\.(js|css|svg)$/.test(name));
  const rest = assets.reduce((sum, name) => sum + gzipSync(readFileSync(join(ROOT, "crates/console/assets", name))).length, 0);
  console.log(`${LETTERS} letters, ${WORKERS} workers; assets ${rest} bytes compressed, once`);
  console.log("page                                     median ms   p95 ms    plain   packed   with assets");
  const paths = ["/", "/dead", cause, `${cause}/replay`, `${cause}/discard`, "/queues/email", "/queues/email?state=dead", `/jobs/${letter}`, "/operations", "/workers", "/cron",
    "/audit", "/suppressions", "/search?q=nothing-is-called-so", "/shortcuts"];
  for (const path of paths) {
    const took = [];
    let bytes = 0, status;
    for (let run = 0; run < RUNS; run += 1) {
      const began = performance.now();
      const answer = await asked(path, { cookie, "accept-encoding": "gzip", "sec-fetch-site": "same-origin" });
      took.push(performance.now() - began);
      bytes = answer.bytes;
      status = answer.status;
    }
    const plain = (await asked(path, { cookie })).bytes;
    took.sort((a, b) => a - b);
    const [median, p95] = [took[Math.floor(RUNS / 2)], took[Math.floor(RUNS * 0.95)]];
    const misses = [median > BUDGET.ms && "slow", plain + rest > BUDGET.bytes && "large", status !== 200 && `status ${status}`].filter(Boolean);
    const name = path.replace(group, "CAUSE").replace(letter, "ID");
    console.log(`${name.padEnd(42)}${median.toFixed(1).padStart(8)}${p95.toFixed(1).padStart(9)}${String(plain).padStart(9)}${String(bytes).padStart(9)}${String(bytes + rest).padStart(14)}  ${misses.join(", ")}`);
  }
} finally {
  await fleet.stop();
}
