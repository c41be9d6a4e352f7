// The morning after: 2,000 letters of three causes, the largest of them by a template that somebody switched off at SendGrid.

import { answer, until } from "./fleet.mjs";

export const CAUSES = [
  { count: 150, status: 413, message: "The request is larger than 30 MB" },
  { count: 400, status: 404, message: "There is no such account" },
  { count: 1450, status: 400, message: "The template d-local-order-confirmation is not active", field: "template_id" },
];
export const TEMPLATE = CAUSES.at(-1);
export const ALL = CAUSES.reduce((sum, cause) => sum + cause.count, 0);

export const fails = (fleet, cause) => fleet.fault("sendgrid", answer(cause.status, cause.message, cause.field));

// Lets them die; the last fault stays in force.
export async function night(fleet, causes = CAUSES) {
  let dead = 0;
  for (const cause of causes) {
    await fails(fleet, cause);
    await fleet.mails(cause.count);
    dead += cause.count;
    await until(`${dead} letters`, async () => (await fleet.count("email", "dead")) === dead, 120);
  }
}
