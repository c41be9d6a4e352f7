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
    const checkout = { orderId: `C-${Date.now()}`, userId: "u1", amount: 1000, currency: "nok" };
    expect(await new PaymentService(jobs).createPaymentIntent(checkout)).toMatchObject({ id: expect.stringMatching(/^pi_/) });
  });

  test("a declined card is told", async () => {
    const card = { paymentMethod: "pm_card_chargeDeclinedInsufficientFunds", returnUrl: "https://example.com/done" };
    const checkout = { orderId: `D-${Date.now()}`, userId: "u1", amount: 1000, currency: "nok", card };
    const paid = new PaymentService(jobs).createPaymentIntent(checkout);
    await expect(paid).rejects.toThrow(new PaymentDeclinedException("insufficient_funds"));
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
