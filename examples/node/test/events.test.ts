import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { expect, test, vi } from "vitest";
import { EventReceiver } from "../src/events.js";

const secret = "whsec_bG9uZ3Nob3JlLXNhbmRib3gtZXZlbnRzLXNlY3JldA==";
const ended = { id: "01JD2Z5V9GQ8X0T6M3K7W4R1YB", sequence: 7, queue: "sms", kind: "send_sms", key: "reminder-1" };

/** As a worker sends it. */
function sent(type: string, data: object = ended) {
  const body = JSON.stringify({ type, timestamp: new Date().toISOString(), data });
  const now = new Date();
  const headers = {
    "webhook-id": "01KB7Z5V9GQ8X0T6M3K7W4R1YB",
    "webhook-timestamp": String(Math.floor(now.getTime() / 1_000)),
    "webhook-signature": new Webhook(secret).sign("01KB7Z5V9GQ8X0T6M3K7W4R1YB", now, body),
  };
  return { body: Buffer.from(body), headers };
}

function receiver() {
  const ends = { keep: vi.fn().mockResolvedValue(undefined) };
  return { ends, events: new EventReceiver(secret, ends) };
}

test("an end is kept by the job's key, with its place in the order", async () => {
  const { ends, events } = receiver();
  const { body, headers } = sent("job.dead");
  expect(await events.receive(body, headers)).toBe(204);
  expect(ends.keep).toHaveBeenCalledExactlyOnceWith("reminder-1", "dead", 7);
});

test("what is signed by nobody is refused, and what is not looked for is taken", async () => {
  const { ends, events } = receiver();
  const { body, headers } = sent("job.completed");
  const other = Buffer.from(body.toString().replace("reminder-1", "reminder-2"));
  expect(await events.receive(other, headers)).toBe(401);
  expect(await events.receive(body, {})).toBe(401);
  const unknown = sent("delivery.opened");
  expect(await events.receive(unknown.body, unknown.headers)).toBe(204);
  const keyless = sent("job.completed", { ...ended, key: undefined });
  expect(await events.receive(keyless.body, keyless.headers)).toBe(204);
  expect(ends.keep).not.toHaveBeenCalled();
});

// EVENT names a file with a request that a worker has sent: `{"headers":{…},"body":"…"}`.
test.skipIf(!process.env.EVENT)("a worker's own request is taken over HTTP", async () => {
  const { headers, body } = JSON.parse(readFileSync(process.env.EVENT ?? "", "utf8"));
  const { ends, events } = receiver();
  const server = createServer(events.handle).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const post = (body: string) => fetch(url, { method: "POST", body, headers });
  expect((await post(body)).status).toBe(204);
  expect(ends.keep).toHaveBeenCalledExactlyOnceWith(JSON.parse(body).data.key, "completed", expect.any(Number));
  expect((await post(`${body} `)).status).toBe(401);
  server.close();
});
