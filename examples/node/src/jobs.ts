// What the app's services know of Longshore. The types come from its OpenAPI document (`npm run generate`).
import type { components } from "./longshore-api.js";

type Schemas = components["schemas"];
/** A job as a request has it: one type for each kind. */
export type NewJob = Schemas["NewJob"];
export type Kind = NewJob["kind"];
export type ArgsOf<K extends Kind> = Extract<NewJob, { kind: K }>["args"];
export type Options = Omit<NewJob, "kind" | "args">;
/** What is known of a job. */
export type Job = Schemas["Job"];

/** Enqueues, waits and takes back. An abstract class, since a framework can inject by it; tests have one of their own. */
export abstract class Jobs {
  /** The job's id, once it is accepted. A second call with the same key makes no second job. */
  abstract enqueue<K extends Kind>(kind: K, args: ArgsOf<K>, options?: Options): Promise<string>;
  /**
   * Enqueues, and waits so many seconds, at most 60: the job when it has ended, or as it is then. Only this call is told a
   * `private_result`; one that enqueues first and waits then may come too late.
   */
  abstract enqueueAndWait<K extends Kind>(kind: K, args: ArgsOf<K>, seconds: number, options?: Options): Promise<Job>;
  /** The job when it has ended, or as it is after so many seconds, at most 60. */
  abstract wait(id: string, seconds: number): Promise<Job>;
  /** Takes it back. Its state is `cancelled`, or `running` if its worker was asked to stop it. */
  abstract cancel(id: string, reason: string): Promise<Job>;
}

/** An answer that is no success. */
export class JobsError extends Error {
  constructor(
    /** One word for programs, as docs/http-api.md has them; `unreachable` if there was no answer. */
    readonly code: string,
    message: string,
    /** The same call may go well later. */
    readonly retryable: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = "JobsError";
  }
}
