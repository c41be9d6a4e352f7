import "reflect-metadata";
import { expect, test } from "vitest";
import * as payments from "../src/services/payment.service.js";
import { mockJobs } from "./mock-jobs.js";

const checkout = { orderId: "A-1", userId: "u1", amount: 1000, currency: "nok", attempt: 1 };
const pay = (jobs: ReturnType<typeof mockJobs>) => new payments.PaymentService(jobs).createPaymentIntent(checkout);

test("a payment is what its job came to, with what only who waited is told", async () => {
  const result = { payment_intent: "pi_1", status: "requires_payment_method" };
  const jobs = mockJobs({ state: "completed", result, private_result: { client_secret: "pi_1_secret" } });
  expect(await pay(jobs)).toEqual({ id: "pi_1", status: "requires_payment_method", clientSecret: "pi_1_secret" });
  expect(jobs.enqueueAndWait).toHaveBeenCalledWith(
    "create_payment_intent",
    expect.objectContaining({ amount: 1000, currency: "nok" }),
    20,
    { key: "pay-A-1-1" },
  );
  expect(await pay(mockJobs({ state: "completed", result }))).toEqual({ id: "pi_1", status: "requires_payment_method" });
});

test("a declined card is told apart from trouble, and an outage from what nobody knows", async () => {
  const declined = mockJobs({ state: "dead", outcome: "refused", details: { decline_code: "insufficient_funds" } });
  await expect(pay(declined)).rejects.toThrow(payments.PaymentDeclinedException);
  const broken = mockJobs({ state: "dead", outcome: "refused", reason: "no such customer" });
  await expect(pay(broken)).rejects.toThrow(payments.PaymentServiceException);
  const expired = mockJobs({ state: "dead", outcome: "expired" });
  await expect(pay(expired)).rejects.toMatchObject({ again: "next attempt" });
  await expect(pay(mockJobs({ state: "running" }))).rejects.toMatchObject({ again: "same attempt" });
  const unknown = mockJobs({ state: "dead", outcome: "outcome_unknown" });
  await expect(pay(unknown)).rejects.toThrow(payments.PaymentUnknownException);
});
