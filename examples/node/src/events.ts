// What Longshore tells the app of its jobs (docs/hearing-back.md).
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { Webhook } from "standardwebhooks";

export interface JobEvent {
  type: string;
  timestamp: string;
  data: { id: string; sequence: number; queue: string; kind?: string; key?: string; reason?: string; code?: string };
}

/** Where the app keeps how its jobs ended. */
export abstract class Ends {
  /**
   * Keeps it, if it is later than what is there, in one statement: `UPDATE … SET state = $2, sequence = $3 WHERE key = $1 AND sequence < $3`.
   * An event may come before the answer to its enqueue, so the row is found by the job's key, which the app has made, and not by its id.
   */
  abstract keep(key: string, state: string, sequence: number): Promise<void>;
}

const STATES: Record<string, string> = {
  "job.completed": "completed",
  "job.dead": "dead",
  "job.cancelled": "cancelled",
  "delivery.bounced": "bounced",
};

export class EventReceiver {
  private readonly webhook: Webhook;

  constructor(
    secret: string,
    private readonly ends: Ends,
  ) {
    this.webhook = new Webhook(secret);
  }

  /** The status to answer with. `body`: the bytes as they came. JSON that was parsed and written again has another signature. */
  async receive(body: Buffer, headers: IncomingHttpHeaders): Promise<number> {
    let event: JobEvent;
    try {
      event = this.webhook.verify(body, headers as Record<string, string>) as JobEvent;
    } catch {
      return 401;
    }
    const { key, sequence } = event.data;
    const state = STATES[event.type];
    // What the app does not look for is taken, too: anything but a 2xx would have it sent again.
    if (state && key) await this.ends.keep(key, state, sequence);
    return 204;
  }

  /** A handler for `http.createServer`. */
  readonly handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    response.statusCode = await this.receive(Buffer.concat(parts), request.headers).catch(() => 500);
    response.end();
  };
}
