"""Prompt texts as TOML files, one a method and language; `studio.methods.templates` reads them."""
