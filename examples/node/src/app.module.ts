import { Module } from "@nestjs/common";
import { HttpJobs } from "./http-jobs.js";
import { Jobs } from "./jobs.js";
import { EmailService } from "./services/email.service.js";
import { PaymentService } from "./services/payment.service.js";

@Module({
  providers: [
    EmailService,
    PaymentService,
    {
      provide: Jobs,
      useFactory: () => new HttpJobs(variable("JOBS_URL"), variable("JOBS_TOKEN")),
    },
  ],
  exports: [EmailService, PaymentService],
})
export class AppModule {}

function variable(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}
