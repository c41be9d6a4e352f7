import "reflect-metadata";
import { Test } from "@nestjs/testing";
import { expect, test } from "vitest";
import { AppModule } from "../src/app.module.js";
import { Jobs } from "../src/jobs.js";
import { EmailService } from "../src/services/email.service.js";
import { mockJobs } from "./mock-jobs.js";

const ada = { id: "u1", email: "ada@example.com", name: "Ada Lovelace" };
const order = { number: "A-1", total: 349, currency: "NOK" };

test("an order is confirmed by one mail, to who ordered", async () => {
  const jobs = mockJobs();
  await new EmailService(jobs).orderConfirmation(ada, order);
  expect(jobs.enqueue).toHaveBeenCalledExactlyOnceWith(
    "send_email",
    expect.objectContaining({
      template: "order_confirmation",
      to: { email: "ada@example.com", name: "Ada Lovelace" },
      data: expect.objectContaining({ firstName: "Ada", orderNumber: "A-1" }),
    }),
    { key: "order-confirmation-A-1" },
  );
});

test("a link to reset a password is not sent late", async () => {
  const jobs = mockJobs();
  await new EmailService(jobs).passwordReset(ada, "https://example.com/reset");
  expect(jobs.enqueue).toHaveBeenCalledWith("send_email", expect.anything(), expect.objectContaining({ expires_in: "30m" }));
});

test("what was sent already cannot be taken back", async () => {
  const jobs = mockJobs({ state: "running" });
  expect(await new EmailService(jobs).takeBack("01JD2Z5V9GQ8X0T6M3K7W4R1YB", "wrong address")).toBe(false);
});

test("the app's module injects the jobs into its services", async () => {
  const jobs = mockJobs();
  const module = await Test.createTestingModule({ imports: [AppModule] }).overrideProvider(Jobs).useValue(jobs).compile();
  await module.get(EmailService).welcome(ada);
  expect(jobs.enqueue).toHaveBeenCalledWith("send_email", expect.objectContaining({ template: "welcome" }), { key: "welcome-u1" });
});
