/** Keeps a graphics library from writing on stderr. */

/**
 * Called before the first adapter is asked for: on Linux that loads libwayland, which complains where
 * XDG_RUNTIME_DIR is not set, as on servers. A path that is none ends its search without a word. Where the
 * variable may not be written, the complaint stays.
 */
export function quietWayland(): void {
  if (Deno.build.os !== "linux" || !("gpu" in navigator)) return;
  const variable = "XDG_RUNTIME_DIR";
  if (Deno.permissions.querySync({ name: "env", variable }).state !== "granted") return;
  if (!Deno.env.get(variable)) Deno.env.set(variable, "/dev/null");
}
