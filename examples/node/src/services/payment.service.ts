import { Inject, Injectable } from "@nestjs/common";
import { type Job, Jobs } from "../jobs.js";

export class PaymentDeclinedException extends Error {}
export class PaymentServiceException extends Error {}
export class ServiceTemporarilyUnavailableException extends Error {}

export interface Payment {
  id: string;
  status: string;
}

export interface Checkout {
  orderId: string;
  userId: string;
  /** In minor units: 1000 is NOK 10.00. */
  amount: number;
  currency: string;
  /** A saved card to charge at once, and where the user comes back to if the bank asks for more. Without it the page confirms the payment. */
  card?: { paymentMethod: string; returnUrl: string };
}

/** The app's payments. A user waits for the answer, so the job is waited for. */
@Injectable()
export class PaymentService {
  constructor(@Inject(Jobs) private readonly jobs: Jobs) {}

  /** One payment for each order and card: the same call again looks at the same job. */
  async createPaymentIntent({ orderId, userId, amount, currency, card }: Checkout): Promise<Payment> {
    const charge = card && { confirm: true, payment_method: card.paymentMethod, return_url: card.returnUrl };
    const args = { order_id: orderId, user_id: userId, amount, currency, ...charge };
    // Another card after a declined one is another payment.
    const key = `pay-${orderId}-${card?.paymentMethod ?? "page"}`;
    const id = await this.jobs.enqueue("create_payment_intent", args, { key });
    const job = await this.jobs.wait(id, 20);
    switch (job.state) {
      case "completed": {
        const result = job.result as { payment_intent: string; status: string };
        return { id: result.payment_intent, status: result.status };
      }
      case "dead":
      case "cancelled":
        throw refused(job);
      default:
        // It goes on, for a minute at most: ask again with the same order.
        throw new ServiceTemporarilyUnavailableException("the payment service has not answered yet");
    }
  }
}

function refused(job: Job): Error {
  const last = job.history.at(-1);
  if (last?.status === 402) return new PaymentDeclinedException(last.code ?? "declined");
  return new PaymentServiceException(last?.reason ?? job.state);
}
