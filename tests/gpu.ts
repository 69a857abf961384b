/** Tests that need a WebGPU adapter, a software one at least. */

const adapter = await navigator.gpu?.requestAdapter() ?? null;

/**
 * Registers a test that needs WebGPU. Without an adapter it is ignored, and says so; where the
 * environment has `REQUIRE_GPU=1` it fails instead.
 */
export function gpuTest(name: string, fn: (t: Deno.TestContext) => void | Promise<void>): void {
  if (adapter !== null) {
    Deno.test(name, fn);
  } else if (Deno.env.get("REQUIRE_GPU") === "1") {
    Deno.test(name, () => {
      throw new Error("REQUIRE_GPU=1, but WebGPU finds no adapter (on Linux: mesa-vulkan-drivers)");
    });
  } else {
    console.warn(`NOT TESTED, WebGPU finds no adapter: ${name}`);
    Deno.test({ name, ignore: true, fn });
  }
}
