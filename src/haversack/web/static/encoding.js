// @ts-check
// A worker that makes a PNG of a bitmap. On the page itself Chromium waits for idle time to do so: up
// to 7 s were measured, and 24 MP would hold the page for as long as they take.

onmessage = async (/** @type {MessageEvent<ImageBitmap>} */ { data: bitmap }) => {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  canvas.getContext("bitmaprenderer")?.transferFromImageBitmap(bitmap);
  postMessage(await canvas.convertToBlob({ type: "image/png" }));
};
