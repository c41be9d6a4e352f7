import { Inject, Injectable } from "@nestjs/common";
import { type Job, Jobs } from "../jobs.js";

/** The bank said no. Let the payer take another card: that is another attempt. */
export class PaymentDeclinedException extends Error {}
/** The payment was not made, and the same again would end likewise. */
export class PaymentServiceException extends Error {}
/** It was never sent, or it goes on. `again`: with the next number of `attempt`, or the same one. */
export class ServiceTemporarilyUnavailableException extends Error {
  constructor(readonly again: "same attempt" | "next attempt") {
    super("the payment service has not answered");
  }
}
/** Nobody knows whether the payment was made. Another attempt could charge twice: look at the payment provider first. */
export class PaymentUnknownException extends Error {}

export interface Payment {
  id: string;
  status: string;
  /** What the payer's browser confirms the payment with. Absent = this call came too late, and Stripe is asked for it. */
  clientSecret?: string;
}

export interface Checkout {
  orderId: string;
  userId: string;
  /** In minor units: 1000 is NOK 10.00. */
  amount: number;
  currency: string;
  /** How often this order was tried to be paid, from 1. Keep it with the order, and count on after an end that is not a payment. */
  attempt: number;
  /** A saved card to charge at once, and where the user comes back to if the bank asks for more. Without it the page confirms the payment. */
  card?: { paymentMethod: string; returnUrl: string };
}

/** The app's payments. A user waits for the answer, so the job is waited for. */
@Injectable()
export class PaymentService {
  constructor(@Inject(Jobs) private readonly jobs: Jobs) {}

  /** One payment for each attempt at an order: the same call again is about the same job, also once that is dead. */
  async createPaymentIntent({ orderId, userId, amount, currency, attempt, card }: Checkout): Promise<Payment> {
    const charge = card && { confirm: true, payment_method: card.paymentMethod, return_url: card.returnUrl };
    const args = { order_id: orderId, user_id: userId, amount, currency, ...charge };
    const key = `pay-${orderId}-${attempt}`;
    const job = await this.jobs.enqueueAndWait("create_payment_intent", args, 20, { key });
    switch (job.state) {
      case "completed": {
        const result = job.result as { payment_intent: string; status: string };
        const told = job.private_result as { client_secret?: string } | undefined;
        const secret = told?.client_secret && { clientSecret: told.client_secret };
        return { id: result.payment_intent, status: result.status, ...secret };
      }
      case "dead":
      case "cancelled":
        throw refused(job);
      default:
        // It goes on, for a minute at most.
        throw new ServiceTemporarilyUnavailableException("same attempt");
    }
  }
}

/** Why there is no payment: `outcome` tells an outage from a refusal, `details.decline_code` a bank's refusal from another. */
function refused(job: Job): Error {
  const declined = job.details?.["decline_code"];
  if (declined) return new PaymentDeclinedException(declined);
  switch (job.outcome) {
    case "expired":
      return new ServiceTemporarilyUnavailableException("next attempt");
    case "outcome_unknown":
      return new PaymentUnknownException(job.id);
    default:
      return new PaymentServiceException(job.reason ?? job.state);
  }
}
