"""From bytes to a result, inside the memory there is: admission, photos, tensors."""
