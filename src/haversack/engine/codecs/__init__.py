"""What stands behind engine.image: headers read before decoding, and a decoder for each format."""
