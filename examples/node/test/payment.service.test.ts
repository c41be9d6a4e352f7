import "reflect-metadata";
import { expect, test } from "vitest";
import * as payments from "../src/services/payment.service.js";
import { mockJobs } from "./mock-jobs.js";

const checkout = { orderId: "A-1", userId: "u1", amount: 1000, currency: "nok" };
const pay = (jobs: ReturnType<typeof mockJobs>) => new payments.PaymentService(jobs).createPaymentIntent(checkout);

test("a payment is what its job came to", async () => {
  const jobs = mockJobs({ state: "completed", result: { payment_intent: "pi_1", status: "succeeded" } });
  expect(await pay(jobs)).toEqual({ id: "pi_1", status: "succeeded" });
  expect(jobs.enqueue).toHaveBeenCalledWith(
    "create_payment_intent",
    expect.objectContaining({ amount: 1000, currency: "nok" }),
    { key: "pay-A-1-page" },
  );
});

test("a declined card is told apart from trouble", async () => {
  const attempt = { time: "2026-11-29T06:00:00Z", attempt: 1, outcome: "refused" };
  const declined = mockJobs({ state: "dead", history: [{ ...attempt, status: 402, code: "insufficient_funds" }] });
  await expect(pay(declined)).rejects.toThrow(payments.PaymentDeclinedException);
  const broken = mockJobs({ state: "dead", history: [{ ...attempt, status: 400, reason: "no such customer" }] });
  await expect(pay(broken)).rejects.toThrow(payments.PaymentServiceException);
  await expect(pay(mockJobs({ state: "running" }))).rejects.toThrow(payments.ServiceTemporarilyUnavailableException);
});
