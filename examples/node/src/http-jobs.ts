import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import createClient, { type Client } from "openapi-fetch";
import { type ArgsOf, type Job, Jobs, JobsError, type Kind, type NewJob, type Options } from "./jobs.js";
import type { components, paths } from "./longshore-api.js";

type Refusal = components["schemas"]["Error"];
type Answer<T> = { data?: T; error?: Refusal; response: Response };

/** Longer than the API waits for Redis (5 s): a shorter limit would hide that it says `redis_unreachable`, and when to come again. */
const ANSWERS_WITHIN = 8_000;

/** Over the HTTP API. */
export class HttpJobs extends Jobs {
  private readonly api: Client<paths>;

  /** `attempts`: how often a call is made that may go well the next time, 1, 2, 4 … s apart. Four take 7 s if nobody listens. */
  constructor(
    url: string,
    token: string,
    private readonly attempts = 4,
  ) {
    super();
    this.api = createClient<paths>({ baseUrl: url, headers: { authorization: `Bearer ${token}` } });
  }

  async enqueue<K extends Kind>(kind: K, args: ArgsOf<K>, options: Options = {}): Promise<string> {
    const body = order(kind, args, options);
    return (await this.call((signal) => this.api.POST("/v1/jobs", { body, signal }))).id;
  }

  async enqueueAndWait<K extends Kind>(kind: K, args: ArgsOf<K>, seconds: number, options: Options = {}): Promise<Job> {
    const body = order(kind, args, options);
    const params = { query: { wait: `${seconds}s` } };
    const accepted = await this.call((signal) => this.api.POST("/v1/jobs", { body, params, signal }), seconds);
    // It is accepted, and only the wait broke off.
    return accepted.job ?? this.wait(accepted.id, seconds);
  }

  wait(id: string, seconds: number): Promise<Job> {
    const params = { path: { id }, query: { wait: `${seconds}s` } };
    return this.call((signal) => this.api.GET("/v1/jobs/{id}", { params, signal }), seconds);
  }

  cancel(id: string, reason: string): Promise<Job> {
    const params = { path: { id } };
    return this.call((signal) => this.api.POST("/v1/jobs/{id}/cancel", { params, body: { reason }, signal }));
  }

  private async call<T>(once: (signal: AbortSignal) => Promise<Answer<T>>, waits = 0): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const [error, asked] = await once(AbortSignal.timeout(ANSWERS_WITHIN + waits * 1_000)).then(
        ({ data, error, response }): [JobsError | T, number] => {
          if (data !== undefined) return [data, 0];
          const { code = "unknown", message = response.statusText } = error?.error ?? {};
          const retryable = [408, 429].includes(response.status) || response.status >= 500;
          return [new JobsError(code, message, retryable), Number(response.headers.get("retry-after") ?? 0)];
        },
        (cause: unknown): [JobsError, number] => [new JobsError("unreachable", "the API gave no answer", true, { cause }), 0],
      );
      if (!(error instanceof JobsError)) return error;
      if (!error.retryable || attempt >= this.attempts) throw error;
      await sleep(Math.max(asked, 2 ** (attempt - 1)) * 1_000);
    }
  }
}

/** A call whose answer was lost is repeated: with a key it makes no second job. */
function order<K extends Kind>(kind: K, args: ArgsOf<K>, options: Options): NewJob {
  return { key: randomUUID(), ...options, kind, args } as NewJob;
}
