"""What V1, V2 and photos say: from a body to an answer, without HTTP."""
