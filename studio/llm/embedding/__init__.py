"""Vectors of texts from an embeddings endpoint."""
