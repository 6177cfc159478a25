"""Graphs that packs are made of, as ONNX text."""
