import { assertAlmostEquals, assertEquals } from "@std/assert";
import { Pace } from "../models/training/pace.ts";

Deno.test("pace: runs of any length count by their time", () => {
  const pace = new Pace();
  assertEquals(pace.rate, 0);
  // 100 steps a second; of every 51 steps, the last one is there with the 50 before it.
  let [now, submitted] = [1000, 1000];
  for (let run = 0; run < 40; run++) {
    pace.land(50, submitted, now += 509);
    pace.land(1, submitted, now += 1);
    submitted = now;
  }
  assertAlmostEquals(pace.rate, 100, 0.1);
});

Deno.test("pace: it follows a machine that becomes slower, and time between runs is not theirs", () => {
  const pace = new Pace();
  let now = 0;
  const work = (runs: number, ms: number) => {
    for (let run = 0; run < runs; run++) {
      now += 5000; // A look at the clusters.
      const started = now;
      pace.land(20, started, now += ms);
    }
  };
  work(20, 200);
  assertAlmostEquals(pace.rate, 100, 1e-6);
  work(20, 400);
  assertAlmostEquals(pace.rate, 50, 2);
});
