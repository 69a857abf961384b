/** A folder of images as rows. Needs Deno's files. */
import type { Content } from "./decode.ts";
import { type ImageOptions, readImages } from "./image_rows.ts";

/**
 * Reads all images of a folder, in the order of their paths: those in it, or those in its subfolders,
 * whose names are the classes then.
 * @returns and @throws as {@linkcode readImages}.
 */
export async function readImageFolder(
  folder: string,
  options: ImageOptions = {},
  signal?: AbortSignal,
): Promise<Content> {
  const found: string[] = [];
  const walk = async (path: string) => {
    for await (const entry of Deno.readDir(path === "" ? folder : `${folder}/${path}`)) {
      // Of the system: .DS_Store and the like.
      if (entry.name.startsWith(".") || entry.name === "Thumbs.db") continue;
      const inner = path === "" ? entry.name : `${path}/${entry.name}`;
      if (entry.isDirectory) await walk(inner);
      else found.push(inner);
    }
  };
  await walk("");
  const read = (path: string) => Deno.readFile(`${folder}/${path}`);
  return await readImages(folder, found, read, options, signal);
}
