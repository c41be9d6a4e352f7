import { Inject, Injectable } from "@nestjs/common";
import { Jobs, type Options } from "../jobs.js";

export interface User {
  id: string;
  email: string;
  name: string;
}

export interface Order {
  number: string;
  total: number;
  currency: string;
}

/** The app's mails. It exposes what the app sends, and hides how: who calls it knows neither SendGrid nor Longshore. */
@Injectable()
export class EmailService {
  constructor(@Inject(Jobs) private readonly jobs: Jobs) {}

  welcome(user: User): Promise<string> {
    return this.send("welcome", user, {}, { key: `welcome-${user.id}` });
  }

  /** The link is of no use after half an hour, so the mail is not sent later. */
  passwordReset(user: User, link: string): Promise<string> {
    return this.send("password_reset", user, { link }, { expires_in: "30m", priority: "high" });
  }

  /** One mail for each order, however often it is called. */
  orderConfirmation(user: User, order: Order): Promise<string> {
    const data = { orderNumber: order.number, orderTotal: formatCurrency(order) };
    return this.send("order_confirmation", user, data, { key: `order-confirmation-${order.number}` });
  }

  /** Takes back a mail that waits. False if it is too late. */
  async takeBack(id: string, reason: string): Promise<boolean> {
    return (await this.jobs.cancel(id, reason)).state === "cancelled";
  }

  private send(template: string, user: User, data: Record<string, string>, options: Options): Promise<string> {
    const to = { email: user.email, name: user.name };
    const firstName = user.name.split(" ")[0] ?? user.name;
    return this.jobs.enqueue("send_email", { template, to, data: { firstName, ...data } }, options);
  }
}

function formatCurrency({ total, currency }: Order): string {
  return new Intl.NumberFormat("en", { style: "currency", currency }).format(total);
}
