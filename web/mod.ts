/** What a page gets: the engine, the methods, and models as bytes. Nothing here touches files. */
export * from "../engine/mod.ts";
export * from "../models/mod.ts";
export { decodeModel, encodeModel } from "../storage/model.ts";
