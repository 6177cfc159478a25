"""THE FORMAT: what a pack is, on disk and in words. Needs no framework and no ONNX package."""
