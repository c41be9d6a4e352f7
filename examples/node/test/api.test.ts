// Against a running API and fleet: JOBS_URL and JOBS_TOKEN name it. Without them these tests are skipped.
import "reflect-metadata";
import { describe, expect, test } from "vitest";
import { HttpJobs } from "../src/http-jobs.js";
import { JobsError } from "../src/jobs.js";
import { EmailService } from "../src/services/email.service.js";
import { PaymentDeclinedException, PaymentService } from "../src/services/payment.service.js";

const { JOBS_URL: url, JOBS_TOKEN: token } = process.env;
const ada = { id: "u1", email: "ada@example.com", name: "Ada Lovelace" };

describe.skipIf(!url || !token)("over the API", () => {
  const jobs = new HttpJobs(url ?? "", token ?? "");
  const mails = new EmailService(jobs);

  test("a mail is sent once, however often it is asked for", async () => {
    const order = { number: `A-${Date.now()}`, total: 349, currency: "NOK" };
    const id = await mails.orderConfirmation(ada, order);
    expect(await mails.orderConfirmation(ada, order)).toBe(id);
    expect((await jobs.wait(id, 20)).state).toBe("completed");
  });

  test("other args under the same key are refused", async () => {
    const order = { number: `B-${Date.now()}`, total: 1, currency: "NOK" };
    await mails.orderConfirmation(ada, order);
    const again = mails.orderConfirmation({ ...ada, email: "bo@example.com" }, order);
    await expect(again).rejects.toMatchObject({ code: "key_taken", retryable: false });
  });

  test("a payment is waited for", async () => {
    const checkout = { orderId: `C-${Date.now()}`, userId: "u1", amount: 1000, currency: "nok", attempt: 1 };
    const payments = new PaymentService(jobs);
    const first = await payments.createPaymentIntent(checkout);
    expect(first).toMatchObject({ id: expect.stringMatching(/^pi_/), clientSecret: expect.stringContaining("_secret") });
    // The same attempt is the same payment. Its secret is kept nowhere.
    expect(await payments.createPaymentIntent(checkout)).toEqual({ id: first.id, status: first.status });
    expect((await payments.createPaymentIntent({ ...checkout, attempt: 2 })).id).not.toBe(first.id);
  });

  test("a declined card is told", async () => {
    const card = { paymentMethod: "pm_card_chargeDeclinedInsufficientFunds", returnUrl: "https://example.com/done" };
    const checkout = { orderId: `D-${Date.now()}`, userId: "u1", amount: 1000, currency: "nok", attempt: 1, card };
    const paid = new PaymentService(jobs).createPaymentIntent(checkout);
    await expect(paid).rejects.toThrow(new PaymentDeclinedException("insufficient_funds"));
  });

  test("a reminder is due before the event, and expires at it", async () => {
    const event = Date.now() + 10 * 24 * 3_600_000;
    const times = { at: new Date(event - 3_600_000).toISOString(), expires_at: new Date(event).toISOString() };
    const id = await jobs.enqueue("send_sms", { to: "+4790000000", body: "It begins in an hour." }, times);
    expect((await jobs.cancel(id, "the event is off")).state).toBe("cancelled");
    const late = { ...times, expires_at: times.at };
    const refused = jobs.enqueue("send_sms", { to: "+4790000000", body: "It begins in an hour." }, late);
    await expect(refused).rejects.toMatchObject({ code: "invalid_option", retryable: false });
  });

  test("a cancelled job gives its key up", async () => {
    const args = { template: "welcome", to: { email: "ada@example.com" }, data: {} };
    const options = { in: "1h", key: `E-${Date.now()}` };
    const first = await jobs.enqueue("send_email", args, options);
    expect(await jobs.enqueue("send_email", args, { ...options, in: "2h" })).toBe(first);
    await jobs.cancel(first, "no longer wanted");
    const second = await jobs.enqueue("send_email", args, options);
    expect(second).not.toBe(first);
    await jobs.cancel(second, "no longer wanted");
  });

  test("what waits is taken back", async () => {
    const args = { template: "welcome", to: { email: "ada@example.com" }, data: {} };
    const id = await jobs.enqueue("send_email", args, { in: "1h" });
    expect((await jobs.wait(id, 1)).state).toBe("scheduled");
    expect(await mails.takeBack(id, "no longer wanted")).toBe(true);
  });

  test("wrong args are refused with what is wrong", async () => {
    const args = { template: "welcome", to: { email: "nobody" }, data: {} };
    const error = await jobs.enqueue("send_email", args).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(JobsError);
    expect(error).toMatchObject({ code: "invalid_args", retryable: false, message: expect.stringContaining("to.email") });
  });

  test("an API that is away is retryable", async () => {
    const away = new HttpJobs("http://127.0.0.1:9", "secret", 1);
    await expect(away.wait("01JD2Z5V9GQ8X0T6M3K7W4R1YB", 1)).rejects.toMatchObject({ code: "unreachable", retryable: true });
  });
});
