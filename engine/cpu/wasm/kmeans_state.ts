import { type Code, f32, i32, type Local } from "../assembler.ts";

/** Whether `run` goes on: word 1 of its row of `state` [runs, 4] is 0. */
export function emitRunning(state: Local, run: Local): Code {
  return f32.eq(f32.load(i32.add(state.get, i32.mul(run.get, i32.const(16))), 4), f32.const(0));
}
