// A Redis of one's own, stand-ins for the providers, workers and the console in production, all as processes that end with the test.

import { spawn, execFile } from "node:child_process";
import { mkdtempSync, readFileSync, openSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export const ROOT = resolve(import.meta.dirname, "../..");
const BINARY = process.env.LONGSHORE_BINARY ?? join(ROOT, "target/debug/longshore");
const PROVIDERS = {
  sendgrid: "PROVIDERS__SENDGRID__BASE_URL",
  postmark: "PROVIDERS__POSTMARK__BASE_URL",
  twilio: "PROVIDERS__TWILIO__BASE_URL",
  google_maps: "PROVIDERS__GOOGLE_MAPS__BASE_URL",
  stripe: "PROVIDERS__STRIPE__BASE_URL",
  app: "APP__BASE_URL",
  s3: "PROVIDERS__S3__ENDPOINT_URL",
  r2: "PROVIDERS__R2__ENDPOINT_URL",
};
export const PASSWORD = "correct horse battery staple";

// A worker whose jobs die of their first failure, as fast as this machine does it.
const IMPATIENT = {
  RETRY__SCHEDULE_SECONDS: "[]",
  WORKER__HEARTBEAT_SECONDS: "0.5",
  WORKER__LOST_AFTER_SECONDS: "3",
  PROVIDERS__SENDGRID__RATE_PER_SECOND: "100000",
  PROVIDERS__SENDGRID__BREAKER__FAILURES: "1000",
  PROVIDERS__TWILIO__RATE_PER_SECOND: "100000",
};

// What production wants to know, none of it a real service's.
const PRODUCTION = {
  SENDGRID_API_KEY: "SG.none",
  LONGSHORE_EMAIL__FROM__EMAIL: "no-reply@example.com",
  LONGSHORE_PROVIDERS__TWILIO__ACCOUNT_SID: "AC00000000000000000000000000000000",
  LONGSHORE_PROVIDERS__TWILIO__AUTH_TOKEN: "none",
  LONGSHORE_PROVIDERS__TWILIO__FROM: "+4780000000",
};

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// What `holds` gives, once it gives something.
export async function until(what, holds, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  let last;
  while (Date.now() < end) {
    try {
      const found = await holds();
      if (found) return found;
    } catch (error) {
      last = error;
    }
    await pause(50);
  }
  throw new Error(`not within ${seconds} s: ${what}${last ? `: ${last.message}` : ""}`);
}

function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

// A process with its log; it is started again on the same ports.
class Started {
  constructor(name, command, env, dir) {
    Object.assign(this, { name, command, env, path: join(dir, `${name}.log`) });
    this.start();
  }

  start() {
    const out = openSync(this.path, "a");
    const [program, ...args] = this.command;
    this.process = spawn(program, args, { env: this.env, stdio: ["ignore", out, out] });
    this.ended = new Promise((done) => this.process.once("exit", done));
  }

  get log() {
    return readFileSync(this.path, "utf8");
  }

  async says(text, times = 1) {
    await until(`${this.name} says: ${text}`, () => {
      if (this.process.exitCode !== null) throw new Error(`${this.name} ended:\n${this.log}`);
      return this.log.split(text).length > times;
    });
  }

  async kill() {
    this.process.kill("SIGKILL");
    await this.ended;
  }
}

export class Fleet {
  // `settings` are the workers'. Without `workers` nothing runs.
  static async start({ workers = true, settings = {} } = {}) {
    const fleet = new Fleet();
    fleet.dir = mkdtempSync(join(tmpdir(), "longshore-console-"));
    fleet.all = [];
    fleet.redisPort = await freePort();
    fleet.redis = fleet.run("redis", [
      "redis-server", "--port", String(fleet.redisPort), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes",
      "--appendfsync", "always", "--dir", fleet.dir, "--maxmemory-policy", "noeviction",
    ]);
    await fleet.redis.says("Ready to accept connections");
    fleet.env = {
      PATH: process.env.PATH,
      LONGSHORE_CONFIG: join(ROOT, "config"),
      LONGSHORE_REDIS__URL: `redis://127.0.0.1:${fleet.redisPort}`,
      LONGSHORE_WORKER__HTTP_ADDR: "127.0.0.1:0",
    };
    await fleet.#standIns();
    for (const [name, variable] of Object.entries(PROVIDERS)) fleet.env[`LONGSHORE_${variable}`] = fleet.origins[name];
    fleet.env.LONGSHORE_EVENTS__URL = `${fleet.origins.events}/longshore/events`;
    for (const [name, value] of Object.entries({ ...IMPATIENT, ...settings })) fleet.env[`LONGSHORE_${name}`] = value;
    fleet.env.LONGSHORE_PROFILE = "local";
    if (workers) await fleet.work();
    await fleet.#console();
    return fleet;
  }

  run(name, command, env = process.env) {
    const started = new Started(name, command, env, this.dir);
    this.all.push(started);
    return started;
  }

  async #standIns() {
    const anywhere = [...Object.keys(PROVIDERS), "events"].flatMap((name) => [`--${name.replaceAll("_", "-")}-addr`, "127.0.0.1:0"]);
    const sandbox = this.run("sandbox", [BINARY, "sandbox", ...anywhere], { ...this.env, LONGSHORE_PROFILE: "local" });
    await sandbox.says("`longshore sandbox fault`");
    this.origins = Object.fromEntries([...sandbox.log.matchAll(/^(\w+) +(http:\/\/127\.0\.0\.1:\d+)\b/gm)].map((line) => [line[1], line[2]]));
  }

  async work() {
    this.worker = this.run(`work-${this.all.length}`, [BINARY, "work"], this.env);
    await this.worker.says("on Redis at");
  }

  async #console() {
    const hash = await this.#hash();
    this.consolePort = await freePort();
    const users = {};
    for (const [name, role] of [["ADA", "operator"], ["BO", "operator"], ["VIC", "viewer"]]) {
      users[`LONGSHORE_CONSOLE__USERS__${name}__PASSWORD_HASH`] = hash;
      users[`LONGSHORE_CONSOLE__USERS__${name}__ROLE`] = role;
    }
    // Nothing of the stand-ins: their plain http is refused in production, and the console calls no provider.
    const env = {
      PATH: process.env.PATH,
      LONGSHORE_CONFIG: this.env.LONGSHORE_CONFIG,
      LONGSHORE_REDIS__URL: this.env.LONGSHORE_REDIS__URL,
      LONGSHORE_PROFILE: "production",
      LONGSHORE_CONSOLE__HTTP_ADDR: `127.0.0.1:${this.consolePort}`,
      LONGSHORE_CONSOLE__PRIVATE_ADDR: "127.0.0.1:0",
      LONGSHORE_CONSOLE__RUNBOOK_URL: "https://runbook.example/longshore",
      ...PRODUCTION,
      ...users,
    };
    this.consoleEnv = env;
    this.url = `http://127.0.0.1:${this.consolePort}`;
    this.console = this.run("console", [BINARY, "console"], env);
    await this.answers();
  }

  #hash() {
    return new Promise((done, failed) => {
      const child = execFile(BINARY, ["console", "hash-password"], { env: this.env }, (error, out) => (error ? failed(error) : done(out.trim())));
      child.stdin.end(`${PASSWORD}\n`);
    });
  }

  // The console answers, whatever became of it before.
  async answers() {
    await until("the console answers", async () => {
      if (this.console.process.exitCode !== null) throw new Error(`the console ended:\n${this.console.log}`);
      return (await fetch(`${this.url}/login`)).ok;
    });
  }

  // What the command line says, with what it is given on stdin.
  longshore(args, input) {
    return new Promise((done, failed) => {
      const options = { env: { ...this.env, LONGSHORE_OPERATOR: "terminal" }, maxBuffer: 1 << 26 };
      const child = execFile(BINARY, args, options, (error, out, err) => (error ? failed(new Error(`longshore ${args.join(" ")}: ${err}`)) : done(out)));
      child.stdin.on("error", () => {});
      child.stdin.end(input ?? "");
    });
  }

  redisCli(...words) {
    return new Promise((done, failed) => {
      execFile("redis-cli", ["-p", String(this.redisPort), ...words.map(String)], (error, out) => {
        if (error || /^(ERR|NOSCRIPT|WRONGTYPE)/.test(out)) failed(error ?? new Error(out));
        else done(out.trim());
      });
    });
  }

  async json(...args) {
    return JSON.parse(await this.longshore([...args, "--json"]));
  }

  // Enqueues these mails, one line of JSON each, and gives their ids.
  async mails(count, mail = () => ({})) {
    const lines = Array.from({ length: count }, (_, n) => {
      const { args, ...rest } = mail(n);
      return JSON.stringify({ args: { template: "order_confirmation", to: { email: `guest${n}@example.com` }, data: { order: n }, ...args }, ...rest });
    });
    const said = await this.longshore(["enqueue", "send_email", "-", "--json"], lines.join("\n"));
    return said.trim().split("\n").map((line) => JSON.parse(line).id);
  }

  async fault(provider, ...rules) {
    const answer = await fetch(`${this.origins[provider]}/sandbox/faults`, {
      method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify({ rules }),
    });
    if (!answer.ok) throw new Error(`a fault was refused: ${await answer.text()}`);
  }

  async effects(provider) {
    return (await fetch(`${this.origins[provider]}/sandbox/ledger`)).json();
  }

  // How many jobs of a queue are in this state.
  async count(queue, state) {
    const rows = await this.json("queues");
    return rows.find((row) => row.queue === queue)?.[state] ?? 0;
  }

  async stop() {
    for (const started of this.all.reverse()) {
      started.process.kill(started.name === "redis" ? "SIGTERM" : "SIGKILL");
      await started.ended;
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}

// A provider's answer with this status, and SendGrid's way of saying why.
export const answer = (status, message, field = null) => ({
  fault: { answer: { status, headers: { "content-type": "application/json" }, body: JSON.stringify({ errors: [{ message, field, help: null }] }) } },
  when: "always",
});
