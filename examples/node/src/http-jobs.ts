import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import createClient, { type Client } from "openapi-fetch";
import { type ArgsOf, type Job, Jobs, JobsError, type Kind, type NewJob, type Options } from "./jobs.js";
import type { components, paths } from "./longshore.js";

type Refusal = components["schemas"]["Error"];
type Answer<T> = { data?: T; error?: Refusal; response: Response };

/** Over the HTTP API. */
export class HttpJobs extends Jobs {
  private readonly api: Client<paths>;

  /** `attempts`: how often a call is made that may go well the next time. */
  constructor(
    url: string,
    token: string,
    private readonly attempts = 4,
  ) {
    super();
    this.api = createClient<paths>({ baseUrl: url, headers: { authorization: `Bearer ${token}` } });
  }

  async enqueue<K extends Kind>(kind: K, args: ArgsOf<K>, options: Options = {}): Promise<string> {
    // A call whose answer was lost is repeated: with a key it makes no second job.
    const body = { key: randomUUID(), ...options, kind, args } as NewJob;
    const accepted = await this.call(() => this.api.POST("/v1/jobs", { body, signal: AbortSignal.timeout(5_000) }));
    return accepted.id;
  }

  wait(id: string, seconds: number): Promise<Job> {
    const params = { path: { id }, query: { wait: `${seconds}s` } };
    const signal = () => AbortSignal.timeout((seconds + 5) * 1_000);
    return this.call(() => this.api.GET("/v1/jobs/{id}", { params, signal: signal() }));
  }

  cancel(id: string, reason: string): Promise<Job> {
    const params = { path: { id } };
    return this.call(() => this.api.POST("/v1/jobs/{id}/cancel", { params, body: { reason }, signal: AbortSignal.timeout(15_000) }));
  }

  private async call<T>(once: () => Promise<Answer<T>>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const [error, seconds] = await once().then(
        ({ data, error, response }): [JobsError | T, number] => {
          if (data !== undefined) return [data, 0];
          const { code = "unknown", message = response.statusText } = error?.error ?? {};
          const retryable = [408, 429].includes(response.status) || response.status >= 500;
          return [new JobsError(code, message, retryable), Number(response.headers.get("retry-after") ?? 1)];
        },
        (cause: unknown): [JobsError, number] => [new JobsError("unreachable", "the API gave no answer", true, { cause }), 1],
      );
      if (!(error instanceof JobsError)) return error;
      if (!error.retryable || attempt >= this.attempts) throw error;
      await sleep(seconds * 1_000);
    }
  }
}
