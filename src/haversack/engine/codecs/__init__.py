"""What stands behind engine.photo: headers read before decoding, and a decoder for each format."""
