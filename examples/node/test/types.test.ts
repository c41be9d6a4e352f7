// What is wrong does not compile: `npm run check` fails where one of these does.
import { expectTypeOf, test } from "vitest";
import type { ArgsOf, Jobs, Kind } from "../src/jobs.js";

export async function wrong(jobs: Jobs) {
  const to = { email: "ada@example.com" };
  // @ts-expect-error: there is no such kind
  await jobs.enqueue("send_mail", { template: "welcome", to, data: {} });
  // @ts-expect-error: an address is missing
  await jobs.enqueue("send_email", { template: "welcome", data: {} });
  // @ts-expect-error: the field has another name
  await jobs.enqueue("send_email", { tempalte: "welcome", template: "welcome", to, data: {} });
  // @ts-expect-error: args of another kind
  await jobs.enqueue("send_sms", { template: "welcome", to, data: {} });
  // @ts-expect-error: there is no such priority
  await jobs.enqueue("send_email", { template: "welcome", to, data: {} }, { priority: "urgent" });
}

test("kinds and their args have types", () => {
  expectTypeOf<"send_email">().toExtend<Kind>();
  expectTypeOf<ArgsOf<"send_email">["to"]["email"]>().toEqualTypeOf<string>();
});
