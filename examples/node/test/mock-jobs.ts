import { type Mocked, vi } from "vitest";
import type { Job, Jobs } from "../src/jobs.js";

/** Accepts every job, and says this of each. */
export function mockJobs(said: Partial<Job> = {}): Mocked<Jobs> {
  const job = { id: "01JD2Z5V9GQ8X0T6M3K7W4R1YB", state: "completed", history: [], ...said } as unknown as Job;
  return {
    enqueue: vi.fn().mockResolvedValue(job.id),
    enqueueAndWait: vi.fn().mockResolvedValue(job),
    wait: vi.fn().mockResolvedValue(job),
    cancel: vi.fn().mockResolvedValue(job),
  };
}
